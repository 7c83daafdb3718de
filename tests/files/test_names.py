"""Names of files: what is removed, and where they are cut."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chatserver.files.names import MAX_BYTES, cleaned

HIDDEN = "\u200b\u3164\u00ad\u2060\ufeff\u115f\uffa0\u200d\U000e0041\U000e0020\u202e\u2800"


@pytest.mark.parametrize(
    ("name", "kept"),
    [
        ("photo.jpg", "photo.jpg"),
        ("假期 照片.jpg", "假期 照片.jpg"),
        ("../../x", "....x"),
        ("C:\\temp\\a.txt", "C:tempa.txt"),
        ('a"\r\nSet-Cookie: b', 'a"Set-Cookie: b'),
        ("gpj\u202e.exe", "gpj.exe"),
        ("\u2066a\u2069\u200f\u200e.txt", "a.txt"),
        ("a\x00b\x7f\ud800.txt", "ab.txt"),
        ("  a   b.txt ", "a b.txt"),
        *((blank * 3, "file") for blank in HIDDEN),
        *(("report.pdf" + hidden * 50 + ".exe", "report.pdf.exe") for hidden in HIDDEN[:-1]),
        ("report.pdf" + "\u2800" * 50 + ".exe", "report.pdf .exe"),
        ("e\u00ad\u0301.txt", "é.txt"),
        ("👩‍💻 ❤️‍🔥 1️⃣ نامه‌ها.txt", "👩‍💻 ❤️‍🔥 1️⃣ نامه‌ها.txt"),
        ("..", "file"),
        ("", "file"),
        ("x" * 300, "x" * 200),
        ("x" * 300 + ".tar", "x" * 196 + ".tar"),
        ("x" * 300 + "." + "y" * 30, "x" * 200),
        ("." + "x" * 300, "." + "x" * 199),
        ("猫" * 100 + ".png", "猫" * 65 + ".png"),
    ],
)
def test_a_name_is_cleaned(name: str, kept: str) -> None:
    assert cleaned(name) == kept


@given(st.text(max_size=400) | st.text(HIDDEN + "a猫1❤\ufe0f.\u0301 ", max_size=400))
def test_a_cleaned_name_is_short_safe_and_stable(name: str) -> None:
    kept = cleaned(name)
    assert 0 < len(kept.encode()) <= MAX_BYTES
    assert not {"/", "\\", "\0", "\n", "\u202e"} & {*kept}
    assert cleaned(kept) == kept
