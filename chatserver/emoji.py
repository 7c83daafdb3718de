"""Emoji that can be reactions: those that are recommended for general interchange (RGI, UTS 51).

`emoji.txt` has all of them, fully qualified; `tests/emoji_list.py` writes it.
"""

from collections.abc import Mapping
from functools import cache
from pathlib import Path

EMOJI = Path(__file__).with_name("emoji.txt")
LONGEST = 40  # characters, more than any of them has

_SELECTORS = {0xFE0E: None, 0xFE0F: None}  # ask for the form of a text or of an emoji


def qualified(text: str) -> str | None:
    """The one form of an emoji, whatever a keyboard sends: "❤" is "❤️". None for what is none."""
    if len(text) > LONGEST:
        return None
    return _by_bare_form().get(text.translate(_SELECTORS))


@cache
def _by_bare_form() -> Mapping[str, str]:
    """By the form without selectors. Read with the first reaction."""
    found = EMOJI.read_text(encoding="utf-8").split()
    return {emoji.translate(_SELECTORS): emoji for emoji in found}
