"""Check of the files of messages by the doctor."""

from pathlib import Path

import pytest

from chatserver.commands import files_check
from chatserver.commands.files_check import file_findings
from chatserver.config import FileSettings, Settings
from chatserver.files.folder_store import FolderStore
from chatserver.models import Post
from chatserver.storage.migrate import migrate
from tests.storage.conftest import Storage, acting
from tests.storage.test_apply_files import uploaded


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(data=tmp_path)


async def make(settings: Settings, *, stored: int, lost: int = 0, unknown: int = 0) -> FolderStore:
    """Create a chat with files in a message, some of them lost, and others without a row."""
    storage, store = Storage(settings.database_url), FolderStore(settings.data / "files")
    await migrate(storage.database, backups=settings.data / "backups")
    ann = await storage.user("ann")
    ids = [await uploaded(storage, ann) for _ in range(stored + lost)]
    if ids:
        await storage.log.store([acting(ann, Post("x", files=tuple(ids)))])
    others = [f"{number:022}" for number in range(unknown)]
    for file_id in [*ids[:stored], *others]:
        await store.uploads.create(file_id)
        await store.uploads.seal(file_id, 0)
        await store.uploads.commit(file_id)
    await storage.database.close()
    return store


@pytest.mark.parametrize(
    ("stored", "lost", "unknown", "expected"),
    [
        (0, 0, 0, [(True, "files: 0, 0 MB")]),
        (2, 0, 0, [(True, "files: 2, 0 MB")]),
        (1, 2, 0, [(False, "2 of 3 are missing in")]),
        (1, 0, 3, [(None, "3 in"), (True, "files: 1, 0 MB")]),
        (0, 1, 0, [(False, "which does not exist")]),
    ],
)
async def test_missing_and_unknown_files_are_counted(
    settings: Settings,
    stored: int,
    lost: int,
    unknown: int,
    expected: list[tuple[bool | None, str]],
) -> None:
    await make(settings, stored=stored, lost=lost, unknown=unknown)
    found = await file_findings(settings)
    assert [well for well, _sentence in found] == [well for well, _part in expected]
    for (_found, sentence), (_well, part) in zip(found, expected, strict=True):
        assert part in sentence


async def test_a_file_in_the_place_of_the_folder_is_reported(settings: Settings) -> None:
    await make(settings, stored=0)
    (settings.data / "files").write_text("")
    ((well, sentence),) = await file_findings(settings)
    assert (well, "is not a folder" in sentence) == (False, True)


async def test_a_missing_library_is_reported_if_files_are_switched_on(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    await make(settings, stored=0)
    monkeypatch.setattr(files_check, "PILLOW", ("PIL._imaging", "PIL.nothing", "nothing.at_all"))
    (well, sentence), (content, _) = await file_findings(settings)
    assert (well, content, "downloads without a preview" in sentence) == (None, True, True)
    off = Settings(data=settings.data, files=FileSettings(per_message=0))
    assert [well for well, _sentence in await file_findings(off)] == [True]
