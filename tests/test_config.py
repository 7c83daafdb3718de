"""Settings: sources, precedence and errors."""

from pathlib import Path
from typing import Any

import pytest

from chatserver import create_app
from chatserver.app import SERVER
from chatserver.config import (
    AuthSettings,
    DatabaseSettings,
    LimitSettings,
    ServerSettings,
    Settings,
    shown,
)
from chatserver.config_sources import Loaded, all_keys, load
from chatserver.errors import StartError

PORT = "CHATSERVER_SERVER__PORT"


@pytest.fixture(autouse=True)
def empty_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Change to an empty folder, in which tests can write a config.toml."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


def write(text: str, name: str = "config.toml") -> Path:
    file = Path(name)
    file.write_text(text, encoding="utf-8")
    return file


def loaded(environ: dict[str, str] | None = None, **options: Any) -> Loaded:
    """Load settings as the command line does, with the given environment."""
    return load(environ=environ or {}, **options)


def mistakes(environ: dict[str, str] | None = None, **options: Any) -> str:
    """Return the text of the error, which is required."""
    with pytest.raises(StartError) as refusal:
        loaded(environ, **options)
    return str(refusal.value)


# Sources -----------------------------------------------------------------------------------------


def test_all_settings_have_defaults() -> None:
    found = loaded()
    assert found.settings == Settings()
    assert found.sources == {}
    assert found.warnings == []


def test_flags_override_environment_file_and_default() -> None:
    flags, environ = {"server.port": 4}, {PORT: "3"}
    assert loaded().settings.server.port == 3000
    write("[server]\nport = 2")
    assert loaded().settings.server.port == 2
    assert loaded(environ).settings.server.port == 3
    assert loaded(environ, flags=flags).settings.server.port == 4


def test_a_flag_that_was_not_given_overrides_nothing() -> None:
    assert loaded({PORT: "3"}, flags={"server.port": None, "data": None}).settings.server.port == 3


def test_every_value_has_its_source() -> None:
    file = write("[server]\nport = 2\n[auth]\nsession_days = 7")
    found = loaded(
        {"CHATSERVER_BUS__URL": "redis://localhost"}, flags={"server.port": 4, "data": "here"}
    )
    assert found.sources == {
        "auth.session_days": str(file),
        "bus.url": "CHATSERVER_BUS__URL",
        "server.port": "command line",
        "data": "command line",
    }


def test_keys_of_one_section_can_have_different_sources() -> None:
    write('[server]\nport = 2\nhost = "::1"\npublic_url = "https://chat.example.com/"')
    server = loaded({PORT: "3"}, flags={"server.host": "0.0.0.0"}).settings.server
    assert (server.host, server.port, server.public_url) == (
        "0.0.0.0",
        3,
        "https://chat.example.com/",
    )


@pytest.mark.parametrize("key", all_keys())
def test_every_key_can_come_from_the_environment(key: str) -> None:
    values = {
        "server.public_url": "https://chat.example.com",
        "server.trusted_proxies": "10.0.0.0/8",
        "server.tls_cert": "cert.pem",
        "server.tls_key": "key.pem",
        "server.log_level": "warning",
        "database.url": "mysql://localhost/chat",
        "bus.url": "redis://localhost",
        "files.url": "s3://chat",
        "auth.query_token": "false",
        "auth.argon2_memory_kib": "65536",
        "limits.waiting_bytes": "65536",
        "limits.frame_bytes": "2048",
        "push.content": "sender",
    }
    section, name = key.split(".")
    pairs = (("tls_cert", "tls_key"), ("access_key", "secret_key"))
    environ = {
        f"CHATSERVER_{section}__{other}".upper(): "x"
        for pair in pairs
        for other in pair
        if name in pair
    }
    environ[f"CHATSERVER_{section}__{name}".upper()] = values.get(key, "7")
    found = loaded(environ)
    default = getattr(getattr(Settings(), section), name)
    value = getattr(getattr(found.settings, section), name)
    assert value != default
    assert isinstance(value, type(default) if not isinstance(default, int) else int | float)
    assert found.warnings == []


