"""Tokenization, parsing of queries and matching for search, independent of the database.

`tokens` returns the tokens of a text for the index, `parse` those of a query, and `matches`
compares a query with a text. The index may return false positives and never false negatives: tokens
are truncated and characters may share a code, so every candidate is verified by `matches`.
"""

import re
import string
import unicodedata
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import pairwise
from operator import add

from chatserver.errors import BadRequest, _
from chatserver.text.normalization import nfkc

QUERY_LENGTH = 500  # characters
EXPANDED_LENGTH = 2_000  # the same in NFKC, where one character may become eighteen
WORD_LENGTH = 80  # characters; longer tokens are truncated. InnoDB drops tokens of more than 84
TABLE_SIZE = 40_000  # characters in a translation table: enough for Chinese, Japanese and Korean
TERMS = 16  # words of a query that the index is searched for; `matches` checks all of them

# Every token begins with "x" and its kind, because InnoDB drops stop words and short tokens.
WORD, CHARACTERS, SYMBOL, ROOM, SENDER = "xw", "xc", "xs", "xr", "xu"

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


@dataclass(frozen=True, slots=True)
class Piece:
    """Folded text that a body must contain. `whole_start`, `whole_end`: at a word boundary."""

    text: str
    whole_start: bool
    whole_end: bool


@dataclass(frozen=True, slots=True)
class Query:
    """A parsed query. Times are ms UTC: `after` <= at < `before`.

    `terms` are tokens that must all be in the index; one that ends in * is a prefix.
    """

    terms: tuple[str, ...] = ()
    pieces: tuple[Piece, ...] = ()
    sender: str | None = None
    room: str | None = None
    before: int | None = None
    after: int | None = None


def fold(text: str) -> str:
    """Return the form in which texts are compared: NFKC, case folded, single spaces."""
    if not text.isascii():
        text = nfkc(_plain(text).casefold())
    return " ".join(text.lower().split())


def _plain(text: str) -> str:
    """Return the NFKC form, with plain quotes and hyphens."""
    return _FINE.sub(lambda found: _PLAIN[ord(found[0])], nfkc(text))


def tokens(text: str) -> str:
    """Return the distinct tokens of a body, in ASCII, separated by spaces."""
    if text.isascii():
        return _tokens_of_ascii(text)
    words: dict[str, None] = {}
    characters: dict[str, None] = {}
    symbols: list[str] = []
    for run in dict.fromkeys(_runs(fold(text))):
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


def matches(query: Query, body: str) -> bool:
    """Whether a body contains all pieces of the query."""
    return holds(query, fold(body))


def holds(query: Query, text: str) -> bool:
    """Whether a folded body contains all pieces, in time linear in its length."""
    doubtful = []
    for piece in query.pieces:
        at = text.find(piece.text)
        if at < 0:
            return False
        if not _is_free(piece, text, at):
            doubtful.append(piece)
    return not doubtful or _stand(doubtful, text)


def _is_free(piece: Piece, text: str, at: int) -> bool:
    """Whether a piece at this position respects word boundaries."""
    end = at + len(piece.text)
    inside_before = piece.whole_start and at > 0 and _in_word(text[at - 1])
    inside_after = piece.whole_end and end < len(text) and _in_word(text[end])
    return not inside_before and not inside_after


def _stand(pieces: Iterable[Piece], text: str) -> bool:
    """Whether every piece occurs at word boundaries, however often it occurs elsewhere.

    Word boundaries are marked in pieces and text, so that one search for each piece suffices.
    """
    marked = _marked(text)
    return all(_marked_piece(piece) in marked for piece in pieces)


_EDGE = "\n"  # folded text has none


def _marked(text: str) -> str:
    """Return a folded text with marks at all word boundaries and at both ends."""
    kinds = text.translate(_KINDS)
    parts = (text[found.start() : found.end()] for found in _SAME_KIND.finditer(kinds))
    return f"{_EDGE}{_EDGE.join(parts)}{_EDGE}"


