"""Settings of rooms in which a replaced database is stricter than an archive.

Each function returns the columns to reset in a row of the archive. A column that the replaced
database lacks is NULL there, and limits nothing.
"""

from collections.abc import Callable
from typing import Any

from chatserver.storage.reinstated import Kind

Limit = Callable[[dict[str, Any], Any], dict[str, Any]]


def _privacy(row: dict[str, Any], current: Any) -> dict[str, Any]:
    return {"private": True} if current.private and not row["private"] else {}


def _leavers(row: dict[str, Any], current: Any) -> dict[str, Any]:
    return {"leavers_read": False} if row["leavers_read"] and current.leavers_read == 0 else {}


def _receipts(row: dict[str, Any], current: Any) -> dict[str, Any]:
    return {"receipts": False} if row["receipts"] and current.receipts == 0 else {}


def _archiving(row: dict[str, Any], current: Any) -> dict[str, Any]:
    is_stricter = row["archived_at"] is None and current.archived_at is not None
    return {"archived_at": current.archived_at} if is_stricter else {}


def _retention(row: dict[str, Any], current: Any) -> dict[str, Any]:
    days = current.retention_days
    is_stricter = days is not None and (row["retention_days"] or days + 1) > days
    return {"retention_days": days} if is_stricter else {}


ROOM_LIMITS: dict[Kind, Limit] = {
    Kind.PRIVATE: _privacy,
    Kind.LEAVERS: _leavers,
    Kind.RECEIPTS: _receipts,
    Kind.ARCHIVED: _archiving,
    Kind.RETENTION: _retention,
}
