"""Report of what a restore makes valid again."""

from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from enum import StrEnum

LISTED = 50  # names of an abbreviated list


class ReinstatedKind(StrEnum):
    """What ended, was restricted or was deleted after the backup, in the order of the report."""

    SESSIONS = "Sessions that had ended"
    INVITES = "Invitations that had been revoked"
    USES = "Invitations that had been used"
    BOTS = "Bots whose old tokens are valid"
    DISABLED = "Accounts that had been disabled"
    DELETED = "Accounts that had been deleted, with their data: delete them again"
    PASSWORDS = "Accounts with their old passwords"
    ADMINISTRATORS = "Administrators who had been demoted"
    MEMBERS = "Members who had left a room or been removed"
    REMOVALS = "Users whose removal is forgotten, so that older invitations admit them"
    ROOM_ADMINS = "Administrators of rooms who had lost that role"
    PRIVATE = "Rooms that had become private"
    LEAVERS = "Rooms that former members could not read any more"
    RECEIPTS = "Rooms without read receipts that show them again"
    ARCHIVED = "Rooms that had been archived"
    RETENTION = "Rooms that had a shorter retention"
    TEXTS = "Messages that had been edited or deleted (also with --revoke-since)"


ABBREVIATED = frozenset({ReinstatedKind.MEMBERS, ReinstatedKind.REMOVALS, ReinstatedKind.TEXTS})


@dataclass(slots=True)
class Reinstated:
    """Credentials, rights and contents that a restore makes valid again.

    `counts` has the kinds that are only counted, `names` the users and rooms of the others.
    """

    known: bool = True  # whether the replaced database could be read
    counts: Counter[ReinstatedKind] = field(default_factory=Counter)
    names: defaultdict[ReinstatedKind, list[str]] = field(default_factory=lambda: defaultdict(list))

    def lines(self) -> Iterator[str]:
        """Yield a sentence for each kind."""
        for kind in ReinstatedKind:
            if number := self.counts[kind]:
                yield f"{kind}: {number:,}."
            if names := self.names.get(kind):
                yield f"{kind}: {_listed(names, LISTED if kind in ABBREVIATED else len(names))}."


def _listed(names: list[str], limit: int) -> str:
    more = len(names) - limit
    return ", ".join(sorted(names)[:limit]) + f" and {more:,} more" * (more > 0)
