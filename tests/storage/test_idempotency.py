"""Digests of drafts: they are stored, so a new version must compute the same ones."""

import pytest

from chatserver.models import Act, AddMembers, Change, Delete, Post, RemoveMembers
from chatserver.storage.idempotency import digest

ANN = ((1, "ann"),)


@pytest.mark.parametrize(
    ("act", "stored"),
    [
        (Post("hi"), "e396ea164e2e5d1ad96ee208a4c6356f"),
        (Delete(3, of_deleted_account=True), "a2f72f235de7e0181013f65133a472c4"),
        (
            AddMembers("join", ANN, invited="code", consumes_use=True),
            "0b4f76818052566d72d11706cf9a9f1d",
        ),
        (RemoveMembers("remove", ANN, of_deleted_account=True), "d0101cb4241843974723c4f580e0e898"),
        (
            Change("archive", {"archived": True}, as_server_admin=True),
            "43cc9a0d109b977e41c8b28056709693",
        ),
    ],
)
def test_a_digest_is_the_one_that_earlier_versions_stored(act: Act, stored: str) -> None:
    assert digest(act, 7) == stored
