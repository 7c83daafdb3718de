"""Names that people may choose, and those that they may not."""

import pytest

from chatserver.errors import BadRequest, Conflict
from chatserver.names import checked_display, checked_name


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
