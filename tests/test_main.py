"""Command line: output, effects and errors.

Servers run in separate processes. Most commands run in this process, which saves each the second
that starting Python takes; `process` runs one in a separate process.
"""

import asyncio
import configparser
import contextlib
import csv
import json
import os
import pty
import re
import shutil
import signal
import socket
import sqlite3
import ssl
import stat
import subprocess
import sys
import threading
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import closing
from http.client import HTTPConnection
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import urlsplit

import pytest
from argon2 import PasswordHasher
from argon2.exceptions import VerifyMismatchError
from click.testing import CliRunner

from chatserver import __version__
from chatserver.__main__ import _without_ca_certificates, main
from chatserver.commands import control, doctor
from chatserver.commands.rooms import _number
from chatserver.commands.serve import serve
from chatserver.config import ServerSettings, Settings
from chatserver.data_dir import control_address
from chatserver.errors import ChatServerError, StartError, Unavailable
from tests.rig.mariadb import PrivateMariaDB
from tests.test_tls import make_certificate

pytestmark = pytest.mark.xdist_group("main")  # one worker makes what they share

REPOSITORY = Path(__file__).parent.parent
PASSWORD, NEWER = "purple stone river", "seven green lanterns"
STOP_TIME = 5  # seconds that a server has to end
START_TIME = 30
MISTAKE, LATER = 2, 75  # exit codes of permanent and of temporary errors
GENERATED = re.compile(r"^[a-z2-9]{4}(-[a-z2-9]{4}){3}$")


class Done(NamedTuple):
    """Exit code and output of a command."""

    code: int
    out: str
    err: str


class Place:
    """A working folder with a data folder in it, in which commands are run."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.data = folder / "data"

    def run(self, *arguments: str, password: str = "", **environ: str) -> Done:
        """Run a command. A password that is entered must not be in the output."""
        cleared: dict[str, str | None] = dict.fromkeys(os.environ.keys() - environment().keys())
        with contextlib.chdir(self.folder):
            ended = CliRunner().invoke(
                main,
                arguments,
                prog_name="chatserver",
                env=cleared | environ,
                input=f"{password}\n" if password else "",
                catch_exceptions=False,
            )
        assert not password or password not in ended.output
        return Done(ended.exit_code, ended.stdout, ended.stderr)

    def process(self, *arguments: str, **environ: str) -> Done:
        """Run a command in a separate process."""
        ended = subprocess.run(
            command(*arguments),
            cwd=self.folder,
            env=environment(**environ),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=START_TIME,
            check=False,
        )
        return Done(ended.returncode, ended.stdout, ended.stderr)

    def succeed(self, *arguments: str, password: str = "", **environ: str) -> str:
        """Run a command that must succeed; return its output."""
        done = self.run("--data", str(self.data), *arguments, password=password, **environ)
        assert done.code == 0, done.err
        return done.out

    def fail(self, *arguments: str, code: int = MISTAKE, **environ: str) -> str:
        """Run a command that must fail with that exit code; return the message."""
        done = self.run("--data", str(self.data), *arguments, **environ)
        return sentence(done, code)

    def fail_to_serve(self, **server: Any) -> str:
        """Return the error of a server that must not start."""
        settings = Settings(data=self.data, server=ServerSettings(**{"port": 0} | server))
        with pytest.raises(StartError) as refusal:
            asyncio.run(serve(settings, lan=False))
        return str(refusal.value)

    def query(self, sql: str, *values: str) -> list[Any]:
        """Return rows of the database, which may be in use."""
        file = f"file:{self.data / 'chat.db'}?mode=ro"
        with closing(sqlite3.connect(file, uri=True)) as database:
            return database.execute(sql, values).fetchall()

    def opens_with(self, name: str, password: str) -> bool:
        """Return whether that is the password of the account."""
        ((stored,),) = self.query("SELECT password_hash FROM users WHERE name = ?", name)
        try:
            return PasswordHasher().verify(stored, password)
        except VerifyMismatchError:
            return False


class Server:
    """A server in a separate process."""

    def __init__(self, place: Place, *arguments: str, umask: int = -1, **environ: str) -> None:
        self.place = place
        self._log = place.folder / "log"
        with self._log.open("ab") as log:
            self.process = subprocess.Popen(
                command("--data", str(place.data), "--port", "0", *arguments),
                cwd=place.folder,
                env=environment(**environ),
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
                umask=umask,
            )
        self.banner = ""
        try:
            self.banner = "".join(self._until_ready())
            self.url = re.findall(r"listening on ((?:https?://|unix:)\S+)", self.banner)[0]
        except BaseException:
            self.kill()
            raise

    def _until_ready(self) -> Iterator[str]:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            yield line
            if line == "Press Ctrl+C to stop.\n":
                return
        raise AssertionError(self._log.read_text())

    def get(self, path: str) -> str:
        with urllib.request.urlopen(self.url + path, timeout=START_TIME) as answer:
            text: str = answer.read().decode()
            return text

    def stop(self, number: signal.Signals = signal.SIGTERM) -> tuple[int, str]:
        """Stop within STOP_TIME; return the exit code and the remaining output."""
        self.process.send_signal(number)
        last, _ = self.process.communicate(timeout=STOP_TIME)
        return self.process.returncode, last

    def kill(self) -> None:
        """Kill the process, if it still runs."""
        if self.process.returncode is None:
            self.process.kill()
            self.process.communicate()

    @property
    def log(self) -> str:
        return self._log.read_text()


def command(*arguments: str) -> list[str]:
    return [sys.executable, "-m", "chatserver", *arguments]


def environment(**more: str) -> dict[str, str]:
    """Return an environment without settings, with the path of the checkout."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("CHATSERVER")}
    kept.pop("STATE_DIRECTORY", None)
    return kept | {"PYTHONPATH": str(REPOSITORY)} | more


def sentence(done: Done, code: int = MISTAKE) -> str:
    """Return the message of an error, which must be one line with that exit code."""
    assert done.code == code, done
    assert done.out == ""
    assert "Traceback" not in done.err
    assert done.err.startswith("Error: ")
    assert done.err.count("\n") == 1
    return done.err.removeprefix("Error: ").rstrip()


Start = Callable[..., Server]


