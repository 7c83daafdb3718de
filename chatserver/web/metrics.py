"""Metrics in Prometheus format, collected from their owners on request.

They contain no names and no content. Every metric is described in docs/operating.md.
"""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from chatserver import __version__
from chatserver.accounts.key_sync import KeySync
from chatserver.accounts.login_guard import LoginGuard
from chatserver.bus import Bus
from chatserver.files.service import FileService
from chatserver.histogram import Histogram
from chatserver.nightly import Nightly
from chatserver.push.service import PushService
from chatserver.realtime.hub import Hub
from chatserver.realtime.keepalive import Keepalive
from chatserver.storage.health import DatabaseHealth
from chatserver.storage.journal import Journal
from chatserver.storage.migrate import HEAD
from chatserver.web.middleware import HttpMiddleware
from chatserver.web.websocket.dispatcher import Dispatcher


class Metrics:
    """Collects the metrics."""

    def __init__(
        self,
        *,
        hub: Hub,
        journal: Journal,
        keepalive: Keepalive,
        guard: LoginGuard,
        middleware: HttpMiddleware,
        dispatcher: Dispatcher,
        closes: Counter[int],
        task_ends: Counter[str],
        nightly: Nightly,
        key_sync: KeySync,
        bus: Bus,
        files: FileService,
        push: PushService,
    ) -> None:
        """`closes` counts connections by close code, `task_ends` ended tasks by name."""
        self._files = files
        self._push = push
        self._hub = hub
        self._journal = journal
        self._keepalive = keepalive
        self._guard = guard
        self._middleware = middleware
        self._dispatcher = dispatcher
        self._closes = closes
        self._task_ends = task_ends
        self._nightly = nightly
        self._key_sync = key_sync
        self._bus = bus

    def text(self, database: DatabaseHealth) -> tuple[bytes, str]:
        """Return the current metrics and their content type.

        The first call imports prometheus_client, which would slow down the start.
        """
        from prometheus_client import CollectorRegistry, ProcessCollector, generate_latest
        from prometheus_client.exposition import CONTENT_TYPE_LATEST

        registry = CollectorRegistry(auto_describe=False)
        ProcessCollector(registry=registry)
        groups = (self._server(), self._messages(), self._sockets(), self._file_metrics())
        for families in (*groups, self._push_metrics(), _database(database)):
            registry.register(_Collector(families))
        return generate_latest(registry), CONTENT_TYPE_LATEST

    def _server(self) -> Iterator[Any]:
        yield _gauge("info", "Version of the running program.", 1, version=__version__)
        yield _gauge(
            "people_online",
            "Users who are online on any node.",
            len(self._hub.presence.state.online()),
        )
        signs = self._guard.counts
        limited = signs["attempted"] - signs["failed"] - signs["succeeded"]
        outcomes = {"ok": signs["succeeded"], "failed": signs["failed"], "limited": limited}
        yield _counters("sign_ins", "Login attempts with a password, by outcome.", outcome=outcomes)
        yield _counters(
            "task_restarts", "Restarts of background tasks, by name.", task=self._task_ends
        )
        trusted = self._nightly.trusts_clock
        yield _gauge("clock_trusted", "1 if the clock agrees with recorded times.", trusted)
        agree = not self._key_sync.differs
        yield _gauge("keys_agree", "1 if all nodes have the same signing keys.", agree)
        yield _gauge("bus_up", "0 if Redis cannot be reached.", not self._bus.unreachable)
        yield _histogram(
            "loop_lag_seconds", "Delay of the event loop in seconds.", self._keepalive.lag
        )

    def _messages(self) -> Iterator[Any]:
        counts, delivered = self._journal.counts, self._hub.delivered
        yield _counter("events", "Stored messages, edits and other events.", counts.stored)
        yield _counter("repeats", "Repeated requests, not stored again.", counts.repeated)
        yield _histogram("commit_seconds", "Seconds from a batch to its replies.", counts.seconds)
        yield _histogram("commit_drafts", "Requests stored in one transaction.", counts.drafts)
        failures = self._journal.outage.failures
        yield _counter("failed_commits", "Batches that could not be stored.", failures)
        yield _gauge("queue_length", "Requests waiting to be stored.", self._journal.waiting)
        yield _counter("deliveries", "Events sent to connections of this node.", delivered.events)
        yield _counter("delivered_bytes", "Bytes of events sent to connections.", delivered.bytes)

    def _sockets(self) -> Iterator[Any]:
        waiting = [connection.queued_bytes for connection in self._hub.connections]
        yield _gauge("connections", "Open connections on this node.", len(waiting))
        yield _gauge("waiting_bytes", "Bytes queued for all connections.", sum(waiting))
        yield _gauge(
            "waiting_bytes_max", "Bytes queued for the slowest reader.", max(waiting, default=0)
        )
        catch_ups = self._dispatcher.queries.catch_ups
        yield _counter("catch_ups", "Requests for missed events (catch-up).", catch_ups)
        yield _counters("closes", "Closed connections, by close code.", code=self._closes)
        refusals = self._middleware.refusals + self._dispatcher.refusals
        yield _counters("refusals", "Refused requests, by error code.", code=refusals)

    def _file_metrics(self) -> Iterator[Any]:
        uploads, cleanup = self._files.uploads.counts, self._files.cleanup
        yield _gauge(
            "files_up", "0 if files cannot be stored or read.", not self._files.store.failure
        )
        yield _counter("uploads", "Files that have arrived.", uploads.uploads)
        yield _counter("uploaded_bytes", "Bytes that have arrived.", uploads.bytes)
        yield _counter("uploads_refused", "Uploads above a limit.", uploads.refused)
        yield _counter("files_deleted", "Files deleted from the disk.", cleanup.counts.deleted)
        if cleanup.space is not None:
            reserved = self._files.uploads.reserve(cleanup.space)
            yield _gauge("files_free_bytes", "Free disk space for files.", cleanup.space.free)
            yield _gauge("files_reserved_bytes", "Uploads leave them free.", reserved)
        media = self._files.media.counts
        outcomes = {
            "ok": media.handled - media.rejected,
            "rejected": media.rejected,
            "failed": media.failed,
        }
        yield _counters("pictures", "Pictures and videos.", outcome=outcomes)
        texts = self._files.texts.counts
        outcomes = {"ok": texts.found, "none": texts.empty, "failed": texts.failed}
        yield _counters("file_texts", "Files read for search.", outcome=outcomes)
        if cleanup.usage is not None:
            yield _gauge("files", "Files that are stored.", cleanup.usage.files)
            yield _gauge("files_bytes", "Their bytes.", cleanup.usage.bytes)

    def _push_metrics(self) -> Iterator[Any]:
        delivery = self._push.delivery
        yield _gauge("push_targets", "Browsers that get pushes.", self._push.reader.targets)
        yield _gauge("push_pending", "Pushes that are not delivered yet.", delivery.pending)
        yield _counters("pushes", "Pushes, by outcome.", outcome=delivery.outcomes)


