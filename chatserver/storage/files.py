"""The register of files: uploads and deletion. Their bytes are in `files/store.py`.

A file is described twice: here, and in `events.files` as members receive it. Messages bind files
in the transaction that stores them (`apply_files.py`).
"""

import secrets
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass, fields, replace
from typing import Any

import msgspec
import sqlalchemy as sa
from sqlalchemy.engine import Connection

from chatserver.errors import NotFound, TooLarge, _
from chatserver.file_state import COMPLETE_STATES, UNKNOWN_TYPE, FileState
from chatserver.storage.alt_texts import alt_key
from chatserver.storage.bulk import KeyLookup
from chatserver.storage.departed_view import is_changed_after
from chatserver.storage.engine import Database
from chatserver.storage.members import is_member
from chatserver.storage.readers import Share
from chatserver.storage.tables import MARKED_FOR_DELETION, files
from chatserver.text.search_terms import fold

TOO_MANY_UNSENT = _("You have too many unsent files. Send or remove some first.")
UNSENT_LIMIT = 200  # files of one user that are in no message
NAME_KEY = 255  # characters of a name that are compared


@dataclass(frozen=True, slots=True)
class DescribedFile:
    """What users learn of a file, in this order (protocol.File)."""

    id: str
    name: str
    type: str
    bytes: int
    width: int | None
    height: int | None
    blur: str | None
    alt: str | None
    seconds: float | None
    wave: str | None


@dataclass(frozen=True, slots=True)
class StoredFile(DescribedFile):
    """A row of the register. `room` and `seq` are those of its message, if `state` is BOUND."""

    user_id: int
    room: int | None
    seq: int | None
    sha256: str | None
    state: FileState
    at: int


@dataclass(frozen=True, slots=True)
class Sound:
    """What a sender says about a sound file: its duration, and its waveform (protocol.Wave)."""

    seconds: float | None = None
    wave: str | None = None


NO_SOUND = Sound()


@dataclass(frozen=True, slots=True)
class NewFile:
    """An upload that begins. `room`: the only room whose messages may have the file."""

    user_id: int
    name: str
    bytes: int
    room: int | None = None
    alt: str | None = None
    sound: Sound = NO_SOUND


@dataclass(frozen=True, slots=True)
class Content:
    """What is known of a file after its last byte has arrived."""

    type: str
    bytes: int
    sha256: str
    width: int | None = None
    height: int | None = None
    blur: str | None = None
    seconds: float | None = None
    wave: str | None = None


@dataclass(frozen=True, slots=True)
class Usage:
    """Number of files, and the sum of their bytes."""

    files: int
    bytes: int


