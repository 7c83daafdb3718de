"""HTTP API of accounts and sessions."""

from functools import partial
from typing import Annotated, Any

import msgspec
from aiohttp import web
from msgspec import Meta

from chatserver.accounts.accounts import Accounts, new_user
from chatserver.accounts.administration import Administration
from chatserver.accounts.erasure import Erasure
from chatserver.errors import BadRequest, _
from chatserver.models import Role, User
from chatserver.storage.sessions import OpenSession
from chatserver.storage.users import Users
from chatserver.text.names import skeleton
from chatserver.web import forms, time_limit
from chatserver.web.authentication import RequestAuthenticator
from chatserver.web.client_address import client_address
from chatserver.web.language import LOCALES
from chatserver.web.listing import first_entries, stream_query, stream_rows
from chatserver.web.operations import operation
from chatserver.web.query import parse_query
from chatserver.web.responses import accounts as responses
from chatserver.web.responses import ok
from chatserver.web.session_cookies import SessionCookies

Name = Annotated[str, Meta(max_length=128)]

NAMES = 100  # accounts that one request may name
COMMON_ROOMS = 100  # in one response


class UserQuery(msgspec.Struct):
    """Query for a page of accounts, for those whose names begin with `q`, or for those named."""

    limit: Annotated[int, Meta(ge=1, le=1_000)] | None = None
    after: Name = ""
    q: Name = ""
    names: Annotated[str, Meta(max_length=8_000)] | None = None


class DeletionQuery(msgspec.Struct):
    """`messages`: delete the account's messages as well."""

    messages: bool = False


