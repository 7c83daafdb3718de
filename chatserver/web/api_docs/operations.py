"""Table of the HTTP operations: permissions, parameters and responses.

A test compares it with the routes, and schemathesis compares it with the running server.
"""

from typing import Any, Literal, NamedTuple

from chatserver import protocol
from chatserver.web import forms
from chatserver.web.admin import QrQuery, _ConversationQuery
from chatserver.web.api import DeletionQuery, UserQuery
from chatserver.web.api_docs import answers
from chatserver.web.conversation import _EventQuery, _RoomsQuery, _SearchQuery

Access = Literal["anyone", "session", "administrator", "owner"]
Media = Literal["json", "page", "text", "lines", "picture"]


class Operation(NamedTuple):
    """An HTTP operation.

    `refuses`: its error codes in addition to those of all operations of its kind. `returns`: one or
    several possible types; None if the response is not JSON. `created`: a success is 201, or 200 if
    the operation `repeats` an earlier request.
    """

    method: str
    path: str
    name: str
    summary: str
    returns: Any = answers.Answer
    access: Access = "session"
    body: Any = None
    form: bool = False
    text: bool = False
    query: Any = None
    created: bool = False
    repeats: bool = False
    refuses: str = ""
    media: Media = "json"
    token: bool = False  # the response has a token in its headers
    redirects: bool = False
    stores: bool = True  # uses the database, which can be unavailable
    rated: bool = True  # can be refused with rate_limited


ROOM = "/api/rooms/{room}"
MESSAGE = ROOM + "/messages/{seq}"
REACTION = MESSAGE + "/reactions/{emoji}"

