"""aiohttp application of a server: routes, middlewares, start and stop."""

from aiohttp import web
from aiohttp.typedefs import Middleware

from chatserver.clocks import wall
from chatserver.config import Settings, validated
from chatserver.server import Server
from chatserver.storage.overview import Overview
from chatserver.web import forms
from chatserver.web.accounts import AccountHandlers
from chatserver.web.admin_pages import AdminPages
from chatserver.web.administration import AdministrationHandlers
from chatserver.web.api_docs import Description
from chatserver.web.bots import BotHandlers
from chatserver.web.catalogue import Catalogues
from chatserver.web.control_socket import ControlSocket
from chatserver.web.headers import expect
from chatserver.web.health import Health
from chatserver.web.invitations import InvitationHandlers
from chatserver.web.messages import MessageHandlers
from chatserver.web.metrics import Metrics
from chatserver.web.operator import OperatorHandlers
from chatserver.web.pages import Pages
from chatserver.web.proxies import trust
from chatserver.web.rendering import set_up_templates
from chatserver.web.room_path import RoomPaths
from chatserver.web.rooms import RoomHandlers
from chatserver.web.routes import OPERATIONS, routes

SERVER = web.AppKey("server", Server)


def create_app(settings: Settings | None = None) -> web.Application:
    """Return the chat as an aiohttp application, or as a sub-application of another one.

    While no account exists, its start logs a warning with the command for the first one.
    """
    app = build(settings or Settings())
    app.on_startup.append(app[SERVER].log_setup_command)
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
        _application(server, endpoints), server.folder.control, server.sessions
    )
    app.cleanup_ctx.extend((server.running, control_socket.running))
    app.on_shutdown.extend((control_socket.stopping, server.stopping))
    return app


def _application(server: Server, endpoints: list[web.RouteDef]) -> web.Application:
    """Build an application with routes and middlewares, without start-up or shutdown handlers."""
    app = web.Application(middlewares=_middlewares(server), client_max_size=forms.MAX_BODY)
    app.add_routes(endpoints)
    static = "/static/{digest}/{filename:.+}"
    app.router.add_get(static, server.assets.serve, name="static", expect_handler=expect)
    set_up_templates(app, server.assets)
    app.on_response_prepare.append(server.middleware.headers)
    return app


def _endpoints(server: Server) -> list[web.RouteDef]:
    sessions, overview = server.sessions, Overview(server.database)
    health = Health(
        server.database, server.journal, server.hub, _metrics(server), server.health_monitor
    )
    controllers = [
        Pages(server.accounts, server.invitations, sessions, server.languages),
        AccountHandlers(
            accounts=server.accounts,
            administration=server.administration,
            erasure=server.erasure,
            sessions=sessions,
        ),
        *_chat_handlers(server),
        BotHandlers(server.administration, overview, sessions),
        InvitationHandlers(server.invitations, sessions),
        AdministrationHandlers(
            administration=server.administration,
            membership=server.membership,
            overview=overview,
            health=health,
            hub=server.hub,
            sessions=sessions,
            folder=server.folder.path,
        ),
        OperatorHandlers(
            accounts=server.accounts,
            database=server.database,
            key_sync=server.key_sync,
            sessions=sessions,
            folder=server.folder.path,
            now=wall,
        ),
        Description(sessions, OPERATIONS),
        health,
        AdminPages(sessions, server.languages),
        Catalogues(server.languages),
        server.websocket,
    ]
    return routes(controllers, server.request_limits)


def _chat_handlers(server: Server) -> tuple[RoomHandlers, MessageHandlers]:
    paths = RoomPaths(server.rooms, server.sessions)
    rooms = RoomHandlers(
        history=server.history,
        membership=server.membership,
        rooms=server.rooms,
        paths=paths,
        sessions=server.sessions,
    )
    messages = MessageHandlers(
        chat=server.chat,
        history=server.history,
        search=server.search,
        paths=paths,
        sessions=server.sessions,
    )
    return rooms, messages


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
    )


def _middlewares(server: Server) -> list[Middleware]:
    proxies, unix = server.settings.server.trusted_proxies, server.settings.server.unix_socket
    return [*trust(proxies, unix=bool(unix)), server.middleware.middleware()]
