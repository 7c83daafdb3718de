"""The table of everything that one can ask for over HTTP: who may, what with, what comes back.

A test compares it with the routes, and schemathesis each line of it with the running server.
"""

from typing import Any, Literal, NamedTuple

from chatserver import protocol
from chatserver.web import forms
from chatserver.web.admin import QrAsked, _Largest
from chatserver.web.api import Deletion, Listed
from chatserver.web.api_docs import answers
from chatserver.web.conversation import _RoomsAfter, _Sought, _Stretch

PresenceState = Literal["anyone", "session", "administrator", "owner"]
Says = Literal["json", "page", "text", "lines", "picture"]


class Operation(NamedTuple):
    """`refuses`: the codes that this operation has besides those that all of its kind have.

    `returns`: a type, or several that are possible; None for what is no JSON. `created`: a success
    is 201, and 200 when it `repeats` an earlier request.
    """

    method: str
    path: str
    name: str
    summary: str
    returns: Any = answers.Answer
    who: PresenceState = "session"
    body: Any = None
    form: bool = False
    text: bool = False
    query: Any = None
    created: bool = False
    repeats: bool = False
    refuses: str = ""
    says: Says = "json"
    token: bool = False  # the answer brings a token in its headers
    redirects: bool = False
    stores: bool = True  # asks the database, which may be away
    rated: bool = True  # may be refused with rate_limited


ROOM = "/api/rooms/{room}"
MESSAGE = ROOM + "/messages/{seq}"
REACTION = MESSAGE + "/reactions/{emoji}"

