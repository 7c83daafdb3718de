"""Table of database and disk errors: the meaning of each, and how to react to it.

Codes of SQLite (https://sqlite.org/rescode.html), of the operating system (errno) and of MySQL and
MariaDB. `storage_error` maps a driver's exception to one that the rest of the program handles.
"""

import errno
import sqlite3
from enum import Enum
from typing import NamedTuple

from sqlalchemy.exc import (
    DBAPIError,
    IntegrityError,
    InterfaceError,
    InternalError,
    OperationalError,
)
from sqlalchemy.exc import TimeoutError as PoolTimeout

from chatserver.errors import Unavailable, _

FAILURES = (DBAPIError, PoolTimeout, OSError, TimeoutError)  # errors that `storage_error` maps

DAMAGED = "The database file is damaged: stop the server and restore a backup."


class Action(Enum):
    """What to do after an error."""

    RETRY = "retry"  # the transaction was rolled back; the same one may succeed at once
    REFUSE = "refuse"  # nothing was stored; a later transaction may succeed
    RECONNECT = "reconnect"  # nothing was stored; only a new connection may succeed
    DROP = "drop"  # the connection is lost, and with it the outcome of a COMMIT
    STOP = "stop"  # a flush failed: what is on the disk is unknown until a restart


class Failure(NamedTuple):
    """The meaning of an error. `reason` completes "nothing can be stored: …"."""

    action: Action
    reason: str


class CommitUnknown(Unavailable):
    """The connection was lost during COMMIT, so it is unknown whether the data was stored."""


class LockConflict(Unavailable):
    """Another transaction locked the rows. Nothing was stored; a retry may succeed."""


class DiskBroken(Unavailable):
    """A flush of SQLite failed. Nothing can be stored until a restart."""


UNREACHABLE = Failure(Action.DROP, "the database does not answer")
BROKEN = Failure(Action.STOP, "the disk failed")
CONTENDED = Failure(Action.RETRY, "another transaction holds the rows")
CORRUPT = Failure(Action.REFUSE, "the database is damaged")
TOO_MANY_CONNECTIONS = Failure(Action.REFUSE, "the database has too many connections")
ACCOUNT_FULL = Failure(Action.REFUSE, "the database account has reached max_user_connections")
DENIED = Failure(Action.REFUSE, "the database account lacks a right")
FULL = Failure(Action.REFUSE, "the disk is full or its quota is used up")
EXHAUSTED = Failure(Action.REFUSE, "the database account has used up its limit for this hour")
TIMED_OUT = Failure(Action.REFUSE, "a statement took too long")
LOCKED = Failure(Action.REFUSE, "another program has the database locked")
FAILED_WRITE = Failure(Action.REFUSE, "writes fail: the disk is full, over quota or read-only")
READ_ONLY = Failure(Action.RECONNECT, "the database is read-only")
NO_QUORUM = Failure(Action.RECONNECT, "the database cluster does not accept writes")
UNWRITABLE = Failure(Action.REFUSE, "the database file cannot be written")

ERRNOS = {
    errno.ENOSPC: FULL,
    errno.EDQUOT: FULL,
    errno.EROFS: READ_ONLY,
    errno.EACCES: UNWRITABLE,
    errno.EPERM: UNWRITABLE,
    errno.EIO: BROKEN,
}

# An extended code that is missing here means what its primary code means (the low 8 bits).
SQLITE = {
    sqlite3.SQLITE_BUSY: LOCKED,
    sqlite3.SQLITE_LOCKED: LOCKED,
    sqlite3.SQLITE_FULL: FULL,
    sqlite3.SQLITE_READONLY: READ_ONLY,
    sqlite3.SQLITE_PERM: UNWRITABLE,
    sqlite3.SQLITE_CANTOPEN: UNWRITABLE,
    sqlite3.SQLITE_AUTH: UNWRITABLE,
    sqlite3.SQLITE_INTERRUPT: TIMED_OUT,
    sqlite3.SQLITE_NOMEM: Failure(Action.REFUSE, "there is no memory left"),
    sqlite3.SQLITE_CORRUPT: CORRUPT,
    sqlite3.SQLITE_CORRUPT_VTAB: Failure(Action.REFUSE, "the search index is damaged"),
    sqlite3.SQLITE_NOTADB: CORRUPT,
    sqlite3.SQLITE_IOERR: BROKEN,
    # SQLite reports a used-up quota as a failed write. A transaction whose write failed is rolled
    # back and its pages are written again by the next one; only a failed flush loses pages.
    sqlite3.SQLITE_IOERR_WRITE: FAILED_WRITE,
    sqlite3.SQLITE_IOERR_SHMOPEN: FAILED_WRITE,
    sqlite3.SQLITE_IOERR_SHMSIZE: FAILED_WRITE,
    sqlite3.SQLITE_IOERR_SHMMAP: FAILED_WRITE,
    sqlite3.SQLITE_IOERR_NOMEM: Failure(Action.REFUSE, "there is no memory left"),
    sqlite3.SQLITE_IOERR_LOCK: LOCKED,
    sqlite3.SQLITE_IOERR_RDLOCK: LOCKED,
}