@pytest.fixture(scope="module")
def furnished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data folder with an administrator and two members, as a template."""
    place = Place(tmp_path_factory.mktemp("furnished"))
    users = place.folder / "people.csv"
    users.write_text(f"name,display,password\nmia,Mia,{PASSWORD}\nnoa,,{PASSWORD}\n")
    place.succeed("user", "add", "ann", "--admin", "--password-stdin", password=PASSWORD)
    place.succeed("user", "import", "people.csv")
    return place.data


def copied(furnished: Path, place: Place) -> Place:
    shutil.copytree(furnished, place.data, ignore=shutil.ignore_patterns("control.sock"))
    return place


@pytest.fixture
def place(tmp_path: Path) -> Place:
    """An empty working folder."""
    return Place(tmp_path)


@pytest.fixture
def home(place: Place, furnished: Path) -> Place:
    """A chat that is set up, for one test."""
    return copied(furnished, place)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory, furnished: Path) -> Iterator[Server]:
    """A server for all tests, on a copy of that folder."""
    running = Server(copied(furnished, Place(tmp_path_factory.mktemp("busy"))))
    yield running
    code, _ = running.stop(signal.SIGINT)
    assert code == 0
    assert running.log == ""


@pytest.fixture(scope="module")
def busy(server: Server) -> Place:
    """A chat that is set up and runs."""
    return server.place


@pytest.fixture(scope="module")
def idle(tmp_path_factory: pytest.TempPathFactory, furnished: Path) -> Place:
    """A chat that is set up, without a running server."""
    return copied(furnished, Place(tmp_path_factory.mktemp("idle")))


@pytest.fixture(params=["busy", "idle"])
def chat(request: pytest.FixtureRequest) -> Place:
    """A chat with and without a running server."""
    place: Place = request.getfixturevalue(request.param)
    return place


@pytest.fixture
def start() -> Iterator[Start]:
    """Yield a function that starts servers, which are killed at the end."""
    running: list[Server] = []

    def started(place: Place, *arguments: str, umask: int = -1, **environ: str) -> Server:
        running.append(Server(place, *arguments, umask=umask, **environ))
        return running[-1]

    yield started
    for server in running:
        server.kill()


# SIGHUP and Unix sockets -------------------------------------------------------------------------


def served_certificate(url: str) -> bytes:
    host, port = url.removeprefix("https://").split(":")
    return ssl.get_server_certificate((host, int(port))).encode()


@pytest.fixture
def hangups() -> Iterator[None]:
    """Let started servers receive SIGHUP, even if the tests run under `nohup`."""
    before = signal.signal(signal.SIGHUP, signal.SIG_DFL)
    yield
    signal.signal(signal.SIGHUP, before)


@pytest.mark.usefixtures("hangups")
def test_sighup_reloads_the_certificate_and_the_log_level(
    home: Place, start: Start, tmp_path: Path
) -> None:
    made = make_certificate(tmp_path)
    config = home.folder / "config.toml"
    tables = f'[server]\ntls_cert = "{made.tls_cert}"\ntls_key = "{made.tls_key}"\n'
    config.write_text(tables)
    server = start(home)
    first = served_certificate(server.url)
    make_certificate(tmp_path)
    config.write_text(tables + 'log_level = "debug"\n')
    hang_up(server, "were reloaded")
    assert served_certificate(server.url) == Path(made.tls_cert).read_bytes() != first
    Path(made.tls_key).write_text("no key")
    hang_up(server, "nothing was reloaded")
    assert served_certificate(server.url) == Path(made.tls_cert).read_bytes()
    config.unlink()
    hang_up(server, "nothing was reloaded: Cannot read the configuration")
    assert server.stop()[0] == 0


HANG_UP = """
import os, signal, sys
os.kill(os.getpid(), signal.SIGHUP)
sys.path.remove(os.path.dirname(__file__))
del sys.modules["click"]
import click
"""


@pytest.mark.usefixtures("hangups")
def test_sighup_during_the_start_reloads_after_it(home: Place, start: Start) -> None:
    early = home.folder / "early"
    early.mkdir()
    (early / "click.py").write_text(HANG_UP)  # imported instead of the real one
    server = start(home, PYTHONPATH=f"{early}:{REPOSITORY}")
    assert "were reloaded" in server.log
    assert server.stop()[0] == 0


@pytest.mark.parametrize(
    ("closed", "words"),
    [
        (">&-", ("user", "list")),
        (">&-", ("export", "-")),
        ("<&-", ("user", "add", "dee")),
        ("<&- >&- 2>&-", ("user", "list")),
    ],
)
def test_a_command_works_with_closed_standard_streams(
    idle: Place, closed: str, words: tuple[str, ...]
) -> None:
    shell = ["sh", "-c", f'exec "$@" {closed}', "sh", *command("--data", str(idle.data), *words)]
    ended = subprocess.run(
        shell, cwd=idle.folder, env=environment(), capture_output=True, text=True, check=False
    )
    assert (ended.returncode, "Traceback" in ended.stderr) == (0, False)


def hang_up(server: Server, until: str) -> None:
    """Send SIGHUP, and wait for this text in the log."""
    server.process.send_signal(signal.SIGHUP)
    deadline = time.monotonic() + START_TIME
    while until not in server.log:
        assert server.process.poll() is None
        assert time.monotonic() < deadline


@pytest.mark.usefixtures("hangups")
def test_closing_the_terminal_stops_the_server_gracefully(home: Place) -> None:
    process, terminal = pty.fork()
    if process == 0:
        os.chdir(home.folder)
        words = command("--data", str(home.data), "--port", "0")
        os.execvpe(words[0], words, environment())
    shown = b""
    while b"Press Ctrl+C" not in shown:
        shown += os.read(terminal, 4_096)
    os.close(terminal)
    _, status = os.waitpid(process, 0)
    assert os.waitstatus_to_exitcode(status) == 0
    assert not (home.data / "chat.db-wal").exists()


def test_a_server_listens_on_a_unix_socket_and_trusts_its_proxy(home: Place, start: Start) -> None:
    path = home.folder / "web.sock"
    (home.folder / "config.toml").write_text(
        f'[server]\nunix_socket = "{path}"\npublic_url = "https://chat.example.com"\n'
    )
    server = start(home)
    assert mode(path) == 0o660
    line = b"GET /login HTTP/1.1\r\nHost: x\r\nX-Forwarded-Proto: https\r\n\r\n"
    with socket.socket(socket.AF_UNIX) as proxy:
        proxy.connect(str(path))
        proxy.sendall(line)
        answer = proxy.recv(4_096)
    assert answer.startswith(b"HTTP/1.1 200")
    assert b"Strict-Transport-Security" in answer
    assert "https://chat.example.com/join/" in home.succeed("invite")
    assert "does TLS" not in home.run("doctor").out
    other = home.folder / "other"
    done = home.run("--data", str(other), "--unix-socket", str(path), "serve")
    assert (done.code, done.err) == (
        LATER,
        f"Error: Another program listens on {path}. Stop it first.\n",
    )
    with socket.socket(socket.AF_UNIX) as proxy:
        proxy.connect(str(path))
    assert server.stop()[0] == 0


@pytest.mark.parametrize("path", ["missing/web.sock", "data/lock/web.sock"])
def test_a_unix_socket_that_cannot_be_created_is_an_error(home: Place, path: str) -> None:
    said = sentence(home.process("--data", "data", "serve", "--unix-socket", path))
    assert f"Cannot listen on {path}" in said


@pytest.mark.parametrize("output", ["pipe", "/dev/full"])
def test_a_server_runs_on_when_its_output_is_not_read(home: Place, output: str) -> None:
    with subprocess.Popen(
        command("--data", str(home.data), "--port", "0"),
        cwd=home.folder,
        env=environment(PYTHONUNBUFFERED="1"),
        stdout=unwritable(output),
        stderr=subprocess.PIPE,
    ) as process:
        while not home.run("--data", str(home.data), "ready").out:
            assert process.poll() is None
        process.terminate()
        _, said = process.communicate(timeout=STOP_TIME)
    assert (process.returncode, said) == (0, b"")


def unwritable(output: str) -> int:
    if output != "pipe":
        return os.open(output, os.O_WRONLY)
    reading, writing = os.pipe()
    os.close(reading)
    return writing


def test_a_failed_start_with_a_bus_is_an_error(place: Place) -> None:
    url = "mysql://chat@127.0.0.1:1/chat"
    done = place.process("--database", url, "migrate", CHATSERVER_BUS__URL="redis://127.0.0.1:1/0")
    assert done.code == LATER
    assert done.err.startswith("Error: The database cannot be opened")
    assert done.err.count("\n") == 1


# Starting and stopping ---------------------------------------------------------------------------


def test_the_first_start_shows_the_setup_link_and_creates_private_files(
    place: Place, start: Start
) -> None:
    server = start(place, umask=0)
    token = (place.data / "setup-token").read_text()
    assert f"chatserver {__version__} · data in {place.data} (new)\n" in server.banner
    assert f"    {server.url}/setup#{token}\n" in server.banner
    assert len(token) > 20
    assert "durability: full" in server.banner
    assert mode(place.data) == 0o700
    files = {file.name: mode(file) for file in place.data.iterdir()}
    assert files.keys() >= {"chat.db", "keys.json", "setup-token", "lock", "control.sock"}
    assert set(files.values()) == {0o600}
    assert place.succeed("setup-link").endswith(f"/setup#{token}\n")


def test_creating_the_first_account_by_command_prints_how_to_promote_it(
    place: Place, start: Start
) -> None:
    hint = "chatserver user promote NAME"
    options = ("--data", str(place.data), "user", "add", "--password-stdin")
    assert hint in place.run(*options, "ann", password=PASSWORD).err
    server = start(place)
    assert hint in server.banner
    server.stop()
    place.succeed("user", "promote", "ann")
    assert place.run(*options, "bo", password=PASSWORD).err == ""
    assert hint not in start(place).banner


def test_a_later_start_prints_the_number_of_users(server: Server) -> None:
    assert "  3 users, 1 room\n" in server.banner
    assert "setup" not in server.banner
    assert "(new)" not in server.banner


def test_a_killed_server_can_be_restarted_and_stopped(home: Place, start: Start) -> None:
    start(home).kill()
    assert (home.data / "control.sock").exists()
    server = start(home)
    assert json.loads(server.get("/readyz"))["ok"] == 1
    assert "3 users" in server.banner
    idle = HTTPConnection(server.url.removeprefix("http://"))
    idle.request("GET", "/healthz")  # and keeps its connection open
    code, last = server.stop(signal.SIGTERM)
    idle.close()
    assert code == 0
    assert last.startswith("Stopping: ")
    assert server.log == ""


def test_the_imports_leave_the_environment_unchanged(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", "/own/authorities.pem")
    monkeypatch.delenv("SSL_CERT_DIR", raising=False)
    before = dict(os.environ)
    with _without_ca_certificates():
        assert os.environ["SSL_CERT_FILE"] == os.devnull
    assert dict(os.environ) == before


def test_requests_are_logged_with_verbose_also_if_they_cannot_be_parsed(
    home: Place, start: Start
) -> None:
    server = start(home, "--verbose")
    server.get("/healthz")
    address = urlsplit(server.url)
    with socket.create_connection((str(address.hostname), int(address.port or 0))) as peer:
        peer.sendall(b"GET / HTTP/9.9\r\nHost: x\r\n\r\n")
        assert b" 400 " in peer.recv(100)
    server.stop()  # the line is written after the response
    assert "GET /healthz 200 in " in server.log
    assert " ? 400 in " in server.log
    assert "Traceback" not in server.log


@pytest.mark.parametrize("name", ["where? here", "100%41", "#1", "数据"])
def test_a_data_folder_can_have_any_name(tmp_path: Path, name: str) -> None:
    place = Place(tmp_path)
    place.data = tmp_path / name
    place.succeed("user", "add", "ann")
    assert {"chat.db", "keys.json"} <= {file.name for file in place.data.iterdir()}
    place.succeed("backup", str(tmp_path / "all.zip"))
    place.succeed("restore", "--replace", "--yes", str(tmp_path / "all.zip"))
    assert "ann" in place.succeed("user", "list")
    assert {file.name for file in tmp_path.iterdir()} == {name, "all.zip"}


@pytest.mark.parametrize("arguments", [["-"], ["--force", "-"]])
def test_a_backup_to_standard_output_is_rejected(place: Place, arguments: list[str]) -> None:
    place.succeed("user", "add", "ann")
    assert "chatserver export -" in place.fail("backup", *arguments)
    assert not (place.folder / "-").exists()


def test_a_restore_reports_what_it_reinstates_and_revokes_it_on_request(place: Place) -> None:
    backup = str(place.folder / "all.zip")
    place.succeed("user", "add", "ann", "--admin")
    place.succeed("user", "add", "bo")
    place.succeed("backup", backup)
    place.succeed("user", "disable", "bo")
    data = ("--data", str(place.data))
    done = place.run(*data, "restore", "--replace", "--yes", "--revoke-since", "backup", backup)
    assert (done.code, "bo" in done.err) == (0, False), done.err
    assert "disabled" in place.succeed("user", "list")
    done = place.run(*data, "restore", "--replace", "--yes", backup)
    assert "Accounts that had been disabled: bo." in done.err
    assert "disabled" not in place.succeed("user", "list")
    wrong = place.run(*data, "restore", "--replace", "--revoke-since", "soon", backup)
    assert (wrong.code, 'or "backup"' in wrong.err) == (2, True)
    wrong = place.run(*data, "restore", "--replace", "--revoke-since", "2999-01-01", backup)
    assert (wrong.code, "This time is in the future." in wrong.err) == (2, True)


def test_a_data_folder_can_have_a_very_long_path(place: Place) -> None:
    place.data = place.folder / ("long" * 40) / ("longer" * 30)
    assert place.succeed("migrate").startswith("The database (sqlite)")
    assert place.succeed("setup-link").startswith("http")


def test_the_data_folder_can_be_given_in_three_places(busy: Place) -> None:
    before = busy.process("--data", str(busy.data), "user", "list")
    after = busy.run("user", "list", "--data", str(busy.data))
    by_environment = busy.run("user", "list", CHATSERVER_DATA="data")
    assert before == after == by_environment
    assert (before.code, before.err) == (0, "")


def test_the_version_is_printed(place: Place) -> None:
    done = place.process("--version")
    assert done == (0, f"chatserver, version {__version__}\n", "")


# Errors ------------------------------------------------------------------------------------------


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="a device of Linux")
def test_output_that_cannot_be_written_is_an_error(place: Place) -> None:
    command = [sys.executable, "-m", "chatserver", "--data", str(place.data), "config", "show"]
    with Path("/dev/full").open("wb") as full:
        done = subprocess.run(
            command, stdout=full, stderr=subprocess.PIPE, text=True, timeout=30, check=False
        )
    assert done.returncode == LATER
    assert done.stderr == "Error: Cannot write: No space left on device.\n"


def test_a_port_in_use_is_an_error(home: Place) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port: int = taken.getsockname()[1]
        done = home.process("--data", str(home.data), "--port", str(port))
    said = sentence(done, LATER)
    assert f"Port {port} on 127.0.0.1 is taken" in said
    assert f"--port {port + 1}" in said


def test_a_folder_in_use_by_another_server_is_an_error(busy: Place) -> None:
    holder = (busy.data / "lock").read_text()
    assert f"in use by a running server (process {holder})" in busy.fail_to_serve()
    assert busy.succeed("migrate")


def test_an_unreachable_database_server_is_a_temporary_error(place: Place) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port: int = taken.getsockname()[1]
    url = f"mysql://chat:secret@127.0.0.1:{port}/chat"
    done = place.run("--data", str(place.data), "--database", url, "migrate")
    said = sentence(done, LATER)
    assert said.startswith("The database cannot be opened: ")
    assert "secret" not in said


def test_a_wrong_database_account_is_a_permanent_error(
    place: Place, mariadb: PrivateMariaDB
) -> None:
    url = mariadb.create_database("refused").replace("root@", "cy:wrong@")
    done = place.run("--data", str(place.data), "--database", url, "migrate")
    assert "Access denied" in sentence(done)


def test_the_systemd_unit_restarts_only_after_temporary_errors() -> None:
    unit = configparser.ConfigParser(strict=False, interpolation=None)
    unit.optionxform = str  # type: ignore[assignment,method-assign]
    unit.read(REPOSITORY / "deploy" / "chatserver.service")
    service = unit["Service"]
    assert service["Restart"] == "on-failure"
    assert service["RestartPreventExitStatus"].split() == [str(MISTAKE)]
    assert service["RestartForceExitStatus"] == "SIGHUP"


def test_a_newer_database_is_an_error(home: Place) -> None:
    with closing(sqlite3.connect(home.data / "chat.db")) as database:
        database.execute("UPDATE alembic_version SET version_num = '9999'")
        database.commit()
    assert "The database is newer than this program: it has revision 9999" in home.fail("migrate")


@pytest.mark.parametrize("command", [["user", "list"], ["check"], ["export", "all.jsonl"]])
def test_a_server_that_stops_before_it_answers_is_an_error(
    place: Place, command: list[str]
) -> None:
    def hang_up_on_everybody() -> None:
        with contextlib.suppress(OSError):
            while True:
                listening.accept()[0].close()

    place.data.mkdir(0o700)
    (place.data / "lock").touch()
    with socket.socket(socket.AF_UNIX) as listening:
        with control_address(place.data / "control.sock") as address:
            listening.bind(address)
        listening.listen()
        answering = threading.Thread(target=hang_up_on_everybody)
        answering.start()
        try:
            assert "Try again" in place.fail(*command, code=LATER)
        finally:
            listening.shutdown(socket.SHUT_RDWR)
            answering.join()
    assert not list(place.folder.glob("*.jsonl"))


@pytest.mark.parametrize("command", [["check"], ["backup", "all.zip"], ["export", "-"]])
def test_a_folder_without_a_chat_is_an_error_and_stays_empty(
    place: Place, command: list[str]
) -> None:
    assert "There is no chat in" in place.fail(*command)
    assert list(place.folder.iterdir()) == []


def test_the_doctor_creates_nothing(place: Place) -> None:
    said = place.succeed("doctor")
    assert "will be created at the first start" in said
    assert f"warn  There is no chat in {place.data} yet" in said
    assert list(place.folder.iterdir()) == []


def test_a_bus_without_its_package_is_an_error(
    home: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "redis.asyncio", None)
    monkeypatch.delitem(sys.modules, "chatserver.bus.redis", raising=False)
    said = home.fail("migrate", CHATSERVER_BUS__URL="redis://127.0.0.1")
    assert "pip install 'chatserver-aiohttp[redis]'" in said


def test_a_database_without_an_epoch_is_an_error(home: Place) -> None:
    with closing(sqlite3.connect(home.data / "chat.db")) as database:
        database.execute("DELETE FROM meta WHERE key = 'epoch'")
        database.commit()
    assert "The database has no epoch" in home.fail("check")


def test_a_file_that_is_not_a_database_is_an_error(place: Place) -> None:
    place.data.mkdir(0o700)
    (place.data / "chat.db").write_bytes(b"This is a letter, and no database. " * 100)
    assert "The database cannot be opened: file is not a database." in place.fail("migrate")


def test_an_unreadable_configuration_is_an_error(place: Place) -> None:
    assert "Cannot read the configuration" in place.fail("--config", str(place.folder), "migrate")
    assert "nowhere.toml: No such file" in place.fail("migrate", CHATSERVER_CONFIG="nowhere.toml")


def test_an_invalid_configuration_is_an_error(place: Place) -> None:
    (place.folder / "config.toml").write_text("[server]\nprot = 1\n[auth]\nargon2_time = 1\n")
    done = place.run("config", "check")
    assert (done.code, done.out) == (2, "")
    assert "server.prot is not a key; did you mean port?" in done.err
    assert "auth.argon2_time: Expected int >= 2" in done.err
    assert "Traceback" not in done.err


def test_a_weak_key_is_an_error(home: Place) -> None:
    weak = {"kty": "oct", "alg": "HS256", "kid": "a", "k": "c2VjcmV0"}
    (home.data / "keys.json").write_text(json.dumps({"keys": [weak]}))
    said = home.fail("migrate")
    assert "weak key" in said
    assert "c2VjcmV0" not in said


def test_a_world_writable_folder_is_an_error(place: Place) -> None:
    place.data.mkdir()
    place.data.chmod(0o777)
    assert "chmod o-w" in place.fail("migrate")


@pytest.mark.parametrize("host", ["nosuch.invalid", "a" * 70])
def test_a_server_that_cannot_listen_creates_nothing(place: Place, host: str) -> None:
    assert f"Cannot listen on {host}:" in place.fail_to_serve(host=host)
    socket_file = str(place.folder / "nowhere" / "chat.sock")
    assert "Its folder must exist" in place.fail_to_serve(unix_socket=socket_file)
    assert list(place.folder.iterdir()) == []


def test_the_doctor_fails_where_the_server_refuses_to_start(home: Place) -> None:
    (home.data / "keys.json").write_text("not JSON")
    done = home.run("--data", str(home.data), "doctor")
    assert (done.code, "holds no list of keys" in done.out) == (1, True)
    file = home.folder / "nowhere" / "chat.db"
    url = f"sqlite:///{file}"
    done = home.run("--data", str(home.folder / "new"), "--database", url, "doctor")
    assert done.code == 1
    assert f"FAIL  Cannot write {file}: its folder does not exist." in done.out


def test_the_doctor_fails_without_a_connection_to_the_database(
    home: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def refused(_: Settings) -> tuple[bool, str]:
        error = Unavailable()
        error.reason = "no more connections"
        raise error

    monkeypatch.setattr(doctor, "clock_finding", refused)
    done = home.run("--data", str(home.data), "doctor")
    assert (done.code, done.err) == (1, "")
    assert "FAIL  The database cannot be used: no more connections." in done.out


@pytest.mark.parametrize("option", ["ssl_ca=", "sslmode=require", "ssl_ca=/nowhere.pem"])
def test_config_check_verifies_the_options_of_the_database(home: Place, option: str) -> None:
    url = f"mysql://chat@db/chat?{option}"
    assert "database.url" in home.fail("config", "check", CHATSERVER_DATABASE__URL=url)


def test_a_missing_certificate_is_an_error(home: Place) -> None:
    said = home.fail_to_serve(tls_cert="no", tls_key="no")
    assert said == "server.tls_cert: no cannot be read: No such file or directory."


@pytest.mark.parametrize(
    "arguments", [["--port", "70000"], ["bogus"], ["user", "add"], ["invite", "--uses", "0"]]
)
def test_unknown_arguments_are_an_error(place: Place, arguments: list[str]) -> None:
    done = place.run(*arguments)
    assert done.code == 2
    assert "Error: " in done.err
    assert "Traceback" not in done.err
    assert list(place.folder.iterdir()) == []


# Commands, with and without a running server ------------------------------------------------------


def test_user_add_creates_an_account(chat: Place) -> None:
    said = chat.succeed(
        *("user", "add", "kim", "--display", "Kim 金", "--password-stdin"), password=PASSWORD
    )
    assert said == "Created kim (member).\n"
    assert chat.opens_with("kim", PASSWORD)
    assert chat.query("SELECT display FROM users WHERE name = 'kim'") == [("Kim 金",)]


def test_user_passwd_sets_a_password(chat: Place) -> None:
    said = chat.succeed("user", "passwd", "mia", "--password-stdin", password=NEWER)
    assert said == "The password of mia is set; all sessions have ended.\n"
    assert chat.opens_with("mia", NEWER)
    assert not chat.opens_with("mia", PASSWORD)


def test_user_disable_and_enable_change_an_account(chat: Place) -> None:
    closed = "SELECT name FROM users WHERE disabled_at IS NOT NULL"
    assert chat.succeed("user", "disable", "noa") == "noa is disabled.\n"
    assert chat.query(closed) == [("noa",)]
    assert chat.succeed("user", "enable", "noa") == "noa may log in again.\n"
    assert chat.query(closed) == []


def test_user_delete_deletes_an_account(chat: Place) -> None:
    chat.succeed("user", "add", "rae")
    assert chat.succeed("user", "delete", "rae", "--yes") == "rae is deleted.\n"
    (found,) = chat.query("SELECT display, password_hash FROM users WHERE name = 'rae'")
    assert found == ("Deleted user", "!deleted")
    for command in ("enable", "passwd", "promote"):
        assert "deleted" in chat.fail("user", command, "rae")
    assert "taken" in chat.fail("user", "add", "Rae")
    assert "last administrator" in chat.fail("user", "delete", "ann", "--yes")
    chat.succeed("check")


def test_user_delete_can_delete_the_messages(chat: Place) -> None:
    chat.succeed("user", "add", "ida")
    said = "INSERT INTO events (room_id, seq, kind, user_id, client_id, body, at) SELECT 1,"
    said += " (SELECT head + 1 FROM rooms WHERE id = 1), 2, id, 'x|', 'a secret', 1 FROM users"
    with sqlite3.connect(chat.data / "chat.db") as connection:
        connection.execute(f"{said} WHERE name = 'ida'")
        connection.execute("UPDATE rooms SET head = head + 1 WHERE id = 1")
    done = chat.succeed("user", "delete", "ida", "--messages", "--yes")
    assert done == "ida is deleted, with 1 message.\n"
    assert chat.query("SELECT body FROM events WHERE body LIKE '%secret%'") == []
    done = chat.succeed("user", "delete", "ida", "--messages", "--yes")
    assert done == "ida is deleted, with 0 messages.\n"
    chat.succeed("check")


def test_user_delete_requires_a_confirmation(busy: Place) -> None:
    done = busy.run("--data", str(busy.data), "user", "delete", "noa")
    assert done.code != 0
    assert busy.query("SELECT name FROM users WHERE name = 'noa' AND disabled_at IS NULL")


def test_user_list_prints_all_users(chat: Place) -> None:
    lines = [line.split() for line in chat.succeed("user", "list").splitlines()]
    assert ["ann", "admin", "active", "ann"] in lines
    assert ["mia", "member", "active", "Mia"] in lines


def test_user_promote_and_demote_change_the_role(chat: Place) -> None:
    role = "SELECT role FROM users WHERE name = 'noa'"
    assert chat.succeed("user", "promote", "noa") == "noa is an administrator.\n"
    assert chat.query(role) == [("admin",)]
    assert chat.succeed("user", "demote", "noa") == "noa is a member.\n"
    assert chat.query(role) == [("member",)]
    assert "last administrator" in chat.fail("user", "demote", "ann")


def test_user_import_creates_accounts(chat: Place) -> None:
    file = chat.folder / "people.csv"
    file.write_text(
        f"\ufeffname,display,password\numa,Uma,{PASSWORD}\n小明,,\nann,Impostor,{NEWER}\n"
    )
    done = chat.run("--data", str(chat.data), "user", "import", str(file))
    assert (done.code, done.out) == (0, "2 created, 1 skipped.\n")
    assert "ann: " in done.err
    passwords = listed(file)
    assert passwords["uma"] == PASSWORD
    assert passwords["ann"] == NEWER
    assert GENERATED.match(passwords["小明"])
    for name in ("uma", "小明"):
        assert chat.opens_with(name, passwords[name])
        assert passwords[name] not in done.out + done.err
    assert chat.opens_with("ann", PASSWORD)
    assert mode(file) == 0o600


def test_an_invitation_has_the_public_url(chat: Place) -> None:
    done = chat.run(
        *("--data", str(chat.data), "invite", "--uses", "3", "--days", "2"),
        CHATSERVER_SERVER__PUBLIC_URL="https://chat.example.com/",
    )
    link = re.fullmatch(r"https://chat\.example\.com/join/([\w-]+)\n", done.out)
    assert link is not None
    assert done.err == "Valid for 3 accounts and 2 days.\n"
    single = chat.run("--data", str(chat.data), "invite", "--uses", "1", "--days", "1")
    assert "Valid for 1 account and 1 day.\n" in single.err
    assert chat.query("SELECT uses_left FROM invites WHERE code = ?", link[1]) == [(3,)]


def test_there_is_no_setup_link_after_the_first_account(chat: Place) -> None:
    said = chat.fail("setup-link")
    assert said == "There are accounts already. Use: chatserver user promote NAME"


def test_keys_rotate_signs_with_a_new_key(chat: Place) -> None:
    before = json.loads((chat.data / "keys.json").read_text())["keys"]
    said = chat.succeed("keys", "rotate")
    after = json.loads((chat.data / "keys.json").read_text())["keys"]
    assert said == f"New key {after[0]['kid']} signs from now on.\n"
    assert after[1:] == before[:2]
    assert mode(chat.data / "keys.json") == 0o600


def test_migrate_upgrades_to_the_revision_of_the_program(chat: Place) -> None:
    ((revision,),) = chat.query("SELECT version_num FROM alembic_version")
    assert chat.succeed("migrate") == f"The database (sqlite) is at revision {revision}.\n"


def test_the_doctor_finds_no_fault_in_a_healthy_chat(chat: Place) -> None:
    said = chat.succeed("doctor")
    doubts = [line for line in said.splitlines() if not line.startswith("ok  ")]
    assert [line[:44] for line in doubts] == [
        "warn  notifications: browsers offer them onl",
        "warn  no address for other devices is known.",
    ]
    assert "durability: full" in said


@pytest.mark.parametrize(
    "command",
    [
        "keys rotate",
        "user delete noa --yes",
        "user add sam",
        "user list",
        "room retention lobby 3",
        "invite",
        "bot list",
        "migrate",
        "ready",
    ],
)
def test_a_command_reports_a_running_server_of_another_version(
    busy: Place, command: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(control, "__version__", "9.9")
    said = busy.fail(*command.split())
    assert f"is of version {__version__}, and this program is 9.9: restart the server" in said


def test_a_server_of_another_version_can_be_copied_and_fails_the_doctor(
    busy: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(control, "__version__", "9.9")
    done = busy.run("--data", str(busy.data), "backup", str(busy.folder / "before.zip"))
    assert (done.code, done.err.startswith("Warning: The running server ")) == (0, True)
    done = busy.run("--data", str(busy.data), "doctor")
    assert (done.code, "FAIL  The running server " in done.out) == (1, True)


# Commands in detail ------------------------------------------------------------------------------


def test_without_a_terminal_a_password_is_generated_and_printed_once(busy: Place) -> None:
    made, shown = busy.succeed("user", "add", "lee").splitlines()
    assert made == "Created lee (member)."
    first = shown.removeprefix("Password: ")
    assert GENERATED.match(first)
    assert busy.opens_with("lee", first)
    _, shown = busy.succeed("user", "passwd", "lee").splitlines()
    second = shown.removeprefix("Password: ")
    assert second != first
    assert busy.opens_with("lee", second)


def test_an_account_that_cannot_be_created_is_an_error(busy: Place) -> None:
    before = busy.query("SELECT count(*) FROM users")
    assert "taken" in busy.fail("user", "add", "ANN")
    assert "at least 8 characters" in busy.fail("user", "add", "max", "--password-stdin")
    assert busy.query("SELECT count(*) FROM users") == before


@pytest.mark.parametrize("name", ["..", "a/b?"])
def test_changing_an_unknown_user_is_an_error(busy: Place, name: str) -> None:
    assert busy.fail("user", "disable", name).startswith(("There is no", "Not found"))


def test_repeating_an_import_changes_nothing(busy: Place) -> None:
    file = busy.folder / "twice.csv"
    file.write_text("name,display,password\nivo,,\n")
    busy.succeed("user", "import", str(file))
    written = file.read_bytes()
    assert busy.succeed("user", "import", str(file)) == "0 created, 1 skipped.\n"
    assert file.read_bytes() == written
    assert busy.opens_with("ivo", listed(file)["ivo"])


def test_an_import_keeps_other_columns_and_lines_of_existing_users(busy: Place) -> None:
    file = busy.folder / "staff.csv"
    raw = (
        "\ufeffname,room,password,display,\r\n"
        'ANN,"12, ""left""",,Impostor\r\n'
        "\r\n"
        'pam,"two\nlines",,Pam,x\r\n'
        "Pam,14\r\n"
    )
    file.write_bytes(raw.encode())
    done = busy.run("--data", str(busy.data), "user", "import", str(file))
    assert (done.code, done.out) == (0, "1 created, 2 skipped.\n")
    assert "ANN: that name is taken.\nPam: that name is taken.\n" in done.err
    password = listed(file)["pam"]
    assert busy.query("SELECT display FROM users WHERE name = 'pam'") == [("Pam",)]
    assert busy.opens_with("pam", password)
    assert file.read_bytes().decode() == raw.replace('lines",,', f'lines",{password},')


