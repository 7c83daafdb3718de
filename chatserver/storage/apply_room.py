"""Rules of rooms and memberships: create, join, invite, leave, remove, change, dissolve.

A refused act raises ChatError before anything is changed, so it does not affect other drafts.
"""

import json
from typing import Any

import sqlalchemy as sa
from msgspec.structs import asdict
from sqlalchemy.engine import Connection, Row

from chatserver.errors import ADMINISTRATORS_ONLY, ROOM_ARCHIVED, Conflict, Forbidden, NotFound, _
from chatserver.models import (
    LOBBY,
    AddMembers,
    Change,
    Create,
    Dissolve,
    Draft,
    Event,
    EventKind,
    MessageAct,
    RemoveFile,
    RemoveMembers,
    Role,
    RoomKind,
)
from chatserver.storage.append_event import append_event, event_from_draft
from chatserver.storage.apply_file_removal import remove_file
from chatserver.storage.invitations import (
    INVALID_INVITATION,
    admits_to,
    redeem,
    revoke_of_nonmembers,
)
from chatserver.storage.member_rows import (
    are_former_members,
    end_memberships,
    insert_members,
    members_of,
    non_members,
)
from chatserver.storage.members import (
    IS_MEMBER,
    RoomRole,
    is_room_admin,
    new_id,
    require_account,
    require_member,
    require_open_room,
)
from chatserver.storage.rights import require_accounts
from chatserver.storage.room_admins import ensure_admins, promote, successor
from chatserver.storage.tables import members, room_name, rooms, users
from chatserver.storage.unique_names import (
    name_columns,
    require_distinct_room,
    require_no_lobby_title,
)

DISSOLVED_DAYS = 1  # retention of messages in a dissolved conversation


def perform(connection: Connection, draft: Draft, now: int) -> Event:
    """Apply one act and append its event. Raises ChatError when it is refused."""
    match draft.act:
        case Create() as act:
            return create(connection, draft, act, now)
        case AddMembers() as act:
            return authorize_and_add(connection, draft, act, now)
        case RemoveMembers() as act:
            return authorize_and_remove(connection, draft, act, now)
        case Change() as act:
            return change_settings(connection, draft, act, now)
        case Dissolve():
            return dissolve(connection, draft, now)
        case RemoveFile() as act:
            return remove_file(connection, draft, act, now)
        case _:
            on_message: MessageAct = draft.act
            raise AssertionError(f"{type(on_message).__name__} is applied by apply_message")


def create(connection: Connection, draft: Draft, act: Create, now: int) -> Event:
    require_account(connection, draft)
    require_accounts(connection, dict(act.users))
    require_no_lobby_title(connection, act.title)
    names = (
        {} if act.name is None else _name_columns(connection, draft, act.name, private=act.private)
    )
    result = connection.execute(
        rooms.insert().values(
            **names,
            kind=RoomKind.GROUP,
            title=act.title,
            topic=act.topic,
            private=act.private or act.name is None,
            head=0,
            members=0,
            created_by=draft.user_id,
            created_at=now,
        )
    )
    room = new_id(result)
    change = {"action": "create"} | _public_fields(asdict(act))
    joining = {draft.user_id: draft.user} | dict(act.users)
    change["users"] = list(joining.values())
    seq = append_event(connection, draft, now, EventKind.ROOM, body=json.dumps(change), room=room)
    insert_members(connection, room, list(joining), now, seq)
    promote(connection, room, draft.user_id)
    return event_from_draft(
        draft, seq, now, EventKind.ROOM, room=room, change=change, joined_ids=tuple(joining)
    )


def authorize_and_add(connection: Connection, draft: Draft, act: AddMembers, now: int) -> Event:
    if act.action == "join":
        require_account(connection, draft)
        _require_joinable(connection, draft, invited=act.invited)
    else:
        _require_invitable(connection, draft, [user_id for user_id, _name in act.users])
    return add_members(connection, draft, act, now)


