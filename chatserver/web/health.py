"""Health checks and metrics: no names, no content."""

from typing import Any

from aiohttp import web

from chatserver.files.store import FileStore
from chatserver.realtime.hub import Hub
from chatserver.storage.engine import Database
from chatserver.storage.health_monitor import HealthMonitor
from chatserver.storage.journal import Journal
from chatserver.storage.migrate import HEAD
from chatserver.web.metrics import Metrics
from chatserver.web.operations import operation
from chatserver.web.responses import administration


class Health:
    """`/healthz`, `/readyz` and `/metrics`."""

    def __init__(
        self,
        *,
        database: Database,
        journal: Journal,
        hub: Hub,
        metrics: Metrics,
        monitor: HealthMonitor,
        store: FileStore,
    ) -> None:
        self._database = database
        self._monitor = monitor
        self._store = store
        self._journal = journal
        self._hub = hub
        self._metrics = metrics

    @operation("GET", "/healthz", "alive", rate="unlimited", access="anyone", stores=False)
    async def alive(self, _request: web.Request) -> web.StreamResponse:
        """The process responds."""
        return web.json_response({"ok": 1})

    @operation(
        "GET",
        "/readyz",
        "ready",
        rate="probes",
        access="anyone",
        returns=administration.Ready,
        stores=False,
    )
    async def ready(self, _request: web.Request) -> web.StreamResponse:
        """Whether messages can be stored; 503 if not. `files` says why files cannot be."""
        health = await self._monitor.health()
        report: dict[str, Any] = {
            "ok": int(not health.reason),
            "database": self._database.kind,
            "revision": health.revision,
            "durability": health.durability or "unknown",
        }
        if health.reason:
            report["reason"] = health.reason
        if self._store.failure:
            report["files"] = self._store.failure
        return web.json_response(report, status=503 if health.reason else 200)

    async def report(self) -> dict[str, Any]:
        """Return the same and the load, for administrators."""
        health = await self._monitor.health()
        return {
            "database": self._database.kind,
            "revision": health.revision,
            "newest_revision": HEAD,
            "durability": health.durability or "unknown",
            "storing": not health.reason,
            "waiting": self._journal.waiting,
            "connections": len(self._hub.connections),
            "database_bytes": health.size or 0,
        }

    @operation(
        "GET",
        "/metrics",
        "metrics",
        rate="probes",
        access="anyone",
        media="text",
        stores=False,
    )
    async def metrics(self, _request: web.Request) -> web.StreamResponse:
        """Metrics in the Prometheus text format."""
        text, content_type = self._metrics.text(await self._monitor.health())
        return web.Response(body=text, headers={"Content-Type": content_type})
