"""Requirements of tests that a machine may lack: MariaDB, Redis, Chromium.

A test without its requirement is skipped with a message. With CI=true it fails, because there a
skipped test would look like a passed one. With TESTS=fast (`make check`) all are skipped.
"""

import os

import pytest


def require(what: str, *, found: bool) -> None:
    """Return if the calling test can use `what`; otherwise skip it, or fail."""
    if os.environ.get("TESTS") == "fast":
        pytest.skip(f"{what}: `make check` leaves it to `make test`")
    if not found:
        _give_up(f"{what} IS MISSING: get it with `make programs` as root, then run `make test`")


def _give_up(sentence: str) -> None:
    if os.environ.get("CI") == "true":
        pytest.fail(sentence, pytrace=False)
    pytest.skip(sentence)
