"""Assets: content, compression, bundles and caching."""

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
async def test_a_file_is_served_unchanged_and_cached_for_ever(
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


async def test_files_of_another_version_are_served_without_caching(
    chat: Chat, assets: Assets
) -> None:
    old = await ask(chat.browser(), "GET", f"{chat.url}/static/{'0' * 12}/js/ui/dom.js")
    assert (old.status, old.headers["Cache-Control"]) == (200, "no-store")
    assert old.text == (STATIC / "js/ui/dom.js").read_text(encoding="utf-8")
    assert (await (await chat.user("ann")).connect()).welcome["page"] == assets.digest


async def test_unknown_paths_are_not_found(chat: Chat, assets: Assets) -> None:
    for path in (
        f"/static/{'0' * 12}/js/none.js",
        f"/static/{assets.digest}/js/none.js",
        f"/static/{assets.digest}/js",
        f"/static/{assets.digest}/..%2f__init__.py",
        f"/static/{assets.digest}/js/../../__init__.py",
    ):
        answer = await ask(chat.browser(), "GET", chat.url + path)
        assert (answer.status, answer.headers["Cache-Control"]) == (404, "no-store"), path


def test_the_digest_changes_with_any_file(tmp_path: Path) -> None:
    digests = set()
    for name, text in [("a.js", "1"), ("a.js", "2"), ("b.js", "2")]:
        (tmp_path / name).write_text(text)
        digests.add(Assets(tmp_path).digest)
    assert len(digests) == 3


async def test_the_style_sheet_contains_its_imports(chat: Chat, assets: Assets) -> None:
    whole = (await ask(chat.browser(), "GET", at(chat, assets, "css/main.css"))).text
    assert "@import" not in whole
    written = (STATIC / "css" / "main.css").read_text()
    sheets = re.findall(r'url\("(.+)"\) layer\((\w+)\)', written)
    assert len(sheets) == len(list((STATIC / "css").iterdir())) - 1
    for sheet, layer in sheets:
        text = (STATIC / "css" / sheet).read_text(encoding="utf-8")
        assert f"@layer {layer} {{\n{text}}}" in whole


async def test_a_page_is_compressed_if_the_client_accepts_it(chat: Chat) -> None:
    page = f"{chat.url}/setup"
    small = await ask(chat.browser(), "GET", page, headers=GZIP | {"Accept": "text/html"})
    plain = await ask(chat.browser(), "GET", page, headers=PLAIN | {"Accept": "text/html"})
    assert (small.headers["Content-Encoding"], small.text) == ("gzip", plain.text)
    assert "Content-Encoding" not in plain.headers


async def test_the_chat_page_has_two_disjoint_bundles(chat: Chat, assets: Assets) -> None:
    """A second copy of a module would have separate state."""
    bundles = ("js/main.js", "js/ui/lazy-bundle.js")
    files = {
        name: (await ask(chat.browser(), "GET", at(chat, assets, name))).text for name in bundles
    }
    first, second = (set(re.findall(r"^// (js/.+)$", text, re.M)) for text in files.values())
    assert {"js/main.js", "js/elements/message-list.js", "js/ui/dom.js"} <= first
    assert {"js/ui/lazy-bundle.js", "js/elements/search-panel.js"} <= second
    assert not first & second
    assert assets.modules("js/main.js") == ["js/main.js"]


async def test_the_main_bundle_is_small(chat: Chat, assets: Assets) -> None:
    """Modules that are not needed for the first messages are in lazy-bundle.js."""
    main = await ask(chat.browser(), "GET", at(chat, assets, "js/main.js"), headers=GZIP)
    assert int(main.headers["Content-Length"]) <= 60_000
