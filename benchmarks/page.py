"""The chat page in Chromium: rooms that are busy, long or full of pictures. `make bench-page`.

The browser shares the machine with the server and the sender, so the figures are upper bounds.
"""

import argparse
import asyncio
import shutil
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from playwright.async_api import Browser, CDPSession, Page, async_playwright

from benchmarks.page_pictures import pictures
from chatserver.config import LimitSettings, Settings
from chatserver.protocol import Type
from chatserver.web.session_cookies import COOKIE
from tests.driver import Chat, Device
from tests.rig.chromium import CHROMIUM

LONG = 10_000  # messages of the long room
RATE = 50  # messages a second in the busy one
SECONDS = 30
HOUR = 18_000  # messages of an hour in which five a second are said
LOOKS = 6  # measurements of the memory in that hour
PACE = 300  # messages a second, to shorten the hour
KEY_INTERVAL = 0.25  # seconds between two letters that a user types at the same time
TEXT = "Sure, I can look at it after lunch. 下午三点之前可以吗？ See https://example.com/smart"
LIMITS = LimitSettings(messages_per_second=100_000, message_burst=100_000)
SCRIPTING = "ScriptDuration"  # seconds of JavaScript so far, as the browser measures it
WATCH = """() => {
  globalThis.tasks = [];
  globalThis.delays = [];
  new PerformanceObserver((list) => tasks.push(...list.getEntries().map((task) => task.duration)))
    .observe({ type: "longtask", buffered: true });
  document.querySelector("#composer-text").addEventListener("keydown", ({ timeStamp }) => {
    requestAnimationFrame(() => setTimeout(() => delays.push(performance.now() - timeStamp)));
  });
}"""
COUNT = "document.querySelectorAll('chat-message').length"
LOADED = "message-list[data-state=loaded]"


WORKS = ("busy", "hour", "long", "pictures")


async def main(works: Sequence[str]) -> None:
    folder = Path(tempfile.mkdtemp())
    folder.chmod(0o700)
    chat = await Chat.start(Settings(data=folder, limits=LIMITS))
    await chat.user("ann", admin=True)
    bo = await (await chat.user("bo")).connect()
    try:
        async with async_playwright() as playwright:
            browser = await playwright.chromium.launch(
                executable_path=CHROMIUM, args=["--no-sandbox", "--disable-gpu"]
            )
            if "busy" in works:
                await busy(await enter(chat, browser), bo)
            if "hour" in works:
                await hour(await enter(chat, browser), bo)
            if "long" in works:
                await fill(bo)
                await long(await enter(chat, browser))
            if "pictures" in works:
                await pictures(chat, browser)
            await browser.close()
    finally:
        await chat.stop()
        shutil.rmtree(folder)


async def enter(chat: Chat, browser: Browser) -> Page:
    found = await chat.server.users.find("ann")
    assert found is not None
    tokens = await chat.server.accounts.open_session(found[0], client="benchmark")
    context = await browser.new_context(base_url=chat.url)
    await context.add_cookies([{"name": COOKIE, "value": tokens.cookie, "url": chat.url}])
    page = await context.new_page()
    await page.goto("/index")
    await page.wait_for_selector(LOADED)
    return page


# A busy room -------------------------------------------------------------------------------------


async def busy(page: Page, bo: Device) -> None:
    """Measure a user who types while messages arrive."""
    await page.evaluate(WATCH)
    before = await heap(page)
    talking = asyncio.create_task(talk(bo))
    box = page.locator("#composer-text")
    await box.focus()
    while not talking.done():
        await page.keyboard.type("x")
        await asyncio.sleep(KEY_INTERVAL)
    await talking
    await page.wait_for_timeout(1_000)
    tasks, delays = sorted(await page.evaluate("tasks")), sorted(await page.evaluate("delays"))
    print(f"{RATE} messages/s for {SECONDS} s, while a user types {1 / KEY_INTERVAL:g} letters/s")
    print(f"  long tasks      {len(tasks)}, the longest {tasks[-1] if tasks else 0:.0f} ms")
    print(f"  letter to frame {at(delays, 0.5):.0f} ms median, {at(delays, 0.99):.0f} ms 99 %")
    print(f"  in the page     {await page.evaluate(COUNT)} messages")
    print(f"  heap            {before:.1f} MiB, {await heap(page):.1f} MiB after it")
    await page.context.close()


