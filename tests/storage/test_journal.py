"""The one writer: what it batches, what it says when the database fails, what it never loses."""

import asyncio
from collections.abc import AsyncIterator, Iterable, Sequence

import pytest
import pytest_asyncio

from chatserver.errors import ChatError, NotFound, Unavailable
from chatserver.models import Act, Create, Dismiss, Draft, Edit, Enrol, Event, Message, Receipt
from chatserver.storage import journal as journal_module
from chatserver.storage.apply_message import Outcome
from chatserver.storage.failures import CommitUnknown, DiskBroken
from chatserver.storage.journal import MENTIONS_PER_BATCH, QUEUE_CAPACITY, Journal


class Store:
    """A log in memory that fails as it is told to, and holds its batches until let go."""

    def __init__(self) -> None:
        self.batches: list[list[str]] = []
        self.stored: dict[str, Event] = {}
        self.failures: list[Exception] = []
        self.poison: set[str] = set()
        self.open = asyncio.Event()
        self.open.set()

    async def store(self, drafts: Sequence[Draft]) -> list[Outcome]:
        self.batches.append([draft.id for draft in drafts])
        await self.open.wait()
        failure = self.failures.pop(0) if self.failures else None
        if isinstance(failure, CommitUnknown):  # it was stored, and the answer got lost
            self._outcomes(drafts)
        if failure is not None:
            raise failure
        if self.poison & {draft.id for draft in drafts}:
            raise ValueError("a statement that cannot be made")
        return self._outcomes(drafts)

    def _outcomes(self, drafts: Sequence[Draft]) -> list[Outcome]:
        return [self._outcome(draft) for draft in drafts]

    def _outcome(self, draft: Draft) -> Outcome:
        if draft.room == 404:
            return NotFound()
        if draft.id in self.stored:
            known = self.stored[draft.id]
            return Receipt(known.room, known.seq, known.at, duplicate=True, people=draft.people)
        event = Event(draft.room, len(self.stored) + 1, draft.user, "hi", 0, draft.id)
        self.stored[draft.id] = event
        return event


class Room:
    """Who listens, and a diary of what was answered and published in which order."""

    def __init__(self) -> None:
        self.diary: list[str] = []
        self.reminded: list[tuple[int, ...]] = []
        self.called_back: list[set[int]] = []

    def publish(self, room: int, events: list[Event]) -> None:
        self.diary.append("published " + " ".join(str(event.id) for event in events))

    def notify_gap(self, room: int, seq: int, people: Iterable[int]) -> None:
        self.reminded.append((room, seq, *people))

    def force_reconnect(self, users: Iterable[int]) -> None:
        self.called_back.append(set(users))


class Desk:
    """A journal at work."""

    def __init__(self) -> None:
        self.store = Store()
        self.room = Room()
        self.journal = Journal(self.store, self.room)
        self.answers: dict[str, list[Receipt | ChatError]] = {}

    def append(
        self,
        draft_id: str,
        *,
        room: int = 1,
        act: Act = Message("hi"),  # noqa: B008 - a frozen value
        people: tuple[int, ...] = (),
    ) -> None:
        def settle(outcome: Receipt | ChatError) -> None:
            self.answers.setdefault(draft_id, []).append(outcome)
            self.room.diary.append(f"answered {draft_id}")

        draft = Draft(room, 1, "ann", draft_id, "digest", act, people=people)
        self.journal.append(draft, settle)

    def answer(self, draft_id: str) -> Receipt | ChatError:
        """The one and only answer."""
        (answer,) = self.answers[draft_id]
        return answer


@pytest_asyncio.fixture
async def desk(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Desk]:
    monkeypatch.setattr(journal_module, "RETRY_DELAY", 0)
    desk = Desk()
    running = asyncio.create_task(desk.journal.run())
    yield desk
    running.cancel()