def test_an_import_with_rejected_users_has_an_exit_code_and_creates_the_others(
    busy: Place,
) -> None:
    file = busy.folder / "wrong.csv"
    table = f"name,display,password\ntom,,short\nbad name!,,\nANN,,\nzoe,,{PASSWORD}\n"
    file.write_text(table)
    done = busy.run("--data", str(busy.data), "user", "import", str(file))
    assert (done.code, done.out) == (1, "1 created, 3 skipped.\n")
    assert "tom: " in done.err
    assert "bad name!: " in done.err
    assert file.read_text() == table  # no password of a user who does not exist
    assert busy.opens_with("zoe", PASSWORD)


@pytest.mark.parametrize("ending", ["\n", "\r\n", "\r"])
def test_an_import_adds_a_column_for_generated_passwords(busy: Place, ending: str) -> None:
    file = busy.folder / "names.csv"
    rae, sol = (f"{name}{ord(ending[0])}{len(ending)}" for name in ("rae", "sol"))
    file.write_bytes(ending.join(["name", rae, f"{sol},beside", ""]).encode())
    assert busy.succeed("user", "import", str(file)) == "2 created, 0 skipped.\n"
    made = listed(file)
    lines = ["name,,password", f"{rae},,{made[rae]}", f"{sol},beside,{made[sol]}", ""]
    assert file.read_bytes().decode() == ending.join(lines)
    assert all(busy.opens_with(name, password) for name, password in made.items())


