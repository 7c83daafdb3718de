"""List of users as CSV in the variants that spreadsheets write.

UTF-8, UTF-16 or GBK; commas, semicolons or tabs; columns in any order. The file is written back in
the same variant, and other columns are kept.
"""

import csv
import io
import re
from codecs import BOM_UTF8, BOM_UTF16_BE, BOM_UTF16_LE
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from chatserver.accounts.passwords import generate
from chatserver.errors import ChatServerError
from chatserver.permissions import write_private

COLUMNS = {
    "name": ("name", "username", "用户名", "账号"),
    "display": ("display", "display name", "显示名", "显示名称", "姓名"),
    "password": ("password", "密码"),
}
DELIMITERS = ",;\t"
# In GBK, "ül" of a Western list is decoded as one Chinese character: `m黮ler`.
WESTERN = re.compile(r"[\u3400-\u9fff][a-z]")
MARKS = {BOM_UTF8: "utf-8-sig", BOM_UTF16_LE: "utf-16", BOM_UTF16_BE: "utf-16"}


@dataclass(slots=True)
class Row:
    """A user; `cells` is the whole line with all columns."""

    name: str
    display: str
    password: str
    cells: list[str]
    generated: bool = False


class UserFile:
    """A list of users. Raises ChatServerError if it cannot be parsed."""

    def __init__(self, file: Path) -> None:
        self._file = file
        self._encoding, self._text = _decoded(file)
        first = self._text.partition("\n")[0]
        self._delimiter = max(DELIMITERS, key=first.count)
        self._lines: list[list[str]] = []
        self._indexes: dict[str, int] = {}
        self.rows = list(self._read())

    def _read(self) -> Iterator[Row]:
        text = io.StringIO(self._text, newline="")
        reader = csv.reader(text, strict=True, delimiter=self._delimiter)
        try:
            self._lines.append(next(reader, []))
            self._indexes = _indexes(self._lines[0])
            if "name" not in self._indexes:
                raise ChatServerError(f"{self._file} needs the header name,display,password.")
            for cells in reader:
                self._lines.append(cells)
                if any(cells):
                    yield self._row(cells, reader.line_num)
        except csv.Error as error:
            line = f"{self._file}, line {reader.line_num}"
            raise ChatServerError(f"{line}: this is not valid CSV: {error}.") from None

    def _row(self, cells: list[str], number: int) -> Row:
        fields = {
            column: cells[index].strip()
            for column, index in self._indexes.items()
            if index < len(cells)
        }
        if not fields.get("name"):
            raise ChatServerError(f"{self._file}, line {number}: the name is missing.")
        return Row(fields["name"], fields.get("display", ""), fields.get("password", ""), cells)

    def generate_passwords(self, rows: list[Row]) -> None:
        """Generate missing passwords, and write them to the file before they are used."""
        without = [row for row in rows if not row.password]
        if without:
            index = self._password_column()
            for row in without:
                row.password, row.generated = generate(), True
                row.cells += [""] * (index + 1 - len(row.cells))
                row.cells[index] = row.password
            self._write_back()

    def remove_passwords(self, rows: list[Row]) -> None:
        """Remove the generated passwords of users that were not created."""
        generated = [row for row in rows if row.generated]
        if generated:
            index = self._password_column()
            for row in generated:
                row.cells[index] = ""
            self._write_back()

    def _password_column(self) -> int:
        header = self._lines[0]
        if "password" not in self._indexes:
            header += [""] * (max(map(len, self._lines)) - len(header)) + ["password"]
            self._indexes["password"] = len(header) - 1
        return self._indexes["password"]

    def _write_back(self) -> None:
        """Replace the file atomically, readable by its owner only."""
        text = io.StringIO(newline="")
        ending = next((found for found in ("\r\n", "\n", "\r") if found in self._text), "\n")
        writer = csv.writer(text, lineterminator=ending, delimiter=self._delimiter)
        writer.writerows(self._lines)
        write_private(self._file, text.getvalue(), encoding=self._encoding)


def _indexes(header: list[str]) -> dict[str, int]:
    """Return the index of each known column."""
    titles = [cell.strip().casefold() for cell in header]
    return {
        column: next(titles.index(name) for name in names if name in titles)
        for column, names in COLUMNS.items()
        if set(names) & set(titles)
    }


def _decoded(file: Path) -> tuple[str, str]:
    """Return encoding and text: by byte order mark, else UTF-8, else GBK."""
    try:
        content = file.read_bytes()
    except OSError as error:
        raise ChatServerError(f"{file} cannot be read: {error.strerror}.") from None
    marked = next((name for mark, name in MARKS.items() if content.startswith(mark)), None)
    for encoding in [marked] if marked else ["utf-8", "gb18030"]:
        try:
            text = content.decode(encoding)
        except UnicodeDecodeError:
            continue
        if encoding == "gb18030" and WESTERN.search(text):
            break
        return encoding, text
    raise ChatServerError(
        f"{file} cannot be read as text: it is not in UTF-8, UTF-16 or GBK. Save it as CSV UTF-8."
    )
