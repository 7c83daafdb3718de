"""Profile pictures: what the process makes of uploads, and what is left after a kill."""

import io
from collections.abc import AsyncIterator
from pathlib import Path
from unittest.mock import AsyncMock

import pytest
from PIL import Image

from chatserver.files.media_processor import SQUARE_SIDE, MediaProcessor
from chatserver.files.square_pictures import SquarePictures
from chatserver.models import User
from chatserver.storage.archive_writer import PackedWriter
from chatserver.storage.profile_pictures import ProfilePictures
from tests.files.media.test_metadata import SECRET, exif
from tests.files.test_archived_files import findings_of, load, save
from tests.files.test_cleanup import HOUR, Killed, Parts, parts
from tests.files.test_media_processor import Bench, bench, picture

__all__ = ["bench", "parts"]

HALVES = Image.new("RGB", (400, 200), "red")
HALVES.paste("blue", (200, 0, 400, 200))
PICTURE = picture("PNG")


def encoded(image: Image.Image, form: str = "PNG", **options: object) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, form, **options)
    return buffer.getvalue()


def shown(content: bytes) -> Image.Image:
    with Image.open(io.BytesIO(content)) as opened:
        opened.load()
        return opened


def pixel(image: Image.Image, x: int, y: int) -> tuple[int, ...]:
    found = image.getpixel((x, y))
    assert isinstance(found, tuple)
    return found


async def cropped(bench: Bench, content: bytes) -> bytes:
    await bench.store.uploads.create("A" * 22)
    bench.store.uploads.path("A" * 22, ".part").write_bytes(content)
    suffix = await bench.store.uploads.seal("A" * 22, len(content))
    assert await bench.media.crop("A" * 22, suffix, user_id=1)
    return bench.cleaned()


async def test_a_photo_becomes_a_small_upright_square_without_metadata(bench: Bench) -> None:
    content = await cropped(bench, encoded(HALVES, "JPEG", exif=exif(orientation=6), quality=95))
    square = shown(content)
    assert (square.format, square.size, square.mode) == ("WEBP", (SQUARE_SIDE, SQUARE_SIDE), "RGB")
    assert not any(secret in content for secret in (SECRET, b"EXIF", b"XMP "))
    top, bottom = pixel(square, 128, 20), pixel(square, 128, 236)
    assert top[0] > 200 > 60 > top[2]  # red: the left half, turned by 90°
    assert bottom[2] > 200 > 60 > bottom[0]


@pytest.mark.parametrize("size", [(2_000, 10), (1, 1), (256, 256), (700, 900)])
async def test_pictures_of_all_shapes_become_squares(bench: Bench, size: tuple[int, int]) -> None:
    assert shown(await cropped(bench, picture("PNG", size))).size == (SQUARE_SIDE, SQUARE_SIDE)


async def test_transparency_is_kept_and_of_a_moving_picture_the_first_frame(bench: Bench) -> None:
    clear = Image.new("RGBA", (300, 300), (0, 255, 0, 0))
    square = shown(await cropped(bench, encoded(clear)))
    assert pixel(square, 9, 9)[3] == 0
    await bench.store.delete("A" * 22)
    frames = [Image.new("RGB", (64, 64), colour) for colour in ("red", "blue")]
    moving = encoded(frames[0], "GIF", save_all=True, append_images=frames[1:])
    square = shown(await cropped(bench, moving))
    assert not getattr(square, "is_animated", False)
    assert pixel(square.convert("RGB"), 9, 9)[0] > 200


@pytest.mark.parametrize(
    "content",
    [
        b"text",
        b"GIF89a",
        encoded(HALVES)[:300],
        encoded(Image.new("1", (1_001, 1_000))),  # more pixels than the limit of the bench
    ],
)
async def test_other_files_and_huge_pictures_are_refused(bench: Bench, content: bytes) -> None:
    await bench.store.uploads.create("A" * 22)
    bench.store.uploads.path("A" * 22, ".part").write_bytes(content)
    assert not await bench.media.crop("A" * 22, ".part", user_id=1)


async def hang(parts: Parts, user: User) -> str:
    """Give a user a picture; return its id."""
    worker = MediaProcessor(parts.store.uploads, pixels=1_000_000)

    async def pieces() -> AsyncIterator[bytes]:
        yield PICTURE

    squares = SquarePictures(parts.uploads, parts.store.uploads, worker)
    try:
        async with squares.receiving(user, len(PICTURE), pieces()) as new:
            await accounts(parts).replace(user.id, new)
    finally:
        await worker.close()
    return new.id


def accounts(parts: Parts) -> ProfilePictures:
    return ProfilePictures(parts.storage.database)


async def test_a_picture_that_is_killed_at_any_step_leaves_the_old_or_the_new_one(
    parts: Parts, monkeypatch: pytest.MonkeyPatch
) -> None:
    ann = await parts.storage.user("ann")
    shown = await hang(parts, ann)
    names = ["create", "append", "seal", "digest", "commit"]
    steps = [(parts.store.uploads, name) for name in names] + [(parts.register, "begin")]
    monkeypatch.setattr(MediaProcessor, "crop", AsyncMock(return_value=True))
    for kill in range(2 * len(steps)):
        parts.left = kill
        with monkeypatch.context() as patched:
            patched.setattr(parts.register, "discard", AsyncMock())  # a killed process does nothing
            parts.interrupt(patched, *steps)
            with pytest.raises(Killed):
                await hang(parts, ann)
        assert (await parts.storage.users.all())[0].picture == shown
        parts.storage.now += 25 * HOUR
        await parts.cleanup.sweep()
        assert parts.on_disk() == [shown]


async def test_pictures_are_in_archives_and_a_missing_one_is_reported(
    parts: Parts, tmp_path: Path
) -> None:
    ann = await parts.storage.user("ann")
    shown = await hang(parts, ann)
    archive = await save(parts, tmp_path / "archive", PackedWriter)
    there = await load(parts.place, archive, tmp_path / "there")
    await there.cleanup.sweep()
    assert there.on_disk() == [shown]
    assert (await there.storage.users.all())[0].picture == shown
    assert await findings_of(there) == []
    there.place.remove(shown)
    (finding,) = await findings_of(there)
    assert finding.startswith(f'File {shown} ("picture.webp", of ann, ')
    assert finding.endswith("): its bytes are missing.")
    await there.close()


async def test_a_deleted_account_leaves_no_picture(parts: Parts) -> None:
    ann = await parts.storage.user("ann")
    await hang(parts, ann)
    await parts.storage.delete(ann)
    await parts.cleanup.delete_due()
    assert parts.on_disk() == []
