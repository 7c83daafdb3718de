"""Docstrings and comments name only modules, files and identifiers that exist."""

import ast
import io
import keyword
import re
import tokenize
from collections.abc import Iterator
from functools import cache

import pytest

from tests.test_layers import MODULES, OURS, REPOSITORY

DOTTED = re.compile(r"(?<![\w./@-])[a-z_]\w*(?:\.[A-Za-z_]\w*)+(?![\w/])")
FILE = re.compile(r"(?<![\w*./])[\w-]+(?:[/.][\w-]+)*\.(?:py|js|html|md|toml)\b")
QUOTED = re.compile(r"`([A-Za-z_]\w*)`", re.ASCII)
FOREIGN = {"web.run_app", "run_app", "web.UnixSite", "nohup", *keyword.kwlist}
FOLDERS = ("chatserver", "docs", "tests", "templates")


def prose(source: str) -> Iterator[str]:
    """Yield docstrings and comments."""
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        if token.type == tokenize.COMMENT:
            yield token.string
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            yield ast.get_docstring(node) or ""


@cache
def words_of_code(name: str) -> frozenset[str]:
    """Return the identifiers of a module, and the words of its strings but docstrings."""
    found: set[str] = set()
    documentation = set()
    for node in ast.walk(ast.parse(MODULES[name].read_text(encoding="utf-8"))):
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
            documentation.add(node.value)
        elif isinstance(node, ast.Constant) and node not in documentation:
            found.update(re.findall(r"\w+", str(node.value)))
        for field in ("id", "attr", "name", "arg", "asname"):
            if isinstance(word := getattr(node, field, None), str):
                found.add(word)
    return frozenset(found)


@cache
def known_words() -> frozenset[str]:
    parts = {part for name in OURS for part in name.split(".")}
    return frozenset(parts.union(*map(words_of_code, OURS)))


@cache
def paths() -> str:
    found = [*REPOSITORY.glob("*.*")]
    for folder in FOLDERS:
        found += (REPOSITORY / folder).rglob("*.*")
    return "".join(f"/{path.relative_to(REPOSITORY)}\n" for path in found)


def is_missing(reference: str) -> bool:
    """Whether a dotted name begins with a module or package of ours but does not exist in it."""
    parts = reference.split(".")
    for count in range(len(parts), 0, -1):
        module, rest = "." + ".".join(parts[:count]), set(parts[count:])
        homes = [name for name in OURS if f".{name}".endswith(module)]
        if homes:
            is_setting = len(parts) == 2 and parts[-1] in words_of_code("config")
            return not is_setting and not any(rest <= words_of_code(name) for name in homes)
    return False


def stale_in(source: str) -> set[str]:
    found = set()
    for text in prose(source):
        files = set(FILE.findall(text))
        found |= {file for file in files if f"/{file}\n" not in paths()}
        found |= {ref for ref in set(DOTTED.findall(text)) - files if is_missing(ref)}
        found |= set(QUOTED.findall(text)) - known_words()
    return found - FOREIGN


@pytest.mark.parametrize(
    "reference",
    ["storage.log", "storage.users.People.page", "see tokens.py", "`no_such_name`", "lib/no.js"],
)
def test_a_stale_reference_is_detected(reference: str) -> None:
    assert stale_in(f'"""Text. See {reference}."""')
    assert stale_in(f"x = 1  # as in {reference}")


def test_an_existing_reference_is_accepted() -> None:
    text = "`storage.users.Users`, websocket.transport, `open_session`, config.py, str.translate"
    assert stale_in(f'"""{text}, server.port."""') == set()


def test_references_in_docstrings_and_comments_exist() -> None:
    stale = {name: stale_in(MODULES[name].read_text(encoding="utf-8")) for name in OURS}
    assert {name: found for name, found in stale.items() if found} == {}