OPERATIONS = [
    # Signing in and out ---------------------------------------------------------------------------
    Operation(
        "GET", "/setup", "setup_page", "The set-up page of a new server.", None, "anyone",
        media="page", redirects=True,
    ),
    Operation(
        "POST", "/setup", "set_up",
        "Create the first administrator, with the token from the terminal.",
        answers.SignedIn, "anyone", forms.Setup, form=True, token=True, redirects=True,
    ),
    Operation(
        "GET", "/login", "login_page", "The login page.", None, "anyone",
        media="page", redirects=True,
    ),
    Operation(
        "POST", "/login", "log_in", "Log in with user name and password.",
        answers.SignedIn, "anyone", forms.Credentials, form=True,
        refuses="bad_credentials", token=True, redirects=True,
    ),
    Operation(
        "POST", "/logout", "log_out", "End this session and its sockets.", answers.LoggedOut,
        "anyone",
        refuses="other_user", redirects=True,
    ),
    Operation(
        "GET", "/join/{code}", "join_page", "The page of an invitation link.", None, "anyone",
        media="page",
    ),
    Operation(
        "POST", "/join/{code}", "join", "Create an account with an invitation.",
        answers.Joined, "anyone", forms.NewAccount, form=True, refuses="conflict", token=True,
        redirects=True,
    ),
    Operation(
        "POST", "/join/{code}/room", "accept_invite",
        "Join the room of an invitation with an existing account. Counts as one use.",
        answers.EnteredRoom, redirects=True,
    ),
    # Own account ----------------------------------------------------------------------------------
    Operation("GET", "/api/me", "me", "Get the user's own account.", answers.OneAccount),
    Operation(
        "PATCH", "/api/me", "change_me", "Set the user's display name or language.",
        body=forms.Profile,
    ),
    Operation(
        "PUT", "/api/me/password", "change_password",
        "Set the user's own password. Ends the user's other sessions.", body=forms.NewPassword,
    ),
    Operation(
        "PUT", "/api/me/session", "renew_session",
        "Extend the session of this request: the response has a newer cookie, or a newer token"
        " in the header Authorization. Sockets are extended by renew (14).",
        answers.ProlongedSession, token=True,
    ),
    Operation(
        "GET", "/api/sessions", "sessions", "List the user's sessions.", answers.SignInPlaces,
    ),
    Operation(
        "DELETE", "/api/sessions/{session}", "end_session",
        "End one of the user's sessions and its sockets.",
    ),
    Operation(
        "DELETE", "/api/sessions", "sign_out_everywhere",
        "End all sessions of the user, including this one, and their sockets.",
    ),
    # Rooms ----------------------------------------------------------------------------------------
    Operation(
        "GET", "/api/rooms", "rooms", "List the user's rooms, and rooms that the user can join.",
        answers.RoomList, query=_RoomsQuery,
    ),
    Operation(
        "POST", "/api/rooms", "create_room", "Create a room, or with `users` only a conversation.",
        answers.ChangedRoom, body=forms.NewRoom, created=True, repeats=True,
        refuses="conflict id_conflict not_found",
    ),
    Operation(
        "GET", ROOM, "room", "Get a room; users who are not members see public details only.",
        (answers.OwnRoom, answers.OpenRoom),
    ),
    Operation(
        "PATCH", ROOM, "change_room",
        "Set the given fields. `muted`, which applies to the user only, and `archived` must be the"
        " only field.",
        (answers.ChangedRoom, answers.MutedRoom), body=forms.RoomChange,
        refuses="conflict id_conflict",
    ),
    Operation(
        "GET", ROOM + "/members", "members", "List the members of a room.", answers.MemberList,
    ),
    Operation(
        "POST", ROOM + "/members", "add_members", "Invite `users`; without `users`, join.",
        answers.ChangedRoom, body=forms.NewMembers, created=True, repeats=True,
        refuses="conflict id_conflict",
    ),
    Operation(
        "DELETE", ROOM + "/members/{user}", "remove_member", "Remove a member, or leave the room.",
        answers.ChangedRoom,
    ),
    # Messages -------------------------------------------------------------------------------------
    Operation(
        "GET", ROOM + "/events", "events",
        "Get events of a room: all events after `after`, or the messages before `before`.",
        answers.EventPage, query=_EventQuery, refuses="reset",
    ),
    Operation(
        "POST", ROOM + "/messages", "say", "Send a message to a room: JSON, or the plain text.",
        answers.StoredMessage, body=forms.NewMessage, text=True, created=True, repeats=True,
        refuses="id_conflict",
    ),
    Operation(
        "POST", "/api/direct/{user}/messages", "say_to_person",
        "Send a direct message: JSON, or the plain text.",
        answers.StoredMessage, body=forms.NewMessage, text=True, created=True, repeats=True,
        refuses="id_conflict",
    ),
    Operation(
        "PATCH", MESSAGE, "edit", "Replace the text of one of the user's own messages.",
        answers.StoredMessage, body=forms.NewText, refuses="id_conflict",
    ),
    Operation(
        "DELETE", MESSAGE, "delete", "Delete the text of a message.",
        answers.StoredMessage,
    ),
    Operation(
        "PUT", REACTION, "react", "Add a reaction to a message.", answers.StoredMessage,
    ),
    Operation(
        "DELETE", REACTION, "take_reaction_back", "Remove a reaction.", answers.StoredMessage,
    ),
    Operation(
        "GET", "/api/search", "search",
        "Find messages that contain all words, \"phrases\" and prefixes* of `q`, newest first."
        " Filters: from:, in:, before:, after:.",
        answers.Hits, query=_SearchQuery,
    ),
    # Users ----------------------------------------------------------------------------------------
    Operation(
        "GET", "/api/users", "users",
        "List accounts by name: all, or `limit` of them after the name `after`; `q` is a prefix of"
        " the names. Or the accounts in `names`, separated by commas.",
        answers.Accounts, query=UserQuery,
    ),
    Operation(
        "POST", "/api/users", "add_user", "Create an account.", answers.OneAccount, "administrator",
        forms.NewUserForm, created=True, refuses="conflict",
    ),
    Operation(
        "PATCH", "/api/users/{name}", "change_user",
        "Set the given fields. A new password and disabling the account end the user's sessions."
        " The last administrator cannot be disabled or demoted.",
        answers.OneAccount, "administrator", forms.UserChange,
    ),
    Operation(
        "DELETE", "/api/users/{name}", "delete_user",
        "Delete an account permanently: its sessions, token, invitations, memberships, password and"
        " display name. Its messages stay under its name, which cannot be used again; with"
        " `messages` all of them are deleted as well, in every room.",
        answers.DeletedAccount, "administrator", query=DeletionQuery,
    ),
    Operation(
        "POST", "/api/users/{name}/password", "reset_password",
        "Replace a user's password by a generated one. Ends the user's sessions.",
        answers.GeneratedPassword, "administrator",
    ),
    Operation(
        "GET", "/api/bots", "bots",
        "List all bots, their rooms, and the time their token was created.",
        answers.Robots, "administrator",
    ),
    Operation(
        "POST", "/api/bots", "add_bot", "Create a bot that is a member of these rooms.",
        answers.NewBotAccount, "administrator", forms.NewBot, created=True,
        refuses="conflict not_found",
    ),
    Operation(
        "POST", "/api/bots/{name}/token", "renew_bot",
        "Replace the token of a bot. Closes its sockets.",
        answers.BotToken, "administrator", created=True,
    ),
    Operation(
        "DELETE", "/api/bots/{name}/token", "revoke_bot", "Revoke the token of a bot.",
        access="administrator",
    ),
    Operation(
        "GET", "/api/invites", "invites", "List invitations that can still be used.",
        answers.Invitations, "administrator",
    ),
    Operation(
        "POST", "/api/invites", "add_invite", "Create an invitation for `uses` accounts.",
        answers.NewInvitation, "administrator", forms.NewInvite, created=True,
        refuses="not_found",
    ),
    Operation(
        "DELETE", "/api/invites/{code}", "revoke_invite", "Revoke an invitation.",
        access="administrator",
    ),
    Operation(
        "GET", "/api/invites/{code}/qr.svg", "invite_qr", "Get the QR code of an invitation link.",
        None, "administrator", media="picture", query=QrQuery,
    ),
    # Administration -------------------------------------------------------------------------------
    Operation(
        "GET", "/api/admin/people", "people",
        "List all users except bots, with their last-seen times.",
        answers.Residents, "administrator",
    ),
    Operation(
        "GET", "/api/admin/rooms", "all_rooms",
        "List all rooms that have a name: metadata, never messages.",
        answers.Houses, "administrator",
    ),
    Operation(
        "PATCH", "/api/admin/rooms/{number}", "oversee_room",
        "Archive a room or set its retention without being a member. Its members are notified.",
        access="administrator", body=forms.RoomOversight,
    ),
    Operation(
        "GET", "/api/admin/conversations", "conversations",
        "List conversations without a name: metadata, those with most members or events first.",
        answers.Conversations, "administrator", query=_ConversationQuery,
    ),
    Operation(
        "DELETE", "/api/admin/conversations/{number}", "dissolve_conversation",
        "Remove all members of a conversation without a name. Its text is deleted the next night.",
        access="administrator", refuses="forbidden not_found",
    ),
    Operation(
        "GET", "/api/admin/check", "check_server",
        "Get a self-check of the server and of the path that this request took.",
        answers.SelfCheck, "administrator",
    ),
    # The owner of the data folder -----------------------------------------------------------------
    Operation(
        "GET", "/api/setup-link", "setup_link", "Get the token of the set-up link.",
        answers.SetupToken, "owner", refuses="conflict",
    ),
    Operation(
        "POST", "/api/keys/rotate", "rotate_keys",
        "Sign sessions with a new key, or publish the key first if there are several nodes.",
        answers.NewKey, "owner", stores=False, refuses="conflict",
    ),
    Operation(
        "GET", "/api/keeping/archive", "archive", "Export all data as lines of JSON.",
        None, "owner", media="lines",
    ),
    Operation(
        "GET", "/api/keeping/check", "check", "Check all data; one line per step.", None, "owner",
        media="lines",
    ),
    # For programs ---------------------------------------------------------------------------------
    Operation(
        "GET", "/api/asyncapi.json", "describe_socket", "The WebSocket as AsyncAPI 3.1.",
        dict[str, Any], "anyone", stores=False,
    ),
    Operation(
        "GET", "/api/openapi.json", "describe_http", "This document.", dict[str, Any], "anyone",
        stores=False,
    ),
    Operation(
        "GET", "/healthz", "alive", "The process responds.", answers.Answer, "anyone", stores=False,
        rated=False,
    ),
    Operation(
        "GET", "/readyz", "ready", "Whether messages can be stored; 503 if not.",
        answers.Ready, "anyone", stores=False,
    ),
    Operation(
        "GET", "/metrics", "metrics", "Metrics in the Prometheus text format.", None, "anyone",
        media="text", stores=False,
    ),
]  # fmt: skip

PARAMETERS: dict[str, tuple[Any, str]] = {
    "room": (str, "The number of the room, or its name, with or without #."),
    "number": (protocol.Number, "The number of a room."),
    "seq": (protocol.Number, "The number of the message in its room."),
    "user": (protocol.UserName, "A user name."),
    "name": (protocol.UserName, "A user name."),
    "emoji": (protocol.Emoji, "One emoji."),
    "code": (str, "The code of an invitation."),
    "session": (str, "The id of a session."),
}
