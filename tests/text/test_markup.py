"""HTML of texts: what is markup, and that only known tags are produced."""

import asyncio
import json
import subprocess
import sys
import time
from bisect import bisect_left
from html import escape
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chatserver.text import markdown, markdown_blocks
from chatserver.text.markup import Renderer, is_costly, rendered

TAGS = {"p", "br", "strong", "em", "s", "code", "pre", "blockquote", "ul", "ol", "li", "a"}
ATTRIBUTES = {"a": {"href", "rel"}, "ol": {"start"}, "li": {"value"}}
REL = "noopener noreferrer nofollow"


def link(address: str, text: str = "") -> str:
    return f'<a href="{address}" rel="{REL}">{text or address}</a>'


class Reader(HTMLParser):
    """Parses HTML like a browser: tags, attributes, text."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self.links: list[str] = []  # their text
        self.in_link = False
        self.feed(html)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        self.text += "\n" if tag == "br" else ""
        if tag == "a":
            self.links, self.in_link = [*self.links, ""], True

    def handle_data(self, data: str) -> None:
        self.text += data
        if self.in_link:
            self.links[-1] += data

    def handle_endtag(self, tag: str) -> None:
        self.in_link = self.in_link and tag != "a"


# Markup ------------------------------------------------------------------------------------------

MARKED = [
    ("**bold** and *italic*", "<p><strong>bold</strong> and <em>italic</em></p>"),
    ("__bold__ and _italic_", "<p><strong>bold</strong> and <em>italic</em></p>"),
    ("***both*** ~~gone~~", "<p><em><strong>both</strong></em> <s>gone</s></p>"),
    ("un**believ**able", "<p>un<strong>believ</strong>able</p>"),
    ("**two\nlines**\nthree", "<p><strong>two<br>lines</strong><br>three</p>"),
    ("*one*\n\n\ntwo", "<p><em>one</em></p><p>two</p>"),
    ("*a*\n  b", "<p><em>a</em><br>  b</p>"),
    ("\t*a*\n  b", "<p>\t<em>a</em><br>  b</p>"),
    ("　　第一段**重**\n　　第二段", "<p>　　第一段<strong>重</strong><br>　　第二段</p>"),
    ("`a < b` and ``a ` b``", "<p><code>a &lt; b</code> and <code>a ` b</code></p>"),
    ("`**not bold**`", "<p><code>**not bold**</code></p>"),
    (r"\*not\* *but*", "<p>*not* <em>but</em></p>"),
    (r"\*not\*", "<p>*not*</p>"),
    # Chinese has no spaces
    ("**你好。**世界", "<p><strong>你好。</strong>世界</p>"),
    ("他说**“好”**了", "<p>他说<strong>“好”</strong>了</p>"),
    ("这是*重点*和~~错的~~", "<p>这是<em>重点</em>和<s>错的</s></p>"),
    ("运行`ls`看看", "<p>运行<code>ls</code>看看</p>"),
    # Fences
    ("```\na\n  *b*\n\nc\n```\nd", "<pre><code>a\n  *b*\n\nc</code></pre><p>d</p>"),
    ("see:\n```python\nx = 1\n```", "<p>see:</p><pre><code>x = 1</code></pre>"),
    ("```a = 1\nb = 2```", "<pre><code>a = 1\nb = 2</code></pre>"),
    ("```hello\nworld```", "<pre><code>hello\nworld</code></pre>"),
    ("```\nnever closed", "<pre><code>never closed</code></pre>"),
    ("````\n```\n````", "<pre><code>```</code></pre>"),
    ("a ```b``` c", "<p>a <code>b</code> c</p>"),
    # Lists
    ("- a\n- b\nafter", "<ul><li>a</li><li>b</li></ul><p>after</p>"),
    ("* a\n  b", "<ul><li>a<br>b</li></ul>"),
    ("Buy:\n- 茶\n- 米", "<p>Buy:</p><ul><li>茶</li><li>米</li></ul>"),
    ("1. a\n2. b", "<ol><li>a</li><li>b</li></ol>"),
    ("3) a\n4) b", '<ol start="3"><li>a</li><li>b</li></ol>'),
    ("3. a\n2. b\n1. c", '<ol start="3"><li>a</li><li value="2">b</li><li value="1">c</li></ol>'),
    ("5. a\n7. b\n8. c", '<ol start="5"><li>a</li><li value="7">b</li><li>c</li></ol>'),
    (
        "1. a\n   1. b\n   3. c\n2. d",
        '<ol><li>a<ol><li>b</li><li value="3">c</li></ol></li><li>d</li></ol>',
    ),
    ("1. a\n   - b\n2. c", "<ol><li>a<ul><li>b</li></ul></li><li>c</li></ol>"),
    ("- ```\n  a\n  ```", "<ul><li><pre><code>a</code></pre></li></ul>"),
    # Quotations
    ("> said\nanswer", "<blockquote><p>said</p></blockquote><p>answer</p>"),
    (">引用\n> *b*", "<blockquote><p>引用<br><em>b</em></p></blockquote>"),
    ("> a\n> > b", "<blockquote><p>a</p><blockquote><p>b</p></blockquote></blockquote>"),
    ("> - a", "<blockquote><ul><li>a</li></ul></blockquote>"),
    # Links
    ("[docs](https://example.com/a_(b))", f"<p>{link('https://example.com/a_(b)', 'docs')}</p>"),
    ("[*b*](http://x.org)", f"<p>{link('http://x.org', '<em>b</em>')}</p>"),
    ('[a](http://x.org "title")', f"<p>{link('http://x.org', 'a')}</p>"),
    ("[bo](mailto:bo@example.com)", f"<p>{link('mailto:bo@example.com', 'bo')}</p>"),
    ("[http://a.org](http://b.org)", f"<p>{link('http://b.org', 'http://a.org')}</p>"),
    ("**https://example.com**", f"<p><strong>{link('https://example.com')}</strong></p>"),
    ("https://x.org/_a_/*b*", f"<p>{link('https://x.org/_a_/*b*')}</p>"),
    ("www.example.com/x", f"<p>{link('https://www.example.com/x', 'www.example.com/x')}</p>"),
    # Mentions stay unchanged
    ("*hi* @ann_b_ and @_bo_", "<p><em>hi</em> @ann_b_ and @_bo_</p>"),
]

PLAIN = """
hello
你好，世界。
5*3*2 = 30
2 * 3 * 4
snake_case_name and _x
f*ck this sh*t
a ** b ** c
好的~~ 谢谢~~
~5 or ~6
it's `open
[x] done, [ ] not (yet)
*
***
-
- - -
---
1.
2026年3月4日
3.14 and 1,000
+ 1
+1
>_<
>.< >:(
># no
# not a title
C:\\temp\\_x_ and ¯\\_(ツ)_/¯
a\n\nb\n  c
<b>bold</b> &amp; &lt;
http:// and https://... and www. and ://
javascript:alert(1) data:text/html,x ftp://example.com
nohttps://example.com
[a](/logout) [b](//example.com) [c](javascript:alert(1))
```
""".strip().splitlines()


@pytest.mark.parametrize(("text", "html"), MARKED)
def test_each_kind_of_markup_becomes_its_html(text: str, html: str) -> None:
    assert rendered(text) == html


@pytest.mark.parametrize("text", [line.replace("\\n", "\n") for line in PLAIN])
def test_text_without_markup_is_not_rendered(text: str) -> None:
    assert rendered(text) is None


# Links -------------------------------------------------------------------------------------------

ADDRESSES = [
    ("看https://example.com/a，好", "https://example.com/a"),
    ("看https://example.com/docs了解更多", "https://example.com/docs"),
    ("（https://example.com/foo）", "https://example.com/foo"),
    ("「https://example.com」と", "https://example.com"),
    ("“https://example.com/x”…", "https://example.com/x"),
    ("http://t.example/RZwjG7U（分享自", "http://t.example/RZwjG7U"),
    ("See https://example.com/a. Then", "https://example.com/a"),
    ("Is it https://example.com/b?", "https://example.com/b"),
    ("(https://en.example.org/wiki/Set_(game))", "https://en.example.org/wiki/Set_(game)"),
    ("https://example.com/?a=1&b=[2]#top,", "https://example.com/?a=1&amp;b=[2]#top"),
    ("<https://example.com>", "https://example.com"),
    ("~~https://example.com/x~~", "https://example.com/x"),
    ("https://exämple.com/straße", "https://exämple.com/straße"),
    ("http://localhost:8080/x", "http://localhost:8080/x"),
    ("HTTPS://EXAMPLE.COM", "HTTPS://EXAMPLE.COM"),
    ("http://[::1]:80/", "http://[::1]:80/"),
]


@pytest.mark.parametrize(("text", "address"), ADDRESSES)
def test_a_link_ends_before_the_punctuation_of_the_sentence(text: str, address: str) -> None:
    html = rendered(text)
    assert html
    assert link(address) in html
    assert html.count("<a ") == 1


CASES = json.loads((Path(__file__).parent.parent / "text-cases/addresses.json").read_text("utf-8"))


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["text"])
def test_links_are_complete_and_backslashes_are_kept(case: dict[str, Any]) -> None:
    text = case["text"]
    reader = Reader(rendered(text) or escape(text))
    assert reader.links == case["links"]
    assert reader.text == case.get("shown", text)


@pytest.mark.parametrize(
    "unit", ["https://例.", "www.例-", "https://a.b/例", "\\* ", "\\*a\\* ", "_https://a.b_ "]
)
def test_long_addresses_and_many_backslashes_take_linear_time(unit: str) -> None:
    def seconds(count: int) -> float:
        text = unit + "例.a/(" * count + " " + unit * min(count, 30)
        start = time.thread_time()
        for _ in range(20):
            markdown.html(text)
        return time.thread_time() - start

    seconds(10)
    assert seconds(4_000) < 12 * max(seconds(1_000), 0.001)  # 16 when quadratic


# Safety ------------------------------------------------------------------------------------------

ATTACKS = [
    "**b** <script>alert(1)</script>",
    "**b** <img src=x onerror=alert(1)>",
    "**b** &lt;script&gt; &#60;script&#62; &#x3c;script>",
    "[a](javascript:alert(1)) **b**",
    "[a](JaVaScRiPt:alert(1)) **b**",
    "[a](java\tscript:alert(1)) **b**",
    "[a](&#106;avascript:alert(1)) **b**",
    "[a](data:text/html;base64,PHNjcmlwdD4=) **b**",
    "[a](vbscript:x) [b](file:///etc/passwd) **b**",
    '[a](https://x.org/"onmouseover="alert(1)) **b**',
    "[a](https://x.org/'onmouseover='alert(1)) **b**",
    '[a](http://x.org "t" onclick="x") **b**',
    "[<img src=x onerror=alert(1)>](https://x.org)",
    "[[a](javascript:x)](https://x.org)",
    "[a](https://x.org/[b](javascript:x))",
    "![a](https://x.org/a.png) **b**",
    "[a]: javascript:alert(1)\n\n[a] **b**",
    "<https://x.org/><svg/onload=alert(1)> **b**",
    "https://x.org/?<script>alert(1)</script>",
    'https://x.org/"onclick="alert(1)',
    "`</code><script>alert(1)</script>`",
    "```\n</code></pre><script>alert(1)</script>\n```",
    "```<script>\nalert(1)\n```",
    '```"><script>alert(1)</script>\nx\n```',
    "> <iframe src=javascript:alert(1)></iframe>",
    "- <svg><style><img src=x onerror=alert(1)></style></svg>",
    "**<math><mtext></math><img src onerror=alert(1)>**",
    "*\x00* **b**",
]


def is_clean(html: str) -> bool:
    return all(
        tag in TAGS
        and attributes.keys() <= ATTRIBUTES.get(tag, set())
        and (attributes.get("href") or "http:").lower().startswith(("http:", "https:", "mailto:"))
        and (attributes.get("rel") or REL) == REL
        and (attributes.get("start") or "1").isdigit()
        and (attributes.get("value") or "1").isdigit()
        for tag, attributes in Reader(html).tags
    )


@pytest.mark.parametrize("text", ATTACKS)
def test_scripts_are_never_executed(text: str) -> None:
    html = rendered(text)
    assert html
    assert is_clean(html)


def test_the_sanitizer_is_safe_without_the_renderer(monkeypatch: pytest.MonkeyPatch) -> None:
    evil = (
        '<a href="javascript:x" onclick="x">a</a><script>x</script><img src=x onerror=x><p id=x>b'
    )
    monkeypatch.setattr(markdown, "_written", lambda _: [evil])
    assert markdown.html("**b**") == f'<a rel="{REL}">a</a><p>b</p>'


LIKELY = "".join(MARK for MARK in "*_~`[]()<>&\"'\\ \n\t-+.:/#!ab1@汉，") + "\u00a0\u3000"
PIECES = [
    "http://",
    "https://a.b",
    "www.",
    "](",
    "```",
    "\n> ",
    "\n- ",
    "\n1. ",
    "javascript:",
    "<b>",
    "**",
]


@settings(max_examples=400, deadline=None)
@given(
    st.lists(st.sampled_from([*LIKELY, *PIECES]), max_size=60).map("".join) | st.text(max_size=80)
)
def test_every_text_produces_only_known_tags(text: str) -> None:
    html = rendered(text)
    assert html is None or is_clean(html)


@settings(max_examples=200, deadline=None)
@given(st.text(st.characters(blacklist_characters="*_~`[\\:", blacklist_categories=["Cs", "Cc"])))
def test_text_without_marks_is_kept_exactly(text: str) -> None:
    html = rendered(f"**b** x{text}x")
    if "www." not in text.lower():
        assert html
        assert Reader(html).text == f"b x{text}x"


# Cost --------------------------------------------------------------------------------------------


def test_the_libraries_are_imported_lazily_or_by_the_warm_up() -> None:
    code = (
        "import sys, chatserver.app\nfrom chatserver.text.markup import rendered, warm_up\n"
        "for act in (lambda: rendered('hello, world'), lambda: rendered('a: b'), warm_up):\n"
        "    act(); print('markdown_it' in sys.modules, 'nh3' in sys.modules)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["False"] * 4 + ["True"] * 2


def test_a_text_is_rendered_once(monkeypatch: pytest.MonkeyPatch) -> None:
    text = "*only once*"
    first = rendered(text)
    monkeypatch.setattr(markdown, "html", None)
    assert rendered(text) == first


HARD = """
* [ ] > ` _ ~~ ( *a a* **a *a_ [a]( [a](b) [a](http://b) ](http:// ![ [[ *a** _*~` \\* https://a.b
www.a. www.a.b( `a `a`` ```\\n ```a\\n - 1.\\n >\\n >a\\n >>\\n -a\\n >-a http://) https://a) \\n
""".split()


WIDE = [
    *("*a* ", "- a\n", "1. a\n", "> a\n", "- a\nb\n", "> a\nb\n", "- a\n  - b\n", "1. - 2. - a\n"),
    *("* > - a\n", "> " * 8 + "a\n", "b\n", "- a\n\n", "- **a**\n", "http://a.b ", "www.a.b "),
    *(
        "[a](http://b.c) ",
        "[*a*](http://b.c)\n",
        "`a` ",
        "``a`",
        "```a```\n",
        "~~a~~ ",
        "*_",
        "\\* ",
    ),
    *(
        "[",
        "<",
        "\\",
        "&amp;",
        "\t\n",
        "| a | **b** |\n",
        "a\u0301",
        "\x00",
        "字",
        "**字**",
        "`",
        "*",
        "* ",
        "- * ",
        "a\n\n",
        "a\n \n",
        "- a\r",
        "a\r\r",
    ),
]
MUCH = 60_000  # calls and returns of functions: a few milliseconds


def steps(text: str) -> int:
    """Return the number of calls of Python and C functions for rendering a text."""
    count = 0

    def note(*_: object) -> None:
        nonlocal count
        count += 1

    sys.setprofile(note)
    try:
        markdown.html(text)
    finally:
        sys.setprofile(None)
    return count


@pytest.mark.parametrize("unit", [unit.replace("\\n", "\n") for unit in HARD])
def test_the_number_of_steps_is_linear_in_the_length(
    unit: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(markdown, "MOST", 10_000)
    spaced = [unit, unit + " ", unit.replace("-", "- ").replace(">", "> ")]
    for one in spaced:
        assert steps(one * 400) < 2.2 * steps(one * 200) + 200, json.dumps(one)


@pytest.mark.parametrize("unit", WIDE, ids=repr)
def test_the_work_for_every_text_is_limited(unit: str) -> None:
    """Test the heaviest text of each kind that is still rendered, and the longest one."""
    longest = 4_000 // len(unit)
    counts = range(1, longest + 1)
    most = bisect_left(counts, True, key=lambda count: markdown.is_heavy(unit * count)) or 1
    assert steps(unit * most) < MUCH
    assert steps(unit * longest) < MUCH


@pytest.mark.parametrize("fence", ["a ```", "````a```", "- ```\n", "> ```\n", "- a\n  ```\n"])
def test_marks_after_a_fence_count_unless_it_opens_a_code_block(fence: str) -> None:
    assert markdown.is_heavy(fence + "*_" * 300)
    assert not markdown.is_heavy("```\n" + "*_" * 300)


async def test_costly_texts_are_rendered_one_per_turn_of_the_loop(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    turn, turns = 0, []
    monkeypatch.setattr(markdown, "html", lambda _text: turns.append(turn))
    renderer = Renderer()
    texts = [f"{number} " + "*a* " * 60 for number in range(8)]
    preparing = asyncio.gather(*(renderer.prepare(texts[n : n + 2]) for n in (0, 2, 4, 6)))
    while not preparing.done():
        turn += 1
        await asyncio.sleep(0)
    assert len(set(turns)) == len(turns) == 8
    monkeypatch.setattr(markdown, "html", None)
    assert [rendered(text) for text in texts] == [None] * 8


def test_texts_that_are_short_or_have_no_markup_are_not_costly() -> None:
    assert is_costly("*a* " * 60)
    assert is_costly("- a\n" * 60)
    assert is_costly("**" + "<" * 600 + "**")
    assert is_costly("*_" * 60)
    assert not is_costly("*a* " * 9)
    assert not is_costly("lines\n" * 600)
    assert not is_costly("word " * 800)


def test_texts_with_too_many_marks_are_not_rendered() -> None:
    assert rendered("*a* " * 100)
    assert rendered("*a* " * 2_000) is None
    assert rendered("```\n" + "*a* " * 900 + "\n```")


def test_blocks_that_are_nested_too_deep_are_text() -> None:
    html = rendered("> " * 1_000 + "end")
    assert html
    assert html.count("<blockquote>") == markdown_blocks.DEEPEST
    assert Reader(html).text.endswith("> > end")


def test_a_text_that_cannot_be_rendered_is_sent_without_html(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def broken(text: str) -> str:
        raise IndexError(text)

    monkeypatch.setattr("chatserver.text.markdown.html", broken)
    assert rendered("only **this** once") is None
    assert "IndexError" in caplog.text
    assert "once" not in caplog.text
