"""For whoever watches the server: alive, ready, and numbers. No names, no content."""

from collections.abc import Iterator
from typing import Any

from aiohttp import web

from chatserver.hub import Hub
from chatserver.journal import Journal
from chatserver.storage.engine import FAILURES, Database
from chatserver.storage.migrate import HEAD, revision


class Health:
    """`/healthz`, `/readyz` and `/metrics`."""

    def __init__(self, database: Database, journal: Journal, hub: Hub) -> None:
        self._database = database
        self._journal = journal
        self._hub = hub

    async def alive(self, _request: web.Request) -> web.StreamResponse:
        return web.json_response({"ok": 1})

    async def ready(self, _request: web.Request) -> web.StreamResponse:
        """Whether messages can be stored now, and how firmly."""
        try:
            found = await revision(self._database)
            durability = await self._database.durability()
        except FAILURES:
            found, durability = None, "unknown"
        ready = found == HEAD and not self._journal.broken
        facts = {
            "ok": int(ready),
            "database": self._database.kind,
            "revision": found,
            "durability": durability,
        }
        return web.json_response(facts, status=200 if ready else 503)

    async def metrics(self, _request: web.Request) -> web.StreamResponse:
        """Prometheus text, collected when asked for: the way of a message pays nothing."""
        from prometheus_client import CollectorRegistry, generate_latest

        registry = CollectorRegistry(auto_describe=False)
        registry.register(self)
        return web.Response(body=generate_latest(registry), content_type="text/plain")

    def collect(self) -> Iterator[Any]:
        """The figures of this moment, as prometheus_client wants them."""
        from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily

        counts = self._journal.counts
        yield GaugeMetricFamily(
            "chatserver_connections", "Open sockets.", len(self._hub.connections)
        )
        yield GaugeMetricFamily(
            "chatserver_waiting_messages", "Messages that wait to be stored.", self._journal.waiting
        )
        yield CounterMetricFamily("chatserver_messages", "Messages stored.", counts.stored)
        yield CounterMetricFamily("chatserver_repeats", "Messages sent again.", counts.repeated)
        yield CounterMetricFamily("chatserver_refusals", "Messages refused.", counts.refused)
        yield CounterMetricFamily("chatserver_commits", "Transactions.", counts.commits)
