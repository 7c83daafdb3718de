"""HTTP API of accounts, sessions and invitations, and of the command line."""

from functools import partial
from typing import Annotated, Any

import msgspec
from aiohttp import web
from msgspec import Meta

from chatserver.accounts.accounts import Accounts, new_user
from chatserver.accounts.administration import Administration
from chatserver.accounts.erasure import Erasure
from chatserver.accounts.invitations import Invitations
from chatserver.accounts.key_sync import KeySync
from chatserver.errors import BadRequest, Conflict, Forbidden, _
from chatserver.models import Invite, Role, User
from chatserver.storage.users import OpenSession
from chatserver.text.names import skeleton
from chatserver.web import forms, time_limit
from chatserver.web.answer import ok
from chatserver.web.authentication import Sessions, address
from chatserver.web.language import LOCALES
from chatserver.web.listing import stream_query, stream_rows
from chatserver.web.query import parse_query

Name = Annotated[str, Meta(max_length=128)]

NAMES = 100  # accounts that one request may name


class UserQuery(msgspec.Struct):
    """Query for a page of accounts, for those whose names begin with `q`, or for those named."""

    limit: Annotated[int, Meta(ge=1, le=1_000)] | None = None
    after: Name = ""
    q: Name = ""
    names: Annotated[str, Meta(max_length=8_000)] | None = None


class DeletionQuery(msgspec.Struct):
    """`messages`: delete the account's messages as well."""

    messages: bool = False