@pytest.mark.parametrize(
    ("raw", "error"),
    [
        (b"uma;Uma;secret\n", "needs the header name,display,password"),
        ("name,display,password\nmüller,,\n".encode("cp1252"), "Save it as CSV UTF-8"),
        (b"name,display,password\n,Uma,\n", "line 2: the name is missing"),
        (
            b'name,display,password\numa,"Uma,\nbo,,\n',
            "line 3: this is not valid CSV: unexpected end",
        ),
        (
            b"name,display,password\numa," + b"x" * 131_073,
            "line 2: this is not valid CSV: field larger",
        ),
    ],
)
def test_an_invalid_list_of_users_is_rejected(place: Place, raw: bytes, error: str) -> None:
    file = place.folder / "people.csv"
    file.write_bytes(raw)
    assert error in place.fail("user", "import", "people.csv")
    assert file.read_bytes() == raw
    assert not place.data.exists()


def test_the_doctor_finds_files_that_others_can_read(busy: Place) -> None:
    (busy.data / "keys.json").chmod(0o644)
    done = busy.run("--data", str(busy.data), "doctor")
    (busy.data / "keys.json").chmod(0o600)
    assert (done.code, done.err) == (1, "")
    (finding,) = [line for line in done.out.splitlines() if line.startswith("FAIL")]
    assert "keys.json: other accounts can read it" in finding


