"""The client's files: whole, compressed, joined where that saves a way, and kept for ever."""

import re
from pathlib import Path

import pytest

from chatserver.web.assets import Assets
from tests.driver import Chat, ask

STATIC = Path(__file__).parents[2] / "chatserver" / "static"
PLAIN = {"Accept-Encoding": "identity"}
GZIP = {"Accept-Encoding": "br, gzip"}


@pytest.fixture(scope="module")
def assets() -> Assets:
    return Assets(STATIC)


def at(chat: Chat, assets: Assets, name: str) -> str:
    return f"{chat.url}/static/{assets.digest}/{name}"


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("js/ui/dom.js", "text/javascript"),
        ("js/emoji.json", "application/json"),
        ("img/icons.svg", "image/svg+xml"),
        ("css/tokens.css", "text/css"),
    ],
)
async def test_a_file_comes_as_it_is_and_is_kept_for_ever(
    chat: Chat, assets: Assets, name: str, kind: str
) -> None:
    plain = await ask(chat.browser(), "GET", at(chat, assets, name), headers=PLAIN)
    assert (plain.status, plain.text) == (200, (STATIC / name).read_text(encoding="utf-8"))
    assert plain.headers["Content-Type"].split(";")[0] == kind
    assert "immutable" in plain.headers["Cache-Control"]
    assert "Content-Encoding" not in plain.headers
    small = await ask(chat.browser(), "GET", at(chat, assets, name), headers=GZIP)
    assert (small.headers["Content-Encoding"], small.text) == ("gzip", plain.text)
    assert int(small.headers["Content-Length"]) < int(plain.headers["Content-Length"])


async def test_a_page_of_another_version_finds_files_by_name_and_keeps_none(
    chat: Chat, assets: Assets
) -> None:
    old = await ask(chat.browser(), "GET", f"{chat.url}/static/{'0' * 12}/js/ui/dom.js")
    assert (old.status, old.headers["Cache-Control"]) == (200, "no-store")
    assert old.text == (STATIC / "js/ui/dom.js").read_text(encoding="utf-8")
    assert (await (await chat.person("ann")).connect()).welcome["page"] == assets.digest


async def test_what_is_no_file_is_not_found(chat: Chat, assets: Assets) -> None:
    for path in (
        f"/static/{'0' * 12}/js/none.js",
        f"/static/{assets.digest}/js/none.js",
        f"/static/{assets.digest}/js",
        f"/static/{assets.digest}/..%2f__init__.py",
        f"/static/{assets.digest}/js/../../__init__.py",
    ):
        answer = await ask(chat.browser(), "GET", chat.url + path)
        assert (answer.status, answer.headers["Cache-Control"]) == (404, "no-store"), path


def test_the_address_changes_with_any_file(tmp_path: Path) -> None:
    digests = set()
    for name, text in [("a.js", "1"), ("a.js", "2"), ("b.js", "2")]:
        (tmp_path / name).write_text(text)
        digests.add(Assets(tmp_path).digest)
    assert len(digests) == 3


async def test_the_style_sheet_comes_with_all_that_it_imports(chat: Chat, assets: Assets) -> None:
    whole = (await ask(chat.browser(), "GET", at(chat, assets, "css/main.css"))).text
    assert "@import" not in whole
    written = (STATIC / "css" / "main.css").read_text()
    sheets = re.findall(r'url\("(.+)"\) layer\((\w+)\)', written)
    assert len(sheets) == len(list((STATIC / "css").iterdir())) - 1
    for sheet, layer in sheets:
        text = (STATIC / "css" / sheet).read_text(encoding="utf-8")
        assert f"@layer {layer} {{\n{text}}}" in whole


async def test_a_page_is_compressed_for_who_takes_that(chat: Chat) -> None:
    page = f"{chat.url}/setup"
    small = await ask(chat.browser(), "GET", page, headers=GZIP | {"Accept": "text/html"})
    plain = await ask(chat.browser(), "GET", page, headers=PLAIN | {"Accept": "text/html"})
    assert (small.headers["Content-Encoding"], small.text) == ("gzip", plain.text)
    assert "Content-Encoding" not in plain.headers


async def test_the_chat_page_gets_its_modules_in_two_bundles(chat: Chat, assets: Assets) -> None:
    """A module is in one of them only: a second copy would have a state of its own."""
    bundles = ("js/main.js", "js/ui/lazy-bundle.js")
    files = {
        name: (await ask(chat.browser(), "GET", at(chat, assets, name))).text for name in bundles
    }
    first, second = (set(re.findall(r"^// (js/.+)$", text, re.M)) for text in files.values())
    assert {"js/main.js", "js/elements/message-list.js", "js/ui/dom.js"} <= first
    assert {"js/ui/lazy-bundle.js", "js/elements/search-panel.js"} <= second
    assert not first & second
    assert assets.modules("js/main.js") == ["js/main.js"]


async def test_the_first_messages_need_few_bytes(chat: Chat, assets: Assets) -> None:
    """What the page needs later is in lazy-bundle.js."""
    main = await ask(chat.browser(), "GET", at(chat, assets, "js/main.js"), headers=GZIP)
    assert int(main.headers["Content-Length"]) <= 58_000