def add_members(connection: Connection, draft: Draft, act: AddMembers, now: int) -> Event:
    """Add members; the caller checks the rights. Raises Conflict if all are members already."""
    require_accounts(connection, dict(act.users))
    new = non_members(connection, draft.room, act.users)
    if not new:
        raise Conflict(_("All of these users are already members."))
    if act.consumes_use:
        redeem(connection, act.invited, now)
    change = {"action": act.action, "users": [name for _id, name in new]}
    seq = append_event(connection, draft, now, EventKind.ROOM, body=json.dumps(change))
    joined = tuple(user_id for user_id, _name in new)
    insert_members(connection, draft.room, joined, now, seq)
    ensure_admins(connection, [draft.room])
    return event_from_draft(draft, seq, now, EventKind.ROOM, change=change, joined_ids=joined)


def authorize_and_remove(
    connection: Connection, draft: Draft, act: RemoveMembers, now: int
) -> Event:
    if act.of_deleted_account:
        return remove_members(connection, draft, act, now)
    membership = require_member(connection, draft)
    if draft.room == LOBBY or membership.kind != RoomKind.GROUP:
        raise Forbidden(
            _("You cannot leave this conversation.")
            if act.action == "leave"
            else _("No one can be removed from this conversation.")
        )
    if act.action == "remove" and not is_room_admin(membership):
        raise Forbidden(_("Only an administrator of the room may do that."))
    return remove_members(connection, draft, act, now)


def remove_members(connection: Connection, draft: Draft, act: RemoveMembers, now: int) -> Event:
    """End memberships, as the caller has authorised. Raises NotFound if there is none to end."""
    present = members_of(connection, draft.room, [user_id for user_id, _name in act.users])
    removed = [(user_id, name) for user_id, name in act.users if user_id in present]
    if not removed:
        raise NotFound(_("None of these users is a member."))
    left_ids = tuple(user_id for user_id, _name in removed)
    change = {"action": act.action, "users": [name for _id, name in removed]}
    if (new_admin := successor(connection, draft.room, without=left_ids)) is not None:
        change["admins"] = [new_admin[1]]
        promote(connection, draft.room, new_admin[0])
    seq = append_event(connection, draft, now, EventKind.ROOM, body=json.dumps(change))
    end_memberships(connection, draft.room, left_ids, now, seq, removed=act.action == "remove")
    return event_from_draft(draft, seq, now, EventKind.ROOM, change=change, left_ids=left_ids)


def change_settings(connection: Connection, draft: Draft, act: Change, now: int) -> Event:
    membership = (
        _as_server_admin(connection, draft)
        if act.as_server_admin
        else require_member(connection, draft)
    )
    if membership.kind != RoomKind.GROUP:
        raise Forbidden(_("A direct conversation cannot be changed."))
    if not is_room_admin(membership):
        raise Forbidden(_("Only an administrator of the room may do that."))
    if draft.room == LOBBY and "name" in act.values:
        raise Forbidden(_("The lobby cannot be renamed."))
    if draft.room == LOBBY and act.values.keys() & {"private", "archived"}:
        raise Forbidden(_("The lobby stays open to everyone."))
    values = dict(act.values)
    if values.keys() & {"name", "private"}:
        values |= _renamed(connection, draft, membership, values)
    if "title" in values and draft.room != LOBBY:
        require_no_lobby_title(connection, values["title"])
    if values.get("retention_days") == 0:  # for ever
        values["retention_days"] = None
    if "archived" in values:
        values["archived_at"] = now if values.pop("archived") else None
    connection.execute(rooms.update().where(rooms.c.id == draft.room).values(**values))
    if values.get("private"):
        revoke_of_nonmembers(connection, draft.room, now)
    change = {"action": act.action} | act.values
    seq = append_event(connection, draft, now, EventKind.ROOM, body=json.dumps(change))
    return event_from_draft(draft, seq, now, EventKind.ROOM, change=change)


def _renamed(
    connection: Connection, draft: Draft, membership: Row[Any], values: dict[str, Any]
) -> dict[str, Any]:
    """Return the name columns of a room that is renamed, or becomes private or public."""
    if membership.name is None:
        raise Forbidden(_("A conversation without a name stays private and cannot be named."))
    name, private = (
        values.get("name", membership.name),
        values.get("private", bool(membership.private)),
    )
    if (name, private) == (membership.name, bool(membership.private)):
        return name_columns(name, private=private)
    return _name_columns(connection, draft, name, private=private)


