"""Dispatch of commands: each frame is decoded, performed and answered.

An error affects only the command that caused it.
"""

import asyncio
import logging
from collections import Counter
from collections.abc import Awaitable, Callable
from functools import partial
from typing import assert_never

from chatserver import protocol
from chatserver.accounts.accounts import Accounts
from chatserver.chat.history import HistoryReader
from chatserver.chat.messages import MessageCommands, MessageRef
from chatserver.chat.room_commands import RoomCommands
from chatserver.deadline import run_cancellable
from chatserver.errors import (
    ChatError,
    CloseCode,
    Disconnect,
    Forbidden,
    RateLimited,
    _,
)
from chatserver.limits import Rate
from chatserver.models import Receipt
from chatserver.protocol import encode_events
from chatserver.realtime.connection import Connection
from chatserver.realtime.hub import Hub
from chatserver.realtime.read_positions import ReadPositions
from chatserver.realtime.typing_notifications import TypingNotifications
from chatserver.storage.journal import Settle
from chatserver.storage.rooms import Rooms
from chatserver.web import time_limit
from chatserver.web.language import Language
from chatserver.web.rates import ROOMS_PER_READ, Rates
from chatserver.web.websocket.queries import Queries
from chatserver.web.websocket.reply import PendingReply, run_write
from chatserver.web.websocket.room_changes import RoomChanges

INVALID_FRAME_RATE = (1, 100)  # a second and burst, of one connection; more is abuse
UNANSWERED_RATE = (100, 1_000)  # a second and burst, of one connection: commands without a reply

logger = logging.getLogger(__name__)


