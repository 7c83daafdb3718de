"""Metadata for administrators, on both databases."""

import asyncio

import pytest

from chatserver.errors import Forbidden, NotFound
from chatserver.models import Role
from chatserver.storage.credentials import AccountChange
from chatserver.storage.invitations import Invite
from chatserver.storage.users import NewUser
from tests.storage.conftest import Storage, draft


async def test_counts_and_times_are_reported(storage: Storage) -> None:
    ann = await storage.user("ann", Role.ADMIN)
    new = NewUser("robot", "Robot", "!", Role.BOT)
    await storage.bots.add(new, "digest", ["lobby"], by=ann.id)
    await storage.log.store([draft(ann, "hello"), draft(ann, "again")])
    (lobby,) = await storage.overview.rooms()
    assert (lobby.name, lobby.members, lobby.messages) == ("lobby", 2, 2)
    assert lobby.last_at == storage.now
    (user,) = await storage.overview.users("", 10)
    assert (user.name, user.role, user.last_seen_at) == ("ann", Role.ADMIN, None)
    (bot,) = await storage.overview.bots()
    assert (bot.name, bot.token_since, bot.rooms) == ("robot", storage.now, ["lobby"])
    assert await storage.database.size() > 0


async def test_one_of_two_administrators_who_demote_each_other_remains(storage: Storage) -> None:
    ann, bo = await storage.user("ann", Role.ADMIN), await storage.user("bo", Role.ADMIN)
    results = await asyncio.gather(
        storage.credentials.administer(ann.id, AccountChange(role=Role.MEMBER), by=None),
        storage.disable(bo),
        return_exceptions=True,
    )
    assert [type(result) for result in results].count(Forbidden) == 1


async def test_a_new_token_replaces_the_previous_one(storage: Storage) -> None:
    new = NewUser("robot", "Robot", "!", Role.BOT)
    bot, _ = await storage.bots.add(new, "first", [], by=None)
    await storage.bots.set_token(bot.id, "second", by=None)
    assert await storage.bots.find("first") is None
    assert await storage.bots.find("second") == bot
    await storage.bots.set_token(bot.id, None, by=None)
    assert await storage.bots.find("second") is None


async def test_an_invitation_has_the_title_of_its_room(storage: Storage) -> None:
    ann, bo = await storage.user("ann", Role.ADMIN), await storage.user("bo", Role.ADMIN)
    invite = Invite("code", "", storage.now, storage.now + 1_000, 3)
    await storage.invites.open(invite, by=ann.id, into="#Lobby")
    (found,) = await storage.invites.list_usable(None)
    assert (found.room, found.title) == (1, "Lobby")
    with pytest.raises(NotFound):
        await storage.invites.open(invite, by=bo.id, into="nowhere")
