"""The process that cleans media: thumbnails, hostile pictures, failures."""

import asyncio
import io
import logging
import signal
import struct
import zlib
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from PIL import Image

from chatserver.errors import BadRequest, Unavailable
from chatserver.file_state import UNKNOWN_TYPE
from chatserver.files import media_processor as module
from chatserver.files import worker_process
from chatserver.files.folder_names import CLEAN_SUFFIX, PART_SUFFIX, SEALED_SUFFIX
from chatserver.files.folder_store import FolderStore
from chatserver.files.media.worker import Job, Result
from chatserver.files.media_processor import MediaInfo, MediaProcessor
from tests.files.media import test_heif, test_webm
from tests.files.media.test_metadata import FILM, PLACE, SECRET, box, exif, track

FILE = "A" * 22


class Bench:
    """A store and the client of the process."""

    def __init__(self, folder: Path) -> None:
        self.store = FolderStore(folder)
        self.media = MediaProcessor(self.store.uploads, pixels=1_000_000)

    async def process(self, content: bytes, file_id: str = FILE, *, user_id: int = 1) -> MediaInfo:
        await self.store.uploads.create(file_id)
        self.store.uploads.path(file_id, PART_SUFFIX).write_bytes(content)
        suffix = await self.store.uploads.seal(file_id, len(content))
        return await self.media.process(file_id, suffix, user_id=user_id)

    def cleaned(self) -> bytes:
        return self.store.uploads.path(FILE, SEALED_SUFFIX).read_bytes()

    def thumb(self, size: int) -> Image.Image:
        with Image.open(self.store.uploads.path(FILE, f".{size}")) as opened:
            opened.load()
            return opened


@pytest_asyncio.fixture
async def bench(tmp_path: Path) -> AsyncIterator[Bench]:
    bench = Bench(tmp_path / "files")
    yield bench
    await bench.media.close()


def picture(form: str, size: tuple[int, int] = (900, 600), **options: Any) -> bytes:
    buffer = io.BytesIO()
    Image.linear_gradient("L").resize(size).convert("RGB").save(buffer, form, **options)
    return buffer.getvalue()


async def test_a_photo_gets_thumbnails_and_loses_its_location(bench: Bench) -> None:
    found = await bench.process(picture("JPEG", exif=exif(orientation=6)))
    assert (found.type, found.width, found.height) == ("image/jpeg", 600, 900)
    assert found.blur
    assert SECRET not in bench.cleaned()
    assert [bench.thumb(size).size for size in (480, 1_600)] == [(320, 480), (600, 900)]
    assert {bench.thumb(size).format for size in (480, 1_600)} == {"WEBP"}
    modes = {
        path.stat().st_mode & 0o777 for path in bench.store.uploads.path(FILE).parent.iterdir()
    }
    assert modes == {0o600}


@pytest.mark.parametrize("size", [(60_000, 4), (4, 60_000)])
async def test_a_narrow_photo_gets_a_thumbnail(bench: Bench, size: tuple[int, int]) -> None:
    found = await bench.process(picture("JPEG", size, exif=exif(orientation=6)))
    assert (found.width, found.height) == (size[1], size[0])
    assert sorted(bench.thumb(480).size) == [1, 480]


@pytest.mark.parametrize("form", ["PNG", "GIF", "WEBP"])
async def test_other_formats_get_thumbnails_too(bench: Bench, form: str) -> None:
    found = await bench.process(picture(form))
    assert (found.type, found.width) == (f"image/{form.lower()}", 900)


async def test_transparency_is_kept(bench: Bench) -> None:
    buffer = io.BytesIO()
    Image.new("RGBA", (20, 10), (255, 0, 0, 0)).save(buffer, "PNG")
    await bench.process(buffer.getvalue())
    assert bench.thumb(480).convert("RGBA").getpixel((5, 5))[3] == 0  # type: ignore[index]


async def test_a_video_loses_its_location_and_has_no_thumbnail(bench: Bench) -> None:
    assert await bench.process(b"".join(FILM)) == MediaInfo("video/mp4")
    assert SECRET not in bench.cleaned()


@pytest.mark.parametrize(
    ("brand", "handlers", "kind"),
    [
        (b"isom", [b"soun"], "audio/mp4"),
        (b"mp42", [b"soun", b"vide"], "video/mp4"),
        (b"M4A ", [b"soun"], "audio/mp4"),
        (b"niko", [b"soun", b"vide"], "video/mp4"),
        (b"niko", [b"soun"], "audio/mp4"),
        (b"niko", [b"pict"], "application/mp4"),
        (b"qt  ", [b"soun"], "video/quicktime"),
    ],
)
async def test_a_recording_loses_its_location_and_is_sound_if_it_has_no_pictures(
    bench: Bench, brand: bytes, handlers: list[bytes], kind: str
) -> None:
    tracks = [track(handler, 0) for handler in handlers]
    content = box(b"ftyp", brand + bytes(4)) + box(b"moov", *tracks, PLACE)
    assert await bench.process(content) == MediaInfo(kind)
    assert SECRET not in bench.cleaned()


