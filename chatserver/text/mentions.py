"""Mentions in texts: names after @, half or full width. lib/mentions.js has the same rules.

Code, quotations, links and addresses contain no mentions.
"""

import re
import unicodedata
from collections.abc import Iterable, Iterator
from itertools import islice

from chatserver.models import name_key

ALL_MEMBERS_NAMES = frozenset({"all", "everyone", "所有人"})  # keys that mention every member
NAMES = 50  # mentions in one text; further ones stay text
MEANINGS = 100  # shorter names that the mentions of one text may stand for
NAME_LENGTH = 32  # characters; maximum length of a user name
_SPACELESS = "\u2e80"  # from this character on scripts put no space after a name
_MARKS_AT_END = ".-_"
_CALL = re.compile(r"(?<![A-Za-z0-9_.])[@＠]")
_VERBATIM = re.compile(
    r"(?:^|\n)[ \t]*>(?:[ \t>]*[^\W\d_]|[ \t])[^\n]*"  # quotation
    r"|(?:^|\n)[ \t]*(`{3,})[^`](?s:.*?)(?:\1|\Z)"  # code block
    r"|(?<!`)(`{1,16})(?!`)(?s:.+?)(?<!`)\2(?!`)"  # code
    r"|\[[^\[\]\n]+\]\((?:https?://|mailto:)[^\s)]*\)"
    r"|(?<![A-Za-z0-9])(?i:https?://|www\.)[!#-;=?-_a-~\u00a1-\u1fff]+"
)
_MARKS = ("`", ">", "](", "://", "ww.")


def mentioned(text: str) -> tuple[str, ...]:
    """Return the longest key after each @: see `meanings`."""
    if "@" not in text and "＠" not in text:
        return ()
    if any(mark in text for mark in _MARKS):
        text = _VERBATIM.sub(" ", text)
    called = [_name_at(text, found.end()) for found in islice(_CALL.finditer(text), NAMES)]
    return tuple(dict.fromkeys(name_key(name) for name in called if len(name) > 1))


def meanings(called: Iterable[str]) -> Iterator[list[str]]:
    """Yield for each mention the keys that it may stand for, the longest first.

    The first one that has an account or is one of ALL_MEMBERS_NAMES is mentioned. Dots and dashes
    at the end may belong to the sentence. Chinese or Japanese text may continue after a name
    without a space, so the mention may be a shorter name; a text has at most MEANINGS of these.
    """
    remaining = MEANINGS
    for key in called:
        shorter = _shorter(key) if remaining > 0 and max(key) >= _SPACELESS else []
        remaining -= len(shorter)
        found = [key, *shorter]
        without_marks = [name.rstrip(_MARKS_AT_END) for name in found if name[-1] in _MARKS_AT_END]
        yield list(dict.fromkeys(found + without_marks)) if without_marks else found


def _shorter(key: str) -> list[str]:
    """Return the prefixes of a key that end before or after a letter of a spaceless script."""
    ends = range(len(key) - 1, 1, -1)
    return [key[:end] for end in ends if key[end] >= _SPACELESS or key[end - 1] >= _SPACELESS]


def _name_at(text: str, start: int) -> str:
    """Return the longest run of characters that a name may have."""
    end = start
    for character in text[start : start + NAME_LENGTH]:
        if character not in "._-" and unicodedata.category(character)[0] not in "LMN":
            break
        end += 1
    return text[start:end]
