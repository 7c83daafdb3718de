"""Places of the samples of a track in its file (ISO 14496-12, 8.7)."""

import struct
from collections.abc import Callable, Iterator
from itertools import accumulate, pairwise

from chatserver.files.media import Malformed

TABLES = frozenset(b"stsz stz2 stsc stco co64".split())
MAX_ENTRIES = 1_000_000  # of one table


def sample_spans(tables: dict[bytes, bytes]) -> list[tuple[int, int]]:
    """Return start and end of the samples of each chunk. `tables`: contents of the boxes TABLES.

    Raises Malformed.
    """
    wide = b"co64" in tables
    starts = _numbers(tables.get(b"co64" if wide else b"stco"), "Q" if wide else "I")
    if not starts:
        return []
    runs = _numbers(tables.get(b"stsc"), "III")
    counts = _samples_by_chunk(list(zip(runs[::3], runs[1::3], strict=True)), len(starts))
    bytes_before = _bytes_before(tables)
    ends = [bytes_before(number) for number in accumulate(counts, initial=0)]
    sizes = (end - start for start, end in pairwise(ends))
    return [(start, start + size) for start, size in zip(starts, sizes, strict=True)]


def _samples_by_chunk(runs: list[tuple[int, int]], chunks: int) -> Iterator[int]:
    """Yield the number of samples of each chunk. `runs`: first chunk, from 1, and that number."""
    if not runs or runs[0][0] != 1:
        raise Malformed("a table is missing")
    index = 0
    for chunk in range(1, chunks + 1):
        if index + 1 < len(runs) and runs[index + 1][0] <= chunk:
            index += 1
        yield runs[index][1]


def _bytes_before(tables: dict[bytes, bytes]) -> Callable[[int], int]:
    """Return a function of a sample's number: how many bytes the earlier ones have."""
    if b"stz2" in tables:
        raise Malformed("sizes are packed")
    table = tables.get(b"stsz", b"")
    if size := int.from_bytes(table[4:8]):
        count = int.from_bytes(table[8:12])
        return lambda number: size * min(number, count)
    sums = list(accumulate(_numbers(table[4:], "I"), initial=0))
    return lambda number: sums[min(number, len(sums) - 1)]


def _numbers(table: bytes | None, entry: str) -> tuple[int, ...]:
    """Return the entries of a table, which begin with flags and their number."""
    if table is None or len(table) < 8:
        raise Malformed("a table is missing")
    count = int.from_bytes(table[4:8])
    if count > MAX_ENTRIES or len(table) - 8 < count * struct.calcsize(f">{entry}"):
        raise Malformed("a table is cut off")
    return struct.unpack_from(
        f">{entry * count}" if len(entry) > 1 else f">{count}{entry}", table, 8
    )
