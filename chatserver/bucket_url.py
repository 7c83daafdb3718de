"""URLs of buckets: `s3://bucket/prefix?endpoint=https://s3.example.com&region=eu-central-1`."""

from typing import NamedTuple
from urllib.parse import parse_qsl, urlsplit

OPTIONS = ("endpoint", "region", "ssl_ca")
DEFAULT_REGION = "us-east-1"  # what services without regions expect


class BucketUrl(NamedTuple):
    """`prefix` ends with a slash, or is empty. Without an `endpoint` the service is AWS.

    `ssl_ca`: PEM file of the authority of the endpoint's certificate.
    """

    bucket: str
    prefix: str
    endpoint: str | None = None
    region: str = DEFAULT_REGION
    ssl_ca: str | None = None


def parse(url: str) -> BucketUrl:
    """Parse a URL that has the pattern of `files.url`. Raises ValueError with a clause."""
    parts = urlsplit(url)
    options = parse_qsl(parts.query, keep_blank_values=True)
    for name, value in options:
        if name not in OPTIONS:
            raise ValueError(f"{name} is not one of its options, {', '.join(OPTIONS)}")
        if not value:
            raise ValueError(f"{name} is empty")
    given = dict(options)
    if "endpoint" in given:
        _require_endpoint(given["endpoint"])
    path = parts.path.strip("/")
    return BucketUrl(parts.netloc, f"{path}/" if path else "", **given)


def _require_endpoint(url: str) -> None:
    parts = urlsplit(url)
    is_plain = not (parts.query or parts.fragment or "@" in parts.netloc)
    if parts.scheme not in ("http", "https") or not parts.hostname or not is_plain:
        raise ValueError("its endpoint is a URL like https://s3.example.com")
