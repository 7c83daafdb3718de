"""File names as they are stored and sent. They are never a path on the server's disk."""

import re

from chatserver.text.names import visible_line

MAX_BYTES = 200  # of UTF-8
MAX_EXTENSION = 20  # characters, with the dot
UNNAMED = "file"

_FORBIDDEN = re.compile("[/\\\\\x00-\x1f\x7f-\x9f\u2028\u2029]")  # in paths and headers


def cleaned(name: str) -> str:
    """Return a name without characters that deceive or harm, cut before its extension."""
    kept = visible_line(_FORBIDDEN.sub("", name))
    if not kept.strip("."):
        return UNNAMED
    return visible_line(_cut(kept)) if len(kept.encode()) > MAX_BYTES else kept


def _cut(name: str) -> str:
    stem, dot, extension = name.rpartition(".")
    if not dot or not stem or len(extension) >= MAX_EXTENSION:
        stem, dot, extension = name, "", ""
    left = MAX_BYTES - len((dot + extension).encode())
    return stem.encode()[:left].decode(errors="ignore") + dot + extension
