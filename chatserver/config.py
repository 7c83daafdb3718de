"""Settings: a frozen model for embedders, and a loader of TOML, environment and flags.

`create_app(Settings(...))` never reads the environment; only `load` does. Every key is documented
in config.example.toml, which a test verifies.
"""

import os
import re
from collections.abc import Iterator
from ipaddress import ip_network
from pathlib import Path
from typing import Annotated, Any, Literal
from urllib.parse import quote

import msgspec
from msgspec import Meta, Struct

from chatserver import bucket_url
from chatserver.errors import StartError
from chatserver.file_state import MAX_FILES_PER_MESSAGE
from chatserver.origins import origin

Count = Annotated[int, Meta(ge=1)]
Size = Annotated[int, Meta(ge=0)]
Rate = Annotated[float, Meta(gt=0)]
Port = Annotated[int, Meta(ge=0, le=65_535)]
HttpUrl = Annotated[str, Meta(pattern=r"^$(?!\n)|^https?://[^/\s]+/?$(?!\n)")]
_HOST = r"([^@\s]*@)?(\[[\da-fA-F:.]+\]|[^:/?#@\s]+)(:\d{1,5})?"  # with optional account and port
DatabaseUrl = Annotated[
    str, Meta(pattern=rf"^$|^sqlite:///(?!//).|^(mysql|mariadb)://{_HOST}/[^/?#\s]+(\?\S+)?$(?!\n)")
]
_BUCKET = r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9](/[A-Za-z0-9_./-]*)?(\?\S+)?"  # with prefix and options
FilesUrl = Annotated[str, Meta(pattern=rf"^$|^s3://{_BUCKET}$(?!\n)")]
BusUrl = Annotated[str, Meta(pattern=rf"^$|^rediss?://{_HOST}(/\d*)?(\?\S+)?$(?!\n)")]

_PUSH_HOST = re.compile(r"[A-Za-z0-9.-]+(:\d{1,5})?")

HINTS = {
    "server.public_url": "write it like https://chat.example.com, without a path",
    "database.url": "write it like mysql://user:password@host/name (an @ in the password is %40)"
    " or sqlite:////folder/chat.db",
    "bus.url": "write it like redis://host:6379",
    "files.url": "write it like s3://bucket/prefix?endpoint=https://s3.example.com&region=us-east-1",
}
SECRETS = ("files.secret_key",)  # keys whose values are not shown


