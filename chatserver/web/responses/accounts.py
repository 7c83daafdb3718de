"""Responses about accounts, sessions, bots and invitations."""

from msgspec import Struct

from chatserver import protocol
from chatserver.models import Role
from chatserver.web.responses import Answer, over_http


class SignedIn(Answer):
    """The token is in the header Authorization; browsers get it in the session cookie."""

    user: str


class Joined(SignedIn):
    """`room`: the room of the invitation, which the new user has joined."""

    room: protocol.Number | None = None


class EnteredRoom(Answer):
    room: protocol.Number


class LoggedOut(Answer):
    """`pending`: the session has ended on this node, which is not stored yet."""

    pending: bool = False


class Account(Struct):
    """An account. Display names with the same `look` are confusable; ASCII ones have no `look`."""

    name: str
    display: str
    role: Role
    locale: str
    disabled: bool
    deleted: bool = False
    look: str = ""


class OneAccount(Answer):
    user: Account


class Accounts(Answer):
    """`more` is set in answers to requests with `limit`: there are more accounts."""

    users: list[Account]
    more: bool = False


class DeletedAccount(Answer):
    """`messages`: number of deleted messages; only set if the request deletes them."""

    messages: int = 0


class NewBotAccount(Answer):
    """`token` is shown only once."""

    user: Account
    token: str


class BotToken(Answer):
    """Shown this once."""

    token: str


class GeneratedPassword(Answer):
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


class Invitations(Answer):
    """`addresses`: base URLs at which other devices can reach the server, best first."""

    invites: list[Invitation]
    addresses: list[str]


class AddressedInvitation(Invitation):
    """`addresses`: as in the list of invitations; `url` starts with the first one."""

    addresses: list[str] = []


NewInvitation = over_http(AddressedInvitation, "NewInvitation")


class SignInPlace(Struct):
    """A session. `current`: it is the session of this request. Times are in milliseconds UTC."""

    id: str
    created_at: int
    last_seen_at: int
    expires_at: int
    client: str
    current: bool


class SignInPlaces(Answer):
    sessions: list[SignInPlace]


class ProlongedSession(Answer):
    """`expires_at` is in milliseconds UTC."""

    expires_at: int


class SetupToken(Answer):
    token: str


class NewKey(Answer):
    """`signs`: the key signs now; otherwise it is published, and signs after the next call."""

    kid: str
    signs: bool
