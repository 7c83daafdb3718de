"""Which names a text calls with @, half or full width. The page has the same in lib/mentions.js.

Code, quotations, links and addresses call nobody.
"""

import re
import unicodedata
from collections.abc import Iterable, Iterator
from itertools import islice

from chatserver.models import name_key

NAMES = 50  # names that one text may call; what follows them stays text
MEANINGS = 100  # shorter names that those of one text may mean
NAME_LENGTH = 32  # characters of a user name at most
_SPACELESS = "\u2e80"  # from here on, scripts that put no space behind a name
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
    """The keys of what follows each @, at its longest: see `meanings`. "all" is everybody."""
    if "@" not in text and "＠" not in text:
        return ()
    if any(mark in text for mark in _MARKS):
        text = _VERBATIM.sub(" ", text)
    called = [_name_at(text, found.end()) for found in islice(_CALL.finditer(text), NAMES)]
    return tuple(dict.fromkeys(name_key(name) for name in called if len(name) > 1))


def meanings(called: Iterable[str]) -> Iterator[list[str]]:
    """For each name that a text calls the keys that it may mean, the longest first.

    Of these the first account is called. Dots and dashes at the end may belong to the sentence.
    Chinese or Japanese text may go on behind a name without a space: then shorter names may be
    meant, until a text has MEANINGS of them.
    """
    left = MEANINGS
    for key in called:
        shorter = _shorter(key) if left > 0 and max(key) >= _SPACELESS else []
        left -= len(shorter)
        found = [key, *shorter]
        without_marks = [name.rstrip(_MARKS_AT_END) for name in found if name[-1] in _MARKS_AT_END]
        yield list(dict.fromkeys(found + without_marks)) if without_marks else found


def _shorter(key: str) -> list[str]:
    """Return the beginnings of a key that end before or behind a letter of a spaceless script."""
    ends = range(len(key) - 1, 1, -1)
    return [key[:end] for end in ends if key[end] >= _SPACELESS or key[end - 1] >= _SPACELESS]


def _name_at(text: str, start: int) -> str:
    """Letters of any script with their marks, digits, and what else a name may have."""
    end = start
    for character in text[start : start + NAME_LENGTH]:
        if character not in "._-" and unicodedata.category(character)[0] not in "LMN":
            break
        end += 1
    return text[start:end]
