"""aiohttp application of a server: routes, middlewares, start and stop."""

import logging

from aiohttp import web
from aiohttp.typedefs import Middleware

from chatserver.chat.notification_settings import NotificationSettings
from chatserver.chat.unread_messages import UnreadMessages
from chatserver.clocks import wall
from chatserver.config import Settings, validated
from chatserver.files.removal import FileRemoval
from chatserver.server import Server
from chatserver.storage.file_usage import FileUsage
from chatserver.storage.notification_rules import NotificationRules
from chatserver.storage.overview import Overview
from chatserver.storage.unread_marks import UnreadMarks
from chatserver.web import forms
from chatserver.web.accounts import AccountHandlers
from chatserver.web.admin_pages import AdminPages
from chatserver.web.administration import AdministrationHandlers
from chatserver.web.api_docs import ApiDocs
from chatserver.web.bots import BotHandlers
from chatserver.web.catalogue import Catalogues
from chatserver.web.control_socket import ControlSocket
from chatserver.web.files import FileHandlers
from chatserver.web.headers import expect
from chatserver.web.health import Health
from chatserver.web.installation import InstallationHandlers
from chatserver.web.invitations import InvitationHandlers
from chatserver.web.messages import MessageHandlers
from chatserver.web.metrics import Metrics
from chatserver.web.notifications import NotificationHandlers
from chatserver.web.operator import OperatorHandlers
from chatserver.web.pages import Pages
from chatserver.web.profile_pictures import ProfilePictureHandlers
from chatserver.web.proxies import trust
from chatserver.web.push import PushHandlers
from chatserver.web.rendering import set_up_templates
from chatserver.web.room_path import RoomPaths
from chatserver.web.rooms import RoomHandlers
from chatserver.web.routes import OPERATIONS, routes
from chatserver.web.server_profile import ServerProfileHandlers
from chatserver.web.session_cookies import SessionCookies
from chatserver.web.storage_administration import StorageHandlers
from chatserver.web.tus import TusHandlers
from chatserver.web.unread import UnreadHandlers

SERVER = web.AppKey("server", Server)

logger = logging.getLogger(__name__)


def create_app(settings: Settings | None = None) -> web.Application:
    """Return the chat as an aiohttp application, or as a sub-application of another one.

    While no account exists, its start logs a warning with the command for the first one.
    """
    app = build(settings or Settings())
    app.on_startup.append(_log_setup_command)
    return app


def build(settings: Settings, *, create_database: bool = True) -> web.Application:
    """Return the application without that warning, for callers that show the setup link.

    Unless `create_database`, its start neither creates nor upgrades the database.
    """
    server = Server(validated(settings), create_database=create_database)
    endpoints = _endpoints(server)
    app = _application(server, endpoints)
    app[SERVER] = server
    control_socket = ControlSocket(
        _application(server, endpoints), server.folder.control, server.authenticator, server.urls
    )
    app.cleanup_ctx.extend((server.running, control_socket.running))
    app.on_shutdown.extend((control_socket.stopping, server.stopping))
    return app


async def _log_setup_command(app: web.Application) -> None:
    """Log the command that shows the setup link while no account exists.

    Python shows warnings even if logging is not configured.
    """
    server = app[SERVER]
    if not await server.accounts.is_set_up():
        hint = f"chatserver --data {server.folder.path} setup-link"
        logger.warning("there is no account yet; show the setup link with: %s", hint)


def _application(server: Server, endpoints: list[web.RouteDef]) -> web.Application:
    """Build an application with routes and middlewares, without start-up or shutdown handlers."""
    app = web.Application(middlewares=_middlewares(server), client_max_size=forms.MAX_BODY)
    app.add_routes(endpoints)
    static = "/static/{digest}/{filename:.+}"
    app.router.add_get(static, server.assets.serve, name="static", expect_handler=expect)
    set_up_templates(app, server.assets, server.server_profile)
    app.on_response_prepare.append(server.middleware.headers)
    return app


