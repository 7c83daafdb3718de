"""How new people get in: links that make an account, and that may lead into a room as well."""

import secrets
from collections.abc import Callable
from contextlib import suppress

from chatserver.accounts.accounts import DAY, Accounts
from chatserver.chat.membership import Membership
from chatserver.errors import ChatError, Conflict, NotFound, _
from chatserver.models import Invite, User
from chatserver.storage.invitations import Invites
from chatserver.storage.users import NewUser

DAYS = 7
USES = 50


class Invitations:
    """Made by administrators, used by whoever has the link."""

    def __init__(
        self,
        invites: Invites,
        accounts: Accounts,
        membership: Membership,
        *,
        clock: Callable[[], int],
    ) -> None:
        """`clock` gives milliseconds UTC."""
        self._invites = invites
        self._accounts = accounts
        self._membership = membership
        self._clock = clock

    async def make(
        self, by: User | None, *, uses: int = USES, days: int = DAYS, room: str = ""
    ) -> Invite:
        """One for `uses` people within `days` days. Raises NotFound for a `room` not theirs."""
        now, code = self._clock(), secrets.token_urlsafe(9)
        invite = Invite(code, by.display if by else "", now, now + days * DAY, uses)
        await self._invites.open(invite, by=by.id if by else None, into=room)
        return await self.find(code)

    async def listed(self, by: User | None) -> list[Invite]:
        """Those that can still be used, newest first, without those into private rooms of others.

        `by` is the administrator who asks, None the owner of the data.
        """
        return await self._invites.listed(by.id if by else None)

    async def find(self, code: str, *, by: User | None = None) -> Invite:
        """An invitation that can still be used, and that `by` may see. Raises NotFound."""
        found = await self._invites.find(code, by=by.id if by else None)
        if found is None:
            raise NotFound(_("This invitation is not valid any more. Ask for a new one."))
        return found

    async def into_room_of(self, user: User, code: str) -> Invite | None:
        """An invitation, usable or not, into a room that `user` is a member of."""
        return await self._invites.into_room_of(user.id, code)

    async def join(self, code: str, new: NewUser, password: str) -> tuple[User, int | None]:
        """Make an account, and a member of the room that the invitation leads into.

        Return the account, and the room unless it cannot be joined any more.
        """
        invite = await self.find(code)
        user = await self._accounts.add_invited(new, password, code)
        return user, await self._entered(user, invite)

    async def _entered(self, user: User, invite: Invite) -> int | None:
        if invite.room is None:
            return None
        try:
            with suppress(Conflict):  # a member already
                await self._membership.enter(user, invite.room, invite.code)
        except ChatError:
            return None
        return invite.room

    async def accept(self, code: str, user: User) -> Invite:
        """Make a user who has an account a member of the room that the invitation leads into.

        This takes one use, but not from a user who is a member already. Raises NotFound when the
        invitation cannot be used or leads into no room, Forbidden for an archived room.
        """
        invite = await self.find(code)
        if invite.room is None:
            raise NotFound
        with suppress(Conflict):
            await self._membership.enter(user, invite.room, code, spends=True)
        return invite

    async def revoke(self, by: User | None, code: str) -> None:
        """Nobody can use it any more. Raises NotFound."""
        if not await self._invites.revoke(code, by=by.id if by else None):
            raise NotFound(_("There is no such invitation."))
