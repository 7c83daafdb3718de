"""Composition root: builds every object of a server, and starts and stops them in order.

Building reads no environment and opens nothing. At the start the data folder is locked and the
database is migrated.
"""

from collections.abc import AsyncIterator
from functools import partial
from pathlib import Path
from time import monotonic
from typing import Any

from aiohttp import web

from chatserver import shutdown
from chatserver.accounts.accounts import Accounts
from chatserver.accounts.administration import Administration
from chatserver.accounts.bot_tokens import BotTokens
from chatserver.accounts.erasure import Erasure
from chatserver.accounts.invitations import Invitations
from chatserver.accounts.key_sync import KeySync
from chatserver.accounts.login_guard import LoginGuard
from chatserver.accounts.passwords import Passwords
from chatserver.accounts.revocations import Revocations
from chatserver.accounts.session_tokens import SigningKeys
from chatserver.binding import Binding
from chatserver.bus.choice import make_bus
from chatserver.chat.event_cache import EventCache
from chatserver.chat.history import HistoryReader, gap_reader
from chatserver.chat.messages import MessageCommands
from chatserver.chat.room_cache import RoomCache
from chatserver.chat.room_commands import RoomCommands
from chatserver.chat.server_profile import ServerProfileCache
from chatserver.clocks import since_boot, wall
from chatserver.config import Settings
from chatserver.data_dir import DataDir
from chatserver.descriptors import Descriptors
from chatserver.errors import CloseCode
from chatserver.files.service import FileService
from chatserver.nightly import Nightly
from chatserver.push.service import PushService
from chatserver.realtime.connection import CLOSE_TIMEOUT
from chatserver.realtime.hub import Hub
from chatserver.realtime.keepalive import Keepalive
from chatserver.realtime.last_seen import LastSeen
from chatserver.realtime.node_sync import NodeSync
from chatserver.realtime.read_positions import ReadPositions
from chatserver.realtime.typing_notifications import TypingNotifications
from chatserver.storage.bots import Bots
from chatserver.storage.credentials import Credentials
from chatserver.storage.engine import Database
from chatserver.storage.event_log import EventLog
from chatserver.storage.health_monitor import HealthMonitor
from chatserver.storage.invitations import Invites
from chatserver.storage.journal import Journal
from chatserver.storage.opening import open_database
from chatserver.storage.rooms import Rooms
from chatserver.storage.search import Search
from chatserver.storage.search_backlog import SearchBacklog
from chatserver.storage.sessions import StoredSessions
from chatserver.storage.users import Users
from chatserver.supervisor import Supervisor, Work
from chatserver.text.markup import Renderer
from chatserver.web.assets import Assets
from chatserver.web.authentication import RequestAuthenticator
from chatserver.web.language import load_languages
from chatserver.web.middleware import HttpMiddleware
from chatserver.web.origin_check import OriginCheck
from chatserver.web.rates import Rates, RequestLimits
from chatserver.web.server_urls import ServerUrls
from chatserver.web.websocket.dispatcher import Dispatcher
from chatserver.web.websocket.endpoint import WebSocketEndpoint

STATIC = Path(__file__).parent / "static"


