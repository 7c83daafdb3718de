"""Parsing of search queries, and matching of texts.

`parse` returns the tokens that every matching text has in the index; `matches` verifies candidates.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from chatserver.errors import BadRequest, _
from chatserver.text.attached_files import FILE, MEDIA, attached, kind_token, kinds
from chatserver.text.links import addresses
from chatserver.text.search_terms import (
    CHARACTERS,
    fold,
    in_word,
    is_letter,
    pairs,
    plain,
    runs,
    same_kinds,
    token,
)

QUERY_LENGTH = 500  # characters
EXPANDED_LENGTH = 2_000  # the same in NFKC, where one character may become eighteen
LINK = "link"
LINK_TERMS = ("xwhttp", "xwhttps", "xwwww")  # every link has one of them
HAS = (FILE, *MEDIA, LINK)  # values of the filter has:
TERMS = 16  # words of a query that the index is searched for; `matches` checks all of them


@dataclass(frozen=True, slots=True)
class Piece:
    """Folded text that a body must contain. `whole_start`, `whole_end`: at a word boundary."""

    text: str
    whole_start: bool
    whole_end: bool


@dataclass(frozen=True, slots=True)
class Query:
    """A parsed query. Times are ms UTC: `after` <= at < `before`.

    `terms` are tokens that must all be in the index; one that ends in * is a prefix. `has` are
    values of HAS; `file_name` is a piece of the name of a file.
    """

    terms: tuple[str, ...] = ()
    pieces: tuple[Piece, ...] = ()
    sender: str | None = None
    room: str | None = None
    before: int | None = None
    after: int | None = None
    has: tuple[str, ...] = ()
    file_name: Piece | None = None


def index_terms(query: Query) -> list[list[str]]:
    """Return what every match has in the index: all of the lists, of each at least one token."""
    has = ([*LINK_TERMS] if kind == LINK else [kind_token(kind)] for kind in query.has)
    return [*([term] for term in query.terms), *has]


def text_terms(query: Query) -> list[list[str]]:
    """Return what every text of a file that matches has in its index; none without words."""
    return [[term] for term in query.terms] if query.pieces else []


def matches(query: Query, body: str) -> bool:
    """Whether a body contains all pieces of the query."""
    return holds(query.pieces, fold(body))


def has_attached(query: Query, body: str, files: str | None) -> bool:
    """Whether a message has what the filters has: and filename: ask for."""
    if query.has and not {*query.has} <= kinds(files) | {LINK}:
        return False
    if LINK in query.has and not _has_link(body):
        return False
    return query.file_name is None or any(has_name(query, f.name) for f in attached(files))


def has_name(query: Query, name: str) -> bool:
    """Whether a file has the name that the filter filename: asks for."""
    return query.file_name is None or holds((query.file_name,), fold(name))


def _has_link(body: str) -> bool:
    """Whether a body has a link that the index knows: none that follows a letter of any script."""
    return any(start == 0 or not in_word(body[start - 1]) for start in addresses(body))


def holds(pieces: Iterable[Piece], text: str) -> bool:
    """Whether a folded text contains all pieces, in time linear in its length."""
    doubtful = []
    for piece in pieces:
        at = text.find(piece.text)
        if at < 0:
            return False
        if not _is_free(piece, text, at):
            doubtful.append(piece)
    return not doubtful or _stand(doubtful, text)


def position(piece: Piece, text: str) -> int:
    """Return where a piece is in a folded text that holds it."""
    at = text.find(piece.text)
    while at >= 0 and not _is_free(piece, text, at):
        at = text.find(piece.text, at + 1)
    return max(at, 0)


def _is_free(piece: Piece, text: str, at: int) -> bool:
    """Whether a piece at this position respects word boundaries."""
    end = at + len(piece.text)
    inside_before = piece.whole_start and at > 0 and in_word(text[at - 1])
    inside_after = piece.whole_end and end < len(text) and in_word(text[end])
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
    return f"{_EDGE}{_EDGE.join(same_kinds(text))}{_EDGE}"


def _marked_piece(piece: Piece) -> str:
    start, end = int(not piece.whole_start), -1 if not piece.whole_end else None
    return _marked(piece.text)[start:end]


_PARTS = re.compile(r'(?i:(from|in|before|after|has|filename)):("[^"]+"|\S*)|"([^"]+)"|(\S+)')


def parse(text: str) -> Query:
    """Parse a query: words, "phrases", prefixes* and the filters from: in: before: after: has:
    filename:.

    Raises BadRequest for invalid filters and for a query without content.
    """
    if len(text) > QUERY_LENGTH:
        raise BadRequest(_("The query is too long."))
    filters: dict[str, str] = {}
    has: dict[str, None] = {}
    pieces: dict[Piece, None] = {}
    simple = plain(text)
    if len(simple) > EXPANDED_LENGTH:
        raise BadRequest(_("The query is too long."))
    for name, value, phrase, word in _PARTS.findall(simple):
        if name.lower() == "has":
            has[_checked_kind(value)] = None
        elif name:
            _add_filter(filters, name.lower(), value)
        elif piece := _piece(fold(phrase or word), may_begin=not phrase):
            pieces[piece] = None
    query = _query(tuple(pieces), filters, tuple(has))
    if query == Query():
        raise BadRequest(_("Enter something to search for."))
    return query


def _add_filter(filters: dict[str, str], name: str, value: str) -> None:
    if name in filters:
        raise BadRequest(_("%(filter)s can be used only once."), filter=f"{name}:")
    filters[name] = (value if name == "filename" else value.lstrip("@#")).strip('"')
    if not filters[name]:
        raise BadRequest(_("Something is missing after %(filter)s"), filter=f"{name}:")


def _checked_kind(value: str) -> str:
    """Return the value of the filter has:. Raises BadRequest."""
    kind = value.strip('"').lower()
    if not kind:
        raise BadRequest(_("Something is missing after %(filter)s"), filter="has:")
    if kind not in HAS:
        raise BadRequest(
            _("After has: write one of %(values)s, not %(value)s."),
            values=", ".join(HAS),
            value=kind,
        )
    return kind


def _name_piece(value: str | None) -> Piece | None:
    """Return what names of files have to contain: words that begin so. Raises BadRequest."""
    if value is None:
        return None
    piece = _piece(fold(value), may_begin=True)
    if piece is None:
        raise BadRequest(_("Something is missing after %(filter)s"), filter="filename:")
    return replace(piece, whole_end=False)


def _piece(text: str, *, may_begin: bool) -> Piece | None:
    if not runs(text):
        return None
    begins = may_begin and text[-1] == "*" and len(text) > 1 and is_letter(text[-2])
    if begins:
        text = text[:-1]
    return Piece(text, in_word(text[0]), not begins and in_word(text[-1]))


def _terms(piece: Piece) -> list[str]:
    """Return tokens that every matching body has; symbols only if there is nothing else."""
    every = runs(piece.text)
    wanted = [run for run in every if run[0] != "S"] or every
    terms = [term for run in wanted[:-1] for term in _asked(run)]
    open_end = not piece.whole_end and in_word(piece.text[-1])
    return [*terms, *_asked(wanted[-1], open_end=open_end)]


def _asked(run: str, *, open_end: bool = False) -> list[str]:
    if run[0] == "C":
        return list(pairs(run)) or [f"{CHARACTERS}{run[1:]}*"]
    return [token(run) + "*" * open_end]


def _query(pieces: tuple[Piece, ...], filters: dict[str, str], has: tuple[str, ...]) -> Query:
    name = _name_piece(filters.get("filename"))
    named = (*pieces, name) if name else pieces
    return Query(
        tuple(dict.fromkeys(term for piece in named for term in _terms(piece)))[:TERMS],
        pieces,
        sender=filters.get("from"),
        room=filters.get("in"),
        before=_time(filters.get("before")),
        after=_time(filters.get("after")),
        has=has if name is None or FILE in has else (*has, FILE),
        file_name=name,
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
