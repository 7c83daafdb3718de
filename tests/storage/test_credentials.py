"""Credentials: sessions depend on the verified password; rights are checked when used."""

import asyncio
from collections.abc import Awaitable

import pytest

from chatserver.errors import ChatError, Forbidden, NotFound, Unauthorized
from chatserver.models import Change, Create, Draft, Role, Session, User
from chatserver.storage.credentials import AccountChange
from chatserver.storage.invitations import Invite
from chatserver.storage.users import NewUser
from tests.storage.conftest import Storage

NEW_PASSWORD = AccountChange(password_hash="new")
DEMOTED = AccountChange(role=Role.MEMBER)


def session(user: User, name: str = "s1", *, at: int = 1_000_000) -> Session:
    return Session(name, user, at, at + 1_000)


async def found(storage: Storage, name: str) -> tuple[User, str]:
    account = await storage.users.find(name)
    assert account is not None
    return account


async def test_a_session_verified_with_a_replaced_password_is_not_created(storage: Storage) -> None:
    ann = await storage.user("ann")
    await storage.credentials.administer(ann.id, NEW_PASSWORD, by=None)
    with pytest.raises(Unauthorized):
        await storage.credentials.open_session(session(ann), client="")
    now, _ = await found(storage, "ann")
    await storage.credentials.open_session(session(now), client="")
    assert await storage.sessions.find("s1") == session(now)


async def test_a_session_of_an_account_disabled_after_verification_is_not_created(
    storage: Storage,
) -> None:
    ann = await storage.user("ann")
    await storage.disable(ann)
    with pytest.raises(Unauthorized):
        await storage.credentials.open_session(session(ann), client="")
    await storage.disable(ann, disabled=False)
    with pytest.raises(Unauthorized):
        await storage.credentials.open_session(session(ann), client="")


async def test_a_rehash_of_an_old_password_never_replaces_a_new_password(
    storage: Storage,
) -> None:
    ann = await storage.user("ann")
    await storage.credentials.administer(ann.id, NEW_PASSWORD, by=None)
    await storage.credentials.rehash(ann.id, old="hash", new="hash again")
    assert (await found(storage, "ann"))[1] == "new"


async def test_a_rehash_of_the_same_password_keeps_the_password_version(storage: Storage) -> None:
    ann = await storage.user("ann")
    await storage.credentials.rehash(ann.id, old="hash", new="hash again")
    await storage.credentials.open_session(session(ann), client="")
    assert await found(storage, "ann") == (ann, "hash again")


async def test_changing_a_password_ends_all_other_sessions_of_the_user(storage: Storage) -> None:
    ann = await storage.user("ann")
    for name in ("s1", "s2", "s3"):
        await storage.credentials.open_session(session(ann, name), client="")
    ended = await storage.credentials.change_password(session(ann), "new", verified=0)
    assert ended == ["s2", "s3"]
    assert await storage.sessions.not_revoked(["s1", "s2", "s3"]) == {"s1"}


async def test_one_of_two_concurrent_password_changes_is_rejected(storage: Storage) -> None:
    ann = await storage.user("ann")
    await storage.credentials.open_session(session(ann), client="")
    changes = (
        storage.credentials.change_password(session(ann), hashed, verified=0)
        for hashed in ("one", "two")
    )
    outcomes = await asyncio.gather(*changes, return_exceptions=True)
    assert [type(outcome) for outcome in outcomes].count(Forbidden) == 1


async def test_an_ended_session_cannot_change_the_password(storage: Storage) -> None:
    ann = await storage.user("ann")
    await storage.credentials.open_session(session(ann), client="")
    await storage.sessions.revoke("s1")
    with pytest.raises(Unauthorized):
        await storage.credentials.change_password(session(ann), "new", verified=0)
    assert (await found(storage, "ann"))[1] == "hash"


