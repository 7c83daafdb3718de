"""Settings of rooms in which a replaced database is stricter than an archive.

Each function returns the columns to reset in a row of the archive. A column that the replaced
database lacks is NULL there, which is not stricter.
"""

from collections.abc import Callable
from typing import Any

from chatserver.storage.reinstated import ReinstatedKind

Compare = Callable[[dict[str, Any], Any], dict[str, Any]]


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


STRICTER_SETTINGS: dict[ReinstatedKind, Compare] = {
    ReinstatedKind.PRIVATE: _privacy,
    ReinstatedKind.LEAVERS: _leavers,
    ReinstatedKind.RECEIPTS: _receipts,
    ReinstatedKind.ARCHIVED: _archiving,
    ReinstatedKind.RETENTION: _retention,
}
