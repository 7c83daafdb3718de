"""Bots join rooms with an event, and only where they may."""

import pytest

from chatserver.errors import ChatError, Conflict, Forbidden, NotFound
from chatserver.models import Change, Create, Event, Role, User
from chatserver.storage.users import NewUser
from tests.storage.conftest import Storage, acted

NEW_BOT = NewUser("robot", "Robot", "!", Role.BOT)


async def room(storage: Storage, by: User, name: str, *, private: bool = False) -> int:
    made = await acted(storage, by, Create(title=name, name=name, private=private))
    assert isinstance(made, Event)
    return made.room


async def test_a_bot_joins_its_rooms_with_an_event_in_each(storage: Storage) -> None:
    ann, bo = await storage.user("ann", Role.ADMIN), await storage.user("bo")
    plans, open_to_all = (
        await room(storage, ann, "plans", private=True),
        await room(storage, bo, "x1"),
    )
    names = ["plans", "x1", "#Plans", str(plans), "lobby"]
    bot, joined = await storage.bots.add(NEW_BOT, "digest", names, by=ann.id)
    events = [(one.room, one.seq, one.user, one.change, one.joined_ids) for one in joined]
    assert events == [
        (plans, 2, "ann", {"action": "invite", "users": ["robot"]}, (bot.id,)),
        (open_to_all, 2, "robot", {"action": "join", "users": ["robot"]}, (bot.id,)),
    ]
    for number, before in ((plans, 1), (open_to_all, 1)):
        state = await storage.rooms.state(bot.id, number)
        assert state is not None
        assert (state.head, state.members, state.unread) == (2, before + 1, 0)


async def test_the_operator_can_add_a_bot_to_any_room(storage: Storage) -> None:
    ann = await storage.user("ann")
    plans = await room(storage, ann, "plans", private=True)
    bot, (joined,) = await storage.bots.add(NEW_BOT, "digest", ["plans"], by=None)
    assert (joined.room, joined.user, joined.joined_ids) == (plans, "robot", (bot.id,))


@pytest.mark.parametrize(
    ("names", "error"),
    [(["secret"], NotFound), (["none"], NotFound), (["old"], Forbidden), (["mine"], Forbidden)],
)
async def test_a_bot_that_may_not_join_a_room_is_not_created(
    storage: Storage, names: list[str], error: type[ChatError]
) -> None:
    ann, bo = await storage.user("ann", Role.ADMIN), await storage.user("bo", Role.ADMIN)
    await room(storage, bo, "open")
    await room(storage, bo, "secret", private=True)
    for by, name in ((bo, "old"), (ann, "mine")):
        number = await room(storage, by, name)
        await acted(storage, by, Change("archive", {"archived": True}), room=number)
    with pytest.raises(error):
        await storage.bots.add(NEW_BOT, "digest", ["open", *names], by=ann.id)
    if error is Forbidden:
        with pytest.raises(Forbidden):
            await storage.bots.add(NEW_BOT, "digest", names, by=None)
    assert await storage.overview.bots() == []
    assert await storage.users.find("robot") is None


async def test_only_a_taken_name_raises_conflict(storage: Storage) -> None:
    ann = await storage.user("ann", Role.ADMIN)
    await storage.bots.add(NEW_BOT, "digest", ["lobby", "1", "lobby"], by=ann.id)
    with pytest.raises(Conflict):
        await storage.bots.add(NEW_BOT, "other", [], by=ann.id)
