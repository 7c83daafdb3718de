"""The rig: what other tests rely on."""

import os
import select
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from redis import Redis

from . import needs
from .mariadb import PrivateMariaDB
from .redis import PrivateRedis
from .server import PrivateServer

NAP = 20  # seconds until a process must have ended

OWNER = """
import sys
from {module} import {name}
with {name}() as server:
    print(server.pid, flush=True)
    sys.stdin.read()
"""


@pytest.fixture(scope="module")
def mariadb() -> Iterator[PrivateMariaDB]:
    needs.require("MariaDB", found=PrivateMariaDB.found())
    with PrivateMariaDB() as server:
        yield server


@pytest.fixture(scope="module")
def redis() -> Iterator[PrivateRedis]:
    needs.require("Redis", found=PrivateRedis.found())
    with PrivateRedis() as server:
        yield server


def test_mariadb_has_a_url_for_each_database(mariadb: PrivateMariaDB) -> None:
    assert mariadb.create_database("blue") == f"mysql://root@127.0.0.1:{mariadb.port}/blue"
    assert mariadb.create_database("red").endswith("/red")
    assert mariadb.sql("SHOW TABLES IN blue; SHOW TABLES IN red") == ""


def test_mariadb_flushes_every_commit_and_supports_all_of_unicode(mariadb: PrivateMariaDB) -> None:
    settings = "@@innodb_flush_log_at_trx_commit, @@character_set_server, @@log_bin"
    assert mariadb.sql(f"SELECT {settings}, '你好😀'") == "1\tutf8mb4\t0\t你好😀\n"


@pytest.mark.parametrize("end", ["kill", "stop"])
def test_mariadb_keeps_committed_data(mariadb: PrivateMariaDB, end: str) -> None:
    mariadb.create_database(end)
    mariadb.sql(f"CREATE TABLE {end}.t (n INT); INSERT INTO {end}.t VALUES (7)")
    old = mariadb.pid
    getattr(mariadb, end)()
    mariadb.restart()
    assert mariadb.pid != old
    assert mariadb.sql(f"SELECT n FROM {end}.t") == "7\n"


def test_mariadb_reports_errors_of_statements(mariadb: PrivateMariaDB) -> None:
    with pytest.raises(RuntimeError, match="Unknown database 'nowhere'"):
        mariadb.sql("USE nowhere")


def test_redis_answers_at_the_same_url_after_it_was_killed(redis: PrivateRedis) -> None:
    with Redis.from_url(redis.url) as client:
        client.set("colour", "blue")
    redis.kill()
    redis.restart()
    with Redis.from_url(redis.url) as client:
        assert client.get("colour") is None


def test_a_failed_start_reports_the_reason() -> None:
    needs.require("Redis", found=PrivateRedis.found())
    with pytest.raises(RuntimeError, match="no-such-option"), WrongRedis():
        pass


class WrongRedis(PrivateRedis):
    def command(self) -> list[str]:
        return [*super().command(), "--no-such-option", "1"]


def test_leaving_the_context_ends_the_server_and_removes_its_folder() -> None:
    needs.require("Redis", found=PrivateRedis.found())
    with PrivateRedis() as server:
        ended = os.pidfd_open(server.pid)
        folder = server.folder
    assert _readable(ended)
    assert not folder.exists()
    with pytest.raises(RuntimeError, match="not running"):
        _ = server.pid


@pytest.mark.parametrize("program", [PrivateMariaDB, PrivateRedis])
def test_no_server_outlives_a_killed_test_run(
    program: type[PrivateMariaDB] | type[PrivateRedis], tmp_path: Path
) -> None:
    needs.require(program.__name__.removeprefix("Private"), found=program.found())
    with _owner_of(program, tmp_path) as owner:
        assert owner.stdout is not None
        ended = os.pidfd_open(int(owner.stdout.readline()))
        owner.kill()
        assert _readable(ended)


def _owner_of(program: type[PrivateServer], temporary: Path) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", OWNER.format(module=program.__module__, name=program.__name__)],
        cwd=Path(__file__).parents[program.__module__.count(".")],
        env={**os.environ, "TMPDIR": str(temporary)},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )


def _readable(pidfd: int) -> bool:
    """Whether a process descriptor is readable, which means that the process has ended."""
    try:
        return bool(select.select([pidfd], [], [], NAP)[0])
    finally:
        os.close(pidfd)


@pytest.mark.parametrize(
    ("environment", "outcome"),
    [({}, pytest.skip.Exception), ({"CI": "true"}, pytest.fail.Exception)],
)
def test_a_missing_requirement_skips_a_test_and_fails_it_in_ci(
    monkeypatch: pytest.MonkeyPatch,
    environment: dict[str, str],
    outcome: type[BaseException],
) -> None:
    monkeypatch.delenv("TESTS", raising=False)
    monkeypatch.setenv("CI", environment.get("CI", ""))
    needs.require("Lisp", found=True)
    with pytest.raises(outcome, match="Lisp IS MISSING"):
        needs.require("Lisp", found=False)


def test_make_check_skips_even_installed_requirements(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TESTS", "fast")
    with pytest.raises(pytest.skip.Exception, match="make test"):
        needs.require("Lisp", found=True)
