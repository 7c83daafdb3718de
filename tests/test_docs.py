"""Consistency of documentation and code: keys, defaults, modules, commands, tests."""

import ast
import os
import re
import shlex
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click
import pytest
from aiohttp import web

from chatserver.__main__ import main
from chatserver.app import SERVER
from chatserver.config import Settings
from chatserver.config_sources import all_keys, load
from chatserver.text.markup import rendered
from tests.conftest import StartChat
from tests.driver import PASSWORD

REPOSITORY = Path(__file__).parent.parent
EXAMPLE = REPOSITORY / "config.example.toml"
ARCHITECTURE = REPOSITORY / "docs" / "architecture.md"
GUARANTEES = REPOSITORY / "docs" / "guarantees.md"
README = REPOSITORY / "README.md"
OPERATING = REPOSITORY / "docs" / "operating.md"
SECURITY = REPOSITORY / "docs" / "security.md"
PACKAGE = REPOSITORY / "chatserver"

KEY = re.compile(r"^#(?=[a-z0-9_]+ = )", re.MULTILINE)  # prose has a space after its #


def uncommented() -> str:
    return KEY.sub("", EXAMPLE.read_text(encoding="utf-8"))


# config.example.toml -----------------------------------------------------------------------------


def test_the_example_without_changes_sets_nothing() -> None:
    tables = tomllib.loads(EXAMPLE.read_text(encoding="utf-8"))
    assert set(tables) == {key.split(".")[0] for key in all_keys()}
    assert not any(tables.values())


def test_the_example_has_every_key_in_the_order_of_the_model() -> None:
    tables = tomllib.loads(uncommented())
    assert [f"{table}.{key}" for table, keys in tables.items() for key in keys] == all_keys()


def test_every_value_of_the_example_is_the_default(tmp_path: Path) -> None:
    file = tmp_path / "config.toml"
    file.write_text(uncommented(), encoding="utf-8")
    assert load(config=file, environ={}).settings == Settings()


def test_every_key_of_the_example_is_explained() -> None:
    lines = EXAMPLE.read_text(encoding="utf-8").splitlines()
    keys = [number for number, line in enumerate(lines) if KEY.match(line)]
    assert len(keys) == len(all_keys())
    for number in keys:
        assert re.match(r"# .{20,}", lines[number - 1]), lines[number]


def test_the_lines_of_the_example_are_short() -> None:
    assert max(map(len, EXAMPLE.read_text(encoding="utf-8").splitlines())) <= 105


# README.md ---------------------------------------------------------------------------------------


def test_the_readme_has_the_figures_of_the_last_benchmark() -> None:
    results = (REPOSITORY / "benchmarks" / "RESULTS.md").read_text(encoding="utf-8")
    goals = {
        row.split(" | ")[0].strip("| "): row.split(" | ")[2]
        for row in re.findall(r"^\|.*", results, re.M)
        if row.count(" | ") >= 4
    }
    text = " ".join(README.read_text(encoding="utf-8").split())
    for goal, words in (
        ("one room of 1,000: deliveries a second, to Node ws", "{} the messages of Node `ws`"),
        ("one room of 1,000: deliveries a second, to µWebSockets", "{} those of µWebSockets"),
        ("an idle socket among 5,000: memory", "An idle socket needs {}."),
    ):
        assert words.format(goals[goal]) in text


def test_the_lines_of_the_readme_are_short() -> None:
    text = README.read_text(encoding="utf-8")
    prose = re.sub(r"^```.*?^```", "", text, flags=re.M | re.S).splitlines()
    assert max(map(len, prose)) <= 105


def printed(language: str, having: str) -> str:
    """Return the only example in README.md that contains `having`."""
    text = README.read_text(encoding="utf-8")
    blocks = re.findall(rf"^```{language}\n(.*?)^```", text, re.MULTILINE | re.DOTALL)
    (block,) = (block for block in blocks if having in block)
    assert isinstance(block, str)
    return block


