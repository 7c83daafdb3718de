"""Message catalogues: complete, and identical to the texts in the sources."""

import ast
import re
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest
from babel.messages.catalog import Catalog
from babel.messages.extract import extract_from_dir
from babel.messages.frontend import parse_mapping_cfg
from babel.messages.mofile import read_mo
from babel.messages.pofile import read_po

from chatserver.errors import ChatError
from chatserver.text.names import is_lobby_title

REPOSITORY = Path(__file__).parent.parent
LOCALE = REPOSITORY / "locale"
TEMPLATE = LOCALE / "chatserver.pot"
CHINESE = LOCALE / "zh_CN" / "LC_MESSAGES" / "chatserver.po"
PLACE = re.compile(r"%\((\w+)\)([sd])|%%|<[^>]+>")
AGAIN = "run `make catalogue` and translate what is new"

Key = str | tuple[str, ...]


def read(file: Path) -> Catalog:
    with file.open("rb") as opened:
        return read_po(opened, abort_invalid=True)


def key(message_id: object) -> Key:
    return tuple(message_id) if isinstance(message_id, (list, tuple)) else str(message_id)


def keys(catalogue: Catalog) -> set[Key]:
    return {key(message.id) for message in catalogue if message.id}


def in_the_sources() -> set[Key]:
    with (LOCALE / "babel.cfg").open(encoding="utf-8") as opened:
        methods, options = parse_mapping_cfg(opened)  # type: ignore[no-untyped-call]
    found = extract_from_dir(REPOSITORY, methods, options)
    return {key(message_id) for _file, _line, message_id, _comments, _context in found}


@pytest.fixture(scope="module")
def sources() -> set[Key]:
    return in_the_sources()


# Sources -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("file", [TEMPLATE, CHINESE], ids=lambda file: file.name)
def test_the_committed_catalogues_have_exactly_the_texts_of_the_sources(
    sources: set[Key], file: Path
) -> None:
    assert keys(read(file)) == sources, AGAIN


def marked() -> Iterator[tuple[str, ast.expr]]:
    """Yield every `_(…)` of the server: location and argument."""
    for file in sorted((REPOSITORY / "chatserver").rglob("*.py")):
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            match node:
                case ast.Call(func=ast.Name(id="_"), args=[text]):
                    yield f"{file.name}:{node.lineno}", text


def test_marked_texts_of_the_server_are_literals(sources: set[Key]) -> None:
    found = list(marked())
    assert any("%(" in str(ast.literal_eval(text)) for _where, text in found)
    for where, text in found:
        assert isinstance(text, ast.Constant), f"{where}: a text that is put together"
        assert text.value in sources, where


def test_texts_of_the_page_are_in_the_catalogue(sources: set[Key]) -> None:
    said = re.compile(r"""(?<![\w$])(?:_|ngettext)\(\s*("(?:[^"\\]|\\.)*"|'[^']*')""")
    first = {text if isinstance(text, str) else text[0] for text in sources}
    for file in sorted((REPOSITORY / "chatserver" / "static" / "js").rglob("*.js")):
        for found in said.finditer(file.read_text(encoding="utf-8")):
            assert ast.literal_eval(found[1]) in first, f"{file.name}: {AGAIN}"


def refusals(kind: type[ChatError] = ChatError) -> list[type[ChatError]]:
    below = [each for sub in kind.__subclasses__() for each in refusals(sub)]
    return [kind, *(each for each in below if each.__module__.startswith("chatserver."))]


def test_every_error_has_a_sentence_of_the_catalogue(sources: set[Key]) -> None:
    for kind in refusals():
        assert kind.text in sources, kind


# Chinese -----------------------------------------------------------------------------------------


def test_the_chinese_catalogue_is_complete_and_not_fuzzy() -> None:
    for message in read(CHINESE):
        if message.id:
            assert all(forms(message.string)), message.id
            assert not message.fuzzy, message.id


def test_every_placeholder_is_in_the_translation() -> None:
    for message in read(CHINESE):
        wanted = places(forms(message.id)[-1])
        for text in forms(message.string):
            assert places(text) == wanted or not message.id, message.id


def forms(text: object) -> Sequence[str]:
    """Return a text, or its plural forms."""
    return [str(form) for form in text] if isinstance(text, (list, tuple)) else [str(text or "")]


def places(text: str) -> list[str]:
    """Return placeholders and tags, sorted, because their order depends on the language."""
    return sorted(found[0] for found in PLACE.finditer(text))


def test_the_compiled_catalogue_is_up_to_date() -> None:
    """The header is not compared: it names the version of Babel."""
    with CHINESE.with_suffix(".mo").open("rb") as file:
        compiled = read_mo(file)
    assert translations(compiled) == translations(read(CHINESE)), AGAIN


def translations(catalogue: Catalog) -> list[tuple[Sequence[str], Sequence[str]]]:
    texts = [(forms(message.id), forms(message.string)) for message in catalogue if message.id]
    return sorted(texts)


def test_the_translated_titles_of_the_lobby_are_reserved() -> None:
    for file in LOCALE.glob("*/LC_MESSAGES/chatserver.po"):
        title = read(file)["Lobby"].string
        assert isinstance(title, str)
        assert is_lobby_title(title)
