"""Documented command lines run as printed, on a chat that is set up.

Absolute paths are mapped to a folder of the test, `chatserver` is this checkout, and `sudo` only
drops its options.
"""

import itertools
import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from tests.rig.mariadb import PrivateMariaDB
from tests.test_docs import code, commands
from tests.test_main import PASSWORD, REPOSITORY, Done, Place, Server, command, environment

pytestmark = pytest.mark.xdist_group("main")

OPERATING = (REPOSITORY / "docs" / "operating.md").read_text(encoding="utf-8")
README = (REPOSITORY / "README.md").read_text(encoding="utf-8")
SECURITY = (REPOSITORY / "docs" / "security.md").read_text(encoding="utf-8")
UNIT = (REPOSITORY / "deploy" / "chatserver.service").read_text(encoding="utf-8")

PLACES = ("/var/lib/chatserver", "/var/backups", "/etc/chatserver", "/opt/chatserver", "/tmp/trial")
OLD = 40 * 24 * 3600  # seconds

_numbers = itertools.count()


class Machine:
    """Simulates a machine with the chat installed as in docs/operating.md."""

    def __init__(self, root: Path, url: str = "") -> None:
        self.root = root
        for folder in ("/etc/chatserver", "/var/backups/chat", "/opt/chatserver/bin", "/tmp"):
            self.path(folder).mkdir(parents=True)
        config = f'[database]\nurl = "{url}"\n' if url else ""
        self.path("/etc/chatserver/config.toml").write_text(config)
        program = self.path("/opt/chatserver/bin/chatserver")
        self._script(program, f'exec {shlex.quote(sys.executable)} -m chatserver "$@"')
        self._script(program.with_name("sudo"), 'shift 2; exec "$@"')
        self.home = Place(self.path("/etc/chatserver"))  # the working directory of the unit
        self.home.data = self.path("/var/lib/chatserver")

    def path(self, path: str) -> Path:
        return self.root / path.lstrip("/")

    def sh(self, line: str) -> Done:
        """Run a documented line in a shell at /."""
        here = re.sub(
            "|".join(map(re.escape, PLACES)), lambda place: f"{self.root}{place[0]}", line
        )
        bin_path = self.path("/opt/chatserver/bin")
        ended = subprocess.run(
            ["/bin/sh", "-c", here],
            cwd=self.root,
            env=environment(PATH=f"{bin_path}:{os.environ['PATH']}"),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )
        return Done(ended.returncode, ended.stdout, ended.stderr)

    def set_up(self) -> None:
        self.home.succeed("user", "add", "ann", "--admin", "--password-stdin", password=PASSWORD)

    def _script(self, file: Path, text: str) -> None:
        file.write_text(f"#!/bin/sh\n{text}\n")
        file.chmod(0o755)


@pytest.fixture
def url(mariadb: PrivateMariaDB) -> str:
    return mariadb.create_database(f"documented{next(_numbers)}")


@pytest.fixture
def machine(tmp_path: Path, url: str) -> Machine:
    """A machine with MariaDB, without a running server."""
    made = Machine(tmp_path, url)
    made.set_up()
    return made


def line(having: str, text: str = OPERATING) -> str:
    """Return the line of the text that contains `having`; it may occur more than once."""
    (found,) = {printed for printed in code(text) if having in printed}
    return found


def crontab(printed: str) -> str:
    """Return the command that cron passes to the shell: without times, with \\% as %."""
    return printed.split(maxsplit=5)[5].replace("\\%", "%")


# Installation ------------------------------------------------------------------------------------


def test_the_crontab_line_backs_up_the_configured_chat(machine: Machine) -> None:
    old = machine.path("/var/backups/chat/old.zip")
    old.touch()
    os.utime(old, (0, old.stat().st_mtime - OLD))
    done = machine.sh(crontab(line("0 4 * * *")))
    assert (done.code, done.err[:24]) == (0, "Saved 1 user, 1 room, 0 "), done
    (made,) = machine.path("/var/backups/chat").iterdir()
    assert re.fullmatch(r"\d{4}-\d\d-\d\d\.zip", made.name)


def test_without_the_configuration_no_backup_is_made_and_none_is_deleted(machine: Machine) -> None:
    """A line without the configuration would save an empty SQLite database."""
    good = machine.path("/var/backups/chat/good.zip")
    good.touch()
    os.utime(good, (0, good.stat().st_mtime - OLD))
    before = sorted(machine.home.data.iterdir())
    printed = crontab(line("0 4 * * *")).replace("--config /etc/chatserver/config.toml ", "")
    done = machine.sh(printed)
    assert done.code == 2
    assert "belongs to the database mysql://localhost" in done.err
    assert list(machine.path("/var/backups/chat").iterdir()) == [good]
    assert sorted(machine.home.data.iterdir()) == before


@pytest.mark.parametrize("text", [OPERATING, UNIT], ids=["operating.md", "chatserver.service"])
def test_the_account_of_the_service_can_create_an_invitation(machine: Machine, text: str) -> None:
    (printed,) = re.findall(r"sudo -u chatserver (?:.|\\\n)*?invite$", text, re.MULTILINE)
    done = machine.sh(printed.replace("\n#", "\n"))
    assert (done.code, "/join/" in done.out) == (0, True), done


