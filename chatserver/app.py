"""The composition root: builds every object once, in order, and takes them down in reverse.

The only module that knows all the others. `create_app` reads no environment and opens nothing; the
data folder is locked and the database migrated when the application starts.
"""

import logging
import time
from collections.abc import AsyncIterator
from functools import partial
from pathlib import Path
from typing import Any

from aiohttp import web
from aiohttp.typedefs import Middleware

from chatserver import shutdown
from chatserver.accounts.accounts import Accounts
from chatserver.accounts.administration import Administration
from chatserver.accounts.erasure import Erasure
from chatserver.accounts.invitations import Invitations
from chatserver.accounts.key_sync import KeySync
from chatserver.accounts.passwords import Passwords
from chatserver.accounts.revocations import Revocations
from chatserver.accounts.session_tokens import SigningKeys
from chatserver.binding import Binding
from chatserver.bus import Bus, NoPeers
from chatserver.chat.event_cache import EventCache
from chatserver.chat.history import History, gap_reader
from chatserver.chat.membership import Membership
from chatserver.chat.messages import Chat
from chatserver.chat.room_cache import RoomCache
from chatserver.clocks import since_boot, wall
from chatserver.config import Settings, validated
from chatserver.data_dir import DataDir
from chatserver.descriptors import Descriptors
from chatserver.errors import CloseCode
from chatserver.limits import SignInGuard
from chatserver.maintenance import Nightly, remove_leftovers
from chatserver.realtime.connection import CLOSE_TIMEOUT
from chatserver.realtime.hub import Hub
from chatserver.realtime.keepalive import Keepalive
from chatserver.realtime.last_seen import LastSeen
from chatserver.realtime.node_sync import NodeSync
from chatserver.realtime.read_positions import ReadPositions
from chatserver.storage.bots import Bots
from chatserver.storage.credentials import Credentials
from chatserver.storage.engine import Database, wait_until_reachable
from chatserver.storage.event_log import EventLog
from chatserver.storage.invitations import Invites
from chatserver.storage.journal import Journal
from chatserver.storage.migrate import migrate, require_head
from chatserver.storage.overview import Overview
from chatserver.storage.rooms import Rooms
from chatserver.storage.search import Search
from chatserver.storage.search_backlog import SearchBacklog
from chatserver.storage.users import Users
from chatserver.supervisor import Supervisor, Work
from chatserver.text.markup import Renderer
from chatserver.web import forms, routes
from chatserver.web.admin import Admin
from chatserver.web.admin_pages import AdminPages
from chatserver.web.api import Api
from chatserver.web.api_docs import Description
from chatserver.web.assets import Assets
from chatserver.web.authentication import Sessions
from chatserver.web.control_socket import ControlSocket
from chatserver.web.conversation import Conversation
from chatserver.web.headers import expect
from chatserver.web.health import Health
from chatserver.web.language import load_languages
from chatserver.web.maintenance import Maintenance
from chatserver.web.metrics import Metrics
from chatserver.web.middleware import HttpMiddleware
from chatserver.web.pages import Pages
from chatserver.web.proxies import trust
from chatserver.web.rates import Rates, RequestLimits
from chatserver.web.rendering import set_up_templates
from chatserver.web.websocket.dispatcher import Dispatcher
from chatserver.web.websocket.endpoint import Socket

STATIC = Path(__file__).parent / "static"

logger = logging.getLogger(__name__)


