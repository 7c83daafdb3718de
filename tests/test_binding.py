"""Binding of a data folder to its database; commands that read change nothing."""

import itertools
import shutil
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest

from chatserver.binding import Binding, NoChat, WrongDatabase, identity
from chatserver.data_dir import DataDir
from chatserver.storage.migrate import HEAD
from tests.rig.mariadb import PrivateMariaDB
from tests.test_main import MISTAKE, PASSWORD, Done, Place, Server, sentence

pytestmark = pytest.mark.xdist_group("main")

FOLDER = Path("/data")
_numbers = itertools.count()

# Identity ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("one", "another"),
    [
        ("mysql://chat:secret@db/chat", "mariadb://other:pass%40word@DB:3306/chat?ssl=true"),
        ("mysql://chat@127.0.0.1/chat", "mysql://chat@localhost:3306/chat"),
        ("mysql://chat@[::1]/chat", "mysql://chat@localhost/chat"),
        ("sqlite:////data/chat.db", "sqlite:////data/./sub/../chat.db"),
        ("sqlite:////data/a%20b.db", "sqlite:////data/a b.db"),
    ],
)
def test_all_urls_of_a_database_have_the_same_identity(one: str, another: str) -> None:
    assert identity(one, FOLDER) == identity(another, FOLDER)


@pytest.mark.parametrize(
    "other",
    [
        "mysql://chat@db/chat2",
        "mysql://chat@db:3307/chat",
        "mysql://chat@db2/chat",
        "sqlite:////data/chat.db",
    ],
)
def test_different_databases_have_different_identities(other: str) -> None:
    assert identity("mysql://chat@db/chat", FOLDER) != identity(other, FOLDER)


def test_account_and_password_are_not_recorded(tmp_path: Path) -> None:
    folder = DataDir(tmp_path)
    Binding(folder, "mysql://chat:secret@db/chat?ssl_key=/key").write()
    assert folder.record.read_text() == "mysql://db:3306/chat\n"
    assert folder.record.stat().st_mode & 0o777 == 0o600


def test_a_relative_path_outside_the_folder_depends_on_the_working_directory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = DataDir(tmp_path / "data")
    folder.path.mkdir()
    monkeypatch.chdir(tmp_path)
    Binding(folder, "sqlite:///other.db").write()
    Binding(folder, f"sqlite:///{tmp_path / 'other.db'}").check()
    monkeypatch.chdir(folder.path)
    with pytest.raises(WrongDatabase):
        Binding(folder, "sqlite:///other.db").check()


def test_a_folder_can_be_moved_copied_and_linked_to(tmp_path: Path) -> None:
    folder = DataDir(tmp_path / "data")
    folder.path.mkdir()
    Binding(folder, f"sqlite:///{folder.path / 'chat.db'}").write()
    (tmp_path / "link").symlink_to(folder.path)
    shutil.copytree(folder.path, tmp_path / "copy")
    for name in ("link", "copy"):
        other = DataDir(tmp_path / name)
        Binding(other, f"sqlite:///{other.path / 'chat.db'}").check()
    Binding(DataDir(tmp_path / "link"), f"sqlite:///{folder.path / 'chat.db'}").check()


def test_the_error_names_both_databases_without_a_password(tmp_path: Path) -> None:
    folder = DataDir(tmp_path)
    Binding(folder, "mysql://chat:secret@db/chat").write()
    with pytest.raises(WrongDatabase) as refusal:
        Binding(folder, "mysql://chat:hidden@other/chat").check()
    assert "mysql://db:3306/chat" in str(refusal.value)
    assert "mysql://chat:***@other/chat" in str(refusal.value)
    assert "secret" not in str(refusal.value)
    assert "hidden" not in str(refusal.value)


def test_a_folder_where_no_server_has_run_has_no_chat(tmp_path: Path) -> None:
    binding = Binding(DataDir(tmp_path / "data"), "mysql://db/chat")
    binding.check()
    with pytest.raises(NoChat):
        binding.require()


# Commands ----------------------------------------------------------------------------------------

