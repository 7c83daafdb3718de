"""Rules for Markdown within a line: emphasis, links, web addresses and escapes."""

import re

from markdown_it import MarkdownIt
from markdown_it.parser_inline import ParserInline
from markdown_it.rules_inline import StateInline
from markdown_it.rules_inline.state_inline import Scanned
from markdown_it.token import Token
from markdown_it.utils import EnvType

from chatserver.text.escapes import escapes
from chatserver.text.links import BEGINS, address_at

_EMPHASIS = "*_~"

STOP = re.compile(rf"[*_~`\[\]]|\\(?=[*~`\[])|{BEGINS}")
_TARGET = r"[^\s\x00-\x1f\x7f-\x9f<>()\[\]\"`\\]"
_LINK = re.compile(
    rf"\[([^\[\]\n]+)\]\(((?i:https?://|mailto:)(?:{_TARGET}|\({_TARGET}*\))+)"
    r"(?:[ \t]+\"[^\"\n]*\")?\)"
)


class _LineState(StateInline):
    def scanDelims(self, start: int, canSplitWord: bool) -> Scanned:  # noqa: ARG002, N802, N803
        """Accept emphasis between punctuation and Chinese letters, which have no spaces."""
        marker, end = self.src[start], start
        while end < self.posMax and self.src[end] == marker:
            end += 1
        before = self.src[start - 1] if start else " "
        after = self.src[end] if end < self.posMax else " "
        inside = _keeps_mark(before) and _keeps_mark(after) and (marker == "_" or end - start == 1)
        opens = not inside and not after.isspace() and not (marker == "_" and _keeps_mark(before))
        closes = not inside and not before.isspace() and not (marker == "_" and _keeps_mark(after))
        return Scanned(opens, closes, end - start)


def _keeps_mark(letter: str) -> bool:
    """Whether a mark next to this letter is literal, as in snake_case, 5*3*2 and @ann_b."""
    return (letter.isalnum() and letter < "\u2e80") or letter in "@\\"


class LineParser(ParserInline):
    def parse(self, src: str, md: MarkdownIt, env: EnvType, tokens: list[Token]) -> list[Token]:
        if not STOP.search(src):
            tokens.append(Token("text", "", 0, content=src))
            return tokens
        line = _LineState(src, md, env, tokens)
        self.tokenize(line)
        for rule in self.ruler2.getRules(""):
            rule(line)
        return line.tokens


def parse_link(state: StateInline, _silent: bool) -> bool:
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


def parse_address(state: StateInline, _silent: bool) -> bool:
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


def parse_escape(state: StateInline, _silent: bool) -> bool:
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