class Section(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A table of the configuration file."""


class ServerSettings(Section, frozen=True):
    host: str = "127.0.0.1"
    port: Port = 3000
    public_url: HttpUrl = ""
    trusted_proxies: list[str] = []
    tls_cert: str = ""
    tls_key: str = ""
    unix_socket: str = ""
    log_level: Literal["debug", "info", "warning"] = "info"


class DatabaseSettings(Section, frozen=True):
    url: DatabaseUrl = ""


class AuthSettings(Section, frozen=True):
    query_token: bool = True
    session_days: Count = 30
    token_minutes: Count = 60
    argon2_memory_kib: Annotated[int, Meta(ge=19 * 1024)] = 32 * 1024
    argon2_time: Annotated[int, Meta(ge=2)] = 2


class LimitSettings(Section, frozen=True):
    message_chars: Count = 4_000
    edit_minutes: Annotated[int, Meta(ge=0)] = 0
    messages_per_second: Rate = 5
    message_burst: Count = 20
    sockets_per_user: Count = 10
    sockets_per_address: Count = 50
    logins_per_minute_account: Rate = 10
    logins_per_minute_address: Rate = 30
    waiting_bytes: Annotated[int, Meta(ge=65_536)] = 262_144
    frame_bytes: Annotated[int, Meta(ge=1_024)] = 65_536
    all_members: Size = 100


class BusSettings(Section, frozen=True):
    url: BusUrl = ""


class FileSettings(Section, frozen=True):
    url: FilesUrl = ""
    access_key: str = ""
    secret_key: str = ""
    bytes: Count = 100 * 2**20
    per_message: Annotated[int, Meta(ge=0, le=MAX_FILES_PER_MESSAGE)] = MAX_FILES_PER_MESSAGE
    pixels: Count = 50_000_000
    user_bytes: Size = 0
    room_bytes: Size = 0
    total_bytes: Size = 0
    free_bytes: Size = 2**30
    free_percent: Annotated[int, Meta(ge=0, le=99)] = 5
    bytes_per_second: Count = 16_384
    unsent_hours: Count = 24

    def reserve(self, disk: int) -> int:
        """Return the bytes that uploads leave free on a disk of this size."""
        return max(self.free_bytes, disk * self.free_percent // 100)


class PushSettings(Section, frozen=True):
    hosts: list[str] = []
    content: Literal["nothing", "sender", "text"] = "text"


class Settings(Section, frozen=True):
    """All settings. The defaults work."""

    data: Path = Path("chatserver-data")
    server: ServerSettings = ServerSettings()
    database: DatabaseSettings = DatabaseSettings()
    auth: AuthSettings = AuthSettings()
    limits: LimitSettings = LimitSettings()
    bus: BusSettings = BusSettings()
    files: FileSettings = FileSettings()
    push: PushSettings = PushSettings()

    @property
    def database_url(self) -> str:
        return self.database.url or sqlite_url(self.data.absolute() / "chat.db")

    @property
    def origin(self) -> str:
        """The public origin, or "" if each request's own host counts."""
        return origin(self.server.public_url)


def sqlite_url(path: Path) -> str:
    """Return the URL of a file; in a URL ? would end the path, and % starts an escape."""
    return f"sqlite:///{quote(os.fsencode(path))}"


SECTIONS: dict[str, type[Section]] = {
    field.name: field.type for field in msgspec.structs.fields(Settings) if field.name != "data"
}


def validated(settings: Settings) -> Settings:
    """Return the settings after validation, which constructing a Struct omits.

    Raises StartError.
    """
    try:
        plain = msgspec.to_builtins(settings, enc_hook=str)
        checked = msgspec.convert(plain, Settings, dec_hook=_path)
    except msgspec.ValidationError as error:
        raise StartError(f"Settings: {error}") from None
    for conflict in conflicts(checked):
        raise StartError(f"Settings: {conflict}")
    return checked


def conflicts(settings: Settings) -> Iterator[str]:
    """Yield errors that types cannot express, each beginning with its key."""
    server = settings.server
    if bool(server.tls_cert) != bool(server.tls_key):
        yield "server.tls_cert and server.tls_key go together."
    if server.unix_socket and server.tls_cert:
        yield "server.unix_socket and server.tls_cert: leave one out: the proxy does TLS."
    if server.public_url and not settings.origin:
        yield f"server.public_url: {HINTS['server.public_url']}."
    yield from _file_conflicts(settings.files)
    for proxy in server.trusted_proxies:
        try:
            ip_network(proxy)
        except ValueError as error:
            yield f"server.trusted_proxies: {error}."
    for host in settings.push.hosts:
        if not _PUSH_HOST.fullmatch(host):
            yield f"push.hosts: {host!r}: write it like push.example.com or 10.0.0.5:8443."


def _file_conflicts(files: FileSettings) -> Iterator[str]:
    if bool(files.access_key) != bool(files.secret_key):
        yield "files.access_key and files.secret_key go together."
    try:
        bucket_url.parse(files.url)
    except ValueError as error:
        yield f"files.url: {error}."


def _path(_type: type, value: Any) -> Path:
    return Path(value)


def shown(value: object) -> object:
    """Return a value for display: a password in a URL is masked."""
    if not isinstance(value, str):
        return value
    return re.sub(r"(://[^:/@]*):.*@", r"\1:***@", value, flags=re.DOTALL)
