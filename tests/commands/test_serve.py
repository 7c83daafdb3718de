"""Settings of a process that serves."""

from pathlib import Path

import pytest

from chatserver import sign_up
from chatserver.commands.serve import GC_THRESHOLDS, running
from chatserver.config import Settings


def test_a_frequent_garbage_collection_has_few_objects_and_a_full_one_is_rare() -> None:
    young, middle, old = GC_THRESHOLDS
    assert young * (middle + 2) <= 20_000  # a collection of both young generations
    assert young * (middle + 1) * (old + 1) >= 5_000_000


async def test_a_start_without_the_key_file_of_a_chat_is_logged(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    settings = Settings(data=tmp_path / "data")
    for _ in range(2):
        async with running(settings) as (runner, server):
            if not await server.accounts.is_set_up():
                await sign_up(runner.app, "ann", admin=True)
    assert "keys.json was missing" not in caplog.text
    server.folder.keys.unlink()
    async with running(settings):
        assert caplog.text.count("keys.json was missing") == 1
