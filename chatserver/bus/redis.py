"""The bus over Redis pub/sub, for several nodes that serve one chat. At most once, by design."""

import asyncio
import contextlib
import logging
import secrets

from chatserver.bus import Receive
from chatserver.errors import StartError

try:
    from redis.asyncio import Redis
    from redis.exceptions import RedisError
except ImportError:
    raise StartError(
        "bus.url needs the redis package: pip install 'chatserver-aiohttp[redis]'"
    ) from None

CHANNEL = "chatserver"
NODE_BYTES = 8
WAITING = 1_000  # payloads that wait for a slow Redis; beyond that they are dropped
RETRY = 1.0  # seconds

logger = logging.getLogger(__name__)


class RedisBus:
    """Each payload goes to every other node that is listening now."""

    peers = True

    def __init__(self, url: str) -> None:
        self._redis = Redis.from_url(url, socket_connect_timeout=5, health_check_interval=15)
        self._node = secrets.token_bytes(NODE_BYTES)
        self._outgoing: asyncio.Queue[bytes] = asyncio.Queue(WAITING)
        self._channel = CHANNEL
        self._tasks: list[asyncio.Task[None]] = []

    def publish(self, payload: bytes) -> None:
        if not self._outgoing.full():
            self._outgoing.put_nowait(self._node + payload)

    async def start(self, receive: Receive, *, chat: str) -> None:
        self._channel = f"{CHANNEL}:{chat}"
        listening = asyncio.Event()
        self._tasks = [
            asyncio.create_task(self._send()),
            asyncio.create_task(self._listen(receive, listening)),
        ]
        await listening.wait()

    async def close(self) -> None:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(RETRY):
                await self._outgoing.join()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._redis.aclose()

    async def _send(self) -> None:
        while True:
            payload = await self._outgoing.get()
            try:
                await self._redis.publish(self._channel, payload)
            except (RedisError, OSError):  # the listener says so
                await asyncio.sleep(RETRY)
            finally:
                self._outgoing.task_done()

    async def _listen(self, receive: Receive, listening: asyncio.Event) -> None:
        away = False
        while True:
            try:
                async with self._redis.pubsub(ignore_subscribe_messages=False) as subscription:
                    await subscription.subscribe(self._channel)
                    async for message in subscription.listen():
                        away = False
                        listening.set()
                        self._hear(message, receive)
            except (RedisError, OSError) as error:
                if not away:
                    logger.warning("redis is away, nodes read the database instead: %s", error)
                away = True
                listening.set()  # start without it: the database is the source
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
