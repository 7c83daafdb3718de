"""Held frames: buffered while clients connect, and no longer."""

import pytest

from chatserver.realtime import held_frames
from chatserver.realtime.held_frames import HeldFrames


def test_nothing_is_held_while_no_client_connects() -> None:
    held = HeldFrames()
    held.add(1, b"a", first=1, last=1)
    held.hold()
    assert held.after(1, 0) == []


def test_the_events_after_a_seq_are_found_by_room() -> None:
    held = HeldFrames()
    held.hold()
    held.add(1, b"a", first=1, last=1)
    held.add(2, b"x", first=1, last=1)
    held.add(1, b"bc", first=2, last=3)
    assert held.after(1, 0) == [b"a", b"bc"]
    assert held.after(1, 1) == [b"bc"]
    assert held.after(1, 3) == []


def test_events_after_a_gap_are_not_returned() -> None:
    held = HeldFrames()
    held.hold()
    held.add(1, b"c", first=3, last=3)
    assert held.after(1, 1) == []


def test_frames_are_held_until_the_last_client_that_needs_them() -> None:
    held = HeldFrames()
    first = held.hold()
    held.add(1, b"a", first=1, last=1)
    second = held.hold()
    held.add(1, b"b", first=2, last=2)
    held.release(first)
    assert (held.frames_for(1), held.active) == ([b"b"], True)
    held.release(second)
    assert (held.frames_for(1), held.active) == ([], False)


def test_the_oldest_frames_are_dropped_above_the_capacity(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(held_frames, "CAPACITY", 10)
    held = HeldFrames()
    since = held.hold()
    for seq in range(1, 5):
        held.add(1, b"four", first=seq, last=seq)
    assert held.after(1, 2) == [b"four", b"four"]
    assert held.after(1, 1) == []
    held.release(since)
    assert held.frames_for(1) == []
