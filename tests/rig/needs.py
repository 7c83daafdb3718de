"""What a test needs and a machine may lack: MariaDB, Redis, Chromium.

Missing means skipped, in one loud sentence. Where CI=true it means failed, since there a skipped
test would pass for a green one. Where TESTS=fast (`make check`) all these tests are left out.
"""

import os

import pytest


def require(what: str, *, found: bool) -> None:
    """Comes back when the calling test may use `what`; else it is skipped or failed here."""
    if os.environ.get("TESTS") == "fast":
        pytest.skip(f"{what}: `make check` leaves it to `make test`")
    if not found:
        _give_up(f"{what} IS MISSING: get it with `make programs` as root, then run `make test`")


def _give_up(sentence: str) -> None:
    if os.environ.get("CI") == "true":
        pytest.fail(sentence, pytrace=False)
    pytest.skip(sentence)
