"""Rules for Markdown blocks: paragraphs, code blocks, quotations and lists."""

import re

from markdown_it.common.utils import mdTrim
from markdown_it.rules_block import StateBlock, blockquote, list_block
from markdown_it.token import Token

DEEPEST = 8  # nested blocks; a list counts twice. Deeper markup stays text

_FENCE = re.compile(r"(```+)([^`]*)")
_QUOTED = re.compile(r">[\s>]*[^\W\d_]|>[ \t]")
_ITEM_MARKS = "-*0123456789"
_BLOCK_MARKS = "`>-*+0123456789"
_LANGUAGE = re.compile(r"[\w+#.-]*")


def _content(state: StateBlock, line: int) -> str:
    return state.src[state.bMarks[line] + state.tShift[line] : state.eMarks[line]]


def parse_paragraph(state: StateBlock, start: int, _end: int, _silent: bool) -> bool:
    """Parse lines up to an empty one, or to one that begins another block."""
    following = start + 1
    while following < state.lineMax and not _interrupts(state, following):
        following += 1
    state.line = following
    lines = state.getLines(start, following, state.blkIndent, False)
    content = mdTrim(lines) if state.level else lines.rstrip()  # keeps indentation
    state.push("paragraph_open", "p", 1)
    inline = state.push("inline", "", 0)
    inline.content, inline.children = content, []
    state.push("paragraph_close", "p", -1)
    return True


def _interrupts(state: StateBlock, line: int) -> bool:
    """Whether a line begins another block and so ends the paragraph before it."""
    begin, end, indent = (
        state.bMarks[line] + state.tShift[line],
        state.eMarks[line],
        state.sCount[line],
    )
    if begin >= end:
        return True
    if indent - state.blkIndent > 3 or indent < 0:
        return False
    if indent >= state.blkIndent and state.src[begin] not in _BLOCK_MARKS:
        return False
    before, state.parentType = state.parentType, "paragraph"
    rules = state.md.block.ruler.getRules("paragraph")
    ends = any(rule(state, line, state.lineMax, True) for rule in rules)
    state.parentType = before
    return ends


def parse_fence(state: StateBlock, start: int, end: int, silent: bool) -> bool:
    """Parse a code block. Text after the fence is code, unless it is the name of a language."""
    opening = _FENCE.fullmatch(_content(state, start))
    if not opening or silent:
        return bool(opening)
    fence, first = opening[1], opening[2].strip()
    stop = start + 1
    while stop < end and not _content(state, stop).rstrip().endswith(fence):
        stop += 1
    last = _content(state, stop).rstrip().removesuffix(fence).rstrip("`") if stop < end else ""
    lines = [state.getLines(start + 1, stop, state.sCount[start], False), last]
    if last or not _LANGUAGE.fullmatch(first):
        lines.insert(0, first)
    state.push("fence", "code", 0).content = "\n".join(line for line in lines if line)
    state.line = min(stop + 1, end)
    return True


def parse_quotation(state: StateBlock, start: int, end: int, silent: bool) -> bool:
    """Parse a quotation. Not every > begins one: >_< is an emoticon."""
    begins = _QUOTED.match(
        state.src, state.bMarks[start] + state.tShift[start], state.eMarks[start]
    )
    return bool(begins) and state.level < DEEPEST and blockquote(state, start, end, silent)


def parse_list(state: StateBlock, start: int, end: int, silent: bool) -> bool:
    """Parse a list. A + does not begin an item."""
    first = state.src[state.bMarks[start] + state.tShift[start]]
    opening = len(state.tokens)
    if first not in _ITEM_MARKS or state.level >= DEEPEST:
        return False
    if not list_block(state, start, end, silent):
        return False
    if not silent:
        _number_items(state.tokens[opening:])
    return True


def _number_items(tokens: list[Token]) -> None:
    """Set the value of each item whose number differs from the one that browsers display."""
    expected = int(tokens[0].attrs.get("start", 1))
    for token in tokens:
        if token.type != "list_item_open" or token.level != tokens[0].level + 1 or not token.info:
            continue
        number = int(token.info)
        if number != expected:
            token.attrs = {"value": number}
        expected = number + 1


def end_after_quotation(state: StateBlock, start: int, end: int, silent: bool) -> bool:  # noqa: ARG001
    return silent


def end_after_item(state: StateBlock, start: int, end: int, silent: bool) -> bool:  # noqa: ARG001
    return silent and state.sCount[start] < state.blkIndent
