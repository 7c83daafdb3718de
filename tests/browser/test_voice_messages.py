"""Voice messages: recording from a microphone that beeps, sending, playing."""

import re

import pytest
from playwright.async_api import Request, Route, expect

from tests.browser.conftest import EnterChat
from tests.browser.window import Window

pytestmark = pytest.mark.asyncio(loop_scope="session")

IS_ON = """() => new Promise((resolve) => {
  const tracks = globalThis.microphoneTracks ?? [];
  resolve(tracks.some(({ readyState }) => readyState === "live"));
})"""
WATCH_TRACKS = """() => {
  const open = navigator.mediaDevices.getUserMedia.bind(navigator.mediaDevices);
  navigator.mediaDevices.getUserMedia = async (wanted) => {
    const stream = await open(wanted);
    globalThis.microphoneTracks = stream.getTracks();
    return stream;
  };
}"""
WATCH_PLAYERS = """() => {
  globalThis.played = []; // events, and the index of their player: states may be short
  for (const name of ["playing", "pause", "ended"]) {
    document.addEventListener(name, ({ target }) => {
      played.push(`${name} ${[...document.querySelectorAll("audio")].indexOf(target)}`);
    }, { capture: true });
  }
}"""
POSITION = "one => one.querySelector('audio').currentTime"


async def record(window: Window, seconds: str) -> None:
    """Record until the time is shown."""
    await window.page.locator(".composer-voice").click()
    await expect(window.page.locator("voice-recorder")).to_be_visible()  # it has the new time
    await expect(window.page.locator(".recorder-time")).to_have_text(seconds)


async def expect_played(window: Window, *events: str) -> None:
    """Wait for these events of players, which are all that have happened."""
    wanted = ", ".join(events)
    await window.page.wait_for_function("wanted => played.join(', ') === wanted", arg=wanted)


async def test_a_voice_message_is_recorded_heard_sent_and_played(enter: EnterChat) -> None:
    ann, bo = await enter("ann", "Ann"), await enter("bo", "Bo")
    page, downloads, held = ann.page, list[str](), list[Route]()

    def note(request: Request) -> None:
        if "/files/" in request.url:
            downloads.append(request.url)

    bo.page.on("request", note)
    await page.evaluate(WATCH_TRACKS)
    await page.evaluate(WATCH_PLAYERS)
    await bo.page.evaluate(WATCH_PLAYERS)
    await record(ann, "0:02")
    assert await page.evaluate(IS_ON)
    await expect(page.locator("#composer-text")).to_be_hidden()
    await page.locator(".recorder-stop").press("Enter")
    heard = page.locator(".attachment voice-message")
    await expect(heard.locator(".voice-time")).to_have_text(re.compile("0:0[2-9]"))
    assert not await page.evaluate(IS_ON)
    await expect(page.locator("#composer-text")).to_be_focused()
    await heard.get_by_role("button", name="Play").click()
    await expect_played(ann, "playing 0", "pause 0", "ended 0")
    await expect(heard).to_have_attribute("data-state", "paused")

    async def hold(route: Route) -> None:
        held.append(route)

    await page.route("**/api/files?*", hold)
    await page.locator("#composer-text").fill("listen")
    await page.keyboard.press("Enter")
    pending = page.locator("chat-message .voice:has(.upload)")
    before = await pending.bounding_box()
    await page.unroute("**/api/files?*")
    await page.reload()
    await ann.wait_until_loaded()
    sent, shown = page.locator("chat-message voice-message"), bo.page.locator("voice-message")
    await expect(sent).to_have_attribute("aria-label", re.compile("Voice message, [2-9] seconds"))
    after = await sent.bounding_box()
    assert before is not None
    assert after is not None
    assert (before["width"], before["height"]) == (after["width"], after["height"])
    await expect(page.locator("chat-message .message-text")).to_have_text(["listen"])
    bars = await shown.locator(".wave path").first.get_attribute("d")
    assert len({*(bars or "").replace("M", " M").split()}) > 5  # it is no straight line
    assert downloads == []
    await shown.get_by_role("button", name="Play").click()
    await expect_played(bo, "playing 0", "pause 0", "ended 0")
    assert downloads != []


