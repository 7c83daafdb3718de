"""Log records: connections and errors, never content, tokens or passwords."""

import asyncio
import json
import logging
import subprocess
import sys
import traceback
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from chatserver.config import ServerSettings, Settings
from chatserver.launch import log_only_bugs
from chatserver.logs import configure_logging
from chatserver.protocol import Type
from chatserver.storage.engine import Database
from tests.conftest import FAST, StartChat
from tests.driver import PASSWORD, Chat, User, ask
from tests.hostile.raw_connection import RawConnection


def records(caplog: pytest.LogCaptureFixture, sentence: str) -> list[dict[str, Any]]:
    """Return the fields of all records with this text."""
    return [vars(record) for record in caplog.records if record.getMessage() == sentence]


# Connections -------------------------------------------------------------------------------------


async def test_the_begin_and_the_end_of_a_connection_are_logged(
    ann: User, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "chatserver")
    device = await ann.connect()
    await device.say("hi")
    await ann.chat.server.accounts.log_out_everywhere(await ann.chat.account("ann"))
    assert await device.closed() == 4101
    await device.close()
    while not records(caplog, "closed"):
        await asyncio.sleep(0)
    (came,), (went,) = records(caplog, "connected"), records(caplog, "closed")
    assert (came["user"], came["address"], came["connection"]) == ("ann", "127.0.0.1", 1)
    assert (went["user"], went["connection"], went["frames"]) == ("ann", 1, 1)
    assert (went["code"], went["reason"]) == (4101, "session_invalid")
    assert 0 <= went["seconds"] < 60


async def test_a_rejected_connection_is_logged(
    chat: Chat, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "chatserver")
    async with chat.browser().ws_connect(f"{chat.url}/ws?token=wrong") as stranger:
        await stranger.receive()
    (line,) = records(caplog, "connection rejected")
    assert (line["code"], line["reason"], line["address"]) == (4101, "session_invalid", "127.0.0.1")
    assert not records(caplog, "connected")


async def test_refusals_are_logged_at_debug_level(
    ann: User, caplog: pytest.LogCaptureFixture
) -> None:
    device = await ann.connect()
    await device.say("hi", to="nobody")
    assert not records(caplog, "refused")
    caplog.set_level(logging.DEBUG, "chatserver")
    await device.say("hi", to="nobody")
    (line,) = records(caplog, "refused")
    assert (line["user"], line["code"]) == ("ann", "not_found")


# Slow commits ------------------------------------------------------------------------------------