def test_the_shortest_program_of_the_readme_runs(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    run: list[web.Application] = []
    monkeypatch.setattr(web, "run_app", run.append)
    monkeypatch.chdir(tmp_path)
    exec(printed("python", "run_app"), {})
    (app,) = run
    assert app[SERVER].settings == Settings(data=Path("chat-data"))


def test_the_settings_in_the_readme_are_valid(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    names: dict[str, object] = {}
    exec(printed("python", "LimitSettings"), names)
    assert isinstance(names["app"], web.Application)


def test_the_test_in_the_readme_passes(tmp_path: Path) -> None:
    (tmp_path / "pyproject.toml").write_text(printed("toml", "asyncio_mode"))
    (tmp_path / "test_chat.py").write_text(printed("python", "sign_up"))
    ended = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider"],
        cwd=tmp_path,
        env=os.environ | {"PYTHONPATH": str(REPOSITORY)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert "1 passed" in ended.stdout, ended.stdout + ended.stderr


async def test_the_bot_in_the_readme_posts_a_message_each_time(
    start_chat: StartChat, capsys: pytest.CaptureFixture[str]
) -> None:
    chat = await start_chat()
    bo = await chat.user("bo")
    program = printed("python", "ws_connect").replace("http://127.0.0.1:3000", chat.url)
    program = program.replace("…", PASSWORD).replace("print(frame.json())", "return frame.json()")
    device = await bo.connect()
    names: dict[str, Any] = {}
    exec(program.replace("asyncio.run(main())", ""), names)
    for _run in range(2):
        await names["main"]()
        await device.receives("hello, everybody")


# docs/architecture.md ----------------------------------------------------------------------------


def named() -> list[str]:
    """Return paths of modules and folders in code style."""
    spans = re.findall(r"`([^`\n]+)`", ARCHITECTURE.read_text(encoding="utf-8"))
    return [span for span in spans if re.fullmatch(r"[a-z0-9_/]+(\.py|/)", span)]


def modules() -> list[str]:
    """Return all modules with code, as named in the text."""
    files = (file.relative_to(PACKAGE) for file in PACKAGE.rglob("*.py"))
    return sorted(str(file) for file in files if file.name != "__init__.py")


def test_the_lines_of_the_architecture_are_short() -> None:
    lines = ARCHITECTURE.read_text(encoding="utf-8").splitlines()
    assert max(map(len, lines)) <= 100


def test_the_architecture_names_only_existing_modules() -> None:
    assert len(named()) > 20
    for name in named():
        assert (PACKAGE / name).exists() or (REPOSITORY / name).exists(), name


def test_the_architecture_names_every_module() -> None:
    known = set(named())
    for module in modules():
        folders = {f"{parent}/" for parent in Path(module).parents}
        assert known & ({module} | folders), module


def test_the_architecture_names_every_owner_of_state() -> None:
    text = ARCHITECTURE.read_text(encoding="utf-8")
    table = text.partition("## Owners of state")[2].partition("\n## ")[0]
    owners = {
        module
        for module in modules()
        for docstring in docstrings((PACKAGE / module).read_text(encoding="utf-8"))
        if re.search(r"\bOwns\b", docstring)
    }
    assert len(owners) > 20
    assert {owner for owner in owners if f"`{owner}`" not in table} == set()


def docstrings(source: str) -> list[str]:
    """Return the docstrings of a module and its classes."""
    tree = ast.parse(source)
    owners = [node for node in ast.walk(tree) if isinstance(node, ast.Module | ast.ClassDef)]
    return [ast.get_docstring(node) or "" for node in owners]


# docs/operating.md and docs/security.md ----------------------------------------------------------


def code(text: str) -> list[str]:
    """Return all lines of code blocks, and all code spans."""
    blocks = re.findall(r"^```\n(.*?)^```", text, re.MULTILINE | re.DOTALL)
    spans = re.findall(r"`([^`\n]+)`", re.sub(r"^```.*?^```", "", text, flags=re.M | re.S))
    return [line for block in blocks for line in block.splitlines()] + spans


def commands(text: str) -> list[str]:
    """Return the arguments of all calls of the program."""
    said = re.compile(r"(?:^|&& )(?:[^&]* exec NAME |[^&]*/bin/)?chatserver (-[^&]*|[a-z-][^&]*)")
    return sorted({found.strip() for line in code(text) for found in said.findall(line)})


def mistake(typed: list[str], command: click.Command = main) -> str:
    """Return the error of the command line for these arguments, or "". Runs nothing."""
    typed = [word for word in typed if word != "--help"]  # every command has it
    options = {name: option for option in command.params for name in option.opts}
    while typed:
        word, *typed = typed
        option = options.get(word)
        if option is not None:
            typed = typed if isinstance(option, click.Option) and option.is_flag else typed[1:]
        elif word.startswith("-"):
            return f"{command.name} has no {word}"
        elif isinstance(command, click.Group):
            inner = command.commands.get(word)
            return mistake(typed, inner) if inner else f"{command.name} has no {word}"
        elif not _takes_words(command):
            return f"{command.name} takes no {word}"
    return ""


def _takes_words(command: click.Command) -> bool:
    return any(isinstance(param, click.Argument) for param in command.params)


def test_a_command_that_does_not_exist_is_detected() -> None:
    assert mistake(["backup", "--force", "x.zip"]) == ""
    assert mistake(["--data", "x", "user", "add", "NAME", "--admin"]) == ""
    assert mistake(["backup", "--quick"]) == "backup has no --quick"
    assert mistake(["user", "rename", "NAME"]) == "user has no rename"
    assert mistake(["--data", "x", "check", "y"]) == "check takes no y"


@pytest.mark.parametrize("file", [OPERATING, SECURITY], ids=lambda file: file.name)
def test_documented_commands_and_keys_exist(file: Path) -> None:
    text = file.read_text(encoding="utf-8")
    errors = [mistake(shlex.split(command)) for command in commands(text)]
    assert errors
    assert [said for said in errors if said] == []
    sections = "|".join({key.split(".")[0] for key in all_keys()})
    keys = re.findall(rf"`((?:{sections})\.[a-z_]+)(?: = [^`]+)?`", text)
    assert keys
    assert set(keys) <= set(all_keys())


@pytest.mark.parametrize("file", [OPERATING, SECURITY], ids=lambda file: file.name)
def test_documented_files_exist(file: Path) -> None:
    text = file.read_text(encoding="utf-8")
    named = re.findall(r"\b(?:deploy|docs|tests)/[\w./-]*\w|\b[\w.]+\.(?:yaml|example\.toml)", text)
    assert named
    assert [name for name in named if not (REPOSITORY / name).exists()] == []


def test_every_security_statement_names_existing_tests() -> None:
    table = SECURITY.read_text(encoding="utf-8").split("| promise | tests |\n|---|---|\n")[1]
    table = table.split("\n\n")[0]
    rows = re.findall(r"^\| (.+) \| (.+) \|$", table, re.MULTILINE)
    promises = [(said, re.findall(r"`(test_\w+)`", tests)) for said, tests in rows]
    assert len(promises) > 20
    known = set(our_tests())
    for said, tests in promises:
        assert tests, said
        assert set(tests) <= known, said


def our_tests() -> Iterator[str]:
    for file in (REPOSITORY / "tests").rglob("test_*.py"):
        yield file.stem
        yield from re.findall(r"def (test_\w+)\(", file.read_text(encoding="utf-8"))


# docs/guarantees.md ------------------------------------------------------------------------------


def test_every_guarantee_names_existing_tests() -> None:
    text = GUARANTEES.read_text(encoding="utf-8").partition("## Figures")[0]
    promises = [int(number) for number in re.findall(r"^\| G(\d+) \|.*", text, re.MULTILINE)]
    assert promises == sorted(set(promises))
    assert {*range(1, 15), 17} <= set(promises)
    files = (REPOSITORY / "tests").rglob("*.py")
    tests = {
        name for file in files for name in re.findall(r"def (test_\w+)", file.read_text("utf-8"))
    }
    for line in re.findall(r"^\| G\d+ \|.*", text, re.MULTILINE):
        breaking = re.findall(r"`(test_\w+)`", line)
        assert breaking, line
        assert set(breaking) <= tests, set(breaking) - tests


# The table of markup in docs/protocol.in.md ------------------------------------------------------

MARKUP = (REPOSITORY / "docs" / "protocol.in.md").read_text(encoding="utf-8")
TYPED = "none: as it was typed"
ROWS = re.findall(rf"(?m)^\| (`+) ?(.+?) ?\1 \| (?:(`+) ?(.+?) ?\3|({TYPED})) \|$", MARKUP)[1:]


@pytest.mark.parametrize("row", ROWS, ids=[row[1] for row in ROWS])
def test_markup_is_rendered_as_documented(row: tuple[str, ...]) -> None:
    _, text, _, html, typed = row
    assert rendered(text.replace(r"\n", "\n")) == (None if typed else html)


def test_the_table_of_markup_is_parsed_completely() -> None:
    assert len(ROWS) > 20
