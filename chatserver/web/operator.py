"""HTTP API of the operator: the commands `backup`, `export`, `check` and `keys`, the set-up link.

Archive and check stream lines of JSON while the server runs; an aborted stream lacks its last line.
"""

from collections.abc import Callable
from pathlib import Path

from aiohttp import web

from chatserver.accounts.accounts import Accounts
from chatserver.accounts.key_sync import KeySync
from chatserver.errors import Conflict, Forbidden, _
from chatserver.files.service import FileService
from chatserver.storage.archive_io import dump
from chatserver.storage.engine import Database
from chatserver.storage.integrity import report
from chatserver.web.authentication import RequestAuthenticator
from chatserver.web.operations import operation
from chatserver.web.responses import accounts, ok
from chatserver.web.server_urls import ServerUrls
from chatserver.web.spool import spooled
from chatserver.web.streaming import stream_response


class OperatorHandlers:
    """Handlers for the owner of the data folder."""

    def __init__(
        self,
        *,
        accounts: Accounts,
        database: Database,
        files: FileService,
        key_sync: KeySync,
        authenticator: RequestAuthenticator,
        urls: ServerUrls,
        folder: Path,
        now: Callable[[], int],
    ) -> None:
        """`folder` holds what slow clients have not read yet; `now` returns milliseconds UTC."""
        self._accounts = accounts
        self._database = database
        self._files = files
        self._key_sync = key_sync
        self._authenticator = authenticator
        self._urls = urls
        self._folder = folder
        self._now = now

    @operation(
        "GET",
        "/api/setup-link",
        "setup_link",
        rate="anonymous",
        access="operator",
        returns=accounts.SetupToken,
        refuses="conflict",
    )
    async def setup_link(self, request: web.Request) -> web.StreamResponse:
        """Get the token of the set-up link."""
        self._require_operator(request)
        if await self._accounts.is_set_up():
            raise Conflict(_("There are accounts already. Use: chatserver user promote NAME"))
        path = str(request.app.router["setup_page"].url_for())
        token = self._accounts.setup_token()
        return ok(token=token, url=f"{self._urls.base_url(request)}{path}#{token}")

    @operation(
        "POST",
        "/api/keys/rotate",
        "rotate_keys",
        rate="anonymous",
        access="operator",
        returns=accounts.NewKey,
        refuses="conflict unavailable",
        stores=False,
    )
    async def rotate_keys(self, request: web.Request) -> web.StreamResponse:
        """Sign sessions with a new key, or publish the key first if there are several nodes."""
        self._require_operator(request)
        rotation = await self._key_sync.rotate(force="force" in request.query)
        return ok(kid=rotation.kid, signs=rotation.signs)

    @operation(
        "GET",
        "/api/keeping/archive",
        "archive",
        rate="anonymous",
        access="operator",
        media="lines",
    )
    async def archive(self, request: web.Request) -> web.StreamResponse:
        """Export all data as lines of JSON."""
        self._require_operator(request)
        copy = dump(self._database, now=self._now())
        return await stream_response(request, spooled(copy, self._folder))

    @operation(
        "GET",
        "/api/keeping/check",
        "check",
        rate="anonymous",
        access="operator",
        media="lines",
    )
    async def check(self, request: web.Request) -> web.StreamResponse:
        """Check all data; one line per step."""
        self._require_operator(request)
        found = report(self._database, self._files.findings)
        return await stream_response(request, spooled(found, self._folder))

    def _require_operator(self, request: web.Request) -> None:
        if not self._authenticator.is_operator(request):
            raise Forbidden
