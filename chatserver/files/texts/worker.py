"""Process that extracts texts, with limits, so that a hostile file harms nothing else."""

import logging
import signal
from collections.abc import Iterable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import NoReturn

from msgspec import Struct

from chatserver.files.texts import OutOfTime, pdf, plain
from chatserver.files.worker_loop import limit_processor, serve
from chatserver.text.file_texts import CHARACTERS, indexed, on_one_line

MEMORY = 512 * 2**20  # bytes of address space
SECONDS = 8  # of the processor for one file; what was read by then is kept
PDF = "application/pdf"
TEXT_BYTES = CHARACTERS * plain.BYTES_PER_CHARACTER  # of a text file that are read
PDF_BYTES = 100 * 2**20  # of a PDF, which pypdf reads into memory


class Job(Struct):
    """A file, and the media type that was found from its first bytes."""

    type: str
    path: str


class Result(Struct, omit_defaults=True):
    """Not `ok`: the file has no text. `text` is on one line; `tokens` are those of the index."""

    ok: bool
    text: str = ""
    tokens: str = ""


def main() -> None:
    """Work until the input ends."""
    signal.signal(signal.SIGXCPU, _out_of_time)
    logging.disable()  # pypdf reports each defect of a file
    serve(perform, Job, memory=MEMORY, seconds=SECONDS)


def _out_of_time(*_signal: object) -> NoReturn:
    raise OutOfTime


def perform(job: Job) -> Result:
    """Return the text of a file, as much as the limits allow."""
    try:
        text = _kept(_pieces(job))
    except OutOfTime:
        text = ""
    limit_processor(None)  # the rest depends on CHARACTERS only
    found = indexed(on_one_line(text))
    return Result(ok=bool(found.text), text=found.text, tokens=found.tokens)


def _pieces(job: Job) -> Iterator[str]:
    if job.type == PDF:
        yield from pdf.pages(Path(job.path))
    elif (text := plain.read(Path(job.path), CHARACTERS)) is not None:
        yield text


def _kept(pieces: Iterable[str]) -> str:
    """Return the first characters; those before a failure, if one occurs."""
    kept: list[str] = []
    missing = CHARACTERS
    with suppress(Exception, OutOfTime):  # also MemoryError; pypdf raises all kinds
        for piece in pieces:
            kept.append(piece[:missing])
            missing -= len(piece)
            if missing <= 0:
                break
    return "\n".join(kept)
