"""The register of files."""

from dataclasses import fields
from typing import get_type_hints

from chatserver import protocol
from chatserver.storage.files import (
    COLUMNS,
    Content,
    DescribedFile,
    FileRegister,
    NewFile,
    StoredFile,
)
from tests.storage.conftest import Storage


def test_the_protocol_describes_a_file_as_it_is_stored() -> None:
    published = get_type_hints(protocol.File)
    published.pop("removed")  # instead of all others
    assert list(get_type_hints(DescribedFile).items()) == list(published.items())


def test_columns_have_the_order_of_a_row() -> None:
    assert [column.key for column in COLUMNS] == [field.name for field in fields(StoredFile)]


async def test_the_first_claim_decides_which_bytes_a_file_gets(storage: Storage) -> None:
    register = FileRegister(storage.database, clock=lambda: storage.now)
    ann = await storage.user("ann")
    file = (await register.begin(NewFile(ann.id, "a", 1))).id
    claims = [await register.claim(file, digest * 64) for digest in ("a", "a", "b")]
    assert claims == [True, True, False]  # a repeated claim is the same one
    await register.complete(file, Content("text/plain", 1, "a" * 64))
    assert not await register.claim(file, "a" * 64)
