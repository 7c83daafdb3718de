"""Sources of settings: configuration file, environment, credentials of systemd."""

import difflib
import os
import tomllib
from codecs import BOM_UTF16_BE, BOM_UTF16_LE
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import msgspec
from msgspec import Struct

from chatserver.config import HINTS, SECTIONS, Settings, conflicts, validated
from chatserver.errors import StartError

PREFIX = "CHATSERVER_"
PATHS = ("server.tls_cert", "server.tls_key")  # values that are paths of files
IN_FILE = "_FILE"  # suffix of a variable with the path of a file that contains the value
CREDENTIAL = "credential"  # prefix of the source of a value from systemd
LISTS = ("server.trusted_proxies", "push.hosts")
NOT_SETTINGS = {"CHATSERVER_DATA", "CHATSERVER_CONFIG"}


class Loaded(Struct, frozen=True):
    """Settings with the source of each key, warnings, and the configuration file if any."""

    settings: Settings
    sources: dict[str, str]
    warnings: list[str]
    file: Path | None = None


def load(
    *,
    config: Path | None = None,
    flags: Mapping[str, Any] | None = None,
    environ: Mapping[str, str] = os.environ,
) -> Loaded:
    """Load the settings: flags override the environment, then credentials, file and defaults.

    `flags` are dotted keys ("server.port"); None means not given. Raises StartError that names
    every mistake at once.
    """
    file = _config_file(config, environ)
    values: dict[str, tuple[Any, str]] = {}
    problems: list[str] = []
    if file is not None:
        values |= {key: (value, str(file)) for key, value in _read(file, problems)}
    values |= _from_credentials(environ)
    from_environ, warnings = _from_environ(environ)
    values |= from_environ
    values |= {k: (v, "command line") for k, v in (flags or {}).items() if v is not None}
    data, data_source = values.pop("data", ("", ""))
    sections = _convert(values, problems)
    settings = Settings(data=Path(data or _data_folder(environ)), **sections)
    named = {problem.split(":")[0] for problem in problems}
    problems += [text for text in conflicts(settings) if not any(key in text for key in named)]
    if problems:
        raise StartError(
            "The configuration has mistakes:\n" + "\n".join(f"  {p}" for p in problems)
        )
    sources = {key: source for key, (_, source) in values.items()}
    sources |= {"data": data_source} if data else {}
    return Loaded(validated(settings), sources, warnings, file)


def _config_file(config: Path | None, environ: Mapping[str, str]) -> Path | None:
    named = config or environ.get("CHATSERVER_CONFIG")
    if named:
        return Path(named)
    default = Path("config.toml")
    try:
        return default if default.is_file() else None
    except OSError as error:
        raise StartError(
            f"The current folder cannot be searched for {default}: {error.strerror}. Change to"
            f" another one (cd /), or name the configuration: --config FILE."
        ) from None


def _data_folder(environ: Mapping[str, str]) -> str:
    return environ.get("CHATSERVER_DATA") or environ.get("STATE_DIRECTORY") or "chatserver-data"


def _read(file: Path, problems: list[str]) -> Iterator[tuple[str, Any]]:
    try:
        tables = tomllib.loads(decoded(file.read_bytes()))
    except OSError as error:
        raise StartError(f"Cannot read the configuration {file}: {error.strerror}.") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise StartError(f"The configuration {file} is not TOML: {error}.") from None
    for table, keys in tables.items():
        if owners := [] if isinstance(keys, dict) else _owners(table):
            problems.append(f"{table} must stand in its section, below [{'] or ['.join(owners)}].")
        elif table not in SECTIONS:
            problems.append(f"[{table}] is not a section{_did_you_mean(table, SECTIONS, end='.')}")
        elif not isinstance(keys, dict):
            problems.append(f"{table} must be a section: [{table}].")
        else:
            yield from ((f"{table}.{key}", value) for key, value in keys.items())


def decoded(content: bytes) -> str:
    """Decode UTF-8, or UTF-16 as written by PowerShell; a byte order mark is dropped."""
    is_utf_16 = content.startswith((BOM_UTF16_LE, BOM_UTF16_BE))
    return content.decode("utf-16" if is_utf_16 else "utf-8-sig")


