"""Fixtures: databases, servers, and the users ann (the administrator), bo and cy."""

import asyncio
import itertools
import shutil
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from pathlib import Path

import pytest
import pytest_asyncio

from chatserver.config import DatabaseSettings, LimitSettings, Settings
from chatserver.storage.engine import Database
from chatserver.storage.migrate import migrate
from tests.driver import Chat, User
from tests.rig.mariadb import PrivateMariaDB
from tests.rig.moto import PrivateS3
from tests.rig.needs import require
from tests.rig.redis import PrivateRedis

FAST = LimitSettings(
    messages_per_second=100_000,
    message_burst=100_000,
    logins_per_minute_account=100_000,
    logins_per_minute_address=100_000,
)

StartChat = Callable[..., Awaitable[Chat]]

_numbers = itertools.count()


@pytest.fixture(scope="session")
def mariadb() -> Iterator[PrivateMariaDB]:
    """A private MariaDB for the whole test run."""
    require("MariaDB", found=PrivateMariaDB.found())
    with PrivateMariaDB() as server:
        yield server


@pytest.fixture(scope="session")
def redis() -> Iterator[PrivateRedis]:
    """A private Redis for the whole test run."""
    require("Redis", found=PrivateRedis.found())
    with PrivateRedis() as server:
        yield server


@pytest.fixture(scope="session")
def s3() -> Iterator[PrivateS3]:
    """A private S3 server for the whole test run, with one bucket."""
    require("moto", found=PrivateS3.found())
    with PrivateS3() as server:
        yield server


@pytest.fixture(params=["sqlite", "mariadb"])
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """URL of an empty database; tests with this fixture run on SQLite and MariaDB."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'chat.db'}"
    server: PrivateMariaDB = request.getfixturevalue("mariadb")
    return server.create_database(f"chat{next(_numbers)}")


@pytest.fixture(scope="session")
def migrated(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A migrated SQLite file without users, which tests copy instead of migrating."""
    folder = tmp_path_factory.mktemp("migrated")
    asyncio.run(_migrate(f"sqlite:///{folder / 'chat.db'}", folder))
    return folder / "chat.db"


@pytest.fixture(scope="session")
def migrated_mariadb(mariadb: PrivateMariaDB, tmp_path_factory: pytest.TempPathFactory) -> str:
    """The name of such a database on MariaDB."""
    url = mariadb.create_database("migrated")
    asyncio.run(_migrate(url, tmp_path_factory.mktemp("migrated")))
    return "migrated"


async def _migrate(url: str, folder: Path) -> None:
    database = Database(url)
    await migrate(database, backups=folder)
    await database.close()


@pytest.fixture
def migrated_url(request: pytest.FixtureRequest, database_url: str) -> str:
    """URL of a migrated database without users; tests with it run on SQLite and MariaDB."""
    place, name = database_url.rsplit("/", 1)
    if place.startswith("sqlite"):
        target = Path(database_url.removeprefix("sqlite:///"))
        shutil.copyfile(request.getfixturevalue("migrated"), target)
        target.chmod(0o600)
    else:
        server: PrivateMariaDB = request.getfixturevalue("mariadb")
        server.copy(request.getfixturevalue("migrated_mariadb"), name)
    return database_url


@pytest_asyncio.fixture
async def start_chat(tmp_path: Path, migrated: Path) -> AsyncIterator[StartChat]:
    """Yield a function that starts servers, which are stopped at the end in reverse order."""
    running: list[Chat] = []

    async def start(settings: Settings | None = None, *, url: str = "") -> Chat:
        number = len(running)
        folder = tmp_path / f"node{number}"
        chosen = settings or Settings(data=folder, limits=FAST, database=DatabaseSettings(url=url))
        target = chosen.data / "chat.db"
        if not chosen.database.url and not target.exists():
            target.parent.mkdir(mode=0o700, parents=True)
            shutil.copyfile(migrated, target)
        chat = await Chat.start(chosen)
        running.append(chat)
        return chat

    yield start
    for chat in reversed(running):
        await chat.stop()


@pytest_asyncio.fixture
async def chat(start_chat: StartChat) -> Chat:
    """A server on SQLite without users."""
    return await start_chat()


@pytest_asyncio.fixture
async def ann(chat: Chat) -> User:
    """The administrator."""
    return await chat.user("ann", admin=True)


@pytest_asyncio.fixture
async def bo(chat: Chat, ann: User) -> User:
    """A member, created after ann."""
    return await chat.user("bo")


@pytest_asyncio.fixture
async def cy(chat: Chat, bo: User) -> User:
    """Another member, who is not in conversations of ann and bo."""
    return await chat.user("cy")
