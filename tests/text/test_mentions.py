"""Mentions in texts. The page is tested with the same cases: tests/js/mentions.test.mjs."""

import json
from pathlib import Path
from typing import Any

import pytest

from chatserver.text.mentions import (
    ALL_MEMBERS_NAMES,
    MEANINGS,
    NAME_LENGTH,
    NAMES,
    meanings,
    mentioned,
)

CASES = json.loads((Path(__file__).parent.parent / "text-cases/mentions.json").read_text("utf-8"))


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["text"])
def test_the_longest_existing_name_is_mentioned(case: dict[str, Any]) -> None:
    names = {*ALL_MEMBERS_NAMES, *case["accounts"]}
    meant = meanings(mentioned(case["text"]))
    called = [next((key for key in keys if key in names), None) for keys in meant]
    assert [name for name in called if name] == case["calls"]


@pytest.mark.parametrize("at", ["@", "＠"])
def test_the_number_of_mentions_in_a_message_is_limited(at: str) -> None:
    text = " ".join(f"{at}n{number}" for number in range(1_000))
    assert mentioned(text) == tuple(f"n{number}" for number in range(NAMES))


def test_the_number_of_keys_of_a_text_is_limited() -> None:
    text = " ".join("@" + chr(0x4E00 + number) * 32 for number in range(NAMES))
    keys = [key for keys in meanings(mentioned(text)) for key in keys]
    assert len(keys) < MEANINGS + NAME_LENGTH + NAMES
