"""The rules of the web client that a reader of one file cannot see: its mirror of the protocol, no
script or style in the markup, no markup from text, no address that a prefix would break."""

import re
from enum import IntEnum
from pathlib import Path

import pytest

from chatserver.errors import TOO_MANY_SOCKETS, CloseCode
from chatserver.files.media_processor import SQUARE_SIDE
from chatserver.files.store import THUMBS
from chatserver.files.uploads import MAX_ALT
from chatserver.models import LOBBY
from chatserver.protocol import HISTORY_LIMIT, Type

REPOSITORY = Path(__file__).parent.parent
STATIC = REPOSITORY / "chatserver" / "static"
TEMPLATES = REPOSITORY / "templates"
LONGEST = 250  # lines

SCRIPTS = sorted((STATIC / "js").rglob("*.js"))
PAGES = [*sorted(TEMPLATES.rglob("*.html")), *sorted((STATIC / "img").glob("*.svg"))]
STYLES = sorted((STATIC / "css").glob("*.css"))
EVERYTHING = [*SCRIPTS, *PAGES, *STYLES]

MARKUP_FROM_TEXT = re.compile(
    r"\b(inner|outer)HTML\b|insertAdjacentHTML|setHTML|createContextualFragment|srcdoc"
    r"|document\.write|\beval\b|\bnew Function\b|set(Timeout|Interval)\(\s*[\"'`]"
    r"|setAttribute\(\s*[\"'`](on|style)|javascript:"
)
INLINE = re.compile(r"<style\b|<script\b(?![^>]*\bsrc=)|\sstyle\s*=|\son[a-z]+\s*=", re.IGNORECASE)
ADDRESS = re.compile(r"(?<![\w-])(?:href|src|action|formaction|data-next|data-home)=\"([^\"]*)\"")
MADE = re.compile(r"\{\{ *(?:url|static)\(|\{\{ catalog_url|\{\{ next or url\(|#")
FOREIGN = re.compile(r"(?:https?:)?//[a-z0-9]", re.IGNORECASE)


def name(file: Path) -> str:
    return str(file.relative_to(REPOSITORY))


def read(file: Path) -> str:
    return file.read_text(encoding="utf-8")


# protocol.js -------------------------------------------------------------------------------------


def constants(group: str) -> dict[str, int]:
    """The members of one frozen object of protocol.js."""
    found = re.search(rf"{group} = Object\.freeze\(\{{(.*?)\}}\)", protocol(), re.DOTALL)
    assert found
    return {key: int(value) for key, value in re.findall(r"(\w+): (\d+),", found[1])}


def protocol() -> str:
    return read(STATIC / "js" / "net" / "protocol.js")


def test_the_page_recognizes_the_reason_of_too_many_sockets() -> None:
    source = read(STATIC / "js" / "elements" / "connection-banner.js")
    assert f'const TOO_MANY = "{TOO_MANY_SOCKETS}";' in source


@pytest.mark.parametrize("numbers", [Type, CloseCode])
def test_the_client_has_the_numbers_of_the_protocol(numbers: type[IntEnum]) -> None:
    assert constants(numbers.__name__) == {member.name: member.value for member in numbers}


def test_the_client_has_the_lobby_and_the_history_limit() -> None:
    text = protocol()
    assert f"LOBBY = {LOBBY};" in text
    assert f"HISTORY_LIMIT = {HISTORY_LIMIT};" in text


def test_the_client_has_the_sizes_of_pictures_and_of_alternative_texts() -> None:
    text = read(STATIC / "js" / "lib" / "files.js")
    small, large = THUMBS
    assert f"SMALL_THUMB = {small};" in text
    assert f"LARGE_THUMB = {large};" in text
    assert f"MAX_ALT = {MAX_ALT};" in text
    assert f"SIDE = {SQUARE_SIDE};" in read(STATIC / "js" / "elements" / "picture-cropper.js")


# Files -------------------------------------------------------------------------------------------


def test_scripts_are_short() -> None:
    for file in SCRIPTS:
        assert len(read(file).splitlines()) <= LONGEST, name(file)


def test_an_element_has_the_name_of_its_file() -> None:
    for file in sorted((STATIC / "js" / "elements").glob("*.js")):
        assert f'customElements.define("{file.stem}"' in read(file), name(file)


def test_a_class_that_is_the_only_export_has_the_name_of_its_file() -> None:
    for file in SCRIPTS:
        exports = re.findall(
            r"^export (?:async )?(class|function|const) (\w+)", read(file), re.MULTILINE
        )
        if len(exports) == 1 and exports[0][0] == "class":
            assert exports[0][1] == "".join(map(str.capitalize, file.stem.split("-")))


def test_markup_is_never_parsed_from_text() -> None:
    for file in [*SCRIPTS, *PAGES]:
        assert not MARKUP_FROM_TEXT.search(read(file)), name(file)


def test_markup_is_parsed_in_one_module_with_an_allow_list() -> None:
    """The other module parses whole pages of this server."""
    readers = {
        str(file.relative_to(STATIC / "js")) for file in SCRIPTS if "DOMParser" in read(file)
    }
    assert readers == {"lib/markup.js", "ui/page-language.js"}
    assert "parts(new DOMParser().parseFromString(" in read(STATIC / "js" / "lib" / "markup.js")


def test_every_request_with_a_session_has_the_user_of_the_page() -> None:
    """Only two modules send requests. Static files and the session query need no name."""
    others = {
        "elements/session-dialog.js",
        "ui/emoji.js",
        "ui/pinyin.js",
        "ui/password-rule.js",
        "ui/load-catalogue.js",
        "ui/page-language.js",
        "service-worker.js",  # names the user of a notification
    }
    found = {str(file.relative_to(STATIC / "js")) for file in SCRIPTS if "fetch(" in read(file)}
    assert found - others == {"net/api.js"}
    uploaders = {file.stem for file in SCRIPTS if "new XMLHttpRequest(" in read(file)}
    assert uploaders == {"upload-request"}
    assert "...userHeaders()" in read(STATIC / "js" / "net" / "upload-request.js")
    sockets = [file for file in SCRIPTS if "new WebSocket(" in read(file)]
    assert {file.stem for file in sockets} == {"connection", "admin-check"}
    assert 'searchParams.set("user", me.name)' in read(STATIC / "js" / "ui" / "page.js")


def test_markup_has_no_inline_scripts_or_styles() -> None:
    for file in PAGES:
        assert not INLINE.search(read(file)), name(file)


def test_templates_never_disable_escaping() -> None:
    for file in sorted(TEMPLATES.rglob("*.html")):
        assert not re.search(r"\|\s*safe\b|autoescape\s+false|Markup\(", read(file)), name(file)


def test_every_url_in_a_template_is_built_by_the_router() -> None:
    for file in sorted(TEMPLATES.rglob("*.html")):
        for address in ADDRESS.findall(read(file)):
            assert MADE.match(address), (name(file), address)


def test_nothing_is_loaded_from_other_origins() -> None:
    for file in EVERYTHING:
        names_of_formats = re.sub(r"http://www\.w3\.org/[\w/]+", "", read(file))
        loaded = re.findall(r"(?:src|href|url|from|import|fetch)\W{1,3}(\S+)", names_of_formats)
        assert not [target for target in loaded if FOREIGN.match(target)], name(file)
