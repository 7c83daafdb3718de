"""Templates are compiled before the first request needs them."""

from pathlib import Path
from typing import Any

import aiohttp_jinja2
import pytest

from chatserver.app import build
from chatserver.commands import serve
from chatserver.config import Settings


def test_no_template_is_compiled_after_the_warm_up(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    app = build(Settings(data=tmp_path), create_database=True)
    environment = aiohttp_jinja2.get_env(app)
    compiled: list[str] = []
    compile_template = environment.compile

    def count(source: Any, name: str, *more: Any, **options: Any) -> Any:
        compiled.append(name)
        return compile_template(source, name, *more, **options)

    monkeypatch.setattr(environment, "compile", count)
    serve._warm_up(app)
    assert sorted(compiled) == sorted(environment.list_templates())
    assert "chat/index.html" in compiled
    for name in environment.list_templates():
        environment.get_template(name)
    assert len(compiled) == len(set(compiled))
