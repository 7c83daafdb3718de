"""The rules of a user for notifications: reads and changes them for all devices of the user."""

from chatserver import protocol
from chatserver.models import User
from chatserver.notification_rules import checked
from chatserver.realtime.hub import Hub
from chatserver.storage.notification_rules import NotificationRules


class NotificationSettings:
    """Reads and replaces rules, and sends changes to the devices of their user."""

    def __init__(self, stored: NotificationRules, hub: Hub) -> None:
        self._stored = stored
        self._hub = hub

    async def rules(self, user: User) -> protocol.Rules:
        return await self._stored.of_user(user.id)

    async def replace(self, user: User, rules: protocol.Rules) -> protocol.Rules:
        """Store rules, and return them as they are stored. Raises BadRequest."""
        stored = checked(rules)
        await self._stored.put(user.id, stored)
        frame = protocol.encode(protocol.NotificationRules(rules=stored))
        self._hub.send_ephemeral(frame, user=user.id)
        return stored
