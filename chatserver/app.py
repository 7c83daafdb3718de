"""aiohttp application of a server: routes, middlewares, start and stop."""

from aiohttp import web
from aiohttp.typedefs import Middleware

from chatserver.clocks import wall
from chatserver.config import Settings, validated
from chatserver.server import Server
from chatserver.storage.overview import Overview
from chatserver.web import forms, routes
from chatserver.web.admin import Admin
from chatserver.web.admin_pages import AdminPages
from chatserver.web.api import Api
from chatserver.web.api_docs import Description
from chatserver.web.control_socket import ControlSocket
from chatserver.web.conversation import Conversation
from chatserver.web.headers import expect
from chatserver.web.health import Health
from chatserver.web.maintenance import Maintenance
from chatserver.web.metrics import Metrics
from chatserver.web.pages import Pages
from chatserver.web.proxies import trust
from chatserver.web.rendering import set_up_templates

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
    accounts, sessions = server.accounts, server.sessions
    health = Health(server.database, server.journal, server.hub, _metrics(server))
    return routes(
        Pages(server.accounts, server.invitations, server.sessions, server.languages),
        Api(
            accounts=accounts,
            administration=server.administration,
            erasure=server.erasure,
            invitations=server.invitations,
            sessions=sessions,
            key_sync=server.key_sync,
        ),
        Conversation(
            chat=server.chat,
            history=server.history,
            membership=server.membership,
            rooms=server.rooms,
            search=server.search,
            sessions=server.sessions,
        ),
        server.websocket,
        health,
        admin=_admin(server, health),
        admin_pages=AdminPages(server.sessions, server.languages),
        description=Description(server.sessions),
        request_limits=server.request_limits,
        maintenance=Maintenance(
            server.database, server.sessions, folder=server.folder.path, now=wall
        ),
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
    )


def _admin(server: Server, health: Health) -> Admin:
    return Admin(
        administration=server.administration,
        invitations=server.invitations,
        membership=server.membership,
        overview=Overview(server.database),
        health=health,
        hub=server.hub,
        sessions=server.sessions,
        folder=server.folder.path,
    )


def _middlewares(server: Server) -> list[Middleware]:
    proxies, unix = server.settings.server.trusted_proxies, server.settings.server.unix_socket
    return [*trust(proxies, unix=bool(unix)), server.middleware.middleware()]
