"""Journal: batches, database failures and lost commit results."""

import asyncio
import math
from collections.abc import AsyncIterator, Iterable, Sequence

import pytest
import pytest_asyncio

from chatserver.errors import ChatError, NotFound, Unavailable
from chatserver.models import (
    Act,
    AddMembers,
    Change,
    Create,
    Draft,
    Edit,
    Event,
    Post,
    Receipt,
    RemoveMembers,
)
from chatserver.storage import journal as journal_module
from chatserver.storage.apply_message import Outcome
from chatserver.storage.failures import CommitUnknown, DiskBroken
from chatserver.storage.journal import QUEUE_CAPACITY, ROOM_ACT_COST, USERS_PER_BATCH, Journal


class Store:
    """In-memory log with planted failures, whose batches wait for the test."""

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
        if isinstance(failure, CommitUnknown):  # it was stored, and the result was lost
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
            return Receipt(
                known.room, known.seq, known.at, duplicate=True, participants=draft.participants
            )
        event = Event(draft.room, len(self.stored) + 1, draft.user, "hi", 0, draft.id)
        self.stored[draft.id] = event
        return event


class FakePublisher:
    """Fake publisher that records answers and publications in order."""

    def __init__(self) -> None:
        self.calls: list[str] = []
        self.gaps: list[tuple[int, ...]] = []
        self.reconnected: list[set[int]] = []

    def publish(self, room: int, events: list[Event]) -> None:
        self.calls.append("published " + " ".join(str(event.id) for event in events))

    def notify_gap(self, room: int, seq: int, participants: Iterable[int]) -> None:
        self.gaps.append((room, seq, *participants))

    def force_reconnect(self, users: Iterable[int]) -> None:
        self.reconnected.append(set(users))


class JournalHarness:
    """A running journal with a fake log and publisher."""

    def __init__(self) -> None:
        self.store = Store()
        self.room = FakePublisher()
        self.journal = Journal(self.store, self.room)
        self.answers: dict[str, list[Receipt | ChatError]] = {}

    def append(
        self,
        draft_id: str,
        *,
        room: int = 1,
        act: Act = Post("hi"),  # noqa: B008 - a frozen value
        participants: tuple[int, ...] = (),
    ) -> None:
        def settle(outcome: Receipt | ChatError) -> None:
            self.answers.setdefault(draft_id, []).append(outcome)
            self.room.calls.append(f"answered {draft_id}")

        draft = Draft(room, 1, "ann", draft_id, "digest", act, participants=participants)
        self.journal.append(draft, settle)

    def answer(self, draft_id: str) -> Receipt | ChatError:
        """Return the answer to a draft; there must be exactly one."""
        (answer,) = self.answers[draft_id]
        return answer


