"""Emoji that can be reactions: those that are recommended for general interchange (RGI, UTS 51).

`emoji.txt` has all of them, fully qualified; `tests/emoji_list.py` writes it.
"""

import re
import unicodedata
from collections.abc import Mapping
from functools import cache
from pathlib import Path

EMOJI = Path(__file__).with_name("emoji.txt")
LONGEST = 40  # characters; no emoji is longer

_SYMBOLS = {"So", "Sm", "Cn"}  # Unicode categories; Cn: assigned in later versions
_FOLLOWING = {"Mn", "Sk", "Cf"}  # selectors, skin tones, tags
_FLAG = re.compile("[\U0001f1e6-\U0001f1ff]{2}")
_SELECTORS = {0xFE0E: None, 0xFE0F: None}  # text and emoji presentation selectors


def qualified(text: str) -> str | None:
    """Return the fully qualified form of an emoji, "❤️" for "❤"; None for other texts."""
    if len(text) > LONGEST:
        return None
    return _by_bare_form().get(text.translate(_SELECTORS))


def is_legacy_reaction(text: str) -> bool:
    """Whether earlier versions may have stored this as a reaction that `qualified` rejects.

    They accepted any symbol or joined symbols, and flags of countries that do not exist.
    """
    if len(text) > LONGEST:
        return False
    return bool(_FLAG.fullmatch(text)) or all(map(_is_symbol, text.split("\u200d")))


def _is_symbol(part: str) -> bool:
    """Whether this is a symbol with optional selectors, skin tone and tags."""
    if not part or part[0].isascii() or unicodedata.category(part[0]) not in _SYMBOLS:
        return False
    return all(unicodedata.category(character) in _FOLLOWING for character in part[1:])


@cache
def _by_bare_form() -> Mapping[str, str]:
    """Return the emoji by their form without selectors. Read at the first reaction."""
    found = EMOJI.read_text(encoding="utf-8").split()
    return {emoji.translate(_SELECTORS): emoji for emoji in found}