async def talk(bo: Device) -> None:
    clock = asyncio.get_running_loop().time
    started = clock()
    for number in range(RATE * SECONDS):
        await bo.send({"type": Type.GROUP_CHAT, "data": f"{TEXT} {number}", "id": f"busy-{number}"})
        await asyncio.sleep(max(0.0, started + number / RATE - clock()))
    await bo.reply(f"busy-{RATE * SECONDS - 1}")


# An hour ----------------------------------------------------------------------------------------


async def hour(page: Page, bo: Device) -> None:
    """Measure a page that stays open at the end of the room."""
    found = [await heap(page)]
    clock = asyncio.get_running_loop().time
    started = clock()
    for number in range(HOUR):
        await bo.send({"type": Type.GROUP_CHAT, "data": f"{TEXT} {number}", "id": f"hour-{number}"})
        await asyncio.sleep(max(0.0, started + number / PACE - clock()))
        if number % (HOUR // LOOKS) == HOUR // LOOKS - 1:
            await bo.reply(f"hour-{number}")
            await page.get_by_text(f"{TEXT} {number}", exact=True).wait_for()
            found.append(await heap(page))
    print(f"{HOUR:,} messages, those of an hour with five a second, at {PACE} a second")
    print(f"  heap            {', '.join(f'{one:.1f}' for one in found)} MiB")
    print(f"  in the page     {await page.evaluate(COUNT)} messages")
    await page.context.close()


# A long room -------------------------------------------------------------------------------------


async def fill(bo: Device) -> None:
    for number in range(LONG):
        await bo.send({"type": Type.GROUP_CHAT, "data": f"{TEXT} {number}", "id": f"long-{number}"})
        if number % 200 == 199:
            await bo.reply(f"long-{number}")


async def long(page: Page) -> None:
    """Open the room, scroll up through all messages, leave and open it again."""
    tools = await page.context.new_cdp_session(page)
    await tools.send("Performance.enable")
    before = await metric(tools, SCRIPTING)
    await page.reload()
    await page.wait_for_selector(LOADED)
    await page.wait_for_timeout(500)
    took = 1000 * (await metric(tools, SCRIPTING) - before)
    print(f"a room with {LONG:,} messages")
    print(f"  opens within    {took:.0f} ms of script, with the page itself")
    await page.locator("[data-section=online] li a").first.click()
    await page.wait_for_selector(f"{LOADED}[data-kind=self]")
    before = await metric(tools, SCRIPTING)
    await page.locator("[data-section=rooms] li a").first.click()
    await page.wait_for_selector(f"{LOADED}[data-kind=room]")
    await page.wait_for_timeout(500)
    took = 1000 * (await metric(tools, SCRIPTING) - before)
    print(f"  comes back in   {took:.0f} ms of script")
    first, most = await heap(page), 0
    for _ in range(60):
        await page.evaluate("document.querySelector('.messages-scroll').scrollTop = 0")
        await page.wait_for_timeout(50)
        most = max(most, await page.evaluate(COUNT))
    print(f"  in the page     {most} messages at most, scrolling up")
    print(f"  heap            {first:.1f} MiB, {await heap(page):.1f} MiB after it")
    await page.context.close()


async def heap(page: Page) -> float:
    """Return the MiB of used JavaScript objects."""
    tools = await page.context.new_cdp_session(page)
    await tools.send("Performance.enable")
    await tools.send("HeapProfiler.collectGarbage")
    return await metric(tools, "JSHeapUsedSize") / 2**20


async def metric(tools: CDPSession, name: str) -> float:
    found: list[dict[str, Any]] = (await tools.send("Performance.getMetrics"))["metrics"]
    return float(next(entry["value"] for entry in found if entry["name"] == name))


def at(values: list[float], share: float) -> float:
    return values[min(len(values) - 1, int(share * len(values)))] if values else 0.0


if __name__ == "__main__":
    parser = argparse.ArgumentParser(prog="python -m benchmarks.page", description=__doc__)
    parser.add_argument("works", nargs="*", choices=[[], *WORKS], help="all of them without any")
    asyncio.run(main(parser.parse_args().works or WORKS))
