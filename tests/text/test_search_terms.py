"""Tokens and queries of search; the index never misses a matching text."""

import json
import re
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

import chatserver.text.search_terms
from chatserver.errors import BadRequest
from chatserver.text.attached_files import searched_text
from chatserver.text.search_query import (
    Piece,
    Query,
    has_attached,
    index_terms,
    matches,
    parse,
)
from chatserver.text.search_terms import fold, tokens

CASES = json.loads(
    (Path(__file__).parent.parent / "text-cases").joinpath("search.json").read_text("utf-8")
)
WRITING = st.text(
    st.one_of(
        st.sampled_from("aAbe 'é́ß0２ｖ.-_*%\"\\你好世界发布かカーな한국ำไทยकि😀👍🏽\u200d\ufe0f’“"),
        st.characters(exclude_categories=["Cs"]),
    ),
    max_size=30,
)


def held(term: str, index: list[str]) -> bool:
    """Return whether a database finds a term in an index."""
    if term.endswith("*"):
        return any(token.startswith(term[:-1]) for token in index)
    return term in index


@given(WRITING, st.data())
def test_the_index_has_all_terms_of_matching_texts(body: str, data: st.DataObject) -> None:
    start = data.draw(st.integers(0, len(body)))
    text = body[start : data.draw(st.integers(start, len(body)))]
    for asked in (text, f'"{text}"', f"{text}*"):
        try:
            query = parse(asked)
        except BadRequest:
            continue
        if matches(query, body):
            assert all(held(term, tokens(body).split()) for term in query.terms)


@given(WRITING)
def test_tokens_have_characters_and_lengths_that_innodb_indexes(body: str) -> None:
    for token in tokens(body).split():
        assert re.fullmatch("x[wcs][0-9a-z]+", token)
        assert 3 <= len(token) <= 84


@given(st.text(st.characters(codec="ascii")))
def test_ascii_texts_have_the_same_tokens_as_within_other_texts(text: str) -> None:
    assert set(tokens(f"{text} 你").split()) == {*tokens(text).split(), tokens("你")}


@given(WRITING)
def test_folding_is_idempotent_for_tokens(text: str) -> None:
    assert set(tokens(fold(text)).split()) == set(tokens(text).split())


def test_a_run_of_characters_becomes_pairs_and_the_last_one() -> None:
    one, two, last = tokens("你好吗").split()
    assert one[:2] == two[:2] == last[:2] == "xc"
    assert one[5:] == two[2:5]
    assert two[5:] == last[2:]


def test_repeated_words_are_one_token() -> None:
    assert tokens("ha ha HA ｈａ") == tokens("ha ha HA") == "xwha"


def test_a_long_word_is_truncated_and_still_matched_completely() -> None:
    word = "a" * 200
    assert tokens(word[:81]) == tokens(word[:80])
    assert tokens(word) == tokens(word + "b") == "xw" + "a" * 80
    assert matches(parse(word), f"so: {word}!")
    assert not matches(parse(word), word + "b")


def test_a_query_has_words_phrases_prefixes_and_filters() -> None:
    query = parse('from:@Bo in:#lobby "to be" rele* before:2026-11-22 after:2026-11-01T08:00+08:00')
    assert query.terms == ("xwto", "xwbe", "xwrele*")
    assert [piece.text for piece in query.pieces] == ["to be", "rele"]
    assert (query.sender, query.room) == ("Bo", "lobby")
    assert query.before == 1_795_305_600_000
    assert query.after == 1_793_491_200_000


def test_filters_and_phrases_can_be_full_width() -> None:
    assert parse("ｆｒｏｍ：bo “你好 世界”") == parse('from:bo "你好 世界"')


def test_a_name_with_a_space_can_be_quoted() -> None:
    assert parse('from:"Bo Li"') == Query(sender="Bo Li")


def test_a_filter_within_a_word_or_a_phrase_is_text() -> None:
    for text in ("http://from:bo", '"from:bo"'):
        assert parse(text).sender is None


def test_the_filters_of_files_have_terms_of_the_index() -> None:
    query = parse('HAS:image has:link filename:"#1 Annual rep" plan')
    assert (query.has, query.file_name) == (
        ("image", "link", "file"),
        Piece("#1 annual rep", whole_start=False, whole_end=False),
    )
    assert index_terms(query) == [
        ["xwplan"],
        ["xw1"],
        ["xwannual"],
        ["xwrep*"],
        ["xfimage"],
        ["xwhttp", "xwhttps", "xwwww"],
        ["xffile"],
    ]


FILES = json.dumps(
    [
        {"id": "a", "name": "Annual report_2026.pdf", "type": "application/pdf", "bytes": 1},
        {"id": "b", "name": "年度报告.png", "type": "image/png", "bytes": 1, "alt": "a chart"},
    ]
)


