"""Files that are pictures: of an account (`users.picture`), or the logo of the server."""

from dataclasses import asdict, dataclass

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from chatserver.errors import NotFound
from chatserver.file_state import FileState
from chatserver.storage.files import Content
from chatserver.storage.meta_keys import SERVER_LOGO
from chatserver.storage.tables import MARKED_FOR_DELETION, files, meta, users

_IS_PICTURE = files.c.state == FileState.PICTURE
_OWNER = sa.select(users.c.id).where(users.c.id == files.c.user_id, users.c.picture == files.c.id)
_SERVER = sa.select(meta.c.key).where(meta.c.key == SERVER_LOGO, meta.c.value == files.c.id)
IS_UNUSED_PICTURE = sa.and_(_IS_PICTURE, ~_OWNER.exists(), ~_SERVER.exists())


@dataclass(frozen=True, slots=True)
class NewPicture:
    """A complete upload."""

    id: str
    content: Content


def attach_picture(connection: Connection, new: NewPicture) -> None:
    """Make an upload a picture. Raises NotFound if it was discarded."""
    uploading = sa.and_(files.c.id == new.id, files.c.state == FileState.UPLOADING)
    values = asdict(new.content) | {"state": FileState.PICTURE}
    if not connection.execute(files.update().where(uploading).values(values)).rowcount:
        raise NotFound


def detach_picture(connection: Connection, picture: str | None) -> None:
    """Begin to delete a picture that is no longer used."""
    if picture is not None:
        one = files.update().where(files.c.id == picture, _IS_PICTURE)
        connection.execute(one.values(MARKED_FOR_DELETION))
