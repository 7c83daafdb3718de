"""Copies of parts in a bucket."""

from chatserver.files.shared_parts import Range, contiguous


def test_copies_are_read_up_to_the_first_gap() -> None:
    copies = [Range(8, 9), Range(0, 4), Range(2, 3), Range(3, 6)]
    assert contiguous(copies, 0) == [Range(0, 4), Range(3, 6)]
    assert contiguous(copies, 4) == [Range(3, 6)]
    assert contiguous(copies, 7) == []
