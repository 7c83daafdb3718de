"""The process that reads texts: encodings, PDF, and files that are hostile."""

import time
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import msgspec
import pytest
import pytest_asyncio

from chatserver.files.texts import pdf as reader
from chatserver.files.texts.worker import MEMORY, PDF, SECONDS, Job, Result, perform
from chatserver.files.types import media_type
from chatserver.files.worker_process import WorkerProcess
from chatserver.text.file_texts import CHARACTERS
from tests.files.texts import pdf_file

CHINESE = "第三块硬盘又报错了，先备份。"


def read(folder: Path, content: bytes) -> Result:
    """Read a file in this process."""
    path = folder / "file"
    path.write_bytes(content)
    return perform(Job(media_type(content), str(path)))


@pytest.fixture(autouse=True)
def no_limits(monkeypatch: pytest.MonkeyPatch) -> None:
    """Set no limit for the process of the tests."""
    monkeypatch.setattr("chatserver.files.texts.worker.limit_processor", lambda _seconds: None)


@pytest.mark.parametrize(
    "content",
    [
        CHINESE.encode(),
        CHINESE.encode("utf-8-sig"),
        b"\xff\xfe" + CHINESE.encode("utf-16-le"),
        b"\xfe\xff" + CHINESE.encode("utf-16-be"),
        CHINESE.encode("gb18030"),
    ],
)
def test_a_text_is_read_in_its_encoding(tmp_path: Path, content: bytes) -> None:
    found = read(tmp_path, content)
    assert (found.ok, found.text) == (True, CHINESE)


@pytest.mark.parametrize(
    "content",
    [
        b"MZ\x90\x00\x03\x00\x00\x00",
        b"\x00\x01binary",
        "Ünlü".encode("latin-1") + b" \xff",
        b"\xff\xfe\x00\x00a\x00\x00\x00",
        b"\xff\xfe\x00\xdca\x00",
        b"",
        b" \n\t",
    ],
)
def test_what_is_no_text_has_none(tmp_path: Path, content: bytes) -> None:
    assert read(tmp_path, content) == Result(ok=False)


def test_only_the_beginning_of_a_long_text_is_read(tmp_path: Path) -> None:
    found = read(tmp_path, b"word " * CHARACTERS)
    assert 0.9 * CHARACTERS < len(found.text) <= CHARACTERS
    assert found.tokens == "xwword"


@pytest.fixture
def _pypdf() -> None:
    pytest.importorskip("pypdf")


@pytest.mark.usefixtures("_pypdf")
def test_the_text_of_all_pages_of_a_pdf_is_read(tmp_path: Path) -> None:
    content = pdf_file.pdf(["The well-known harbour,", "an exam-", "ple of it."], ["Page two"])
    found = read(tmp_path, content)
    assert found.text == "The well-known harbour, an exam\u00adple of it. Page two"
    assert {"xwwell", "xwknown", "xwexample", "xwtwo"} <= {*found.tokens.split()}


@pytest.mark.usefixtures("_pypdf")
def test_lines_of_a_chinese_pdf_are_joined(tmp_path: Path) -> None:
    content = pdf_file.pdf(["第三块硬", "盘又报错了"], wide=True)
    assert read(tmp_path, content).text == "第三块硬盘又报错了"


@pytest.mark.parametrize(
    ("lines", "joined"),
    [
        ("exam-\nple", "exam\u00adple"),
        ("exam\u00ad\nple", "exam\u00adple"),
        ("Jean-\nPaul", "Jean-Paul"),
        ("2026-\n11", "2026-\n11"),
        ("中\n文", "中文"),
        ("한국\n사람", "한국\n사람"),
        ("中文 \n English", "中文 \n English"),
    ],
)
def test_words_are_not_cut_by_the_end_of_a_line(lines: str, joined: str) -> None:
    assert reader.joined_lines(lines) == joined


def test_a_pdf_has_no_text_without_the_library(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(__import__("sys").modules, "pypdf", None)
    assert read(tmp_path, pdf_file.pdf(["one"])) == Result(ok=False)


# The process -------------------------------------------------------------------------------------


@pytest_asyncio.fixture
async def process() -> AsyncIterator[WorkerProcess]:
    process = WorkerProcess("chatserver.files.texts", timeout=30.0)
    yield process
    await process.close()


@pytest.mark.usefixtures("_pypdf")
@pytest.mark.parametrize(
    "make",
    [
        pdf_file.encrypted,
        pdf_file.cyclic,
        pdf_file.bomb,
        pdf_file.nested,
        lambda: pdf_file.pdf(["x"])[:-200],
        lambda: b"%PDF-1.7\n" + b"1 0 obj\n" * 100_000,
    ],
    ids=["encrypted", "cyclic", "bomb", "nested", "cut", "objects"],
)
async def test_a_hostile_pdf_costs_little_and_ends_nothing(
    tmp_path: Path, process: WorkerProcess, make: Callable[[], bytes]
) -> None:
    path = tmp_path / "hostile.pdf"
    path.write_bytes(make())
    start = time.monotonic()
    answer = await process.ask(msgspec.json.encode(Job(PDF, str(path))))
    assert time.monotonic() - start < 2 * SECONDS
    assert msgspec.json.decode(answer, type=Result).tokens in ("", "xwx")
    path.write_bytes(pdf_file.pdf(["still there"]))
    answer = await process.ask(msgspec.json.encode(Job(PDF, str(path))))
    assert msgspec.json.decode(answer, type=Result).text == "still there"


async def test_the_process_has_limits_and_no_secrets(
    process: WorkerProcess, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CHATSERVER_DATABASE__URL", "mysql://chat:secret@127.0.0.1/chat")
    await process.ask(msgspec.json.encode(Job("text/plain", "/nowhere")))
    assert process.process is not None
    folder = Path(f"/proc/{process.process.pid}")
    assert b"secret" not in (folder / "environ").read_bytes()
    assert f"Max address space         {MEMORY}" in (folder / "limits").read_text()
    assert (folder / "stat").read_text().rpartition(")")[2].split()[16] in ("10", "19")  # nice