def dissolve(connection: Connection, draft: Draft, now: int) -> Event:
    """Remove all members. Messages are kept, unreadable, for DISSOLVED_DAYS."""
    _require_administrator(connection, draft)
    unnamed = sa.and_(rooms.c.id == draft.room, rooms.c.kind == RoomKind.GROUP, room_name.is_(None))
    query = (
        sa.select(users.c.id, users.c.name)
        .join(members, members.c.user_id == users.c.id)
        .join(rooms, sa.and_(rooms.c.id == members.c.room_id, unnamed))
        .where(IS_MEMBER)
    )
    removed = {row.id: row.name for row in connection.execute(query)}
    if not removed:
        raise NotFound
    change = {"action": "remove", "users": sorted(removed.values())}
    seq = append_event(connection, draft, now, EventKind.ROOM, body=json.dumps(change))
    end_memberships(connection, draft.room, list(removed), now, seq, removed=True)
    values = {"archived_at": now, "leavers_read": False, "retention_days": DISSOLVED_DAYS}
    connection.execute(rooms.update().where(rooms.c.id == draft.room).values(**values))
    return event_from_draft(draft, seq, now, EventKind.ROOM, change=change, left_ids=tuple(removed))


def _require_invitable(connection: Connection, draft: Draft, user_ids: list[int]) -> None:
    """Check that the sender may add these users. Without a name a room admits former members."""
    membership = require_open_room(connection, draft)
    if membership.kind != RoomKind.GROUP:
        raise Forbidden(_("No one can be added to this conversation."))
    if membership.name is None and not are_former_members(connection, draft.room, user_ids):
        raise Forbidden(_("Only former members can be added to this conversation."))


def _require_administrator(connection: Connection, draft: Draft) -> None:
    if require_account(connection, draft).role != Role.ADMIN:
        raise Forbidden(ADMINISTRATORS_ONLY)


def _as_server_admin(connection: Connection, draft: Draft) -> Row[Any]:
    """Return the membership row that a server administrator acts with in any named room."""
    _require_administrator(connection, draft)
    query = sa.select(
        rooms.c.kind,
        room_name.label("name"),
        rooms.c.private,
        sa.literal(str(RoomRole.MEMBER)).label("role"),
        sa.literal(str(Role.ADMIN)).label("account_role"),
    )
    named = sa.and_(rooms.c.id == draft.room, room_name.is_not(None))
    membership = connection.execute(query.where(named)).one_or_none()
    if membership is None:
        raise NotFound
    return membership


def _public_fields(fields: dict[str, Any]) -> dict[str, Any]:
    """Return the fields of a new room that its event contains."""
    return {k: fields[k] for k in ("name", "title", "topic", "private") if fields[k]}


def _name_columns(
    connection: Connection, draft: Draft, name: str, *, private: bool
) -> dict[str, Any]:
    """Return the columns of a name. Raises Conflict if a room that the author sees has it."""
    require_distinct_room(connection, name, by=draft.user_id, room=draft.room)
    return name_columns(name, private=private)


def _require_joinable(connection: Connection, draft: Draft, *, invited: str) -> None:
    """Raise NotFound unless the room is public or `invited` admits; Forbidden if archived.

    The invitation is checked again: it may have been revoked since it made the account, and does
    not admit a user who was removed from the room.
    """
    query = sa.select(rooms.c.kind, rooms.c.name, rooms.c.private, rooms.c.archived_at)
    room = connection.execute(query.where(rooms.c.id == draft.room)).one_or_none()
    if room is None or room.kind != RoomKind.GROUP:
        raise NotFound
    public = room.name is not None and not room.private
    if not public and not admits_to(connection, invited, draft.room, draft.user_id):
        raise NotFound(INVALID_INVITATION) if invited else NotFound
    if room.archived_at is not None:
        raise Forbidden(ROOM_ARCHIVED)
