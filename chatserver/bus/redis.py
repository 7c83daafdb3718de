"""The bus over Redis pub/sub, for several nodes that serve one chat. At most once, by design."""

import asyncio
import contextlib
import logging
import secrets
import time

from chatserver.bus import Receive
from chatserver.errors import StartError
from chatserver.supervisor import Supervisor

try:
    from redis.asyncio import Redis
    from redis.asyncio.client import PubSub
    from redis.exceptions import RedisError
except ImportError:
    raise StartError(
        "bus.url needs the redis package: pip install 'chatserver-aiohttp[redis]'"
    ) from None

CHANNEL = "chatserver"
NODE_BYTES = 8
WAITING = 1_000  # payloads that wait for a slow Redis; beyond that they are dropped
RETRY = 1.0  # seconds
CONNECT_TIMEOUT = 5.0  # seconds
ANSWER_TIMEOUT = 5.0  # seconds that Redis has to answer a command
PING_TIMEOUT = 3.0  # seconds
STALE = 10.0  # seconds after which a payload is dropped: nodes have read the database by then
QUIET = 10.0  # seconds without a message after which the listener asks whether Redis is there
SENDER, LISTENER = "redis sender", "redis listener"

logger = logging.getLogger(__name__)


class RedisBus:
    """Each payload goes to every other node that is listening now.

    Sender and listener have connections of their own, which are new whenever one starts again.
    """

    peers = True

    def __init__(self, url: str, supervisor: Supervisor) -> None:
        self._url = url
        self._supervisor = supervisor
        self._node = secrets.token_bytes(NODE_BYTES)
        self._outgoing: asyncio.Queue[tuple[float, bytes]] = asyncio.Queue(WAITING)
        self._channel = CHANNEL
        self.away = False
        _connect(url)  # refuses a URL that is none

    def publish(self, payload: bytes) -> None:
        if not self._outgoing.full():
            self._outgoing.put_nowait((time.monotonic(), self._node + payload))

    async def start(self, receive: Receive, *, chat: str) -> None:
        self._channel = f"{CHANNEL}:{chat}"
        listening = asyncio.Event()
        self._supervisor.start(SENDER, self._send)
        self._supervisor.start(LISTENER, lambda: self._listen(receive, listening))
        await listening.wait()

    async def reachable(self) -> bool:
        """Whether Redis answers now: a listener notices only after a while that it does not."""
        try:
            async with asyncio.timeout(PING_TIMEOUT), _connect(self._url) as redis:
                await redis.ping()
        except (RedisError, OSError, TimeoutError):
            return False
        return not self.away

    async def close(self) -> None:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(RETRY):
                await self._outgoing.join()
        await self._supervisor.stop(SENDER, LISTENER)

    async def _send(self) -> None:
        async with _connect(self._url) as redis:
            while True:
                since, payload = await self._outgoing.get()
                try:
                    if time.monotonic() - since < STALE:
                        await redis.publish(self._channel, payload)
                except (RedisError, OSError):  # the listener says so
                    await asyncio.sleep(RETRY)
                finally:
                    self._outgoing.task_done()

    async def _listen(self, receive: Receive, listening: asyncio.Event) -> None:
        try:
            async with _connect(self._url) as redis:
                while True:
                    await self._subscribe(redis, receive, listening)
        finally:
            listening.set()  # start without it: the database is the source

    async def _subscribe(self, redis: Redis, receive: Receive, listening: asyncio.Event) -> None:
        """Until the connection fails; a moment later the caller may try again."""
        try:
            async with redis.pubsub() as subscription:
                await subscription.subscribe(self._channel)
                while True:
                    message = await _next(subscription)
                    self.away = False
                    listening.set()
                    self._hear(message, receive)
        except (RedisError, OSError) as error:
            if not self.away:
                logger.warning("redis is away, nodes read the database instead: %s", error)
            self.away = True
            listening.set()
            await asyncio.sleep(RETRY)

    def _hear(self, message: dict[str, object], receive: Receive) -> None:
        payload = message["data"]
        if message["type"] != "message" or not isinstance(payload, bytes):
            return
        if payload[:NODE_BYTES] == self._node:
            return
        try:
            receive(payload[NODE_BYTES:])
        except Exception:
            logger.exception("what another node says makes no sense here")


def _connect(url: str) -> Redis:
    return Redis.from_url(
        url, socket_connect_timeout=CONNECT_TIMEOUT, socket_timeout=ANSWER_TIMEOUT
    )


async def _next(subscription: PubSub) -> dict[str, object]:
    """The next message. Raises TimeoutError when Redis does not answer: its machine may be gone."""
    message = await subscription.get_message(timeout=QUIET)
    if message is None:
        await subscription.ping()
        message = await subscription.get_message(timeout=ANSWER_TIMEOUT)
    if message is None:
        raise TimeoutError("no answer to a ping")
    return dict(message)