async def test_an_ended_session_is_not_renewed(storage: Storage) -> None:
    ann = await storage.user("ann")
    await storage.credentials.open_session(session(ann), client="")
    assert await storage.sessions.extend("s1", storage.now + 2_000)
    await storage.sessions.revoke("s1")
    assert not await storage.sessions.extend("s1", storage.now + 2_000)


async def test_a_change_of_an_account_is_atomic(storage: Storage) -> None:
    ann = await storage.user("ann", Role.ADMIN)
    change = AccountChange(display="Ann B", role=Role.MEMBER, password_hash="new")
    with pytest.raises(Forbidden):
        await storage.credentials.administer(ann.id, change, by=None)
    assert await found(storage, "ann") == (ann, "hash")


# Rights that ended while a request waited --------------------------------------------------------


async def refused(work: Awaitable[object]) -> None:
    with pytest.raises((Forbidden, NotFound)):
        await work


async def test_a_demoted_administrator_changes_nothing(storage: Storage) -> None:
    ann = await storage.user("ann", Role.ADMIN)
    bo = await storage.user("bo", Role.ADMIN)
    await storage.credentials.administer(bo.id, DEMOTED, by=ann.id)
    new = NewUser("robot", "Robot", "!", Role.BOT)
    invite = Invite("code", "", storage.now, storage.now + 1_000, 3)
    bot, _ = await storage.bots.add(new, "digest", [], by=ann.id)
    await storage.invites.open(invite, by=ann.id)
    await refused(storage.credentials.administer(ann.id, NEW_PASSWORD, by=bo.id))
    await refused(storage.users.add(NewUser("cy", "Cy", "hash"), by=bo.id))
    await refused(storage.bots.add(NewUser("tin", "Tin", "!", Role.BOT), "d2", [], by=bo.id))
    await refused(storage.bots.set_token(bot.id, "d3", by=bo.id))
    await refused(storage.invites.open(Invite("c2", "", 0, storage.now + 1, 3), by=bo.id))
    await refused(storage.invites.revoke("code", by=bo.id))
    assert [user.name for user in await storage.users.all()] == ["ann", "bo", "robot"]
    assert await storage.bots.find("digest") == bot
    assert [one.code for one in await storage.invites.list_usable(None)] == ["code"]


async def test_the_right_to_change_a_room_is_checked_when_the_change_is_stored(
    storage: Storage,
) -> None:
    ann = await storage.user("ann", Role.ADMIN)
    bo = await storage.user("bo", Role.ADMIN)
    create = Create("Plans", "plans", users=((bo.id, "bo"),))
    (made,) = await storage.log.store([Draft(0, ann.id, "ann", "a1", "d", create)])
    assert not isinstance(made, ChatError)
    await storage.credentials.administer(bo.id, DEMOTED, by=ann.id)
    for number, as_server_admin in enumerate((False, True)):
        change = Change("change", {"topic": "bo's"}, as_server_admin=as_server_admin)
        draft = Draft(made.room, bo.id, "bo", f"b{number}", "d", change)
        assert isinstance((await storage.log.store([draft]))[0], Forbidden)


async def test_a_disabled_account_cannot_create_or_join_a_room(storage: Storage) -> None:
    ann = await storage.user("ann", Role.ADMIN)
    bo = await storage.user("bo")
    await storage.disable(bo)
    draft = Draft(0, bo.id, "bo", "b1", "d", Create("Plans", "plans"))
    assert isinstance((await storage.log.store([draft]))[0], NotFound)
    assert ann.is_admin


async def test_one_of_two_concurrent_new_tokens_of_a_bot_is_valid(storage: Storage) -> None:
    bot, _ = await storage.bots.add(NewUser("robot", "Robot", "!", Role.BOT), "d", [], by=None)
    for number in range(10):
        digests = [f"{number}-{one}" for one in "abc"]
        await asyncio.gather(*(storage.bots.set_token(bot.id, d, by=None) for d in digests))
        assert [bool(await storage.bots.find(d)) for d in digests].count(True) == 1
