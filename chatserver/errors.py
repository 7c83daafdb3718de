"""Exceptions with a message for users or operators.

    ChatServerError
    ├── StartError             the program cannot start: one sentence, exit code 2
    │   └── TemporaryStartError  it may in a while, without a change: exit code 75
    ├── ChatError              answers one request: a code of the wire contract and a sentence
    │   ├── BadRequest         bad_request    400
    │   ├── BadCredentials     bad_credentials 401
    │   ├── Unauthorized       unauthorized   401
    │   │   └── AccountClosed  unauthorized   401   of a disabled or deleted account
    │   ├── Forbidden          forbidden      403
    │   ├── NotFound           not_found      404
    │   ├── IdConflict         id_conflict    409
    │   ├── Conflict           conflict       409
    │   ├── OtherUser          other_user     409   the session is not that of the named user
    │   ├── Reset              reset          409   with the epoch that is in force
    │   ├── TooLarge           too_large      413
    │   ├── UnsupportedMedia   unsupported_media_type 415
    │   ├── RateLimited        rate_limited   429   with retry_after seconds
    │   └── Unavailable        unavailable    503   nothing was stored, try again later
    │       └── FilesUnavailable unavailable  503   the service that stores files has failed
    └── Disconnect             closes one connection; the code says whether to reconnect

Anything else is a bug: logged with its traceback and answered `internal`.
"""

import errno
from enum import IntEnum
from typing import ClassVar


class ChatServerError(Exception):
    """The root of the tree."""


class StartError(ChatServerError):
    """The program cannot start; the sentence says what to do."""


class TemporaryStartError(StartError):
    """A start error that may pass by itself: another program, a database that starts later."""


def _(sentence: str) -> str:
    """Mark a sentence for the catalogue; it is translated into the recipient's language later."""
    return sentence


class ChatError(ChatServerError):
    """Refusal of one request. Nothing was stored.

    `sentence` is one of the catalogue and may contain %(name)s placeholders for `values`.
    """

    code: ClassVar[str] = "internal"
    status: ClassVar[int] = 500
    text: ClassVar[str] = _("Something went wrong on the server. It was logged.")

    def __init__(self, sentence: str | None = None, **values: object) -> None:
        self.sentence = sentence or self.text
        self.values = values
        super().__init__(self.sentence % values if values else self.sentence)

    def details(self) -> dict[str, object]:
        """Return the fields of the response in addition to code and sentence."""
        return {}


class BadRequest(ChatError):
    code, status, text = "bad_request", 400, _("Invalid request.")


class BadCredentials(ChatError):
    code, status, text = "bad_credentials", 401, _("The user name or password is incorrect.")


class Unauthorized(ChatError):
    code, status, text = "unauthorized", 401, _("Log in first.")


SESSION_ENDED = _("Your session has ended. Log in again.")
ADMINISTRATORS_ONLY = _("Only an administrator may do that.")
ROOM_ARCHIVED = _("This room is archived.")
UNKNOWN_USER = _("There is no user with that name.")
NEEDS_TEXT = _("A message needs some text.")


class AccountClosed(Unauthorized):
    """The credentials are those of an account that is disabled or deleted."""


class Forbidden(ChatError):
    code, status, text = "forbidden", 403, _("You are not allowed to do that.")


class NotFound(ChatError):
    code, status, text = "not_found", 404, _("Not found, or you don't have access.")


class IdConflict(ChatError):
    code, status, text = "id_conflict", 409, _("This id was already used for another request.")


class Conflict(ChatError):
    code, status, text = "conflict", 409, _("Already taken.")


class OtherUser(ChatError):
    """The request names the user that it is for, and its session belongs to another one."""

    code, status, text = "other_user", 409, _("This browser is logged in as another user now.")


class TooLarge(ChatError):
    code, status, text = "too_large", 413, _("That is too large.")


class UnsupportedMedia(ChatError):
    code, status = "unsupported_media_type", 415
    text = _("The body must be plain UTF-8.")


class Unavailable(ChatError):
    """`reason` is for operators: the log, /readyz and /metrics.

    `may_pass`: a retry may succeed without a change by the operator.
    """

    code, status, text = (
        "unavailable",
        503,
        _("The server cannot store anything right now. Try again."),
    )
    reason = ""
    may_pass = True


class FilesUnavailable(Unavailable):
    """The service that stores files cannot be used; `cause` is for operators.

    `may_pass`: a retry may succeed without a change by the operator.
    """

    text = _("The server cannot store or read files right now. Try again.")

    def __init__(self, cause: str, *, may_pass: bool = True) -> None:
        super().__init__()
        self.cause = cause
        self.may_pass = may_pass


class Reset(ChatError):
    """The client's position is not in this log: the client has to reload the room."""

    code, status, text = "reset", 409, _("This position is no longer valid. Reload the room.")

    def __init__(self, epoch: str) -> None:
        super().__init__()
        self.epoch = epoch

    def details(self) -> dict[str, object]:
        return {"epoch": self.epoch}


class RateLimited(ChatError):
    """The rate limit was exceeded; `retry_after` is in seconds."""

    code, status, text = "rate_limited", 429, _("Too many requests. Try again shortly.")

    def __init__(self, retry_after: float, sentence: str | None = None) -> None:
        super().__init__(sentence)
        self.retry_after = round(max(retry_after, 0.001), 3)

    @property
    def seconds(self) -> str:
        """The value of a Retry-After header."""
        return str(int(self.retry_after) + 1)

    def details(self) -> dict[str, object]:
        return {"retry_after": self.retry_after}


DISK_FULL = (errno.ENOSPC, errno.EDQUOT)  # codes of OSError: no space, or above a quota


class CloseCode(IntEnum):
    """Close codes of a socket. 40xx: reconnect. 41xx: do not reconnect automatically."""

    RESTARTING = 4001
    TOO_SLOW = 4002
    OVERLOADED = 4003
    SILENT = 4004
    SESSION_INVALID = 4101
    ACCOUNT_CLOSED = 4102
    ABUSE = 4103


# Close reason of RESTARTING when only this client has to connect again.
RECONNECT = "reconnect"

# Close reason of OVERLOADED above the limit of sockets per user, which the page recognizes.
TOO_MANY_SOCKETS = "too many sockets"


class Disconnect(ChatServerError):
    """Raised to close one connection."""

    def __init__(self, code: CloseCode, reason: str) -> None:
        super().__init__(reason)
        self.code = code
        self.reason = reason
