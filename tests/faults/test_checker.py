"""The checker: each of its eight counts on constructed records, and none on correct ones."""

import pytest

from tests.faults.checker import Diary, check

LOBBY, PRIVATE = 1, 2


def two_correct_diaries() -> tuple[Diary, Diary]:
    """Return records of two messages of ann that bo received; all guarantees are kept."""
    said = [(1, "ann", "a1", "hello"), (2, "ann", "a2", "still there?")]
    shown = [(LOBBY, seq, user, i) for seq, user, i, _ in said]
    ann = Diary(
        "ann",
        invoked={"a1": "hello", "a2": "still there?"},
        answered={"a1": (LOBBY, 1), "a2": (LOBBY, 2)},
        received=list(shown),
        rooms={LOBBY},
        history={LOBBY: list(said)},
    )
    bo = Diary("bo", received=list(shown), rooms={LOBBY}, history={LOBBY: list(said)})
    return ann, bo


def broken(*diaries: Diary) -> dict[str, int]:
    """Return the counts that are not 0."""
    return {name: count for name, count in check(list(diaries)).counts.items() if count}


def test_correct_records_have_no_findings() -> None:
    verdict = check(list(two_correct_diaries()))
    assert verdict.sound
    assert len(verdict.counts) == 8


def test_an_unanswered_message_may_be_stored_or_not() -> None:
    ann, bo = two_correct_diaries()
    del ann.answered["a2"]
    ann.invoked["a3"] = "lost on the way"
    assert not broken(ann, bo)


def test_an_answered_message_that_is_not_stored_is_lost() -> None:
    ann, bo = two_correct_diaries()
    ann.invoked["a3"] = "gone"
    ann.answered["a3"] = (LOBBY, 3)
    assert broken(ann, bo) == {"lost": 1}


def test_a_reply_with_another_position_is_a_loss() -> None:
    ann, bo = two_correct_diaries()
    ann.answered["a2"] = (LOBBY, 1)
    assert broken(ann, bo) == {"lost": 1}


@pytest.mark.parametrize("attempt", [{}, {"a1": "hello", "a2": "another text"}])
def test_a_message_that_was_never_sent_is_invented(attempt: dict[str, str]) -> None:
    ann, bo = two_correct_diaries()
    ann.invoked = attempt
    assert broken(ann, bo) == {"invented": 2 - len(attempt) // 2}


def test_an_id_that_is_stored_twice_is_a_duplicate() -> None:
    ann, bo = two_correct_diaries()
    for diary in (ann, bo):
        diary.history[LOBBY].append((3, "ann", "a2", "still there?"))
        diary.received.append((LOBBY, 3, "ann", "a2"))
    assert broken(ann, bo) == {"duplicated": 1}


def test_the_same_id_in_two_rooms_is_a_duplicate() -> None:
    ann, bo = two_correct_diaries()
    ann.rooms.add(PRIVATE)
    ann.history[PRIVATE] = [(1, "ann", "a2", "still there?")]
    ann.received.append((PRIVATE, 1, "ann", "a2"))
    assert broken(ann, bo) == {"duplicated": 1}


def test_a_missing_seq_is_a_gap() -> None:
    ann, bo = two_correct_diaries()
    for diary in (ann, bo):
        diary.history[LOBBY][1] = (3, "ann", "a2", "still there?")
        diary.received[1] = (LOBBY, 3, "ann", "a2")
    ann.answered["a2"] = (LOBBY, 3)
    assert broken(ann, bo) == {"gaps": 1}


def test_different_messages_at_one_position_are_a_disagreement() -> None:
    ann, bo = two_correct_diaries()
    bo.received = [(LOBBY, 1, "ann", "a2"), (LOBBY, 2, "ann", "a1")]
    assert broken(ann, bo) == {"order": 2}


def test_different_histories_are_a_disagreement() -> None:
    ann, bo = two_correct_diaries()
    bo.history[LOBBY] = [(1, "ann", "a2", "still there?")]
    assert broken(ann, bo) == {"order": 1}


def test_a_received_message_that_is_not_stored_is_a_disagreement() -> None:
    ann, bo = two_correct_diaries()
    bo.received.append((LOBBY, 3, "ann", "a3"))
    assert broken(ann, bo) == {"order": 1}


def test_messages_received_twice_are_counted() -> None:
    ann, bo = two_correct_diaries()
    bo.received.append(bo.received[0])
    assert broken(ann, bo) == {"shown_twice": 1}


def test_messages_never_received_are_counted() -> None:
    ann, bo = two_correct_diaries()
    bo.received.pop()
    assert broken(ann, bo) == {"never_shown": 1}


def test_a_message_received_by_a_nonmember_is_a_leak() -> None:
    ann, bo = two_correct_diaries()
    ann.rooms.add(PRIVATE)
    ann.invoked["a3"] = "between us"
    ann.history[PRIVATE] = [(1, "ann", "a3", "between us")]
    for diary in (ann, bo):
        diary.received.append((PRIVATE, 1, "ann", "a3"))
    assert broken(ann, bo) == {"leaked": 1}


def former_member() -> tuple[Diary, Diary]:
    """bo left with event 4, returned with 7 and left with 9; ann edited a message in between."""
    ann = Diary("ann", rooms={PRIVATE}, edited={"edited": (PRIVATE, 5)})
    bo = Diary("bo", rooms=set(), left={PRIVATE: [4, 9]})
    bo.heard = [(PRIVATE, seq, "", 0) for seq in (2, 3, 4)]
    bo.heard += [(PRIVATE, seq, "", 1) for seq in (7, 8, 9)]
    return ann, bo


def test_messages_received_during_the_membership_are_not_a_leak() -> None:
    ann, bo = former_member()
    bo.heard += [(PRIVATE, 5, "edited", 1), (PRIVATE, 12, "", 2)]
    assert not broken(ann, bo)


@pytest.mark.parametrize("event", [(5, "", 0), (10, "", 1), (3, "edited", 0)])
def test_messages_from_after_a_removal_are_a_leak(event: tuple[int, str, int]) -> None:
    ann, bo = former_member()
    bo.heard.append((PRIVATE, *event))
    assert broken(ann, bo) == {"leaked": 1}
