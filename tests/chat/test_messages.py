"""Message rules: what is passed to the journal without a query, and mentions."""

from chatserver.chat.messages import MessageCommands
from chatserver.chat.room_cache import RoomCache
from chatserver.config import FileSettings, LimitSettings
from chatserver.errors import NotFound
from chatserver.models import Draft, Event, Post, Receipt, RoomFacts, RoomKind, User
from chatserver.storage.journal import Journal, Settle
from chatserver.storage.rooms import Rooms
from chatserver.text.markup import Renderer
from tests.fakes import FakeClock

ANN = User(7, "ann", "Ann")


class FakeJournal(Journal):
    """A journal whose drafts are answered by the test."""

    def __init__(self) -> None:
        self.taken: list[tuple[Draft, Settle]] = []

    def append(self, draft: Draft, settle: Settle) -> None:
        self.taken.append((draft, settle))


class NoRooms(Rooms):
    """Rooms that must not be queried."""

    def __init__(self) -> None:
        pass


class MessagesHarness:
    def __init__(self) -> None:
        clock = FakeClock()
        self.queue, self.facts = FakeJournal(), RoomCache(NoRooms())
        limits = LimitSettings()
        self.chat = MessageCommands(
            self.queue, self.facts, Renderer(), limits=limits, files=FileSettings(), clock=clock.ms
        )
        self.answers: list[object] = []

    def say(self, text: str, *, room: int) -> Draft:
        self.chat.send(ANN, text, self.answers.append, room=room)
        return self.queue.taken[-1][0]

    def send_direct(self, text: str, to: str) -> Draft:
        self.chat.send(ANN, text, self.answers.append, to=to)
        return self.queue.taken[-1][0]

    def store(self, **facts: object) -> Receipt:
        """Answer the last draft as stored, with an event of these fields."""
        _draft, settle = self.queue.taken[-1]
        event = Event(**{"user": "ann", "data": "", "at": 0, "seq": 1, **facts})  # type: ignore[arg-type]
        receipt = Receipt(event.room, event.seq, event.at, event=event)
        settle(receipt)
        return receipt


def test_storage_looks_up_a_room_until_a_message_was_stored_in_it() -> None:
    harness = MessagesHarness()
    first = harness.say("hi", room=3)
    assert (first.room, first.resolved) == (3, False)
    receipt = harness.store(room=3)
    assert harness.answers == [receipt]
    second = harness.say("hi", room=3)
    assert (second.room, second.resolved, second.participants) == (3, True, ())


def test_storage_looks_up_a_recipient_until_a_message_was_stored() -> None:
    harness = MessagesHarness()
    first = harness.send_direct("hi", "BO")
    assert (first.room, first.to, first.resolved) == (0, "BO", False)
    harness.store(room=5, to="bo", participants=(2, 7))
    second = harness.send_direct("hi", "BO")
    assert (second.room, second.participants, second.resolved) == (5, (2, 7), True)
    assert second.act == Post("hi", to="bo")
    assert harness.facts.get(5) == RoomFacts(5, RoomKind.DIRECT, ((2, "bo"), (7, "ann")))
    assert harness.say("hi", room=5).act == Post("hi", to="bo")


def test_a_direct_message_to_oneself_has_the_name_of_the_sender() -> None:
    harness = MessagesHarness()
    harness.send_direct("hi", "ann")
    harness.store(room=5, to="ann", participants=(7,))
    assert harness.send_direct("hi", "ann").act == Post("hi", to="ann")


def test_a_rejection_is_not_cached() -> None:
    harness = MessagesHarness()
    harness.send_direct("hi", "nobody")
    error = NotFound()
    harness.queue.taken[-1][1](error)
    assert harness.answers == [error]
    assert not harness.send_direct("hi", "nobody").resolved


def test_mentions_need_no_query() -> None:
    harness = MessagesHarness()
    draft = harness.say("@bo and @nobody, or x@example.org", room=3)
    assert draft.act == Post("@bo and @nobody, or x@example.org", mentions=("bo", "nobody"))
