"""A page of search: what is found for it, and how much may be compared and sent."""

from collections.abc import Sequence
from typing import Any, NamedTuple

import sqlalchemy as sa

from chatserver.protocol import REPLY_CHARS
from chatserver.storage.search_file_texts import FoundIn

MAX_COMPARED_CHARS = 1_000_000  # of texts and files for one page; then it ends early


class Match(NamedTuple):
    """A message that is found; `found_in` is set if only the text of a file matches.

    `characters`: what is sent of it.
    """

    id: int
    characters: int
    found_in: FoundIn | None = None


class Slice(NamedTuple):
    """Candidates that were compared with the query in one slice; `last` is the oldest id.

    `unread`: rows that do not match, and have files whose texts may match.
    """

    matching: list[Match]
    characters: int
    last: int
    unread: Sequence[sa.Row[Any]] = ()


class Page(NamedTuple):
    """What is found for a page, and the position of the next page, if there is one."""

    matches: list[Match]
    position: int | None


class Matches:
    """The hits of a page, and the characters that may still be compared and sent for it."""

    def __init__(self, limit: int) -> None:
        self._matches: list[Match] = []
        self._limit = limit
        self._comparable = MAX_COMPARED_CHARS
        self._sendable = REPLY_CHARS

    def add(self, slice_: Slice) -> Page | None:
        """Add the matches of a slice. Return the page if it ends here."""
        for match in slice_.matching:
            if len(self._matches) >= self._limit or self._sendable <= 0:
                return self.until(self._matches[-1].id)
            self._matches.append(match)
            self._sendable -= match.characters
        self._comparable -= slice_.characters
        return self.until(slice_.last) if self._comparable <= 0 else None

    def until(self, position: int | None) -> Page:
        """Return the page; `position` is None if nothing follows."""
        return Page(self._matches, position)
