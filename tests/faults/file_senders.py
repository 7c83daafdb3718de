"""Users who upload, send and delete files during a fault, and what became of the files.

async with FileTalk(server, users) as talk:
    await talk.rounds(10)
    server.kill()
    ...
assert talk.verdict.sound
"""

import asyncio
import hashlib
import os
import random
import sqlite3
import uuid
from contextlib import closing, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import aiohttp

from tests.faults.conversation import OBSERVER, Users
from tests.process import ServerProcess

TIMEOUT = 60.0  # seconds until everything that was begun must have been answered
CLEANUP_TIMEOUT = 30.0  # seconds until deleted files must be off the disk
RETRY_DELAY = 0.05  # seconds
SIZES = (1, 900_000)  # bytes of a file
TEXT_WORDS = 2_000  # of a text: as many as are not removed from the index at once
PART = 300_000  # bytes in one request: a body that is received past aiohttp's parser
TUS = {"Tus-Resumable": "1.0.0"}
UPLOADING = TUS | {"Content-Type": "application/offset+octet-stream"}
ROOM = "/api/rooms/1/messages"


@dataclass
class Sent:
    """A file in a message that the server has confirmed. `deleted`: its deletion is confirmed."""

    file_id: str
    seq: int
    sha256: str
    word: str = ""  # of its text, if it is a text
    deleted: bool = False


@dataclass(frozen=True)
class FileVerdict:
    """Ids of files with each kind of fault."""

    lost: list[str]  # confirmed, and not readable or not the same bytes
    orphaned: list[str]  # on disk, and of no message
    leaked: list[str]  # read after the deletion of the message was confirmed, or without access;
    # or its text is found or stored then

    @property
    def sound(self) -> bool:
        return not (self.lost or self.orphaned or self.leaked)


class FileSender:
    """One user, who sends one file after another and deletes every third message."""

    def __init__(self, http: aiohttp.ClientSession, server: ServerProcess, token: str) -> None:
        self.sent: list[Sent] = []
        self.begun: set[str] = set()  # ids
        self.resumed = 0  # requests that followed a failed one
        self._http = http
        self._server = server
        self._headers = {"Authorization": f"Bearer {token}"}

    async def run(self, stop: asyncio.Event, chance: random.Random) -> None:
        while not stop.is_set():
            if chance.random() < 0.5:
                await self.send_text()
            else:
                content = chance.randbytes(chance.randint(*SIZES))
                await self._send(await self._upload(content), content)
            if len(self.sent) % 3 == 0:
                await self.delete(chance.choice(self.sent))

    async def send_text(self) -> Sent:
        """Send a text file that has a word of its own, among many others."""
        word = f"w{uuid.uuid4().hex}"
        filler = " ".join(f"filler{number}" for number in range(TEXT_WORDS))
        content = f"{word} {filler}".encode()
        await self._send(await self._upload(content), content, word)
        return self.sent[-1]

    async def _upload(self, content: bytes) -> str:
        """Return the id. An upload whose completion was interrupted may have to begin again."""
        while True:
            begin = TUS | {"Upload-Length": str(len(content))}
            path = str((await self._ask("POST", "/api/uploads", headers=begin)).headers["Location"])
            file_id = path.rpartition("/")[2]
            self.begun.add(file_id)
            if await self._continue(path, content):
                return file_id

    async def _continue(self, path: str, content: bytes) -> bool:
        """Upload in parts, each from the offset that the server has; False if it has none."""
        while True:
            known = await self._ask("HEAD", path, headers=TUS, accepted=(200, 404))
            if known.status == 404:
                return False
            offset = int(known.headers["Upload-Offset"])
            if offset == len(content):
                return True
            await self._ask(
                "PATCH",
                path,
                headers=UPLOADING | {"Upload-Offset": str(offset)},
                data=content[offset : offset + PART],
                accepted=(204, 404, 409, 423),
            )

    async def _send(self, file_id: str, content: bytes, word: str = "") -> None:
        body = {"data": "", "files": [file_id], "id": uuid.uuid4().hex}
        answer = await self._ask("POST", ROOM, json=body)
        seq = (await answer.json())["seq"]
        self.sent.append(Sent(file_id, seq, hashlib.sha256(content).hexdigest(), word))

    async def finds(self, sent: Sent) -> bool:
        """Whether search finds the text of a file."""
        answer = await self._ask("GET", f"/api/search?q={sent.word}")
        return bool((await answer.json())["hits"])

    async def delete(self, sent: Sent) -> None:
        await self._ask("DELETE", f"{ROOM}/{sent.seq}", accepted=(200, 204, 404))
        sent.deleted = True

    async def _ask(
        self, method: str, path: str, *, accepted: tuple[int, ...] = (200, 201, 204), **rest: Any
    ) -> aiohttp.ClientResponse:
        """Send a request until it has one of the accepted answers."""
        headers = self._headers | rest.pop("headers", {})
        url = f"{self._server.url}{path}"
        async with asyncio.timeout(TIMEOUT):
            while True:
                try:
                    async with self._http.request(method, url, headers=headers, **rest) as response:
                        await response.read()
                        if response.status in accepted:
                            return response
                        assert response.status in (429, 502, 503), await response.text()
                except (aiohttp.ClientError, OSError):
                    self.resumed += 1
                await asyncio.sleep(RETRY_DELAY)