async def test_a_player_is_used_by_keyboard_and_mouse_and_continues_with_the_next(
    enter: EnterChat,
) -> None:
    ann, bo = await enter("ann", "Ann"), await enter("bo", "Bo")
    for number in (1, 2):
        await record(ann, "0:02")
        await ann.page.locator(".recorder-send").click()
        await expect(bo.page.locator("voice-message")).to_have_count(number)
    first, second = bo.page.locator("voice-message").first, bo.page.locator("voice-message").last
    slider = first.get_by_role("slider", name="Position")
    await bo.page.locator("chat-message").first.focus()
    for _ in range(12):
        await bo.page.keyboard.press("Tab")
        if await slider.evaluate("one => one === document.activeElement"):
            break
    await bo.page.keyboard.press("ArrowRight")
    assert await first.evaluate(POSITION) == 1
    await expect(slider).to_have_attribute(
        "aria-valuetext", re.compile("^1 second of [2-9] seconds$")
    )
    await bo.page.keyboard.press("Tab")
    await bo.page.keyboard.press("Enter")
    await bo.page.keyboard.press("Enter")
    await expect(second.locator(".voice-speed")).to_have_text("2×")
    box = await slider.bounding_box()
    assert box is not None
    await bo.page.mouse.click(box["x"] + box["width"] / 4, box["y"] + box["height"] / 2)
    assert 0.4 < await first.evaluate(POSITION) < 1
    await bo.page.evaluate(WATCH_PLAYERS)
    play = "[...document.querySelectorAll('.voice-play')].at({}).click()"
    await bo.page.evaluate(play.format(-1))
    await bo.page.wait_for_function("() => played.length > 0")
    await bo.page.evaluate(play.format(0))  # one plays at a time, and then the next one
    interrupted, continued = ["playing 1", "pause 1", "playing 0"], ["pause 0", "ended 0"]
    await expect_played(bo, *interrupted, *continued, "playing 1", "pause 1", "ended 1")
    assert await first.evaluate(POSITION) == 0


async def test_a_recording_stays_in_its_conversation_and_can_be_discarded(
    enter: EnterChat,
) -> None:
    ann = await enter("ann", "Ann")
    await enter("bo", "Bo")
    page = ann.page
    await record(ann, "0:00")
    await page.locator(".recorder-discard").click()
    await expect(page.locator("voice-recorder")).to_be_hidden()
    await expect(page.locator(".attachment")).to_have_count(0)
    await record(ann, "0:01")
    await ann.open_user("bo")
    await expect(page.locator("voice-recorder")).to_be_hidden()
    await expect(page.locator(".attachment")).to_have_count(0)
    await ann.open_lobby()
    await expect(page.locator(".attachment voice-message")).to_be_visible()
    await page.locator(".attachment-remove").click()
    await expect(page.locator(".attachment")).to_have_count(0)


async def test_without_a_microphone_the_reason_is_shown(enter: EnterChat) -> None:
    ann = await enter("ann", "Ann")
    await ann.page.evaluate(
        "() => { navigator.mediaDevices.getUserMedia = async () => {"
        " throw new DOMException('', 'NotFoundError') } }"
    )
    await ann.page.locator(".composer-voice").click()
    await expect(ann.page.locator("toast-line")).to_have_text("No microphone was found.")
    await expect(ann.page.locator("#composer-text")).to_be_visible()
    await ann.page.add_init_script("delete globalThis.MediaRecorder")
    await ann.page.reload()
    await ann.wait_until_loaded()
    await expect(ann.page.locator(".composer-add")).to_be_visible()
    await expect(ann.page.locator(".composer-voice")).to_be_hidden()
    await ann.page.locator(".account-button").click()
    await ann.page.locator("[data-open=settings]").click()
    await expect(ann.page.locator(".voice-obstacle")).to_have_text(
        "Voice messages cannot be recorded: this browser does not support it."
    )
