"""Pushes that wait are sent, or not, by the state at the time of each try."""

import asyncio
from collections.abc import Awaitable, Callable

import pytest
from aiohttp import web

from chatserver.push import delivery, reader
from chatserver.push.delivery import Outcome
from tests.driver import Device, User
from tests.push.browsers import Browser, PushService, notification, subscribe
from tests.push.test_pushes import LOBBY, say, settled

DEN = "/api/rooms/2"
MESSAGES = f"{DEN}/messages"


@pytest.fixture(autouse=True)
def one_at_a_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let a push wait while another one is sent, and be tried again soon."""
    monkeypatch.setattr(delivery, "PER_SERVICE", 1)
    monkeypatch.setattr(delivery, "RETRY_DELAYS", (0.5, 0.5))


async def started(service: PushService, ann: User, bo: User) -> Browser:
    """Return a browser of bo, who is in a private room with ann."""
    browser = Browser(service, "bo")
    await subscribe(bo, browser, level="calls")
    form = {"name": "den", "private": True, "users": ["bo"]}
    assert (await ann.ask("POST", "/api/rooms", form)).json["room"] == 2
    return browser


async def waits_for_its_turn(service: PushService, ann: User, bo: User, cy: User) -> int:
    """Mention bo while the service is busy with a push to cy; return the seq."""
    await subscribe(cy, Browser(service, "cy"))
    service.is_open.clear()
    await say(ann, "@cy first", LOBBY)
    await service.arrival("/cy")
    seq = await say(ann, "@bo the code is 1234", MESSAGES)
    async with asyncio.timeout(5):
        while bo.chat.server.push.delivery.pending < 2:
            await asyncio.sleep(0.01)
    return seq


async def waits_for_another_try(service: PushService, ann: User, _bo: User, _cy: User) -> int:
    """Mention bo while the service refuses everything; return the seq."""
    service.answers = [web.Response(status=503)]
    seq = await say(ann, "@bo the code is 1234", MESSAGES)
    await service.arrival("/bo")
    service.received.clear()
    return seq


async def delete(ann: User, _bo: User, seq: int) -> None:
    assert (await ann.ask("DELETE", f"{MESSAGES}/{seq}")).status == 200


async def edit_the_mention_away(ann: User, _bo: User, seq: int) -> None:
    assert (await ann.ask("PATCH", f"{MESSAGES}/{seq}", {"data": "nothing"})).status == 200


async def remove_the_member(ann: User, _bo: User, _seq: int) -> None:
    assert (await ann.ask("DELETE", f"{DEN}/members/bo")).status == 200


async def read_elsewhere(_ann: User, bo: User, seq: int) -> None:
    await command(bo, {"type": 9, "room": 2, "seq": seq})
    await bo.chat.server.read_positions.flush()


async def look_at_a_page(_ann: User, bo: User, _seq: int) -> Device:
    return await command(bo, {"type": 18, "visible": True})


async def command(user: User, frame: dict[str, object]) -> Device:
    """Send a command; return the device, which stays connected, when it has been carried out."""
    device = await user.connect()
    await device.send(frame)
    await device.send({"type": 14, "id": "sync"})
    await device.reply("sync")
    return device


async def log_out(_ann: User, bo: User, _seq: int) -> None:
    await bo.ask("POST", "/logout")


Wait = Callable[[PushService, User, User, User], Awaitable[int]]
Change = Callable[[User, User, int], Awaitable[Device | None]]


@pytest.mark.parametrize("wait", [waits_for_its_turn, waits_for_another_try])
@pytest.mark.parametrize(
    ("change", "outcome"),
    [
        (delete, Outcome.WITHDRAWN),
        (edit_the_mention_away, Outcome.WITHDRAWN),
        (remove_the_member, Outcome.WITHDRAWN),
        (read_elsewhere, Outcome.READ),
        (look_at_a_page, Outcome.READ),
        (log_out, Outcome.ENDED),
    ],
)
async def test_a_push_that_waits_is_not_sent_when_it_is_wanted_no_more(
    service: PushService,
    ann: User,
    bo: User,
    cy: User,
    wait: Wait,
    change: Change,
    outcome: Outcome,
) -> None:
    await started(service, ann, bo)
    seq = await wait(service, ann, bo, cy)
    device = await change(ann, bo, seq)
    service.is_open.set()
    await settled(bo.chat)
    assert [one.path for one in service.received if one.path == "/bo"] == []
    assert bo.chat.server.push.delivery.outcomes[outcome] == 1
    if device is not None:
        await device.close()


@pytest.mark.parametrize("wait", [waits_for_its_turn, waits_for_another_try])
async def test_a_push_that_waits_says_what_is_true_when_it_is_sent(
    service: PushService, ann: User, bo: User, cy: User, wait: Wait
) -> None:
    browser = await started(service, ann, bo)
    seq = await wait(service, ann, bo, cy)
    await ann.ask("PATCH", f"{MESSAGES}/{seq}", {"data": "@bo call me"})
    assert (await ann.ask("PATCH", DEN, {"title": "Attic"})).status == 200
    service.is_open.set()
    shown = await service.next(browser)
    assert (shown["title"], shown["body"]) == ("Ann in Attic", "@bo call me")


async def test_a_browser_that_chooses_less_gets_less_also_of_what_waits(
    service: PushService, ann: User, bo: User, cy: User
) -> None:
    browser = await started(service, ann, bo)
    await waits_for_its_turn(service, ann, bo, cy)
    await subscribe(bo, browser, level="calls", content="nothing")
    service.is_open.set()
    assert (await service.next(browser))["body"] == "New message"


async def test_of_several_messages_the_rest_is_pushed_when_some_are_deleted(
    service: PushService, ann: User, bo: User, cy: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(delivery, "PER_SERVICE", 0)
    monkeypatch.setattr(reader, "DELAY", 0.2)
    browser = await started(service, ann, bo)
    await say(ann, "@bo one", MESSAGES)
    last = await say(ann, "@bo two", MESSAGES)
    async with asyncio.timeout(5):
        while not bo.chat.server.push.delivery.pending:
            await asyncio.sleep(0.01)
    await delete(ann, bo, last)
    monkeypatch.setattr(delivery, "PER_SERVICE", 1)
    await subscribe(cy, Browser(service, "cy"))
    await say(ann, "@cy hi")
    await settled(bo.chat)
    (received,) = [one for one in service.received if one.path == "/bo"]
    shown = notification(browser, received)
    assert (shown["body"], shown["data"]["seq"]) == ("@bo one", last - 1)