@pytest.mark.parametrize(
    ("hours", "relation"),
    [(-400 * 24, "400 days ahead of"), (400 * 24, "400 days behind"), (1.5, "1.5 hours behind")],
)
def test_the_doctor_finds_a_clock_that_contradicts_the_nightly_runs(
    busy: Place, hours: float, relation: str
) -> None:
    began = time.time_ns() // 1_000_000 + round(hours * 3_600_000)
    with contextlib.closing(sqlite3.connect(busy.data / "chat.db")) as database:
        database.execute("INSERT INTO meta (key, value) VALUES ('night', ?)", (str(began),))
        database.commit()
        done = busy.run("--data", str(busy.data), "doctor")
        database.execute("DELETE FROM meta WHERE key = 'night'")
        database.commit()
    assert done.code == 1
    (finding,) = [line for line in done.out.splitlines() if line.startswith("FAIL")]
    assert f"clock: {relation} the last nightly run" in finding


def test_the_doctor_finds_a_clock_behind_the_newest_message(busy: Place) -> None:
    later = time.time_ns() // 1_000_000 + 2 * 3_600_000
    with contextlib.closing(sqlite3.connect(busy.data / "chat.db")) as database:
        database.execute(
            "INSERT INTO events (room_id, seq, kind, user_id, client_id, body, at)"
            " SELECT 1, head + 1, 1, 1, 'late|', '', ? FROM rooms WHERE id = 1",
            (later,),
        )
        database.execute("UPDATE rooms SET head = head + 1 WHERE id = 1")
        database.commit()
        done = busy.run("--data", str(busy.data), "doctor")
        database.execute("DELETE FROM events WHERE client_id = 'late|'")
        database.execute("UPDATE rooms SET head = head - 1 WHERE id = 1")
        database.commit()
    assert done.code == 1
    (finding,) = [line for line in done.out.splitlines() if line.startswith("FAIL")]
    assert "clock: 2.0 hours behind the newest message" in finding