READING = [["doctor"], ["check"], ["user", "list"], ["backup", "x.zip"], ["export", "x.jsonl"]]
CHANGING = [
    ["invite"],
    ["setup-link"],
    ["keys", "rotate"],
    ["user", "passwd", "ann"],
    ["user", "disable", "ann"],
    ["user", "import", "people.csv"],
    ["bot", "add", "robot"],
]
MAKING = [["migrate"], ["user", "add", "bo"], ["serve"]]
LOADING = [["restore", "all.zip", "--replace", "--yes"], ["import", "all.jsonl"]]


@pytest.fixture(scope="module")
def urls(mariadb: PrivateMariaDB) -> Callable[[], str]:
    """Return a function that creates empty databases and returns their URLs."""
    return lambda: mariadb.create_database(f"binding{next(_numbers)}")


@pytest.fixture(scope="module")
def origin(tmp_path_factory: pytest.TempPathFactory, urls: Callable[[], str]) -> Place:
    """A chat on MariaDB, and files for commands."""
    place = Place(tmp_path_factory.mktemp("bound"))
    url = urls()
    (place.folder / "config.toml.away").write_text(f'[database]\nurl = "{url}"\n')
    place.succeed("--database", url, "user", "add", "ann", "--password-stdin", password=PASSWORD)
    place.succeed("--database", url, "backup", "all.zip")
    place.succeed("--database", url, "export", "all.jsonl")
    (place.folder / "people.csv").write_text("name,display,password\n")
    return place


@pytest.fixture
def bound(origin: Place) -> Iterator[Place]:
    """The same, with the check that nothing has changed after the test."""
    before = content(origin.folder)
    yield origin
    assert content(origin.folder) == before


def content(folder: Path) -> dict[str, bytes]:
    """Return the content of all files except sockets."""
    files = (file for file in folder.rglob("*") if file.is_file())
    return {str(file.relative_to(folder)): file.read_bytes() for file in files}


def refused(done: Done) -> str:
    return sentence(done, MISTAKE)


@pytest.mark.parametrize("command", [*READING, *CHANGING, *MAKING, *LOADING], ids=" ".join)
def test_a_command_without_the_configuration_of_the_server_is_rejected(
    bound: Place, command: list[str]
) -> None:
    """The data folder is right, and the configuration with the URL of MariaDB is missing."""
    said = refused(bound.run("--data", "data", *command))
    assert "belongs to the database mysql://localhost:" in said
    assert "--config FILE" in said


@pytest.mark.parametrize("command", [*READING, *CHANGING, *MAKING], ids=" ".join)
def test_a_command_with_another_database_is_rejected(
    bound: Place, urls: Callable[[], str], mariadb: PrivateMariaDB, command: list[str]
) -> None:
    other = urls()
    name = other.rpartition("/")[2]
    refused(bound.run("--data", "data", "--database", other, *command))
    refused(bound.run("--data", "data", *command, CHATSERVER_DATABASE__URL=other))
    assert mariadb.sql(f"SHOW TABLES IN {name}") == ""


def test_the_configuration_of_the_server_is_accepted_by_option_or_environment(bound: Place) -> None:
    config = str(bound.folder / "config.toml.away")
    assert "ann" in bound.succeed("--config", config, "user", "list")
    assert "ann" in bound.succeed("user", "list", CHATSERVER_CONFIG=config)


@pytest.mark.parametrize("command", [*READING, *CHANGING], ids=" ".join)
def test_a_folder_without_a_chat_gives_no_access_to_the_production_database(
    bound: Place, place: Place, command: list[str]
) -> None:
    """An empty folder, and the configuration of the production server in the environment."""
    (place.folder / "people.csv").write_text("name,display,password\n")
    production = str(bound.folder / "config.toml.away")
    done = place.run("--data", str(place.data), *command, CHATSERVER_CONFIG=production)
    if command == ["doctor"]:
        assert "has revision" in done.out
    else:
        assert "There is no chat in" in refused(done)
    assert [file.name for file in place.folder.iterdir()] == ["people.csv"]


