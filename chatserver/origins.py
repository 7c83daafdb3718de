"""Web origins as browsers serialize them (RFC 6454, 6.2): lower case, IDNA, no default port."""

import re

from yarl import URL

PLAIN = re.compile(r"https?://[^\s\x00-\x20\x7f/?#@\\]+/?", re.IGNORECASE)


def origin(url: str) -> str:
    """Return the origin of a URL that has only scheme and host, else ""."""
    if not PLAIN.fullmatch(url):
        return ""
    try:
        return str(URL(url).origin())
    except ValueError:
        return ""
