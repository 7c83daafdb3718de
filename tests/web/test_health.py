"""Health and metrics endpoints."""

import asyncio
import re
import subprocess
import sys
from pathlib import Path

import pytest
from prometheus_client.parser import text_string_to_metric_families as parsed

from chatserver.errors import CloseCode
from chatserver.storage.migrate import HEAD
from tests.conftest import StartChat
from tests.driver import PASSWORD, Chat, User, ask

REPOSITORY = Path(__file__).parents[2]

Figures = dict[str, float]


async def figures(chat: Chat) -> Figures:
    """Return the samples of /metrics by `name{label=value}`."""
    answer = await ask(chat.browser(), "GET", f"{chat.url}/metrics")
    assert answer.status == 200
    assert answer.headers["Content-Type"].startswith("text/plain; version=")
    found = {}
    for family in parsed(answer.text):
        for sample in family.samples:
            labels = ",".join(f"{key}={value}" for key, value in sample.labels.items())
            found[f"{sample.name}{{{labels}}}" if labels else sample.name] = sample.value
    return found


# /healthz and /readyz ----------------------------------------------------------------------------


async def test_a_server_that_can_store_is_ready_and_reports_its_durability(
    start_chat: StartChat, database_url: str
) -> None:
    chat = await start_chat(url=database_url)
    answer = await ask(chat.browser(), "GET", f"{chat.url}/readyz")
    assert answer.status == 200
    assert (answer.json["ok"], answer.json["revision"]) == (1, HEAD)
    assert answer.json["durability"] == "full"
    found = await figures(chat)
    assert found["chatserver_database_up"] == found["chatserver_database_durable"] == 1
    assert found["chatserver_database_migrated"] == 1
    assert found["chatserver_database_bytes"] > 10_000


@pytest.mark.parametrize("who", ["journal", "database"])
async def test_after_a_disk_failure_the_server_is_alive_and_not_ready(chat: Chat, who: str) -> None:
    getattr(chat.server, who).broken = True
    assert (await ask(chat.browser(), "GET", f"{chat.url}/healthz")).status == 200
    answer = await ask(chat.browser(), "GET", f"{chat.url}/readyz")
    assert (answer.status, answer.json["ok"]) == (503, 0)
    assert (await figures(chat))["chatserver_storing"] == 0


async def test_a_full_disk_and_its_end_are_visible_to_operators(
    chat: Chat, ann: User, caplog: pytest.LogCaptureFixture
) -> None:
    device = await ann.connect()
    database = chat.server.database

    async def limit_pages(number: int) -> None:
        pragma = f"PRAGMA max_page_count = {number}"
        await database.run_on_writer(lambda c: c.exec_driver_sql(pragma).close())

    await limit_pages(1)  # as many as there are
    while "code" not in (answer := await device.say("x" * 4_000)):
        pass
    assert answer["code"] == "unavailable"
    ready = await ask(chat.browser(), "GET", f"{chat.url}/readyz")
    assert (ready.status, ready.json["ok"]) == (503, 0)
    assert "the disk is full" in ready.json["reason"]
    found = await figures(chat)
    assert found["chatserver_storing"] == 0
    assert found["chatserver_database_up"] == 1
    assert found["chatserver_failed_commits_total"] >= 1
    assert "messages cannot be stored: the disk is full" in caplog.text

    await limit_pages(1_000_000)
    await device.say("there is room again")
    assert (await ask(chat.browser(), "GET", f"{chat.url}/readyz")).status == 200
    assert (await figures(chat))["chatserver_storing"] == 1
    assert "messages are stored again" in caplog.text


