"""Rendering of text to HTML: a subset of CommonMark, adapted to chat.

Differences: a line break is kept, a quotation or a list item ends with its line, emphasis next to
Chinese text needs no spaces, web addresses become links, and unsupported markup stays as it was
typed. Slow to import: see `markup.py`.
"""

import re
from collections.abc import Iterable, Iterator
from html import escape
from typing import Any

import nh3
from markdown_it import MarkdownIt
from markdown_it.common.utils import mdTrim
from markdown_it.parser_inline import ParserInline
from markdown_it.rules_block import StateBlock, blockquote, list_block
from markdown_it.rules_inline import StateInline
from markdown_it.rules_inline.state_inline import Scanned
from markdown_it.token import Token
from markdown_it.utils import EnvType

from chatserver.text.escapes import escapes
from chatserver.text.links import BEGINS, address_at
from chatserver.text.names import shows

DEEPEST = 8  # nested blocks; a list counts twice. Deeper markup stays text
MOST = 200  # marks in a text: see `is_heavy`. A text with more is not rendered
LINES = 5  # lines that count as one mark
ESCAPES = 20  # characters < and & that count as one mark

_BLOCKS = r"^(?:[ \t]*(?:>|[-*][ \t]|[0-9]{1,9}[.)][ \t]))+"
# A code block counts as one mark, whatever its content. Only at the start of a line, outside lists
# and quotes, is a fence certain to open one.
_CODE = r"^(```+)(?!`)[^`\n]*\n(?s:.*?)(?:\2[^\S\n]*$|\Z)"
_MARKS = re.compile(rf"({_BLOCKS})|{_CODE}|\*{{1,3}}|_{{1,3}}|~~|`+|\[|(://|www\.)", re.MULTILINE)
_EMPTY_LINE = re.compile(r"\n[ \t]*(?=\n)")
_EMPHASIS = "*_~"
_FENCE = re.compile(r"(```+)([^`]*)")
_QUOTED = re.compile(r">[\s>]*[^\W\d_]|>[ \t]")
_ITEM_MARKS = "-*0123456789"
_BLOCK_MARKS = "`>-*+0123456789"
_LANGUAGE = re.compile(r"[\w+#.-]*")

_STOP = re.compile(rf"[*_~`\[\]]|\\(?=[*~`\[])|{BEGINS}")
_TARGET = r"[^\s\x00-\x1f\x7f-\x9f<>()\[\]\"`\\]"
_LINK = re.compile(
    rf"\[([^\[\]\n]+)\]\(((?i:https?://|mailto:)(?:{_TARGET}|\({_TARGET}*\))+)"
    r"(?:[ \t]+\"[^\"\n]*\")?\)"
)

_cleaner = nh3.Cleaner(
    tags={"p", "br", "strong", "em", "s", "code", "pre", "blockquote", "ul", "ol", "li", "a"},
    attributes={"a": {"href"}, "ol": {"start"}, "li": {"value"}},
    url_schemes={"http", "https", "mailto"},
    url_relative="deny",
    link_rel="noopener noreferrer nofollow",
)


def html(text: str) -> str | None:
    """Return HTML with the tags above; None for a text without markup, or with too much."""
    if is_heavy(text):
        return None
    env: dict[str, Any] = {}
    tokens = _parser.parse(text, env)
    if not _says_more(tokens) and not env.get("escaped"):
        return None
    return _cleaner.clean("".join(_written(tokens))) if _has_words(tokens) else None


def is_heavy(text: str) -> bool:
    """Whether a text has more markup than is rendered: blocks and addresses count twice."""
    text = text.replace("\r", "\n")  # as the parser does
    small = text.count("\n") // LINES + (text.count("<") + text.count("&")) // ESCAPES
    small += len(_EMPTY_LINE.findall(text))  # between two paragraphs
    if "```" not in text and small + 2 * text.count("://") + text.count("[") > MOST:
        return True  # without checking each of them
    marks = _MARKS.findall(text)
    double = sum(_weight(blocks) + bool(address) for blocks, _fence, address in marks)
    return len(marks) + double + small > MOST


