"""Texts of files in search: bounds, comparison in parts, excerpts."""

from itertools import pairwise

import pytest

from chatserver.text.file_texts import (
    CHARACTERS,
    PART,
    TOKEN_BYTES,
    Comparison,
    indexed,
    on_one_line,
    parts,
)
from chatserver.text.search_query import holds, parse
from chatserver.text.search_terms import fold, tokens

IDEOGRAPHS = "".join(chr(0x4E00 + 7 * n % 20_000) for n in range(CHARACTERS))
WORDS = " ".join(f"word{n}" for n in range(CHARACTERS // 6))
LONG = {
    "words": WORDS,
    "ideographs": IDEOGRAPHS,
    "ligatures": "\ufdfa" * CHARACTERS,
    "one word": "a" * CHARACTERS,
    "spaces": "a " * (CHARACTERS // 2),
}


def compared(text: str, query: str) -> Comparison:
    comparison = Comparison(parse(query).pieces)
    for part in parts(text, overlap=comparison.overlap):
        comparison.compare(text, part)
    return comparison


def excerpt(text: str, query: str) -> str | None:
    found = compared(text, query)
    return None if found.missing else found.excerpt


def test_a_text_is_on_one_line_without_control_characters() -> None:
    assert on_one_line("a\x00b\r\n\tc \ud83d\ude00 \ud800") == "a b c 😀 \ufffd"


def test_a_short_text_is_kept_with_its_tokens() -> None:
    text = "Die Prüfung – 第三块硬盘 & more"
    assert indexed(text).text == text
    assert {*indexed(text).tokens.split()} == {*tokens(text).split()}


@pytest.mark.parametrize("text", LONG.values(), ids=LONG.keys())
def test_what_is_kept_of_a_text_is_bounded(text: str) -> None:
    found = indexed(text)
    assert len(fold(found.text)) <= CHARACTERS
    assert len(found.tokens) <= TOKEN_BYTES
    assert text.startswith(found.text)
    assert len(found.text) > CHARACTERS // 30
    assert {*tokens(found.text).split()} <= {*found.tokens.split()}


@pytest.mark.parametrize("text", LONG.values(), ids=LONG.keys())
@pytest.mark.parametrize("overlap", [1, 80, 2_001])
def test_parts_cover_a_text_and_overlap(text: str, overlap: int) -> None:
    text = text[: 20 * PART]
    some = list(parts(text, overlap=overlap))
    assert (some[0].offset, some[-1].offset + len(some[-1].body)) == (0, len(text))
    for one, next_one in pairwise(some):
        assert text[one.offset :].startswith(one.body)
        assert one.offset < next_one.offset <= one.offset + len(one.body) - overlap


@pytest.mark.parametrize("position", [0, PART - 9, PART - 5, PART - 1, PART, 3 * PART - 4])
def test_a_phrase_is_found_at_every_position(position: int) -> None:
    text = f"{'x ' * (position // 2)}the third disk {'y ' * PART}"
    assert "the third disk" in (excerpt(text, '"third disk"') or "")
    assert excerpt(text, '"hird disk"') is None
    assert excerpt(text, '"third dis"') is None


def test_words_may_be_in_different_parts() -> None:
    text = f"first {'x ' * PART}第三块硬盘 {'y ' * PART}last"
    assert excerpt(text, "first last 块硬") is not None
    assert excerpt(text, "first middle") is None


@pytest.mark.parametrize("text", ["bookshelf", "ebook", "books", "the book", "Book,", "book-end"])
def test_the_comparison_of_a_text_is_that_of_messages(text: str) -> None:
    query = parse("book")
    assert (not compared(text, "book").missing) == holds(query.pieces, fold(text))


def test_an_excerpt_has_the_text_around_the_first_hit_as_it_was_written() -> None:
    text = f"{'ﬁne ' * 200}Die ＰＲＵＥＦＵＮＧ of the well-known disk {'end ' * 200}"
    found = excerpt(text, "pruefung well-known") or ""
    assert "Die ＰＲＵＥＦＵＮＧ of the well-known disk" in found
    assert found.startswith("…")
    assert found.endswith("…")
    assert len(found) <= 302
    assert excerpt("only this", "this") == "only this"
    assert "a cat here" in (excerpt(f"concat {'x ' * 1_000} a cat here", "cat") or "")


def test_the_name_of_a_file_counts_with_its_text() -> None:
    comparison = Comparison(parse("report budget").pieces)
    comparison.compare_name("Report.pdf\0")
    for part in parts("the budget", overlap=comparison.overlap):
        comparison.compare("the budget", part)
    assert (comparison.missing, comparison.excerpt) == ([], "the budget")
