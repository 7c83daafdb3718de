"""Bus over Redis pub/sub, for several nodes that serve one chat. Delivery is at most once."""

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
QUEUE_SIZE = 1_000  # payloads queued for a slow Redis; further ones are dropped
RETRY_DELAY = 1.0  # seconds
CONNECT_TIMEOUT = 5.0  # seconds
ANSWER_TIMEOUT = 5.0  # seconds until a command fails
PING_TIMEOUT = 3.0  # seconds
STALE = 10.0  # seconds after which a payload is dropped, because nodes poll the database
PING_INTERVAL = 10.0  # seconds without a message after which the listener sends a ping
SENDER, LISTENER = "redis sender", "redis listener"

logger = logging.getLogger(__name__)


class RedisBus:
    """Publishes payloads to all other nodes that listen at the moment.

    Sender and listener are supervised tasks with separate connections, opened at each restart.
    """

    peers = True

    def __init__(self, url: str, supervisor: Supervisor) -> None:
        self._url = url
        self._supervisor = supervisor
        self._node = secrets.token_bytes(NODE_BYTES)
        self._outgoing: asyncio.Queue[tuple[float, bytes]] = asyncio.Queue(QUEUE_SIZE)
        self._channel = CHANNEL
        self.unreachable = False
        _connect(url)  # raises ValueError for an invalid URL

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
        """Whether Redis answers now; the listener notices a failure only after PING_INTERVAL."""
        return await answers(self._url) and not self.unreachable

    async def close(self) -> None:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(RETRY_DELAY):
                await self._outgoing.join()
        await self._supervisor.stop(SENDER, LISTENER)

    async def _send(self) -> None:
        async with _connect(self._url) as redis:
            while True:
                since, payload = await self._outgoing.get()
                try:
                    if time.monotonic() - since < STALE:
                        await redis.publish(self._channel, payload)
                except (RedisError, OSError):  # the listener logs it
                    await asyncio.sleep(RETRY_DELAY)
                finally:
                    self._outgoing.task_done()

    async def _listen(self, receive: Receive, listening: asyncio.Event) -> None:
        try:
            async with _connect(self._url) as redis:
                while True:
                    await self._subscribe(redis, receive, listening)
        finally:
            listening.set()  # the node starts without Redis, because the database is the source

    async def _subscribe(self, redis: Redis, receive: Receive, listening: asyncio.Event) -> None:
        """Receive until the connection fails; return after RETRY_DELAY."""
        try:
            async with redis.pubsub() as subscription:
                await subscription.subscribe(self._channel)
                while True:
                    message = await _next(subscription)
                    if self.unreachable:
                        logger.warning("redis is reachable again")
                    self.unreachable = False
                    listening.set()
                    self._receive(message, receive)
        except (RedisError, OSError) as error:
            if not self.unreachable:
                logger.warning("redis is unreachable, nodes poll the database instead: %s", error)
            self.unreachable = True
            listening.set()
            await asyncio.sleep(RETRY_DELAY)

    def _receive(self, message: dict[str, object], receive: Receive) -> None:
        payload = message["data"]
        if message["type"] != "message" or not isinstance(payload, bytes):
            return
        if payload[:NODE_BYTES] == self._node:
            return
        try:
            receive(payload[NODE_BYTES:])
        except Exception:
            logger.exception("a message of another node cannot be processed")


async def answers(url: str) -> bool:
    """Return whether the Redis at that URL answers a ping."""
    try:
        async with asyncio.timeout(PING_TIMEOUT), _connect(url) as redis:
            await redis.ping()
    except (RedisError, OSError, TimeoutError):
        return False
    return True


def _connect(url: str) -> Redis:
    return Redis.from_url(
        url, socket_connect_timeout=CONNECT_TIMEOUT, socket_timeout=ANSWER_TIMEOUT
    )


async def _next(subscription: PubSub) -> dict[str, object]:
    """Return the next message. Raises TimeoutError if Redis does not answer a ping."""
    message = await subscription.get_message(timeout=PING_INTERVAL)
    if message is None:
        await subscription.ping()
        message = await subscription.get_message(timeout=ANSWER_TIMEOUT)
    if message is None:
        raise TimeoutError("no answer to a ping")
    return dict(message)
