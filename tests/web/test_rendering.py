"""Templates are compiled when they are first rendered, outside the event loop."""

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
    for _twice in range(2):
        for path, status in (("/setup", 200), ("/missing", 404)):
            async with client.get(path, headers={"Accept": "text/html"}) as response:
                assert response.status == status
                assert response.content_type == "text/html"
    names = [name for name, _main in compiled]
    assert {"accounts/setup.html", "error.html"} <= {*names}
    assert len(names) == len({*names})
    assert not any(main for _name, main in compiled)
