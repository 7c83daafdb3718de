"""The documentation says what the code does: keys, defaults, modules."""

import re
import tomllib
from pathlib import Path

import pytest

from chatserver.config import Settings, all_keys, load

REPOSITORY = Path(__file__).parent.parent
EXAMPLE = REPOSITORY / "config.example.toml"
ARCHITECTURE = REPOSITORY / "docs" / "architecture.md"
PACKAGE = REPOSITORY / "chatserver"

KEY = re.compile(r"^#(?=[a-z0-9_]+ = )", re.MULTILINE)  # prose has a space behind its #


def uncommented() -> str:
    return KEY.sub("", EXAMPLE.read_text(encoding="utf-8"))


# config.example.toml -----------------------------------------------------------------------------


def test_the_example_changes_nothing_as_it_is() -> None:
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


def test_every_key_of_the_example_says_why_one_would_change_it() -> None:
    lines = EXAMPLE.read_text(encoding="utf-8").splitlines()
    keys = [number for number, line in enumerate(lines) if KEY.match(line)]
    assert len(keys) == len(all_keys())
    for number in keys:
        assert re.match(r"# .{20,}", lines[number - 1]), lines[number]


def test_the_example_fits_a_terminal() -> None:
    assert max(map(len, EXAMPLE.read_text(encoding="utf-8").splitlines())) <= 105


# docs/architecture.md ----------------------------------------------------------------------------


def named() -> list[str]:
    """Paths of modules and folders that the text names in code style."""
    spans = re.findall(r"`([^`\n]+)`", ARCHITECTURE.read_text(encoding="utf-8"))
    return [span for span in spans if re.fullmatch(r"[a-z0-9_/]+(\.py|/)", span)]


def modules() -> list[str]:
    """Every module with code of its own, as the text names it."""
    files = (file.relative_to(PACKAGE) for file in PACKAGE.rglob("*.py"))
    return sorted(str(file) for file in files if file.name != "__init__.py")


def test_the_architecture_is_told_in_forty_lines() -> None:
    lines = ARCHITECTURE.read_text(encoding="utf-8").splitlines()
    assert len(lines) <= 40
    assert max(map(len, lines)) <= 130


def test_the_architecture_names_only_what_exists() -> None:
    assert len(named()) > 20
    for name in named():
        assert (PACKAGE / name).exists() or (REPOSITORY / name).exists(), name


@pytest.mark.parametrize("module", modules())
def test_the_architecture_names_every_module(module: str) -> None:
    folders = {f"{parent}/" for parent in Path(module).parents}
    assert module in named() or folders & set(named())
