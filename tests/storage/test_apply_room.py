"""Rules of rooms: who may change them and their members."""

import pytest

from chatserver.errors import Forbidden
from chatserver.models import LOBBY, Change, Event, Post, RemoveMembers, Role, RoomAct
from tests.storage.conftest import Storage, acting, unresolved

BO = ((2, "bo"),)


@pytest.mark.parametrize(
    ("act", "in_lobby", "sentence"),
    [
        (RemoveMembers("leave", ()), True, "You cannot leave this conversation."),
        (RemoveMembers("leave", ()), False, "You cannot leave this conversation."),
        (RemoveMembers("remove", BO), True, "No one can be removed from this conversation."),
        (RemoveMembers("remove", BO), False, "No one can be removed from this conversation."),
        (Change("change", {"name": "plaza"}), True, "The lobby cannot be renamed."),
        (Change("change", {"private": True}), True, "The lobby stays open to everyone."),
        (Change("archive", {"archived": True}), True, "The lobby stays open to everyone."),
        (Change("change", {"title": "We"}), False, "A direct conversation cannot be changed."),
    ],
)
async def test_a_refused_act_names_its_reason(
    storage: Storage, act: RoomAct, in_lobby: bool, sentence: str
) -> None:
    ann = await storage.user("ann", Role.ADMIN)
    await storage.user("bo")
    (message,) = await storage.log.store([unresolved(ann, Post("hi"), to="bo")])
    assert isinstance(message, Event)
    room = LOBBY if in_lobby else message.room
    (refused,) = await storage.log.store([acting(ann, act, room=room)])
    assert (type(refused), str(refused)) == (Forbidden, sentence)