def listed(file: Path) -> dict[str, str]:
    """Return name → password of a file for `user import`."""
    with file.open(encoding="utf-8-sig", newline="") as opened:
        return {row["name"]: row["password"] for row in csv.DictReader(opened)}


# The configuration -------------------------------------------------------------------------------


def test_the_configuration_is_shown_with_its_sources_and_without_passwords(place: Place) -> None:
    (place.folder / "config.toml").write_text("[server]\nport = 8080\n")
    url = "mysql://chat:hunter2@localhost/chat"
    said = place.succeed(
        "--database", url, "config", "show", CHATSERVER_AUTH__SESSION_DAYS="7"
    ).splitlines()
    assert f"data = {place.data}  # command line" in said
    assert "server.port = 8080  # config.toml" in said
    assert "server.host = '127.0.0.1'  # default" in said
    assert "auth.session_days = 7  # CHATSERVER_AUTH__SESSION_DAYS" in said
    assert "database.url = 'mysql://chat:***@localhost/chat'  # command line" in said
    assert not place.data.exists()


def test_a_valid_configuration_is_reported_as_fine(place: Place) -> None:
    shutil.copy(REPOSITORY / "config.example.toml", place.folder / "config.toml")
    assert place.succeed("config", "check") == "The configuration is fine.\n"


