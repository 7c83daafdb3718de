"""Extraction of the texts of files, for search, by a process of its own. Owns that process.

Nothing waits for it: messages are sent and found by their own text before. A file that the process
cannot read, or that takes too long, is not found by its text.
"""

import asyncio
import logging
from dataclasses import dataclass
from importlib.util import find_spec

import msgspec

from chatserver.errors import ChatServerError, NotFound
from chatserver.file_state import FileState
from chatserver.files.store import FileStore
from chatserver.files.texts.worker import PDF, PDF_BYTES, TEXT_BYTES, Job, Result
from chatserver.files.worker_process import FAILURES, WorkerProcess
from chatserver.storage.file_text_queue import FileTextQueue
from chatserver.storage.files import FileRegister
from chatserver.storage.throttling import throttled
from chatserver.text.file_texts import IndexedText

MODULE = "chatserver.files.texts"
TIMEOUT = 25.0  # seconds for one file; the processor time is limited by the process
POLL_INTERVAL = 1.0  # seconds between two queries of the queue
PDF_LIBRARY = "pypdf"

logger = logging.getLogger(__name__)


@dataclass(slots=True)
class Counts:
    """Counters since the start, for metrics."""

    found: int = 0
    empty: int = 0  # files without a text
    failed: int = 0  # the process ended, or did not answer in time


class TextExtraction:
    """Reads the files of the queue, one at a time."""

    def __init__(self, queue: FileTextQueue, register: FileRegister, store: FileStore) -> None:
        self._queue = queue
        self._register = register
        self._store = store
        self._worker = WorkerProcess(MODULE, timeout=TIMEOUT)
        self._reads_pdf = find_spec(PDF_LIBRARY) is not None
        self.counts = Counts()

    async def run(self) -> None:
        """Read files until cancelled, with a pause as long as each of them took."""
        try:
            await self._queue.resume()
        except ChatServerError as error:
            logger.warning("texts of files are not read: %s", error)
        while True:
            try:
                async with throttled():
                    worked = await self.work()
            except ChatServerError as error:
                logger.warning("the text of a file is read later: %s", error)
                worked = False
            if not worked:
                await asyncio.sleep(POLL_INTERVAL)

    async def work(self) -> bool:
        """Read one file; return False if there is none."""
        file_id = await self._queue.claim()
        if file_id is None:
            return False
        file = await self._register.find(file_id)
        if file is None or file.state is not FileState.BOUND:
            await self._queue.drop(file_id)
        elif file.type == PDF and not self._reads_pdf:
            await self._queue.postpone(file_id)
        else:
            await self._read(file_id, file.type)
        return True

    async def _read(self, file_id: str, kind: str) -> None:
        """Store the text of a file; if the process ends, it stays claimed and is read again."""
        try:
            limit = PDF_BYTES if kind == PDF else TEXT_BYTES
            async with self._store.local_path(file_id, limit) as path:
                result = await self._extract(Job(kind, str(path)))
        except NotFound:  # a restore without files, perhaps: the bytes may follow
            await self._queue.postpone(file_id)
            return
        if result is not None:
            await self._queue.store(file_id, IndexedText(result.text, result.tokens))
            self.counts.found += result.ok
            self.counts.empty += not result.ok

    async def _extract(self, job: Job) -> Result | None:
        try:
            answer = await self._worker.ask(msgspec.json.encode(job))
            return msgspec.json.decode(answer, type=Result)
        except FAILURES as error:
            logger.warning("the text of a file could not be read: %s", type(error).__name__)
            self.counts.failed += 1
            return Result(ok=False) if isinstance(error, TimeoutError) else None

    async def close(self) -> None:
        """End the process."""
        await self._worker.close()
