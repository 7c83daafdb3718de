"""What is handed to the journal at once, whom a text calls, and what is an emoji."""

from chatserver.chat.messages import Chat
from chatserver.chat.room_cache import RoomCache
from chatserver.config import LimitSettings
from chatserver.errors import NotFound
from chatserver.models import Draft, Event, Message, Receipt, RoomFacts, RoomKind, User
from chatserver.storage.journal import Journal, Settle
from chatserver.storage.rooms import Rooms
from chatserver.text.markup import Renderer
from tests.fakes import FakeClock

ANN = User(7, "ann", "Ann")


class Queue(Journal):
    """A journal whose drafts a test answers."""

    def __init__(self) -> None:
        self.taken: list[tuple[Draft, Settle]] = []

    def append(self, draft: Draft, settle: Settle) -> None:
        self.taken.append((draft, settle))


class NoRooms(Rooms):
    """A database that must not be asked."""

    def __init__(self) -> None:
        pass


class Desk:
    def __init__(self) -> None:
        clock = FakeClock()
        self.queue, self.facts = Queue(), RoomCache(NoRooms())
        limits = LimitSettings()
        self.chat = Chat(self.queue, self.facts, Renderer(), limits=limits, clock=clock.ms)
        self.answers: list[object] = []

    def say(self, text: str, *, room: int) -> Draft:
        self.chat.send(ANN, text, self.answers.append, room=room)
        return self.queue.taken[-1][0]

    def tell(self, text: str, to: str) -> Draft:
        self.chat.send(ANN, text, self.answers.append, to=to)
        return self.queue.taken[-1][0]

    def store(self, **facts: object) -> Receipt:
        """Answer the last draft: it was stored as an event with these facts."""
        _draft, settle = self.queue.taken[-1]
        event = Event(**{"user": "ann", "data": "", "at": 0, "seq": 1, **facts})  # type: ignore[arg-type]
        receipt = Receipt(event.room, event.seq, event.at, event=event)
        settle(receipt)
        return receipt


def test_a_room_is_looked_up_by_storage_until_a_message_was_stored_in_it() -> None:
    desk = Desk()
    first = desk.say("hi", room=3)
    assert (first.room, first.resolved) == (3, False)
    receipt = desk.store(room=3)
    assert desk.answers == [receipt]
    second = desk.say("hi", room=3)
    assert (second.room, second.resolved, second.people) == (3, True, ())


def test_a_recipient_is_looked_up_by_storage_until_a_message_was_stored() -> None:
    desk = Desk()
    first = desk.tell("hi", "BO")
    assert (first.room, first.to, first.resolved) == (0, "BO", False)
    desk.store(room=5, to="bo", people=(2, 7))
    second = desk.tell("hi", "BO")
    assert (second.room, second.people, second.resolved) == (5, (2, 7), True)
    assert second.act == Message("hi", to="bo")
    assert desk.facts.get(5) == RoomFacts(5, RoomKind.DIRECT, ((2, "bo"), (7, "ann")))
    assert desk.say("hi", room=5).act == Message("hi", to="bo")


def test_a_note_to_oneself_names_oneself() -> None:
    desk = Desk()
    desk.tell("hi", "ann")
    desk.store(room=5, to="ann", people=(7,))
    assert desk.tell("hi", "ann").act == Message("hi", to="ann")


def test_a_refusal_teaches_nothing() -> None:
    desk = Desk()
    desk.tell("hi", "nobody")
    error = NotFound()
    desk.queue.taken[-1][1](error)
    assert desk.answers == [error]
    assert not desk.tell("hi", "nobody").resolved


def test_names_wait_for_no_query_whether_they_exist_or_not() -> None:
    desk = Desk()
    draft = desk.say("@bo and @nobody, or x@example.org", room=3)
    assert draft.act == Message("@bo and @nobody, or x@example.org", mentions=("bo", "nobody"))