async def test_a_commit_looks_up_a_bounded_number_of_mentions(desk: Desk) -> None:
    """The names of 30 texts are stored with two commits, and ordinary messages with one."""
    names = tuple(f"name{number}" for number in range(50))
    most = MENTIONS_PER_BATCH // len(names)
    for act in (Message("hi", mentions=names), Edit(1, "hi", mentions=names)):
        desk.store.batches.clear()
        for number in range(most + 10):
            desk.append(f"{act}{number}", act=act)
        await desk.journal.drain()
        assert [len(batch) for batch in desk.store.batches] == [most, 10]
        assert all(isinstance(desk.answer(f"{act}{n}"), Receipt) for n in range(most + 10))
    desk.store.batches.clear()
    for number in range(200):
        desk.append(f"plain{number}", act=Message("hi", mentions=("bo", "cy")))
    await desk.journal.drain()
    assert [len(batch) for batch in desk.store.batches] == [200]


async def test_what_waits_during_a_flush_is_one_transaction(desk: Desk) -> None:
    desk.store.open.clear()
    desk.append("a")
    await asyncio.sleep(0)
    for draft_id in "bcd":
        desk.append(draft_id)
    desk.store.open.set()
    await desk.journal.drain()
    assert desk.store.batches == [["a"], ["b", "c", "d"]]


async def test_nobody_is_answered_and_nothing_published_before_the_commit(desk: Desk) -> None:
    desk.store.open.clear()
    desk.append("a")
    for _ in range(10):
        await asyncio.sleep(0)
    assert desk.room.diary == []
    desk.store.open.set()
    await desk.journal.drain()
    assert desk.room.diary == ["answered a", "published a"]


async def test_a_refusal_concerns_its_sender_alone(desk: Desk) -> None:
    desk.append("a")
    desk.append("b", room=404)
    desk.append("c")
    await desk.journal.drain()
    assert isinstance(desk.answer("b"), NotFound)
    assert [isinstance(desk.answer(x), Receipt) for x in "ac"] == [True, True]


async def test_a_statement_that_fails_for_one_fails_for_that_one_alone(
    desk: Desk, caplog: pytest.LogCaptureFixture
) -> None:
    desk.store.poison = {"b"}
    for draft_id in "abc":
        desk.append(draft_id)
    await desk.journal.drain()
    assert [isinstance(desk.answer(x), Receipt) for x in "ac"] == [True, True]
    refused = desk.answer("b")
    assert isinstance(refused, ChatError)
    assert refused.code == "internal"
    assert "could not be stored" in caplog.text


async def test_a_database_that_is_away_is_said_to_be_and_comes_back_alone(desk: Desk) -> None:
    desk.store.failures = [Unavailable()]
    desk.append("a")
    await desk.journal.drain()
    assert isinstance(desk.answer("a"), Unavailable)
    desk.append("b")
    await desk.journal.drain()
    assert isinstance(desk.answer("b"), Receipt)


async def test_a_lost_answer_to_commit_is_asked_for_until_it_is_known(desk: Desk) -> None:
    desk.store.failures = [CommitUnknown("lost"), Unavailable(), CommitUnknown("lost again")]
    desk.append("a")
    await desk.journal.drain()
    answer = desk.answer("a")
    assert isinstance(answer, Receipt)
    assert list(desk.store.stored) == ["a"]
    assert desk.room.reminded == [(1, answer.seq)]
    assert desk.room.called_back == [set()]


async def test_a_lost_answer_to_commit_hides_no_new_conversation(desk: Desk) -> None:
    desk.store.failures = [CommitUnknown("lost")]
    desk.append("a", people=(1, 2))
    await desk.journal.drain()
    assert desk.room.reminded == [(1, 1, 1, 2)]


