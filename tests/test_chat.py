"""Whom a text calls, and what is an emoji."""

import pytest

from chatserver.chat import is_emoji, mentioned


@pytest.mark.parametrize(
    ("text", "called"),
    [
        ("@bo: come", {"bo"}),
        ("come, @bo.", {"bo.", "bo"}),
        ("@a_ and @cy-", {"a_", "cy-", "cy"}),
        ("@अनिता", {"अनिता"}),
        ("你好＠小明 你在吗", {"小明"}),
        ("@BO", {"bo"}),
        ("@all", {"all"}),
        ("ann@example.org", set()),
        ("@ bo, @", set()),
        ("nobody", set()),
    ],
)
def test_a_text_calls_names_of_any_script(text: str, called: set[str]) -> None:
    assert mentioned(text) == called


@pytest.mark.parametrize(
    "text", ["👍", "👍🏽", "❤️", "☺", "👨‍👩‍👧", "🏳️‍🌈", "🇨🇳", "1️⃣", "🏴󠁧󠁢󠁥󠁮󠁧󠁿", "🧑🏽‍💻", "↔️"]
)
def test_one_symbol_is_an_emoji(text: str) -> None:
    assert is_emoji(text)


@pytest.mark.parametrize(
    "text", ["", "👍👎", "+", "=", "^", "a", "你", "1", "👍a", "\u200d", ":)", "^_^"]
)
def test_letters_marks_and_several_symbols_are_none(text: str) -> None:
    assert not is_emoji(text)
