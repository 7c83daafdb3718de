"""Fan-out of events to connections and to other nodes. Owns the connections of this node."""

import secrets
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager

from chatserver import protocol
from chatserver.bus import Bus, messages
from chatserver.bus.messages import Admitted, Aside, Ended, Here, News, Word
from chatserver.errors import CloseCode
from chatserver.models import Event, Kind, RoomState
from chatserver.protocol import encode_events
from chatserver.realtime.announcements import ReadStates, RoomAnnouncements
from chatserver.realtime.connection import Connection
from chatserver.realtime.held_frames import HeldFrames
from chatserver.realtime.pending_connections import PendingConnection, PendingConnections
from chatserver.realtime.presence import PresenceState
from chatserver.realtime.presence_feed import PresenceFeed
from chatserver.realtime.subscriptions import ReadMissed, Subscriptions, until_departures


class Hub:
    """Registers connections, fans events out to them and tells the other nodes."""

    def __init__(
        self,
        bus: Bus,
        read_missed: ReadMissed,
        read_states: ReadStates,
        key_names: Callable[[], list[str]] = list,
        *,
        node: str = "",
        clock: Callable[[], float],
    ) -> None:
        """`clock` gives monotonic seconds; `key_names` are those of this node's signing keys.

        `node` is its name among the nodes, by default a random one.
        """
        self._bus = bus
        self._node = node or secrets.token_hex(8)
        self._clock = clock
        self._key_names = key_names
        self.learn_end: Callable[[Ended], object] = lambda _: None  # see `revocations.Revocations`
        self._devices: dict[int, set[Connection]] = {}
        self._feeds = Subscriptions(read_missed, self._fell_behind, self._departed)
        self.delivered = self._feeds.delivered
        self._arrivals = PendingConnections()
        self._asides = HeldFrames()  # by user
        self._introductions = RoomAnnouncements(
            read_states,
            self.arriving,
            self._arrivals,
            devices=self.devices,
            show=self._show,
            reconnect=self._reconnect,
        )
        self._who = PresenceState()
        self._presence = PresenceFeed(
            self._who, lambda: self.connections, self.broadcast, self._say_who_is_here, clock
        )

    # Connections ----------------------------------------------------------------------------------

    @property
    def connections(self) -> list[Connection]:
        """Every attached connection of this node."""
        return [connection for devices in self._devices.values() for connection in devices]

    def devices(self, user_id: int) -> Collection[Connection]:
        """The attached connections of a user on this node."""
        return self._devices.get(user_id, ())

    def users(self) -> list[int]:
        """Everybody with a socket on this node."""
        return list(self._devices)

    @contextmanager
    def arriving(self) -> Iterator[PendingConnection]:
        """Around checking somebody's session, reading the rooms, and `attach`.

        Meanwhile every room that news comes for has a feed, so `attach` learns how far it is; and
        the arrival notes whose session ended and whose rooms changed.
        """
        since = self._feeds.hold()
        asides = self._asides.hold()
        try:
            with self._arrivals.one() as arrival:
                yield arrival
        finally:
            self._feeds.release(since)
            self._asides.release(asides)

    async def prepare(self, heads: Mapping[int, int]) -> None:
        """Do what `attach` would take long for where there are thousands of rooms."""
        await self._feeds.prepare(heads)

    def attach(self, connection: Connection, heads: Mapping[int, int]) -> bytes:
        """Let a connection listen; the frames that it missed since the database was asked.

        `heads` are those that the database named while `arriving`.
        """
        user_id = connection.user.id
        self._devices.setdefault(user_id, set()).add(connection)
        missed = self._asides.of(user_id) + self._feeds.start_all(connection, heads)
        self._who.arrive(_person(connection))
        self._presence.changed()
        return b"".join(missed)

    def heard(self, connection: Connection, numbers: Iterable[int]) -> dict[int, tuple[int, int]]:
        """Of these rooms those that a connection listens to: see `feeds.Subscriptions.heard`.

        None of them where other nodes write too: only the database knows how far a room is.
        """
        return {} if self._bus.peers else self._feeds.heard(connection, numbers)

    def count_listeners(self, room: int) -> int:
        return self._feeds.count_listeners(room)

    def listen(self, user_id: int, room: int, after: int) -> None:
        """Let every device of a person hear a room that is new to it, from `after` on."""
        for connection in self._devices.get(user_id, ()):
            self._feeds.join(connection, room, after)

    def detach(self, connection: Connection) -> None:
        """The connection is gone, or as good as gone."""
        devices = self._devices.get(connection.user.id, set())
        if connection not in devices:
            return
        devices.discard(connection)
        if not devices:
            del self._devices[connection.user.id]
        self._feeds.leave_all(connection)
        self._who.depart(connection.user.name)
        self._presence.changed()

    # Fan-out --------------------------------------------------------------------------------------

    def publish(self, room: int, events: list[Event]) -> None:
        """Send events that are on disk to everybody who listens, on every node, in order."""
        for run in until_departures(events):
            self._publish(room, run)
        for event in [event for event in events if event.joined]:
            self._admit(event)

    def _publish(self, room: int, events: list[Event]) -> None:
        """Only the last of these events may be a departure."""
        frames = encode_events.frames(events)
        changes = any(event.kind is not Kind.MESSAGE for event in events)
        first, last = events[0].seq, events[-1].seq
        news = News(room, first, last, frames, changes, events[0].people, events[-1].left)
        self._advance(news)
        self._tell_others(news)

    def _advance(self, news: News) -> None:
        if news.first == 1:
            self._arrivals.note_moves(news.people)
        for user_id in news.people:
            self.listen(user_id, news.room, 0)
        sent = self._feeds.advance(
            news.room, news.first, news.last, news.frames, changes=news.changes
        )
        if news.left:
            self._depart(news.room, dict.fromkeys(news.left, news.last), sent=sent)
        if sent:
            self._feeds.follow(news.room)

    def _tell_others(self, word: Word) -> None:
        if self._bus.peers:
            self._bus.publish(messages.encode(word))

    # Members --------------------------------------------------------------------------------------

    def _depart(self, room: int, left: dict[int, int], *, sent: bool) -> None:
        """Stop sending a room's events to who left it; `left` is user id → seq of the departure.

        Devices that were not `sent` their departure have to reconnect to learn of it.
        """
        self._arrivals.note_moves(left)
        for user_id, seq in left.items():
            for connection in list(self._devices.get(user_id, ())):
                if self._feeds.depart(connection, room, seq) and not sent:
                    self.hang_up(connection, CloseCode.RESTARTING, "removed from a room")

    def _departed(self, room: int, left: dict[int, int]) -> None:
        self._depart(room, left, sent=False)

    def _admit(self, event: Event) -> None:
        """Show new members their room.

        Whoever joined by a request of their own gets the reply first: see `announce_room`.
        """
        admitted = Admitted(event.room, event.joined, encode_events.payload(event))
        self._tell_others(admitted)
        others = [user_id for user_id in event.joined if user_id != event.author]
        self._introductions.soon(others, event.room, admitted.event)

    async def announce_room(self, users: Sequence[int], room: int, event: bytes) -> None:
        """Let the devices of new members hear a room, and send them its state with the event."""
        await self._introductions.announce_room(users, room, event)

    def _show(self, user_id: int, state: RoomState, frame: bytes) -> None:
        for connection in [one for one in self.devices(user_id) if state.room not in one.rooms]:
            missed = self._feeds.start(connection, state.room, state.head)
            connection.send(b"".join((frame, *missed)))

    def _reconnect(self, users: Iterable[int]) -> None:
        for user_id in users:
            for connection in list(self._devices.get(user_id, ())):
                self.hang_up(connection, CloseCode.RESTARTING, "added to a room")

    def aside(
        self,
        frames: bytes,
        *,
        room: int | None = None,
        user: int | None = None,
        but: Connection | None = None,
    ) -> None:
        """Send frames that are not stored to everybody who hears a room, or to one person."""
        self._aside(Aside(frames, room, user), but)
        self._tell_others(Aside(frames, room, user))

    def _aside(self, aside: Aside, but: Connection | None = None) -> None:
        if aside.room is not None:
            self._feeds.send(aside.room, aside.frames, but=but)
        if aside.user is not None:
            self._asides.add(aside.user, aside.frames)
            self.broadcast(aside.frames, list(self._devices.get(aside.user, ())))

    def notify_gap(self, room: int, seq: int, people: Iterable[int] = ()) -> None:
        """That event exists. Whoever has not been sent it will be.

        `people` of a direct room hear it whether they know the room yet or not.
        """
        for user_id in people:
            self.listen(user_id, room, 0)
        self._feeds.notify_gap(room, seq)

    # Hanging up -----------------------------------------------------------------------------------

    def _fell_behind(self, connection: Connection) -> None:
        self.hang_up(connection, CloseCode.TOO_SLOW, "too slow")

    def hang_up(self, connection: Connection, code: CloseCode, reason: str) -> None:
        """Close one socket; it hears nothing from now on."""
        self.detach(connection)
        connection.hang_up(code, reason)

    def hang_up_all(self, code: CloseCode, reason: str) -> None:
        for connection in self.connections:
            self.hang_up(connection, code, reason)

    def end_session(self, session_id: str, *, pending: bool = False) -> None:
        """Hang up a session's sockets on every node. `pending`: its end is not stored yet."""
        self._end(Ended(CloseCode.SESSION_INVALID, session=session_id, pending=pending))

    def end_user(self, user_id: int, code: CloseCode) -> None:
        """Hang up every socket of a person, on every node."""
        self._end(Ended(code, user=user_id))

    def force_reconnect(self, users: Iterable[int]) -> None:
        """Have these people come back: what they may hear has changed in a way that nobody saw."""
        for user_id in users:
            self.end_user(user_id, CloseCode.RESTARTING)

    def _end(self, ended: Ended) -> None:
        self._ended_here(ended)
        self._tell_others(ended)

    def _ended_here(self, ended: Ended) -> None:
        self._arrivals.note_end(ended)
        mine = self._devices.get(ended.user, ()) if ended.user is not None else self.connections
        for connection in list(mine):
            if ended.session in (None, connection.session_id):
                self.expire(connection, CloseCode(ended.code))

    def expire(self, connection: Connection, code: CloseCode = CloseCode.SESSION_INVALID) -> None:
        """Hang up a socket; tell it that its session is over, unless it shall come back."""
        if code is not CloseCode.RESTARTING:
            connection.write(SESSION_OVER)
        self.hang_up(connection, code, "session over")

    # Presence -------------------------------------------------------------------------------------

    def online(self) -> list[protocol.Person]:
        """Everybody who is online, on any node."""
        return self._who.online()

    def online_listed(self) -> bytes | bytearray:
        """The same as the inside of a JSON array, for whoever comes in."""
        return self._who.listed()

    def broadcast(self, frames: bytes, to: Iterable[Connection]) -> None:
        """Send to these connections what is no event."""
        for connection in to:
            if not connection.write(frames):
                self._fell_behind(connection)

    def _say_who_is_here(self) -> None:
        self._tell_others(Here(self._node, self._who.here(), self._key_names()))

    # Other nodes ----------------------------------------------------------------------------------

    def receive(self, payload: bytes) -> None:
        """A word from another node."""
        match messages.decode(payload):
            case News() as news:
                self._advance(news)
            case Admitted() as told:
                self._introductions.soon(told.users, told.room, told.event)
            case Aside() as aside:
                self._aside(aside)
            case Ended() as ended:
                self._ended_here(ended)
                self.learn_end(ended)
            case Here(node, persons, keys):
                self._who.node_says(node, persons, self._clock(), keys=keys)
                self._presence.changed()

    def node_keys(self) -> list[list[str]]:
        """The signing keys of each other node that has announced any."""
        return self._who.keys_elsewhere()

    def heads(self) -> dict[int, int]:
        """How far each room is that somebody here listens to."""
        return self._feeds.heads()

    def check_nodes(self) -> None:
        """To be called every few seconds where there are other nodes."""
        self._who.forget_silent_nodes(self._clock())
        self._say_who_is_here()
        self._presence.changed()

    def close(self) -> None:
        """Cancel timers and tasks; the other nodes learn that this one has no users and no keys."""
        self._tell_others(Here(self._node, [], []))
        self._presence.close()
        self._feeds.close()
        self._introductions.close()


SESSION_OVER = protocol.encode(
    protocol.Error(data="Your session has ended. Log in again.", code="session_over")
)


def _person(connection: Connection) -> protocol.Person:
    return protocol.Person(connection.user.name, connection.user.display)
