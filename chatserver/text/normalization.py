"""Unicode normalization forms in linear time.

CPython sorts the combining marks after a letter by insertion, so a run of n marks takes n² steps:
one request of 64 KiB would block the event loop for seconds. Here long runs are sorted first, which
does not change the result (UAX #15: canonical ordering).
"""

import re
import unicodedata
from functools import cache
from unicodedata import combining

SHORT = 32  # marks; CPython sorts shorter runs
_SPLIT = {ord(c): unicodedata.normalize("NFD", c) for c in "\u0344\u0f73\u0f75\u0f81"}
_SPLIT_WIDE = _SPLIT | {0xFF9E: "\u3099", 0xFF9F: "\u309a"}  # marks in compatibility forms
_LAST_MARK = 0x1FFFF  # no mark has a greater code point


def nfc(text: str) -> str:
    """Normalization Form C."""
    return text if text.isascii() else unicodedata.normalize("NFC", _sorted(text, wide=False))


def nfkc(text: str) -> str:
    """Normalization Form KC."""
    return text if text.isascii() else unicodedata.normalize("NFKC", _sorted(text, wide=True))


def _sorted(text: str, *, wide: bool) -> str:
    """Decompose the marks of long runs, and put them in canonical order."""
    if not any(map(_is_mark, text[SHORT - 1 :: SHORT])):  # a long run would contain one of these
        return text
    split = _SPLIT_WIDE if wide else _SPLIT
    return _long_runs(wide=wide).sub(
        lambda run: "".join(sorted(run[0].translate(split), key=combining)), text
    )


def _is_mark(character: str) -> bool:
    return combining(character) > 0 or ord(character) in _SPLIT_WIDE


@cache
def _long_runs(*, wide: bool) -> re.Pattern[str]:
    marks = [chr(code) for code in range(0x300, _LAST_MARK + 1) if combining(chr(code))]
    marks += map(chr, _SPLIT_WIDE if wide else _SPLIT)
    return re.compile(f"[{''.join(marks)}]{{{SHORT},}}")