async def test_metrics_of_an_unavailable_database_are_omitted(
    chat: Chat, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def fail() -> str:
        raise OSError

    monkeypatch.setattr(chat.server.database, "durability", fail)
    found = await figures(chat)
    assert (found["chatserver_database_up"], found["chatserver_storing"]) == (0, 0)
    for name in ("migrated", "durable", "bytes"):
        assert f"chatserver_database_{name}" not in found


async def test_a_database_without_tables_is_not_ready_and_metrics_are_available(
    chat: Chat, ann: User
) -> None:
    device = await ann.connect()
    path = chat.server.database.path
    assert path is not None
    await chat.server.database.read.dispose()
    away = path.rename(path.with_suffix(".away"))
    assert (await ask(chat.browser(), "GET", f"{chat.url}/readyz")).status == 503
    found = await figures(chat)
    assert (found["chatserver_database_up"], found["chatserver_database_migrated"]) == (1, 0)
    assert found["chatserver_connections"] == 1
    assert not path.exists()  # a query creates no file
    away.rename(path)
    await device.close()


# /metrics ----------------------------------------------------------------------------------------


async def test_messages_commits_and_deliveries_are_counted(ann: User, bo: User) -> None:
    anns, bos = await ann.connect(), await bo.connect()
    before = await figures(ann.chat)
    await anns.say("one", id="1")
    await anns.say("two", id="2")
    await anns.say("two", id="2")
    await bos.receives("one")
    await bos.receives("two")
    after = await figures(ann.chat)
    grown = {name: figure - before.get(name, 0) for name, figure in after.items()}
    assert grown["chatserver_events_total"] == 2
    assert grown["chatserver_repeats_total"] == 1
    assert grown["chatserver_commit_seconds_count"] == 3
    assert grown["chatserver_commit_drafts_sum"] == 3
    assert grown["chatserver_commit_drafts_bucket{le=1}"] == 3
    assert grown["chatserver_deliveries_total"] == 4
    assert grown["chatserver_delivered_bytes_total"] > 4 * len('{"type":2,"data":"one"}')
    assert after["chatserver_commit_seconds_sum"] > 0
    assert after["chatserver_queue_length"] == 0


async def test_users_and_connections_are_counted_separately(ann: User, bo: User) -> None:
    devices = [await ann.connect(), await ann.connect(), await bo.connect()]
    found = await figures(ann.chat)
    assert found["chatserver_connections"] == 3
    assert found["chatserver_people_online"] == 2
    assert found["chatserver_waiting_bytes"] == found["chatserver_waiting_bytes_max"] == 0
    for device in devices:
        await device.close()


async def test_closed_connections_are_counted_by_code(chat: Chat, ann: User, bo: User) -> None:
    left, ended = await ann.connect(), await bo.connect()
    await left.close()
    chat.server.hub.session_ends.close_user_connections(bo.number, CloseCode.ACCOUNT_CLOSED)
    assert await ended.closed() == 4102
    async with chat.browser().ws_connect(f"{chat.url}/ws?token=wrong") as stranger:
        while not stranger.closed:
            await stranger.receive()
    while (found := await figures(chat))["chatserver_connections"]:
        await asyncio.sleep(0)
    assert found["chatserver_closes_total{code=1000}"] == 1
    assert found["chatserver_closes_total{code=4102}"] == 1
    assert found["chatserver_closes_total{code=4101}"] == 1


async def test_refusals_are_counted_for_commands_and_http_requests(chat: Chat, ann: User) -> None:
    device = await ann.connect()
    assert (await device.say("hi", to="nobody"))["code"] == "not_found"
    assert (await ann.ask("GET", "/api/rooms/99")).status == 404
    assert (await device.history(1, after=0, epoch="another"))["code"] == "reset"
    found = await figures(chat)
    assert found["chatserver_refusals_total{code=not_found}"] == 2
    assert found["chatserver_refusals_total{code=reset}"] == 1
    assert found["chatserver_catch_ups_total"] == 1


async def test_logins_are_counted_by_outcome(chat: Chat, ann: User) -> None:
    for password in (PASSWORD, "wrong", "wrong"):
        form = {"username": "ann", "password": password}
        await ask(chat.browser(), "POST", f"{chat.url}/login", form)
    found = await figures(chat)
    assert found["chatserver_sign_ins_total{outcome=ok}"] == 1
    assert found["chatserver_sign_ins_total{outcome=failed}"] == 2
    assert found["chatserver_sign_ins_total{outcome=limited}"] == 0


async def test_the_documentation_lists_exactly_the_existing_metrics(chat: Chat) -> None:
    await chat.server.files.cleanup.sweep()  # some metrics are those of the last sweep
    answer = await ask(chat.browser(), "GET", f"{chat.url}/metrics")
    kept = {line.split()[2] for line in answer.text.splitlines() if line.startswith("# TYPE chat")}
    documented = re.findall(r"\bchatserver_\w+", (REPOSITORY / "docs" / "operating.md").read_text())
    assert kept == set(documented)
    alerts = (REPOSITORY / "deploy" / "alerts.yml").read_text()
    used = {name.removesuffix("_bucket") for name in re.findall(r"\bchatserver_\w+", alerts)}
    assert used
    assert used <= kept


def test_the_metrics_library_is_not_imported_at_the_start() -> None:
    program = "import chatserver.commands.serve, sys; sys.exit('prometheus_client' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0