MYSQL = {
    3: FULL,  # EE_WRITE
    20: FULL,  # EE_DISKFULL
    1021: FULL,  # ER_DISK_FULL
    1026: FULL,  # ER_ERROR_ON_WRITE
    1114: FULL,  # ER_RECORD_FILE_FULL: the tablespace cannot grow
    1040: TOO_MANY_CONNECTIONS,  # ER_CON_COUNT_ERROR
    1203: TOO_MANY_CONNECTIONS,  # ER_TOO_MANY_USER_CONNECTIONS
    1226: EXHAUSTED,  # ER_USER_LIMIT_REACHED; see _of_mysql
    1637: TOO_MANY_CONNECTIONS,  # ER_TOO_MANY_CONCURRENT_TRXS
    1020: CONTENDED,  # ER_CHECKREAD, with innodb_snapshot_isolation
    1205: CONTENDED,  # ER_LOCK_WAIT_TIMEOUT
    1206: CONTENDED,  # ER_LOCK_TABLE_FULL
    1213: CONTENDED,  # ER_LOCK_DEADLOCK
    3101: CONTENDED,  # ER_TRANSACTION_ROLLBACK_DURING_COMMIT: certification failed
    1036: READ_ONLY,  # ER_OPEN_AS_READONLY
    1223: READ_ONLY,  # ER_CANT_UPDATE_WITH_READLOCK
    1290: READ_ONLY,  # ER_OPTION_PREVENTS_STATEMENT: read_only, after a fail-over
    1792: READ_ONLY,  # ER_CANT_EXECUTE_IN_READ_ONLY_TRANSACTION
    1836: READ_ONLY,  # ER_READ_ONLY_MODE
    1874: READ_ONLY,  # ER_INNODB_READ_ONLY
    1047: NO_QUORUM,  # ER_UNKNOWN_COM_ERROR: a Galera node without a quorum
    3100: NO_QUORUM,  # ER_RUN_HOOK_ERROR: group replication
    1665: Failure(Action.REFUSE, "binlog_format is STATEMENT: set it to ROW or MIXED"),
    1034: CORRUPT,  # ER_NOT_KEYFILE
    1712: CORRUPT,  # ER_INDEX_CORRUPT
    1044: DENIED,  # ER_DBACCESS_DENIED_ERROR
    1045: DENIED,  # ER_ACCESS_DENIED_ERROR
    1049: Failure(Action.REFUSE, "there is no such database"),  # ER_BAD_DB_ERROR
    1146: Failure(Action.REFUSE, "a table of the database is missing"),  # ER_NO_SUCH_TABLE
    1142: DENIED,  # ER_TABLEACCESS_DENIED_ERROR
    1143: DENIED,  # ER_COLUMNACCESS_DENIED_ERROR
    1227: DENIED,  # ER_SPECIFIC_ACCESS_DENIED_ERROR
    1153: Failure(Action.RECONNECT, "max_allowed_packet of the database is too small"),
    1317: TIMED_OUT,  # ER_QUERY_INTERRUPTED
    1969: TIMED_OUT,  # ER_STATEMENT_TIMEOUT of MariaDB
    3024: TIMED_OUT,  # ER_QUERY_TIMEOUT of MySQL
    1053: UNREACHABLE,  # ER_SERVER_SHUTDOWN
    1077: UNREACHABLE,  # ER_NORMAL_SHUTDOWN
    1080: UNREACHABLE,  # ER_FORCING_CLOSE
    1158: UNREACHABLE,  # ER_NET_READ_ERROR
    1159: UNREACHABLE,  # ER_NET_READ_INTERRUPTED
    1160: UNREACHABLE,  # ER_NET_ERROR_ON_WRITE
    1161: UNREACHABLE,  # ER_NET_WRITE_INTERRUPTED
    1927: UNREACHABLE,  # ER_CONNECTION_KILLED
    2002: UNREACHABLE,  # CR_CONNECTION_ERROR
    2003: UNREACHABLE,  # CR_CONN_HOST_ERROR
    2006: UNREACHABLE,  # CR_SERVER_GONE_ERROR
    2013: UNREACHABLE,  # CR_SERVER_LOST
    2014: UNREACHABLE,  # CR_COMMANDS_OUT_OF_SYNC
    2026: Failure(Action.REFUSE, "there is no TLS with the database"),  # CR_SSL_CONNECTION_ERROR
    2055: UNREACHABLE,  # CR_SERVER_LOST_EXTENDED
    4031: UNREACHABLE,  # ER_CLIENT_INTERACTION_TIMEOUT
}

