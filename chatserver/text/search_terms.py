"""Tokenization for search, independent of the database; for queries see `search_query`.

The index may return false positives and never false negatives: tokens are truncated and characters
may share a code, so every candidate is verified by `search_query.matches`.
"""

import re
import string
import unicodedata
from collections.abc import Callable, Iterator
from itertools import pairwise
from operator import add

from chatserver.text.normalization import nfkc

WORD_LENGTH = 80  # characters; longer tokens are truncated. InnoDB drops tokens of more than 84
TABLE_SIZE = 40_000  # characters in a translation table: enough for Chinese, Japanese and Korean

# Every token begins with "x" and its kind, because InnoDB drops stop words and short tokens.
WORD, CHARACTERS, SYMBOL, ROOM, SENDER, KIND = "xw", "xc", "xs", "xr", "xu", "xf"

# Written without spaces, and found by any part: Chinese, Japanese, Korean, and the scripts of
# Thailand, Laos, Burma and Cambodia.
UNSPACED = (
    (0x0E00, 0x0EFF),
    (0x1000, 0x109F),
    (0x1100, 0x11FF),
    (0x1780, 0x17FF),
    (0x2E80, 0x2FDF),
    (0x3005, 0x318F),
    (0x31A0, 0x31FF),
    (0x3400, 0x4DBF),
    (0x4E00, 0x9FFF),
    (0xA960, 0xA97F),
    (0xAC00, 0xD7FF),
    (0xF900, 0xFAFF),
    (0x1B000, 0x1B16F),
    (0x20000, 0x3FFFF),
)

# Invisible characters, and typographic quotes and hyphens, which phones insert for plain ones.
_PLAIN = {
    **dict.fromkeys([0xAD, *range(0x200B, 0x2010), *range(0x202A, 0x202F), 0x2060, 0xFEFF], ""),
    **dict.fromkeys([*range(0x2066, 0x206A), *range(0xFE00, 0xFE10)], ""),
    **dict.fromkeys(map(ord, "‘’‛"), "'"),
    **dict.fromkeys(map(ord, "“”‟"), '"'),
    **dict.fromkeys(map(ord, "‐‑"), "-"),
}
_FINE = re.compile(f"[{''.join(map(chr, _PLAIN))}]")


def fold(text: str) -> str:
    """Return the form in which texts are compared: NFKC, case folded, single spaces."""
    if not text.isascii():
        text = nfkc(plain(text).casefold())
    return " ".join(text.lower().split())


def plain(text: str) -> str:
    """Return the NFKC form, with plain quotes and hyphens."""
    return _FINE.sub(lambda found: _PLAIN[ord(found[0])], nfkc(text))


def tokens(text: str) -> str:
    """Return the distinct tokens of a body, in ASCII, separated by spaces."""
    if text.isascii():
        return _tokens_of_ascii(text)
    words: dict[str, None] = {}
    characters: dict[str, None] = {}
    symbols: list[str] = []
    for run in dict.fromkeys(runs(fold(text))):
        if run[0] == "C":
            digits = run[1:].split("C")
            characters.update(dict.fromkeys(map(add, digits, digits[1:])))
            characters[digits[-1]] = None
        elif run[0] == "S":
            symbols.append(run[1:])
        else:
            words[run[:WORD_LENGTH]] = None
    kinds = ((WORD, words), (CHARACTERS, characters), (SYMBOL, symbols))
    return "".join(f" {kind}".join(["", *found]) for kind, found in kinds)[1:]


def _tokens_of_ascii(text: str) -> str:
    """Do the same for ASCII in a quarter of the time, by `bytes.translate`."""
    raw = text.encode()
    words = dict.fromkeys(raw.translate(_ASCII_WORDS).decode().split())
    if len(text) - 2 * (len(words) - 1) > WORD_LENGTH:  # otherwise no word can be longer
        words = dict.fromkeys([word[:WORD_LENGTH] for word in words])
    marks = [_ASCII_MARKS[mark] for mark in set(raw.translate(None, _NO_MARKS))]
    return "".join([f" {WORD}".join(["", *words]), *marks])[1:]


def room_token(room: int) -> str:
    return f"{ROOM}{room}"


def sender_token(user_id: int) -> str:
    return f"{SENDER}{user_id}"


# Tokens ------------------------------------------------------------------------------------------

_WIDTH = 3  # digits that stand for a character beyond ASCII
_DIGITS = "0123456789abcdefghijklmnopqrstuvwxyz"
_RUNS = re.compile(rf"(?:C.{{{_WIDTH}}})+|S.{{{_WIDTH}}}|[0-9a-z]+")


def _code(character: int) -> str:
    """Return three digits for a character. Several may share a code: see `matches`."""
    high, low = divmod(character % 36**_WIDTH, 36)
    return _DIGITS[high // 36] + _DIGITS[high % 36] + _DIGITS[low]


class _Table(dict[int, str]):
    """Cache for str.translate: the result of `make`, for at most TABLE_SIZE characters."""

    def __init__(self, make: Callable[[int], str]) -> None:
        super().__init__()
        self._make = make

    def __missing__(self, character: int) -> str:
        if len(self) >= TABLE_SIZE:
            self.clear()
        self[character] = found = self._make(character)
        return found


def _written(character: int) -> str:
    """Return what replaces a character before the text is split into runs.

    A letter becomes itself or its code, so that prefixes stay prefixes; a letter of an unspaced
    script C and its code, a symbol S and its code between spaces, other characters a space.
    """
    kind = unicodedata.category(chr(character))[0]
    if kind in "PS":
        return f" S{_code(character)} "
    if kind not in "LMN":
        return " "
    if character < 0x80:
        return chr(character).lower()
    unspaced = any(first <= character <= last for first, last in UNSPACED)
    return f"C{_code(character)}" if unspaced else _code(character)


def _kind(character: int) -> str:
    return "w" if _TABLE[character][0] in _DIGITS else "-"


_TABLE = _Table(_written)
_KINDS = _Table(_kind)
_SAME_KIND = re.compile("w+|-+")
_ASCII = bytes(range(0x80))
_NO_MARKS = bytes(set(_ASCII) - set(string.punctuation.encode()))
_ASCII_WORDS = bytes(c if chr(c).isalnum() else 0x20 for c in _ASCII.lower()).ljust(256)
_ASCII_MARKS = {ord(mark): f" {SYMBOL}{_code(ord(mark))}" for mark in string.punctuation}


def same_kinds(text: str) -> Iterator[str]:
    """Yield the parts of a folded text that are words, and those between them."""
    for found in _SAME_KIND.finditer(text.translate(_KINDS)):
        yield text[found.start() : found.end()]


def in_word(character: str) -> bool:
    return _TABLE[ord(character)][0] in _DIGITS


def is_letter(character: str) -> bool:
    return _TABLE[ord(character)][0] != " "


def runs(folded: str) -> list[str]:
    runs: list[str] = _RUNS.findall(folded.translate(_TABLE))
    return runs


def pairs(run: str) -> list[str]:
    digits = run[1:].split("C")
    return [CHARACTERS + one + two for one, two in pairwise(digits)]


def token(run: str) -> str:
    return SYMBOL + run[1:] if run[0] == "S" else WORD + run[:WORD_LENGTH]
