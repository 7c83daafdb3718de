"""Display names are found by an index, with the same results on both databases."""

from collections.abc import Awaitable
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from chatserver.models import Role
from chatserver.storage.credentials import AccountChange
from chatserver.storage.display_names import accounts_displayed, backfill_display_keys, display_key
from chatserver.storage.tables import users
from chatserver.storage.users import NewUser
from tests.storage.conftest import Storage
from tests.storage.test_plans import explained, explained_by_mariadb, is_scan


async def user(storage: Storage, name: str, display: str) -> int:
    return (await storage.users.add(NewUser(name, display, "hash"))).id


async def beginning(storage: Storage, text: str, *, after: str = "", limit: int = 9) -> list[str]:
    return [user.name for user in await storage.users.page(after, limit, beginning=text)]


async def displayed(storage: Storage, name: str) -> set[int]:
    async with storage.database.reading() as connection:
        return set(await accounts_displayed(connection, name))


async def test_every_change_of_a_display_name_stores_its_key(storage: Storage) -> None:
    await storage.user("root", Role.ADMIN)
    for number, display in enumerate(("Große", "Ｗｉｄｅ", "ﷺ" * 64)):
        ann = await user(storage, f"ann{number}", display)
        bo = await user(storage, f"bo{number}", "Bo")
        cy = await user(storage, f"cy{number}", "Cy")
        bot = NewUser(f"bot{number}", display, "!", Role.BOT)
        await storage.bots.add(bot, f"digest{number}", [], by=None)
        await storage.users.change(bo, display=display, locale="en")
        await storage.credentials.administer(cy, AccountChange(display=display), by=None)
        await storage.credentials.delete(ann, by=None)
    query = sa.select(users.c.display, users.c.display_key)
    async with storage.database.reading() as connection:
        rows = [(row.display, row.display_key) for row in await connection.execute(query)]
    assert [key for _display, key in rows] == [display_key(display) for display, _key in rows]


async def test_accounts_are_listed_by_a_prefix_of_either_name(storage: Storage) -> None:
    for name, display in {
        "b2": "Zoe",
        "ann": "Bo Li",
        "cy": "ｂｏｂ",
        "bo": "Bo",
        "d": "李明",
    }.items():
        await user(storage, name, display)
    assert await beginning(storage, "b") == ["ann", "b2", "bo", "cy"]
    assert await beginning(storage, "BO") == ["ann", "bo", "cy"]
    assert await beginning(storage, "b", limit=2) == ["ann", "b2"]
    assert await beginning(storage, "b", after="b2", limit=1) == ["bo"]
    assert await beginning(storage, "b", after="bo") == ["cy"]
    assert await beginning(storage, "李") == ["d"]
    assert await beginning(storage, "%") == []
    assert await beginning(storage, "\U0010ffff") == []


async def test_a_display_name_is_compared_completely(storage: Storage) -> None:
    long = "ﷺ" * 60
    first, second = (
        await user(storage, "ann", long + "a"),
        await user(storage, "bo", long + "b"),
    )
    assert display_key(long + "a") == display_key(long + "b")
    assert await displayed(storage, long + "A") == {first}
    assert await displayed(storage, long + "b") == {second}
    assert await displayed(storage, "ann") == set()


async def test_accounts_of_an_older_version_are_found(storage: Storage) -> None:
    ann = await user(storage, "ann", "Große")
    await storage.database.transaction(lambda c: c.execute(users.update().values(display_key=None)))
    assert await displayed(storage, "grosse") == {ann}
    await storage.database.transaction(backfill_display_keys)
    assert await beginning(storage, "gross") == ["ann"]


async def test_only_matching_accounts_are_read(storage: Storage) -> None:
    await user(storage, "ann", "Ann")
    seen: list[tuple[str, Any]] = []

    def keep(_c: Connection, _cursor: object, statement: str, values: Any, *_more: object) -> None:
        seen.append((statement, values))

    for reader in storage.database.readers.values():
        sa.event.listen(reader.sync_engine, "before_cursor_execute", keep)
    reads: list[Awaitable[Any]] = [
        beginning(storage, "nobody"),
        beginning(storage, "nobody", after="ann"),
        displayed(storage, "nobody"),
    ]
    for read in reads:
        assert not await read
    explain = explained if storage.database.is_sqlite else explained_by_mariadb
    plans = await storage.database.run_on_writer(lambda connection: explain(connection, seen))
    assert len(plans) >= len(seen) == 5
    assert [plan for plan in plans if is_scan(plan[0])] == []