class FileRegister:
    """Reads and writes the register."""

    def __init__(self, database: Database, *, clock: Callable[[], int]) -> None:
        """`clock` returns milliseconds UTC."""
        self._database = database
        self._clock = clock

    # Uploads --------------------------------------------------------------------------------------

    async def begin(self, new: NewFile) -> StoredFile:
        """Register an upload. Raises NotFound without the room, TooLarge with too many unsent."""
        row: dict[str, Any] = {
            "id": secrets.token_urlsafe(16),
            "user_id": new.user_id,
            "room_id": new.room,
            "name": new.name,
            "name_key": fold(new.name)[:NAME_KEY],
            "type": UNKNOWN_TYPE,
            "bytes": new.bytes,
            "alt": new.alt,
            "seconds": new.sound.seconds,
            "wave": new.sound.wave,
            "alt_key": alt_key(new.alt),
            "state": FileState.UPLOADING,
            "at": self._clock(),
        }

        def work(connection: Connection) -> StoredFile:
            if new.room is not None:
                _require_member(connection, new.user_id, new.room)
            _require_few_unsent(connection, new.user_id)
            connection.execute(files.insert().values(row))
            return file_from_row(connection.execute(_ONE, {"id": row["id"]}).one())

        return await self._database.transaction(work)

    async def complete(self, file_id: str, content: Content) -> StoredFile:
        """Record that all bytes are on disk. Raises NotFound if the upload was discarded."""
        uploading = sa.and_(files.c.id == file_id, files.c.state == FileState.UPLOADING)
        change = files.update().where(uploading)
        values = asdict(content)

        def work(connection: Connection) -> StoredFile:
            if not connection.execute(change.values(state=FileState.COMPLETE, **values)).rowcount:
                raise NotFound
            return file_from_row(connection.execute(_ONE, {"id": file_id}).one())

        return await self._database.transaction(work)

    async def claim(self, file_id: str, sha256: str) -> bool:
        """Decide which bytes the file gets, before they are stored; return whether it is these.

        Nodes that share no folder may have received different bytes.
        """
        same = sa.or_(files.c.sha256.is_(None), files.c.sha256 == sha256)
        uploading = sa.and_(files.c.id == file_id, files.c.state == FileState.UPLOADING)
        claim = files.update().where(uploading, same).values(sha256=sha256)
        return await self._database.transaction(lambda c: bool(c.execute(claim).rowcount))

    async def describe(self, file_id: str, user_id: int, alt: str | None) -> StoredFile:
        """Set the alternative text of an unsent file. Raises NotFound."""
        return await self._change_unsent(file_id, user_id, alt=alt, alt_key=alt_key(alt))

    async def discard(self, file_id: str, user_id: int) -> StoredFile:
        """Begin to delete an unsent file. Raises NotFound."""
        return await self._change_unsent(file_id, user_id, **MARKED_FOR_DELETION)

    async def _change_unsent(self, file_id: str, user_id: int, **values: Any) -> StoredFile:
        own = sa.and_(files.c.id == file_id, files.c.user_id == user_id, IS_UNSENT)

        def work(connection: Connection) -> StoredFile:
            if not connection.scalar(sa.select(files.c.id).where(own).with_for_update()):
                raise NotFound
            connection.execute(files.update().where(own).values(values))
            return file_from_row(connection.execute(_ONE, {"id": file_id}).one())

        return await self._database.transaction(work)

    # Reading --------------------------------------------------------------------------------------

    async def find(self, file_id: str) -> StoredFile | None:
        """Return a file in any state. Callers have to authorise."""
        async with self._database.reading() as connection:
            row = (await connection.execute(_ONE, {"id": file_id})).one_or_none()
        # MariaDB ignores spaces at the end of a text that it compares.
        return None if row is None or row.id != file_id else file_from_row(row)

    async def changed_since(self, room: int, message: int, seq: int) -> bool:
        """Return whether a message was edited or deleted after `seq`."""
        changed = sa.select(is_changed_after(room, message, seq))
        async with self._database.reading() as connection:
            return bool(await connection.scalar(changed))

    async def usage(self) -> Usage:
        """Return number and bytes of all files that are not being deleted."""
        query = sa.select(sa.func.count(), sa.func.coalesce(sa.func.sum(files.c.bytes), 0))
        async with self._database.reading(Share.LISTS) as connection:
            row = (await connection.execute(query.where(files.c.state != FileState.DELETING))).one()
        return Usage(int(row[0]), int(row[1]))

    async def stored_after(self, file_id: str, limit: int) -> list[StoredFile]:
        """Return the next files by id whose bytes have to be stored."""
        place = {"after": file_id, "count": limit}
        async with self._database.reading(Share.COPIES) as connection:
            return [file_from_row(row) for row in await connection.execute(_STORED, place)]

    async def known(self, ids: Iterable[str]) -> set[str]:
        """Return which of these files are registered."""
        wanted = sorted(set(ids))
        async with self._database.reading(Share.COPIES) as connection:
            return {row.id for row in await connection.run_sync(_IDS.rows, wanted)}

    async def uploading(self, ids: Iterable[str]) -> set[str]:
        """Return which of these files are registered and not complete."""
        wanted = sorted(set(ids))
        async with self._database.reading(Share.COPIES) as connection:
            return {row.id for row in await connection.run_sync(_UPLOADING_IDS.rows, wanted)}


def files_json(rows: Iterable[Any]) -> str:
    """Return the files of a message as members receive them; "" without any."""
    shown = [file_fields(row) for row in rows]
    return msgspec.json.encode(shown).decode() if shown else ""


def file_fields(file: Any) -> dict[str, Any]:
    """Return what members receive of a row or DescribedFile: the fields that are not None."""
    return {name: value for name in FIELDS if (value := getattr(file, name)) is not None}


def file_from_row(row: Any) -> StoredFile:
    found = StoredFile(*row)
    return replace(found, state=FileState(found.state))


def _require_member(connection: Connection, user_id: int, room: int) -> None:
    if not connection.scalar(sa.select(is_member(user_id, room))):
        raise NotFound


def _require_few_unsent(connection: Connection, user_id: int) -> None:
    """Raise TooLarge if the user has too many files that are in no message."""
    unsent = sa.select(sa.func.count()).where(files.c.user_id == user_id, IS_UNSENT)
    if (connection.scalar(unsent) or 0) >= UNSENT_LIMIT:
        raise TooLarge(TOO_MANY_UNSENT)


FIELDS = tuple(field.name for field in fields(DescribedFile))
DESCRIBED_COLUMNS: tuple[Any, ...] = tuple(files.c[name] for name in FIELDS)
IS_UNSENT = files.c.state.in_((FileState.UPLOADING, FileState.COMPLETE))
COLUMNS: tuple[Any, ...] = (  # in the order of StoredFile
    *DESCRIBED_COLUMNS,
    files.c.user_id,
    files.c.room_id.label("room"),
    files.c.seq,
    files.c.sha256,
    files.c.state,
    files.c.at,
)
_ONE = sa.select(*COLUMNS).where(files.c.id == sa.bindparam("id"))
_IDS = KeyLookup(sa.select(files.c.id), files.c.id)
_UPLOADING: sa.ColumnElement[int] = sa.literal_column(
    f"{FileState.UPLOADING:d}"
)  # a lookup has no other parameters
_UPLOADING_IDS = KeyLookup(sa.select(files.c.id).where(files.c.state == _UPLOADING), files.c.id)
_STORED = (
    sa.select(*COLUMNS)
    .where(files.c.state.in_(COMPLETE_STATES), files.c.id > sa.bindparam("after"))
    .order_by(files.c.id)
    .limit(sa.bindparam("count", type_=sa.Integer))
)
