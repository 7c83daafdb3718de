"""The objects that make up web push of a server."""

import gettext
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

from chatserver.accounts.revocations import Revocations
from chatserver.chat.history import HistoryReader
from chatserver.chat.server_profile import ServerProfileCache
from chatserver.config import PushSettings
from chatserver.push.contents import PushContents
from chatserver.push.delivery import Delivery
from chatserver.push.endpoints import EndpointRules
from chatserver.push.notifications import Notifications
from chatserver.push.reader import PushReader
from chatserver.push.vapid import Vapid
from chatserver.push.wanted import wanted_by_level
from chatserver.realtime.hub import Hub
from chatserver.storage.engine import Database
from chatserver.storage.push_claims import PushClaims
from chatserver.storage.push_key import StoredPushKey
from chatserver.storage.push_states import PushStates
from chatserver.storage.push_targets import Content, PushTargets


class PushService:
    """Builds the objects that send notifications to browsers, and notes stored messages."""

    def __init__(
        self,
        database: Database,
        settings: PushSettings,
        texts: Mapping[str, gettext.NullTranslations],
        *,
        hub: Hub,
        history: HistoryReader,
        profile: ServerProfileCache,
        revocations: Revocations,
        clock: Callable[[], float],
        now: Callable[[], int],
        all_members: int,
    ) -> None:
        """`texts`: by locale; `clock`: monotonic s; `now`: ms; `all_members`: see `notifies`."""
        self.targets = PushTargets(database, clock=now)
        self.vapid = Vapid(StoredPushKey(database), now=now)
        self.rules = EndpointRules(settings.hosts)
        most = Content(settings.content)
        self.notifications = Notifications(texts, server=lambda: profile.current.title, most=most)
        rule: dict[str, Any] = {
            "wants": partial(wanted_by_level, now=now, all_members=all_members),
            "is_visible": hub.visible_pages.has_visible_page,
        }
        is_ended = revocations.__contains__
        states = PushStates(database, clock=now)
        contents = PushContents(states, self.targets, self.notifications, is_ended=is_ended, **rule)
        self.delivery = Delivery(
            self.targets,
            self.vapid,
            self.rules,
            contents=contents.of,
            epoch=lambda: history.epoch,
            clock=clock,
        )
        claims = PushClaims(database, clock=now)
        self.reader = PushReader(claims, self.targets, self.delivery, **rule, clock=clock, now=now)
        hub.on_stored = self.reader.note