OPERATIONS = [
    # Signing in and out ---------------------------------------------------------------------------
    Operation(
        "GET", "/setup", "setup_page", "The page of the first run.", None, "anyone",
        says="page", redirects=True,
    ),
    Operation(
        "POST", "/setup", "set_up", "Make the administrator, with the token of the terminal.",
        answers.SignedIn, "anyone", forms.Setup, form=True, token=True, redirects=True,
    ),
    Operation(
        "GET", "/login", "login_page", "The page to log in.", None, "anyone",
        says="page", redirects=True,
    ),
    Operation(
        "POST", "/login", "log_in", "Log in with name and password.",
        answers.SignedIn, "anyone", forms.Credentials, form=True,
        refuses="bad_credentials", token=True, redirects=True,
    ),
    Operation(
        "POST", "/logout", "log_out", "End this session and its sockets.", answers.LoggedOut,
        "anyone",
        refuses="other_user", redirects=True,
    ),
    Operation(
        "GET", "/join/{code}", "join_page", "The page of an invitation.", None, "anyone",
        says="page",
    ),
    Operation(
        "POST", "/join/{code}", "join", "Make an account with an invitation.",
        answers.Joined, "anyone", forms.NewAccount, form=True, refuses="conflict", token=True,
        redirects=True,
    ),
    Operation(
        "POST", "/join/{code}/room", "accept_invite",
        "Join the room of an invitation with an account that exists. Takes one use.",
        answers.EnteredRoom, redirects=True,
    ),
    # Oneself --------------------------------------------------------------------------------------
    Operation("GET", "/api/me", "me", "One's own account.", answers.OneAccount),
    Operation(
        "PATCH", "/api/me", "change_me", "Set one's display name or language.", body=forms.Profile
    ),
    Operation(
        "PUT", "/api/me/password", "change_password",
        "Set one's own password, which ends one's other sessions.", body=forms.NewPassword,
    ),
    Operation(
        "PUT", "/api/me/session", "renew_session",
        "Prolong the session of this request: its cookie, or in the header Authorization its"
        " token, is replaced by a newer one. Sockets are prolonged by renew (14).",
        answers.ProlongedSession, token=True,
    ),
    Operation("GET", "/api/sessions", "sessions", "Where one is signed in.", answers.SignInPlaces),
    Operation(
        "DELETE", "/api/sessions/{session}", "end_session",
        "End one of one's sessions and its sockets.",
    ),
    Operation(
        "DELETE", "/api/sessions", "sign_out_everywhere",
        "End all of one's sessions, this one too, and their sockets.",
    ),
    # Rooms ----------------------------------------------------------------------------------------
    Operation(
        "GET", "/api/rooms", "rooms", "One's own rooms, and those that one may join.",
        answers.RoomList, query=_RoomsAfter,
    ),
    Operation(
        "POST", "/api/rooms", "create_room", "Make a room, or with `users` alone a conversation.",
        answers.ChangedRoom, body=forms.NewRoom, created=True, repeats=True,
        refuses="conflict id_conflict not_found",
    ),
    Operation(
        "GET", ROOM, "room", "A room as one sees it: its outside for those who may join.",
        (answers.OwnRoom, answers.OpenRoom),
    ),
    Operation(
        "PATCH", ROOM, "change_room",
        "Set what is named. `muted`, for oneself, and `archived` are set alone.",
        (answers.ChangedRoom, answers.MutedRoom), body=forms.RoomChange,
        refuses="conflict id_conflict",
    ),
    Operation(
        "GET", ROOM + "/members", "members", "Who belongs to a room.", answers.MemberList,
    ),
    Operation(
        "POST", ROOM + "/members", "add_members", "Invite `users`; without any, join.",
        answers.ChangedRoom, body=forms.NewMembers, created=True, repeats=True,
        refuses="conflict id_conflict",
    ),
    Operation(
        "DELETE", ROOM + "/members/{user}", "remove_member", "Remove somebody, or leave oneself.",
        answers.ChangedRoom,
    ),
    # Messages -------------------------------------------------------------------------------------
    Operation(
        "GET", ROOM + "/events", "events",
        "A stretch of the log: whole behind `after`, or the messages before `before`.",
        answers.EventPage, query=_Stretch, refuses="reset",
    ),
    Operation(
        "POST", ROOM + "/messages", "say", "Say something in a room: JSON, or the text itself.",
        answers.StoredMessage, body=forms.NewMessage, text=True, created=True, repeats=True,
        refuses="id_conflict",
    ),
    Operation(
        "POST", "/api/direct/{user}/messages", "say_to_person",
        "Say something to one person: JSON, or the text itself.",
        answers.StoredMessage, body=forms.NewMessage, text=True, created=True, repeats=True,
        refuses="id_conflict",
    ),
    Operation(
        "PATCH", MESSAGE, "edit", "Give a message of one's own another text.",
        answers.StoredMessage, body=forms.NewText, refuses="id_conflict",
    ),
    Operation(
        "DELETE", MESSAGE, "delete", "Take the text of a message away for good.",
        answers.StoredMessage,
    ),
    Operation(
        "PUT", REACTION, "react", "Put an emoji to a message.", answers.StoredMessage,
    ),
    Operation(
        "DELETE", REACTION, "take_reaction_back", "Take one's emoji back.", answers.StoredMessage,
    ),
    Operation(
        "GET", "/api/search", "search",
        "Messages that hold all words of `q`, a \"phrase\", beginnings*, newest first. Filters:"
        " from:, in:, before:, after:.",
        answers.Hits, query=_Sought,
    ),
    # People ---------------------------------------------------------------------------------------
    Operation(
        "GET", "/api/users", "users",
        "Accounts in the order of their names: all of them, or `limit` of them behind the name"
        " `after`; `q` is how their names begin. Or the accounts of `names`, separated by commas.",
        answers.Accounts, query=Listed,
    ),
    Operation(
        "POST", "/api/users", "add_user", "Make an account.", answers.OneAccount, "administrator",
        forms.NewUserForm, created=True, refuses="conflict",
    ),
    Operation(
        "PATCH", "/api/users/{name}", "change_user",
        "Set what is given. A new password and a closed account end that person's sessions; the"
        " last administrator stays one.",
        answers.OneAccount, "administrator", forms.UserChange,
    ),
    Operation(
        "DELETE", "/api/users/{name}", "delete_user",
        "Delete an account for good: its sessions, token, invitations, memberships, password and"
        " display name. Its messages stay under its name, which no other account gets; with"
        " `messages` all of them are deleted as well, in every room.",
        answers.DeletedAccount, "administrator", query=Deletion,
    ),
    Operation(
        "POST", "/api/users/{name}/password", "reset_password",
        "A generated password in the place of somebody's, whose sessions end.",
        answers.GeneratedPassword, "administrator",
    ),
    Operation(
        "GET", "/api/bots", "bots", "Every bot, its rooms, and since when its token is valid.",
        answers.Robots, "administrator",
    ),
    Operation(
        "POST", "/api/bots", "add_bot", "Make a bot that is a member of these rooms.",
        answers.NewBotAccount, "administrator", forms.NewBot, created=True,
        refuses="conflict not_found",
    ),
    Operation(
        "POST", "/api/bots/{name}/token", "renew_bot",
        "Another token in the place of a bot's, whose sockets are closed.",
        answers.BotToken, "administrator", created=True,
    ),
    Operation(
        "DELETE", "/api/bots/{name}/token", "revoke_bot", "Take a bot's token away.",
        who="administrator",
    ),
    Operation(
        "GET", "/api/invites", "invites", "The invitations that can still be used.",
        answers.Invitations, "administrator",
    ),
    Operation(
        "POST", "/api/invites", "add_invite", "Make an invitation for `uses` people.",
        answers.NewInvitation, "administrator", forms.NewInvite, created=True,
        refuses="not_found",
    ),
    Operation(
        "DELETE", "/api/invites/{code}", "revoke_invite", "Nobody can use it any more.",
        who="administrator",
    ),
    Operation(
        "GET", "/api/invites/{code}/qr.svg", "invite_qr", "The link of an invitation to scan.",
        None, "administrator", says="picture", query=QrAsked,
    ),
    # Administration -------------------------------------------------------------------------------
    Operation(
        "GET", "/api/admin/people", "people", "Everybody but the bots, and when they were here.",
        answers.Residents, "administrator",
    ),
    Operation(
        "GET", "/api/admin/rooms", "all_rooms",
        "Every room that has a name, from outside: who keeps it, how much is said in it.",
        answers.Houses, "administrator",
    ),
    Operation(
        "PATCH", "/api/admin/rooms/{number}", "oversee_room",
        "Archive a room or set how long it keeps, without belonging to it. Its members are told.",
        who="administrator", body=forms.RoomOversight,
    ),
    Operation(
        "GET", "/api/admin/conversations", "conversations",
        "Conversations without a name, from outside: those with the most members or events first.",
        answers.Conversations, "administrator", query=_Largest,
    ),
    Operation(
        "DELETE", "/api/admin/conversations/{number}", "dissolve_conversation",
        "Remove everybody from a conversation without a name. Its text is deleted the night after.",
        who="administrator", refuses="forbidden not_found",
    ),
    Operation(
        "GET", "/api/admin/check", "check_server",
        "What the server knows about itself and about the way of this request.",
        answers.SelfCheck, "administrator",
    ),
    # The owner of the data folder -----------------------------------------------------------------
    Operation(
        "GET", "/api/setup-link", "setup_link", "The token of the first run.",
        answers.SetupToken, "owner", refuses="conflict",
    ),
    Operation(
        "POST", "/api/keys/rotate", "rotate_keys",
        "Sign sessions with a new key, or publish it where there are several nodes.",
        answers.NewKey, "owner", stores=False, refuses="conflict",
    ),
    Operation(
        "GET", "/api/keeping/archive", "archive", "A copy of all data, as lines of JSON.",
        None, "owner", says="lines",
    ),
    Operation(
        "GET", "/api/keeping/check", "check", "A check of all data, a line a step.", None, "owner",
        says="lines",
    ),
    # For programs ---------------------------------------------------------------------------------
    Operation(
        "GET", "/api/asyncapi.json", "describe_socket", "The socket as AsyncAPI 3.1.",
        dict[str, Any], "anyone", stores=False,
    ),
    Operation(
        "GET", "/api/openapi.json", "describe_http", "This document.", dict[str, Any], "anyone",
        stores=False,
    ),
    Operation(
        "GET", "/healthz", "alive", "The process answers.", answers.Answer, "anyone", stores=False,
        rated=False,
    ),
    Operation(
        "GET", "/readyz", "ready", "Whether messages can be stored now; 503 when not.",
        answers.Ready, "anyone", stores=False,
    ),
    Operation(
        "GET", "/metrics", "metrics", "Figures as Prometheus text.", None, "anyone", says="text",
        stores=False,
    ),
]  # fmt: skip

PARAMETERS: dict[str, tuple[Any, str]] = {
    "room": (str, "The number of the room, or its name with or without #."),
    "number": (protocol.Number, "The number of a room."),
    "seq": (protocol.Number, "The number of the message in its room."),
    "user": (protocol.UserName, "A user name."),
    "name": (protocol.UserName, "A user name."),
    "emoji": (protocol.Emoji, "One emoji."),
    "code": (str, "The code of an invitation."),
    "session": (str, "The id of a session."),
}
