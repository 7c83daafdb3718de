"""`make hostile`: run attack tools, and write their results into docs/security.md."""

import asyncio
import re
import subprocess
import tempfile
from datetime import UTC, datetime
from pathlib import Path

import aiohttp
from aiohttp import web

from tests.faults.conversation import LONG_SESSIONS, NAMES, OBSERVER, Users, settle_in
from tests.faults.report import _machine
from tests.faults.server import Server
from tests.hostile import echo, planted, times, tools
from tests.hostile.tools import Place
from tests.process import LOUD

PAGE = Path(__file__).parents[2] / "docs" / "security.md"
BEGIN, END = "<!-- make hostile -->\n", "<!-- /make hostile -->\n"
SLOW = {
    "slow headers": ["-H", "-t", "GET"],
    "slow bodies": ["-B", "-s", "4096", "-t", "POST"],
    "slow readers": ["-X", "-t", "GET"],
}
BOT = "robot"
DIRECT_MESSAGE = (
    '{"type":3,"to":"noone*","data":"x","id":"a1"}'  # gets one reply, whatever its content
)
ReportLine = tuple[str, str, str]


async def main() -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        users = await settle_in(folder, count=3)
        lines = [await conformance(users, folder)]
        server = Server(users.folder, environ=LONG_SESSIONS | LOUD, plant=times.let_guess).start()
        try:
            lines += await attack(server, users, folder)
        finally:
            server.kill()
        log = server.log.read_text(encoding="utf-8")
        summary = f"{log.count('Traceback')} tracebacks, {log.count('failed')} failures"
        lines.append(("the server's log afterwards", "", summary))
    publish(table(lines))


async def conformance(users: Users, folder: Path) -> ReportLine:
    server = Server(users.folder, environ=LONG_SESSIONS, plant=echo.plant).start()
    try:
        url = f"{server.url.replace('http', 'ws')}/ws?token={users.tokens[OBSERVER]}"
        found = await tools.conformance(url, folder)
    finally:
        server.kill()
    return f"kosoku {version('kosoku')}", "RFC 6455 on the WebSocket", found


async def attack(server: Server, users: Users, folder: Path) -> list[ReportLine]:
    token = users.tokens[NAMES[0]]
    lines = await injections(server.url, token, folder)
    pages = await tools.scan(server.url, f"chatserver={token}", folder)
    lines.append((f"wapiti {version('wapiti3')}", "the pages of a member", pages))
    for name, mode in SLOW.items():
        url = f"{server.url}/login"
        found = await tools.slowly(server.url, [*mode, "-u", url], folder)
        lines.append((f"slowhttptest {packaged('slowhttptest')}", f"400 {name}", found))
    lines.append(await enumeration(server))
    lines.append(await flood(server, users))
    return lines


async def injections(url: str, token: str, folder: Path) -> list[ReportLine]:
    tool = f"sqlmap {version('sqlmap')}"
    runner = web.AppRunner(planted.application())
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    hole = Place("a planted hole", f"http://127.0.0.1:{runner.addresses[0][1]}/find?name=ann")
    control = await tools.injection(hole, "", folder)
    await runner.cleanup()
    assert control == "a hole", "sqlmap does not find the planted hole"
    lines = [(tool, hole.name + ", as a control", control)]
    # An open connection keeps the user online, so that sqlmap does not change the presence.
    async with times.connected(url, token):
        found = [await tools.injection(place, token, folder) for place in places(url)]
    return lines + [
        (tool, place.name, what) for place, what in zip(places(url), found, strict=True)
    ]


def places(url: str) -> list[Place]:
    """Return every form, and one operation of each kind that reaches the database."""
    new = "username=cy&password=purple+stone+river&display=Cy"
    return [
        Place("the login form", f"{url}/login", "username=bo0&password=x"),
        Place("the form of an invitation", f"{url}/join/abc*", new),
        Place("the setup form", f"{url}/setup", f"{new}&token=x"),
        Place("search", f"{url}/api/search?q=hello&room=1"),
        Place("events of a room", f"{url}/api/rooms/lobby*/events?before=9&limit=5"),
        Place("a message", f"{url}/api/rooms/lobby/messages", '{"data":"hi","id":"a1*"}'),
        Place("a direct message", f"{url}/api/direct/bo1*/messages", '{"data":"hi"}'),
        Place("a new room", f"{url}/api/rooms", '{"name":"den","users":["bo1"]}'),
        Place("the user's own account", f"{url}/api/me", '{"display":"Bo","locale":"en"}', "PATCH"),
        Place("the WebSocket", url.replace("http", "ws") + "/ws", DIRECT_MESSAGE),
    ]


async def enumeration(server: Server) -> ReportLine:
    """Test whether login times disclose which accounts exist."""
    terminal = Server(server.data)  # it reaches the running one as a terminal would
    terminal.run("bot", "add", BOT)
    terminal.run("user", "disable", NAMES[2])
    names = {
        "known": NAMES[1],
        "an unknown name": "noone",
        "a bot": BOT,
        "a disabled account": NAMES[2],
    }
    taken = await times.refusals(server.url, names)
    known = taken.pop("known")
    chances = {kind: times.likely_the_same(known, all_) for kind, all_ in taken.items()}
    summary = ", ".join(f"{kind} {chance:.2f}" for kind, chance in chances.items())
    what = (
        "a wrong password for an existing user and for others:"
        " probability that the times are the same"
    )
    return "own measurement", what, f"{summary} ({times.summary(known)})"


async def flood(server: Server, users: Users) -> ReportLine:
    """Measure the latency of messages while many clients log in."""
    token = users.tokens[OBSERVER]
    calm = await times.latency(server.url, token, 10)
    busy, answered = await times.flooded(server.url, token, 10)
    async with aiohttp.ClientSession() as http, http.get(f"{server.url}/readyz") as answer:
        assert answer.status == 200
    what = f"{times.FLOOD} clients log in continuously: from a message to its reply"
    return (
        "own measurement",
        what,
        f"{times.summary(busy)} ({answered} logins answered); before: {times.summary(calm)}",
    )


def table(lines: list[ReportLine]) -> str:
    rows = [f"| {tool} | {what} | {found} |" for tool, what, found in lines]
    head = [
        f"{datetime.now(UTC):%Y-%m-%d}, {_machine()}.",
        "",
        "| tool | target | result |",
        "|---|---|---|",
    ]
    return "\n".join([*head, *rows, ""])


def publish(text: str) -> None:
    print(text)
    before, _, rest = PAGE.read_text(encoding="utf-8").partition(BEGIN)
    PAGE.write_text(f"{before}{BEGIN}{text}{END}{rest.partition(END)[2]}", encoding="utf-8")


def version(package: str) -> str:
    asked = [str(tools.TOOLS / "python"), "-m", "pip", "show", package]
    known = subprocess.run(asked, check=True, capture_output=True, text=True).stdout
    found = re.search(r"^Version: (.*)$", known, re.MULTILINE)
    return found[1] if found else ""


def packaged(package: str) -> str:
    asked = ["dpkg-query", "-W", "-f", "${Version}", package]
    return subprocess.run(asked, check=True, capture_output=True, text=True).stdout


if __name__ == "__main__":
    asyncio.run(main())