@pytest.mark.parametrize("command", [*READING, *CHANGING], ids=" ".join)
def test_an_empty_folder_stays_empty(place: Place, command: list[str]) -> None:
    (place.folder / "people.csv").write_text("name,display,password\n")
    place.data.mkdir(0o700)
    done = place.run("--data", str(place.data), *command)
    if command == ["doctor"]:
        assert (done.code, "will be created at the first start" in done.out) == (0, True)
    else:
        assert "There is no chat in" in refused(done)
    assert list(place.data.iterdir()) == []


def test_a_restore_in_an_empty_folder_does_not_replace_the_production_database(
    bound: Place, place: Place
) -> None:
    production = str(bound.folder / "config.toml.away")
    backup = str(bound.folder / "all.zip")
    for more in ([], ["--replace", "--yes"]):
        command = ["restore", backup, *more]
        done = place.run("--data", str(place.data), *command, CHATSERVER_CONFIG=production)
        assert "The database has users already" in refused(done)
    assert not (place.data / "database").exists()


def test_a_database_with_users_is_not_replaced_from_the_folder_of_another(
    bound: Place, urls: Callable[[], str], place: Place
) -> None:
    other = urls()
    place.succeed("--database", other, "user", "add", "bo")
    for command, reason in (
        (LOADING[0], "belongs to the database mysql"),
        (LOADING[1], "The database has users already"),
    ):
        assert reason in refused(bound.run("--data", "data", "--database", other, *command))
    assert "bo" in place.succeed("--database", other, "user", "list")


@pytest.mark.parametrize("more", [[], ["--replace"], ["--replace", "--yes"]])
def test_a_restore_never_moves_a_folder_to_another_database(
    bound: Place, urls: Callable[[], str], more: list[str]
) -> None:
    record = bound.data / "database"
    before = record.read_text()
    for other in (urls(), f"sqlite:///{bound.folder / 'other.db'}"):
        done = bound.run("--data", "data", "--database", other, "restore", "all.zip", *more)
        assert "belongs to the database mysql" in refused(done)
    assert record.read_text() == before
    assert not (bound.folder / "other.db").exists()


def test_an_import_moves_a_folder_to_an_empty_database(
    place: Place, urls: Callable[[], str]
) -> None:
    place.succeed("user", "add", "ann")
    place.succeed("export", "all.jsonl")
    new = urls()
    place.succeed("--database", new, "import", "all.jsonl")
    assert "ann" in place.succeed("--database", new, "user", "list")
    assert "belongs to the database mysql" in place.fail("user", "list")


def test_two_nodes_can_have_folders_of_one_database(bound: Place, place: Place) -> None:
    config = str(bound.folder / "config.toml.away")
    place.succeed("--config", config, "migrate")
    assert "ann" in place.succeed("--config", config, "user", "list")


def test_a_folder_of_an_older_version_is_bound_by_the_next_start(place: Place) -> None:
    place.succeed("user", "add", "ann")
    (place.data / "database").unlink()
    assert "ann" in place.succeed("user", "list")
    assert not (place.data / "database").exists()
    place.succeed("migrate")
    assert (place.data / "database").read_text() == "sqlite:///chat.db\n"


def test_another_database_is_rejected_while_a_server_runs(
    place: Place, urls: Callable[[], str]
) -> None:
    server = Server(place)
    try:
        other = urls()
        for command in (["user", "list"], ["invite"], ["backup", "x.zip"], ["migrate"]):
            done = place.run("--data", str(place.data), "--database", other, *command)
            assert "belongs to the database sqlite:///chat.db" in refused(done)
        place.succeed("user", "list")
    finally:
        server.stop()


