"""Reading of the texts of files: in the background, once, and after a kill at every step."""

import msgspec
import pytest
import pytest_asyncio

from chatserver.errors import Unavailable
from chatserver.files import text_extraction
from chatserver.files.text_extraction import TextExtraction
from chatserver.files.texts.worker import Result
from chatserver.models import LOBBY, Delete, Post, User
from chatserver.storage.file_text_queue import CLAIM, FileTextQueue
from chatserver.storage.search import Search
from chatserver.text.search_query import parse
from tests.files.test_cleanup import Parts, parts
from tests.files.texts import pdf_file
from tests.storage.conftest import acted

__all__ = ["parts"]


class Reader:
    """A node that reads the texts of the files that ann sends."""

    def __init__(self, parts: Parts, ann: User) -> None:
        self.parts = parts
        self.ann = ann
        queue = FileTextQueue(parts.storage.database, clock=lambda: parts.storage.now)
        self.texts = TextExtraction(queue, parts.register, parts.store)

    async def send(self, content: bytes, name: str = "a.txt") -> str:
        async def pieces() -> object:
            yield content

        file = await self.parts.uploads.begin(self.ann, name, len(content))
        await self.parts.uploads.receive(file, 0, pieces())  # type: ignore[arg-type]
        await self.parts.uploads.complete(file)
        await acted(self.parts.storage, self.ann, Post("", files=(file.id,)), room=LOBBY)
        return file.id

    async def read_all(self) -> None:
        while await self.texts.work():
            pass

    async def found(self, query: str) -> list[int]:
        page = await Search(self.parts.storage.database).find(self.ann.id, parse(query))
        return [hit.seq for hit in page.hits]


@pytest_asyncio.fixture
async def reader(parts: Parts):  # type: ignore[no-untyped-def]
    reader = Reader(parts, await parts.storage.user("ann"))
    yield reader
    await reader.texts.close()


async def test_files_are_found_by_their_texts_after_they_were_read(reader: Reader) -> None:
    pytest.importorskip("pypdf")
    await reader.send("第三块硬盘又报错了".encode("gb18030"), "notes.txt")
    await reader.send(pdf_file.pdf(["The annual budget"]), "report.pdf")
    await reader.send(b"MZ\x90\x00\x00", "program.exe")
    assert await reader.found("硬盘") == []
    await reader.read_all()
    assert await reader.found("硬盘") == [1]
    assert await reader.found("budget") == [2]
    counts = reader.texts.counts
    assert (counts.found, counts.empty, counts.failed) == (2, 1, 0)
    assert not await reader.texts.work()


async def test_a_pdf_waits_where_the_library_is_missing(
    reader: Reader, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(text_extraction, "PDF_LIBRARY", "no_such_library")
    without = Reader(reader.parts, reader.ann)
    await reader.send(pdf_file.pdf(["The annual budget"]), "report.pdf")
    await without.read_all()
    assert without.texts.counts.empty == 0
    await reader.read_all()
    assert await reader.found("budget") == []
    pytest.importorskip("pypdf")
    await reader.texts._queue.resume()
    await reader.read_all()
    assert await reader.found("budget") == [1]


async def test_a_file_that_takes_too_long_has_no_text(
    reader: Reader, monkeypatch: pytest.MonkeyPatch
) -> None:
    await reader.send(b"needle")
    monkeypatch.setattr(reader.texts._worker, "_timeout", 0.0)
    await reader.read_all()
    assert reader.texts.counts.failed == 1
    reader.parts.storage.now += 10 * CLAIM
    assert not await reader.texts.work()


async def test_a_file_is_read_again_if_the_process_was_killed(
    reader: Reader, monkeypatch: pytest.MonkeyPatch
) -> None:
    await reader.send(b"needle")
    with monkeypatch.context() as patched:

        async def ending(_job: bytes) -> bytes:
            raise ValueError("the process has ended")

        patched.setattr(reader.texts._worker, "ask", ending)
        await reader.read_all()
    assert not await reader.texts.work()
    reader.parts.storage.now += CLAIM
    await reader.read_all()
    assert await reader.found("needle") == [1]


async def test_a_file_whose_bytes_are_missing_is_read_after_the_next_start(
    reader: Reader,
) -> None:
    place, file_id = reader.parts.place, await reader.send(b"needle")
    content = place.read(file_id)
    place.remove(file_id)
    await reader.read_all()
    place.write(file_id, content)
    reader.parts.storage.now += 10 * CLAIM
    assert not await reader.texts.work()
    await reader.texts._queue.resume()
    await reader.read_all()
    assert await reader.found("needle") == [1]


async def test_a_file_is_read_again_after_the_disk_did_not_respond(
    reader: Reader, monkeypatch: pytest.MonkeyPatch
) -> None:
    await reader.send(b"needle")
    with monkeypatch.context() as patched:

        async def hanging(*_arguments: object) -> None:
            raise Unavailable

        patched.setattr(reader.parts.store, "require", hanging)
        with pytest.raises(Unavailable):
            await reader.texts.work()
    reader.parts.storage.now += CLAIM
    await reader.read_all()
    assert await reader.found("needle") == [1]


async def test_a_deleted_file_is_not_read(reader: Reader) -> None:
    await reader.send(b"needle")
    await acted(reader.parts.storage, reader.ann, Delete(1), room=LOBBY)
    await reader.read_all()
    assert (reader.texts.counts.found, reader.texts.counts.empty) == (0, 0)


@pytest.mark.parametrize("step", ["claim", "ask", "store"])
async def test_a_kill_at_any_step_loses_nothing_and_does_nothing_twice(
    reader: Reader, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    class Killed(BaseException):
        """The server ends after this step."""

    await reader.send(b"needle")
    owner = reader.texts._worker if step == "ask" else reader.texts._queue
    method = getattr(owner, step)

    async def killed(*arguments: object) -> None:
        await method(*arguments)
        raise Killed

    with monkeypatch.context() as patched:
        patched.setattr(owner, step, killed)
        with pytest.raises(Killed):
            await reader.texts.work()
    restarted = Reader(reader.parts, reader.ann)
    reader.parts.storage.now += CLAIM
    await restarted.read_all()
    assert await restarted.found("needle") == [1]
    assert restarted.texts.counts.found == (step != "store")
    await restarted.texts.close()


def test_the_answer_of_the_process_fits_into_a_line() -> None:
    longest = Result(ok=True, text="\U0001f600" * 200_000, tokens="x" * 262_144)
    assert len(msgspec.json.encode(longest)) < 8 * 2**20
