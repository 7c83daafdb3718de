"""Security headers, of which every response has those in HEADERS."""

from collections.abc import MutableMapping

CONTENT_POLICY = (
    "default-src 'self'; img-src 'self' data: blob:; media-src 'self' blob:; object-src 'none';"
    " base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
)
PERMISSIONS = "Permissions-Policy"
RECORDING_PERMISSIONS = "camera=(), geolocation=(), microphone=(self)"  # of the chat page
HEADERS = {
    "Content-Security-Policy": CONTENT_POLICY,
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "same-origin",
    PERMISSIONS: "camera=(), geolocation=(), microphone=()",
    "Cache-Control": "no-store",
}
TLS_HEADERS = {
    "Strict-Transport-Security": "max-age=31536000",
    "Cross-Origin-Opener-Policy": "same-origin",  # browsers report an error over plain HTTP
}


def set_security_headers(headers: MutableMapping[str, str]) -> None:
    """Set the headers of a response that it does not have itself, and remove `Server`."""
    for name, value in HEADERS.items():
        headers.setdefault(name, value)
    headers.pop("Server", None)
