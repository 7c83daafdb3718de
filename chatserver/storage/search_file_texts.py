"""Search in the texts of files: candidates, as `search_candidates` has them, and their comparison.

All words of a query have to be in one file, with its name and its alternative text. A file is found
with its message, by the rules for the message.
"""

from collections.abc import Iterable, Sequence
from contextlib import aclosing
from dataclasses import dataclass
from functools import partial
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects.mysql import match
from sqlalchemy.ext.asyncio import AsyncConnection

from chatserver.file_state import FILE_SLOTS
from chatserver.storage.engine import Database
from chatserver.storage.file_texts import search_texts
from chatserver.storage.readers import Share
from chatserver.storage.search_candidates import (
    Terms,
    boolean_expression,
    fts5_expression,
    is_readable,
)
from chatserver.storage.search_index import text_words
from chatserver.storage.slices import compute_in_slices
from chatserver.text.attached_files import AttachedFile, attached
from chatserver.text.file_texts import Comparison, Part, parts
from chatserver.text.search_query import Query, has_name


@dataclass(frozen=True, slots=True)
class FoundIn:
    """The id of the file whose text matches, and the text around the first hit."""

    file: str
    text: str


@dataclass(frozen=True, slots=True)
class TextCandidates:
    """Ids of texts by message, newest first; all down to the message `least`, exclusively."""

    by_message: dict[int, list[int]]
    least: int


NO_TEXTS = TextCandidates({}, 0)


async def text_candidates(
    connection: AsyncConnection, user_id: int, terms: Terms, ids: tuple[int, int], size: int
) -> TextCandidates:
    """Return the newest `size` texts that match the terms, in messages that the user may read.

    `ids`: those of the messages, lower bound (inclusive) and upper bound (exclusive).
    """
    if not terms or not all(terms):
        return NO_TEXTS
    is_sqlite = connection.dialect.name == "sqlite"
    most = size + FILE_SLOTS  # of two messages at least
    values = {
        "words": fts5_expression(terms) if is_sqlite else boolean_expression(terms),
        "me": user_id,
        "least": ids[0] * FILE_SLOTS,
        "below": ids[1] * FILE_SLOTS,
        "most": most,
    }
    query = _CANDIDATES_SQLITE if is_sqlite else _CANDIDATES_MYSQL
    found = list(await connection.scalars(query, values))
    by_message: dict[int, list[int]] = {}
    least = found[-1] // FILE_SLOTS if len(found) == most else 0
    for text_id in found:
        if text_id // FILE_SLOTS > least:  # the last message may have more texts than were read
            by_message.setdefault(text_id // FILE_SLOTS, []).append(text_id)
    return TextCandidates(by_message, least)


async def find_in_texts(
    database: Database, query: Query, files: str, text_ids: Iterable[int]
) -> tuple[FoundIn | None, int]:
    """Compare the texts of a message with the query; return a match and the compared characters.

    `files` is the JSON of the message's files.
    """
    characters = 0
    for text_id in text_ids:
        async with database.reading(Share.HEAVY) as connection:
            row = (await connection.execute(_TEXT, {"number": text_id})).one_or_none()
        file = None if row is None else _attached(files, row.file_id)
        if row is None or file is None or not has_name(query, file.name):
            continue
        comparison = Comparison(query.pieces)
        comparison.compare_name(f"{file.name}\0{file.alt}")
        characters += await _compare_text(comparison, row.text)
        if not comparison.missing:
            return FoundIn(file.id, comparison.excerpt or ""), characters
    return None, characters


def _attached(files: str, file_id: str) -> AttachedFile | None:
    return next((file for file in attached(files) if file.id == file_id), None)


async def _compare_text(comparison: Comparison, text: str) -> int:
    """Compare a text in slices, as far as needed; return the number of compared characters."""
    characters = 0
    overlapping = parts(text, overlap=comparison.overlap)
    slices = compute_in_slices(partial(_compare, comparison, text), overlapping)
    async with aclosing(slices):
        async for compared in slices:
            characters += compared
            if not comparison.missing:
                break
    return characters


def _compare(comparison: Comparison, text: str, some: Sequence[Part]) -> int:
    for part in some:
        comparison.compare(text, part)
    return sum(len(part.body) for part in some)


def is_attached(files: str | None, found: FoundIn) -> bool:
    """Whether the file is still in its message."""
    return _attached(files or "", found.file) is not None


_WORDS: sa.BindParameter[str] = sa.bindparam("words")
# Built once: building such a statement takes longer than SQLite takes to run it.
_MATCHED_SQLITE = (
    sa.select(text_words.c.rowid)
    .join_from(text_words, search_texts, search_texts.c.id == text_words.c.rowid)
    .where(text_words.c.search_text_words.op("MATCH", is_comparison=True)(_WORDS))
)
_MATCHED_MYSQL = sa.select(search_texts.c.id).where(
    match(search_texts.c.tokens, against=_WORDS).in_boolean_mode()
)


def _newest(matched: sa.Select[Any]) -> sa.Select[Any]:
    """Restrict a query of ids to those of readable messages in a range, newest first."""
    number = matched.selected_columns[0]
    bounds = (number >= sa.bindparam("least"), number < sa.bindparam("below"))
    readable = matched.where(is_readable(search_texts.c.room_id), *bounds)
    most: sa.BindParameter[int] = sa.bindparam("most", type_=sa.Integer)
    return readable.order_by(number.desc()).limit(most)


_CANDIDATES_SQLITE, _CANDIDATES_MYSQL = _newest(_MATCHED_SQLITE), _newest(_MATCHED_MYSQL)
_TEXT = sa.select(search_texts.c.file_id, search_texts.c.text).where(
    search_texts.c.id == sa.bindparam("number")
)
