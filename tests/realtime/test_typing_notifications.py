"""Typing notifications: limits of frames by room and by user."""

from typing import Any

import pytest

from chatserver.models import User
from chatserver.realtime.typing_notifications import TypingNotifications
from tests.fakes import FakeClock
from tests.realtime.test_read_positions import connected


class Crowd:
    """Fake hub with so many subscribers in each room; counts the frames."""

    def __init__(self, listeners: int) -> None:
        self._listeners = listeners
        self.sent = 0
        self.subscriptions = self

    def count_subscribers(self, _room: int) -> int:
        return self._listeners

    def send_ephemeral(self, _frames: bytes, **_to: object) -> None:
        self.sent += 1


@pytest.mark.parametrize(("listeners", "sent"), [(10, 400), (1_000, 10), (5_000, 2)])
async def test_the_number_of_typing_frames_in_a_room_is_limited(listeners: int, sent: int) -> None:
    hub: Any = Crowd(listeners)
    typing = TypingNotifications(hub, clock=FakeClock())
    for number in range(400):
        user = connected(7)
        user.user = User(number, f"user{number}", "User")
        typing.send(user, 7)
    assert hub.sent == sent


async def test_typing_in_many_rooms_sends_as_many_frames_as_in_one() -> None:
    hub: Any = Crowd(1_000)
    typing = TypingNotifications(hub, clock=FakeClock())
    ann = connected(*range(100))
    for room in range(100):
        typing.send(ann, room)
    assert hub.sent == 10