def _marked_piece(piece: Piece) -> str:
    start, end = int(not piece.whole_start), -1 if not piece.whole_end else None
    return _marked(piece.text)[start:end]


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


def _in_word(character: str) -> bool:
    return _TABLE[ord(character)][0] in _DIGITS


def _is_letter(character: str) -> bool:
    return _TABLE[ord(character)][0] != " "


def _runs(folded: str) -> list[str]:
    runs: list[str] = _RUNS.findall(folded.translate(_TABLE))
    return runs


def _pairs(run: str) -> list[str]:
    digits = run[1:].split("C")
    return [CHARACTERS + one + two for one, two in pairwise(digits)]


def _token(run: str) -> str:
    return SYMBOL + run[1:] if run[0] == "S" else WORD + run[:WORD_LENGTH]


# Queries -----------------------------------------------------------------------------------------

_PARTS = re.compile(r'(?i:(from|in|before|after)):("[^"]+"|\S*)|"([^"]+)"|(\S+)')


def parse(text: str) -> Query:
    """Parse a query: words, "phrases", prefixes* and the filters from: in: before: after:.

    Raises BadRequest for invalid filters and for a query without content.
    """
    if len(text) > QUERY_LENGTH:
        raise BadRequest(_("That is too long for a search."))
    filters: dict[str, str] = {}
    pieces: dict[Piece, None] = {}
    terms: dict[str, None] = {}
    plain = _plain(text)
    if len(plain) > EXPANDED_LENGTH:
        raise BadRequest(_("That is too long for a search."))
    for name, value, phrase, word in _PARTS.findall(plain):
        if name:
            _add_filter(filters, name.lower(), value)
        elif piece := _piece(fold(phrase or word), may_begin=not phrase):
            pieces[piece] = None
            terms.update(dict.fromkeys(_terms(piece)))
    query = _query(tuple(terms)[:TERMS], tuple(pieces), filters)
    if query == Query():
        raise BadRequest(_("Enter something to search for."))
    return query


def _add_filter(filters: dict[str, str], name: str, value: str) -> None:
    if name in filters:
        raise BadRequest(_("Write %(filter)s only once."), filter=f"{name}:")
    filters[name] = value.lstrip("@#").strip('"')
    if not filters[name]:
        raise BadRequest(_("Something is missing after %(filter)s"), filter=f"{name}:")


def _piece(text: str, *, may_begin: bool) -> Piece | None:
    if not _runs(text):
        return None
    begins = may_begin and text[-1] == "*" and len(text) > 1 and _is_letter(text[-2])
    if begins:
        text = text[:-1]
    return Piece(text, _in_word(text[0]), not begins and _in_word(text[-1]))


def _terms(piece: Piece) -> list[str]:
    """Return tokens that every matching body has; symbols only if there is nothing else."""
    runs = _runs(piece.text)
    wanted = [run for run in runs if run[0] != "S"] or runs
    terms = [term for run in wanted[:-1] for term in _asked(run)]
    open_end = not piece.whole_end and _in_word(piece.text[-1])
    return [*terms, *_asked(wanted[-1], open_end=open_end)]


def _asked(run: str, *, open_end: bool = False) -> list[str]:
    if run[0] == "C":
        return list(_pairs(run)) or [f"{CHARACTERS}{run[1:]}*"]
    return [_token(run) + "*" * open_end]


def _query(terms: tuple[str, ...], pieces: tuple[Piece, ...], filters: dict[str, str]) -> Query:
    return Query(
        terms,
        pieces,
        sender=filters.get("from"),
        room=filters.get("in"),
        before=_time(filters.get("before")),
        after=_time(filters.get("after")),
    )


def _time(value: str | None) -> int | None:
    """Parse ISO 8601 to ms; a date is its first moment, and the default zone is UTC."""
    if value is None:
        return None
    try:
        time = datetime.fromisoformat(value.upper())
    except ValueError:
        raise BadRequest(_("Write a date like 2026-11-22, not %(value)s."), value=value) from None
    return int((time if time.tzinfo else time.replace(tzinfo=UTC)).timestamp() * 1000)
