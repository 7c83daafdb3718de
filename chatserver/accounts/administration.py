"""Operations of administrators and of the operator on the accounts of others.

In every method `by` is the administrator who does it, None the operator. The transaction that
applies the change checks that `by` still is an administrator: Forbidden otherwise.
"""

from collections.abc import Callable

from chatserver.accounts.bot_tokens import new_token, token_digest
from chatserver.accounts.connection_closer import ConnectionCloser, reconnect_if_unknown
from chatserver.accounts.passwords import Passwords, check_choice, generate
from chatserver.errors import UNKNOWN_USER, CloseCode, Forbidden, NotFound, _
from chatserver.models import Event, Role, User
from chatserver.storage.bots import Bots
from chatserver.storage.credentials import AccountChange, Credentials
from chatserver.storage.users import NewUser, Users
from chatserver.text.names import checked_display, checked_name

Publish = Callable[[int, list[Event]], None]  # see `hub.Hub.publish`


class Administration:
    """Changes and deletes accounts, creates bots and replaces their tokens."""

    def __init__(
        self,
        *,
        users: Users,
        credentials: Credentials,
        bots: Bots,
        passwords: Passwords,
        closer: ConnectionCloser,
        publish: Publish,
    ) -> None:
        self._users = users
        self._credentials = credentials
        self._bots = bots
        self._passwords = passwords
        self._closer = closer
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
        """Set what is given of an account in one transaction; return the changed account.

        A new password and disabling end all sessions. Clients of users whose rights change, on the
        server or in a room, reconnect. Raises Forbidden for the last administrator.
        """
        user = await self._find(name)
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
            password_hash=None if password is None else await self._hash(user, password),
            disabled=disabled,
        )
        with reconnect_if_unknown(self._closer, user.id):
            changed, promoted = await self._credentials.administer(user.id, change, by=_id(by))
        self._close_connections(user, changed, change)
        for promoted_id in promoted - {user.id}:
            self._closer.close_user_connections(
                promoted_id, CloseCode.RESTARTING
            )  # the next welcome has their new rights
        return changed

    async def reset_password(self, by: User | None, name: str) -> str:
        """Set and return a generated password; all sessions of the account end."""
        password = generate()
        await self.change(by, name, password=password)
        return password

    async def author(self, by: User | None) -> User:
        """Return the author of an event that `by` causes.

        For the operator this is the oldest administrator. Raises Forbidden if there is none.
        """
        found = by or await self._users.administrator()
        if found is None:
            raise Forbidden(_("There is no administrator. Use: chatserver user promote NAME"))
        return found

    async def delete(self, by: User | None, name: str) -> User:
        """Delete an account permanently; its messages stay under its name. Return the account.

        Its sessions, token, invitations and personal data are removed; the caller removes its
        memberships (`erasure.Erasure`). Raises Forbidden for the last administrator and for `by`
        itself.
        """
        user = await self._find(name)
        if by is not None and by.id == user.id:
            raise Forbidden(_("You cannot delete your own account."))
        with reconnect_if_unknown(self._closer, user.id):
            await self._credentials.delete(user.id, by=_id(by))
        self._closer.close_user_connections(user.id, CloseCode.ACCOUNT_CLOSED)
        return user

    async def _hash(self, user: User, password: str) -> str:
        check_choice(password, user.name, user.display)
        return await self._passwords.hash(password)

    def _close_connections(self, before: User, after: User, change: AccountChange) -> None:
        if change.disabled:
            self._closer.close_user_connections(after.id, CloseCode.ACCOUNT_CLOSED)
        elif change.ends_sessions:
            self._closer.close_user_connections(after.id, CloseCode.SESSION_INVALID)
        elif after.role is not before.role:
            self._closer.close_user_connections(after.id, CloseCode.RESTARTING)

    async def _find(self, name: str) -> User:
        found = await self._users.find(name)
        if found is None:
            raise NotFound(UNKNOWN_USER)
        return found[0]

    # Bots -----------------------------------------------------------------------------------------

    async def add_bot(
        self, by: User | None, name: str, display: str, rooms: list[str]
    ) -> tuple[User, str]:
        """Create a bot as a member of these rooms; return it with its token.

        The token is stored hashed only. `by` can add the bot to private rooms only as a member of
        them. The members of the rooms are notified as of every new member.
        """
        token = new_token()
        kept = checked_name(name)
        new = NewUser(kept, checked_display(display, kept), "!", Role.BOT)
        user, joined = await self._bots.add(new, token_digest(token), rooms, by=_id(by))
        for event in joined:
            self._publish(event.room, [event])
        return user, token

    async def renew_bot(self, by: User | None, name: str) -> str:
        """Replace a bot's token and close its connections; return the new token."""
        token = new_token()
        await self._set_token(by, name, token_digest(token))
        return token

    async def revoke_bot(self, by: User | None, name: str) -> None:
        """Delete a bot's token and close its connections."""
        await self._set_token(by, name, None)

    async def _set_token(self, by: User | None, name: str, hashed: str | None) -> None:
        user = await self._find(name)
        if user.role is not Role.BOT:
            raise NotFound(_("There is no bot with that name."))
        with reconnect_if_unknown(self._closer, user.id):
            await self._bots.set_token(user.id, hashed, by=_id(by))
        self._closer.close_user_connections(user.id, CloseCode.SESSION_INVALID)


def _id(by: User | None) -> int | None:
    return None if by is None else by.id
