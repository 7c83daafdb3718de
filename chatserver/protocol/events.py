"""Messages from server to clients. The docstrings name the recipients."""

from msgspec import UNSET, Struct, UnsetType

from chatserver.protocol.base import HISTORY_LIMIT, Position, PositiveInt, Type, Wire
from chatserver.protocol.rules import NotificationRules


class Person(Struct, frozen=True):
    """A user. `status` is online or offline; `/pictures/{picture}` has the profile picture."""

    name: str
    display: str
    status: str = "online"
    picture: str | UnsetType = UNSET


class ServerProfile(Struct, frozen=True, omit_defaults=True):
    """The name of the server as pages show it; `/logo/{logo}` has its logo."""

    title: str
    logo: str | None = None


class Error(Wire, tag=int(Type.ERROR)):
    """The session is not valid; log in again. To one socket, before the server closes it."""

    data: str
    code: str


class GroupList(Wire, tag=int(Type.GROUP_LIST)):
    """All users who are online. To one socket, once after its welcome."""

    data: list[Person]


class File(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A file of a message: `/files/{id}/{name}` has its content.

    `type` is its media type, found from its first bytes; `bytes` its size. A picture with `width`
    and `height`, in pixels, has thumbnails. `blur` is a ThumbHash in base64; `alt` is a text for
    users who do not see the picture. A voice message has its duration in `seconds`, and in `wave`
    64 peaks, each a character of base64url from A (silence) to _ (loudest); both are as the sender
    has given them. `removed`: an administrator has deleted it; nothing else is left of it, and its
    name is empty.
    """

    id: str
    name: str
    type: str
    bytes: int
    width: int | None = None
    height: int | None = None
    blur: str | None = None
    alt: str | None = None
    seconds: float | None = None
    wave: str | None = None
    removed: bool = False


class GroupChat(Wire, tag=int(Type.GROUP_CHAT)):
    """A message in a room. To every device of every member.

    `html` is set if `data` has markup: its rendered form, in a few safe tags.
    """

    room: PositiveInt
    seq: PositiveInt
    user: str
    data: str
    at: int
    html: str | None = None
    id: str | None = None
    reply_to: int | None = None
    edited_at: int | None = None
    deleted_at: int | None = None
    reactions: dict[str, list[str]] | None = None
    files: list[File] | None = None


class SingleChat(Wire, tag=int(Type.SINGLE_CHAT)):
    """A message in a direct conversation. To every device of both users."""

    room: PositiveInt
    seq: PositiveInt
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
    files: list[File] | None = None


class Typing(Wire, tag=int(Type.TYPING)):
    """A user is typing; it expires after 5 s. To the other devices subscribed to the room."""

    room: PositiveInt
    user: str


class Read(Wire, tag=int(Type.READ)):
    """A member has read up to `seq`.

    To the devices of that user immediately. If the room shows receipts, also to all members, in
    batches at most once a second, with the newest position of each. `muted` and `notify` are set if
    the user has changed which messages of the room notify, `favorite` if it became a favorite or is
    none any more; they are sent to the devices of that user only. `unread`: the user has marked the
    messages after `seq` as unread, so the position has moved back.
    """

    room: PositiveInt
    user: str
    seq: Position
    muted: bool | None = None
    favorite: bool | None = None
    notify: str | None = None
    unread: bool | None = None


class Edit(Wire, tag=int(Type.EDIT)):
    """The text of message `target` was replaced by `data`. To every device of every member.

    `files` are all files that the message has now; without it there are none.
    """

    room: PositiveInt
    seq: PositiveInt
    user: str
    target: PositiveInt
    data: str
    at: int
    html: str | None = None
    id: str | None = None
    files: list[File] | None = None


class Delete(Wire, tag=int(Type.DELETE)):
    """Message `target` was deleted. To every device of every member."""

    room: PositiveInt
    seq: PositiveInt
    user: str
    target: PositiveInt
    at: int
    id: str | None = None


class React(Wire, tag=int(Type.REACT)):
    """A reaction to message `target` was added or removed. To every device of every member."""

    room: PositiveInt
    seq: PositiveInt
    user: str
    target: PositiveInt
    emoji: str
    on: bool
    at: int
    id: str | None = None


class RoomEvent(Wire, tag=int(Type.ROOM)):
    """The room or its members changed. To every device of every member.

    New members also get the room, in `state`. `admins` are members who became administrators of
    the room because its last administrator left.
    """

    room: PositiveInt
    seq: PositiveInt
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


LogMessage = GroupChat | SingleChat | Edit | Delete | React | RoomEvent


class WelcomeSession(Struct, frozen=True):
    """The session of this socket.

    `expires_at` is in milliseconds UTC; `lifetime` is the number of seconds until a renewed
    session expires.
    """

    id: str
    expires_at: int
    lifetime: int


class WelcomeLimits(Struct, frozen=True):
    """Limits of this server. `file_bytes` is that of one file.

    A mention of all members notifies nobody in rooms with more than `all_members`.
    """

    message_chars: int
    frame_bytes: int
    messages_per_second: float
    message_burst: int
    history: int = HISTORY_LIMIT
    file_bytes: int = 0
    files_per_message: int = 0
    all_members: int = 0


class WelcomeRoom(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A room of this user.

    `members` is the number of members; `to` is the other user of a direct room. `unread` and
    `mentions` count messages of other users up to `head`, each up to 1,000. `notify`: all,
    mentions, nothing, or the default of the user; `muted`: it is mentions or nothing. `at_least`:
    the server did not read all messages, so both may be higher. `last` is a preview: at most 200
    characters of text, without `html`, and only the first file, with at most 200 characters of its
    `alt`.
    """

    room: PositiveInt
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
    favorite: bool = False
    notify: str = "default"
    to: str | None = None
    at_least: bool = False
    last: GroupChat | SingleChat | None = None


class Welcome(Wire, tag=int(Type.WELCOME)):
    """The first frame of a socket. The live feed of every room starts at its `head` + 1.

    `rooms` has all rooms of the user, at most 500. If there are more, it has the lobby, rooms with
    unread messages and rooms with the newest events, and `rooms_more` is true: `history` with this
    `rooms_after` returns the others. Events of all rooms are sent in any case. `page` changes with
    the files of the server's own page, which then reloads. `presence` has changes of `server`.
    """

    user: str
    epoch: str
    session: WelcomeSession
    limits: WelcomeLimits
    rooms: list[WelcomeRoom]
    rooms_more: bool = False
    rooms_after: Position | None = None
    page: str | None = None
    server: ServerProfile | None = None


class Presence(Wire, tag=int(Type.PRESENCE)):
    """Users who came online (`online`, as in groupList) or went offline (`offline`, names).

    `online` also has users who are online and whose profile picture changed; `changed` has those
    who are offline. `server` is set if the name or the logo of the server changed. Changes since
    the last presence. To every user, at most once a second.
    """

    online: list[Person]
    offline: list[str]
    changed: list[Person] | None = None
    server: ServerProfile | None = None


class Heartbeat(Wire, tag=int(Type.HEARTBEAT)):
    """The connection is alive. To every socket, for browsers, which do not expose pings."""


Unstored = Presence | Typing | Read | NotificationRules | Heartbeat
Outgoing = Error | GroupList | LogMessage | Welcome | Unstored
