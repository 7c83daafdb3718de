"""A room with a thousand pictures beside one with as many texts, in Chromium."""

import io
import random
from collections.abc import AsyncIterator
from statistics import median
from typing import Any, NamedTuple

from PIL import Image
from playwright.async_api import Browser, BrowserContext, Page

from chatserver.models import User
from chatserver.protocol import Type
from chatserver.web.session_cookies import COOKIE
from tests.driver import Chat, Device

PICTURES = 1_000  # messages of each room
ROUNDS = 9  # openings of each room, in turns
FORMS = ((640, 480), (480, 640), (800, 300))  # pixels; larger than their thumbnails
DETAIL = 16  # blocks of colour along a side
SETTLING = 1_500  # milliseconds after the first frame with messages: for the pictures and the rest
SCROLLS = 40
WATCH = """
  const MESSAGE = "message-list[data-state=loaded] chat-message[data-seq]";
  globalThis.shifts = [];
  new PerformanceObserver((list) => shifts.push(...list.getEntries().map(({ value }) => value)))
    .observe({ type: "layout-shift", buffered: true });
  globalThis.tasks = [];
  new PerformanceObserver((list) => tasks.push(...list.getEntries().map((task) => task.duration)))
    .observe({ type: "longtask", buffered: true });
  globalThis.shown = new Promise((resolve) => {
    const finish = () => setTimeout(() => resolve(performance.now()));
    const look = () => requestAnimationFrame(document.querySelector(MESSAGE) ? finish : look);
    look();
  });
"""
WORK = ("ScriptDuration", "LayoutDuration", "RecalcStyleDuration")


class Opening(NamedTuple):
    """Milliseconds until a frame with messages, and of work of the page; sum of layout shifts."""

    shown: float
    work: float
    longest: float
    shift: float


async def pictures(chat: Chat, browser: Browser) -> None:
    """Measure how the page opens each room, in turns, with an empty cache."""
    rooms = await fill(chat)
    context = await entered(chat, browser)
    found: dict[str, list[Opening]] = {name: [] for name in rooms}
    for number in range(ROUNDS + 1):
        for name, room in rooms.items():
            opening = await measure(context, f"{chat.url}/index#/room/{room}")
            if number:  # the first one compiles templates and fills the caches of the server
                found[name].append(opening)
    print(f"{PICTURES:,} messages with a picture each, and as many with a text each")
    for name, openings in found.items():
        print(f"  {name:15} {shown(openings)}")
    shift, most = await scroll(context, f"{chat.url}/index#/room/{rooms['pictures']}")
    print(f"  scrolling up    layout shift {shift:.4f}, {most} messages in the page at most")
    await context.close()


def shown(openings: list[Opening]) -> str:
    first, work = median(o.shown for o in openings), median(o.work for o in openings)
    longest, shift = median(o.longest for o in openings), max(o.shift for o in openings)
    return (
        f"first messages after {first:.0f} ms, {work:.0f} ms of script and layout,"
        f" longest task {longest:.0f} ms, layout shift {shift:.4f} at most"
    )


async def entered(chat: Chat, browser: Browser) -> BrowserContext:
    tokens = await chat.server.accounts.open_session(await chat.account("ann"), client="benchmark")
    context = await browser.new_context(base_url=chat.url)
    await context.add_cookies([{"name": COOKIE, "value": tokens.cookie, "url": chat.url}])
    await context.add_init_script(WATCH)
    return context


async def measure(context: BrowserContext, url: str) -> Opening:
    """Open a room in a new page."""
    page = await context.new_page()
    tools = await context.new_cdp_session(page)
    await tools.send("Performance.enable")
    await tools.send("Network.setCacheDisabled", {"cacheDisabled": True})
    await page.goto(url)
    first = float(await page.evaluate("shown"))
    await page.wait_for_timeout(SETTLING)
    metrics: list[dict[str, Any]] = (await tools.send("Performance.getMetrics"))["metrics"]
    work = sum(float(entry["value"]) for entry in metrics if entry["name"] in WORK)
    shifts = await page.evaluate("shifts")
    longest = max(await page.evaluate("tasks"), default=0.0)
    await page.close()
    return Opening(first, 1_000 * work, longest, sum(shifts))


async def scroll(context: BrowserContext, url: str) -> tuple[float, int]:
    """Scroll up through the room; return the sum of layout shifts, and the most messages."""
    page, most = await context.new_page(), 0
    await page.goto(url)
    await page.evaluate("shown")
    await page.locator(".messages-scroll").hover()
    for _ in range(SCROLLS):
        await page.mouse.wheel(0, -1_500)
        await page.wait_for_timeout(100)
        most = max(most, await count(page))
    shifts = await page.evaluate("shifts")
    await page.close()
    return sum(shifts), most


async def count(page: Page) -> int:
    return int(await page.evaluate("document.querySelectorAll('chat-message').length"))


# The rooms ---------------------------------------------------------------------------------------


async def fill(chat: Chat) -> dict[str, int]:
    """Return the number of each room."""
    bo = await chat.logged_in("bo")
    found = {}
    for name in ("texts", "pictures"):
        facts = {"name": name, "title": name.capitalize(), "users": ["ann"]}
        found[name] = (await bo.ask("POST", "/api/rooms", facts)).json["room"]
    device, account, chance = await bo.connect(), await chat.account("bo"), random.Random(1)
    for number in range(PICTURES):
        file = await upload(chat, account, picture(chance))
        await say(device, found["texts"], f"Sure, I can look at it after lunch. {number}")
        await say(device, found["pictures"], "", files=[file])
    await device.close()
    await read(chat, found)
    return found


async def read(chat: Chat, rooms: dict[str, int]) -> None:
    """Mark all messages as read, so that the page opens both rooms at their end."""
    device = await (await chat.logged_in("ann")).connect()
    heads = {entry["room"]: entry["head"] for entry in device.welcome["rooms"]}
    for room in rooms.values():
        await device.send({"type": Type.READ, "room": room, "seq": heads[room]})
        await device.next(Type.READ)
    await device.close()


async def say(device: Device, room: int, text: str, **facts: Any) -> None:
    reply = await device.say(text, room=room, **facts)
    assert reply["ok"], reply


async def upload(chat: Chat, account: User, content: bytes) -> str:
    """Upload a picture past the rate of requests; return its id."""

    async def pieces() -> AsyncIterator[bytes]:
        yield content

    uploads = chat.server.files.uploads
    file = await uploads.begin(account, "picture.jpg", len(content))
    await uploads.receive(file, 0, pieces())
    return (await uploads.complete(file)).id


def picture(chance: random.Random) -> bytes:
    """Return a small JPEG: blocks of random colours, smoothed."""
    blocks = Image.frombytes("RGB", (DETAIL, DETAIL), chance.randbytes(3 * DETAIL**2))
    content = io.BytesIO()
    blocks.resize(chance.choice(FORMS), Image.Resampling.BICUBIC).save(content, "JPEG", quality=80)
    return content.getvalue()
