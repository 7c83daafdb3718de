"""HTML of texts with markup, for events that are sent to clients. The database stores only texts.

A compiled pattern recognizes plain text fast. The renderer (`markdown.py`) is imported when the
first text with markup is rendered.
"""

import asyncio
import html
import logging
import re
from collections.abc import Iterable
from functools import lru_cache

logger = logging.getLogger(__name__)

CACHE_SIZE = 512  # texts whose HTML is cached, because clients load the same history

SHORT = 100  # characters; shorter texts are never costly
LONG = 500  # characters; longer texts with markup are always costly
FEW = 20  # marks and lines; texts with more are costly
_COUNTED = ("*", "_", "`", "~~", "[", "://", "www.", "\n", "\r")

# Matches every text with markup. Each branch begins with a different mark, to which `re` skips, and
# fails at most one unbounded lookahead, so the time is linear.
_BLOCK = r"[ \t]* (?: > [ \t>\w] | [-*] [ \t]+ \S | [0-9]{1,9} [.)] [ \t]+ \S )"
_FIRST = "> \t-*0123456789"
_begins = re.compile(_BLOCK, re.VERBOSE).match
_has = re.compile(
    rf"""
    \* \S (?s:.*) \* | _ (?<![0-9A-Za-z]_) \S (?s:.*) _ | ~~ \S (?s:.*) ~~ | ` (?s:.+) `
    | \]\( | :// | \n {_BLOCK}
    """,
    re.VERBOSE,
).search


def rendered(text: str) -> str | None:
    """Return a text as HTML; None if it has no markup."""
    return _html(text) if _may_have_markup(text) else None


def plain_text(text: str) -> str:
    """Return a text without its markup, in one line."""
    shown = rendered(text)
    if shown is not None:
        text = html.unescape(_TAG.sub("", _BREAK.sub(" ", shown)))
    return " ".join(text.split())


_BREAK = re.compile(r"<(?:p|br|pre|li)\b[^>]*>")
_TAG = re.compile(r"<[^>]*>")


def _may_have_markup(text: str) -> bool:
    return bool(_has(text) or "ww." in text or (text[:1] in _FIRST and _begins(text)))


def is_costly(text: str) -> bool:
    """Whether rendering a text may take much longer than a plain message: see `Renderer`."""
    many = len(text) > LONG or (len(text) > SHORT and sum(map(text.count, _COUNTED)) > FEW)
    return many and _may_have_markup(text)


class Renderer:
    """Renders costly texts in advance, one per turn of the event loop.

    The result is cached, so that encoding an event afterwards is fast.
    """

    def __init__(self) -> None:
        self._turn = asyncio.Lock()

    async def prepare(self, texts: Iterable[str]) -> None:
        for text in texts:
            if is_costly(text):
                async with self._turn:
                    rendered(text)
                    await asyncio.sleep(0)


@lru_cache(CACHE_SIZE)
def _html(text: str) -> str | None:
    """Render a text; after an unexpected error the message is sent without HTML."""
    try:
        from chatserver.text import markdown

        return markdown.html(text)
    except Exception as error:  # its message may contain the text, so only the type is logged
        logger.error("a text cannot be rendered: %s", type(error).__name__)
        return None


def warm_up() -> None:
    """Render some markup, so that the first message with any does not wait for the import."""
    _html("**")