def test_the_documented_commands_of_an_upgrade_succeed(tmp_path: Path) -> None:
    """`chatserver` is the program with its options, or run in its working directory."""
    machine = Machine(tmp_path)
    machine.home.data = machine.root / "chatserver-data"
    machine.set_up()
    for printed in (line("backup before-upgrade.zip"), line("chatserver doctor")):
        done = machine.sh(printed)
        assert done.code == 0, done
    assert (machine.root / "before-upgrade.zip").exists()


def test_the_documented_trial_of_a_restore_has_no_findings(machine: Machine) -> None:
    machine.home.succeed("backup", str(machine.root / "before-upgrade.zip"))
    for having in ("/tmp/trial --database sqlite:////tmp/trial/chat.db restore", "chat.db check"):
        done = machine.sh(line(having))
        assert done.code == 0, done
    assert done.out == "No findings in 1 room, 0 events.\n"


def test_the_documented_move_from_sqlite_to_mysql_has_no_findings(tmp_path: Path, url: str) -> None:
    machine = Machine(tmp_path)
    machine.home.data = machine.root / "chatserver-data"
    machine.set_up()
    for having in ("export everything", "import everything", "127.0.0.1/chat check"):
        printed = line(having).replace("mysql://chat:PASSWORD@127.0.0.1/chat", url)
        done = machine.sh(printed)
        assert done.code == 0, done
    assert done.out == "No findings in 1 room, 0 events.\n"


# Single commands ---------------------------------------------------------------------------------

SERVING = {"serve", "serve --verbose", "--port 3001"}  # run until they are stopped
ABSOLUTE = re.compile("|".join(map(re.escape, (*PLACES, "--database"))))
REFUSED = {"setup-link", "--data chat-data setup-link"}  # there are accounts already
ASKING = {  # with a confirmation
    "restore before-upgrade.zip --replace": "replace",
    "user delete NAME": "delete",
}
NEEDS_A_SERVER = {"ready"}
BUCKET = "'s3://bucket/prefix?endpoint=https://s3.example.com'"
NEEDS_A_BUCKET = {"files copy", f"files copy {BUCKET}", "files copy folder"}  # commands/test_files
ELSEWHERE = NEEDS_A_SERVER | NEEDS_A_BUCKET
CHOICES = ("show", "check")
WITHOUT_A_COMMAND = {"user"}  # shows the help


def printed_commands() -> list[str]:
    """Return the commands without absolute paths; the lines above have their own tests."""
    found: set[str] = set()
    for text in (README, OPERATING, SECURITY):
        found |= {re.split(r"\s{2,}", printed)[0] for printed in commands(text)}
    found |= {printed.replace("show|check", choice) for printed in found for choice in CHOICES}
    return sorted(c for c in found if not ABSOLUTE.search(c) and "|" not in c)


@pytest.fixture(scope="module")
def furnished(tmp_path_factory: pytest.TempPathFactory) -> Place:
    """ann, bo, a bot, a room for it, a backup, and a data folder under each printed name."""
    place = Place(tmp_path_factory.mktemp("documented"))
    place.data = place.folder / "chatserver-data"
    place.succeed("user", "add", "ann", "--admin", "--password-stdin", password=PASSWORD)
    place.succeed("user", "add", "bo", "--password-stdin", password=PASSWORD)
    place.succeed("user", "add", "cy")
    place.succeed("bot", "add", "robot")
    place.succeed("backup", str(place.folder / "before-upgrade.zip"))
    (place.folder / "chat-data").symlink_to(place.data)
    return place


def filled(printed: str) -> list[str]:
    """Replace placeholders by names and files."""
    names = {
        "user delete": "cy",
        "bot token": "robot",
        "bot add": "bot2",
        "user add": f"cy{next(_numbers)}",
    }
    name = next((names[begin] for begin in names if printed.startswith(begin)), "bo")
    words = printed.replace("NAME", name).replace("FILE", "written").split()
    if words == ["backup"]:
        words.append("written")
    return [*words, "--force"] if words[0] in ("backup", "export") else words


@pytest.mark.parametrize(
    "printed", [c for c in printed_commands() if c not in SERVING | ASKING.keys() | ELSEWHERE]
)
def test_a_documented_command_runs(furnished: Place, printed: str) -> None:
    done = furnished.run(*filled(printed))
    if printed in REFUSED:
        assert "There are accounts already" in done.err
    elif printed in WITHOUT_A_COMMAND:
        assert "Usage: " in done.out + done.err
    else:
        assert done.code == 0, done


@pytest.mark.parametrize("printed", sorted(ASKING))
def test_a_documented_command_with_a_confirmation_runs(furnished: Place, printed: str) -> None:
    ended = subprocess.run(
        command(*filled(printed)),
        cwd=furnished.folder,
        env=environment(),
        input=f"{ASKING[printed]}\n",
        capture_output=True,
        text=True,
        check=False,
    )
    assert ended.returncode == 0, ended
    assert ended.stdout.startswith(("Imported", "cy is deleted."))


@pytest.mark.parametrize("printed", sorted(SERVING))
def test_the_documented_server_commands_start_it(tmp_path: Path, printed: str) -> None:
    """Uses a free port, because the documented one may be in use."""
    words = [word for word in printed.split() if word not in ("--port", "3001")]
    server = Server(Place(tmp_path), *words)
    assert server.stop()[0] == 0


def test_most_commands_are_documented() -> None:
    known = {printed.split()[0] for printed in printed_commands()}
    assert known >= {"backup", "bot", "check", "config", "doctor", "export", "invite", "keys"}
    assert known >= {"migrate", "restore", "setup-link", "user"}
