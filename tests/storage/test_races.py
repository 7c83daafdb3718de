"""Races of acts with the end of the right to them, on both databases: none may succeed late."""

import asyncio
import os
import random
from collections.abc import Awaitable, Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from chatserver.accounts.accounts import Accounts
from chatserver.accounts.administration import Administration
from chatserver.accounts.bot_tokens import BotTokens
from chatserver.accounts.login import Login
from chatserver.accounts.login_guard import LoginGuard
from chatserver.accounts.passwords import Passwords
from chatserver.accounts.revocations import Revocations
from chatserver.accounts.session_tokens import SigningKeys, Token
from chatserver.bus.messages import SessionEnd
from chatserver.config import AuthSettings
from chatserver.errors import ChatError, CloseCode, Conflict, Unauthorized
from chatserver.models import Event, Role, Session, User
from chatserver.storage.invitations import Invite
from chatserver.storage.users import NewUser
from tests.storage.conftest import Storage, draft

RACES = 200 if os.environ.get("FAULTS") == "whole" else 15
OLD, NEW = "purple stone river", "orange cloud valley"


class NoConnections:
    """Fake of the hub, without connections."""

    on_session_ended: Callable[[SessionEnd], object] = str

    def close_session_connections(self, session_id: str, *, pending: bool = False) -> None: ...
    def close_user_connections(self, user_id: int, code: CloseCode) -> None: ...


class AccountServices:
    """The account services on one storage, with a fast password hash."""

    def __init__(self, storage: Storage, folder: Path) -> None:
        self.storage = storage
        keys = SigningKeys(folder / "keys.json", clock=self.clock)
        keys.load()
        self.weak = Passwords(memory_kib=8, time_cost=1)
        self.strong = Passwords(memory_kib=16, time_cost=1)
        shared: dict[str, Any] = {
            "users": storage.users,
            "credentials": storage.credentials,
            "closer": NoConnections(),
        }
        self.accounts = Accounts(
            **shared,
            sessions=storage.sessions,
            passwords=self.strong,
            keys=keys,
            revocations=Revocations(
                storage.sessions.revoke, folder / "revocations", NoConnections()
            ),
            guard=LoginGuard(per_account=1e9, per_address=1e9, clock=lambda: 0.0),
            settings=AuthSettings(),
            setup_token=folder / "setup",
            bot_tokens=BotTokens(storage.bots, clock=self.clock),
            clock=self.clock,
        )
        self.administration = Administration(
            **shared,
            passwords=self.strong,
            bots=storage.bots,
            publish=lambda _room, _events: None,
        )

    def clock(self) -> int:
        return self.storage.now

    def close(self) -> None:
        self.weak.close()
        self.strong.close()

    async def user(self, name: str, role: Role = Role.MEMBER) -> User:
        """Create a user with the password OLD, whose hash the next login replaces."""
        hashed = await self.weak.hash(OLD)
        return await self.storage.users.add(NewUser(name, name, hashed, role))

    async def log_in(self, name: str, password: str) -> str | None:
        """Return the id of the new session; None if the login is rejected."""
        try:
            user = await self.accounts.log_in(name, password, address="here")
            tokens = await self.accounts.open_session(user, client="")
        except ChatError:
            return None
        return (await self.accounts.authenticate(tokens.cookie)).session.id

    async def logged_in(self, user: User) -> Login:
        session = Session(f"own-{user.name}", user, self.clock(), self.clock() + 1_000_000)
        await self.storage.credentials.open_session(session, client="")
        return Login(session, Token(session.id, user.id, 0, 1))


@pytest.fixture
def services(storage: Storage, tmp_path: Path) -> Iterator[AccountServices]:
    services = AccountServices(storage, tmp_path)
    yield services
    services.close()