class Dispatcher:
    """Performs the commands of connections."""

    def __init__(
        self,
        *,
        messages: MessageCommands,
        history: HistoryReader,
        rooms: Rooms,
        room_commands: RoomCommands,
        read_positions: ReadPositions,
        typing: TypingNotifications,
        accounts: Accounts,
        hub: Hub,
        rates: Rates,
        languages: dict[str, Language],
        frame_bytes: int,
        clock: Callable[[], float],
    ) -> None:
        """`clock` returns monotonic seconds."""
        self._messages = messages
        self.queries = Queries(history, rooms, hub)
        self._room_changes = RoomChanges(room_commands)
        self._read_positions = read_positions
        self._typing = typing
        self._accounts = accounts
        self._hub = hub
        self._languages = languages
        self._frame_bytes = frame_bytes
        self._rates = rates.by_command()
        self._invalid_frames = Rate(*INVALID_FRAME_RATE, clock)
        self._unanswered = Rate(*UNANSWERED_RATE, clock)
        self._deferred: list[Connection] = []  # until the end of this turn of the event loop
        self.refusals: Counter[str] = Counter()  # by code, since the start

    def handle(self, connection: Connection, data: str | bytes) -> Awaitable[None] | None:
        """Perform the command in a frame: at once, or when the returned awaitable is awaited."""
        request_id = None
        try:
            command = protocol.decode(data, limit=self._frame_bytes)
            request_id = getattr(command, "id", None)
            if (rate := self._rates.get(type(command))) is not None:
                rate.take(connection.user.id)
            work = self._perform(connection, command)
        except Exception as error:
            self._handle_error(connection, error, request_id)
            return self._delay_after(connection, error)
        return None if work is None else self._finish(connection, work, request_id)

    def forget(self, connection: Connection) -> None:
        """Drop the rates of a closed connection."""
        self._invalid_frames.forget(connection)
        self._unanswered.forget(connection)

    async def _finish(
        self, connection: Connection, work: Awaitable[None], request_id: str | None
    ) -> None:
        try:
            await work
        except Exception as error:
            self._handle_error(connection, error, request_id)
            if isinstance(error, RateLimited) and (delay := self._throttle(connection)):
                await delay

    def _delay_after(self, connection: Connection, error: Exception) -> Awaitable[None] | None:
        """Return a delay after a refused command.

        A large invalid frame takes milliseconds, so the next one waits for the next turn.
        """
        if isinstance(error, protocol.Undecodable):
            return asyncio.sleep(0)
        return self._throttle(connection) if isinstance(error, RateLimited) else None

    def _throttle(self, connection: Connection) -> Awaitable[None] | None:
        """Return a delay if a connection sends cheap commands too fast.

        A flood of them would delay all other connections.
        """
        try:
            self._unanswered.take(connection)
        except RateLimited as error:
            return asyncio.sleep(error.retry_after)
        return None

    def _handle_error(
        self, connection: Connection, error: Exception, request_id: str | None
    ) -> None:
        match error:
            case protocol.Undecodable():
                self._send_error(connection, error.error, error.id)
                self._count_invalid_frame(connection)
            case ChatError():
                self._send_error(connection, error, request_id)
            case Disconnect():
                self._hub.session_ends.close_connection(connection, error.code)
            case _:
                extra = {"user": connection.user.name}
                logger.error("a command failed", exc_info=error, extra=extra)
                self._send_error(connection, ChatError(), request_id)

    def _send_error(self, connection: Connection, error: ChatError, request_id: str | None) -> None:
        self.refusals[error.code] += 1
        logger.debug("refused", extra={"user": connection.user.name, "code": error.code})
        sentence = self._languages[connection.locale].error_text(error)
        connection.reply(
            protocol.encode(encode_events.refusal(error, request_id, sentence=sentence))
        )

    def _count_invalid_frame(self, connection: Connection) -> None:
        try:
            self._invalid_frames.take(connection)
        except RateLimited:
            self._hub.hang_up(connection, CloseCode.ABUSE, "too many invalid frames")

    def _perform(self, connection: Connection, command: protocol.Command) -> Awaitable[None] | None:
        user = connection.user
        match command:
            case protocol.SayToRoom() | protocol.SayToPerson():
                return self._messages.send(
                    user,
                    command.data,
                    self._replier(connection, command.id),
                    room=command.room,
                    to=getattr(command, "to", None),
                    reply_to=command.reply_to,
                    files=command.files,
                    request_id=command.id,
                )
            case protocol.EditMessage() | protocol.DeleteMessage() | protocol.ReactTo():
                return self._change_message(connection, command)
            case protocol.ChangeRoom():
                return run_write(connection, partial(self._room_changes.perform, user, command))
            case protocol.StartTyping():
                self._typing.send(connection, command.room)
                return self._throttle(connection)
            case protocol.MarkRead():
                self._read_positions.read(connection, command.room, command.seq)
                return self._throttle(connection)
            case protocol.ReportVisible(visible=visible):
                self._hub.visible_pages.report(connection, visible=visible)
                return self._throttle(connection)
            case protocol.History(rooms=rooms):
                if rooms:
                    self._rates[protocol.History].charge(user.id, len(rooms) // ROOMS_PER_READ)
                answer = self.queries.answer(connection, command)
                return run_cancellable(answer, time_limit.new_timer())
            case protocol.Renew():
                return run_write(connection, partial(self._renew, connection, command))
            case _:
                assert_never(command)

    def _change_message(
        self,
        connection: Connection,
        command: protocol.EditMessage | protocol.DeleteMessage | protocol.ReactTo,
    ) -> Awaitable[None] | None:
        user, message, request_id = connection.user, _message(command), command.id
        settle = self._replier(connection, request_id)
        match command:
            case protocol.EditMessage(data=text, files=files):
                return self._messages.edit(
                    user, message, text, settle, files=files, request_id=request_id
                )
            case protocol.DeleteMessage():
                self._messages.delete(user, message, settle, request_id=request_id)
            case protocol.ReactTo(emoji=emoji, on=on):
                self._messages.react(user, message, emoji, settle, on=on, request_id=request_id)
            case _:
                assert_never(command)
        return None

    def _replier(self, connection: Connection, request_id: str | None) -> Settle:
        """Return the callback that answers a message once it is stored or refused.

        Without an id, only a refusal is answered.
        """

        def settle(outcome: Receipt | ChatError) -> None:
            if isinstance(outcome, ChatError):
                self._send_error(connection, outcome, request_id)
            elif request_id is not None:
                self._defer(connection, protocol.encode(encode_events.stored(outcome, request_id)))

        return settle

    def _defer(self, connection: Connection, reply: bytes) -> None:
        """Send a reply with the event, which follows at once if the sender is subscribed."""
        if not self._deferred:
            asyncio.get_running_loop().call_soon(self._flush)
        self._deferred.append(connection)
        connection.defer(reply)

    def _flush(self) -> None:
        deferred, self._deferred = self._deferred, []
        for connection in deferred:
            connection.flush()

    # Sessions -------------------------------------------------------------------------------------

    async def _renew(
        self, connection: Connection, command: protocol.Renew, reply: PendingReply
    ) -> None:
        if command.token is not None:
            await self._switch_session(connection, command.token)
        expires_at, token = await self._accounts.renew(connection.session_id, connection.lifetime)
        connection.expires_at = expires_at
        reply.send(protocol.Renewed(id=command.id, ok=True, expires_at=expires_at, token=token))

    async def _switch_session(self, connection: Connection, token: str) -> None:
        """Continue with the session of a newer token of the same user."""
        with self._hub.connecting() as pending:
            newer = await self._accounts.authenticate(token)
            while pending.take_change(newer.user.id):
                newer = await self._accounts.authenticate(token)
            if newer.user.id != connection.user.id:
                raise Forbidden(_("This token belongs to another user."))
            pending.check(newer.session.id, newer.user.id)
            connection.use_session(
                newer.session.id, newer.expires_at, newer.token.lifetime, newer.token.key
            )


def _message(
    command: protocol.EditMessage | protocol.DeleteMessage | protocol.ReactTo,
) -> MessageRef:
    return MessageRef(command.room, command.target)
