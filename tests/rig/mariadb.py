"""A private MariaDB with the durability that the product requires.

Committed data survive `kill` and `stop`. It requires no password and listens on loopback.
"""

import os
import subprocess
from pathlib import Path
from typing import Any

import pymysql

from .server import PrivateServer, find

PROGRAMS = ("mariadbd", "mariadb-install-db", "mariadb")


class PrivateMariaDB(PrivateServer):
    """`with PrivateMariaDB() as mariadb: url = mariadb.create_database("chat")`."""

    def __init__(self) -> None:
        super().__init__()
        self._copies: dict[str, list[str]] = {}  # statements by the name of their source

    @staticmethod
    def found() -> bool:
        """Whether MariaDB is installed."""
        return all(find(name) for name in PROGRAMS)

    def create_database(self, name: str) -> str:
        """Create an empty database; return its URL."""
        self.sql(f"CREATE DATABASE `{name}`")
        return f"mysql://root@127.0.0.1:{self.port}/{name}"

    def copy(self, source: str, target: str) -> None:
        """Give an empty database the tables and rows of another one."""
        if source not in self._copies:
            self._copies[source] = self._copy_statements(source)
        with self._connection(target) as connection, connection.cursor() as cursor:
            for statement in self._copies[source]:
                cursor.execute(statement)

    def _copy_statements(self, source: str) -> list[str]:
        made, filled = ["SET foreign_key_checks=0"], list[str]()
        with self._connection(source) as connection, connection.cursor() as cursor:
            cursor.execute("SHOW TABLES")
            for (table,) in cursor.fetchall():
                cursor.execute(f"SHOW CREATE TABLE `{table}`")
                made.append(cursor.fetchone()[1])
                if cursor.execute(f"SELECT 1 FROM `{table}` LIMIT 1"):
                    filled.append(f"INSERT INTO `{table}` SELECT * FROM `{source}`.`{table}`")
        return [*made, *filled]

    def _connection(self, database: str) -> Any:
        address: dict[str, Any] = {"host": "127.0.0.1", "port": self.port, "user": "root"}
        return pymysql.connect(**address, database=database, autocommit=True)

    def sql(self, statements: str) -> str:
        """Run statements; return a line for each row, tabs between columns, no heading."""
        server = ["--no-defaults", "--host=127.0.0.1", f"--port={self.port}", "--user=root"]
        form = ["--default-character-set=utf8mb4", "--skip-column-names", "--batch"]
        return _run("mariadb", *server, *form, "--execute", statements)

    def prepare(self) -> None:
        self._scratch.mkdir()
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

    def is_ready(self, answer: bytes) -> bool:
        """The greeting is packet 0 of protocol 10; an error has 255 there."""
        return answer[3:5] == b"\x00\x0a"

    def _place(self) -> list[str]:
        user = ["--user=root"] if os.geteuid() == 0 else []
        folders = [f"--datadir={self.folder / 'data'}", f"--tmpdir={self._scratch}"]
        return ["--no-defaults", *folders, *user]

    @property
    def _scratch(self) -> Path:
        """Folder for temporary tables, because a starting server empties a shared one."""
        return self.folder / "tmp"


class TlsMariaDB(PrivateMariaDB):
    """MariaDB with TLS and a certificate for 127.0.0.1 of the authority `authority`.

    `client` and `client_key` are a client certificate of the same authority.
    """

    @staticmethod
    def found() -> bool:
        """Whether MariaDB and openssl are installed."""
        return PrivateMariaDB.found() and find("openssl") is not None

    @property
    def authority(self) -> Path:
        return self.folder / "authority.pem"

    @property
    def client(self) -> Path:
        return self.folder / "client.pem"

    @property
    def client_key(self) -> Path:
        return self.folder / "client.key"

    def prepare(self) -> None:
        super().prepare()
        self._certify("authority", "/CN=authority", "basicConstraints=critical,CA:TRUE")
        signed = ["-CA", str(self.authority), "-CAkey", str(self.folder / "authority.key")]
        self._certify("server", "/CN=server", "subjectAltName=IP:127.0.0.1", *signed)
        self._certify("client", "/CN=client", "subjectAltName=DNS:client", *signed)

    def _certify(self, name: str, subject: str, extension: str, *signed: str) -> None:
        make = ["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"]
        files = ["-keyout", str(self.folder / f"{name}.key"), "-out", str(self.folder / name)]
        files[-1] += ".pem"
        _run("openssl", *make, "-subj", subject, "-addext", extension, *files, *signed)

    def command(self) -> list[str]:
        folder = self.folder
        files = {"ca": self.authority, "cert": folder / "server.pem", "key": folder / "server.key"}
        return [*super().command(), *(f"--ssl-{name}={file}" for name, file in files.items())]


def _program(name: str) -> str:
    return find(name) or name  # if it is not installed, the start fails


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