TRANSIENT = {
    UNREACHABLE,
    CONTENDED,
    TOO_MANY_CONNECTIONS,
    ACCOUNT_FULL,
    EXHAUSTED,
    FAILED_WRITE,
    FULL,
    LOCKED,
    READ_ONLY,
    NO_QUORUM,
}  # failures that may end without an intervention


def failure(error: BaseException) -> Failure | None:
    """Return the meaning of an error; None for a bug or a violated constraint."""
    if isinstance(error, PoolTimeout):
        return Failure(Action.REFUSE, "all connections to the database are in use")
    if isinstance(error, OSError):
        return ERRNOS.get(error.errno or 0, UNREACHABLE)
    original = error.orig if isinstance(error, DBAPIError) else error
    if isinstance(original, sqlite3.Error):
        return _of_sqlite(original)
    known = _of_mysql(original)
    kinds = OperationalError | InterfaceError | InternalError
    return known or (Failure(Action.REFUSE, str(original)) if isinstance(error, kinds) else None)


def _of_mysql(error: object) -> Failure | None:
    found = MYSQL.get(_number(error))
    if found is EXHAUSTED and "max_user_connections" in str(error):
        return ACCOUNT_FULL  # the only limit of this code that is not per hour
    return found


def _of_sqlite(error: sqlite3.Error) -> Failure | None:
    code = getattr(error, "sqlite_errorcode", None)  # errors of the module itself have none
    if code is None or isinstance(error, sqlite3.IntegrityError | sqlite3.ProgrammingError):
        return None
    return SQLITE.get(code) or SQLITE.get(code & 0xFF) or Failure(Action.REFUSE, str(error))


def _number(original: object) -> int:
    arguments = getattr(original, "args", ())
    return arguments[0] if arguments and isinstance(arguments[0], int) else 0


def storage_error(error: Exception, *, committing: bool = False) -> Exception:
    """Return the application's exception for a driver's error; others are returned unchanged.

    `committing`: COMMIT raised it on MySQL. Then the outcome is unknown, unless the server replied
    that it stored nothing.
    """
    found = failure(error)
    if committing and (found is None or found.action is Action.DROP or not _is_known(error)):
        return _with_reason(CommitUnknown(), found or UNREACHABLE)
    if found is None or isinstance(error, IntegrityError):
        return error
    return _with_reason(_KINDS[found.action](DAMAGED if found == CORRUPT else None), found)


def read_error(error: Exception) -> Exception:
    """Return the same for an error of a query that changes nothing."""
    translated = storage_error(error)
    if failure(error) is TIMED_OUT:
        return _with_reason(Unavailable(_("The query took too long. Narrow it down.")), TIMED_OUT)
    if type(translated) is Unavailable and translated.sentence == Unavailable.text:
        busy = Unavailable(_("The server cannot answer right now. Try again."))
        busy.reason, busy.may_pass = translated.reason, translated.may_pass
        return busy
    return translated


_KINDS: dict[Action, type[Unavailable]] = {
    Action.RETRY: LockConflict,
    Action.REFUSE: Unavailable,
    Action.RECONNECT: Unavailable,
    Action.DROP: Unavailable,
    Action.STOP: DiskBroken,
}


def _is_known(error: Exception) -> bool:
    return isinstance(error, DBAPIError) and _number(error.orig) in MYSQL


def _with_reason(error: Unavailable, found: Failure) -> Unavailable:
    error.reason = found.reason
    error.may_pass = found in TRANSIENT
    return error


def may_pass(error: Exception) -> bool:
    """Whether a retry may succeed without a change: a slow server, not a wrong password."""
    return failure(error) in TRANSIENT


def is_damage(error: BaseException | None) -> bool:
    """Whether the error says that the database file is damaged, or no database."""
    return error is not None and failure(error) == CORRUPT


def damaged_file() -> Unavailable:
    """Return the error of a database file in which damage was found earlier."""
    return _with_reason(Unavailable(DAMAGED), CORRUPT)


def is_transient(reason: str) -> bool:
    """Whether the failure with this reason may end without an intervention."""
    return reason in {found.reason for found in TRANSIENT}


def needs_new_connection(error: BaseException | None) -> bool:
    """Whether the connection must be replaced."""
    found = failure(error) if error is not None else None
    return found is not None and found.action in (Action.RECONNECT, Action.DROP)
