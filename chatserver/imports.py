"""Brings whole lists of people in: `user import FILE.csv`.

The file belongs to whoever wrote it: columns that are not ours stay, and so do the lines of people
who have an account already.
"""

import csv
import io
import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import click

from chatserver.config import Settings
from chatserver.control import Control, Refused, control
from chatserver.errors import ChatServerError
from chatserver.keys import write_private
from chatserver.models import name_key
from chatserver.passwords import generate

HEADER = ["name", "display", "password"]
BOM = "\ufeff"  # begins what Excel writes, and Excel wants it back


async def import_users(settings: Settings, file: Path) -> bool:
    """Make the accounts of a CSV file. False: some were refused. Raises ChatServerError.

    A name that is taken is no failure, so that the same file may come in again.
    """
    people = PeopleFile(file)
    async with control(settings, make=False) as line:
        new, taken = _told_apart(people.rows, await _names(line))
        people.give_passwords(new)
        refused = await _add_all(line, new)
    left_out = taken + refused
    for text in left_out:
        click.echo(text, err=True)
    click.echo(f"{len(people.rows) - len(left_out)} made, {len(left_out)} left out.")
    return not refused


@dataclass(slots=True)
class Row:
    """One person; `cells` is the whole line, ours and not ours."""

    name: str
    display: str
    password: str
    cells: list[str]


class PeopleFile:
    """A list of people. Raises ChatServerError when it cannot be read as one."""

    def __init__(self, file: Path) -> None:
        self._file = file
        self._text = _text(file)
        self._lines: list[list[str]] = []
        self.rows = list(self._read())

    def _read(self) -> Iterator[Row]:
        reader = csv.reader(io.StringIO(self._text.removeprefix(BOM), newline=""), strict=True)
        try:
            header = [cell.strip() for cell in next(reader, [])]
            if header[:1] != HEADER[:1]:
                raise ChatServerError(f"{self._file} needs the header name,display,password.")
            self._lines.append(header)
            for cells in reader:
                self._lines.append(cells)
                if any(cells):
                    yield self._row(cells, reader.line_num)
        except csv.Error as error:
            place = f"{self._file}, line {reader.line_num}"
            raise ChatServerError(f"{place}: this is no CSV: {error}.") from None

    def _row(self, cells: list[str], number: int) -> Row:
        facts = dict(zip(self._lines[0], cells, strict=False))
        name, display, password = (facts.get(column, "").strip() for column in HEADER)
        if not name:
            raise ChatServerError(f"{self._file}, line {number}: the name is missing.")
        return Row(name, display, password, cells)

    def give_passwords(self, rows: list[Row]) -> None:
        """Make the passwords that are missing, and write them down before anybody needs them."""
        without = [row for row in rows if not row.password]
        if without:
            place = self._password_column()
            for row in without:
                row.password = generate()
                row.cells += [""] * (place + 1 - len(row.cells))
                row.cells[place] = row.password
            self._write_back()

    def _password_column(self) -> int:
        header = self._lines[0]
        if "password" not in header:
            header += [""] * (max(map(len, self._lines)) - len(header)) + ["password"]
        return header.index("password")

    def _write_back(self) -> None:
        """In one step, for its owner's eyes only."""
        text = io.StringIO(newline="")
        ending = next((found for found in ("\r\n", "\n", "\r") if found in self._text), "\n")
        csv.writer(text, lineterminator=ending).writerows(self._lines)
        try:
            write_private(self._file, self._text[: self._text.startswith(BOM)] + text.getvalue())
        except OSError as error:
            raise ChatServerError(f"{self._file} cannot be written: {error.strerror}.") from None


def _text(file: Path) -> str:
    try:
        return file.read_bytes().decode()
    except (OSError, UnicodeDecodeError) as error:
        raise ChatServerError(f"{file} cannot be read as UTF-8 text: {error}.") from None


async def _names(line: Control) -> set[str]:
    return {name_key(user["name"]) for user in (await line.ask("GET", "/api/users"))["users"]}


def _told_apart(rows: Iterable[Row], known: set[str]) -> tuple[list[Row], list[str]]:
    """Those who have no account yet, each name once, and why the others are left out."""
    new, taken = [], []
    for row in rows:
        if name_key(row.name) in known:
            taken.append(f"{row.name}: that name is taken.")
        else:
            known.add(name_key(row.name))
            new.append(row)
    return new, taken


async def _add_all(line: Control, rows: list[Row]) -> list[str]:
    """Make accounts; for each that the server refused why."""
    refused: list[str] = []
    with click.progressbar(length=len(rows), label="Importing", file=sys.stderr) as bar:
        for row in rows:
            body = {"username": row.name, "display": row.display, "password": row.password}
            try:
                await line.ask("POST", "/api/users", body)
            except Refused as error:
                refused.append(f"{row.name}: {error}")
            bar.update(1)
    return refused