def _weight(blocks: str) -> int:
    """Return the weight of block marks at the start of a line; too deep ones are text."""
    return min(len(blocks.split()), DEEPEST) + max(0, blocks.count("*") - DEEPEST)


def _leaves(tokens: Iterable[Token]) -> Iterator[Token]:
    for token in tokens:
        if token.type == "inline":
            yield from token.children or ()
        elif not token.hidden:
            yield token


def _says_more(tokens: list[Token]) -> bool:
    return any(token.tag not in ("", "p", "br") for token in _leaves(tokens))


def _has_words(tokens: list[Token]) -> bool:
    return any(shows(token.content) for token in _leaves(tokens))


def _written(tokens: list[Token]) -> Iterator[str]:
    """Yield HTML without white space between blocks, because the page displays white space."""
    for token in _leaves(tokens):
        content = escape(token.content, quote=False)
        if token.type == "fence":
            yield f"<pre><code>{content}</code></pre>"
        elif token.type == "code_inline":
            yield f"<code>{content}</code>"
        elif token.tag:
            yield _tag(token)
        else:
            yield content.replace("\n", "<br>")


def _tag(token: Token) -> str:
    if token.nesting < 0:
        return f"</{token.tag}>"
    facts = [f' {name}="{escape(str(value))}"' for name, value in token.attrs.items()]
    return f"<{token.tag}{''.join(facts)}>"


# Lines -------------------------------------------------------------------------------------------


class _Line(StateInline):
    def scanDelims(self, start: int, canSplitWord: bool) -> Scanned:  # noqa: ARG002, N802, N803
        """Accept emphasis between punctuation and Chinese letters, which have no spaces."""
        marker, end = self.src[start], start
        while end < self.posMax and self.src[end] == marker:
            end += 1
        before = self.src[start - 1] if start else " "
        after = self.src[end] if end < self.posMax else " "
        inside = _is_wordy(before) and _is_wordy(after) and (marker == "_" or end - start == 1)
        opens = not inside and not after.isspace() and not (marker == "_" and _is_wordy(before))
        closes = not inside and not before.isspace() and not (marker == "_" and _is_wordy(after))
        return Scanned(opens, closes, end - start)


def _is_wordy(letter: str) -> bool:
    """Whether a mark next to this letter is literal, as in snake_case, 5*3*2 and @ann_b."""
    return (letter.isalnum() and letter < "\u2e80") or letter in "@\\"


class _Lines(ParserInline):
    def parse(self, src: str, md: MarkdownIt, env: EnvType, tokens: list[Token]) -> list[Token]:
        if not _STOP.search(src):
            tokens.append(Token("text", "", 0, content=src))
            return tokens
        line = _Line(src, md, env, tokens)
        self.tokenize(line)
        for rule in self.ruler2.getRules(""):
            rule(line)
        return line.tokens


def _link(state: StateInline, _silent: bool) -> bool:
    found = _LINK.match(state.src, state.pos, state.posMax)
    if not found or state.linkLevel:
        return False
    end = state.posMax
    state.push("link_open", "a", 1).attrs = {"href": found[2]}
    state.pos, state.posMax = found.span(1)
    state.linkLevel += 1
    state.md.inline.tokenize(state)
    state.linkLevel -= 1
    state.pos, state.posMax = found.end(), end
    state.push("link_close", "a", -1)
    return True


def _address(state: StateInline, _silent: bool) -> bool:
    """Make an address a link, unless it is inside a link."""
    if state.linkLevel or state.src[state.pos] not in "hHwW":
        return False
    address = address_at(state.src, state.pos, state.posMax, _opened(state))
    if not address:
        return False
    scheme = "https://" if address[:4].lower() == "www." else ""
    state.push("link_open", "a", 1).attrs = {"href": scheme + address}
    state.push("text", "", 0).content = address
    state.push("link_close", "a", -1)
    state.pos += len(address)
    return True


