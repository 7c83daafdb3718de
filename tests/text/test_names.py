"""Names that people may choose, and those that they may not."""

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
def test_letters_of_every_script_make_a_name(chosen: str, kept: str) -> None:
    assert checked_name(chosen) == kept


@pytest.mark.parametrize(
    "chosen",
    ["", "a", " a ", "x" * 33, "ann b", "-ann", ".ann", "ann@home", "a/b", "a\u202eb", "🎉🎉"],
)
def test_what_hides_or_separates_is_in_no_name(chosen: str) -> None:
    with pytest.raises(BadRequest):
        checked_name(chosen)


@pytest.mark.parametrize("chosen", ["all", "ALL", "ａｌｌ"])
def test_nobody_is_called_as_everybody_is(chosen: str) -> None:
    with pytest.raises(Conflict):
        checked_name(chosen)


def test_a_display_name_is_free_and_one_line() -> None:
    assert checked_display("  Ann \n  of  the office ", "ann") == "Ann of the office"
    assert checked_display(" ", "ann") == "ann"
    assert checked_display("安 🎉", "ann") == "安 🎉"


@pytest.mark.parametrize("chosen", ["x" * 65, "a\x07b", "a\u202eb", "a\ud800b"])
def test_what_cannot_be_shown_is_in_no_display_name(chosen: str) -> None:
    with pytest.raises(BadRequest):
        checked_display(chosen, "ann")


def test_a_user_name_that_is_older_than_the_rules_is_a_display_name() -> None:
    assert checked_display("", "a\ufe0fnn") == "a\ufe0fnn"


INVISIBLE = ["\ufe0f", "\u034f", "\u1160", "\u180b", "\U000e0100", "\u200b", "\u3164", "\u2060"]
BLANK = ["\u200b", "\u2800", "\u3164", "\u00ad", "\ufeff", "\u115f", "\uffa0", "\U000e0041"]


@pytest.mark.parametrize("hidden", INVISIBLE)
def test_an_invisible_character_is_in_no_name(hidden: str) -> None:
    for check in (checked_name, checked_room_name, checked_title, checked_topic):
        with pytest.raises(BadRequest):
            check(f"an{hidden}n")
    with pytest.raises(BadRequest):
        checked_display(f"An{hidden}n", "ann")


@pytest.mark.parametrize("blank", BLANK)
def test_a_name_that_shows_nothing_is_refused(blank: str) -> None:
    with pytest.raises(BadRequest):
        checked_display(blank, "ann")
    with pytest.raises(BadRequest):
        checked_title(blank)
    assert not shows(f" {blank}\n{blank}")
    assert shows(f"{blank}.")


@pytest.mark.parametrize("control", "\u202a\u202b\u202d\u202e\u2066\u2067\u2068\u200e\u200f\u061c")
def test_what_reorders_text_is_in_no_title_topic_or_display_name(control: str) -> None:
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
def test_emoji_and_joined_letters_are_welcome(text: str) -> None:
    assert checked_display(text, "ann") == checked_title(text) == checked_topic(text) == text


def test_the_longest_line_is_measured_as_it_is_stored() -> None:
    grows = "\ufb2c"  # one character, three in NFC
    with pytest.raises(BadRequest):
        checked_title(grows * 34)
    with pytest.raises(BadRequest):
        checked_topic(grows * 167)
    assert len(checked_title(grows * 33)) == 99


def test_a_title_is_never_empty_and_a_topic_may_be() -> None:
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
def test_what_looks_alike_has_one_skeleton(one: str, other: str) -> None:
    assert skeleton(one) == skeleton(other)


def test_what_looks_different_has_two() -> None:
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
def test_one_name_has_one_key_however_it_is_written(written: str) -> None:
    assert name_key(written) == "bo"
    assert room_key(f" # {written}") == room_key(written) == "bo"


def test_names_stay_small_in_memory() -> None:
    tracemalloc.start()
    try:
        skeleton("ann")
        assert tracemalloc.get_traced_memory()[0] < 1_000_000
    finally:
        tracemalloc.stop()


def test_the_ignorable_characters_are_those_of_unicode() -> None:
    pattern = re.compile(f"[{IGNORABLE}]")
    found = sum(1 for code in range(sys.maxunicode + 1) if pattern.match(chr(code)))
    assert found == 4_174  # "Total code points" in DerivedCoreProperties.txt
