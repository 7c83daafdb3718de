"""Fan-out of events to connections and to other nodes. Owns the connections of this node."""

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from contextlib import contextmanager

from chatserver.bus import Bus, messages
from chatserver.bus.messages import (
    BusMessage,
    Ephemeral,
    Events,
    MembersAdded,
    NodeState,
    PageVisible,
    ProfileChange,
    SessionEnd,
)
from chatserver.errors import CloseCode
from chatserver.models import Event, EventKind, User
from chatserver.protocol import encode_events
from chatserver.realtime.announcements import ReadStates, RoomAnnouncements
from chatserver.realtime.connection import Connection
from chatserver.realtime.held_frames import HeldFrames
from chatserver.realtime.pending_connections import PendingConnection, PendingConnections
from chatserver.realtime.presence_service import PresenceService, person
from chatserver.realtime.room_feed import Cursor, ReadMissed, split_at_departures
from chatserver.realtime.session_ends import FindAlive, SessionEnds
from chatserver.realtime.subscriptions import Subscriptions
from chatserver.realtime.visible_pages import VisiblePages


class Hub:
    """Registry of connections that sends them events, and forwards events to the other nodes.

    Methods combine several of its parts. What concerns one part only is called on that part:
    `subscriptions`, `announcements`, `session_ends`, `visible_pages` or `presence`.
    """

    def __init__(
        self,
        bus: Bus,
        read_missed: ReadMissed,
        read_states: ReadStates,
        key_names: Callable[[], list[str]] = list,
        *,
        node: str = "",
        find_alive: FindAlive,
        clock: Callable[[], float],
    ) -> None:
        """Wire up the parts.

        `clock` returns monotonic seconds, `key_names` the names of this node's signing keys. `node`
        is the name of this node, by default a random one. `find_alive` returns which of some
        sessions have not ended.
        """
        self._bus = bus
        self._by_user: dict[int, set[Connection]] = {}
        self.subscriptions = Subscriptions(read_missed, self._drop_slow, self._on_missed_changes)
        self.delivered = self.subscriptions.delivered
        self._pending = PendingConnections()
        self._held_frames = HeldFrames()  # by user
        self.announcements = RoomAnnouncements(self, self._pending, self.subscriptions, read_states)
        self.session_ends = SessionEnds(self, self._pending, self._forward, find_alive)
        self.visible_pages = VisiblePages(self._forward, clock=clock)
        self.on_stored: Callable[[int, list[Event]], object] = lambda _room, _events: None
        self.presence = PresenceService(
            lambda: self.connections,
            self.broadcast,
            self._forward,
            key_names,
            node=node,
            clock=clock,
        )

    # Connections ----------------------------------------------------------------------------------

    @property
    def connections(self) -> list[Connection]:
        """All attached connections of this node."""
        return [connection for connections in self._by_user.values() for connection in connections]

    def connections_of(self, user_id: int) -> Collection[Connection]:
        """Return the attached connections of a user on this node."""
        return self._by_user.get(user_id, ())

    def users(self) -> list[int]:
        """Return the ids of all users with a connection on this node."""
        return list(self._by_user)

    @contextmanager
    def connecting(self) -> Iterator[PendingConnection]:
        """Guard the check of a session, the query of the user's rooms, and `attach`.

        Within the block every room with new events has a feed, so that `attach` can return what was
        sent since the query. The yielded object records sessions that end and memberships that
        change.
        """
        since = self.subscriptions.hold()
        held = self._held_frames.hold()
        try:
            with self._pending.track() as pending:
                yield pending
        finally:
            self.subscriptions.release(since)
            self._held_frames.release(held)

    def attach(self, connection: Connection, heads: Mapping[int, int]) -> bytes:
        """Subscribe a connection to its rooms; return the frames sent since `heads` were read.

        `heads` maps rooms to the last seq in the database, read within `connecting`.
        """
        user_id = connection.user.id
        self._by_user.setdefault(user_id, set()).add(connection)
        missed = self._held_frames.frames_for(user_id) + self.subscriptions.subscribe_all(
            connection, heads
        )
        self.presence.connect(connection)
        return b"".join(missed)

    def cursors(self, connection: Connection, rooms: Iterable[int]) -> dict[int, Cursor]:
        """Return the cursors of the subscribed ones of these rooms.

        Empty if there are other nodes: then only the database knows the head of a room.
        """
        return {} if self._bus.peers else self.subscriptions.cursors(connection, rooms)

    def subscribe(self, user_id: int, room: int, after: int) -> None:
        """Subscribe a user's connections to a new room after seq `after`, or reconnect them."""
        for connection in list(self.connections_of(user_id)):
            if not self.subscriptions.subscribe_if_new(connection, room, after):
                self.hang_up(connection, CloseCode.RESTARTING, "added to a room")

    def detach(self, connection: Connection) -> None:
        """Remove a connection and its subscriptions; ignored if it is not attached."""
        connections = self._by_user.get(connection.user.id, set())
        if connection not in connections:
            return
        connections.discard(connection)
        if not connections:
            del self._by_user[connection.user.id]
        self.subscriptions.unsubscribe_all(connection)
        self.visible_pages.forget(connection)
        self.presence.disconnect(connection)

    # Fan-out --------------------------------------------------------------------------------------

    def publish(self, room: int, events: list[Event]) -> None:
        """Send stored events to all subscribers on all nodes, in order."""
        for run in split_at_departures(events):
            self._publish(room, run)
        for event in [event for event in events if event.joined_ids]:
            self._announce_joined(event)
        self.on_stored(room, events)

    def _publish(self, room: int, events: list[Event]) -> None:
        """Send events of which only the last may be a departure."""
        frames = encode_events.frames(events)
        changes = any(event.kind is not EventKind.MESSAGE for event in events)
        first, last = events[0].seq, events[-1].seq
        participants, left_ids = events[0].participants, events[-1].left_ids
        message = Events(room, first, last, frames, changes, participants, left_ids)
        self._deliver(message)
        self._forward(message)

    def _deliver(self, message: Events) -> None:
        if message.first == 1:
            self._pending.note_changes(message.participants)
        for user_id in message.participants:
            self.subscribe(user_id, message.room, 0)
        sent = self.subscriptions.advance(
            message.room, message.first, message.last, message.frames, changes=message.changes
        )
        if message.left_ids:
            self._end_memberships(
                message.room, dict.fromkeys(message.left_ids, message.last), sent=sent
            )
        if sent:
            self.subscriptions.deliver_early(message.room)

    def _forward(self, message: BusMessage) -> None:
        if self._bus.peers:
            self._bus.publish(messages.encode(message))

    # Members --------------------------------------------------------------------------------------

    def _end_memberships(self, room: int, departures: dict[int, int], *, sent: bool) -> None:
        """Unsubscribe users who left a room; `departures` maps user ids to seqs.

        Connections that were not `sent` the departure have to reconnect to learn of it.
        """
        self._pending.note_changes(departures)
        for user_id, seq in departures.items():
            for connection in list(self._by_user.get(user_id, ())):
                if self.subscriptions.end_membership(connection, room, seq) and not sent:
                    self.hang_up(connection, CloseCode.RESTARTING, "removed from a room")

    def _on_missed_changes(self, room: int, changes: dict[int, int]) -> None:
        """End the memberships of before these changes. Those that began with them go on."""
        self._end_memberships(room, changes, sent=False)

    def _announce_joined(self, event: Event) -> None:
        """Send the room to its new members.

        A user who joined by a command of their own gets the reply first: see `RoomCommands`.
        """
        new_members = MembersAdded(event.room, event.joined_ids, encode_events.payload(event))
        self._forward(new_members)
        others = [user_id for user_id in event.joined_ids if user_id != event.user_id]
        self.announcements.schedule(others, event.room, new_members.event)

    def send_ephemeral(
        self,
        frames: bytes,
        *,
        room: int | None = None,
        user: int | None = None,
        exclude: Connection | None = None,
    ) -> None:
        """Send frames that are not stored to the subscribers of a room, or to one user."""
        self._deliver_ephemeral(Ephemeral(frames, room, user), exclude)
        self._forward(Ephemeral(frames, room, user))

    def _deliver_ephemeral(self, message: Ephemeral, exclude: Connection | None = None) -> None:
        if message.room is not None:
            self.subscriptions.send(message.room, message.frames, exclude=exclude)
        if message.user is not None:
            self._held_frames.add(message.user, message.frames)
            self.broadcast(message.frames, list(self._by_user.get(message.user, ())))

    def notify_gap(self, room: int, seq: int, participants: Iterable[int] = ()) -> None:
        """Ensure that subscribers get the events of a room up to `seq`.

        `participants` are the members of a direct conversation; they are subscribed first.
        """
        for user_id in participants:
            self.subscribe(user_id, room, 0)
        self.subscriptions.notify_gap(room, seq)

    def announce_profile(self, user: User) -> None:
        """Send the changed profile picture of a user to all clients, on all nodes."""
        change = ProfileChange(user.id, person(user))
        self._apply_profile(change)
        self._forward(change)

    def _apply_profile(self, change: ProfileChange) -> None:
        self._pending.note_changes([change.user])
        self.presence.change(change.profile)

    # Closing --------------------------------------------------------------------------------------

    def _drop_slow(self, connection: Connection) -> None:
        self.hang_up(connection, CloseCode.TOO_SLOW, "too slow")

    def hang_up(self, connection: Connection, code: CloseCode, reason: str) -> None:
        """Detach a connection and close its socket."""
        self.detach(connection)
        connection.hang_up(code, reason)

    def hang_up_all(self, code: CloseCode, reason: str) -> None:
        for connection in self.connections:
            self.hang_up(connection, code, reason)

    def force_reconnect(self, users: Iterable[int]) -> None:
        """Close all connections of these users, because their subscriptions may be stale."""
        for user_id in users:
            self.session_ends.close_user_connections(user_id, CloseCode.RESTARTING)

    def broadcast(self, frames: bytes, to: Iterable[Connection]) -> None:
        """Write frames that are not events; drop connections that are too slow."""
        for connection in to:
            if not connection.write(frames):
                self._drop_slow(connection)

    # Other nodes ----------------------------------------------------------------------------------

    def receive(self, payload: bytes) -> None:
        """Handle a message from another node."""
        match messages.decode(payload):
            case Events() as events:
                self._deliver(events)
            case MembersAdded() as new_members:
                self.announcements.schedule(new_members.users, new_members.room, new_members.event)
            case Ephemeral() as ephemeral:
                self._deliver_ephemeral(ephemeral)
            case SessionEnd() as session_end:
                self.session_ends.receive(session_end)
            case NodeState() as announcement:
                self.presence.receive(announcement)
            case ProfileChange() as change:
                self._apply_profile(change)
            case PageVisible() as report:
                self.visible_pages.receive(report)

    def close(self) -> None:
        """Cancel timers and tasks; announce to the other nodes that this one has gone."""
        self.presence.close()
        self.subscriptions.close()
        self.announcements.close()
        self.session_ends.close()
