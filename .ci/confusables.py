"""Write chatserver/text/confusables.txt from the Unicode data in the package confusable-homoglyphs.

    pip install confusable-homoglyphs==3.3.1
    python .ci/confusables.py > chatserver/text/confusables.txt

The package lists which characters look alike. Each such group gets one representative here: the
sequence (like "rn" for "m") where there is one, else its ASCII letter, else its first character.
Left out is what no name has after NFKC and NFD.
"""

import sys
from collections import defaultdict
from collections.abc import Iterator
from importlib.metadata import version
from unicodedata import category, normalize

from confusable_homoglyphs.confusables import confusables_data

HEADER = """\
# What looks alike: a representative, then the characters that look like it.
# Made by .ci/confusables.py from confusable-homoglyphs {version}, whose data is confusables.txt of
# Unicode (UTS 39). Modified: only letters, marks and numbers that NFKC and NFD leave as they are.
# Copyright (C) 1991-2024 Unicode, Inc. All rights reserved. Distributed under the Unicode License
# V3, https://www.unicode.org/license.txt, SPDX-License-Identifier: Unicode-3.0
"""
MARKS = dict.fromkeys([0x200E, 0x200F, 0x061C])  # stand around right-to-left letters in the data


def main() -> None:
    alike: dict[str, list[str]] = defaultdict(list)
    for character, representative in sorted(representatives().items()):
        if usable(character):
            alike[representative].append(character)
    sys.stdout.write(HEADER.format(version=version("confusable-homoglyphs")))
    for representative, characters in sorted(alike.items()):
        sys.stdout.write(f"{representative}\t{''.join(characters)}\n")


def representatives() -> dict[str, str]:
    """By character, the sequence that stands for all that look like it."""
    found = {}
    for group in groups():
        best = min(group, key=rank)
        found |= {one: best for one in group if len(one) == 1 and one != best}
    return {one: resolved(best, found) for one, best in found.items()}


def groups() -> Iterator[set[str]]:
    """Sets of what looks alike, over however many steps."""
    near: dict[str, set[str]] = defaultdict(set)
    for one, others in confusables_data.items():
        for other in others:
            pair = [text.translate(MARKS) for text in (one, other["c"])]
            if all(pair):
                near[pair[0]].add(pair[1])
                near[pair[1]].add(pair[0])
    while near:
        group, new = set(), {next(iter(near))}
        while new:
            group |= new
            new = set().union(*(near.pop(one) for one in new)) - group
        yield group


def rank(text: str) -> tuple[bool, bool, bool, bool, list[int]]:
    return (
        len(text) == 1,
        not text.isascii(),
        not text.isalpha(),
        not text.islower(),
        [ord(character) for character in text],
    )


def resolved(text: str, found: dict[str, str]) -> str:
    """A sequence of characters that are representatives themselves."""
    while True:
        step = "".join(found.get(character, character) for character in normalize("NFD", text))
        if step == text:
            return text
        text = step


def usable(character: str) -> bool:
    return category(character)[0] in "LMN" and all(
        normalize(form, character) == character for form in ("NFKC", "NFD")
    )


if __name__ == "__main__":
    main()
