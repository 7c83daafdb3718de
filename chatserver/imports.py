"""Brings whole lists of people in: `user import FILE.csv`."""

import csv
import io
import sys
from pathlib import Path

import click

from chatserver.config import Settings
from chatserver.control import Control, Refused, control
from chatserver.errors import ChatServerError
from chatserver.passwords import generate

HEADER = ["name", "display", "password"]


async def import_users(settings: Settings, file: Path) -> None:
    """Make the accounts of a CSV file. Raises ChatServerError that names the line."""
    rows = _read(file)
    if any(not row["password"] for row in rows):
        for row in rows:
            row["password"] = row["password"] or generate()
        _write_back(file, rows)
    skipped = []
    async with control(settings) as line:
        with click.progressbar(length=len(rows), label="Importing", file=sys.stderr) as bar:
            for row in rows:
                skipped += await _add(line, row)
                bar.update(1)
    for text in skipped:
        click.echo(text, err=True)
    click.echo(f"{len(rows) - len(skipped)} made, {len(skipped)} left out.")


def _read(file: Path) -> list[dict[str, str]]:
    try:
        text = file.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise ChatServerError(f"{file} cannot be read as UTF-8 text: {error}.") from None
    reader = csv.DictReader(io.StringIO(text))
    if [name.strip() for name in reader.fieldnames or []][:1] != HEADER[:1]:
        raise ChatServerError(f"{file} needs the header name,display,password.")
    rows = []
    for row in reader:
        clean = {key: (row.get(key) or "").strip() for key in HEADER}
        if not clean["name"]:
            raise ChatServerError(f"{file}, line {reader.line_num}: the name is missing.")
        rows.append(clean)
    return rows


def _write_back(file: Path, rows: list[dict[str, str]]) -> None:
    """In one step, with the rights that the file has."""
    scratch = file.with_name(f".{file.name}.new")
    with scratch.open("w", encoding="utf-8", newline="") as opened:
        scratch.chmod(0o600)
        writer = csv.DictWriter(opened, HEADER)
        writer.writeheader()
        writer.writerows(rows)
    scratch.replace(file)


async def _add(line: Control, row: dict[str, str]) -> list[str]:
    """Nothing when the account was made, else why not."""
    body = {"username": row["name"], "display": row["display"], "password": row["password"]}
    try:
        await line.ask("POST", "/api/users", body)
    except Refused as error:
        return [f"{row['name']}: {error}"]
    return []
