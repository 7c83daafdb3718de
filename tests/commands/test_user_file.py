"""User files in the variants that spreadsheets write."""

import csv
import io
from pathlib import Path

import pytest

from chatserver.commands.user_file import UserFile
from chatserver.errors import ChatServerError

TABLE = "Name,Display,Password\r\nann,安妮,\r\nbo,李波,purple stone river\r\n"


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "gbk", "gb18030"])
@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
def test_every_variant_is_read_and_written_back_unchanged(
    tmp_path: Path, encoding: str, delimiter: str
) -> None:
    file = tmp_path / "people.csv"
    file.write_bytes(TABLE.replace(",", delimiter).encode(encoding))
    users = UserFile(file)
    assert [(row.name, row.display) for row in users.rows] == [("ann", "安妮"), ("bo", "李波")]
    users.generate_passwords(users.rows)
    given, kept = (row.password for row in users.rows)
    assert (kept, users.rows[0].generated) == ("purple stone river", True)
    written = file.read_bytes()
    assert written.startswith("N".encode(encoding))
    assert f"ann{delimiter}安妮{delimiter}{given}\r\n" in written.decode(encoding)


@pytest.mark.parametrize(
    "header",
    ["Password, DISPLAY ,Extra, name", "密码,姓名,部门,用户名", "password,display,x,username"],
)
def test_columns_are_found_in_any_order_case_and_language(tmp_path: Path, header: str) -> None:
    file = tmp_path / "people.csv"
    file.write_text(f"{header}\n,Ann,sales,ann\n", encoding="utf-8")
    users = UserFile(file)
    (row,) = users.rows
    assert (row.name, row.display, row.password) == ("ann", "Ann", "")
    users.generate_passwords(users.rows)
    _, cells = csv.reader(io.StringIO(file.read_text(encoding="utf-8")))
    assert cells == [row.password, "Ann", "sales", "ann"]


def test_other_encodings_and_a_missing_header_are_rejected(tmp_path: Path) -> None:
    file = tmp_path / "people.csv"
    file.write_bytes(b"name\n\xff\xff\n")
    with pytest.raises(ChatServerError, match="UTF-8, UTF-16 or GBK"):
        UserFile(file)
    file.write_bytes(b"display,password\nAnn,\n")
    with pytest.raises(ChatServerError, match="needs the header"):
        UserFile(file)


@pytest.mark.parametrize(
    "name", ["m\xfcller", "J\xfcrgen M\xfcller", "\xd6mer", "Jos\xe9", "Zo\xeb x"]
)
def test_a_western_list_is_not_decoded_as_chinese(tmp_path: Path, name: str) -> None:
    file = tmp_path / "people.csv"
    file.write_bytes(f"name;display\r\nann;{name}\r\n".encode("cp1252"))
    with pytest.raises(ChatServerError, match="CSV UTF-8"):
        UserFile(file)