def _opened(state: StateInline) -> dict[str, int]:
    """Count the open emphasis marks."""
    opened = dict.fromkeys(_EMPHASIS, 0)
    for mark in state.delimiters:
        kind = chr(mark.marker)
        if mark.open:
            opened[kind] += 1
        elif mark.close and opened[kind]:
            opened[kind] -= 1
    opened["~"] *= 2  # a delimiter consists of two
    return opened


def _escape(state: StateInline, _silent: bool) -> bool:
    r"""Make a mark after a backslash literal. The backslash stays unless it is an escape."""
    position, env = state.pos, state.env
    mark = state.src[position + 1 : position + 2] if state.src[position] == "\\" else ""
    if not mark or mark not in "*~`[":
        return False
    if env.get("line") is not state.src:
        env["line"], env["escapes"] = state.src, escapes(state.src)
    escaped = position in env["escapes"] or (mark == "[" and _LINK.match(state.src, position + 1))
    env["escaped"] = env.get("escaped") or bool(escaped)
    state.append_pending(mark if escaped else "\\" + mark)
    state.pos += 2
    return True


# Blocks ------------------------------------------------------------------------------------------


def _content(state: StateBlock, line: int) -> str:
    return state.src[state.bMarks[line] + state.tShift[line] : state.eMarks[line]]


def _paragraph(state: StateBlock, start: int, _end: int, _silent: bool) -> bool:
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


def _fence(state: StateBlock, start: int, end: int, silent: bool) -> bool:
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


def _quotation(state: StateBlock, start: int, end: int, silent: bool) -> bool:
    """Parse a quotation. Not every > begins one: >_< is an emoticon."""
    begins = _QUOTED.match(
        state.src, state.bMarks[start] + state.tShift[start], state.eMarks[start]
    )
    return bool(begins) and state.level < DEEPEST and blockquote(state, start, end, silent)


def _list(state: StateBlock, start: int, end: int, silent: bool) -> bool:
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


def _after_quotation(state: StateBlock, start: int, end: int, silent: bool) -> bool:  # noqa: ARG001
    return silent


def _after_item(state: StateBlock, start: int, end: int, silent: bool) -> bool:  # noqa: ARG001
    return silent and state.sCount[start] < state.blkIndent


# Parser ------------------------------------------------------------------------------------------


class _Parser(MarkdownIt):
    def __init__(self) -> None:
        super().__init__("zero", {"maxNesting": 2 * DEEPEST})
        self._set_inline_rules()
        self._set_block_rules()

    def _set_inline_rules(self) -> None:
        self.inline = _Lines()
        self.inline.terminator_re = _STOP
        rules = self.inline.ruler
        rules.before("newline", "address", _address)
        rules.at("escape", _escape)
        rules.at("link", _link)
        marks = ["backticks", "strikethrough", "emphasis"]
        rules.enableOnly(["text", "address", "escape", *marks, "link"])
        self.inline.ruler2.enableOnly(["balance_pairs", *marks[1:], "fragments_join"])

    def _set_block_rules(self) -> None:
        rules = self.block.ruler
        rules.at("fence", _fence, {"alt": ["paragraph", "blockquote", "list"]})
        rules.at("blockquote", _quotation, {"alt": ["paragraph", "blockquote", "list"]})
        rules.at("list", _list, {"alt": ["paragraph", "blockquote"]})
        rules.push("after quotation", _after_quotation, {"alt": ["blockquote"]})
        rules.push("after item", _after_item, {"alt": ["paragraph"]})
        rules.at("paragraph", _paragraph)
        rules.enable(["fence", "blockquote", "list"])


_parser = _Parser()