def _owners(key: str) -> list[str]:
    """Return the sections that have a key of that name."""
    return [dotted.split(".")[0] for dotted in all_keys() if dotted.split(".")[1] == key]


def _from_credentials(environ: Mapping[str, str]) -> dict[str, tuple[Any, str]]:
    """Read credentials of systemd from files named like keys: LoadCredential=database.url:FILE."""
    folder = environ.get("CREDENTIALS_DIRECTORY")
    files = {key: Path(folder, key) for key in all_keys()} if folder else {}
    return {
        key: (_listed(key, _content(key, file)), f"{CREDENTIAL} {key}")
        for key, file in files.items()
        if file.is_file()
    }


def _content(key: str, file: Path) -> str:
    """Return the value in a file; for a key whose value is a path, the file's path."""
    return str(file) if key in PATHS else _secret(file)


def _secret(file: Path) -> str:
    """Return the text of a file without the final line end. Raises StartError."""
    try:
        return decoded(file.read_bytes()).rstrip("\r\n")
    except OSError as error:
        raise StartError(f"Cannot read {file}: {error.strerror}.") from None
    except UnicodeDecodeError:
        raise StartError(f"{file} is not text.") from None


def _from_environ(environ: Mapping[str, str]) -> tuple[dict[str, tuple[Any, str]], list[str]]:
    known = {f"{PREFIX}{key.replace('.', '__').upper()}": key for key in all_keys()}
    values: dict[str, tuple[Any, str]] = {}
    warnings = []
    for name in sorted(n for n in environ if n.upper().startswith(PREFIX)):
        key = known.get(name.upper().removesuffix(IN_FILE))
        if key is not None:
            is_file = name.upper().endswith(IN_FILE)
            text = _content(key, Path(environ[name])) if is_file else environ[name]
            values[key] = (_listed(key, text), name)
        elif name.upper() not in NOT_SETTINGS:
            warnings.append(
                f"{name} is not a setting and is ignored{_env_did_you_mean(name, known)}"
            )
    return values, warnings


def _env_did_you_mean(name: str, known: Mapping[str, str]) -> str:
    """Compare names without the prefix, which would make all of them similar."""
    names = {k.removeprefix(PREFIX): k for k in known}
    near = _did_you_mean(name.upper().removeprefix(PREFIX), names, end=".")
    return near.replace("mean ", f"mean {PREFIX}")


def _listed(key: str, text: str) -> Any:
    """Split a list, which is written with commas in the environment."""
    if key not in LISTS:
        return text
    return [part.strip() for part in text.split(",") if part.strip()]


def _convert(values: dict[str, tuple[Any, str]], problems: list[str]) -> dict[str, Any]:
    chosen: dict[str, dict[str, Any]] = {name: {} for name in SECTIONS}
    for dotted, (value, source) in values.items():
        section, key = dotted.split(".", 1)
        fields = {field.name: field.type for field in msgspec.structs.fields(SECTIONS[section])}
        if key not in fields:
            problems.append(f"{dotted} is not a key{_did_you_mean(key, fields)} ({source}).")
            continue
        try:
            lax = source.startswith((PREFIX, CREDENTIAL)) or source == "command line"
            chosen[section][key] = msgspec.convert(value, fields[key], strict=not lax)
        except msgspec.ValidationError as error:
            text = HINTS.get(dotted, error) if "regex" in str(error) else error
            problems.append(f"{dotted}: {text} ({source}).".replace("`", ""))
    return {name: SECTIONS[name](**keys) for name, keys in chosen.items()}


def _did_you_mean(name: str, known: Mapping[str, Any], *, end: str = "") -> str:
    """`end` is the end of a sentence without a suggestion."""
    near = difflib.get_close_matches(name, known, n=1)
    return f"; did you mean {near[0]}?" if near else end


def all_keys() -> list[str]:
    """Return all dotted keys, in the order of the model."""
    return [f"{s}.{f.name}" for s, t in SECTIONS.items() for f in msgspec.structs.fields(t)]