async def overlapping(*works: Callable[[], Awaitable[Any]]) -> list[Any]:
    """Run all concurrently, started in random order; return results and exceptions."""
    order = random.sample(range(len(works)), len(works))

    async def later(work: Callable[[], Awaitable[Any]], turns: int) -> Any:
        for _ in range(turns):
            await asyncio.sleep(0)
        return await work()

    waits = {index: random.randrange(12) for index in order}
    tasks = {index: asyncio.create_task(later(works[index], waits[index])) for index in order}
    return await asyncio.gather(*(tasks[i] for i in range(len(works))), return_exceptions=True)


async def test_no_session_of_the_old_password_survives_a_change(services: AccountServices) -> None:
    await services.user("ann", Role.ADMIN)
    for number in range(RACES):
        name = f"user{number}x"
        bo = await services.user(name)
        own = await services.logged_in(bo)
        theirs = partial(services.accounts.change_password, own, OLD, NEW, address="there")
        ours = partial(services.administration.change, None, name, password=NEW)
        change: Callable[[], Awaitable[Any]] = theirs if number % 2 else ours
        log_in = partial(services.log_in, name, OLD)
        outcomes = await overlapping(change, log_in, log_in, log_in)
        assert not isinstance(outcomes[0], BaseException), outcomes
        opened = [one for one in outcomes[1:] if isinstance(one, str)]
        assert await services.storage.sessions.not_revoked(opened) == set()
        assert await services.log_in(name, OLD) is None
        assert await services.log_in(name, NEW) is not None


async def test_no_session_survives_the_end_of_its_account(services: AccountServices) -> None:
    await services.user("ann", Role.ADMIN)
    for number in range(RACES):
        name = f"user{number}x"
        await services.user(name)
        close = partial(services.administration.change, None, name, disabled=True)
        log_in = partial(services.log_in, name, OLD)
        outcomes = await overlapping(close, log_in, log_in)
        opened = [one for one in outcomes[1:] if isinstance(one, str)]
        assert await services.storage.sessions.not_revoked(opened) == set()
        await services.administration.change(None, name, disabled=False)
        assert await services.storage.sessions.not_revoked(opened) == set()


async def test_concurrent_logins_with_an_outdated_hash_succeed(services: AccountServices) -> None:
    for number in range(RACES):
        name = f"user{number}x"
        await services.user(name)
        log_in = partial(services.log_in, name, OLD)
        assert all(isinstance(one, str) for one in await overlapping(log_in, log_in, log_in))


async def test_an_enabled_administrator_always_remains(services: AccountServices) -> None:
    ann = await services.user("ann", Role.ADMIN)
    bo = await services.user("bo", Role.ADMIN)
    change = services.administration.change
    for number in range(RACES):
        by = (ann, bo) if number % 2 else (None, None)
        await overlapping(
            partial(change, by[0], "bo", admin=False),
            partial(change, by[1], "ann", disabled=True),
        )
        left = [user for user in await services.storage.users.all() if user.is_admin]
        assert any(not user.disabled for user in left)
        for name in ("ann", "bo"):
            await change(None, name, admin=True, disabled=False)


async def test_a_demoted_administrator_cannot_create_accounts(services: AccountServices) -> None:
    await services.user("ann", Role.ADMIN)
    bo = await services.user("bo", Role.ADMIN)
    for number in range(RACES):
        name, answered = f"user{number}x", asyncio.Event()

        async def demote(answered: asyncio.Event = answered) -> None:
            await services.administration.change(None, "bo", admin=False)
            answered.set()

        async def add(name: str = name, answered: asyncio.Event = answered) -> bool:
            """Return whether an account was created after the demotion had been answered."""
            was_over = answered.is_set()
            await services.storage.users.add(NewUser(name, name, "hash"), by=bo.id)
            return was_over

        assert True not in await overlapping(demote, add)
        await services.administration.change(None, "bo", admin=True)


async def test_only_one_concurrent_setup_succeeds(services: AccountServices) -> None:
    token = services.accounts.setup_token()
    names = [f"user{number}x" for number in range(8)]
    outcomes = await overlapping(
        *(
            partial(services.accounts.set_up, token, NewUser(name, "", "", Role.ADMIN), NEW)
            for name in names
        )
    )
    assert [isinstance(one, User) for one in outcomes].count(True) == 1
    assert await services.storage.users.count() == 1


