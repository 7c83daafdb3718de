"""Validation and comparison of names."""

import re
import sys
import tracemalloc

import pytest

from chatserver.errors import BadRequest, Conflict
from chatserver.models import name_key
from chatserver.text.names import (
    IGNORABLE,
    checked_display,
    checked_name,
    checked_room_name,
    checked_title,
    checked_topic,
    is_lobby_title,
    room_key,
    shows,
    skeleton,
)


@pytest.mark.parametrize(
    ("chosen", "kept"),
    [
        ("ann", "ann"),
        ("Ann.B_c-9", "Ann.B_c-9"),
        (" bo ", "bo"),
        ("ａｎｎ", "ann"),
        ("张伟", "张伟"),
        ("łucja", "łucja"),
        ("अनिता", "अनिता"),
        ("x" * 32, "x" * 32),
        ("allan", "allan"),
    ],
)
def test_letters_of_every_script_are_accepted_in_names(chosen: str, kept: str) -> None:
    assert checked_name(chosen) == kept


@pytest.mark.parametrize(
    "chosen",
    ["", "a", " a ", "x" * 33, "ann b", "-ann", ".ann", "ann@home", "a/b", "a\u202eb", "🎉🎉"],
)
def test_invisible_and_separating_characters_are_rejected_in_names(chosen: str) -> None:
    with pytest.raises(BadRequest):
        checked_name(chosen)


@pytest.mark.parametrize("chosen", ["all", "ALL", "ａｌｌ", "Everyone", "所有人"])
def test_the_name_for_all_members_is_reserved(chosen: str) -> None:
    with pytest.raises(Conflict):
        checked_name(chosen)


def test_a_display_name_is_normalized_to_one_line() -> None:
    assert checked_display("  Ann \n  of  the office ", "ann") == "Ann of the office"
    assert checked_display(" ", "ann") == "ann"
    assert checked_display("安 🎉", "ann") == "安 🎉"


@pytest.mark.parametrize("chosen", ["x" * 65, "a\x07b", "a\u202eb", "a\ud800b"])
def test_unprintable_characters_are_rejected_in_display_names(chosen: str) -> None:
    with pytest.raises(BadRequest):
        checked_display(chosen, "ann")


def test_a_user_name_older_than_the_rules_is_a_valid_display_name() -> None:
    assert checked_display("", "a\ufe0fnn") == "a\ufe0fnn"


INVISIBLE = ["\ufe0f", "\u034f", "\u1160", "\u180b", "\U000e0100", "\u200b", "\u3164", "\u2060"]
BLANK = ["\u200b", "\u2800", "\u3164", "\u00ad", "\ufeff", "\u115f", "\uffa0", "\U000e0041"]


@pytest.mark.parametrize("hidden", INVISIBLE)
def test_invisible_characters_are_rejected_in_all_names(hidden: str) -> None:
    for check in (checked_name, checked_room_name, checked_title, checked_topic):
        with pytest.raises(BadRequest):
            check(f"an{hidden}n")
    with pytest.raises(BadRequest):
        checked_display(f"An{hidden}n", "ann")


@pytest.mark.parametrize("blank", BLANK)
def test_a_name_without_visible_characters_is_rejected(blank: str) -> None:
    with pytest.raises(BadRequest):
        checked_display(blank, "ann")
    with pytest.raises(BadRequest):
        checked_title(blank)
    assert not shows(f" {blank}\n{blank}")
    assert shows(f"{blank}.")


@pytest.mark.parametrize("control", "\u202a\u202b\u202d\u202e\u2066\u2067\u2068\u200e\u200f\u061c")
def test_bidirectional_controls_are_rejected_in_titles_topics_and_display_names(
    control: str,
) -> None:
    for check in (checked_title, checked_topic, lambda text: checked_display(text, "ann")):
        with pytest.raises(BadRequest):
            check(f"a{control}b")


@pytest.mark.parametrize(
    "text",
    [
        "❤️",
        "👩\u200d💻",
        "1\ufe0f\u20e3",
        "می\u200cخواهم",
        "क्\u200dष",
        "🏴\U000e0067\U000e0062\U000e0065\U000e006e\U000e0067\U000e007f",
    ],
)
def test_emoji_and_joined_letters_are_accepted(text: str) -> None:
    assert checked_display(text, "ann") == checked_title(text) == checked_topic(text) == text


def test_the_length_is_limited_in_the_stored_form() -> None:
    grows = "\ufb2c"  # one character, three in NFC
    with pytest.raises(BadRequest):
        checked_title(grows * 34)
    with pytest.raises(BadRequest):
        checked_topic(grows * 167)
    assert len(checked_title(grows * 33)) == 99


def test_a_title_cannot_be_empty_and_a_topic_can() -> None:
    assert checked_topic("  ") == ""
    with pytest.raises(BadRequest):
        checked_title("  ")


ALIKE = [
    ("ann", "аnn"),
    ("ann", "ANN"),
    ("ann", "АNN"),
    ("ann", "a\ufe0fnn"),
    ("paypal", "paypaI"),
    ("mia", "rnia"),
    ("bo0", "boO"),
    ("Ann of the office", "Ann of  the о\u200bffice"),
]


@pytest.mark.parametrize(("one", "other"), ALIKE)
def test_confusable_names_have_the_same_skeleton(one: str, other: str) -> None:
    assert skeleton(one) == skeleton(other)


def test_distinct_names_have_different_skeletons() -> None:
    looks = {skeleton(name) for name in ("jose", "josé", "安", "按", "bo", "cy", "ann1", "ann2")}
    assert len(looks) == 8


@pytest.mark.parametrize("chosen", ["аll", "a1l", "aIl"])
def test_a_name_that_looks_like_all_is_reserved(chosen: str) -> None:
    with pytest.raises(Conflict):
        checked_name(chosen)


@pytest.mark.parametrize(
    "title", ["Lobby", "LOBBY", "Lоbby", "lobby ", "大厅", "ロビー", "L\u200bobby"]
)
def test_the_title_of_the_lobby_is_known_in_every_language(title: str) -> None:
    assert is_lobby_title(title)
    assert not is_lobby_title("Lobbying")


@pytest.mark.parametrize("written", ["bo", "bo ", " BO\t", "ｂｏ", "Bo\u3000"])
def test_all_spellings_of_a_name_have_the_same_key(written: str) -> None:
    assert name_key(written) == "bo"
    assert room_key(f" # {written}") == room_key(written) == "bo"


def test_the_confusables_need_little_memory() -> None:
    tracemalloc.start()
    try:
        skeleton("ann")
        assert tracemalloc.get_traced_memory()[0] < 1_000_000
    finally:
        tracemalloc.stop()


def test_the_ignorable_characters_equal_those_of_unicode() -> None:
    pattern = re.compile(f"[{IGNORABLE}]")
    found = sum(1 for code in range(sys.maxunicode + 1) if pattern.match(chr(code)))
    assert found == 4_174  # "Total code points" in DerivedCoreProperties.txt
