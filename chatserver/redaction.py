"""Removes tokens from what is logged, whatever library writes the line.

The last defence: nothing of ours logs a token.
"""

import logging
import re

MASK = "[token]"
# A word with eyJ is consumed whole, with or without the rest of a token: from each eyJ in it anew
# the search would take time in proportion to the square of its length.
TOKEN = re.compile(
    r"eyJ[\w-]++(?P<rest>(?:\.|%2E)[\w-]++(?:\.|%2E)[\w-]*+)?|(?P<bot>bot_[\w-]{20,}+)",
    re.IGNORECASE,
)

_formatter = logging.Formatter()


def redacted(text: str) -> str:
    """The text without session tokens (JWT) and tokens of bots."""
    return TOKEN.sub(lambda found: MASK if found["rest"] or found["bot"] else found[0], text)


def redact(record: logging.LogRecord) -> bool:
    """A filter for loggers: the record's message and traceback without tokens."""
    record.msg, record.args = redacted(record.getMessage()), None
    if record.exc_info:
        record.exc_text = redacted(_formatter.formatException(record.exc_info))
    return True
