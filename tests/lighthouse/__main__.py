"""`make check-web`: what Lighthouse gives the login page and a busy chat page, as a table.

Fails below GOAL. Each page is looked at ROUNDS times and the best look counts: a phone of
Lighthouse is this machine at a quarter of its speed, and what else runs here only takes from it.
"""

import asyncio
import itertools
import json
import shutil
import sys
import tempfile
from pathlib import Path
from typing import Any

from chatserver.config import LimitSettings, Settings
from chatserver.web.session_cookies import COOKIE
from tests.driver import Chat
from tests.rig.chromium import CHROMIUM

GOAL = 95  # of 100, in each category
ROUNDS = 3
MESSAGES = 200
FOLDER = Path(__file__).parent
NODE = Path(sys.executable).with_name("node")
LIMITS = LimitSettings(messages_per_second=10_000, message_burst=10_000)
TEXTS = (
    "Sure, I can look at it after lunch. See https://example.com/plans",
    "下午三点之前可以吗？ The numbers are in **the plan**.",
    "```\nfor name in people:\n    greet(name)\n```",
)


async def main() -> None:
    folder = Path(tempfile.mkdtemp())
    folder.chmod(0o700)
    chat = await Chat.start(Settings(data=folder, limits=LIMITS))
    try:
        cookie = await settle(chat)
        found = [await look(chat, cookie) for _ in range(ROUNDS)]
    finally:
        await chat.stop()
        shutil.rmtree(folder)
    good = [report(list(same)) for same in zip(*found, strict=True)]
    if not all(good):
        sys.exit(f"Lighthouse gives less than {GOAL}.")


async def settle(chat: Chat) -> str:
    """People, and a room that they have talked in; the cookie of one of them."""
    await chat.user("ann", admin=True)
    bo = await (await chat.user("bo")).connect()
    for _, text in zip(range(MESSAGES), itertools.cycle(TEXTS), strict=False):
        await bo.say(text)
    ann = await chat.server.users.find("ann")
    assert ann is not None
    tokens = await chat.server.accounts.open_session(ann[0], client="Lighthouse")
    return f"{COOKIE}={tokens.cookie}"


async def look(chat: Chat, cookie: str) -> list[dict[str, Any]]:
    """One look at each page in each form, as measure.mjs prints them."""
    pages = [f"{chat.url}/login?switch", f"{chat.url}/index"]
    process = await asyncio.create_subprocess_exec(
        NODE, FOLDER / "measure.mjs", CHROMIUM, cookie, *pages, stdout=asyncio.subprocess.PIPE
    )
    output, _ = await process.communicate()
    if process.returncode:
        sys.exit("Lighthouse could not look.")
    return [json.loads(line) for line in output.splitlines()]


def report(looks: list[dict[str, Any]]) -> bool:
    """A line for one page in one form; true when all its scores are good."""
    page, form = looks[0]["page"], looks[0]["form"]
    scores = max((look["scores"] for look in looks), key=lambda scores: sum(scores.values()))
    words = "  ".join(f"{category} {score:3}" for category, score in scores.items())
    print(f"{page:8} {form:8} {words}")
    good = all(score >= GOAL for score in scores.values())
    if not good:
        print(*(f"    {fault}" for fault in looks[-1]["faults"]), sep="\n")
    return good


if __name__ == "__main__":
    asyncio.run(main())
