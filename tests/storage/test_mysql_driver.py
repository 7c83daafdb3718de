"""MySQL driver: TLS, passwords in any script, and unresponsive servers."""

import asyncio
import socket
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from pathlib import Path
from urllib.parse import quote

import pytest
import pytest_asyncio
import sqlalchemy as sa
from sqlalchemy.engine import make_url

from chatserver.errors import StartError, Unavailable
from chatserver.storage.engine import Database, wait_until_reachable
from chatserver.storage.mysql_driver import ROWS_PER_TURN, TLS, SafeConnection, tls, without_tls
from tests.rig.mariadb import PrivateMariaDB, TlsMariaDB
from tests.rig.needs import require
from tests.test_main import Place, sentence

Open = Callable[[str], Awaitable[Database]]


@pytest.fixture(scope="module")
def secure() -> Iterator[TlsMariaDB]:
    require("MariaDB and openssl", found=TlsMariaDB.found())
    with TlsMariaDB() as server:
        server.sql("CREATE DATABASE chat")
        server.sql("CREATE USER bo@'127.0.0.1'; GRANT ALL ON chat.* TO bo@'127.0.0.1'")
        server.sql("ALTER USER bo@'127.0.0.1' REQUIRE X509")
        yield server


@pytest.fixture
def url(secure: TlsMariaDB) -> str:
    return f"mysql://root@127.0.0.1:{secure.port}/chat"


@pytest_asyncio.fixture
async def opened() -> AsyncIterator[Open]:
    """Yield a function that opens databases, which are closed at the end."""
    made: list[Database] = []

    async def open_one(url: str) -> Database:
        made.append(Database(url))
        await wait_until_reachable(made[-1], tries=1)
        return made[-1]

    yield open_one
    for database in made:
        await database.close()


async def cipher(database: Database) -> str:
    """Return the TLS cipher of the connection, "" for none."""
    async with database.reading() as connection:
        row = (await connection.execute(sa.text("SHOW STATUS LIKE 'Ssl_cipher'"))).one()
    return str(row[1])


# Options -----------------------------------------------------------------------------------------


def test_without_options_there_is_no_tls() -> None:
    assert tls(make_url("mysql://chat@db/chat")) is None
    assert tls(make_url("mysql://chat@db/chat?ssl=false")) is None


def test_certificate_and_host_are_verified_unless_disabled() -> None:
    strict = tls(make_url("mysql://chat@db/chat?ssl=true"))
    assert strict is not None
    assert strict.verify_mode is ssl.CERT_REQUIRED
    assert strict.check_hostname
    lax = tls(make_url("mysql://chat@db/chat?ssl=true&ssl_check_hostname=false"))
    assert lax is not None
    assert lax.verify_mode is ssl.CERT_REQUIRED
    assert not lax.check_hostname


@pytest.mark.parametrize(
    ("query", "said"),
    [
        ("ssl=maybe", "ssl must be true or false"),
        ("SSL_CA=/etc/ca.pem", "SSL_CA is not an option"),
        ("tls=true", "tls is not an option"),
        ("ssl=false&ssl_ca=/etc/ca.pem", "ssl=false contradicts ssl_ca"),
        ("ssl_check_hostname=false&ssl=0", "ssl=false contradicts ssl_check_hostname"),
        ("ssl_key=/etc/key.pem", "ssl_key needs ssl_cert"),
        ("foo=1", "foo is not an option; the options are ssl, ssl_ca"),
        ("read_timeout=3", "read_timeout is not an option"),
        ("connect_timeout=abc", "connect_timeout is not an option"),
        ("ssl_mode=REQUIRED", "ssl_mode is not an option; those for TLS are ssl, ssl_ca"),
        ("ssl_ca=/nowhere/ca.pem", "/nowhere/ca.pem cannot be used for TLS"),
        ("ssl_cert=/nowhere/cert.pem&ssl_key=/nowhere/key", "/nowhere/cert.pem, /nowhere/key"),
    ],
)
def test_invalid_options_are_rejected_with_a_message(query: str, said: str) -> None:
    with pytest.raises(StartError, match=said):
        Database(f"mysql://chat@db/chat?{query}")


@pytest.mark.parametrize("account", ["", "chat@", "chat:p?x=@"])
@pytest.mark.parametrize(
    ("query", "said"),
    [
        ("ssl=", "ssl has no value"),
        ("ssl_ca=", "ssl_ca has no value"),
        ("ssl_ca=%20", "ssl_ca has no value"),
        ("charset=utf8mb4&ssl_ca", "ssl_ca has no value"),
        ("ssl=true&ssl=false", "ssl is given more than once"),
    ],
)
def test_options_that_would_be_ignored_are_rejected(account: str, query: str, said: str) -> None:
    with pytest.raises(StartError, match=said):
        Database(f"mysql://{account}db/chat?{query}")


def test_tls_options_are_not_passed_to_the_driver() -> None:
    query = "&".join(f"{name}=x" for name in TLS)
    assert str(without_tls(make_url(f"mysql://db/chat?{query}&a=b"))) == "mysql://db/chat?a=b"


# Connections -------------------------------------------------------------------------------------