class AccountHandlers:
    """Handlers of the user's own account, of sessions and of all accounts."""

    def __init__(
        self,
        *,
        accounts: Accounts,
        users: Users,
        administration: Administration,
        erasure: Erasure,
        authenticator: RequestAuthenticator,
        cookies: SessionCookies,
    ) -> None:
        self._accounts = accounts
        self._all_users = users
        self._administration = administration
        self._erasure = erasure
        self._authenticator = authenticator
        self._cookies = cookies

    # Own account ----------------------------------------------------------------------------------

    @operation("GET", "/api/me", "me", rate="reads", returns=responses.OneAccount)
    async def me(self, request: web.Request) -> web.StreamResponse:
        """Get the user's own account."""
        user = (await self._authenticator.authenticate(request)).user
        return ok(user=user_json(user))

    @operation("PATCH", "/api/me", "change_me", rate="changes", body=forms.Profile)
    async def change_me(self, request: web.Request) -> web.StreamResponse:
        """Set the user's display name or language."""
        user = (await self._authenticator.authenticate(request)).user
        form = await forms.read(request, forms.Profile)
        if form.locale is not None and form.locale not in LOCALES:
            raise BadRequest(_("This language is not available."))
        await self._accounts.change_profile(user, display=form.display, locale=form.locale)
        return ok()

    @operation("PUT", "/api/me/password", "change_password", rate="changes", body=forms.NewPassword)
    async def change_password(self, request: web.Request) -> web.StreamResponse:
        """Set the user's own password. Ends the user's other sessions."""
        login = await self._authenticator.authenticate(request)
        form = await forms.read(request, forms.NewPassword)
        await self._accounts.change_password(
            login, form.old, form.password, address=client_address(request)
        )
        return ok()

    # Sessions -------------------------------------------------------------------------------------

    @operation(
        "PUT",
        "/api/me/session",
        "renew_session",
        rate="changes",
        returns=responses.RenewedSession,
        token=True,
    )
    async def renew_session(self, request: web.Request) -> web.StreamResponse:
        """Extend the session of this request: the response has a newer cookie, or a newer token in
        the header Authorization. Sockets are extended by renew (14).
        """
        login = await self._authenticator.authenticate(request)
        expires_at, token = await self._accounts.renew(login.session.id, login.token.lifetime)
        response = ok(expires_at=expires_at)
        self._cookies.set_renewed_token(request, response, token)
        return response

    @operation("GET", "/api/sessions", "sessions", rate="reads", returns=responses.SessionList)
    async def sessions(self, request: web.Request) -> web.StreamResponse:
        """List the user's sessions."""
        login = await self._authenticator.authenticate(request)
        found = await self._accounts.sessions(login.user)

        def show(session: OpenSession) -> dict[str, Any]:
            fields: dict[str, Any] = msgspec.to_builtins(session)
            return fields | {"current": session.id == login.session.id}

        return await stream_rows(request, "sessions", found, show)

    @operation("DELETE", "/api/sessions/{session}", "end_session", rate="changes")
    async def end_session(self, request: web.Request) -> web.StreamResponse:
        """End one of the user's sessions and its sockets."""
        user = (await self._authenticator.authenticate(request)).user
        await self._accounts.end_session(user, request.match_info["session"])
        return ok()

    @operation("DELETE", "/api/sessions", "sign_out_everywhere", rate="changes")
    async def log_out_everywhere(self, request: web.Request) -> web.StreamResponse:
        """End all sessions of the user, including this one, and their sockets."""
        await self._accounts.log_out_everywhere(
            (await self._authenticator.authenticate(request)).user
        )
        return ok()

    # Users ----------------------------------------------------------------------------------------

    @operation(
        "GET", "/api/users", "users", rate="reads", returns=responses.Accounts, query=UserQuery
    )
    async def users(self, request: web.Request) -> web.StreamResponse:
        """List accounts by name: all, or `limit` of them after the name `after`; `q` is a prefix of
        the name or display name. Or the accounts in `names`, separated by commas.
        """
        if self._authenticator.is_operator(request):
            return await self._users(request)
        async with self._authenticator.authenticate_query(request, heavy=True):
            return await self._users(request)

    async def _users(self, request: web.Request) -> web.StreamResponse:
        query = parse_query(request, UserQuery)
        if query.names is not None:
            named = await self._all_users.named(query.names.split(",")[:NAMES])
            return ok(users=[user_json(user) for user in named])
        page = partial(self._page, beginning=query.q)
        if query.limit is None:
            return await stream_query(request, "users", page)
        users = await first_entries(page, query.after, query.limit + 1)
        return ok(users=users[: query.limit], more=len(users) > query.limit)

    @operation(
        "GET",
        "/api/users/{name}/rooms",
        "common_rooms",
        rate="reads",
        returns=responses.CommonRooms,
    )
    async def common_rooms(self, request: web.Request) -> web.StreamResponse:
        """List the rooms of which the user and another one are members, without direct ones."""
        name = request.match_info["name"]
        async with self._authenticator.authenticate_query(request) as user:
            return ok(rooms=await self._all_users.common_rooms(user.id, name, COMMON_ROOMS))

    async def _page(self, after: str, limit: int, *, beginning: str) -> list[dict[str, Any]]:
        users = await self._all_users.page(after, limit, beginning=beginning)
        return [user_json(user) for user in users]

    @operation(
        "POST",
        "/api/users",
        "add_user",
        rate="changes",
        access="administrator",
        returns=responses.OneAccount,
        body=forms.NewUserForm,
        refuses="conflict",
        created=True,
    )
    async def add_user(self, request: web.Request) -> web.StreamResponse:
        """Create an account."""
        admin = await self._authenticator.require_admin(request)
        form = await forms.read(request, forms.NewUserForm)
        role = Role.ADMIN if form.admin else Role.MEMBER
        new = new_user(form.username, form.display, role=role, locale=_valid_locale(form.locale))
        generated = form.generated and admin is None
        made = await self._accounts.add(new, form.password, by=admin, generated=generated)
        return ok(status=201, user=user_json(made))

    @operation(
        "PATCH",
        "/api/users/{name}",
        "change_user",
        rate="changes",
        access="administrator",
        returns=responses.OneAccount,
        body=forms.UserChange,
    )
    async def change_user(self, request: web.Request) -> web.StreamResponse:
        """Set the given fields. A new password and disabling the account end the user's sessions.
        The last administrator cannot be disabled or demoted.
        """
        admin = await self._authenticator.require_admin(request)
        form = await forms.read(request, forms.UserChange)
        changed = await self._administration.change(
            admin, request.match_info["name"], **msgspec.structs.asdict(form)
        )
        return ok(user=user_json(changed))

    @operation(
        "DELETE",
        "/api/users/{name}",
        "delete_user",
        rate="changes",
        access="administrator",
        returns=responses.DeletedAccount,
        query=DeletionQuery,
    )
    async def delete_user(self, request: web.Request) -> web.StreamResponse:
        """Delete an account permanently: its sessions, token, invitations, memberships, password
        and display name. Its messages stay under its name, which cannot be used again; with
        `messages` all of them are deleted as well, in every room.

        The operator has no time limit. For administrators, it ends with the deletion of the
        account: that of the memberships and messages has none.
        """
        admin = await self._authenticator.require_admin(request)
        messages = parse_query(request, DeletionQuery).messages
        if admin is None:
            time_limit.lift(request)
        user = await self._administration.delete(admin, request.match_info["name"])
        if admin is not None:
            time_limit.lift(request)
        await self._erasure.leave_rooms(user)
        if not messages:
            return ok()
        return ok(messages=await self._erasure.delete_messages(user))

    @operation(
        "POST",
        "/api/users/{name}/password",
        "reset_password",
        rate="changes",
        access="administrator",
        returns=responses.GeneratedPassword,
    )
    async def reset_password(self, request: web.Request) -> web.StreamResponse:
        """Replace a user's password by a generated one. Ends the user's sessions."""
        admin = await self._authenticator.require_admin(request)
        name = request.match_info["name"]
        return ok(password=await self._administration.reset_password(admin, name))


def user_json(user: User) -> dict[str, Any]:
    return {
        "name": user.name,
        "display": user.display,
        "role": user.role,
        "locale": user.locale,
        "disabled": user.disabled,
        **({"deleted": True} if user.deleted else {}),
        **({"picture": user.picture} if user.picture else {}),
        **({} if user.display.isascii() else {"look": skeleton(user.display)}),
    }


def _valid_locale(locale: str) -> str:
    """Return the locale if it exists, else "": the account then follows the browser."""
    return locale if locale in LOCALES else ""