def test_a_mistyped_name_in_the_environment_is_a_warning(place: Place) -> None:
    done = place.run("config", "check", CHATSERVER_SERVER__PROT="1")
    assert done.code == 0
    assert done.err.startswith("Warning: CHATSERVER_SERVER__PROT is not a setting")
    assert "did you mean CHATSERVER_SERVER__PORT?" in done.err


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_bot_add_prints_a_valid_token(chat: Place) -> None:
    done = chat.run(*("--data", str(chat.data), "bot", "add", "ci", "--room", "lobby"))
    assert re.fullmatch(r"bot_[\w-]{32}\n", done.out)
    (kept,) = chat.query("SELECT digest FROM bot_tokens")
    assert done.out.strip() not in kept[0]
    assert chat.fail("bot", "add", "ci2", "--room", "nowhere") == (
        "There is no room named nowhere."
    )


def test_bot_token_replaces_the_token(chat: Place) -> None:
    old = chat.succeed("bot", "add", "deploy")
    ((before,),) = digests(chat, "deploy")
    chat.succeed("user", "disable", "deploy")
    chat.succeed("user", "enable", "deploy")
    assert digests(chat, "deploy") == [(before,)]  # an enabled account has its token again
    new = chat.succeed("bot", "token", "deploy")
    assert re.fullmatch(r"bot_[\w-]{32}\n", new)
    assert digests(chat, "deploy") != [(before,)]
    assert new != old
    assert chat.fail("bot", "token", "ann") == "There is no bot with that name."


