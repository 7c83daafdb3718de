"""Responses about accounts, sessions, bots and invitations."""

from msgspec import Struct

from chatserver import protocol
from chatserver.models import Role
from chatserver.web.responses import Success, over_http


class SignedIn(Success):
    """The token is in the header Authorization; browsers get it in the session cookie."""

    user: str


class Joined(SignedIn):
    """`room`: the room of the invitation, which the new user has joined."""

    room: protocol.PositiveInt | None = None


class JoinedRoom(Success):
    room: protocol.PositiveInt


class LoggedOut(Success):
    """`pending`: the session has ended on this node, which is not stored yet."""

    pending: bool = False


class Account(Struct):
    """An account. Display names with the same `look` are confusable; ASCII ones have no `look`.

    `/pictures/{picture}` has the profile picture, if there is one.
    """

    name: str
    display: str
    role: Role
    locale: str
    disabled: bool
    deleted: bool = False
    look: str = ""
    picture: str = ""


class OneAccount(Success):
    user: Account


class OnePicture(Success):
    """`/pictures/{picture}` has the picture."""

    picture: str


class Accounts(Success):
    """`more` is set in answers to requests with `limit`: there are more accounts."""

    users: list[Account]
    more: bool = False


class CommonRooms(Success):
    """Numbers of rooms of which both users are members, at most 100."""

    rooms: list[protocol.PositiveInt]


class DeletedAccount(Success):
    """`messages`: number of deleted messages; only set if the request deletes them."""

    messages: int = 0


class NewBotAccount(Success):
    """`token` is shown only once."""

    user: Account
    token: str


class BotToken(Success):
    """Shown this once."""

    token: str


class GeneratedPassword(Success):
    """Shown this once."""

    password: str


class Invitation(Struct):
    """`url` is the link to send. `title` is the title of the `room` to join, if any."""

    code: str
    url: str
    created_by: str
    created_at: int
    expires_at: int
    uses_left: int
    room: int | None
    title: str | None


class Invitations(Success):
    """`addresses`: base URLs at which other devices can reach the server, best first."""

    invites: list[Invitation]
    addresses: list[str]


class AddressedInvitation(Invitation):
    """`addresses`: as in the list of invitations; `url` starts with the first one."""

    addresses: list[str] = []


NewInvitation = over_http(AddressedInvitation, "NewInvitation")


class Session(Struct):
    """A session. `current`: it is the session of this request. Times are in milliseconds UTC."""

    id: str
    created_at: int
    last_seen_at: int
    expires_at: int
    client: str
    current: bool


class SessionList(Success):
    sessions: list[Session]


class RenewedSession(Success):
    """`expires_at` is in milliseconds UTC."""

    expires_at: int


class SetupToken(Success):
    token: str


class NewKey(Success):
    """`signs`: the key signs now; otherwise it is published, and signs after the next call."""

    kid: str
    signs: bool
