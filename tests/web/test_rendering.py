"""Templates are compiled when the first page is requested, outside the event loop."""

import asyncio
import threading
from pathlib import Path
from typing import Any

import aiohttp_jinja2
import pytest
from pytest_aiohttp import AiohttpClient

from chatserver.app import build
from chatserver.config import Settings


async def test_templates_are_compiled_once_and_in_a_thread(
    aiohttp_client: AiohttpClient, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    app = build(Settings(data=tmp_path), create_database=True)
    environment = aiohttp_jinja2.get_env(app)
    compiled: list[tuple[str, bool]] = []
    compile_template = environment.compile

    def count(source: Any, name: str, *more: Any, **options: Any) -> Any:
        compiled.append((name, threading.current_thread() is threading.main_thread()))
        return compile_template(source, name, *more, **options)

    monkeypatch.setattr(environment, "compile", count)
    client = await aiohttp_client(app)

    async def load(path: str, status: int) -> None:
        async with client.get(path, headers={"Accept": "text/html"}) as response:
            assert response.status == status
            assert response.content_type == "text/html"

    assert not compiled
    for _twice in range(2):
        await asyncio.gather(*(load("/setup", 200) for _ in range(5)), load("/missing", 404))
    assert sorted(name for name, _main in compiled) == sorted(environment.list_templates())
    assert not any(main for _name, main in compiled)
