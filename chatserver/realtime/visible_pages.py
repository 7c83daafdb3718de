"""Pages that users are looking at, on all nodes. Users who have one get no push.

A page reports it again and again, because a device that goes to sleep reports nothing. Owns the
times of the last reports.
"""

import secrets
from collections.abc import Callable

from chatserver.bus.messages import PageVisible
from chatserver.realtime.connection import Connection

REPORT_LIFETIME = 90.0  # seconds; pages report every REPORT_INTERVAL of state/visibility.js


class VisiblePages:
    """Records reports of this node's connections, and of those that other nodes announce."""

    def __init__(
        self, publish: Callable[[PageVisible], None], *, clock: Callable[[], float]
    ) -> None:
        """`publish` sends a message to the other nodes; `clock` returns monotonic seconds."""
        self._publish = publish
        self._clock = clock
        self._node = secrets.token_hex(8)
        self._until: dict[int, dict[str, float]] = {}  # by user id and page

    def report(self, connection: Connection, *, visible: bool) -> None:
        """Record whether the page of a connection is visible."""
        page = self._page(connection)
        if visible or page in self._until.get(connection.user.id, {}):
            message = PageVisible(connection.user.id, page, visible)
            self.receive(message)
            self._publish(message)

    def forget(self, connection: Connection) -> None:
        """Record that a connection was closed."""
        self.report(connection, visible=False)

    def receive(self, message: PageVisible) -> None:
        """Record a report, perhaps of another node."""
        pages = self._until.setdefault(message.user, {})
        if message.visible:
            pages[message.page] = self._clock() + REPORT_LIFETIME
        else:
            pages.pop(message.page, None)
        self._drop_expired(message.user)

    def has_visible_page(self, user_id: int) -> bool:
        self._drop_expired(user_id)
        return user_id in self._until

    def _drop_expired(self, user_id: int) -> None:
        pages, now = self._until.get(user_id, {}), self._clock()
        valid = {page: until for page, until in pages.items() if until > now}
        if valid:
            self._until[user_id] = valid
        else:
            self._until.pop(user_id, None)

    def _page(self, connection: Connection) -> str:
        return f"{self._node}:{id(connection)}"