async def test_the_connection_is_encrypted_with_a_configured_authority(
    opened: Open, secure: TlsMariaDB, url: str
) -> None:
    assert await cipher(await opened(f"{url}?ssl_ca={secure.authority}"))
    assert await cipher(await opened(url)) == ""


async def test_a_client_certificate_is_sent(opened: Open, secure: TlsMariaDB, url: str) -> None:
    url = url.replace("root@", "bo@")
    with pytest.raises(StartError, match="Access denied"):
        await opened(f"{url}?ssl_ca={secure.authority}")
    own = f"ssl_cert={secure.client}&ssl_key={secure.client_key}"
    assert await cipher(await opened(f"{url}?ssl_ca={secure.authority}&{own}"))


async def test_a_certificate_of_another_authority_is_rejected(opened: Open, url: str) -> None:
    with pytest.raises(StartError, match=r"no TLS with the database: .*certificate"):
        await opened(f"{url}?ssl=true")


async def test_a_certificate_for_another_host_is_rejected(
    opened: Open, secure: TlsMariaDB, url: str
) -> None:
    elsewhere = f"{url}?ssl_ca={secure.authority}".replace("127.0.0.1", "localhost")
    with pytest.raises(StartError, match="not valid for 'localhost'"):
        await opened(elsewhere)
    assert await cipher(await opened(f"{elsewhere}&ssl_check_hostname=false"))


async def test_no_account_name_is_sent_to_a_server_without_the_requested_tls(
    opened: Open, mariadb: PrivateMariaDB
) -> None:
    url = mariadb.create_database("plain")
    denied = "SHOW GLOBAL STATUS LIKE 'Access_denied_errors'"
    before = mariadb.sql(denied)
    for query in ("ssl=true", "ssl_check_hostname=false"):
        with pytest.raises(StartError, match="offers no TLS"):
            await opened(f"{url.replace('root@', 'nobody@')}?{query}")
    assert mariadb.sql(denied) == before


def test_the_command_line_uses_tls_on_its_own_event_loop(
    tmp_path: Path, secure: TlsMariaDB, url: str
) -> None:
    place = Place(tmp_path)
    encrypted = f"{url}?ssl_ca={secure.authority}"
    assert "mysql" in place.succeed("--database", encrypted, "migrate")
    assert "revision" in place.succeed("--database", encrypted, "doctor")
    done = place.run("--data", str(place.data), "--database", f"{url}?ssl=true", "check")
    assert "no TLS with the database" in sentence(done)


@pytest.mark.parametrize("password", ["пароль", "密码 😀", "é@/:?#%", "plain"])
async def test_a_password_can_be_in_any_script(
    opened: Open, mariadb: PrivateMariaDB, password: str
) -> None:
    url = mariadb.create_database("passwords")
    mariadb.sql(
        f"CREATE USER cy@'127.0.0.1' IDENTIFIED BY '{password}';"
        " GRANT ALL ON passwords.* TO cy@'127.0.0.1'"
    )
    try:
        await opened(url.replace("root@", f"cy:{quote(password, safe='')}@"))
        with pytest.raises(StartError, match="Access denied"):
            await opened(url.replace("root@", "cy:anders@"))
    finally:
        mariadb.sql("DROP USER cy@'127.0.0.1'; DROP DATABASE passwords")


async def test_a_server_that_accepts_and_does_not_respond_is_unavailable(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("chatserver.storage.dialects.CONNECT_TIMEOUT", 0.05)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        database = Database(f"mysql://chat@127.0.0.1:{silent.getsockname()[1]}/chat")
        with pytest.raises(Unavailable) as refused:
            await database.transaction(lambda c: c.execute(sa.text("SELECT 1")))
        await database.close()
    assert refused.value.reason == "the database does not answer"


async def test_a_closed_transport_is_a_lost_connection(mariadb: PrivateMariaDB) -> None:
    """uvloop raises RuntimeError on a write to a closed transport."""

    class Closed:
        def write(self, _data: bytes) -> None:
            raise RuntimeError("the handler is closed")

    class Torn(SafeConnection):
        def tear(self) -> None:
            self._writer.write = Closed().write

    torn = Torn(host="127.0.0.1", port=mariadb.port, user="root", charset="utf8mb4")
    async with asyncio.timeout(10):
        await torn._connect()
    torn.tear()
    with pytest.raises(Exception, match="the connection is closed") as lost:
        await torn.query("SELECT 1")
    assert lost.value.args[0] == 2013


async def test_a_large_result_is_read_in_several_turns_of_the_event_loop() -> None:
    class Prepared(SafeConnection):
        """Connection whose peer has sent rows already: a row is read as head and body."""

        def __init__(self, rows: int) -> None:
            super().__init__()
            self._reader = asyncio.StreamReader()
            self._reader.feed_data(b"headbody" * rows)

        async def read_rows(self, rows: int) -> bytes:
            return b"".join([await self._read_bytes(4) for _ in range(2 * rows)])

    turns = 0

    def count() -> None:
        nonlocal turns
        turns += 1
        asyncio.get_running_loop().call_soon(count)

    count()
    for rows, pauses in ((ROWS_PER_TURN - 1, 0), (8 * ROWS_PER_TURN, 8)):
        turns = 0
        assert await Prepared(rows).read_rows(rows) == b"headbody" * rows
        assert turns == pauses
