"""Slices of computation over rows."""

from dataclasses import dataclass

from chatserver.storage import slices


@dataclass
class Row:
    body: str | None
    files: str | None = None


def test_slices_count_texts_and_files() -> None:
    long = "x" * slices.SLICE
    rows = [Row("a"), Row("", long), Row(long), Row(None), Row(long[1:], None), Row("", "x")]
    assert [len(part) for part in slices.slices(rows)] == [2, 1, 3]
