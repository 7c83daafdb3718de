"""What administrators and the owner of the data can do about the accounts of others.

In every method `by` is the administrator who wants it, None the owner. Whether `by` still
administers is checked in the transaction that applies the change: Forbidden otherwise.
"""

import secrets
from collections.abc import Awaitable, Callable

from chatserver.accounts.accounts import BOT, Farewell, token_digest
from chatserver.accounts.passwords import Passwords, check_choice, generate
from chatserver.errors import CloseCode, Forbidden, NotFound, _
from chatserver.models import Event, Role, User
from chatserver.storage.bots import Bots
from chatserver.storage.credentials import AccountChange, Credentials
from chatserver.storage.users import NewUser, People
from chatserver.text.names import checked_display, checked_name

Publish = Callable[[int, list[Event]], None]  # see `hub.Hub.publish`
DeleteMessages = Callable[[User], Awaitable[int]]  # see `erasure.Erasure`


class Administration:
    """Changes accounts, makes bots and replaces their tokens."""

    def __init__(
        self,
        *,
        people: People,
        credentials: Credentials,
        bots: Bots,
        passwords: Passwords,
        farewell: Farewell,
        delete_messages: DeleteMessages,
        publish: Publish,
    ) -> None:
        self._people = people
        self._credentials = credentials
        self._bots = bots
        self._passwords = passwords
        self._farewell = farewell
        self._delete_messages = delete_messages
        self._publish = publish

    async def change(
        self,
        by: User | None,
        name: str,
        *,
        display: str | None = None,
        admin: bool | None = None,
        password: str | None = None,
        disabled: bool | None = None,
    ) -> User:
        """Set what is given of an account, all of it or nothing; the account as it is then.

        A new password and disabling end all sessions. Clients of users with other rights, on the
        server or in a room, reconnect. Raises Forbidden for the last administrator.
        """
        user = await self._named(name)
        if user.role is Role.BOT and (password is not None or admin is not None):
            raise Forbidden(
                _("A bot has a token instead of a password, and cannot be an administrator.")
            )
        if disabled and by is not None and by.id == user.id:
            raise Forbidden(_("You cannot disable your own account."))
        role = Role.ADMIN if admin else Role.MEMBER
        change = AccountChange(
            display=None
            if display in (None, user.display)
            else checked_display(display, user.name),
            role=None if admin is None else role,
            password_hash=None if password is None else await self._hashed(user, password),
            disabled=disabled,
        )
        changed, heirs = await self._credentials.administer(user.id, change, by=_id(by))
        self._end_sockets(user, changed, change)
        for heir in heirs - {user.id}:
            self._farewell.end_user(heir, CloseCode.RESTARTING)  # a welcome has their new rights
        return changed

    async def reset_password(self, by: User | None, name: str) -> str:
        """A generated password in the place of an account's; all its sessions end."""
        password = generate()
        await self.change(by, name, password=password)
        return password

    async def author(self, by: User | None) -> User:
        """The author of an event that `by` causes: for the owner the oldest administrator.

        Raises Forbidden when there is no administrator.
        """
        found = by or await self._people.administrator()
        if found is None:
            raise Forbidden(_("There is no administrator. Use: chatserver user promote NAME"))
        return found

    async def delete(self, by: User | None, name: str, *, messages: bool = False) -> int:
        """Delete an account for good, and its messages, or else these stay under its name.

        Its sessions, token, invitations, memberships and personal data are removed. Returns the
        number of messages that were deleted. Raises Forbidden for the last administrator and for
        one's own account.
        """
        user = await self._named(name)
        if by is not None and by.id == user.id:
            raise Forbidden(_("You cannot delete your own account."))
        left = await self._credentials.delete(user.id, by=_id(by))
        self._farewell.end_user(user.id, CloseCode.REMOVED)
        for event in left:
            self._publish(event.room, [event])
        return await self._delete_messages(user) if messages else 0

    async def _hashed(self, user: User, password: str) -> str:
        check_choice(password, user.name, user.display)
        return await self._passwords.hash(password)

    def _end_sockets(self, before: User, after: User, change: AccountChange) -> None:
        if change.disabled:
            self._farewell.end_user(after.id, CloseCode.REMOVED)
        elif change.ends_sessions:
            self._farewell.end_user(after.id, CloseCode.SESSION_INVALID)
        elif after.role is not before.role:
            self._farewell.end_user(after.id, CloseCode.RESTARTING)

    async def _named(self, name: str) -> User:
        found = await self._people.find(name)
        if found is None:
            raise NotFound(_("There is no user with that name."))
        return found[0]

    # Bots -----------------------------------------------------------------------------------------

    async def add_bot(
        self, by: User | None, name: str, display: str, rooms: list[str]
    ) -> tuple[User, str]:
        """A bot's account, member of these rooms, and its token: shown once, stored hashed.

        Into private rooms `by` brings it only as their member: administrators hear no more than
        others. The members of the rooms are notified as of every member that joins.
        """
        token = _bot_token()
        kept = checked_name(name)
        new = NewUser(kept, checked_display(display, kept), "!", Role.BOT)
        user, joined = await self._bots.add(new, token_digest(token), rooms, by=_id(by))
        for event in joined:
            self._publish(event.room, [event])
        return user, token

    async def renew_bot(self, by: User | None, name: str) -> str:
        """Another token in the place of a bot's; its sockets are closed."""
        token = _bot_token()
        await self._set_token(by, name, token_digest(token))
        return token

    async def revoke_bot(self, by: User | None, name: str) -> None:
        """Take a bot's token away and close its sockets."""
        await self._set_token(by, name, None)

    async def _set_token(self, by: User | None, name: str, hashed: str | None) -> None:
        user = await self._named(name)
        if user.role is not Role.BOT:
            raise NotFound(_("There is no bot with that name."))
        await self._bots.set_token(user.id, hashed, by=_id(by))
        self._farewell.end_user(user.id, CloseCode.SESSION_INVALID)


def _id(by: User | None) -> int | None:
    return None if by is None else by.id


def _bot_token() -> str:
    return BOT + secrets.token_urlsafe(24)
