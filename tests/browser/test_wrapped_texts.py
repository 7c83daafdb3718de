"""All visible texts are translatable, which is tested by a catalogue that wraps every text."""

import gettext
import json
import re
from pathlib import Path
from typing import Any

import pytest
from babel.messages.pofile import read_po
from playwright.async_api import Page, expect

from chatserver.web.admin_pages import SECTIONS
from chatserver.web.language import Language
from tests.browser.conftest import EnterChat

pytestmark = pytest.mark.asyncio(loop_scope="session")

TEMPLATE = Path(__file__).parents[2] / "locale" / "chatserver.pot"
WRAPPED = re.compile("⟦[^⟦⟧]*⟧")
WORD = re.compile(r"[^\W\d_]{2,}")
NO_TEXTS = re.compile(
    r"\b(ann|bo|tests|lobby|chatserver|SQLite|MB|GB|English)\b|简体中文|https?:\S+", re.IGNORECASE
)

# Excluded: times and numbers by Intl, keys, and languages in their own names.
VISIBLE = """() => {
  const others = [...document.querySelectorAll("time, kbd, code, [lang]:not(html)")];
  for (const other of others) other.style.setProperty("display", "none", "important");
  const named = ["aria-label", "title", "placeholder", "alt", "data-label"].flatMap((name) =>
    [...document.querySelectorAll(`[${name}]`)]
      .filter((element) => element.checkVisibility())
      .map((element) => element.getAttribute(name)),
  );
  const texts = [document.title, document.body.innerText, ...named];
  for (const other of others) other.style.removeProperty("display");
  return texts;
}"""


class Wrapping(gettext.NullTranslations):
    """Return every text of the sources in brackets that are not used elsewhere."""

    def gettext(self, message: str) -> str:
        return wrapped(message)

    def ngettext(self, msgid1: str, msgid2: str, n: int) -> str:
        return wrapped(msgid1 if n == 1 else msgid2)


def wrapped(text: str) -> str:
    return f"⟦{text}⟧"


def language() -> Language:
    with TEMPLATE.open("rb") as opened:
        catalogue = read_po(opened)
    entries: dict[str, Any] = {}
    for message in catalogue:
        if isinstance(message.id, tuple | list):
            entries[message.id[0]] = [wrapped(form) for form in message.id]
        elif message.id:
            entries[message.id] = wrapped(message.id)
    return Language("en", Wrapping(), json.dumps(entries).encode(), "wrapping")


def unwrapped_words(texts: list[str]) -> set[str]:
    """Return the words outside of all brackets."""
    found = set()
    for text in texts:
        rest, removed = text, 1
        while removed:
            rest, removed = WRAPPED.subn(" ", rest)
        found |= {
            line.strip() for line in NO_TEXTS.sub(" ", rest).splitlines() if WORD.search(line)
        }
    return found


async def expect_wrapped(page: Page) -> None:
    assert unwrapped_words(await page.evaluate(VISIBLE)) == set(), page.url


async def test_every_visible_text_is_in_the_catalogue(enter: EnterChat) -> None:
    assert unwrapped_words(["⟦a %(b)s⟧ Not ⟦%(c)s ⟦d⟧⟧"]) == {"Not"}  # the check works
    ann = await enter("ann", "Ann")
    ann.chat.server.languages["en"] = language()
    ann.allow_console_errors("status of 404")
    await ann.chat.user("bo")
    await ann.page.reload()
    await ann.wait_until_loaded()
    await ann.say("1")
    await ann.expect_last("1")
    await ann.page.locator("chat-message").hover()
    await expect_wrapped(ann.page)
    await expect_wrapped_layers(ann.page)
    await expect_wrapped_administration(ann.page)
    await ann.page.context.clear_cookies()
    invite = await ann.chat.server.invitations.make(None)
    for path in ("/login", f"/join/{invite.code}", "/join/nothing"):
        await ann.page.goto(path)
        await expect_wrapped(ann.page)


async def expect_wrapped_layers(page: Page) -> None:
    """Check all layers, opened by their buttons."""
    names = "[...document.querySelectorAll('[data-open]')].map((one) => one.dataset.open)"
    found = set(await page.evaluate(names))
    assert {"rooms", "keys"} <= found
    for name in sorted(found - {"true", "false"}):
        await page.evaluate("name => document.querySelector(`[data-open='${name}']`).click()", name)
        await expect_wrapped(page)
        await page.keyboard.press("Escape")
    await page.locator(".account-button").click()
    await expect_wrapped(page)


async def expect_wrapped_administration(page: Page) -> None:
    for section in SECTIONS:
        await page.goto(f"/admin/{section}")
        if section == "check":
            await expect(page.locator("admin-check")).to_have_attribute("data-state", "done")
            await expect_wrapped(page)
            continue
        for part in await page.locator(".admin-list").all():
            await expect(part).to_have_attribute("data-state", "loaded")
        await expect_wrapped(page)
        for opener in await page.locator(".admin-tools [data-opens], tbody [data-opens]").all():
            await opener.click()
            await expect_wrapped(page)
            await page.keyboard.press("Escape")