class Server:
    """All objects of a running chat. Clocks: `wall` in ms UTC, `monotonic` in seconds."""

    def __init__(self, settings: Settings, *, create_database: bool) -> None:
        """`create_database`: create or upgrade the database at the start."""
        self.settings = settings
        self._create_database = create_database
        self.is_new = False
        self.unwritten: list[str] = []  # set at the end of a stop
        self.supervisor = Supervisor()
        self._build_storage()
        self._build_hub_and_journal()
        self._build_chat()
        self._build_accounts()
        self._build_maintenance()
        self._build_web()
        self._build_websocket()

    def _build_storage(self) -> None:
        self.folder = DataDir(self.settings.data)
        self.binding = Binding(self.folder, self.settings.database_url)
        self.database = Database(self.settings.database_url)
        self.users, self.rooms = Users(self.database, clock=wall), Rooms(self.database, clock=wall)
        self.stored_sessions = StoredSessions(self.database, clock=wall)
        self.log = EventLog(self.database, self.settings.files.room_bytes, clock=wall)
        self.search, self.search_backlog = Search(self.database), SearchBacklog(self.database)
        self.keys = SigningKeys(self.folder.keys, clock=wall)

    def _build_hub_and_journal(self) -> None:
        self.renderer = Renderer()
        self.bus = make_bus(self.settings.bus.url, self.supervisor)
        self.hub = Hub(
            self.bus,
            gap_reader(self.rooms, self.log, self.renderer),
            self.rooms.states,
            self.keys.names,
            find_alive=self.stored_sessions.not_revoked,
            clock=monotonic,
        )
        self.journal = Journal(self.log, self.hub)

    def _build_chat(self) -> None:
        journal, limits, room_cache = self.journal, self.settings.limits, RoomCache(self.rooms)
        self.rates = Rates(limits, monotonic)
        self.event_cache = EventCache(self.log, self.renderer, clock=monotonic)
        self.history = HistoryReader(
            self.rooms, self.log, room_cache, self.event_cache, published=self.journal.published
        )
        self.messages = MessageCommands(
            journal, room_cache, self.renderer, limits=limits, files=self.settings.files, clock=wall
        )
        self.room_commands = RoomCommands(
            journal, self.hub, self.rooms, self.users, self.rates.messages
        )
        self.read_positions = ReadPositions(self.hub, self.rooms, clock=monotonic)
        self.typing = TypingNotifications(self.hub, clock=monotonic)

    def _build_accounts(self) -> None:
        limits, auth = self.settings.limits, self.settings.auth
        self.passwords = Passwords(memory_kib=auth.argon2_memory_kib, time_cost=auth.argon2_time)
        self.guard = LoginGuard(
            per_account=limits.logins_per_minute_account,
            per_address=limits.logins_per_minute_address,
            clock=monotonic,
        )
        self.revocations = Revocations(
            self.stored_sessions.revoke, self.folder.revocations, self.hub.session_ends
        )
        bots = Bots(self.database, clock=wall)
        shared: dict[str, Any] = {
            "users": self.users,
            "passwords": self.passwords,
            "closer": self.hub.session_ends,
            "credentials": Credentials(self.database, clock=wall),
        }
        self.accounts = Accounts(
            **shared,
            sessions=self.stored_sessions,
            revocations=self.revocations,
            keys=self.keys,
            guard=self.guard,
            settings=auth,
            setup_token=self.folder.setup_token,
            bot_tokens=BotTokens(bots, clock=wall),
            clock=wall,
        )
        self.administration = Administration(**shared, bots=bots, publish=self.hub.publish)
        invites = Invites(self.database, clock=wall)
        self.invitations = Invitations(invites, self.accounts, self.room_commands, clock=wall)

    def _build_maintenance(self) -> None:
        """Build what runs in the background."""
        self.health_monitor = HealthMonitor(self.database, self.journal)
        self.erasure = Erasure(self.journal, self.log, self.database)
        self.files = FileService(self.database, self.rooms, self.folder, self.settings, clock=wall)
        self.nightly = Nightly(self.database, self.event_cache.clear, now=wall, clock=since_boot)
        self.key_sync = KeySync(self.keys, self.hub, self.bus, clock=monotonic)
        self.keepalive = Keepalive(self.hub, clock=monotonic, now=wall)
        self.last_seen = LastSeen(self.hub, self.stored_sessions, now=wall)
        self.node_sync = NodeSync(
            self.hub, self.log, self.rooms, self.users, self.stored_sessions, now=wall
        )

    def _build_web(self) -> None:
        self.assets, self.languages = Assets(STATIC), load_languages()
        self.server_profile = ServerProfileCache(self.database, self.hub.presence.change_server)
        self.push = PushService(
            self.database,
            self.settings.push,
            {locale: language.texts for locale, language in self.languages.items()},
            hub=self.hub,
            history=self.history,
            profile=self.server_profile,
            revocations=self.revocations,
            clock=monotonic,
            now=wall,
            all_members=self.settings.limits.all_members,
        )
        self.authenticator = RequestAuthenticator(self.accounts, self.settings.auth)
        self.urls = ServerUrls(self.settings, self.authenticator)
        self.origin_check = OriginCheck(self.urls, monotonic)
        self.request_limits = RequestLimits(self.rates, self.authenticator)
        self.middleware = HttpMiddleware(self.origin_check, self.request_limits, self.languages)

    def _build_websocket(self) -> None:
        self.dispatcher = Dispatcher(
            messages=self.messages,
            history=self.history,
            rooms=self.rooms,
            room_commands=self.room_commands,
            read_positions=self.read_positions,
            typing=self.typing,
            accounts=self.accounts,
            hub=self.hub,
            rates=self.rates,
            languages=self.languages,
            frame_bytes=self.settings.limits.frame_bytes,
            clock=monotonic,
        )
        self.websocket = WebSocketEndpoint(
            dispatcher=self.dispatcher,
            history=self.history,
            rooms=self.rooms,
            hub=self.hub,
            authenticator=self.authenticator,
            origin_check=self.origin_check,
            request_limits=self.request_limits,
            last_seen=self.last_seen,
            settings=self.settings,
            server_profile=self.server_profile,
            page=self.assets.digest,
            clock=monotonic,
        )

    async def running(self, _app: web.Application) -> AsyncIterator[None]:
        """Start in order; after the yield, stop in reverse order."""
        self.binding.check()
        self.is_new = self.folder.is_new
        self.folder.lock()
        try:
            backups, create = self.folder.backups, self._create_database
            await open_database(self.database, backups=backups, create=create)
            self.binding.write()
            await self.files.prepare()
            await self.accounts.load_keys()
            await self.server_profile.load()
            self.revocations.load()
            self.history.epoch = await self.log.epoch()
            self.database.durability_counter.begin(self.history.epoch, await self.log.total())
            await self.bus.start(self.hub.receive, chat=self.history.epoch)
            for name, work in self._background_tasks().items():
                self.supervisor.start(name, work)
            yield
            await self._finish()
        finally:
            self.hub.close()
            await self.bus.close()
            self.passwords.close()
            await self.files.close()
            await self.push.delivery.close()
            await shutdown.within(shutdown.CLOSE_TIMEOUT, self.database.close)
            self.folder.unlock()

    async def _finish(self) -> None:
        """Write what is left, and note what could not be written."""
        self.unwritten = await shutdown.run_steps(self._last_steps())
        await shutdown.compact(self.search_backlog.compact)

    def _last_steps(self) -> dict[str, shutdown.Step]:
        end = partial(self.supervisor.stop, *self._background_tasks())
        return {
            "messages that were not confirmed": shutdown.stop_tasks_step(self.journal, end),
            "ends of sessions (kept in the data folder)": self.revocations.flush,
            "times when users were seen": self.last_seen.flush,
            "the search index of new messages": self.search_backlog.work,
        }

    def _background_tasks(self) -> dict[str, Work]:
        """Return the endless tasks, by name."""
        tasks: dict[str, Work] = {
            "journal": self.journal.run,
            "read_positions": self.read_positions.run,
            "keepalive": self.keepalive.run,
            "last_seen": self.last_seen.run,
            "health_monitor": self.health_monitor.run,
            "nightly": self.nightly.run,
            "key_sync": self.key_sync.run,
            "erasure": self.erasure.run,
            "search_backlog": self.search_backlog.run,
            "revocations": self.revocations.run,
            "descriptors": Descriptors().run,
            **self.files.tasks,
            "push": self.push.reader.run,
        }
        polls = {"node_sync": self.node_sync.run, "server_profile": self.server_profile.run}
        return tasks | polls if self.bus.peers else tasks

    async def stopping(self, _app: web.Application) -> None:
        """Answer all accepted messages, then make all clients reconnect later, or abort."""
        await shutdown.within(shutdown.DRAIN_TIMEOUT, self.journal.drain)
        self.hub.hang_up_all(CloseCode.RESTARTING, "the server restarts")
        await shutdown.within(CLOSE_TIMEOUT + 1, self.websocket.wait_closed)
