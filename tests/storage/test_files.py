"""The register of files."""

from dataclasses import fields
from typing import get_type_hints

from chatserver import protocol
from chatserver.storage.files import COLUMNS, DescribedFile, StoredFile


def test_the_protocol_describes_a_file_as_it_is_stored() -> None:
    published = get_type_hints(protocol.File)
    published.pop("removed")  # instead of all others
    assert list(get_type_hints(DescribedFile).items()) == list(published.items())


def test_columns_have_the_order_of_a_row() -> None:
    assert [column.key for column in COLUMNS] == [field.name for field in fields(StoredFile)]