async def test_a_revoked_invitation_admits_no_user(services: AccountServices) -> None:
    for number in range(RACES):
        code, answered = f"code{number}", asyncio.Event()
        invite = Invite(code, "", services.clock(), services.clock() + 1_000, 3)
        await services.storage.invites.open(invite, by=None)

        async def revoke(code: str = code, answered: asyncio.Event = answered) -> None:
            assert await services.storage.invites.revoke(code, by=None)
            answered.set()

        async def join(
            name: str = f"user{number}x", code: str = code, answered: asyncio.Event = answered
        ) -> bool:
            was_over = answered.is_set()
            await services.accounts.add_invited(NewUser(name, "", ""), NEW, code)
            return was_over

        assert True not in await overlapping(revoke, join)


async def test_an_ended_session_is_never_renewed(services: AccountServices) -> None:
    bo = await services.user("bo")
    for number in range(RACES):
        session = Session(f"s{number}", bo, services.clock(), services.clock() + 1_000)
        await services.storage.credentials.open_session(session, client="")
        await overlapping(
            partial(services.storage.sessions.revoke, session.id),
            partial(services.accounts.renew, session.id, 60),
        )
        with pytest.raises(ChatError):
            await services.accounts.renew(session.id, 60)


async def test_a_name_imported_and_registered_concurrently_gets_one_account(
    storage: Storage,
) -> None:
    """A rejected registration does not use up the invitation."""
    invite = Invite("code", "", storage.now, storage.now + 1_000, RACES)
    await storage.invites.open(invite, by=None)
    registered = 0
    for number in range(RACES):
        imported = NewUser(f"user{number}x", "Imported", "hash")
        invited = NewUser(f"USER{number}X", "Registered", "hash")
        outcomes = await overlapping(
            partial(storage.users.add, imported),
            partial(storage.users.add_invited, invited, "code"),
            partial(storage.users.add, imported),  # the same file, imported twice at once
        )
        (made,) = [one for one in outcomes if isinstance(one, User)]
        assert [type(one) for one in outcomes if one is not made] == [Conflict] * 2
        found = await storage.users.find(imported.name)
        assert found is not None
        assert found[0].id == made.id
        registered += made.display == "Registered"
    listed = await storage.invites.list_usable(None)
    assert [one.uses_left for one in listed] == [RACES - registered] * (registered < RACES)


async def test_a_bot_cannot_post_with_a_revoked_token(services: AccountServices) -> None:
    await services.user("ann", Role.ADMIN)
    ends: list[Callable[[str], Awaitable[Any]]] = [
        partial(services.administration.renew_bot, None),
        partial(services.administration.revoke_bot, None),
        partial(services.administration.change, None, disabled=True),
        partial(services.administration.delete, None),
    ]
    for number in range(max(RACES, len(ends))):
        name = f"bot{number}x"
        _, token = await services.administration.add_bot(None, name, name, [])
        outcomes = await _posts_beside(services, token, partial(ends[number % len(ends)], name))
        assert all(isinstance(one, ChatError) for one in outcomes), outcomes
        with pytest.raises(Unauthorized):
            await services.accounts.authenticate(token)


async def _posts_beside(
    services: AccountServices, token: str, end: Callable[[], Awaitable[Any]]
) -> list[BaseException]:
    """Post with a token while it is revoked; return refusals and failed assertions."""
    ended = asyncio.Event()

    async def ending() -> None:
        await end()
        ended.set()

    async def post() -> None:
        late = ended.is_set()
        bot = (await services.accounts.authenticate(token)).session.user
        outcome = (await services.storage.log.store([draft(bot, "hi")]))[0]
        assert not (late and isinstance(outcome, Event))

    outcomes = await overlapping(ending, post, post, post)
    return [one for one in outcomes if isinstance(one, BaseException)]
