"""TLS certificate of the server, loaded from files, and reloaded at runtime."""

import ssl
from pathlib import Path

from chatserver.config import ServerSettings
from chatserver.errors import StartError


class _Passphrase(Exception):
    """The key has a passphrase, and there is no terminal to enter it."""


def server_context(settings: ServerSettings) -> ssl.SSLContext | None:
    """Return a context with the configured certificate, None without one. Raises StartError."""
    if not settings.tls_cert:
        return None
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    load(context, settings)
    return context


def load(context: ssl.SSLContext, settings: ServerSettings) -> None:
    """Load the files for new connections. Raises StartError, which names the file."""
    certificate, key = settings.tls_cert, settings.tls_key
    for name, file in (("server.tls_cert", certificate), ("server.tls_key", key)):
        _require_readable(name, Path(file))
    try:
        context.load_cert_chain(certificate, key, password=_refuse)
    except _Passphrase:
        raise StartError(
            f"server.tls_key: {key} has a passphrase. Make a copy without one, which only the"
            f" server can read: openssl pkey -in {key} -out FILE"
        ) from None
    except (OSError, ssl.SSLError) as error:
        raise StartError(f"server.tls_cert: {_reason(certificate, key, error)}") from None


def _require_readable(name: str, file: Path) -> None:
    try:
        with file.open("rb") as opened:
            opened.read(1)
    except OSError as error:
        raise StartError(f"{name}: {file} cannot be read: {error.strerror}.") from None


def _reason(certificate: str, key: str, error: OSError) -> str:
    if getattr(error, "reason", "") == "KEY_VALUES_MISMATCH":
        return f"{certificate} does not belong to the key {key}."
    reason = getattr(error, "reason", None) or error
    return f"{certificate} and {key} are not a certificate and its key in PEM form ({reason})."


def _refuse() -> str:
    raise _Passphrase