def test_lists_in_the_environment_are_separated_by_commas() -> None:
    found = loaded({"CHATSERVER_SERVER__TRUSTED_PROXIES": "127.0.0.1, 10.0.0.0/8,"})
    assert found.settings.server.trusted_proxies == ["127.0.0.1", "10.0.0.0/8"]


def test_the_file_is_given_by_flag_or_environment_or_is_in_the_working_directory() -> None:
    here, there = write("[server]\nport = 1"), write("[server]\nport = 2", "there.toml")
    third = write("[server]\nport = 3", "third.toml")
    environ = {"CHATSERVER_CONFIG": str(there)}
    assert loaded().settings.server.port == 1
    assert loaded(environ).settings.server.port == 2
    assert loaded(environ, config=third).settings.server.port == 3
    here.unlink()
    assert loaded().settings.server.port == 3000


def test_the_data_folder_comes_from_flag_or_environment_or_systemd() -> None:
    assert loaded().settings.data == Path("chatserver-data")
    environ = {"STATE_DIRECTORY": "/var/lib/chat"}
    assert loaded(environ).settings.data == Path("/var/lib/chat")
    environ["CHATSERVER_DATA"] = "/srv/chat"
    assert loaded(environ).settings.data == Path("/srv/chat")
    assert loaded(environ, flags={"data": "here"}).settings.data == Path("here")
    assert loaded(environ).warnings == []


def test_the_default_database_is_a_file_in_the_data_folder(empty_folder: Path) -> None:
    url = loaded(flags={"data": "here"}).settings.database_url
    assert url == f"sqlite:///{empty_folder}/here/chat.db"


# Errors ------------------------------------------------------------------------------------------


def test_all_errors_are_reported_together_with_suggestions() -> None:
    write(
        """
        [server]
        prot = 1
        host = 7
        [limit]
        message_chars = 1
        [auth]
        session_days = 0
        """
    )
    text = mistakes({PORT: "many"}, flags={"database.url": "postgres://localhost"})
    assert "server.prot is not a key; did you mean port?" in text
    assert "[limit] is not a section; did you mean limits?" in text
    assert "server.host: Expected str, got int" in text
    assert "auth.session_days: Expected int >= 1" in text
    assert "server.port: Expected int, got str (CHATSERVER_SERVER__PORT)." in text
    assert "database.url" in text
    assert "(command line)" in text
    assert len(text.splitlines()) == 1 + 6


def test_an_unknown_name_without_a_similar_one_has_no_suggestion() -> None:
    write("[zzz]\n[server]\nxyzzy = 1")
    text = mistakes()
    assert "[zzz] is not a section." in text
    assert "server.xyzzy is not a key (config.toml)." in text


def test_a_key_outside_its_section_is_an_error() -> None:
    write("port = 1")
    assert "port must stand in its section, below [server]." in mistakes()
    write("zzz = 1")
    assert "[zzz] is not a section." in mistakes()
    write("[limit]")
    assert mistakes().endswith("did you mean limits?")
    write("server = 1")
    assert "server must be a section: [server]." in mistakes()


def test_an_unknown_name_in_the_environment_is_a_warning_with_a_suggestion() -> None:
    found = loaded({"CHATSERVER_SERVER__PROT": "1", "CHATSERVER_ZZZ": "1", "CHAT_PORT": "1"})
    assert found.settings == Settings()
    mistyped, unknown = found.warnings
    assert mistyped.startswith("CHATSERVER_SERVER__PROT is not a setting")
    assert "did you mean CHATSERVER_SERVER__PORT?" in mistyped
    assert unknown.startswith("CHATSERVER_ZZZ is not a setting")


