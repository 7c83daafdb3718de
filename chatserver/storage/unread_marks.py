"""Read positions that users move back, so that messages are unread again."""

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from chatserver.storage.engine import Database
from chatserver.storage.members import IS_MEMBER
from chatserver.storage.tables import members, rooms


class UnreadMarks:
    """Moves read positions back."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def mark(self, user_id: int, room: int, seq: int) -> int | None:
        """Make the events from `seq` on unread for a member.

        Returns the read position, which is not moved forward; None for a nonmember, or if there is
        no such event.
        """
        return await self._database.transaction(lambda c: _mark(c, user_id, room, seq))


def _mark(connection: Connection, user_id: int, room: int, seq: int) -> int | None:
    """What was read causes no push once more, so the cursor of pushes is moved with it."""
    own = sa.and_(members.c.room_id == room, members.c.user_id == user_id, IS_MEMBER)
    query = sa.select(members.c.read_seq, members.c.pushed_seq).where(own).with_for_update()
    row = connection.execute(query).first()
    head = connection.scalar(sa.select(rooms.c.head).where(rooms.c.id == room))
    if row is None or head is None or seq > head:
        return None
    if seq > row.read_seq:
        return int(row.read_seq)
    values = {"read_seq": seq - 1, "pushed_seq": max(row.pushed_seq, row.read_seq)}
    connection.execute(members.update().where(own).values(values))
    return seq - 1