@pytest.mark.parametrize(
    ("act", "moved"),
    [
        (Create("talk", users=((2, "bo"),)), {1, 2}),
        (Enrol("invite", ((2, "bo"), (3, "cy"))), {2, 3}),
        (Dismiss("remove", ((3, "cy"),)), {3}),
    ],
)
async def test_whose_rooms_changed_in_a_commit_without_an_answer_must_come_back(
    desk: Desk, act: Act, moved: set[int]
) -> None:
    desk.store.failures = [CommitUnknown("lost")]
    desk.append("a", act=act)
    await desk.journal.drain()
    assert desk.room.called_back == [moved]
    desk.append("a", act=act)
    await desk.journal.drain()
    assert isinstance(desk.answers["a"][1], Receipt)
    assert desk.room.called_back == [moved], "a repeat moves nobody"


async def test_every_lost_answer_counts_when_drafts_are_stored_one_by_one(desk: Desk) -> None:
    desk.store.failures = [ValueError("a statement that cannot be made"), CommitUnknown("lost")]
    desk.append("a", act=Dismiss("remove", ((3, "cy"),)))
    desk.append("b")
    await desk.journal.drain()
    assert desk.store.batches == [["a", "b"], ["a"], ["a"], ["b"]]
    assert desk.room.called_back == [{3}]


async def test_what_may_be_stored_is_asked_for_until_it_is_known_one_by_one_too(
    desk: Desk,
) -> None:
    desk.store.failures = [CommitUnknown("lost"), ValueError("no statement"), Unavailable()]
    desk.append("a")
    desk.append("b")
    await desk.journal.drain()
    assert [isinstance(desk.answer(x), Receipt) for x in "ab"] == [True, True]


async def test_after_a_failed_flush_nothing_more_is_taken(
    desk: Desk, caplog: pytest.LogCaptureFixture
) -> None:
    desk.store.failures = [DiskBroken("disk I/O error")]
    desk.append("a")
    await desk.journal.drain()
    assert isinstance(desk.answer("a"), Unavailable)
    with pytest.raises(Unavailable):
        desk.append("b")
    assert "until the server is restarted" in caplog.text


async def test_what_waits_when_a_flush_fails_is_not_stored_either(desk: Desk) -> None:
    desk.store.open.clear()
    desk.append("a")
    await asyncio.sleep(0)
    desk.append("b")
    desk.store.failures = [DiskBroken()]
    desk.store.open.set()
    await desk.journal.drain()
    assert isinstance(desk.answer("b"), Unavailable)
    assert desk.store.stored == {}


async def test_the_queue_is_bounded(desk: Desk) -> None:
    desk.store.open.clear()
    for number in range(QUEUE_CAPACITY):
        desk.append(str(number))
    with pytest.raises(Unavailable):
        desk.append("one too many")
    desk.store.open.set()
    await desk.journal.drain()
    assert len(desk.answers) == QUEUE_CAPACITY


async def test_a_writer_that_died_is_no_longer_waited_for_and_goes_on_when_restarted(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    desk = Desk()

    async def broken(_drafts: object) -> list[Outcome]:
        raise RuntimeError("a bug")

    with monkeypatch.context() as patch:
        patch.setattr(desk.journal, "_outcomes", broken)
        desk.append("a")
        with pytest.raises(RuntimeError, match="a bug"):
            await desk.journal.run()
    assert type(desk.answer("a")) is ChatError
    await desk.journal.published()
    desk.append("b")
    running = asyncio.create_task(desk.journal.run())
    await desk.journal.drain()
    running.cancel()
    assert isinstance(desk.answer("b"), Receipt)


async def test_a_bug_in_one_listener_stops_nobody_else(
    desk: Desk, caplog: pytest.LogCaptureFixture
) -> None:
    def broken(_outcome: object) -> None:
        raise RuntimeError("a bug")

    desk.journal.append(Draft(1, 1, "ann", "a", "digest", Message("hi")), broken)
    desk.append("b")
    await desk.journal.drain()
    assert isinstance(desk.answer("b"), Receipt)
    assert "a bug" in caplog.text