@pytest.mark.parametrize(
    ("text", "error"),
    [
        ("[auth]\nargon2_memory_kib = 19455", "argon2_memory_kib: Expected int >= 19456"),
        ("[auth]\nargon2_time = 1", "argon2_time: Expected int >= 2"),
        ("[server]\nport = 70000", "port: Expected int <= 65535"),
        ("[server]\nport = -1", "port: Expected int >= 0"),
        ('[server]\nport = "3000"', "port: Expected int, got str"),
        ("[server]\nport = true", "port: Expected int, got bool"),
        ('[server]\npublic_url = "chat.example.com"', "public_url: write it like https://"),
        ('[server]\npublic_url = "https://example.com/chat"', "public_url: write it like"),
        ('[server]\ntrusted_proxies = ["proxy"]', "'proxy' does not appear to be an IPv4"),
        ('[server]\ntrusted_proxies = ["10.0.0.1/8"]', "has host bits set"),
        ('[server]\ntrusted_proxies = "127.0.0.1"', "trusted_proxies: Expected array"),
        ('[server]\ntls_cert = "cert.pem"', "tls_cert and server.tls_key go together"),
        ('[server]\ntls_key = "key.pem"', "tls_cert and server.tls_key go together"),
        ('[database]\nurl = "postgres://localhost/chat"', "database.url: write it like mysql://"),
        ('[database]\nurl = "sqlite://///tmp/chat.db"', "sqlite:////folder/chat.db"),
        ('[database]\nurl = "mysql://ann@localhost"', "database.url: write it like mysql://"),
        ('[database]\nurl = "mysql://ann@localhost:x/chat"', "database.url: write it like"),
        ('[database]\nurl = "mysql://ann:p@ss@localhost/chat"', "password is %40"),
        ('[bus]\nurl = "localhost"', "bus.url: write it like redis://"),
        ('[bus]\nurl = "redis://localhost:x"', "bus.url: write it like redis://"),
        ("[limits]\nmessages_per_second = 0", "messages_per_second: Expected float > 0"),
        ("[limits]\nmessages_per_second = nan", "messages_per_second: Expected float > 0"),
        ("[limits]\nmessage_burst = 0", "message_burst: Expected int >= 1"),
        ("[limits]\nwaiting_bytes = 1000", "waiting_bytes: Expected int >= 65536"),
        ("[limits]\nframe_bytes = 100", "frame_bytes: Expected int >= 1024"),
        ("[auth]\nquery_token = 1", "query_token: Expected bool, got int"),
    ],
)
def test_an_invalid_value_is_rejected(text: str, error: str) -> None:
    write(text)
    assert error in mistakes()


def test_values_at_the_limit_are_accepted() -> None:
    write("[auth]\nargon2_memory_kib = 19456\nargon2_time = 2\n[server]\nport = 65535")
    assert loaded().settings.auth == AuthSettings(argon2_memory_kib=19_456, argon2_time=2)


@pytest.mark.parametrize(
    ("section", "url"),
    [
        ("database", "sqlite:////var/lib/chat.db"),
        ("database", "mysql://localhost/chat"),
        ("database", "mariadb://ann:p%40ss@db.example.com:3307/chat?unix_socket=/run/mysqld.sock"),
        ("database", "mysql://ann:pass/word@[::1]:3306/chat"),
        ("bus", "rediss://:secret@redis.example.com:6379/2?ssl_cert_reqs=none"),
        ("bus", "redis://[::1]"),
    ],
)
def test_urls_of_every_form_are_accepted(section: str, url: str) -> None:
    write(f'[{section}]\nurl = "{url}"')
    assert getattr(loaded().settings, section).url == url


def test_a_rejected_value_is_not_displayed() -> None:
    write('[database]\nurl = "postgres://chat:hunter2@localhost/chat"')
    assert "hunter2" not in mistakes()


def test_a_missing_file_is_reported() -> None:
    text = mistakes(config=Path("nowhere.toml"))
    assert text == "Cannot read the configuration nowhere.toml: No such file or directory."


def test_a_folder_as_configuration_is_an_error() -> None:
    Path("folder").mkdir()
    assert "Is a directory" in mistakes({"CHATSERVER_CONFIG": "folder"})


