"""Plausible inputs of members that once cost many times a plain message.

`before` is the cost when the table was created, as a multiple of a plain message.
"""

import random
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from chatserver.protocol import Type

Command = Callable[[int], dict[str, Any]]

LETTERS = "abcdefghijklmnopqrstuvwxyz"
_chance = random.Random(1)


@dataclass(frozen=True, slots=True)
class Case:
    """`command` returns the n-th frame; one that `acts` gets one of `spread` targets."""

    name: str
    before: float
    command: Command
    acts: bool = False
    spread: int = 0  # messages that are acted on; 0: each act has another one

    def target(self, number: int) -> int:
        return number % self.spread if self.spread else number


def targets_of(case: Case, count: int) -> int:
    return case.spread or count


def _says(name: str, before: float, text: Callable[[int], str]) -> Case:
    return Case(name, before, lambda n: {"type": Type.GROUP_CHAT, "data": text(n)[:4_000]})


def _letters(count: int) -> str:
    return "".join(_chance.choices(LETTERS, k=count))


def _ideographs(count: int) -> str:
    return "".join(chr(_chance.randrange(0x4E00, 0x9FA5)) for _ in range(count))


CODE = "x = foo(bar, 1)  # comment\n" * 160

TEXTS = (
    _says("@nobody", 28, lambda n: f"good morning @nobody{n % 7}"),
    _says("a decorator", 28, lambda n: f"@property, @override and x@example.org {n}"),
    _says("another unknown @name every time", 28, lambda _: f"good morning @{_letters(9)}"),
    _says("1,000 unknown @names", 131, lambda _: " ".join(f"@{_letters(3)}" for _ in range(800))),
    _says("4,000 different Chinese characters", 54, lambda _: _ideographs(4_000)),
    _says(
        "4,000 letters, all words different",
        8,
        lambda _: " ".join(_letters(7) for _ in range(500)),
    ),
    _says("code block of 4,000 characters", 16, lambda n: f"```\n{n} {CODE[:3_900]}\n```"),
    _says("290 marks", 54, lambda n: f"{n} " + "*a* " * 145),
    _says("290 nested marks", 54, lambda n: f"{n} " + "*_" * 145),
    _says("nested quotes", 24, lambda n: f"{n}\n" + ("> " * 8 + "a\n") * 36),
    _says(
        "list of 140 lines, 8 deep",
        131,
        lambda n: f"{n}\n" + "".join("  " * (i % 8) + "- a\n" for i in range(280)),
    ),
    _says("300 addresses", 107, lambda n: f"{n} " + "http://a.b " * 299),
    _says("1. 1. a and 1,990 lines", 450, lambda n: f"1. 1. {n}\n" + "b\n" * 1_990),
    _says("a table", 20, lambda n: f"{n}\n" + "| a | **b** |\n" * 100),
    _says("195 marks, rendered", 15, lambda n: f"{n} " + "*a* " * 97),
    _says("list of 90 lines, rendered", 13, lambda n: f"{n}\n" + "- a\n" * 90),
    _says("900 lines behind an item, rendered", 28, lambda n: f"- {n}\n" + "b\n" * 900),
    _says("bold with 3,900 <, rendered", 15, lambda n: f"{n} **" + "<" * 3_900 + "**"),
    _says("fence in a line, 3,900 marks", 140, lambda n: f"{n} ```" + "*_" * 1_950),
    _says("100 links", 30, lambda n: f"{n} " + "[a](http://b.c) " * 96),
)

ACTS = (
    Case("edit", 36, lambda n: {"type": Type.EDIT, "data": f"good evening {n}"}, acts=True),
    Case(
        "edit to 190 marks, rendered",
        24,
        lambda n: {"type": Type.EDIT, "data": f"{n} " + "*a* " * 95},
        acts=True,
    ),
    Case("delete", 42, lambda _: {"type": Type.DELETE}, acts=True),
    Case("react", 24, lambda _: {"type": Type.REACT, "emoji": "👍", "on": True}, acts=True),
    Case(
        "react and take it back, one message",
        24,
        lambda n: {"type": Type.REACT, "emoji": "👍", "on": n % 2 == 0},
        acts=True,
        spread=1,
    ),
    Case(
        "half reactions, half messages",
        13,
        lambda n: (
            {"type": Type.REACT, "emoji": "👍", "on": True}
            if n % 2
            else {"type": Type.GROUP_CHAT, "data": f"good morning {n}"}
        ),
        acts=True,
    ),
)
