"""Many rooms, created by one statement."""

from collections.abc import Sequence

from sqlalchemy.engine import Connection

from chatserver.models import RoomKind
from chatserver.storage.engine import Database
from chatserver.storage.members import member_row
from chatserver.storage.tables import members, rooms

FIRST = 1_000  # the number of the first one


async def make_rooms(
    database: Database, count: int, users: Sequence[int], *, public: bool = False
) -> list[int]:
    """Their numbers. Nothing has been said in them; the first of `people` keeps them."""
    numbers = list(range(FIRST, FIRST + count))

    def work(connection: Connection) -> None:
        facts = {"kind": RoomKind.GROUP, "topic": "", "head": 0, "members": len(users)}
        facts |= {"created_by": users[0], "created_at": 1, "private": not public}
        named = {number: f"room{number}" if public else None for number in numbers}
        connection.execute(
            rooms.insert(),
            [{"id": n, "name": name, "title": f"Room {n}", **facts} for n, name in named.items()],
        )
        connection.execute(
            members.insert(), [member_row(n, user, 1) for n in numbers for user in users]
        )

    await database.transaction(work)
    return numbers