class FileTalk:
    """Users send files during the context; `verdict` is set at its end."""

    verdict: FileVerdict

    def __init__(self, server: ServerProcess, users: Users, *, count: int = 3) -> None:
        self._server = server
        self._observer = users.tokens[OBSERVER]
        self._tokens = [token for name, token in users.tokens.items() if name != OBSERVER][:count]
        self._files = users.folder / "files"

    async def __aenter__(self) -> Self:
        self.http = aiohttp.ClientSession()
        self._stop = asyncio.Event()
        self.senders = [FileSender(self.http, self._server, token) for token in self._tokens]
        self._running = [
            asyncio.create_task(sender.run(self._stop, random.Random(number)))
            for number, sender in enumerate(self.senders)
        ]
        return self

    async def __aexit__(self, kind: type[BaseException] | None, *_: object) -> None:
        try:
            if kind is None:
                self._stop.set()
                await asyncio.gather(*self._running)
                self.verdict = await self._check()
        finally:
            for task in self._running:
                task.cancel()
            await asyncio.gather(*self._running, return_exceptions=True)
            await self.http.close()

    @property
    def sent(self) -> list[Sent]:
        """Return all files that were sent."""
        return [sent for sender in self.senders for sent in sender.sent]

    @property
    def resumed(self) -> int:
        """Return the number of requests that had to be repeated."""
        return sum(sender.resumed for sender in self.senders)

    async def rounds(self, number: int) -> None:
        """Wait until so many more files were sent."""
        goal = len(self.sent) + number
        async with asyncio.timeout(TIMEOUT):
            while len(self.sent) < goal:
                for task in self._running:
                    if task.done():
                        task.result()
                await asyncio.sleep(RETRY_DELAY)

    async def _check(self) -> FileVerdict:
        kept = [sent for sent in self.sent if not sent.deleted]
        gone = [sent for sent in self.sent if sent.deleted]
        lost = [s.file_id for s in kept if await self._read(s, self._observer) != s.sha256]
        leaked = [s.file_id for s in gone if await self._read(s, self._observer) is not None]
        leaked += [s.file_id for s in self.sent if await self._read(s, "") is not None]
        gone.append(await self._delete_found_text())
        leaked += await self._texts_left(gone, "SELECT file_id FROM search_texts WHERE text <> ''")
        leaked += [s.file_id for s in gone if s.word and await self.senders[0].finds(s)]
        orphans = await self._orphans({sent.file_id for sent in kept})
        leaked += await self._texts_left(gone, "SELECT file_id FROM search_texts")
        leaked += [s.file_id for s in gone if s.word and await self._is_indexed(s)]
        return FileVerdict(lost, orphans, leaked)

    async def _delete_found_text(self) -> Sent:
        """Send a text, wait until search finds it, and delete its message."""
        sender = self.senders[0]
        sent = await sender.send_text()
        async with asyncio.timeout(TIMEOUT):
            while not await sender.finds(sent):
                await asyncio.sleep(RETRY_DELAY)
        await sender.delete(sent)
        return sent

    async def _texts_left(self, gone: list[Sent], query: str) -> list[str]:
        """Return the deleted files that a query of the database still has."""
        left = await asyncio.to_thread(self._query, query)
        return sorted({sent.file_id for sent in gone} & {row[0] for row in left})

    async def _is_indexed(self, sent: Sent) -> bool:
        """Whether the index has the word of a text."""
        query = f"SELECT rowid FROM search_text_words WHERE search_text_words MATCH 'xw{sent.word}'"
        return bool(await asyncio.to_thread(self._query, query))

    def _query(self, query: str) -> list[Any]:
        with closing(sqlite3.connect(self._files.parent / "chat.db")) as connection:
            return connection.execute(query).fetchall()

    async def _read(self, sent: Sent, token: str) -> str | None:
        """Return the digest of the file as a user receives it, or None if it is refused."""
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        url = f"{self._server.url}/files/{sent.file_id}/x"
        async with self.http.get(url, headers=headers) as response:
            content = await response.read()
            return hashlib.sha256(content).hexdigest() if response.status == 200 else None

    async def _orphans(self, kept: set[str]) -> list[str]:
        """Return what is on disk for no reason, when the cleanup had time to remove it.

        Uploads that are in no message may be continued, and stay for a day.
        """
        unsent = set().union(*(s.begun for s in self.senders)) - {s.file_id for s in self.sent}
        end = asyncio.get_running_loop().time() + CLEANUP_TIMEOUT
        while orphans := sorted(self._on_disk() - kept - unsent):
            if asyncio.get_running_loop().time() > end:
                break
            await asyncio.sleep(RETRY_DELAY)
        return orphans

    def _on_disk(self) -> set[str]:
        """Return the names of all files with bytes.

        The id of an empty part may not have arrived, and the hourly sweep removes unused locks.
        """
        found = set()
        for folder, _folders, names in os.walk(self._files):
            for name in names:
                with suppress(FileNotFoundError):  # it is being deleted
                    if (Path(folder) / name).stat().st_size:
                        found.add(name)
        return found
