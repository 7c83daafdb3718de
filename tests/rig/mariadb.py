"""A private MariaDB with the durability that the product asks of one in service.

What it has committed survives `kill` and `stop`. It asks for no password and listens on loopback.
"""

import os
import subprocess

from .server import PrivateServer, find

PROGRAMS = ("mariadbd", "mariadb-install-db", "mariadb")


class PrivateMariaDB(PrivateServer):
    """`with PrivateMariaDB() as mariadb: url = mariadb.create_database("chat")`."""

    @staticmethod
    def found() -> bool:
        """Whether this machine has it."""
        return all(find(name) for name in PROGRAMS)

    def create_database(self, name: str) -> str:
        """The URL of the new, empty database."""
        self.sql(f"CREATE DATABASE `{name}`")
        return f"mysql://root@127.0.0.1:{self.port}/{name}"

    def sql(self, statements: str) -> str:
        """What they answer: a line for a row, tabs between columns, no heading."""
        server = ["--no-defaults", "--host=127.0.0.1", f"--port={self.port}", "--user=root"]
        form = ["--default-character-set=utf8mb4", "--skip-column-names", "--batch"]
        return _run("mariadb", *server, *form, "--execute", statements)

    def prepare(self) -> None:
        passwordless = ["--auth-root-authentication-method=normal", "--skip-test-db"]
        _run("mariadb-install-db", *self._place(), *passwordless)

    def command(self) -> list[str]:
        return [
            _program("mariadbd"),
            *self._place(),
            "--bind-address=127.0.0.1",
            f"--port={self.port}",
            "--socket=socket",  # within datadir: an absolute path may be longer than a socket's can
            "--skip-log-bin",
            "--skip-name-resolve",
            "--innodb-flush-log-at-trx-commit=1",
            "--innodb-buffer-pool-size=16M",
            "--character-set-server=utf8mb4",
        ]

    def understands(self, answer: bytes) -> bool:
        """The greeting is packet 0 of protocol 10; an error would stand there as 255."""
        return answer[3:5] == b"\x00\x0a"

    def _place(self) -> list[str]:
        user = ["--user=root"] if os.geteuid() == 0 else []
        return ["--no-defaults", f"--datadir={self.folder / 'data'}", *user]


def _program(name: str) -> str:
    return find(name) or name  # not installed: let starting it say so


def _run(name: str, *arguments: str) -> str:
    done = subprocess.run(
        [_program(name), *arguments],
        capture_output=True,
        encoding="utf-8",
        check=False,
        timeout=60,
    )
    if done.returncode:
        raise RuntimeError(f"{name}: {done.stdout[-1_000:]}{done.stderr[-1_000:]}")
    return done.stdout
