"""Validation of the HTML of all pages by the Nu checker of the W3C, in one run."""

import asyncio
import json
import shutil
from pathlib import Path

from tests.driver import Chat, ask
from tests.rig.needs import require

CHECKER = Path(__file__).parents[2] / "node_modules" / "vnu-jar" / "build" / "dist" / "vnu.jar"
JAVA = shutil.which("java") or ""
HTML = {"Accept": "text/html"}
FOR_STRANGERS = ["/setup", "/login", "/nothing"]
FOR_ADMINISTRATORS = ["/index", *(f"/admin/{s}" for s in "people invites rooms bots check".split())]


async def test_every_page_is_valid_html(chat: Chat, tmp_path: Path) -> None:
    require("Java", found=bool(JAVA))
    require("vnu-jar of npm", found=CHECKER.exists())
    folder = tmp_path / "pages"
    folder.mkdir()
    for number, (path, text) in enumerate(await pages(chat)):
        name = f"{number}-{path.strip('/').replace('/', '-')}.html"
        (folder / name).write_text(text, encoding="utf-8")
    (folder / "broken.html").write_text("<!doctype html><p></div>", encoding="utf-8")
    found = await errors(folder)
    assert [error for error in found if "broken.html" in error]  # the checker works
    assert "\n".join(error for error in found if "broken.html" not in error) == ""


async def pages(chat: Chat) -> list[tuple[str, str]]:
    """Return path and HTML of all pages."""
    setup = await ask(chat.browser(), "GET", chat.url + "/setup", headers=HTML)
    ann = await chat.user("ann", admin=True)
    made = await ann.ask("POST", "/api/invites", {})
    found = [("/setup", setup.text)]
    for path in [*FOR_STRANGERS[1:], f"/join/{made.json['code']}"]:
        page = await ask(chat.browser(), "GET", chat.url + path, headers=HTML)
        found.append((path, page.text))
    for path in FOR_ADMINISTRATORS:
        page = await ann.ask("GET", path, headers=HTML)
        assert page.status == 200
        found.append((path, page.text))
    return found


async def errors(folder: Path) -> list[str]:
    """Return the errors of the checker for the files of a folder."""
    process = await asyncio.create_subprocess_exec(
        *(JAVA, "-XX:TieredStopAtLevel=1", "-Xss4m", "-jar", str(CHECKER)),
        *("--errors-only", "--format", "json", str(folder)),
        stderr=asyncio.subprocess.PIPE,
    )
    _, output = await process.communicate()
    return [
        f"{Path(message['url']).name}:{message.get('lastLine')}: {message['message']}"
        for message in json.loads(output)["messages"]
    ]