def test_migrate_with_a_running_server_of_another_version_reports_no_change(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    server = Server(place)
    try:
        monkeypatch.setattr("chatserver.storage.migrate.HEAD", "9998")
        said = place.fail("migrate")
    finally:
        server.stop()
    assert "Nothing was changed" in said
    assert f"its revision {HEAD}" in said
    assert "9998" in said


# Reading changes nothing -------------------------------------------------------------------------


@pytest.mark.parametrize("command", [*READING, ["config", "show"], ["config", "check"]])
def test_reading_sqlite_changes_no_byte(place: Place, command: list[str]) -> None:
    place.succeed("user", "add", "ann", "--admin")
    before = content(place.data)
    place.succeed(*command)
    assert content(place.data) == before


@pytest.mark.parametrize("command", READING)
def test_reading_sqlite_after_a_crash_changes_no_byte_of_the_database(
    place: Place, command: list[str]
) -> None:
    server = Server(place)
    place.succeed("user", "add", "ann", "--admin")
    server.kill()
    files = ("chat.db", "chat.db-wal", "chat.db-tally", "lock", "keys.json")
    assert (place.data / "chat.db-wal").stat().st_size > 0
    before = {name: (place.data / name).read_bytes() for name in files}
    place.succeed(*command)
    assert {name: (place.data / name).read_bytes() for name in files} == before
    assert "ann" in place.succeed("user", "list")


@pytest.mark.parametrize("command", READING)
def test_reading_mariadb_changes_nothing(
    bound: Place, mariadb: PrivateMariaDB, command: list[str]
) -> None:
    config = str(bound.folder / "config.toml.away")
    name = (bound.data / "database").read_text().strip().rpartition("/")[2]
    before = dump(mariadb, name)
    assert "meta" in before
    bound.succeed("--config", config, *command)
    for made in ("x.zip", "x.jsonl"):
        (bound.folder / made).unlink(missing_ok=True)
    assert dump(mariadb, name) == before


@pytest.mark.parametrize("command", [*READING, *CHANGING], ids=" ".join)
def test_an_empty_mysql_database_stays_empty(
    place: Place, urls: Callable[[], str], mariadb: PrivateMariaDB, command: list[str]
) -> None:
    """Its server was set up again, or the account got another database."""
    url = urls()
    (place.folder / "people.csv").write_text("name,display,password\n")
    place.succeed("--database", url, "user", "add", "ann")
    name = url.rpartition("/")[2]
    mariadb.sql(f"DROP DATABASE {name}; CREATE DATABASE {name}")
    done = place.run("--data", str(place.data), "--database", url, *command)
    assert done.code != 0
    assert "There is no chat in mysql://root@127.0.0.1" in done.out + done.err
    assert mariadb.sql(f"SHOW TABLES IN {name}") == ""


@pytest.mark.parametrize("command", [*READING, *CHANGING], ids=" ".join)
def test_an_older_database_is_not_upgraded_by_a_read(place: Place, command: list[str]) -> None:
    place.succeed("user", "add", "ann")
    (place.folder / "people.csv").write_text("name,display,password\n")
    with closing(sqlite3.connect(place.data / "chat.db")) as database:
        database.execute("UPDATE alembic_version SET version_num = '0003'")
        database.commit()
    before = content(place.data)
    done = place.run("--data", str(place.data), *command)
    assert done.code != 0
    assert content(place.data) == before
    assert "older than this program: it has revision 0003" in done.out + done.err


def test_a_database_with_missing_events_is_not_backed_up(place: Place) -> None:
    place.succeed("user", "add", "ann")
    epoch = place.query("SELECT value FROM meta WHERE key = 'epoch'")[0][0]
    (place.data / "chat.db-tally").write_text(f"7 {epoch}\n")
    assert "stored events are missing" in place.fail("backup", "x.zip")
    assert not (place.folder / "x.zip").exists()


def test_a_server_does_not_start_while_its_folder_is_read(place: Place) -> None:
    assert place.process("--data", str(place.data), "user", "add", "ann").code == 0
    with DataDir(place.data).reading():
        assert "ann" in place.succeed("user", "list")
        done = place.run("--data", str(place.data), "migrate")
        assert "in use by another command" in sentence(done, 75)


def dump(mariadb: PrivateMariaDB, name: str) -> str:
    """Return all tables with columns, indexes and rows."""
    tables = mariadb.sql(f"SHOW TABLES IN {name}").split()
    shown = (f"SHOW CREATE TABLE {name}.{t}; SELECT * FROM {name}.{t}; " for t in tables)
    return mariadb.sql("".join(shown))


@pytest.fixture
def place(tmp_path: Path) -> Place:
    return Place(tmp_path)
