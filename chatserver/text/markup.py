"""Whether a text has markup, and what it looks like as HTML. Stored and sent is always the text.

Every message passes here, so one look with a compiled pattern lets plain text by. What reads markup
(`markdown.py`) is imported by the first text that seems to have any.
"""

import asyncio
import logging
import re
from collections.abc import Iterable
from functools import lru_cache

logger = logging.getLogger(__name__)

KEPT = 512  # texts whose HTML is remembered: history and other rooms show the same ones again

SHORT = 100  # characters of a text that is never costly
LONG = 500  # characters of a text with markup that is always costly
FEW = 20  # marks and lines of a text that is not costly yet
_COUNTED = ("*", "_", "`", "~~", "[", "://", "www.", "\n", "\r")

# What no markup is without. Every branch begins with a mark of its own, to which `re` skips, and
# looks ahead without end at most once in vain: no text takes long.
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
    """A text as HTML; None where that would say no more than the text itself."""
    return _html(text) if _may_have_markup(text) else None


def _may_have_markup(text: str) -> bool:
    return bool(_has(text) or "ww." in text or (text[:1] in _FIRST and _begins(text)))


def is_costly(text: str) -> bool:
    """Whether rendering a text may take as long as many plain messages: see `Renderer`."""
    many = len(text) > LONG or (len(text) > SHORT and sum(map(text.count, _COUNTED)) > FEW)
    return many and _may_have_markup(text)


class Renderer:
    """Renders costly texts before they are needed, one in a turn of the event loop.

    What is rendered is remembered, so that encoding an event afterwards takes no time.
    """

    def __init__(self) -> None:
        self._turn = asyncio.Lock()

    async def prepare(self, texts: Iterable[str]) -> None:
        for text in texts:
            if is_costly(text):
                async with self._turn:
                    rendered(text)
                    await asyncio.sleep(0)


@lru_cache(KEPT)
def _html(text: str) -> str | None:
    """A fault in here costs a message its looks: without this it would never reach anybody."""
    try:
        from chatserver.text import markdown

        return markdown.html(text)
    except Exception as error:  # its words may hold the text, so the log has only its kind
        logger.error("a text is shown as it was typed: %s", type(error).__name__)
        return None


def warm_up() -> None:
    """Read some markup now, so that the first message with any need not wait for the import."""
    _html("**")
