"""Validation of what a browser subscribes with: endpoint, p256dh and auth."""

import re
from collections.abc import Collection
from urllib.parse import SplitResult, urlsplit

from chatserver.errors import BadRequest, ChatError, Forbidden, _
from chatserver.push.encryption import PUBLIC_KEY_BYTES, SECRET_BYTES, decode_base64, public_key
from chatserver.storage.push_targets import HTTPS_PORT

# Of Chrome, Edge on Android and most others; Firefox; Safari; Edge on Windows.
SERVICES = (
    "fcm.googleapis.com",
    "push.services.mozilla.com",
    "push.apple.com",
    "notify.windows.com",
)
_HOST = re.compile(r"[a-z0-9-]+(\.[a-z0-9-]+)*\.[a-z][a-z0-9-]*")  # no number in any disguise
_PRINTABLE = re.compile(r"[\x21-\x7e]+")
_INVALID = _("This is not an address of a push service.")


class EndpointRules:
    """Decides which push services the server sends to."""

    def __init__(self, own_services: Collection[str]) -> None:
        """`own_services`: further ones, `host` or `host:port`, which may have local addresses."""
        self._own = {_with_port(name.lower()) for name in own_services}

    def check(self, endpoint: str) -> None:
        """Raise BadRequest for an invalid URL, Forbidden for a service that is not allowed."""
        url = _split(endpoint)
        host = (url.hostname or "").lower()
        if self.is_own(host, port_of(url)):
            return
        if port_of(url) != HTTPS_PORT or not _HOST.fullmatch(host):
            raise BadRequest(_INVALID)
        if not any(host == name or host.endswith(f".{name}") for name in SERVICES):
            raise Forbidden(_("This server does not send to the push service %(host)s."), host=host)

    def allows(self, endpoint: str) -> bool:
        try:
            self.check(endpoint)
        except ChatError:
            return False
        return True

    def is_own(self, host: str, port: int) -> bool:
        """Whether the operator has allowed this host, whatever its addresses are."""
        return f"{host}:{port}" in self._own


def _split(endpoint: str) -> SplitResult:
    try:
        url = urlsplit(endpoint)
        is_plain = url.scheme == "https" and "@" not in url.netloc and not url.fragment
        if is_plain and url.hostname and port_of(url) and _PRINTABLE.fullmatch(endpoint):
            return url
    except ValueError:  # an invalid port or IPv6 address
        pass
    raise BadRequest(_INVALID)


def port_of(url: SplitResult) -> int:
    """Return the port of an https URL. Raises ValueError if it is invalid."""
    return HTTPS_PORT if url.port is None else url.port


def _with_port(name: str) -> str:
    return name if re.search(r":\d+$", name) else f"{name}:{HTTPS_PORT}"


def check_keys(p256dh: str, auth: str) -> None:
    """Raise BadRequest unless the keys are a point on P-256 and 16 bytes, in base64url."""
    try:
        point, secret = decode_base64(p256dh), decode_base64(auth)
        if len(point) == PUBLIC_KEY_BYTES and len(secret) == SECRET_BYTES:
            public_key(point)
            return
    except ValueError:
        pass
    raise BadRequest(_("The keys of this push subscription are invalid."))
