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
from markdown_it.token import Token

from chatserver.text import markdown_blocks as blocks
from chatserver.text import markdown_lines as lines
from chatserver.text.markdown_blocks import DEEPEST
from chatserver.text.names import shows

MOST = 200  # marks in a text: see `is_heavy`. A text with more is not rendered
LINES = 5  # lines that count as one mark
ESCAPES = 20  # characters < and & that count as one mark

_BLOCKS = r"^(?:[ \t]*(?:>|[-*][ \t]|[0-9]{1,9}[.)][ \t]))+"
# A code block counts as one mark, whatever its content. Only at the start of a line, outside lists
# and quotes, is a fence certain to open one.
_CODE = r"^(```+)(?!`)[^`\n]*\n(?s:.*?)(?:\2[^\S\n]*$|\Z)"
_MARKS = re.compile(rf"({_BLOCKS})|{_CODE}|\*{{1,3}}|_{{1,3}}|~~|`+|\[|(://|www\.)", re.MULTILINE)
_EMPTY_LINE = re.compile(r"\n[ \t]*(?=\n)")

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
    if not _has_markup(tokens) and not env.get("escaped"):
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
    double = sum(_weight(block_marks) + bool(address) for block_marks, _fence, address in marks)
    return len(marks) + double + small > MOST


def _weight(block_marks: str) -> int:
    """Return the weight of block marks at the start of a line; too deep ones are text."""
    return min(len(block_marks.split()), DEEPEST) + max(0, block_marks.count("*") - DEEPEST)


def _leaves(tokens: Iterable[Token]) -> Iterator[Token]:
    for token in tokens:
        if token.type == "inline":
            yield from token.children or ()
        elif not token.hidden:
            yield token


def _has_markup(tokens: list[Token]) -> bool:
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
    attributes = [f' {name}="{escape(str(value))}"' for name, value in token.attrs.items()]
    return f"<{token.tag}{''.join(attributes)}>"


# Parser ------------------------------------------------------------------------------------------


class _Parser(MarkdownIt):
    def __init__(self) -> None:
        super().__init__("zero", {"maxNesting": 2 * DEEPEST})
        self._set_inline_rules()
        self._set_block_rules()

    def _set_inline_rules(self) -> None:
        self.inline = lines.LineParser()
        self.inline.terminator_re = lines.STOP
        rules = self.inline.ruler
        rules.before("newline", "address", lines.parse_address)
        rules.at("escape", lines.parse_escape)
        rules.at("link", lines.parse_link)
        marks = ["backticks", "strikethrough", "emphasis"]
        rules.enableOnly(["text", "address", "escape", *marks, "link"])
        self.inline.ruler2.enableOnly(["balance_pairs", *marks[1:], "fragments_join"])

    def _set_block_rules(self) -> None:
        rules = self.block.ruler
        rules.at("fence", blocks.parse_fence, {"alt": ["paragraph", "blockquote", "list"]})
        rules.at("blockquote", blocks.parse_quotation, {"alt": ["paragraph", "blockquote", "list"]})
        rules.at("list", blocks.parse_list, {"alt": ["paragraph", "blockquote"]})
        rules.push("after quotation", blocks.end_after_quotation, {"alt": ["blockquote"]})
        rules.push("after item", blocks.end_after_item, {"alt": ["paragraph"]})
        rules.at("paragraph", blocks.parse_paragraph)
        rules.enable(["fence", "blockquote", "list"])


_parser = _Parser()
