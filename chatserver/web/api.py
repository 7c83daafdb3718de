"""The HTTP API: oneself, people, invitations, and what the command line asks a server for."""

from typing import Any

import msgspec
from aiohttp import web

from chatserver.accounts import Accounts, new_user
from chatserver.errors import BadRequest, Conflict, Forbidden, _
from chatserver.models import Invite, Role, User
from chatserver.web import body
from chatserver.web.answer import ok
from chatserver.web.language import LOCALES, preferred
from chatserver.web.session import Sessions


class Api:
    """Answers are JSON with `ok: 1` and the facts."""

    def __init__(self, accounts: Accounts, sessions: Sessions) -> None:
        self._accounts = accounts
        self._sessions = sessions

    # Oneself --------------------------------------------------------------------------------------

    async def me(self, request: web.Request) -> web.StreamResponse:
        user = (await self._sessions.of(request)).user
        return ok(user=_shown(user))

    async def change_me(self, request: web.Request) -> web.StreamResponse:
        """Set one's display name or language."""
        user = (await self._sessions.of(request)).user
        form = await body.read(request, body.Profile)
        if form.locale is not None and form.locale not in LOCALES:
            raise BadRequest(_("This language is not available."))
        await self._accounts.change_profile(user, display=form.display, locale=form.locale)
        return ok()

    # People ---------------------------------------------------------------------------------------

    async def users(self, request: web.Request) -> web.StreamResponse:
        """Everybody who has an account, for everybody who has one."""
        if not self._sessions.is_owner(request):
            await self._sessions.of(request)
        return ok(users=[_shown(user) for user in await self._accounts.everybody()])

    async def add_user(self, request: web.Request) -> web.StreamResponse:
        await self._sessions.admin(request)
        form = await body.read(request, body.NewUserForm)
        role = Role.ADMIN if form.admin else Role.MEMBER
        new = new_user(form.username, form.display, role=role, locale=_locale(request, form))
        return ok(status=201, user=_shown(await self._accounts.add(new, form.password)))

    async def change_user(self, request: web.Request) -> web.StreamResponse:
        """Set somebody's password, or close or open the account. Ends that person's sessions."""
        admin = await self._sessions.admin(request)
        name = request.match_info["name"]
        form = await body.read(request, body.UserChange)
        if (
            form.disabled
            and admin is not None
            and (await self._accounts.named(name)).id == admin.id
        ):
            raise Forbidden(_("You cannot disable your own account."))
        if form.password is not None:
            await self._accounts.set_password(name, form.password)
        if form.disabled is not None:
            await self._accounts.set_disabled(name, disabled=form.disabled)
        return ok(user=_shown(await self._accounts.named(name)))

    # Invitations ----------------------------------------------------------------------------------

    async def invites(self, request: web.Request) -> web.StreamResponse:
        await self._sessions.admin(request)
        return ok(
            invites=[self._invite(request, invite) for invite in await self._accounts.invites()]
        )

    async def add_invite(self, request: web.Request) -> web.StreamResponse:
        admin = await self._sessions.admin(request)
        form = await body.read(request, body.NewInvite)
        invite = await self._accounts.invite(admin, uses=form.uses, days=form.days)
        return ok(status=201, **self._invite(request, invite))

    async def revoke_invite(self, request: web.Request) -> web.StreamResponse:
        await self._sessions.admin(request)
        await self._accounts.revoke_invite(request.match_info["code"])
        return ok()

    def _invite(self, request: web.Request, invite: Invite) -> dict[str, Any]:
        path = str(request.app.router["join"].url_for(code=invite.code))
        return {
            "code": invite.code,
            "url": self._sessions.base(request) + path,
            "created_by": invite.created_by,
            "expires_at": invite.expires_at,
            "uses_left": invite.uses_left,
        }

    # Sessions and bots ----------------------------------------------------------------------------

    async def sessions(self, request: web.Request) -> web.StreamResponse:
        """Where one is signed in."""
        sign_in = await self._sessions.of(request)
        found = await self._accounts.sessions(sign_in.user)
        own = sign_in.session.id
        return ok(sessions=[msgspec.to_builtins(s) | {"current": s.id == own} for s in found])

    async def sign_out_everywhere(self, request: web.Request) -> web.StreamResponse:
        """End all of one's sessions, this one too, and their sockets."""
        await self._accounts.sign_out_everywhere((await self._sessions.of(request)).user)
        return ok()

    async def add_bot(self, request: web.Request) -> web.StreamResponse:
        """Make a bot that is a member of these rooms; its token is shown this once."""
        await self._sessions.admin(request)
        form = await body.read(request, body.NewBot)
        user, token = await self._accounts.add_bot(form.name, form.display, form.rooms)
        return ok(status=201, user=_shown(user), token=token)

    # The owner of the data folder -----------------------------------------------------------------

    async def setup_link(self, request: web.Request) -> web.StreamResponse:
        self._owner(request)
        if await self._accounts.is_set_up():
            raise Conflict(_("This server has been set up already."))
        path = str(request.app.router["setup"].url_for())
        token = self._accounts.setup_token()
        return ok(token=token, url=f"{self._sessions.base(request)}{path}#{token}")

    async def rotate_keys(self, request: web.Request) -> web.StreamResponse:
        self._owner(request)
        return ok(kid=self._accounts.rotate_keys())

    def _owner(self, request: web.Request) -> None:
        if not self._sessions.is_owner(request):
            raise Forbidden


def _shown(user: User) -> dict[str, Any]:
    return {
        "name": user.name,
        "display": user.display,
        "role": user.role,
        "locale": user.locale,
        "disabled": user.disabled,
    }


def _locale(request: web.Request, form: body.NewAccount) -> str:
    return form.locale if form.locale in LOCALES else preferred(request)
