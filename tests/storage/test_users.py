"""Accounts, sessions and invitations in the database."""

import asyncio

import pytest

from chatserver.errors import ChatError, Conflict, Forbidden, NotFound
from chatserver.models import Role, Session, User
from chatserver.storage.invitations import Invite
from chatserver.storage.tables import sessions
from chatserver.storage.users import NewUser
from tests.storage.conftest import Storage


def new(name: str, role: Role = Role.MEMBER) -> NewUser:
    return NewUser(name, name, "hash", role, "zh_CN")


@pytest.mark.parametrize("other", ["ann", "ANN", "ａｎｎ"])
async def test_a_name_is_taken_in_any_case_and_width(storage: Storage, other: str) -> None:
    await storage.users.add(new("ann"))
    with pytest.raises(Conflict):
        await storage.users.add(new(other))
    assert await storage.users.count() == 1


async def test_names_that_are_equal_only_in_a_collation_are_different(storage: Storage) -> None:
    for name in ("jose", "josé", "安", "按"):
        await storage.users.add(new(name))
    assert [user.name for user in await storage.users.all()] == ["jose", "josé", "安", "按"]


async def test_only_one_of_two_concurrent_setups_succeeds(storage: Storage) -> None:
    results = await asyncio.gather(
        *(storage.users.add(new(name, Role.ADMIN), first=True) for name in ("ann", "bo")),
        return_exceptions=True,
    )
    assert sum(isinstance(result, User) for result in results) == 1
    assert sum(isinstance(result, ChatError) for result in results) == 1
    with pytest.raises(Forbidden):
        await storage.users.add(new("cy"), first=True)


async def test_a_session_is_valid_until_it_expires_or_is_revoked(storage: Storage) -> None:
    ann = await storage.user("ann")
    session = Session("s1", ann, storage.now, storage.now + 1_000)
    await storage.credentials.open_session(session, client="x" * 500)
    assert await storage.sessions.find("s1") == session
    assert await storage.sessions.find("S1") is None
    storage.now += 999
    await storage.sessions.extend("s1", storage.now + 1_000)
    storage.now += 999
    assert await storage.sessions.find("s1") is not None
    assert await storage.sessions.not_revoked(["s1", "s2"]) == {"s1"}
    await storage.sessions.revoke("s1")
    assert await storage.sessions.find("s1") is None
    await storage.sessions.extend("s1", storage.now + 1_000)
    assert await storage.sessions.not_revoked(["s1"]) == set()


async def test_last_seen_times_never_move_back(storage: Storage) -> None:
    ann = await storage.user("ann")
    for name in ("s1", "s2"):
        session = Session(name, ann, storage.now, storage.now + 1_000)
        await storage.credentials.open_session(session, client="")
    await storage.sessions.record_last_seen(
        {"s1": storage.now + 5, "s2": storage.now - 5, "gone": 1}
    )
    found = {
        one.id: one.last_seen_at - storage.now for one in await storage.sessions.list_open(ann.id)
    }
    assert found == {"s1": 5, "s2": 0}


async def test_a_session_expires_at_its_time(storage: Storage) -> None:
    ann = await storage.user("ann")
    session = Session("s1", ann, storage.now, storage.now + 1)
    await storage.credentials.open_session(session, client="")
    storage.now += 1
    assert await storage.sessions.find("s1") is None


async def test_disabling_an_account_ends_its_sessions_permanently(storage: Storage) -> None:
    ann = await storage.user("ann")
    session = Session("s1", ann, storage.now, storage.now + 1_000)
    await storage.credentials.open_session(session, client="")
    await storage.user("bo", Role.ADMIN)
    await storage.disable(ann)
    assert await storage.sessions.find("s1") is None
    await storage.disable(ann, disabled=False)
    assert await storage.sessions.find("s1") is None


async def test_an_invitation_admits_a_limited_number_of_users(storage: Storage) -> None:
    ann = await storage.user("ann", Role.ADMIN)
    invite = Invite("code", "", storage.now, storage.now + 1_000, 3)
    await storage.invites.open(invite, by=ann.id)
    results = await asyncio.gather(
        *(storage.users.add_invited(new(f"bo{number}"), "code") for number in range(6)),
        return_exceptions=True,
    )
    assert sum(isinstance(result, User) for result in results) == 3
    assert sum(isinstance(result, NotFound) for result in results) == 3
    assert await storage.users.count() == 4
    assert await storage.invites.list_usable(None) == []


async def test_an_invitation_from_the_future_is_not_accepted(storage: Storage) -> None:
    storage.now += 365 * 86_400_000  # while the clock is wrong
    await storage.invites.open(Invite("code", "", storage.now, storage.now + 1_000, 3), by=None)
    storage.now -= 365 * 86_400_000
    assert await storage.invites.list_usable(None) == []
    with pytest.raises(NotFound):
        await storage.users.add_invited(new("bo"), "code")


async def test_last_seen_times_move_back_only_from_the_future(storage: Storage) -> None:
    ann = await storage.user("ann")
    row = {"id": "s", "user_id": ann.id, "created_at": 1, "expires_at": 2**52, "client": ""}
    query = sessions.insert().values({**row, "last_seen_at": 1})
    await storage.database.transaction(lambda c: c.execute(query))
    for at, kept in ((5_000_000, 5_000_000), (4_000_000, 5_000_000), (10**12, 10**12)):
        await storage.sessions.record_last_seen({"s": at})
        assert [one.last_seen_at for one in await storage.sessions.list_open(ann.id)] == [kept]
    await storage.sessions.record_last_seen({"s": 6_000_000})
    assert [one.last_seen_at for one in await storage.sessions.list_open(ann.id)] == [6_000_000]


async def test_an_invitation_ends_when_it_expires_or_is_revoked(storage: Storage) -> None:
    for code in ("first", "second"):
        invite = Invite(code, "", storage.now, storage.now + 1_000, 3)
        await storage.invites.open(invite, by=None)
    assert await storage.invites.revoke("first", by=None)
    assert not await storage.invites.revoke("third", by=None)
    assert [invite.code for invite in await storage.invites.list_usable(None)] == ["second"]
    storage.now += 1_000
    with pytest.raises(NotFound):
        await storage.users.add_invited(new("bo"), "second")
