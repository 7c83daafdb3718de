"""HTTP API of web push."""

from typing import Any

from aiohttp import web

from chatserver.accounts.login import Login
from chatserver.errors import BadRequest, Forbidden, NotFound, _
from chatserver.push.delivery import push_to
from chatserver.push.endpoints import check_keys
from chatserver.push.service import PushService
from chatserver.storage.push_targets import Content, Level, PushTarget
from chatserver.storage.sessions import BOT_SESSION
from chatserver.web import forms
from chatserver.web.authentication import RequestAuthenticator
from chatserver.web.keyed_queue import KeyedQueue
from chatserver.web.language import preferred
from chatserver.web.operations import operation
from chatserver.web.responses import ok
from chatserver.web.responses import push as responses
from chatserver.web.server_urls import ServerUrls

MAX_PAGE = 500  # characters of the URL of the chat page
TESTS_PER_SERVICE = 10  # that run at the same time, beside the pushes of messages
TEST_TIMEOUT = 60.0  # seconds; longer than a test can take


class PushHandlers:
    """Handlers of the push target of a session."""

    def __init__(
        self, push: PushService, authenticator: RequestAuthenticator, urls: ServerUrls
    ) -> None:
        self._push = push
        self._authenticator = authenticator
        self._urls = urls
        self._tests = KeyedQueue(  # by user id
            longest=1,
            timeout=TEST_TIMEOUT,
            refusal=_("Your last test still waits for an answer of the push service."),
        )
        self._tests_of_service = KeyedQueue(
            TESTS_PER_SERVICE,
            longest=TESTS_PER_SERVICE,
            timeout=TEST_TIMEOUT,
            refusal=_("Too many tests wait for this push service. Try again in a minute."),
        )

    @operation("GET", "/api/push", "push", rate="reads", returns=responses.Push)
    async def show(self, request: web.Request) -> web.StreamResponse:
        """Get the public key for subscriptions of browsers, and whether this session gets pushes.
        The key is made at the first request; browsers subscribe again if it has changed.
        """
        login = await self._authenticator.authenticate(request)
        key = await self._push.vapid.public_key()
        target = await self._push.targets.of_session(login.session.id)
        own: dict[str, Any] = {} if target is None else {"target": _choice(target)}
        return ok(key=key, most=self._push.notifications.most, **own)

    @operation("POST", "/api/push", "set_push", rate="changes", body=forms.PushSubscription)
    async def put(self, request: web.Request) -> web.StreamResponse:
        """Send pushes to a browser until this session ends. A session has one browser, a user at
        most 10: a further one replaces the oldest. `endpoint` and `keys` are those of the
        browser's PushSubscription.
        """
        login = await self._session(request)
        form = await forms.read(request, forms.PushSubscription)
        self._push.rules.check(form.endpoint)
        check_keys(form.keys.p256dh, form.keys.auth)
        page = self._urls.own_origin(request) + str(request.app.router["index"].url_for())
        if len(page) > MAX_PAGE:
            raise BadRequest
        target = PushTarget(
            endpoint=form.endpoint,
            p256dh=form.keys.p256dh.rstrip("="),
            auth=form.keys.auth.rstrip("="),
            session_id=login.session.id,
            page=page,
            locale=preferred(request, login.user.locale),
            level=Level(form.level),
            content=Content(form.content),
        )
        await self._push.targets.put(target)
        await self._push.reader.count_targets()
        return ok()

    @operation("DELETE", "/api/push", "end_push", rate="changes")
    async def delete(self, request: web.Request) -> web.StreamResponse:
        """Send no more pushes to the browser of this session."""
        login = await self._authenticator.authenticate(request)
        await self._push.targets.remove_of_session(login.session.id)
        return ok()

    @operation(
        "POST",
        "/api/push/test",
        "test_push",
        rate="changes",
        returns=responses.PushTest,
        refuses="not_found",
    )
    async def test(self, request: web.Request) -> web.StreamResponse:
        """Send a push to the browser of this session now, and return what its service answers. A
        user can run one test at a time.
        """
        login = await self._session(request)
        target = await self._push.targets.of_session(login.session.id)
        owned = None if target is None else await self._push.targets.find(target.key)
        if owned is None:
            raise NotFound(_("This browser gets no notifications yet."))
        push = push_to(owned)
        async with self._tests.slot(owned.user_id), self._tests_of_service.slot(push.service):
            outcome, _wait = await self._push.delivery.send(push)
        return ok(outcome=outcome)

    async def _session(self, request: web.Request) -> Login:
        """Return the login of a user. Raises Forbidden for bots, which have no session."""
        login = await self._authenticator.authenticate(request)
        if login.session.id.startswith(BOT_SESSION):
            raise Forbidden(_("A bot gets no notifications."))
        return login


def _choice(target: PushTarget) -> dict[str, Any]:
    return {
        "endpoint_sha256": target.key,
        "level": target.level,
        "content": target.content,
    }
