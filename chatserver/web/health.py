"""For whoever watches the server: alive, ready, and numbers. No names, no content."""

from typing import Any

from aiohttp import web

from chatserver.errors import Unavailable
from chatserver.hub import Hub
from chatserver.journal import Journal
from chatserver.storage.engine import Database
from chatserver.storage.failures import FAILURES
from chatserver.storage.migrate import HEAD, revision
from chatserver.web.metrics import DatabaseState, Metrics


class Health:
    """`/healthz`, `/readyz` and `/metrics`."""

    def __init__(self, database: Database, journal: Journal, hub: Hub, metrics: Metrics) -> None:
        self._database = database
        self._journal = journal
        self._hub = hub
        self._metrics = metrics

    async def alive(self, _request: web.Request) -> web.StreamResponse:
        return web.json_response({"ok": 1})

    async def ready(self, _request: web.Request) -> web.StreamResponse:
        """Whether messages can be stored now, and how firmly."""
        found, durability = await self._database_facts()
        ready = found == HEAD and self._stores
        facts = {
            "ok": int(ready),
            "database": self._database.kind,
            "revision": found,
            "durability": durability,
        }
        return web.json_response(facts, status=200 if ready else 503)

    async def facts(self) -> dict[str, Any]:
        """The same and the load, for administrators."""
        found, durability = await self._database_facts()
        return {
            "database": self._database.kind,
            "revision": found,
            "newest_revision": HEAD,
            "durability": durability,
            "storing": self._stores,
            "waiting": self._journal.waiting,
            "connections": len(self._hub.connections),
            "database_bytes": await self._size(),
        }

    @property
    def _stores(self) -> bool:
        """Whether no flush has failed, of a message or of anything else."""
        return not (self._journal.broken or self._database.broken)

    async def _database_facts(self) -> tuple[str | None, str]:
        """Its revision, and how firmly it stores."""
        try:
            return await revision(self._database), await self._database.durability()
        except FAILURES:
            return None, "unknown"

    async def metrics(self, _request: web.Request) -> web.StreamResponse:
        """Prometheus text, collected when asked for: the way of a message pays nothing."""
        found, durability = await self._database_facts()
        state = DatabaseState(
            up=durability != "unknown",
            migrated=found == HEAD,
            durable=durability == "full",
            stores=self._stores,
            size=await self._size(),
        )
        text, content_type = self._metrics.text(state)
        return web.Response(body=text, headers={"Content-Type": content_type})

    async def _size(self) -> int | None:
        try:
            return await self._database.size()
        except Unavailable:
            return None