async def test_a_slow_commit_is_a_warning(
    chat: Chat, ann: User, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    device = await ann.connect()
    await device.say("quick")
    assert not records(caplog, "a commit was slow")
    monkeypatch.setattr("chatserver.storage.journal.SLOW_COMMIT", 0.0)
    await device.say("slow by that measure")
    (line,) = records(caplog, "a commit was slow")
    assert (line["levelname"], line["drafts"]) == ("WARNING", 1)
    assert 0 <= line["seconds"] < 60


# Secrets -----------------------------------------------------------------------------------------


async def test_the_log_has_no_content_of_messages(
    chat: Chat, ann: User, bo: User, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    form = {"username": "ann", "password": PASSWORD}
    await ask(chat.browser(), "POST", chat.url + "/login", form)
    await ask(chat.browser(), "POST", chat.url + "/login", form | {"password": "wrong plum stone"})
    invited = (await ann.ask("POST", "/api/invites", {})).json
    await ask(chat.browser(), "GET", invited["url"])
    joining = {"username": "cy", "password": "a plum for everybody"}
    assert (await ask(chat.browser(), "POST", invited["url"], joining)).status == 200
    bot = (await ann.ask("POST", "/api/bots", {"name": "ci"})).json["token"]
    await ask(chat.browser(), "GET", chat.url + "/api/me", None, {"Authorization": f"Bearer {bot}"})
    await talk(ann, bo)
    text = "\n".join(f"{record.getMessage()} {vars(record)}" for record in caplog.records)
    assert "connected" in text
    assert "refused" in text
    assert "GET /join/{code} 200" in text
    code = invited["url"].rpartition("/")[2]
    for secret in (PASSWORD, "plum", code, bot, ann.token, bo.token):
        assert secret not in text


async def talk(ann: User, bo: User) -> None:
    """Perform every operation on messages; each text contains the word plum."""
    anns = await ann.connect(headers={"Authorization": ""}, params={"token": ann.token})
    bos = await bo.connect()
    seq = (await anns.say("a plum", id="1"))["seq"]
    await anns.say("another plum", id="1")  # is rejected
    await bos.say("a plum to you", to="ann")
    await anns.ask(Type.EDIT, room=1, target=seq, data="a riper plum")
    await bos.ask(Type.REACT, room=1, target=seq, emoji="🍑", on=True)
    await bos.history(1, after=0)
    await bos.send({"type": Type.GROUP_CHAT, "data": ["plum"], "id": "2"})
    await bos.ws.send_str("a broken plum")
    await bos.next(Type.REPLY)
    await bo.ask("GET", "/api/search?q=plum")
    await bo.ask("POST", "/api/rooms/1/messages", {"data": "plum " * 2_000})
    await bo.ask("POST", "/api/rooms/1/messages", {"data": "a posted plum"})
    await anns.ask(Type.RENEW, token=bo.token)  # of another user
    await anns.ask(Type.DELETE, room=1, target=seq)
    await anns.close()
    await bos.close()


# Format ------------------------------------------------------------------------------------------

PROGRAM = """
import logging
from chatserver.launch import log_only_bugs
from chatserver.logs import configure_logging
configure_logging("{level}")
logging.getLogger("chatserver.realtime.hub").info("connected", extra=dict(user="ann"))
logging.getLogger("chatserver.realtime.hub").debug("refused", extra=dict(code="not_found"))
logging.getLogger("aiosqlite").debug("INSERT INTO events VALUES ('a plum')")
"""


@pytest.mark.parametrize("level", ["info", "debug"])
def test_without_a_terminal_every_line_is_json(level: str) -> None:
    program = PROGRAM.format(level=level)
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, check=True)
    first, *rest = map(json.loads, done.stderr.splitlines())
    assert (first["event"], first["user"], first["level"]) == ("connected", "ann", "info")
    assert {"logger", "timestamp"} <= first.keys()
    assert [line["event"] for line in rest] == (["refused"] if level == "debug" else [])


async def test_a_database_error_does_not_contain_values(database_url: str) -> None:
    database = Database(database_url)
    query, said = sa.text("SELECT :said FROM nowhere"), {"said": "a plum"}
    with pytest.raises(sa.exc.DBAPIError) as writing:
        await database.run_on_writer(lambda connection: connection.execute(query, said))
    async with database.read.connect() as connection:
        with pytest.raises(sa.exc.DBAPIError) as reading:
            await connection.execute(query, said)
    await database.close()
    for failed in (writing, reading):
        trace = "".join(traceback.format_exception(failed.value))
        assert "SELECT" in trace
        assert "plum" not in trace


# Tokens ------------------------------------------------------------------------------------------

PLACES = [
    "Sec-WebSocket-Protocol: {}",
    "Sec-WebSocket-Protocol: chat, {}",
    "Sec-WebSocket-Key: {}",
    "Sec-WebSocket-Extensions: {}",
    "Sec-WebSocket-Version: {}",
    "Cookie: {}=x",
    "Cookie: {}{{}}[]=x; a={}",
    "Cookie: chatserver={}",
    "Authorization: Bearer {}",
    "Authorization: Basic {}",
    "Expect: {}",
    "Origin: https://{}",
    "Origin: {}",
    "Host: {}",
    "X-Forwarded-For: {}",
    "X-Forwarded-Host: {}",
    "Forwarded: for={}",
    "Content-Type: {}",
    "Content-Type: text/plain; charset={}",
    "Content-Encoding: {}",
    "Content-Length: {}",
    "Transfer-Encoding: {}",
    "Transfer-Encoding: chunked\r\n\r\n{}\r\n",
    "If-None-Match: {}",
    "User-Agent: {}",
    "{}: x",
    "{}",
    " {}",
    "A\0{}: x",
]
TARGETS = ["/ws", "/ws?token={}", "/login?next={}", "/{}", "/api/rooms/{}/messages", "{}", "*"]


@pytest.mark.parametrize(
    "server", [ServerSettings(), ServerSettings(trusted_proxies=["127.0.0.1"])]
)
async def test_no_part_of_a_request_logs_a_token(
    start_chat: StartChat, tmp_path: Path, caplog: pytest.LogCaptureFixture, server: ServerSettings
) -> None:
    caplog.set_level(logging.DEBUG)
    chat = await start_chat(Settings(data=tmp_path / "d", server=server, limits=FAST))
    ann = await chat.user("ann", admin=True)
    bot = (await ann.ask("POST", "/api/bots", {"name": "robot"})).json["token"]
    for token in (ann.token, bot):
        for target, place in [*((t, "A: b") for t in TARGETS), *(("/ws", p) for p in PLACES)]:
            for method in ("GET", "POST", token):
                await tried(chat, method, target.format(token), place.format(token, token))
    for record in caplog.records:
        line = f"{vars(record)} {logging.Formatter().format(record)}"
        assert ann.token not in line, record
        assert bot not in line, record


async def tried(chat: Chat, method: str, target: str, field: str) -> None:
    upgrade = "Connection: Upgrade\r\nUpgrade: websocket\r\n"
    if "WebSocket" in field:
        upgrade += "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n"
    head = f"{method} {target} HTTP/1.1\r\nHost: x\r\n{upgrade}{field}\r\n\r\n"
    async with await RawConnection.to(chat.url) as line:
        await line.send(head.encode())
        with suppress(asyncio.IncompleteReadError, ConnectionError):
            await line.head_of_answer()


def test_tokens_are_masked_in_every_line(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(logging.root, "handlers", [])
    for name in ("chatserver", "aiohttp.access", "alembic"):
        monkeypatch.setattr(logging.getLogger(name), "level", logging.NOTSET)
    monkeypatch.setattr(logging.root, "level", logging.INFO)
    tokens = ["eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2ln", "bot_" + "a-_9" * 8]
    for token in tokens:
        configure_logging("debug")
        for name in ("chatserver", "aiohttp.websocket", "asyncio", "another.library"):
            logger = logging.getLogger(name)
            try:
                raise ValueError(token)
            except ValueError:
                logger.exception("%s %s", token, token, extra={"field": token})
    written = capsys.readouterr().err
    assert written.count("[token]") >= 4 * len(tokens)
    assert not any(token in written for token in tokens)


def test_a_command_logs_bugs_only(monkeypatch: pytest.MonkeyPatch) -> None:
    last_resort = logging.StreamHandler()
    monkeypatch.setattr(logging, "lastResort", last_resort)
    log_only_bugs()
    bug = {"exc_info": (ValueError, ValueError(), None)}
    records = [logging.makeLogRecord(facts) for facts in ({}, bug)]
    assert [bool(last_resort.filter(record)) for record in records] == [False, True]
