"""Emoji that can be reactions: those that are recommended for general interchange (RGI, UTS 51).

`emoji.txt` has all of them, fully qualified; `tests/emoji_list.py` writes it.
"""

import re
import unicodedata
from collections.abc import Mapping
from functools import cache
from pathlib import Path

EMOJI = Path(__file__).with_name("emoji.txt")
LONGEST = 40  # characters, more than any of them has

_SYMBOLS = {"So", "Sm", "Cn"}  # Unicode categories; Cn: what is assigned later
_FOLLOWING = {"Mn", "Sk", "Cf"}  # selectors, skin tones, tags
_FLAG = re.compile("[\U0001f1e6-\U0001f1ff]{2}")
_SELECTORS = {0xFE0E: None, 0xFE0F: None}  # ask for the form of a text or of an emoji


def qualified(text: str) -> str | None:
    """The one form of an emoji, whatever a keyboard sends: "❤" is "❤️". None for what is none."""
    if len(text) > LONGEST:
        return None
    return _by_bare_form().get(text.translate(_SELECTORS))


def is_legacy_reaction(text: str) -> bool:
    """Whether older programs may have stored this as a reaction that `qualified` does not know.

    They took any symbol, or several that are joined, and flags of countries that do not exist.
    """
    if len(text) > LONGEST:
        return False
    return bool(_FLAG.fullmatch(text)) or all(map(_is_symbol, text.split("\u200d")))


def _is_symbol(part: str) -> bool:
    """One symbol with what may follow it: selectors, a skin tone, tags."""
    if not part or part[0].isascii() or unicodedata.category(part[0]) not in _SYMBOLS:
        return False
    return all(unicodedata.category(character) in _FOLLOWING for character in part[1:])


@cache
def _by_bare_form() -> Mapping[str, str]:
    """By the form without selectors. Read with the first reaction."""
    found = EMOJI.read_text(encoding="utf-8").split()
    return {emoji.translate(_SELECTORS): emoji for emoji in found}