async def test_a_quicktime_film_without_brands_loses_its_place(bench: Bench) -> None:
    content = box(b"wide") + box(b"mdat", bytes(100)) + box(b"moov", track(b"vide", 16), PLACE)
    assert await bench.process(content) == MediaInfo("video/quicktime")
    assert SECRET not in bench.cleaned()


async def test_a_heic_photo_loses_its_place_and_is_an_attachment(bench: Bench) -> None:
    assert await bench.process(test_heif.photo()) == MediaInfo("image/heic")
    assert SECRET not in bench.cleaned()
    assert test_heif.PICTURE in bench.cleaned()


async def test_a_webm_recording_loses_its_place(bench: Bench) -> None:
    assert await bench.process(test_webm.WITH_METADATA) == MediaInfo("video/webm")
    assert SECRET not in bench.cleaned()
    assert await bench.process(test_webm.VOICE) == MediaInfo("audio/webm")
    assert bench.cleaned() == test_webm.VOICE


def bomb(width: int, height: int) -> bytes:
    """Return a PNG of that size in a few bytes."""

    def chunk(kind: bytes, body: bytes) -> bytes:
        return len(body).to_bytes(4) + kind + body + zlib.crc32(kind + body).to_bytes(4)

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", header)
        + chunk(b"IDAT", zlib.compress(bytes(100_000)))
        + chunk(b"IEND", b"")
    )


def many_scans() -> bytes:
    """Return a progressive JPEG that repeats its last scan, which costs as much as the picture."""
    content = picture("JPEG", progressive=True)
    last = content.rindex(b"\xff\xda")
    return content[:last] + content[last:-2] * 100 + b"\xff\xd9"


@pytest.mark.parametrize(
    "content",
    [
        bomb(50_000, 50_000),
        bomb(2_000, 1_000),
        picture("JPEG")[:-2_000],
    ],
)
async def test_what_cannot_be_decoded_becomes_an_attachment(bench: Bench, content: bytes) -> None:
    assert await bench.process(content) == MediaInfo(UNKNOWN_TYPE)
    assert (await bench.process(picture("PNG"), "B" * 22)).width == 900


@pytest.mark.parametrize(
    "content",
    [
        b"\x89PNG\r\n\x1a\n" + b"x" * 100,
        b"\xff\xd8\xff" + b"x" * 100,
        b"GIF89a/*" + b"x" * 100 + b"*/=alert(1)",
        b"RIFF\xff\xff\xff\xffWEBPVP8 \xff\xff\xff\xff",
        many_scans(),
        FILM[0] + FILM[1][:-5],
        test_heif.photo(method=2),
        test_webm.recording(test_webm.cluster(test_webm.block(1, SECRET))),
        b"\0\0\0\x18ftypabcd\0\0\0\0abcdefgh" + box(b"uuid", SECRET),
    ],
)
async def test_a_file_whose_metadata_cannot_be_removed_is_refused(
    bench: Bench, content: bytes
) -> None:
    with pytest.raises(BadRequest, match="cannot remove metadata"):
        await bench.process(content)
    assert (await bench.process(picture("PNG"), "B" * 22)).width == 900