def _endpoints(server: Server) -> list[web.RouteDef]:
    authenticator, overview = server.authenticator, Overview(server.database)
    health = _health(server)
    controllers: list[object] = [
        *_account_handlers(server),
        *_chat_handlers(server),
        PushHandlers(server.push, authenticator, server.urls),
        BotHandlers(server.administration, overview, authenticator),
        InvitationHandlers(server.invitations, authenticator, server.urls),
        *_administration_handlers(server, overview, health),
        _storage_handlers(server),
        OperatorHandlers(
            accounts=server.accounts,
            database=server.database,
            files=server.files,
            key_sync=server.key_sync,
            authenticator=authenticator,
            urls=server.urls,
            folder=server.folder.path,
            now=wall,
        ),
        ApiDocs(server.urls, OPERATIONS),
        health,
        AdminPages(authenticator, server.languages),
        Catalogues(server.languages),
        InstallationHandlers(server.assets, server.server_profile, server.languages),
        server.websocket,
    ]
    return routes(controllers, server.request_limits)


def _storage_handlers(server: Server) -> StorageHandlers:
    usage = FileUsage(server.database)
    return StorageHandlers(
        files=server.files,
        usage=usage,
        removal=FileRemoval(usage, server.journal),
        settings=server.settings.files,
        authenticator=server.authenticator,
    )


def _administration_handlers(
    server: Server, overview: Overview, health: Health
) -> tuple[object, ...]:
    administration = AdministrationHandlers(
        administration=server.administration,
        room_commands=server.room_commands,
        overview=overview,
        health=health,
        hub=server.hub,
        authenticator=server.authenticator,
        urls=server.urls,
        folder=server.folder.path,
    )
    profile = ServerProfileHandlers(
        profile=server.server_profile,
        files=server.files,
        administration=server.administration,
        authenticator=server.authenticator,
    )
    return administration, profile


def _account_handlers(server: Server) -> tuple[object, ...]:
    cookies = SessionCookies(server.settings.auth.session_days)
    pages = Pages(
        server.accounts, server.invitations, server.authenticator, cookies, server.languages
    )
    accounts = AccountHandlers(
        accounts=server.accounts,
        users=server.users,
        administration=server.administration,
        erasure=server.erasure,
        authenticator=server.authenticator,
        cookies=cookies,
    )
    pictures = ProfilePictureHandlers(
        files=server.files, users=server.users, hub=server.hub, authenticator=server.authenticator
    )
    return pages, accounts, pictures


def _chat_handlers(server: Server) -> tuple[object, ...]:
    paths = RoomPaths(server.rooms, server.authenticator)
    rooms = RoomHandlers(
        room_commands=server.room_commands,
        rooms=server.rooms,
        paths=paths,
        authenticator=server.authenticator,
        folder=server.folder.path,
    )
    messages = MessageHandlers(
        messages=server.messages,
        history=server.history,
        search=server.search,
        paths=paths,
        authenticator=server.authenticator,
    )
    authenticator = server.authenticator
    files = FileHandlers(
        files=server.files, rooms=server.rooms, paths=paths, authenticator=authenticator
    )
    tus = TusHandlers(uploads=server.files.uploads, paths=paths, authenticator=authenticator)
    rules = NotificationSettings(NotificationRules(server.database), server.hub)
    notifications = NotificationHandlers(rules, server.room_commands, paths)
    marks = UnreadMessages(UnreadMarks(server.database), server.read_positions, server.hub)
    return rooms, messages, files, tus, notifications, UnreadHandlers(marks, paths)


def _health(server: Server) -> Health:
    metrics, monitor = _metrics(server), server.health_monitor
    return Health(
        database=server.database,
        journal=server.journal,
        hub=server.hub,
        metrics=metrics,
        monitor=monitor,
        store=server.files.store,
    )


def _metrics(server: Server) -> Metrics:
    return Metrics(
        hub=server.hub,
        journal=server.journal,
        keepalive=server.keepalive,
        guard=server.guard,
        middleware=server.middleware,
        dispatcher=server.dispatcher,
        closes=server.websocket.log.closes,
        task_ends=server.supervisor.ended,
        nightly=server.nightly,
        key_sync=server.key_sync,
        bus=server.bus,
        files=server.files,
        push=server.push,
    )


def _middlewares(server: Server) -> list[Middleware]:
    proxies, unix = server.settings.server.trusted_proxies, server.settings.server.unix_socket
    return [*trust(proxies, unix=bool(unix)), server.middleware.middleware()]
