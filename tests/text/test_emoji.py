"""Emoji of reactions: one list for server and picker, and one form of each."""

import json
from pathlib import Path

import pytest

from chatserver.text.emoji import EMOJI, is_legacy_reaction, qualified
from tests import emoji_list

PICKER = Path(__file__).parent.parent.parent / "chatserver" / "static" / "js" / "emoji.json"


@pytest.mark.parametrize(
    ("sent", "kept"),
    [
        ("👍", "👍"),
        ("👍🏽", "👍🏽"),
        ("❤", "❤️"),
        ("❤️", "❤️"),
        ("❤︎", "❤️"),
        ("☺", "☺️"),
        ("ℹ", "ℹ️"),
        ("〰️", "〰️"),
        ("〽", "〽️"),
        ("‼", "‼️"),
        ("⁉️", "⁉️"),
        ("↔", "↔️"),
        ("1⃣", "1️⃣"),
        ("🏳‍🌈", "🏳️‍🌈"),
        ("👨‍👩‍👧", "👨‍👩‍👧"),
        ("🧑🏽‍💻", "🧑🏽‍💻"),
        ("🕵‍♂", "🕵️‍♂️"),
        ("🇨🇳", "🇨🇳"),
        ("🏴\U000e0067\U000e0062\U000e0065\U000e006e\U000e0067\U000e007f",) * 2,
    ],
)
def test_variants_of_an_emoji_have_one_form(sent: str, kept: str) -> None:
    assert qualified(sent) == kept


@pytest.mark.parametrize(
    "text",
    [
        "",
        "👍👎",
        "+",
        "=",
        "a",
        "你",
        "1",
        "1️",
        "👍a",
        "\u200d",
        "\ufe0f",
        ":)",
        "🏽",
        "🇨",
        "❤" * 9_999,
    ],
)
def test_letters_marks_parts_and_sequences_are_not_emoji(text: str) -> None:
    assert qualified(text) is None


@pytest.mark.parametrize("text", ["★", "→", "∞", "🤝‍🤝", "🇽🇽", "⌘\ufe0f", "✊🏽‍✊"])
def test_reactions_accepted_by_older_versions_can_be_removed(text: str) -> None:
    assert qualified(text) is None
    assert is_legacy_reaction(text)


@pytest.mark.parametrize(
    "text",
    ["", "hello", "你好", "+", "★ ", "★★", "a★", "\u200d", "★\u200d", "🏽", "★" + "\ufe0f" * 40],
)
def test_other_texts_are_not_legacy_reactions(text: str) -> None:
    assert not is_legacy_reaction(text)


def test_the_list_equals_that_of_unicode() -> None:
    assert EMOJI.read_text(encoding="utf-8") == emoji_list.text()


def test_the_server_accepts_every_emoji_of_the_picker_unchanged() -> None:
    offered = [line.split()[0] for line in json.loads(PICKER.read_text(encoding="utf-8"))]
    assert [emoji for emoji in offered if qualified(emoji) != emoji] == []
