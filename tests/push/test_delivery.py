"""Answers of push services: retries, targets that are gone, and services that are down."""

import asyncio
import socket
from pathlib import Path

import aiohttp
import pytest
from aiohttp import web

from chatserver.config import ServerSettings
from chatserver.errors import Unavailable
from chatserver.push import delivery
from chatserver.push.delivery import Outcome
from chatserver.web import push as web_push
from tests.conftest import StartChat
from tests.driver import User
from tests.push.browsers import Browser, PushService, subscribe
from tests.push.conftest import start_pushing
from tests.push.test_pushes import pushed, say, settled


def answers(service: PushService, *statuses: int, **headers: str) -> None:
    service.answers = [web.Response(status=status, headers=headers) for status in statuses]


@pytest.fixture(autouse=True)
def quick_retries(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(delivery, "RETRY_DELAYS", (0.02, 0.02))


async def outcomes(user: User) -> dict[Outcome, int]:
    await settled(user.chat)
    return dict(user.chat.server.push.delivery.outcomes)


async def is_subscribed(user: User) -> bool:
    return (await user.ask("GET", "/api/push")).json.get("target") is not None


@pytest.mark.parametrize("status", [404, 410])
async def test_a_target_that_the_service_does_not_know_is_removed(
    service: PushService, ann: User, bo: User, status: int
) -> None:
    await subscribe(bo, Browser(service, "bo"))
    answers(service, status)
    await say(ann, "@bo hi")
    assert await outcomes(bo) == {Outcome.GONE: 1}
    assert not await is_subscribed(bo)


@pytest.mark.parametrize("status", [429, 500, 503])
async def test_a_busy_service_is_tried_three_times(
    service: PushService, ann: User, bo: User, status: int
) -> None:
    await subscribe(bo, Browser(service, "bo"))
    answers(service, status, status)
    await say(ann, "@bo hi")
    assert await outcomes(bo) == {Outcome.ACCEPTED: 1}
    assert len(service.received) == 3
    answers(service, *[status] * 3)
    await say(ann, "psst", "/api/direct/bo/messages")
    assert (await outcomes(bo))[Outcome.UNREACHABLE] == 1
    assert await is_subscribed(bo)


async def test_a_service_that_asks_for_time_gets_it(
    service: PushService, ann: User, bo: User
) -> None:
    await subscribe(bo, Browser(service, "bo"))
    answers(service, 429, **{"Retry-After": "1"})
    await say(ann, "@bo hi")
    await asyncio.sleep(0.5)
    assert len(service.received) == 1
    assert await outcomes(bo) == {Outcome.ACCEPTED: 1}


async def test_a_target_is_removed_after_many_refusals_in_a_row(
    service: PushService, bo: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(delivery, "MAX_FAILURES", 2)
    await subscribe(bo, Browser(service, "bo"))
    answers(service, 400, 201, 403, 400)
    results = [(await bo.ask("POST", "/api/push/test")).json["outcome"] for _ in range(4)]
    assert results == ["refused", "accepted", "refused", "refused"]
    assert not await is_subscribed(bo)
    assert (await bo.ask("POST", "/api/push/test")).status == 404


async def test_a_service_that_is_down_delays_no_other(
    service: PushService, ann: User, bo: User, cy: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(delivery, "RETRY_DELAYS", (60.0, 60.0))
    server = bo.chat.server
    monkeypatch.setattr(server.push.rules, "check", lambda _endpoint: None)
    monkeypatch.setattr(server.push.rules, "is_own", lambda _host, _port: True)
    down = Browser(service, "bo")
    down.endpoint = "https://127.0.0.1:9/bo"
    await subscribe(bo, down)
    other = Browser(service, "cy")
    await subscribe(cy, other)
    assert (await bo.ask("POST", "/api/push/test")).json["outcome"] == "unreachable"
    await say(ann, "@all hi")
    assert (await service.next(other))["body"] == "@all hi"
    async with asyncio.timeout(5):
        while server.push.delivery.pending > 1:
            await asyncio.sleep(0.01)
    assert server.push.delivery.outcomes == {Outcome.ACCEPTED: 1}


async def test_a_name_with_a_local_address_is_not_connected_to(
    service: PushService, ann: User, bo: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    server = bo.chat.server
    monkeypatch.setattr(server.push.rules, "check", lambda _endpoint: None)
    browser = Browser(service, "bo")
    browser.endpoint = browser.endpoint.replace("127.0.0.1", "localhost")
    await subscribe(bo, browser)
    assert (await bo.ask("POST", "/api/push/test")).json["outcome"] == "unreachable"
    assert service.received == []
    server.push.rules._own.add(service.host.replace("127.0.0.1", "localhost"))
    await bo.ask("POST", "/api/push/test")
    assert await pushed(bo.chat, service) == 1


async def test_a_push_that_has_waited_for_too_long_is_not_sent(
    service: PushService, ann: User, bo: User, cy: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(delivery, "PER_SERVICE", 1)
    for user in (bo, cy):
        await subscribe(user, Browser(service, user.name))
    service.is_open.clear()
    await say(ann, "@bo hi", "/api/direct/bo/messages")
    await service.arrival("/bo")
    await say(ann, "@cy hi", "/api/direct/cy/messages")
    while bo.chat.server.push.delivery.pending < 2:
        await asyncio.sleep(0.01)
    monkeypatch.setattr(delivery, "MAX_AGE", 0.0)
    service.is_open.set()
    assert await outcomes(bo) == {Outcome.ACCEPTED: 1, Outcome.DROPPED: 1}


async def test_a_push_is_not_sent_again_when_its_answer_is_lost(
    service: PushService, ann: User, bo: User
) -> None:
    await subscribe(bo, Browser(service, "bo"))
    service.lost = 1
    await say(ann, "@bo hi")
    assert await outcomes(bo) == {Outcome.UNANSWERED: 1}
    assert len(service.received) == 1


async def test_a_push_is_not_sent_again_when_its_answer_is_late(
    service: PushService, ann: User, bo: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    quick = aiohttp.ClientTimeout(total=0.5, connect=0.4)
    monkeypatch.setattr(delivery, "TIMEOUT", quick)
    await subscribe(bo, Browser(service, "bo"))
    service.is_open.clear()
    await say(ann, "@bo hi")
    assert await outcomes(bo) == {Outcome.UNANSWERED: 1}
    assert len(service.received) == 1


async def test_a_push_is_not_sent_again_when_its_answer_cannot_be_recorded(
    service: PushService, ann: User, bo: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def fail(_key: str, *, most: int) -> None:
        raise Unavailable

    monkeypatch.setattr(bo.chat.server.push.targets, "note_failure", fail)
    await subscribe(bo, Browser(service, "bo"))
    answers(service, 400)
    await say(ann, "@bo hi")
    assert await outcomes(bo) == {Outcome.REFUSED: 1}
    assert len(service.received) == 1


async def test_a_push_waits_for_a_service_that_does_not_accept_connections(
    service: PushService, ann: User, bo: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A connection attempt that hangs has sent nothing, so the push is tried again."""
    monkeypatch.setattr(delivery, "TIMEOUT", aiohttp.ClientTimeout(total=5.0, connect=0.2))
    delivery_ = bo.chat.server.push.delivery
    with socket.create_server(("127.0.0.1", 0)) as silent:  # TLS never begins
        browser = Browser(service, "bo")
        browser.endpoint = f"https://127.0.0.1:{silent.getsockname()[1]}/bo"
        bo.chat.server.push.rules._own.add(f"127.0.0.1:{silent.getsockname()[1]}")
        await subscribe(bo, browser)
        await say(ann, "@bo hi")
        assert await outcomes(bo) == {Outcome.UNREACHABLE: 1}
        assert not delivery_.pending
        silent.settimeout(1.0)
        tries = [silent.accept()[0] for _ in range(3)]
    for one in tries:
        one.close()


async def test_tests_to_a_service_that_hangs_delay_nothing_else(
    service: PushService,
    certificate: ServerSettings,
    start_chat: StartChat,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A user runs one test at a time, and a service has few; each has connections of its own."""
    monkeypatch.setattr(web_push, "TESTS_PER_SERVICE", 1)
    chat = await start_pushing(start_chat, service, tmp_path / "node")
    hanging = await PushService.start(certificate)
    hanging.is_open.clear()
    chat.server.push.rules._own.add(hanging.host)
    ann, bo, cy = [await chat.user(name, admin=name == "ann") for name in ("ann", "bo", "cy")]
    for user, its in ((ann, hanging), (bo, hanging), (cy, service)):
        await subscribe(user, Browser(its, user.name))
    async with asyncio.TaskGroup() as group:
        first = group.create_task(ann.ask("POST", "/api/push/test"))
        await hanging.arrival("/ann")
        for user, sentence in ((ann, "Your last test still waits"), (bo, "Too many tests wait")):
            answer = await user.ask("POST", "/api/push/test")
            assert (answer.status, answer.json["code"]) == (429, "rate_limited")
            assert answer.json["data"].startswith(sentence)
        assert (await cy.ask("POST", "/api/push/test")).json["outcome"] == "accepted"
        await say(ann, "psst", "/api/direct/bo/messages")
        await hanging.arrival("/bo")
        hanging.is_open.set()
    assert first.result().json["outcome"] == "accepted"
    assert (await ann.ask("POST", "/api/push/test")).json["outcome"] == "accepted"
    client = chat.server.push.delivery._http
    assert client is not None
    assert client.connector is not None
    assert client.connector.limit == 0
    await settled(chat)
    await hanging.stop()


async def test_a_service_that_the_operator_allows_no_more_gets_nothing(
    service: PushService, ann: User, bo: User
) -> None:
    """Browsers have subscribed before the change of the configuration."""
    await subscribe(bo, Browser(service, "bo"))
    bo.chat.server.push.rules._own.clear()
    await say(ann, "@bo hi")
    assert await outcomes(bo) == {Outcome.REFUSED: 1}
    assert (await bo.ask("POST", "/api/push/test")).json["outcome"] == "refused"
    assert service.received == []
