"""Invitation links, which create an account and may lead to a room as well."""

import secrets
from collections.abc import Callable
from contextlib import suppress

from chatserver.accounts.accounts import Accounts
from chatserver.chat.room_commands import RoomCommands
from chatserver.clocks import DAY
from chatserver.errors import ChatError, Conflict, NotFound, _
from chatserver.models import User
from chatserver.storage.invitations import INVALID_INVITATION, Invite, Invites
from chatserver.storage.users import NewUser

DAYS = 7
USES = 50


class Invitations:
    """Invitations: administrators create them, and everyone who has the link can use them."""

    def __init__(
        self,
        invites: Invites,
        accounts: Accounts,
        room_commands: RoomCommands,
        *,
        clock: Callable[[], int],
    ) -> None:
        """`clock` gives milliseconds UTC."""
        self._invites = invites
        self._accounts = accounts
        self._room_commands = room_commands
        self._clock = clock

    async def make(
        self, by: User | None, *, uses: int = USES, days: int = DAYS, room: str = ""
    ) -> Invite:
        """Create an invitation for `uses` users within `days` days.

        Raises NotFound if `by` may not invite to `room`.
        """
        now, code = self._clock(), secrets.token_urlsafe(9)
        invite = Invite(code, by.display if by else "", now, now + days * DAY, uses)
        await self._invites.open(invite, by=by.id if by else None, into=room)
        return await self.find(code)

    async def listed(self, by: User | None) -> list[Invite]:
        """Return the usable invitations, newest first, without those to private rooms of others.

        `by` is the administrator who asks, None the operator.
        """
        return await self._invites.list_usable(by.id if by else None)

    async def find(self, code: str, *, by: User | None = None) -> Invite:
        """Return a usable invitation that `by` may see. Raises NotFound."""
        found = await self._invites.find(code, by=by.id if by else None)
        if found is None:
            raise NotFound(INVALID_INVITATION)
        return found

    async def find_for_user(self, user: User, code: str) -> Invite:
        """Return a usable invitation that admits the user to its room, if any. Raises NotFound."""
        invite = await self.find(code)
        if invite.room is not None and not await self._invites.admits(user.id, code, invite.room):
            raise NotFound(INVALID_INVITATION)
        return invite

    async def find_for_member(self, user: User, code: str) -> Invite | None:
        """Return an invitation, usable or not, to a room that the user is a member of."""
        return await self._invites.find_for_member(user.id, code)

    async def join(self, code: str, new: NewUser, password: str) -> tuple[User, int | None]:
        """Create an account, and make it a member of the room that the invitation leads to.

        Return the user, and the room unless it cannot be joined any more.
        """
        invite = await self.find(code)
        user = await self._accounts.add_invited(new, password, code)
        return user, await self._entered(user, invite)

    async def _entered(self, user: User, invite: Invite) -> int | None:
        if invite.room is None:
            return None
        try:
            with suppress(Conflict):  # already a member
                await self._room_commands.join_invited(user, invite.room, invite.code)
        except ChatError:
            return None
        return invite.room

    async def accept(self, code: str, user: User) -> Invite:
        """Make an existing user a member of the room that the invitation leads to.

        This takes one use, unless the user is a member already. Raises NotFound if the invitation
        cannot be used or leads to no room, Forbidden for an archived room.
        """
        invite = await self.find(code)
        if invite.room is None:
            raise NotFound
        with suppress(Conflict):
            await self._room_commands.join_invited(user, invite.room, code, consumes_use=True)
        return invite

    async def revoke(self, by: User | None, code: str) -> None:
        """Make an invitation unusable. Raises NotFound."""
        if not await self._invites.revoke(code, by=by.id if by else None):
            raise NotFound(_("There is no such invitation."))