@dataclass(frozen=True, slots=True)
class _Collector:
    """A group of metrics, in the form that a registry takes."""

    families: Iterator[Any]

    def collect(self) -> Iterator[Any]:
        return self.families


def _database(database: DatabaseHealth) -> Iterator[Any]:
    durability, migrated = database.durability, database.revision == HEAD
    yield _gauge("database_up", "1 if the database answers.", durability is not None)
    yield _gauge("storing", "1 if messages can be stored.", not database.reason)
    if durability is not None:
        yield _gauge("database_migrated", "1 if the database schema is current.", migrated)
        yield _gauge(
            "database_durable", "1 if confirmed events are flushed to disk.", durability == "full"
        )
    if database.size is not None:
        yield _gauge("database_bytes", "Size of the database on disk.", database.size)


def _gauge(name: str, text: str, figure: float, **labels: str) -> Any:
    from prometheus_client.core import GaugeMetricFamily

    family = GaugeMetricFamily(f"chatserver_{name}", text, labels=list(labels))
    family.add_metric(list(labels.values()), figure)
    return family


def _counter(name: str, text: str, figure: float) -> Any:
    from prometheus_client.core import CounterMetricFamily

    return CounterMetricFamily(f"chatserver_{name}", text, figure)


def _counters(name: str, text: str, **by_label: Counter[Any] | dict[str, int]) -> Any:
    """Return a counter with one label."""
    from prometheus_client.core import CounterMetricFamily

    ((label, figures),) = by_label.items()
    family = CounterMetricFamily(f"chatserver_{name}", text, labels=[label])
    for value, figure in figures.items():
        family.add_metric([str(value)], figure)
    return family


def _histogram(name: str, text: str, histogram: Histogram) -> Any:
    from prometheus_client.core import HistogramMetricFamily

    buckets = histogram.cumulative_buckets()
    return HistogramMetricFamily(
        f"chatserver_{name}", text, buckets=buckets, sum_value=histogram.total
    )
