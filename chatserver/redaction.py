"""Removal of tokens from log records of any library.

This is the last defence: the program itself logs no tokens.
"""

import logging
import re

MASK = "[token]"
# A word with eyJ is consumed as a whole, even without the rest of a token: a search from each eyJ
# in it would take quadratic time.
TOKEN = re.compile(
    r"eyJ[\w-]++(?P<rest>(?:\.|%2E)[\w-]++(?:\.|%2E)[\w-]*+)?|(?P<bot>bot_[\w-]{20,}+)",
    re.IGNORECASE,
)

_formatter = logging.Formatter()


def redacted(text: str) -> str:
    """Return the text without session tokens (JWT) and bot tokens."""
    lower = text.lower()  # finding literals is many times cheaper than a search that ignores case
    if "eyj" not in lower and "bot_" not in lower:
        return text
    return TOKEN.sub(lambda found: MASK if found["rest"] or found["bot"] else found[0], text)


def redact(record: logging.LogRecord) -> bool:
    """Filter for loggers that removes tokens from a record's message and traceback."""
    record.msg, record.args = redacted(record.getMessage()), None
    if record.exc_info:
        record.exc_text = redacted(_formatter.formatException(record.exc_info))
    return True
