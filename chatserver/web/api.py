"""The HTTP API: oneself, people, invitations, and what the command line asks a server for."""

from functools import partial
from typing import Annotated, Any

import msgspec
from aiohttp import web
from msgspec import Meta

from chatserver.accounts.accounts import Accounts, new_user
from chatserver.accounts.administration import Administration
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
from chatserver.web.listing import listed, shown
from chatserver.web.query import queried

Name = Annotated[str, Meta(max_length=128)]

NAMES = 100  # accounts that one request may ask for by name


class Listed(msgspec.Struct):
    """Which accounts: a page of them, those whose names begin with `q`, or those named."""

    limit: Annotated[int, Meta(ge=1, le=1_000)] | None = None
    after: Name = ""
    q: Name = ""
    names: Annotated[str, Meta(max_length=8_000)] | None = None


class Deletion(msgspec.Struct):
    """`messages`: those of the account are deleted as well."""

    messages: bool = False


class Api:
    """Answers are JSON with `ok: 1` and the facts."""

    def __init__(
        self,
        accounts: Accounts,
        administration: Administration,
        invitations: Invitations,
        sessions: Sessions,
        key_sync: KeySync,
    ) -> None:
        self._accounts = accounts
        self._administration = administration
        self._invitations = invitations
        self._sessions = sessions
        self._key_sync = key_sync

    # Oneself --------------------------------------------------------------------------------------

    async def me(self, request: web.Request) -> web.StreamResponse:
        user = (await self._sessions.of(request)).user
        return ok(user=_shown(user))

    async def change_me(self, request: web.Request) -> web.StreamResponse:
        """Set one's display name or language."""
        user = (await self._sessions.of(request)).user
        form = await forms.read(request, forms.Profile)
        if form.locale is not None and form.locale not in LOCALES:
            raise BadRequest(_("This language is not available."))
        await self._accounts.change_profile(user, display=form.display, locale=form.locale)
        return ok()

    async def change_password(self, request: web.Request) -> web.StreamResponse:
        """Set one's own password, which ends one's other sessions."""
        sign_in = await self._sessions.of(request)
        form = await forms.read(request, forms.NewPassword)
        await self._accounts.change_password(
            sign_in, form.old, form.password, address=address(request)
        )
        return ok()

    async def renew_session(self, request: web.Request) -> web.StreamResponse:
        """Prolong the session of the request by the lifetime of its token, and its cookie."""
        sign_in = await self._sessions.of(request)
        expires_at, token = await self._accounts.renew(sign_in.session.id, sign_in.token.lifetime)
        response = ok(expires_at=expires_at)
        self._sessions.renew(request, response, token)
        return response

    # People ---------------------------------------------------------------------------------------

    async def users(self, request: web.Request) -> web.StreamResponse:
        """Everybody who has an account, for everybody who has one."""
        if self._sessions.is_owner(request):
            return await self._users(request)
        async with self._sessions.question(request, heavy=True):
            return await self._users(request)

    async def _users(self, request: web.Request) -> web.StreamResponse:
        asked = queried(request, Listed)
        if asked.names is not None:
            named = await self._accounts.find_all(asked.names.split(",")[:NAMES])
            return ok(users=[_shown(user) for user in named])
        if asked.limit is None:
            return await listed(request, "users", partial(self._page, beginning=asked.q))
        users = await self._page(asked.after, asked.limit + 1, beginning=asked.q)
        return ok(users=users[: asked.limit], more=len(users) > asked.limit)

    async def _page(self, after: str, limit: int, *, beginning: str) -> list[dict[str, Any]]:
        return [
            _shown(user) for user in await self._accounts.page(after, limit, beginning=beginning)
        ]

    async def add_user(self, request: web.Request) -> web.StreamResponse:
        admin = await self._sessions.admin(request)
        form = await forms.read(request, forms.NewUserForm)
        role = Role.ADMIN if form.admin else Role.MEMBER
        new = new_user(form.username, form.display, role=role, locale=_chosen(form.locale))
        generated = form.generated and admin is None
        made = await self._accounts.add(new, form.password, by=admin, generated=generated)
        return ok(status=201, user=_shown(made))

    async def change_user(self, request: web.Request) -> web.StreamResponse:
        """Set what is given. A new password and a closed account end that person's sessions."""
        admin = await self._sessions.admin(request)
        form = await forms.read(request, forms.UserChange)
        changed = await self._administration.change(
            admin, request.match_info["name"], **msgspec.structs.asdict(form)
        )
        return ok(user=_shown(changed))

    async def delete_user(self, request: web.Request) -> web.StreamResponse:
        """Delete an account for good, and its messages where the query says so.

        The deletion of messages and the command of the owner wait until they are done.
        """
        admin = await self._sessions.admin(request)
        name, messages = request.match_info["name"], queried(request, Deletion).messages
        if admin is None or messages:
            time_limit.lift(request)
        count = await self._administration.delete(admin, name, messages=messages)
        return ok(messages=count) if messages else ok()

    async def reset_password(self, request: web.Request) -> web.StreamResponse:
        """A generated password, shown this once, in the place of somebody's."""
        admin = await self._sessions.admin(request)
        name = request.match_info["name"]
        return ok(password=await self._administration.reset_password(admin, name))

    # Invitations ----------------------------------------------------------------------------------

    async def invites(self, request: web.Request) -> web.StreamResponse:
        admin = await self._sessions.admin(request)
        found = await self._invitations.listed(admin)
        show = partial(_invite, self._links(request))
        addresses = self._sessions.reachable(request)
        return await shown(request, "invites", found, show, addresses=addresses)

    async def add_invite(self, request: web.Request) -> web.StreamResponse:
        admin = await self._sessions.admin(request)
        form = await forms.read(request, forms.NewInvite)
        invite = await self._invitations.make(admin, uses=form.uses, days=form.days, room=form.room)
        addresses = self._sessions.reachable(request)
        return ok(status=201, addresses=addresses, **_invite(self._links(request), invite))

    async def revoke_invite(self, request: web.Request) -> web.StreamResponse:
        admin = await self._sessions.admin(request)
        await self._invitations.revoke(admin, request.match_info["code"])
        return ok()

    def _links(self, request: web.Request) -> str:
        """What precedes the code in the URLs of invitations. To make one takes a while."""
        return self._sessions.invite_url(request, "_").removesuffix("_")

    # Sessions and bots ----------------------------------------------------------------------------

    async def sessions(self, request: web.Request) -> web.StreamResponse:
        """Where one is signed in."""
        sign_in = await self._sessions.of(request)
        found = await self._accounts.sessions(sign_in.user)

        def show(session: OpenSession) -> dict[str, Any]:
            facts: dict[str, Any] = msgspec.to_builtins(session)
            return facts | {"current": session.id == sign_in.session.id}

        return await shown(request, "sessions", found, show)

    async def end_session(self, request: web.Request) -> web.StreamResponse:
        user = (await self._sessions.of(request)).user
        await self._accounts.end_session(user, request.match_info["session"])
        return ok()

    async def sign_out_everywhere(self, request: web.Request) -> web.StreamResponse:
        """End all of one's sessions, this one too, and their sockets."""
        await self._accounts.sign_out_everywhere((await self._sessions.of(request)).user)
        return ok()

    async def add_bot(self, request: web.Request) -> web.StreamResponse:
        """Make a bot that is a member of these rooms; its token is shown this once."""
        admin = await self._sessions.admin(request)
        form = await forms.read(request, forms.NewBot)
        user, token = await self._administration.add_bot(admin, form.name, form.display, form.rooms)
        return ok(status=201, user=_shown(user), token=token)

    # The owner of the data folder -----------------------------------------------------------------

    async def setup_link(self, request: web.Request) -> web.StreamResponse:
        self._owner(request)
        if await self._accounts.is_set_up():
            raise Conflict(_("There are accounts already. Use: chatserver user promote NAME"))
        path = str(request.app.router["setup"].url_for())
        token = self._accounts.setup_token()
        return ok(token=token, url=f"{self._sessions.base(request)}{path}#{token}")

    async def rotate_keys(self, request: web.Request) -> web.StreamResponse:
        self._owner(request)
        rotation = await self._key_sync.rotate(force="force" in request.query)
        return ok(kid=rotation.kid, signs=rotation.signs)

    def _owner(self, request: web.Request) -> None:
        if not self._sessions.is_owner(request):
            raise Forbidden


def _invite(links: str, invite: Invite) -> dict[str, Any]:
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


def _shown(user: User) -> dict[str, Any]:
    return {
        "name": user.name,
        "display": user.display,
        "role": user.role,
        "locale": user.locale,
        "disabled": user.disabled,
        **({} if user.display.isascii() else {"look": skeleton(user.display)}),
    }


def _chosen(locale: str) -> str:
    """Nothing, where no language of ours was chosen: that account follows the browser."""
    return locale if locale in LOCALES else ""
