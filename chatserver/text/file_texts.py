"""Texts of files in search: how much of a text is kept, its tokens, comparison and excerpts.

The process that reads files makes the texts (`files/texts/`); a search compares them part by part.
"""

import re
from bisect import bisect_left
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from chatserver.text.search_query import Piece, holds, position
from chatserver.text.search_terms import WORD_LENGTH, fold, tokens

CHARACTERS = 200_000  # of a file that search knows, also in the form in which texts are compared
TOKEN_BYTES = 256 * 2**10  # of a file in the index: 30,000 words or pairs of characters
PART = 4_000  # characters that are tokenized or compared at once: some milliseconds
SPACE_LOOKBACK = 200  # characters before the end of a part in which a space is looked for
BEFORE_HIT, AFTER_HIT = 60, 240  # characters of an excerpt

_CONTROLS = re.compile("[\x00-\x1f\x7f-\x9f\ufffe\uffff\ufeff]+")


class IndexedText(NamedTuple):
    text: str
    tokens: str


class Part(NamedTuple):
    """A part of a text, and its offset there."""

    body: str
    offset: int
    files: str = ""  # for `slices.text_length`


def on_one_line(text: str) -> str:
    """Return a text with single spaces, without control characters and unpaired surrogates."""
    paired = text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
    return " ".join(_CONTROLS.sub(" ", paired).split())


def indexed(text: str) -> IndexedText:
    """Return as much of a text on one line as search knows, and its tokens."""
    found: dict[str, None] = {}
    length = size = end = 0
    for part in parts(text[:CHARACTERS], overlap=WORD_LENGTH):
        length += len(fold(part.body[max(0, end - part.offset) :]))
        new = [token for token in tokens(part.body).split() if token not in found]
        size += sum(len(token) + 1 for token in new)
        if length > CHARACTERS or size > TOKEN_BYTES:
            break
        found |= dict.fromkeys(new)
        end = part.offset + len(part.body)
    return IndexedText(text[:end], " ".join(found))


def parts(text: str, *, overlap: int) -> Iterator[Part]:
    """Yield parts of a text that have `overlap` characters in common, cut at spaces if possible."""
    start = end = 0
    while end < len(text):
        end = _cut(text, start + PART, after=start + PART // 2)
        yield Part(text[start:end], start)
        start = _cut(text, max(end - overlap, 0), after=start)


def _cut(text: str, position: int, *, after: int) -> int:
    """Return the position, or one that follows a space shortly before it, above `after`."""
    if position >= len(text):
        return len(text)
    return text.rfind(" ", max(after, position - SPACE_LOOKBACK), position) + 1 or position


# Comparison ---------------------------------------------------------------------------------------


@dataclass(slots=True)
class Comparison:
    """A text that is compared with the pieces of a query, part by part.

    `missing`: the pieces that were not found yet; `excerpt`: the text around the first hit.
    """

    missing: Sequence[Piece]
    excerpt: str | None = None

    @property
    def overlap(self) -> int:
        """Return how much of the parts has to overlap, so that no piece is missed."""
        return max((len(piece.text) for piece in self.missing), default=0) + 1

    def compare_name(self, text: str) -> None:
        """Compare a text that belongs to the file and is not a part of it, such as its name."""
        self.missing = _missing(self.missing, fold(text))

    def compare(self, text: str, part: Part) -> None:
        """Compare a part of `text`."""
        if not self.missing:
            return
        folded = fold(part.body)
        missing = _missing(self.missing, folded)
        if self.excerpt is None and len(missing) < len(self.missing):
            first = next(piece for piece in self.missing if piece not in missing)
            at = part.offset + _original(part.body, position(first, folded))
            self.excerpt = _around(text, at)
        self.missing = missing


def _missing(pieces: Sequence[Piece], folded: str) -> list[Piece]:
    return [piece for piece in pieces if not holds((piece,), folded)]


def _original(text: str, position: int) -> int:
    """Return about the position in a text that has this position in its folded form."""
    lengths = range(len(text))
    return max(0, bisect_left(lengths, position + 1, key=lambda n: len(fold(text[:n]))) - 1)


def _around(text: str, at: int) -> str:
    """Return the text around a position, with marks where it was cut."""
    start = max(0, at - BEFORE_HIT)
    start = text.find(" ", start, at) + 1 or start if start else 0
    end = min(len(text), at + AFTER_HIT)
    return f"{'…' if start else ''}{text[start:end].strip()}{'…' if end < len(text) else ''}"