@pytest.mark.parametrize("raw", [b"port: 3000", b"[server", b"\xff", b"a = 1\na = 2"])
def test_a_file_that_is_not_toml_is_reported(raw: bytes) -> None:
    Path("config.toml").write_bytes(raw)
    assert mistakes().startswith("The configuration config.toml is not TOML: ")


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_a_file_can_begin_with_a_byte_order_mark(encoding: str) -> None:
    Path("config.toml").write_bytes("[server]\nport = 3001\n".encode(encoding))
    assert load(environ={}).settings.server.port == 3001


def test_a_secret_is_read_from_the_file_named_by_a_variable(tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text("mysql://chat:purple@db/chat\n")
    found = load(environ={"CHATSERVER_DATABASE__URL_FILE": str(secret)})
    assert found.settings.database.url == "mysql://chat:purple@db/chat"
    assert found.sources["database.url"] == "CHATSERVER_DATABASE__URL_FILE"
    assert found.warnings == []
    secret.unlink()
    said = mistakes({"CHATSERVER_DATABASE__URL_FILE": str(secret)})
    assert said == f"Cannot read {secret}: No such file or directory."


def test_systemd_credentials_have_the_names_of_their_keys(tmp_path: Path) -> None:
    (tmp_path / "bus.url").write_text("redis://:purple@bus")
    (tmp_path / "server.port").write_text("3001\n")
    credentials = {"CREDENTIALS_DIRECTORY": str(tmp_path)}
    found = load(environ=credentials)
    assert (found.settings.bus.url, found.settings.server.port) == ("redis://:purple@bus", 3001)
    assert found.sources["bus.url"] == "credential bus.url"
    over = load(environ=credentials | {"CHATSERVER_SERVER__PORT": "3002"})
    assert over.settings.server.port == 3002


def test_a_path_setting_in_a_credential_is_the_path_of_the_credential(tmp_path: Path) -> None:
    files = {name: tmp_path / f"server.{name}" for name in ("tls_cert", "tls_key")}
    for file in files.values():
        file.write_text("-----BEGIN PRIVATE KEY-----\n")
    environ = {f"CHATSERVER_SERVER__{k.upper()}_FILE": str(file) for k, file in files.items()}
    for given in (environ, {"CREDENTIALS_DIRECTORY": str(tmp_path)}):
        server = load(environ=given).settings.server
        assert (server.tls_cert, server.tls_key) == tuple(map(str, files.values()))


def test_a_unix_socket_and_a_certificate_exclude_one_another() -> None:
    Path("config.toml").write_text('[server]\nunix_socket = "x"\ntls_cert = "c"\ntls_key = "k"\n')
    assert "leave one out" in mistakes()


def test_conflicts_between_keys_are_reported_with_all_other_errors() -> None:
    Path("config.toml").write_text(
        '[server]\nport = "x"\ntls_cert = "a"\ntrusted_proxies = ["here", "there"]\n'
    )
    said = mistakes()
    for part in ("server.port: ", "server.tls_cert and", "'here'", "'there'"):
        assert part in said


# Embedders ---------------------------------------------------------------------------------------


def test_an_embedded_chat_reads_no_environment_and_no_file(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    write("[server]\nport = 2")
    monkeypatch.setenv(PORT, "3")
    monkeypatch.setenv("CHATSERVER_DATA", "elsewhere")
    monkeypatch.setenv("CHATSERVER_CONFIG", "missing.toml")
    assert create_app()[SERVER].settings == Settings()
    assert create_app(Settings())[SERVER].settings == Settings()


def test_an_embedded_chat_creates_no_files_before_its_start(empty_folder: Path) -> None:
    create_app(Settings(data=empty_folder / "data"))
    assert list(empty_folder.iterdir()) == []


def test_an_embedder_can_give_the_folder_as_text() -> None:
    app = create_app(Settings(data="folder"))  # type: ignore[arg-type]
    assert app[SERVER].settings.data == Path("folder")


@pytest.mark.parametrize(
    "wrong",
    [
        Settings(server=ServerSettings(port="3000")),  # type: ignore[arg-type]
        Settings(server=ServerSettings(port=70_000)),
        Settings(server=ServerSettings(trusted_proxies="127.0.0.1")),  # type: ignore[arg-type]
        Settings(server=ServerSettings(tls_cert="cert.pem")),
        Settings(auth=AuthSettings(argon2_memory_kib=1_024)),
        Settings(auth=AuthSettings(query_token="no")),  # type: ignore[arg-type]
        Settings(limits=LimitSettings(message_chars=None)),  # type: ignore[arg-type]
        Settings(database=DatabaseSettings(url="postgres://localhost/chat")),
        Settings(database=None),  # type: ignore[arg-type]
        Settings(data=None),  # type: ignore[arg-type]
        Settings(data=7),  # type: ignore[arg-type]
        "settings",
    ],
)
def test_an_embedder_gets_an_error_for_an_invalid_value(wrong: Any) -> None:
    with pytest.raises(StartError, match="Settings: "):
        create_app(wrong)


def test_an_unknown_setting_raises_an_error() -> None:
    with pytest.raises(TypeError, match="prot"):
        ServerSettings(prot=1)  # type: ignore[call-arg]


# Display -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("value", "said"),
    [
        ("mysql://chat:hunter2@localhost/chat", "mysql://chat:***@localhost/chat"),
        ("redis://:hunter2@localhost:6379/0", "redis://:***@localhost:6379/0"),
        ("mysql://chat:p%40ss@localhost/chat", "mysql://chat:***@localhost/chat"),
        ("mysql://chat@localhost/chat", "mysql://chat@localhost/chat"),
        ("https://chat.example.com:8443", "https://chat.example.com:8443"),
        ("", ""),
        (3000, 3000),
        (["127.0.0.1"], ["127.0.0.1"]),
    ],
)
def test_a_password_in_a_url_is_masked(value: object, said: object) -> None:
    assert shown(value) == said


@pytest.mark.parametrize(
    "password", ["hun/ter2", "hun#ter2", "hun?ter2", "hun@ter2", "hun:ter2", "hun\nter2"]
)
def test_a_password_with_any_characters_is_masked(password: str) -> None:
    assert shown(f"mysql://chat:{password}@localhost/chat") == "mysql://chat:***@localhost/chat"


def test_a_password_in_an_invalid_url_is_masked() -> None:
    assert shown("mysql://chat:hunter2@[localhost/chat") == "mysql://chat:***@[localhost/chat"


# Files in a bucket --------------------------------------------------------------------------------


@pytest.mark.parametrize("url", ["", "s3://chat", "s3://chat/a/b?endpoint=http://[::1]:9000"])
def test_a_bucket_has_a_url(url: str) -> None:
    assert loaded({"CHATSERVER_FILES__URL": url}).settings.files.url == url


@pytest.mark.parametrize(
    "url", ["s3:/chat", "http://chat", "s3://ann:secret@chat", "s3://Chat", "s3://c", "s3://chat/ö"]
)
def test_another_url_of_a_bucket_is_refused_with_an_example(url: str) -> None:
    said = mistakes({"CHATSERVER_FILES__URL": url})
    assert "files.url: write it like s3://bucket/prefix?endpoint=" in said
    assert "secret" not in said


def test_the_keys_of_a_bucket_go_together_and_its_options_are_known() -> None:
    said = mistakes({"CHATSERVER_FILES__ACCESS_KEY": "a", "CHATSERVER_FILES__URL": "s3://chat?x=y"})
    assert "files.access_key and files.secret_key go together." in said
    assert "files.url: x is not one of its options" in said


def test_the_secret_key_is_read_from_a_file(tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text("purple\n")
    environ = {
        "CHATSERVER_FILES__ACCESS_KEY": "a",
        "CHATSERVER_FILES__SECRET_KEY_FILE": str(secret),
    }
    assert loaded(environ).settings.files.secret_key == "purple"