async def test_metadata_is_removed_although_no_thumbnail_can_be_made(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    send = bench.media._send

    async def ending(job: Job) -> Result:
        if job.thumbs:
            raise TimeoutError
        return await send(job)

    monkeypatch.setattr(bench.media, "_send", ending)
    assert await bench.process(picture("JPEG", exif=exif())) == MediaInfo(UNKNOWN_TYPE)
    assert SECRET not in bench.cleaned()


async def test_a_text_starts_no_process(bench: Bench) -> None:
    assert await bench.process(b"text") == MediaInfo("text/plain", unchanged=True)
    assert bench.media._worker.process is None


async def test_a_picture_that_takes_too_long_ends_the_process(bench: Bench) -> None:
    await bench.process(picture("PNG"))
    process = bench.media._worker.process
    assert process is not None
    bench.media._worker._timeout = 0.0
    with pytest.raises(Unavailable):
        await bench.process(picture("PNG"), "B" * 22)
    assert process.returncode is not None


class Signals:
    """Starts processes and sends the first ones a signal each."""

    def __init__(self, bench: Bench, monkeypatch: pytest.MonkeyPatch, *numbers: int) -> None:
        self.started = 0
        self._numbers = numbers
        self._start = worker_process.start
        self._worker = bench.media._worker
        monkeypatch.setattr(worker_process, "start", self.start)

    async def start(self, name: str) -> Any:
        self._worker._timeout = 30.0  # of the next process
        process = await self._start(name)
        if self.started < len(self._numbers):
            process.send_signal(self._numbers[self.started])
        self.started += 1
        return process


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM, signal.SIGSTOP])
async def test_a_process_that_is_killed_or_frozen_once_costs_no_thumbnail(
    bench: Bench, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    bench.media._worker._timeout = 1.0
    signals = Signals(bench, monkeypatch, number)
    assert (await bench.process(picture("JPEG"))).width == 900
    assert signals.started == 2
    assert (bench.media.counts.handled, bench.media.counts.failed) == (1, 1)


async def test_a_picture_is_kept_if_the_process_is_always_killed(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    signals = Signals(bench, monkeypatch, *[signal.SIGKILL] * 3)
    with pytest.raises(Unavailable, match="process this file"):
        await bench.process(picture("JPEG"))
    assert signals.started == 3
    assert (await bench.media.process(FILE, SEALED_SUFFIX, user_id=1)).width == 900


@pytest.mark.parametrize("number", [signal.SIGXCPU, signal.SIGSEGV])
async def test_a_picture_that_ends_the_process_itself_is_not_decoded_again(
    bench: Bench, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    signals = Signals(bench, monkeypatch, number)
    assert await bench.process(picture("JPEG", exif=exif())) == MediaInfo(UNKNOWN_TYPE)
    assert signals.started == 2
    assert SECRET not in bench.cleaned()


@pytest.mark.parametrize("suffix", [CLEAN_SUFFIX, ".1600"])
async def test_a_picture_is_kept_while_the_disk_is_full(
    bench: Bench, suffix: str, caplog: pytest.LogCaptureFixture
) -> None:
    full = bench.store.uploads.path(FILE, suffix)
    full.parent.mkdir(parents=True)
    full.symlink_to("/dev/full")
    with pytest.raises(Unavailable, match="disk of the server is full"):
        await bench.process(picture("JPEG"))
    counts = bench.media.counts
    assert (counts.handled, counts.rejected, counts.failed) == (0, 0, 1)
    assert "No space left on device" in caplog.text
    full.unlink(missing_ok=True)
    assert (await bench.media.process(FILE, SEALED_SUFFIX, user_id=1)).width == 900


async def test_a_profile_picture_on_a_full_disk_is_unavailable(bench: Bench) -> None:
    await bench.store.uploads.create(FILE)
    bench.store.uploads.path(FILE, CLEAN_SUFFIX).symlink_to("/dev/full")
    bench.store.uploads.path(FILE, SEALED_SUFFIX).write_bytes(picture("PNG"))
    with pytest.raises(Unavailable, match="disk of the server is full"):
        await bench.media.crop(FILE, SEALED_SUFFIX, user_id=1)


async def test_a_file_that_cannot_be_written_is_kept(bench: Bench) -> None:
    bench.store.uploads.path(FILE, CLEAN_SUFFIX).mkdir(parents=True)
    with pytest.raises(Unavailable, match="cannot store files"):
        await bench.process(picture("JPEG"))


async def test_without_pillow_pictures_keep_their_types(
    bench: Bench,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
) -> None:
    (tmp_path / "PIL").mkdir()
    (tmp_path / "PIL" / "__init__.py").write_text("raise ImportError('no Pillow')")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    assert await bench.process(picture("JPEG", exif=exif())) == MediaInfo("image/jpeg")
    assert SECRET not in bench.cleaned()
    assert await bench.process(picture("PNG"), "B" * 22) == MediaInfo("image/png")
    with pytest.raises(Unavailable):
        await bench.media.crop("B" * 22, SEALED_SUFFIX, user_id=1)
    assert (bench.media.counts.rejected, bench.media.counts.failed) == (0, 3)
    warnings = [one.getMessage() for one in caplog.records if one.levelno >= logging.WARNING]
    assert warnings == ["new pictures have no preview, see doctor: no Pillow"]


async def test_the_reason_of_a_rejection_is_in_the_log_only(
    bench: Bench, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    with caplog.at_level(logging.INFO):
        await bench.process(picture("JPEG")[:-2_000])
    found = [
        (one.levelno, one.getMessage()) for one in caplog.records if one.name == module.__name__
    ]
    assert found == [(logging.INFO, "a picture could not be handled: image/jpeg: OSError")]
    await bench.media.close()
    assert capfd.readouterr().err == ""


async def test_the_process_has_limits_and_no_secrets(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CHATSERVER_DATABASE__URL", "mysql://chat:secret@127.0.0.1/chat")
    await bench.process(picture("PNG"))
    process = bench.media._worker.process
    assert process is not None
    folder = Path(f"/proc/{process.pid}")
    assert b"secret" not in (folder / "environ").read_bytes()
    limits = (folder / "limits").read_text()
    assert f"Max address space         {768 * 2**20}" in limits
    assert (folder / "stat").read_text().rpartition(")")[2].split()[16] in ("10", "19")  # nice


async def test_a_user_with_many_files_delays_others_by_one_file(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    order: list[str] = []
    send = bench.media._send

    async def noting(job: Job) -> Result:
        order.append(Path(job.path).name[0])
        return await send(job)

    monkeypatch.setattr(bench.media, "_send", noting)
    many = [bench.process(picture("PNG"), letter * 22) for letter in "ABCD"]
    await asyncio.gather(*many, bench.process(picture("PNG"), "Z" * 22, user_id=2))
    assert order.index("Z") <= 1


async def test_jobs_run_one_after_the_other(bench: Bench) -> None:
    names = [letter * 22 for letter in "BCDE"]
    found = await asyncio.gather(*[bench.process(picture("PNG"), name) for name in names])
    assert {one.width for one in found} == {900}
