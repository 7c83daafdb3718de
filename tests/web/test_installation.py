"""Manifest, service worker and the page without a connection, also below another application."""

import io
import json
from typing import Any

import pytest
from aiohttp import web
from pytest_aiohttp.plugin import AiohttpClient

from chatserver.app import create_app
from chatserver.config import Settings
from tests.driver import Chat, User, ask
from tests.files.test_media_processor import picture


async def manifest(chat: Chat, query: str = "") -> Any:
    async with chat.browser().get(f"{chat.url}/manifest.webmanifest{query}") as response:
        assert response.content_type == "application/manifest+json"
        assert response.headers["Cache-Control"] == "no-cache"
        return await response.json(content_type=None)


def server_facts(script: str) -> Any:
    """Return the URLs in the first line of the service worker."""
    first, _, rest = script.partition("\n")
    assert 'addEventListener("push"' in rest
    return json.loads(first.removeprefix("const SERVER = ").removesuffix(";"))


async def test_the_manifest_has_the_name_and_the_logo_of_the_server(ann: User) -> None:
    chat = ann.chat
    plain = await manifest(chat)
    assert (plain["name"], plain["lang"], plain["id"]) == ("chatserver", "en", "/")
    assert (plain["start_url"], plain["scope"], plain["display"]) == ("/index", "/", "standalone")
    assert [icon.get("purpose") for icon in plain["icons"]] == [None, None, "maskable"]
    assert {icon["sizes"] for icon in plain["icons"]} == {"192x192", "512x512"}
    await ann.ask("PATCH", "/api/admin/server", {"name": "Class of 2026 学校"})
    logo = await ann.ask("PUT", "/api/admin/server/logo", data=io.BytesIO(picture("PNG")))
    named = await manifest(chat, "?lang=zh_CN")
    assert (named["name"], named["short_name"]) == ("Class of 2026 学校", "Class of 202")
    assert (named["lang"], named["shortcuts"][1]["name"]) == ("zh-Hans", "搜索")
    assert named["icons"][0]["src"] == f"/logo/{logo.json['logo']}"
    for icon in named["icons"]:
        async with chat.browser().get(chat.url + icon["src"]) as response:
            assert (response.status, response.content_type) == (200, icon["type"])


async def test_the_service_worker_and_all_that_it_stores_exist(chat: Chat, ann: User) -> None:
    answer = await ask(chat.browser(), "GET", f"{chat.url}/sw.js")
    assert answer.headers["Content-Type"].startswith("text/javascript")
    assert answer.headers["Service-Worker-Allowed"] == "/"
    assert answer.headers["Cache-Control"] == "no-cache"
    facts = server_facts(answer.text)
    for url in (*facts["files"], facts["offline"], facts["icon"], facts["badge"]):
        found = await chat.browser().get(chat.url + url)
        assert found.status == 200, url
    for url in facts["files"]:
        assert facts["version"] in url


@pytest.mark.parametrize(("language", "title"), [("en", "No connection"), ("zh-CN", "没有连接")])
async def test_the_page_without_a_connection_needs_no_session(
    chat: Chat, ann: User, language: str, title: str
) -> None:
    headers = {"Accept-Language": language, "Accept": "text/html"}
    answer = await ask(chat.browser(), "GET", f"{chat.url}/offline", headers=headers)
    assert f"<h1>{title}</h1>" in answer.text
    assert "/logo/" not in answer.text  # is not stored


async def test_what_is_shared_without_a_service_worker_leads_to_the_chat(chat: Chat) -> None:
    content = io.BytesIO(b"x" * 100_000)
    async with chat.browser().post(
        f"{chat.url}/share", data={"files": content}, allow_redirects=False
    ) as response:
        assert (response.status, response.headers["Location"]) == (303, "/index")


async def test_all_addresses_are_below_the_path_of_an_outer_application(
    aiohttp_client: AiohttpClient, tmp_path: Any
) -> None:
    outer = web.Application()
    outer.add_subapp("/chat", create_app(Settings(data=tmp_path)))
    client = await aiohttp_client(outer)
    script = await client.get("/chat/sw.js")
    assert script.headers["Service-Worker-Allowed"] == "/chat/"
    facts = server_facts(await script.text())
    urls = [
        url for value in facts.values() for url in (value if isinstance(value, list) else [value])
    ]
    assert [url for url in urls if not url.startswith("/chat/")] == [facts["version"]]
    shown = await (await client.get("/chat/manifest.webmanifest")).json(content_type=None)
    assert (shown["scope"], shown["start_url"]) == ("/chat/", "/chat/index")
    assert shown["share_target"]["action"] == "/chat/share"
    assert all(one["url"].startswith("/chat/index?") for one in shown["shortcuts"])
