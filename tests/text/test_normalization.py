"""Normalization: same results as the standard library, in linear time."""

import sys
import time
import unicodedata
from collections.abc import Callable
from typing import Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chatserver.text.normalization import _LAST_MARK, _SPLIT_WIDE, SHORT, nfc, nfkc

Form = Literal["NFC", "NFKC"]
MARKS = "\u0301\u0316\u0327\u0344\u0345\u05b0\u0f71\u0f73\u0f75\u0f81\u3099\uff9e\uff9f"
ZALGO = st.text(st.sampled_from(MARKS), min_size=SHORT, max_size=3 * SHORT)
TEXT = st.text(st.one_of(st.sampled_from("aÅﬁ가ﷺ\u1100\u1161"), st.characters()), max_size=8)
FORMS: list[tuple[Form, Callable[[str], str]]] = [("NFC", nfc), ("NFKC", nfkc)]


@pytest.mark.parametrize(("form", "normalized"), FORMS)
@given(parts=st.lists(st.one_of(ZALGO, TEXT), max_size=4))
def test_the_result_equals_that_of_the_standard_library(
    form: Form, normalized: Callable[[str], str], parts: list[str]
) -> None:
    text = "".join(parts)
    assert normalized(text) == unicodedata.normalize(form, text)


def test_every_character_that_begins_with_a_mark_is_known() -> None:
    for code in range(sys.maxunicode + 1):
        split = unicodedata.normalize("NFKD", chr(code))
        if unicodedata.combining(split[0]):
            assert code <= _LAST_MARK
            assert code in _SPLIT_WIDE or (len(split) == 1 and unicodedata.combining(chr(code)))


@pytest.mark.parametrize("normalized", [nfc, nfkc])
@pytest.mark.parametrize("marks", ["\u0301\u0316", "\u0f73", "\u0f71\u0f73", "\u0344\uff9e"])
def test_the_time_is_linear_in_the_number_of_marks(
    normalized: Callable[[str], str], marks: str
) -> None:
    def seconds(length: int) -> float:
        text = marks * (length // len(marks))
        return min(_timed(lambda: normalized(text)) for _ in range(3))

    seconds(100)  # the tables are made
    assert seconds(32_000) < 12 * seconds(8_000)  # 4 when linear, 16 when quadratic


def _timed(work: Callable[[], object]) -> float:
    start = time.thread_time()
    work()
    return time.thread_time() - start