def test_bots_and_rooms_are_listed_as_text_and_as_json(chat: Place) -> None:
    chat.succeed("bot", "add", "lister")
    assert re.search(r"(?m)^lister +active +", chat.succeed("bot", "list"))
    assert chat.succeed("bot", "revoke", "lister") == "The token of lister is revoked.\n"
    (bot,) = (b for b in json.loads(chat.succeed("bot", "list", "--json")) if b["name"] == "lister")
    assert bot["token_since"] is None
    assert "lobby" in chat.succeed("room", "list")
    assert [room["name"] for room in json.loads(chat.succeed("room", "list", "--json"))] == [
        "lobby"
    ]
    assert "ann" in {user["name"] for user in json.loads(chat.succeed("user", "list", "--json"))}
    assert "/join/" in chat.succeed("invite", "--room", "lobby")


def test_rooms_are_given_by_name_or_number(chat: Place) -> None:
    def kept() -> Any:
        return json.loads(chat.succeed("room", "list", "--json"))[0]["retention_days"]

    assert (
        chat.succeed("room", "retention", "#Lobby", "30")
        == "#Lobby keeps its messages for 30 days.\n"
    )
    assert kept() == 30
    assert chat.succeed("room", "retention", "1", "0") == "1 keeps its messages forever.\n"
    assert kept() is None
    assert chat.fail("room", "archive", "lobby") == "The lobby stays open to everyone."
    assert chat.fail("room", "archive", "nosuch") == "There is no room with that name."


def test_lists_are_read_without_a_server(idle: Place) -> None:
    before = (idle.data / "chat.db").read_bytes()
    for noun in ("user", "bot", "room"):
        idle.succeed(noun, "list", "--json")
    assert (idle.data / "chat.db").read_bytes() == before


def test_private_rooms_of_the_same_name_are_given_by_number() -> None:
    rooms = [{"room": 2, "name": "plans"}, {"room": 3, "name": "plans"}, {"room": 4, "name": "x1"}]
    assert [_number(rooms, name) for name in ("3", "#X1")] == [3, 4]
    with pytest.raises(ChatServerError, match="Give the number of one: 2, 3"):
        _number(rooms, "plans")


def test_results_can_be_printed_as_json(chat: Place) -> None:
    data = ("--data", str(chat.data))
    examined = chat.run(*data, "doctor", "--json")
    findings = json.loads(examined.out)
    assert {frozenset(found) for found in findings} == {frozenset({"ok", "text"})}
    assert examined.code == (1 if False in [found["ok"] for found in findings] else 0)
    checked = json.loads(chat.succeed("check", "--json"))
    assert (checked["ok"], checked["findings"], checked["rooms"]) == (True, [], 1)
    invited = json.loads(chat.succeed("invite", "--json", "--uses", "3"))
    assert (invited["uses_left"], invited["code"] in invited["url"]) == (3, True)
    keys = {entry["key"]: entry for entry in json.loads(chat.succeed("config", "show", "--json"))}
    assert keys["data"] == {"key": "data", "value": str(chat.data), "source": "command line"}
    assert isinstance(keys["server.port"]["value"], int)


def test_ready_requires_a_running_server(busy: Place, idle: Place) -> None:
    assert busy.succeed("ready") == "Ready. Database: sqlite, durability: full.\n"
    assert idle.fail("ready") == "No server runs on this data folder."


def digests(chat: Place, bot: str) -> list[Any]:
    return chat.query(
        "SELECT digest FROM bot_tokens JOIN users ON users.id = bot_tokens.user_id WHERE name = ?",
        bot,
    )