@pytest.mark.parametrize(
    ("text", "files", "expected"),
    [
        ("has:file", FILES, True),
        ("has:file", "", False),
        ("has:image has:file", FILES, True),
        ("has:video", FILES, False),
        ("filename:rep", FILES, True),
        ("filename:.PDF", FILES, True),
        ("filename:port", FILES, False),
        ("filename:报告", FILES, True),
        ('filename:"report 2026"', FILES, False),
        ("filename:chart", FILES, False),  # the alternative text is no name
        ("filename:rep", None, False),
        ("has:link", FILES, False),
    ],
)
def test_filters_of_files_select_messages(text: str, files: str | None, expected: bool) -> None:
    assert has_attached(parse(text), "see report", files) is expected


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ("see https://example.com", True),
        ("看www.example.com", True),
        ("http", False),
        ("https:// is a scheme", False),
        ("éhttp://example.com", False),  # the index has no term for it
    ],
)
def test_links_are_found_where_the_index_has_a_term(body: str, expected: bool) -> None:
    query = parse("has:link")
    assert has_attached(query, body, "") is expected
    if expected:
        (choice,) = index_terms(query)
        assert {*choice} & {*tokens(body).split()}


def test_no_phrase_matches_across_the_names_of_files() -> None:
    text = searched_text("my plan", FILES)
    assert text.split("\0") == ["my plan", "Annual report_2026.pdf", "年度报告.png", "a chart"]
    assert not matches(parse('"plan annual"'), text)
    assert matches(parse("chart report plan"), text)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["query"])
def test_a_text_matches_where_the_page_highlights_it(case: dict[str, str]) -> None:
    assert matches(parse(case["query"]), case["text"]) is bool(case["marks"])


@pytest.mark.parametrize("text", ['"', '""', "%", "*", "\\", "'"])
def test_a_single_symbol_is_searched(text: str) -> None:
    (term,) = parse(text).terms
    assert term.startswith("xs")
    assert not matches(parse(text), "text")


def test_words_above_the_term_limit_are_compared_with_the_text_only() -> None:
    query = parse(" ".join(f"w{number}" for number in range(40)))
    assert len(query.terms) == 16
    assert len(query.pieces) == 40


EDGES = st.text(st.sampled_from("ab -你"), max_size=12)


def stands(piece: Piece, text: str) -> bool:
    """Return whether the piece matches at any position, tested one by one."""
    return any(
        text.startswith(piece.text, at)
        and not (piece.whole_start and at and is_letter(text[at - 1]))
        and not (piece.whole_end and is_letter(text[at + len(piece.text) :][:1]))
        for at in range(len(text))
    )


def is_letter(character: str) -> bool:
    return character in ("a", "b")


@given(EDGES, EDGES)
def test_a_piece_is_found_at_every_valid_position(asked: str, body: str) -> None:
    try:
        query = parse(f'{asked} "{asked}"')
    except BadRequest:
        return
    assert matches(query, body) == all(stands(piece, fold(body)) for piece in query.pieces)


# Texts of n characters, and queries that fail at each of them.
WORST: dict[str, tuple[Callable[[int], str], str]] = {
    "overlapping words": (lambda n: "a" * n, "a" * 400),
    "overlapping phrases": (lambda n: "ax " * (n // 3), '"' + "ax " * 100 + 'a"'),
    "beginnings": (lambda n: "b" + "a" * n, "a" * 200 + "*"),
    "many pieces": (lambda n: "aa " * (n // 3), " ".join(f"{'a' * i}" for i in range(3, 26))),
    "marks": (lambda n: "a" + "\u0301\u0316" * (n // 2), "\u0301\u0316" * 200),
    "expanding": (lambda n: "\ufdfa" * n, "\u0627\u0644 \u0627"),
}


@pytest.mark.parametrize("name", WORST)
def test_the_comparison_is_linear(name: str) -> None:
    text, asked = WORST[name]
    query = parse(asked)
    matches(query, text(8_000))  # the tables are filled
    short, long = (
        min(timed(partial(matches, query, text(n))) for _ in range(5)) for n in (4_000, 16_000)
    )
    assert long < 12 * short  # 4 when linear, 16 when quadratic


def timed(work: Callable[[], object]) -> float:
    start = time.thread_time()
    work()
    return time.thread_time() - start


def test_the_size_of_the_tables_is_limited() -> None:
    for start in range(0x100, 0x20000, 0x1000):
        text = "".join(map(chr, range(start, start + 0x1000)))
        tokens(text.encode(errors="ignore").decode())
    assert len(chatserver.text.search_terms._TABLE) <= chatserver.text.search_terms.TABLE_SIZE


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("", "something to search for"),
        ("  \u200b ", "something to search for"),
        ("x" * 501, "too long"),
        ("from:", "missing after from:"),
        ("hi in:#", "missing after in:"),
        ("from:bo from:ann", "from: can be used only once"),
        ("has:", "missing after has:"),
        ("has:picture", "one of file, image, video, audio, link, not picture"),
        ("filename:", "missing after filename:"),
        ("filename:\u200b", "missing after filename:"),
        ("filename:a filename:b", "filename: can be used only once"),
        ("before:yesterday", "not yesterday"),
        ("after:2026-13-01", "not 2026-13-01"),
    ],
)
def test_an_invalid_query_is_rejected_with_a_message(text: str, sentence: str) -> None:
    with pytest.raises(BadRequest, match=sentence):
        parse(text)
