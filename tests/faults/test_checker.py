"""The checker itself: each of its eight counts on logs made by hand, and none on a sound one."""

import pytest

from tests.faults.checker import Diary, check

LOBBY, PRIVATE = 1, 2


def two_who_talked() -> tuple[Diary, Diary]:
    """ann said two things, bo heard both; every promise is kept."""
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
    """Those of the eight counts that are not 0."""
    return {name: count for name, count in check(list(diaries)).counts.items() if count}


def test_a_sound_talk_is_sound() -> None:
    verdict = check(list(two_who_talked()))
    assert verdict.sound
    assert len(verdict.counts) == 8


def test_what_was_never_answered_may_be_stored_or_not() -> None:
    ann, bo = two_who_talked()
    del ann.answered["a2"]
    ann.invoked["a3"] = "lost on the way"
    assert not broken(ann, bo)


def test_an_answered_message_that_is_not_stored_is_lost() -> None:
    ann, bo = two_who_talked()
    ann.invoked["a3"] = "gone"
    ann.answered["a3"] = (LOBBY, 3)
    assert broken(ann, bo) == {"lost": 1}


def test_an_answer_that_names_another_place_is_a_loss() -> None:
    ann, bo = two_who_talked()
    ann.answered["a2"] = (LOBBY, 1)
    assert broken(ann, bo) == {"lost": 1}


@pytest.mark.parametrize("attempt", [{}, {"a1": "hello", "a2": "another text"}])
def test_what_nobody_said_is_invented(attempt: dict[str, str]) -> None:
    ann, bo = two_who_talked()
    ann.invoked = attempt
    assert broken(ann, bo) == {"invented": 2 - len(attempt) // 2}


def test_an_id_that_is_stored_twice_is_doubled() -> None:
    ann, bo = two_who_talked()
    for diary in (ann, bo):
        diary.history[LOBBY].append((3, "ann", "a2", "still there?"))
        diary.received.append((LOBBY, 3, "ann", "a2"))
    assert broken(ann, bo) == {"duplicated": 1}


def test_the_same_id_in_two_rooms_is_doubled() -> None:
    ann, bo = two_who_talked()
    ann.rooms.add(PRIVATE)
    ann.history[PRIVATE] = [(1, "ann", "a2", "still there?")]
    ann.received.append((PRIVATE, 1, "ann", "a2"))
    assert broken(ann, bo) == {"duplicated": 1}


def test_a_number_that_nobody_has_is_a_hole() -> None:
    ann, bo = two_who_talked()
    for diary in (ann, bo):
        diary.history[LOBBY][1] = (3, "ann", "a2", "still there?")
        diary.received[1] = (LOBBY, 3, "ann", "a2")
    ann.answered["a2"] = (LOBBY, 3)
    assert broken(ann, bo) == {"gaps": 1}


def test_two_who_were_shown_different_things_at_one_place_disagree() -> None:
    ann, bo = two_who_talked()
    bo.received = [(LOBBY, 1, "ann", "a2"), (LOBBY, 2, "ann", "a1")]
    assert broken(ann, bo) == {"order": 2}


def test_two_whose_histories_differ_disagree() -> None:
    ann, bo = two_who_talked()
    bo.history[LOBBY] = [(1, "ann", "a2", "still there?")]
    assert broken(ann, bo) == {"order": 1}


def test_what_was_shown_and_is_not_stored_is_a_disagreement() -> None:
    ann, bo = two_who_talked()
    bo.received.append((LOBBY, 3, "ann", "a3"))
    assert broken(ann, bo) == {"order": 1}


def test_what_one_member_was_shown_twice_is_counted() -> None:
    ann, bo = two_who_talked()
    bo.received.append(bo.received[0])
    assert broken(ann, bo) == {"shown_twice": 1}


def test_what_one_member_was_never_shown_is_counted() -> None:
    ann, bo = two_who_talked()
    bo.received.pop()
    assert broken(ann, bo) == {"never_shown": 1}


def test_what_somebody_outside_was_shown_is_a_leak() -> None:
    ann, bo = two_who_talked()
    ann.rooms.add(PRIVATE)
    ann.invoked["a3"] = "between us"
    ann.history[PRIVATE] = [(1, "ann", "a3", "between us")]
    for diary in (ann, bo):
        diary.received.append((PRIVATE, 1, "ann", "a3"))
    assert broken(ann, bo) == {"leaked": 1}


def former_member() -> tuple[Diary, Diary]:
    """bo left with 4, came back with 7 and left with 9; ann edited a message in between."""
    ann = Diary("ann", rooms={PRIVATE}, edited={"edited": (PRIVATE, 5)})
    bo = Diary("bo", rooms=set(), left={PRIVATE: [4, 9]})
    bo.heard = [(PRIVATE, seq, "", 0) for seq in (2, 3, 4)]
    bo.heard += [(PRIVATE, seq, "", 1) for seq in (7, 8, 9)]
    return ann, bo


def test_what_came_while_one_belonged_is_no_leak() -> None:
    ann, bo = former_member()
    bo.heard += [(PRIVATE, 5, "edited", 1), (PRIVATE, 12, "", 2)]
    assert not broken(ann, bo)


@pytest.mark.parametrize("event", [(5, "", 0), (10, "", 1), (3, "edited", 0)])
def test_what_came_from_behind_a_removal_is_a_leak(event: tuple[int, str, int]) -> None:
    ann, bo = former_member()
    bo.heard.append((PRIVATE, *event))
    assert broken(ann, bo) == {"leaked": 1}