class Server:
    """All objects of one running chat. Times: `wall` in ms UTC, `clock` in monotonic seconds."""

    def __init__(self, settings: Settings, *, make: bool) -> None:
        """`make`: the database may be made or upgraded when the application starts."""
        clock, limits, auth = time.monotonic, settings.limits, settings.auth
        self.settings = settings
        self.folder = DataDir(settings.data)
        self.binding = Binding(self.folder, settings.database_url)
        self._make = make
        self.is_new = False
        self.unwritten: list[str] = []  # when it has stopped
        self.assets = Assets(STATIC)
        self.database = Database(settings.database_url)
        self.users = Users(self.database, clock=wall)
        self.rooms = Rooms(self.database, clock=wall)
        self.search, self.search_backlog = Search(self.database), SearchBacklog(self.database)
        self.log = EventLog(self.database, clock=wall)
        self.supervisor = Supervisor()
        self.bus = _bus(settings, self.supervisor)
        self.keys = SigningKeys(self.folder.keys, clock=wall)
        reads = gap_reader(self.rooms, self.log, renderer := Renderer()), self.rooms.states
        self.hub = Hub(
            self.bus, *reads, self.keys.names, find_alive=self.users.valid_sessions, clock=clock
        )
        self.journal = Journal(self.log, self.hub)
        facts = RoomCache(self.rooms)
        self.recent = EventCache(self.log, renderer, clock=clock)
        published = self.journal.published
        self.history = History(self.rooms, self.log, facts, self.recent, published=published)
        self.chat = Chat(self.journal, facts, renderer, limits=limits, clock=wall)
        self.rates = Rates(limits, clock)
        rate = self.rates.messages
        self.membership = Membership(self.journal, self.hub, self.rooms, self.users, rate)
        self.reads = ReadPositions(self.hub, self.rooms, clock=clock)
        self.passwords = Passwords(memory_kib=auth.argon2_memory_kib, time_cost=auth.argon2_time)
        self.guard = SignInGuard(
            per_account=limits.logins_per_minute_account,
            per_address=limits.logins_per_minute_address,
            clock=clock,
        )
        shared: dict[str, Any] = {"users": self.users, "passwords": self.passwords}
        shared |= {"closer": self.hub, "credentials": Credentials(self.database, clock=wall)}
        shared["bots"] = Bots(self.database, clock=wall)
        self.revocations = Revocations(self.users.revoke, self.folder.revocations, self.hub)
        self.accounts = Accounts(
            **shared,
            revocations=self.revocations,
            keys=self.keys,
            guard=self.guard,
            settings=auth,
            setup_token=self.folder.setup_token,
            clock=wall,
        )
        erasure = Erasure(self.journal, self.log)
        self.administration = Administration(
            **shared, delete_messages=erasure.delete_messages, publish=self.hub.publish
        )
        self.invitations = Invitations(
            Invites(self.database, clock=wall), self.accounts, self.membership, clock=wall
        )
        self.nightly = Nightly(self.database, self.recent.clear, now=wall, clock=since_boot)
        self.key_sync = KeySync(self.keys, self.hub, self.bus, clock=clock)
        self.pulse = Keepalive(self.hub, clock=clock, now=wall)
        self.seen = LastSeen(self.hub, self.users, now=wall)
        self.lookout = NodeSync(self.hub, self.log, self.rooms, self.users, now=wall)
        self.languages = load_languages()
        self.sessions = Sessions(self.accounts, settings)
        self.gate = RequestLimits(self.rates, self.sessions)
        self.door = HttpMiddleware(self.sessions, self.gate, self.languages)
        self.requests = Dispatcher(
            chat=self.chat,
            history=self.history,
            membership=self.membership,
            reads=self.reads,
            accounts=self.accounts,
            hub=self.hub,
            rates=self.rates,
            languages=self.languages,
            frame_bytes=limits.frame_bytes,
            clock=clock,
        )
        self.socket = Socket(
            requests=self.requests,
            history=self.history,
            hub=self.hub,
            sessions=self.sessions,
            gate=self.gate,
            seen=self.seen,
            limits=limits,
            page=self.assets.digest,
            clock=clock,
        )

    async def running(self, _app: web.Application) -> AsyncIterator[None]:
        """Start in order; after the yield, stop in reverse."""
        self.binding.check()
        self.is_new = self.folder.is_new
        self.folder.lock()
        try:
            await self._open_database()
            self.keys.load()
            self.revocations.load()
            self.history.epoch = await self.users.epoch()
            self.database.durability_counter.begin(self.history.epoch, await self.log.total())
            await self.bus.start(self.hub.receive, chat=self.history.epoch)
            for name, work in self._work().items():
                self.supervisor.start(name, work)
            yield
            self.unwritten = await shutdown.unfinished(self._last_steps())
        finally:
            self.hub.close()
            await self.bus.close()
            self.passwords.close()
            await shutdown.within(shutdown.CLOSE, self.database.close)
            self.folder.unlock()

    def _last_steps(self) -> dict[str, shutdown.Step]:
        """At last words of deleted messages leave the file."""
        end = partial(self.supervisor.stop, *self._work())
        return {
            "messages that were not confirmed": shutdown.ending(self.journal, end),
            "ends of sessions (kept in the data folder)": self.revocations.flush,
            "times when users were seen": self.seen.flush,
            "the search index of new messages": self.search_backlog.finish,
        }

    async def _open_database(self) -> None:
        """Bring it to the revision of this program, or require that it has it."""
        self.database.durability_counter.refuse_empty()
        if self._make:
            remove_leftovers(self.folder, self.database.path)
            await wait_until_reachable(self.database)
            await migrate(self.database, backups=self.folder.backups)
        else:
            await require_head(self.database)
        self.binding.write()

    def _work(self) -> dict[str, Work]:
        """What runs as long as the server does, by name."""
        work: dict[str, Work] = {"journal": self.journal.run, "reads": self.reads.run}
        work |= {"pulse": self.pulse.run, "seen": self.seen.run, "descriptors": Descriptors().run}
        work |= {"nightly": self.nightly.run, "keys": self.key_sync.run}
        work |= {"search": self.search_backlog.run, "revocations": self.revocations.run}
        return work | {"lookout": self.lookout.run} if self.bus.peers else work

    async def tell_setup(self, _app: web.Application) -> None:
        """Say how to get in while nobody has an account. Python shows warnings without a set-up."""
        if not await self.accounts.is_set_up():
            way = f"chatserver --data {self.folder.path} setup-link"
            logger.warning("nobody has an account yet; the link to the first comes from: %s", way)

    async def stopping(self, _app: web.Application) -> None:
        """Answer everything that was taken, then ask everybody to come back later."""
        await shutdown.within(shutdown.DRAIN, self.journal.drain)
        self.hub.hang_up_all(CloseCode.RESTARTING, "the server restarts")
        await shutdown.within(CLOSE_TIMEOUT + 1, self.socket.closed)  # then they are cut off


