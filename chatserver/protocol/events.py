"""From server to clients: what happened and what is. The docstrings say who receives it."""

from msgspec import Struct

from chatserver.protocol.base import HISTORY_LIMIT, Number, Position, Type, Wire


class Person(Struct, frozen=True):
    """Somebody who is online."""

    name: str
    display: str
    status: str = "online"


class Error(Wire, tag=int(Type.ERROR)):
    """To one socket, right before it is closed: its session is not valid. Log in again."""

    data: str
    code: str


class GroupList(Wire, tag=int(Type.GROUP_LIST)):
    """Who is online, whole. To one socket, once after its welcome."""

    data: list[Person]


class GroupChat(Wire, tag=int(Type.GROUP_CHAT)):
    """Somebody said something in a room. To every device of every member.

    `html` is there when `data` has markup: what it looks like, of few tags, safe to show.
    """

    room: Number
    seq: Number
    user: str
    data: str
    at: int
    html: str | None = None
    id: str | None = None
    reply_to: int | None = None
    edited_at: int | None = None
    deleted_at: int | None = None
    reactions: dict[str, list[str]] | None = None


class SingleChat(Wire, tag=int(Type.SINGLE_CHAT)):
    """Somebody said something to one person. To every device of both."""

    room: Number
    seq: Number
    user: str
    to: str
    data: str
    at: int
    html: str | None = None
    id: str | None = None
    reply_to: int | None = None
    edited_at: int | None = None
    deleted_at: int | None = None
    reactions: dict[str, list[str]] | None = None


class Typing(Wire, tag=int(Type.TYPING)):
    """Somebody is writing; forget it after 5 s. To the other devices that listen to the room."""

    room: Number
    user: str


class Read(Wire, tag=int(Type.READ)):
    """A member has read up to `seq`.

    To the devices of that user at once; where the room shows receipts to all members too, at most
    once a second for many, so the newest position of each. With `muted` it also says whether the
    room may disturb now, to the devices of that user alone.
    """

    room: Number
    user: str
    seq: Position
    muted: bool | None = None


class Edit(Wire, tag=int(Type.EDIT)):
    """The text of message `target` is `data` now. To every device of every member."""

    room: Number
    seq: Number
    user: str
    target: Number
    data: str
    at: int
    html: str | None = None
    id: str | None = None


class Delete(Wire, tag=int(Type.DELETE)):
    """The text of message `target` is gone. To every device of every member."""

    room: Number
    seq: Number
    user: str
    target: Number
    at: int
    id: str | None = None


class React(Wire, tag=int(Type.REACT)):
    """Somebody put an emoji to message `target`, or took it back.

    To every device of every member.
    """

    room: Number
    seq: Number
    user: str
    target: Number
    emoji: str
    on: bool
    at: int
    id: str | None = None


class RoomEvent(Wire, tag=int(Type.ROOM)):
    """The room or its members changed. To every device of every member.

    Who just became a member gets the room besides, in `state`. `admins` are members who administer
    the room from now on, because its last administrator left.
    """

    room: Number
    seq: Number
    user: str
    action: str
    at: int
    id: str | None = None
    name: str | None = None
    title: str | None = None
    topic: str | None = None
    private: bool | None = None
    archived: bool | None = None
    receipts: bool | None = None
    leavers_read: bool | None = None
    retention_days: int | None = None
    users: list[str] | None = None
    admins: list[str] | None = None
    state: "WelcomeRoom | None" = None


Happening = GroupChat | SingleChat | Edit | Delete | React | RoomEvent


class WelcomeSession(Struct, frozen=True):
    """The session of this socket.

    `expires_at` is in milliseconds UTC; `lifetime` are the seconds by which renewing prolongs it.
    """

    id: str
    expires_at: int
    lifetime: int


class WelcomeLimits(Struct, frozen=True):
    """What this server accepts."""

    message_chars: int
    frame_bytes: int
    messages_per_second: float
    message_burst: int
    history: int = HISTORY_LIMIT


class WelcomeRoom(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A room of this user. `members` counts them; `to` is the other one of a direct room.

    `unread` and `mentions` count messages of others up to `head`, each up to 1,000. `last` is a
    preview: at most 200 characters of its text, and no `html`.
    """

    room: Number
    kind: str
    name: str | None
    title: str
    members: int
    head: int
    read: int
    unread: int
    mentions: int
    muted: bool
    topic: str = ""
    private: bool = False
    archived: bool = False
    receipts: bool = False
    admin: bool = False
    to: str | None = None
    last: GroupChat | SingleChat | None = None


class Welcome(Wire, tag=int(Type.WELCOME)):
    """The first frame of a socket. The live feed of every room starts at its `head` + 1.

    `rooms` are all rooms of the user, at most 500. When there are more, they are the lobby, those
    with unread messages and those with the newest events, and `rooms_more` is true: `history` with
    this `rooms_after` asks for the others. Events of all rooms come in any case. `page` changes
    with the files of the server's own page, which loads itself again then.
    """

    user: str
    epoch: str
    session: WelcomeSession
    limits: WelcomeLimits
    rooms: list[WelcomeRoom]
    rooms_more: bool = False
    rooms_after: Position | None = None
    page: str | None = None


class Presence(Wire, tag=int(Type.PRESENCE)):
    """Who came (`online`, as in groupList) and who went (`offline`, names) since the last one.

    To everybody, at most once a second.
    """

    online: list[Person]
    offline: list[str]


class Heartbeat(Wire, tag=int(Type.HEARTBEAT)):
    """The line is alive. To everybody, for browsers, which cannot see pings."""


Outgoing = Error | GroupList | Happening | Welcome | Presence | Typing | Read | Heartbeat
