"""Text of text files, whose encoding is found from their bytes: UTF-8, UTF-16 or GB18030."""

import codecs
from pathlib import Path

BYTES_PER_CHARACTER = 4  # at most, in each of the encodings
_MARKS = {codecs.BOM_UTF16_LE: "utf-16-le", codecs.BOM_UTF16_BE: "utf-16-be"}
_ALLOWED = frozenset("\t\n\r\f\v\x1b")


def read(path: Path, characters: int) -> str | None:
    """Return the first characters of a text file, or None if it is no text."""
    with path.open("rb") as file:
        content = file.read(characters * BYTES_PER_CHARACTER)
    text = _decoded(content)
    return None if text is None or _is_binary(text) else text[:characters]


def _decoded(content: bytes) -> str | None:
    mark = _MARKS.get(content[:2])
    for encoding in (mark,) if mark is not None else ("utf-8-sig", "gb18030"):
        try:  # the last character may be cut
            text = codecs.getincrementaldecoder(encoding)().decode(content)
            return text.removeprefix("\ufeff")
        except UnicodeDecodeError:
            continue
    return None


def _is_binary(text: str) -> bool:
    return any(c < " " and c not in _ALLOWED for c in set(text))
