"""File names as they are stored and sent. They are never a path on the server's disk."""

import re

from chatserver.text.normalization import nfc

LONGEST = 200  # bytes of UTF-8
LONGEST_ENDING = 20  # characters, with the dot
UNNAMED = "file"

# Separators of paths, control characters, surrogates, and marks that reorder the shown text.
_FORBIDDEN = re.compile(
    "[/\\\\\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff\u200e\u200f\u061c\u202a-\u202e\u2066-\u2069]"
)


def cleaned(name: str) -> str:
    """Return a name without characters that deceive or harm, cut before its ending."""
    kept = " ".join(_FORBIDDEN.sub("", nfc(name)).split())
    if not kept.strip("."):
        return UNNAMED
    return _cut(kept) if len(kept.encode()) > LONGEST else kept


def _cut(name: str) -> str:
    stem, dot, ending = name.rpartition(".")
    if not dot or not stem or len(ending) >= LONGEST_ENDING:
        stem, dot, ending = name, "", ""
    left = LONGEST - len((dot + ending).encode())
    return stem.encode()[:left].decode(errors="ignore") + dot + ending