class Api:
    """Handlers whose responses are JSON with `ok: 1` and the facts."""

    def __init__(
        self,
        *,
        accounts: Accounts,
        administration: Administration,
        erasure: Erasure,
        invitations: Invitations,
        sessions: Sessions,
        key_sync: KeySync,
    ) -> None:
        self._accounts = accounts
        self._administration = administration
        self._erasure = erasure
        self._invitations = invitations
        self._sessions = sessions
        self._key_sync = key_sync

    # Own account ----------------------------------------------------------------------------------

    async def me(self, request: web.Request) -> web.StreamResponse:
        user = (await self._sessions.authenticate(request)).user
        return ok(user=_user_json(user))

    async def change_me(self, request: web.Request) -> web.StreamResponse:
        """Set the user's display name or language."""
        user = (await self._sessions.authenticate(request)).user
        form = await forms.read(request, forms.Profile)
        if form.locale is not None and form.locale not in LOCALES:
            raise BadRequest(_("This language is not available."))
        await self._accounts.change_profile(user, display=form.display, locale=form.locale)
        return ok()

    async def change_password(self, request: web.Request) -> web.StreamResponse:
        """Set the user's password, which ends the other sessions."""
        sign_in = await self._sessions.authenticate(request)
        form = await forms.read(request, forms.NewPassword)
        await self._accounts.change_password(
            sign_in, form.old, form.password, address=address(request)
        )
        return ok()

    async def renew_session(self, request: web.Request) -> web.StreamResponse:
        """Extend the session of the request by the lifetime of its token, and renew its cookie."""
        sign_in = await self._sessions.authenticate(request)
        expires_at, token = await self._accounts.renew(sign_in.session.id, sign_in.token.lifetime)
        response = ok(expires_at=expires_at)
        self._sessions.set_renewed_token(request, response, token)
        return response

    # Users ----------------------------------------------------------------------------------------

    async def users(self, request: web.Request) -> web.StreamResponse:
        """List all accounts, for every user."""
        if self._sessions.is_operator(request):
            return await self._users(request)
        async with self._sessions.authenticate_query(request, heavy=True):
            return await self._users(request)

    async def _users(self, request: web.Request) -> web.StreamResponse:
        query = parse_query(request, UserQuery)
        if query.names is not None:
            named = await self._accounts.find_all(query.names.split(",")[:NAMES])
            return ok(users=[_user_json(user) for user in named])
        if query.limit is None:
            return await stream_query(request, "users", partial(self._page, beginning=query.q))
        users = await self._page(query.after, query.limit + 1, beginning=query.q)
        return ok(users=users[: query.limit], more=len(users) > query.limit)

    async def _page(self, after: str, limit: int, *, beginning: str) -> list[dict[str, Any]]:
        return [
            _user_json(user)
            for user in await self._accounts.page(after, limit, beginning=beginning)
        ]

    async def add_user(self, request: web.Request) -> web.StreamResponse:
        admin = await self._sessions.require_admin(request)
        form = await forms.read(request, forms.NewUserForm)
        role = Role.ADMIN if form.admin else Role.MEMBER
        new = new_user(form.username, form.display, role=role, locale=_valid_locale(form.locale))
        generated = form.generated and admin is None
        made = await self._accounts.add(new, form.password, by=admin, generated=generated)
        return ok(status=201, user=_user_json(made))

    async def change_user(self, request: web.Request) -> web.StreamResponse:
        """Set what is given. A new password and disabling end the user's sessions."""
        admin = await self._sessions.require_admin(request)
        form = await forms.read(request, forms.UserChange)
        changed = await self._administration.change(
            admin, request.match_info["name"], **msgspec.structs.asdict(form)
        )
        return ok(user=_user_json(changed))

    async def delete_user(self, request: web.Request) -> web.StreamResponse:
        """Delete an account permanently, and its messages if the query says so.

        The operator has no time limit. For administrators, it ends with the deletion of the
        account: that of the messages has none.
        """
        admin = await self._sessions.require_admin(request)
        messages = parse_query(request, DeletionQuery).messages
        if admin is None:
            time_limit.lift(request)
        user = await self._administration.delete(admin, request.match_info["name"])
        if not messages:
            return ok()
        if admin is not None:
            time_limit.lift(request)
        return ok(messages=await self._erasure.delete_messages(user))

    async def reset_password(self, request: web.Request) -> web.StreamResponse:
        """Set a generated password, which is shown only this once."""
        admin = await self._sessions.require_admin(request)
        name = request.match_info["name"]
        return ok(password=await self._administration.reset_password(admin, name))

    # Invitations ----------------------------------------------------------------------------------

    async def invites(self, request: web.Request) -> web.StreamResponse:
        admin = await self._sessions.require_admin(request)
        found = await self._invitations.listed(admin)
        show = partial(_invite_json, self._links(request))
        addresses = self._sessions.reachable_urls(request)
        return await stream_rows(request, "invites", found, show, addresses=addresses)

    async def add_invite(self, request: web.Request) -> web.StreamResponse:
        admin = await self._sessions.require_admin(request)
        form = await forms.read(request, forms.NewInvite)
        invite = await self._invitations.make(admin, uses=form.uses, days=form.days, room=form.room)
        addresses = self._sessions.reachable_urls(request)
        return ok(status=201, addresses=addresses, **_invite_json(self._links(request), invite))

    async def revoke_invite(self, request: web.Request) -> web.StreamResponse:
        admin = await self._sessions.require_admin(request)
        await self._invitations.revoke(admin, request.match_info["code"])
        return ok()

    def _links(self, request: web.Request) -> str:
        """Return the part of invitation URLs before the code; building it is slow."""
        return self._sessions.invite_url(request, "_").removesuffix("_")

    # Sessions and bots ----------------------------------------------------------------------------

    async def sessions(self, request: web.Request) -> web.StreamResponse:
        """List the user's sessions."""
        sign_in = await self._sessions.authenticate(request)
        found = await self._accounts.sessions(sign_in.user)

        def show(session: OpenSession) -> dict[str, Any]:
            facts: dict[str, Any] = msgspec.to_builtins(session)
            return facts | {"current": session.id == sign_in.session.id}

        return await stream_rows(request, "sessions", found, show)

    async def end_session(self, request: web.Request) -> web.StreamResponse:
        user = (await self._sessions.authenticate(request)).user
        await self._accounts.end_session(user, request.match_info["session"])
        return ok()

    async def sign_out_everywhere(self, request: web.Request) -> web.StreamResponse:
        """End all sessions of the user, including this one, and close their connections."""
        await self._accounts.sign_out_everywhere((await self._sessions.authenticate(request)).user)
        return ok()

    async def add_bot(self, request: web.Request) -> web.StreamResponse:
        """Create a bot as a member of these rooms; its token is shown only this once."""
        admin = await self._sessions.require_admin(request)
        form = await forms.read(request, forms.NewBot)
        user, token = await self._administration.add_bot(admin, form.name, form.display, form.rooms)
        return ok(status=201, user=_user_json(user), token=token)

    # Operator -------------------------------------------------------------------------------------

    async def setup_link(self, request: web.Request) -> web.StreamResponse:
        self._require_operator(request)
        if await self._accounts.is_set_up():
            raise Conflict(_("There are accounts already. Use: chatserver user promote NAME"))
        path = str(request.app.router["setup"].url_for())
        token = self._accounts.setup_token()
        return ok(token=token, url=f"{self._sessions.base_url(request)}{path}#{token}")

    async def rotate_keys(self, request: web.Request) -> web.StreamResponse:
        self._require_operator(request)
        rotation = await self._key_sync.rotate(force="force" in request.query)
        return ok(kid=rotation.kid, signs=rotation.signs)

    def _require_operator(self, request: web.Request) -> None:
        if not self._sessions.is_operator(request):
            raise Forbidden


def _invite_json(links: str, invite: Invite) -> dict[str, Any]:
    return {
        "code": invite.code,
        "url": links + invite.code,
        "created_by": invite.created_by,
        "created_at": invite.created_at,
        "expires_at": invite.expires_at,
        "uses_left": invite.uses_left,
        "room": invite.room,
        "title": invite.title,
    }


def _user_json(user: User) -> dict[str, Any]:
    return {
        "name": user.name,
        "display": user.display,
        "role": user.role,
        "locale": user.locale,
        "disabled": user.disabled,
        **({} if user.display.isascii() else {"look": skeleton(user.display)}),
    }


def _valid_locale(locale: str) -> str:
    """Return the locale if it exists, else "": the account then follows the browser."""
    return locale if locale in LOCALES else ""