@pytest_asyncio.fixture
async def harness(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[JournalHarness]:
    monkeypatch.setattr(journal_module, "RETRY_DELAY", 0)
    harness = JournalHarness()
    running = asyncio.create_task(harness.journal.run())
    yield harness
    running.cancel()


async def test_the_number_of_users_that_a_commit_looks_up_or_changes_is_limited(
    harness: JournalHarness,
) -> None:
    """A change of a room costs as much as ROOM_ACT_COST users, an ordinary message nothing."""
    names = tuple(f"name{number}" for number in range(50))
    users = tuple(enumerate(names, start=2))
    for act, cost in (
        (Post("hi", mentions=names), 50),
        (Edit(1, "hi", mentions=names), 50),
        (Create("plans", users=users), ROOM_ACT_COST + 50),
        (AddMembers("invite", users), ROOM_ACT_COST + 50),
        (RemoveMembers("remove", users), ROOM_ACT_COST + 50),
        (Change("change", {"topic": "x"}), ROOM_ACT_COST),
    ):
        most = math.ceil(USERS_PER_BATCH / cost)
        harness.store.batches.clear()
        for number in range(most + 10):
            harness.append(f"{act}{number}", act=act)
        await harness.journal.drain()
        assert [len(batch) for batch in harness.store.batches] == [most, 10]
        assert all(isinstance(harness.answer(f"{act}{n}"), Receipt) for n in range(most + 10))
    harness.store.batches.clear()
    for number in range(200):
        harness.append(f"plain{number}", act=Post("hi", mentions=("bo", "cy")))
    await harness.journal.drain()
    assert [len(batch) for batch in harness.store.batches] == [200]


async def test_drafts_queued_during_a_flush_are_one_transaction(harness: JournalHarness) -> None:
    harness.store.open.clear()
    harness.append("a")
    await asyncio.sleep(0)
    for draft_id in "bcd":
        harness.append(draft_id)
    harness.store.open.set()
    await harness.journal.drain()
    assert harness.store.batches == [["a"], ["b", "c", "d"]]


async def test_nothing_is_answered_or_published_before_the_commit(harness: JournalHarness) -> None:
    harness.store.open.clear()
    harness.append("a")
    for _ in range(10):
        await asyncio.sleep(0)
    assert harness.room.calls == []
    harness.store.open.set()
    await harness.journal.drain()
    assert harness.room.calls == ["answered a", "published a"]


async def test_a_rejected_draft_does_not_affect_others(harness: JournalHarness) -> None:
    harness.append("a")
    harness.append("b", room=404)
    harness.append("c")
    await harness.journal.drain()
    assert isinstance(harness.answer("b"), NotFound)
    assert [isinstance(harness.answer(x), Receipt) for x in "ac"] == [True, True]


async def test_a_failing_draft_does_not_affect_others(
    harness: JournalHarness, caplog: pytest.LogCaptureFixture
) -> None:
    harness.store.poison = {"b"}
    for draft_id in "abc":
        harness.append(draft_id)
    await harness.journal.drain()
    assert [isinstance(harness.answer(x), Receipt) for x in "ac"] == [True, True]
    refused = harness.answer("b")
    assert isinstance(refused, ChatError)
    assert refused.code == "internal"
    assert "could not be stored" in caplog.text


async def test_an_unavailable_database_is_reported_and_recovers(harness: JournalHarness) -> None:
    harness.store.failures = [Unavailable()]
    harness.append("a")
    await harness.journal.drain()
    assert isinstance(harness.answer("a"), Unavailable)
    harness.append("b")
    await harness.journal.drain()
    assert isinstance(harness.answer("b"), Receipt)


async def test_a_commit_with_an_unknown_result_is_repeated_until_it_is_known(
    harness: JournalHarness,
) -> None:
    harness.store.failures = [CommitUnknown("lost"), Unavailable(), CommitUnknown("lost again")]
    harness.append("a")
    await harness.journal.drain()
    answer = harness.answer("a")
    assert isinstance(answer, Receipt)
    assert list(harness.store.stored) == ["a"]
    assert harness.room.gaps == [(1, answer.seq)]
    assert harness.room.reconnected == [set()]


async def test_a_conversation_created_by_a_commit_with_an_unknown_result_is_published(
    harness: JournalHarness,
) -> None:
    harness.store.failures = [CommitUnknown("lost")]
    harness.append("a", participants=(1, 2))
    await harness.journal.drain()
    assert harness.room.gaps == [(1, 1, 1, 2)]


@pytest.mark.parametrize(
    ("act", "moved"),
    [
        (Create("talk", users=((2, "bo"),)), {1, 2}),
        (AddMembers("invite", ((2, "bo"), (3, "cy"))), {2, 3}),
        (RemoveMembers("remove", ((3, "cy"),)), {3}),
    ],
)
async def test_users_whose_rooms_changed_in_an_unknown_commit_must_reconnect(
    harness: JournalHarness, act: Act, moved: set[int]
) -> None:
    harness.store.failures = [CommitUnknown("lost")]
    harness.append("a", act=act)
    await harness.journal.drain()
    assert harness.room.reconnected == [moved]
    harness.append("a", act=act)
    await harness.journal.drain()
    assert isinstance(harness.answers["a"][1], Receipt)
    assert harness.room.reconnected == [moved], "a repetition changes no memberships"


async def test_every_unknown_commit_counts_when_drafts_are_stored_one_by_one(
    harness: JournalHarness,
) -> None:
    harness.store.failures = [ValueError("a statement that cannot be made"), CommitUnknown("lost")]
    harness.append("a", act=RemoveMembers("remove", ((3, "cy"),)))
    harness.append("b")
    await harness.journal.drain()
    assert harness.store.batches == [["a", "b"], ["a"], ["a"], ["b"]]
    assert harness.room.reconnected == [{3}]


async def test_unknown_commits_of_single_drafts_are_repeated_until_they_are_known(
    harness: JournalHarness,
) -> None:
    harness.store.failures = [CommitUnknown("lost"), ValueError("no statement"), Unavailable()]
    harness.append("a")
    harness.append("b")
    await harness.journal.drain()
    assert [isinstance(harness.answer(x), Receipt) for x in "ab"] == [True, True]


async def test_after_a_failed_flush_no_draft_is_accepted(
    harness: JournalHarness, caplog: pytest.LogCaptureFixture
) -> None:
    harness.store.failures = [DiskBroken("disk I/O error")]
    harness.append("a")
    await harness.journal.drain()
    assert isinstance(harness.answer("a"), Unavailable)
    with pytest.raises(Unavailable):
        harness.append("b")
    assert "until the server is restarted" in caplog.text


async def test_drafts_queued_during_a_failed_flush_are_rejected(harness: JournalHarness) -> None:
    harness.store.open.clear()
    harness.append("a")
    await asyncio.sleep(0)
    harness.append("b")
    harness.store.failures = [DiskBroken()]
    harness.store.open.set()
    await harness.journal.drain()
    assert isinstance(harness.answer("b"), Unavailable)
    assert harness.store.stored == {}


async def test_the_queue_is_limited(harness: JournalHarness) -> None:
    harness.store.open.clear()
    for number in range(QUEUE_CAPACITY):
        harness.append(str(number))
    with pytest.raises(Unavailable):
        harness.append("one too many")
    harness.store.open.set()
    await harness.journal.drain()
    assert len(harness.answers) == QUEUE_CAPACITY


async def test_drafts_of_a_failed_writer_are_answered_and_it_can_be_restarted(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    harness = JournalHarness()

    async def broken(_drafts: object) -> list[Outcome]:
        raise RuntimeError("a bug")

    with monkeypatch.context() as patch:
        patch.setattr(harness.journal, "_outcomes", broken)
        harness.append("a")
        with pytest.raises(RuntimeError, match="a bug"):
            await harness.journal.run()
    assert type(harness.answer("a")) is ChatError
    await harness.journal.published()
    harness.append("b")
    running = asyncio.create_task(harness.journal.run())
    await harness.journal.drain()
    running.cancel()
    assert isinstance(harness.answer("b"), Receipt)


async def test_an_exception_of_one_callback_does_not_affect_others(
    harness: JournalHarness, caplog: pytest.LogCaptureFixture
) -> None:
    def broken(_outcome: object) -> None:
        raise RuntimeError("a bug")

    harness.journal.append(Draft(1, 1, "ann", "a", "digest", Post("hi")), broken)
    harness.append("b")
    await harness.journal.drain()
    assert isinstance(harness.answer("b"), Receipt)
    assert "a bug" in caplog.text
