"""Invalid commands for fuzzing, and the memory of a server."""

import random
import re
from collections.abc import Sequence
from pathlib import Path

import msgspec

PIECES: list[object] = [
    None,
    True,
    -1,
    0,
    2**53,
    1e308,
    "",
    "x" * 5_000,
    "\x00\u202e😀",
    [],
    {},
    [[[]]],
    {"1": 1},
]
KEYS = ["id", "room", "after", "before", "limit", "rooms", "epoch", "target", "data", "seq", "to"]


def command(chance: random.Random, kinds: Sequence[int]) -> bytes:
    """Return JSON of one of these types, with arbitrary field values."""
    chosen = {key: chance.choice(PIECES) for key in chance.sample(KEYS, chance.randint(0, 6))}
    return msgspec.json.encode({"type": chance.choice(kinds)} | chosen)


def memory(pid: int) -> float:
    """Return the resident memory in MiB."""
    found = re.search(r"VmRSS:\s+(\d+)", Path(f"/proc/{pid}/status").read_text())
    assert found is not None
    return int(found[1]) / 1024