SERVER = web.AppKey("server", Server)


def create_app(settings: Settings | None = None) -> web.Application:
    """The whole chat as an aiohttp application, or as a sub-application of another one.

    While nobody has an account, its start logs a warning with the command that leads to one.
    """
    app = build(settings or Settings())
    app.on_startup.append(app[SERVER].tell_setup)
    return app


def build(settings: Settings, *, make: bool = True) -> web.Application:
    """The same for who says by other means where the setup is.

    Without `make` its start neither makes nor upgrades the database.
    """
    server = Server(validated(settings), make=make)
    endpoints = _endpoints(server)
    app = _application(server, endpoints)
    app[SERVER] = server
    owner = ControlSocket(_application(server, endpoints), server.folder.control, server.sessions)
    app.cleanup_ctx.extend((server.running, owner.running))
    app.on_shutdown.extend((owner.stopping, server.stopping))
    return app


def _application(server: Server, endpoints: list[web.RouteDef]) -> web.Application:
    """All that answers a request, and nothing that starts or ends."""
    app = web.Application(middlewares=_middlewares(server), client_max_size=forms.LARGEST)
    app.add_routes(endpoints)
    static = "/static/{digest}/{filename:.+}"
    app.router.add_get(static, server.assets.serve, name="static", expect_handler=expect)
    set_up_templates(app, server.assets)
    app.on_response_prepare.append(server.door.headers)
    return app


def _endpoints(server: Server) -> list[web.RouteDef]:
    accounts, sessions = server.accounts, server.sessions
    health = Health(server.database, server.journal, server.hub, _metrics(server))
    return routes(
        Pages(server.accounts, server.invitations, server.sessions, server.languages),
        Api(accounts, server.administration, server.invitations, sessions, server.key_sync),
        Conversation(
            chat=server.chat,
            history=server.history,
            membership=server.membership,
            rooms=server.rooms,
            search=server.search,
            sessions=server.sessions,
        ),
        server.socket,
        health,
        admin=_admin(server, health),
        admin_pages=AdminPages(server.sessions, server.languages),
        description=Description(server.sessions),
        gate=server.gate,
        keeping=Maintenance(server.database, server.sessions, folder=server.folder.path, now=wall),
    )


def _metrics(server: Server) -> Metrics:
    return Metrics(
        hub=server.hub,
        journal=server.journal,
        pulse=server.pulse,
        guard=server.guard,
        door=server.door,
        requests=server.requests,
        closes=server.socket.log.closes,
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
    return [*trust(proxies, unix=bool(unix)), server.door.middleware()]


def _bus(settings: Settings, supervisor: Supervisor) -> Bus:
    if not settings.bus.url:
        return NoPeers()
    from chatserver.bus.redis import RedisBus

    return RedisBus(settings.bus.url, supervisor)
