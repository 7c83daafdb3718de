r"""Detection of backslashes that escape markup: only those before a mark of a pair.

`\*not slanted\*` has two. Paths, regular expressions and LaTeX have none: `C:\temp\*.*`, `\d\*`.
"""

import re

_RUN = re.compile(r"(?:\\?\*)+|(?:\\?~)+|(?:\\?`)+")
_OPENS_BEHIND = re.compile(r"[\s(\"\u2018\u201c\u2e80-\U0003ffff]")
_ITEM = re.compile(r"\\\*(?= \S)")


def escapes(line: str) -> set[int]:
    """Return the positions of the backslashes to drop."""
    found: set[int] = {0} if _ITEM.match(line) else set()
    waiting: dict[str, list[int]] = {}  # by mark: escapes that may open a pair
    for run in _RUN.finditer(line):
        start, end = run.span()
        mark = line[end - 1]
        own = [index for index in range(start, end) if line[index] == "\\"]
        if mark in waiting and _closes(line, start, end):
            found.update(waiting.pop(mark), own)
        elif own and _opens(line, start, end):
            waiting[mark] = own
    return found


def _opens(line: str, start: int, end: int) -> bool:
    starts = start == 0 or bool(_OPENS_BEHIND.match(line, start - 1))
    return starts and line[end : end + 1].isalnum()


def _closes(line: str, start: int, end: int) -> bool:
    after = line[end : end + 1]
    ends = not after or after >= "\u2e80" or not (after.isalnum() or after in "_\\.")
    return ends and not line[start - 1].isspace() and line[start - 1] != "\\"
