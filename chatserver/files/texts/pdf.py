"""Text of PDF files, with pypdf, which need not be installed. Only the process imports this."""

import re
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

PAGES = 500  # of a file; a page has some 2,000 characters, and CHARACTERS are 100 pages

# Chinese and Japanese, which have no spaces between words, with their punctuation.
_WIDE = "\u3000-\u30ff\u31f0-\u31ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\uff00-\uff60"
_WITHIN = re.compile(f"(?<=[{_WIDE}])[ \t]*\r?\n[ \t]*(?=[{_WIDE}])")
_HYPHENATED = re.compile(r"(?<=[^\W\d_])[-\u2010\u00ad][ \t]*\r?\n[ \t]*(?=[^\W\d_])")
_SOFT_HYPHEN = "\u00ad"  # search ignores it, and it is shown at the end of a line only


def pages(path: Path) -> Iterator[str]:
    """Yield the texts of the first pages. Raises all kinds of exceptions for damaged files."""
    from pypdf import PdfReader

    for page in islice(PdfReader(path).pages, PAGES):
        yield joined_lines(page.extract_text())


def joined_lines(text: str) -> str:
    """Return a text in which no word is cut by the end of a line."""
    return _HYPHENATED.sub(_joint, _WITHIN.sub("", text))


def _joint(found: re.Match[str]) -> str:
    """Return what replaces a hyphen at the end of a line: nothing visible within a word."""
    before, after = found.string[found.start() - 1], found.string[found.end()]
    return _SOFT_HYPHEN if before.islower() and after.islower() else "-"
