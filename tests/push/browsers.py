"""A fake push service, and browsers that subscribe at it and decrypt what it receives."""

import asyncio
import ssl
from typing import Any, Self

import jwt
import msgspec
from aiohttp import web
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from chatserver.config import ServerSettings
from chatserver.push.encryption import decode_base64, encode_base64, encoded_public_key
from chatserver.tls import server_context
from tests.driver import WAIT, User

Json = dict[str, Any]


class Browser:
    """The keys of a subscription. Decrypts with HKDF, independently of the server's code."""

    def __init__(self, service: "PushService", name: str) -> None:
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._secret = b"0123456789abcdef"
        self.endpoint = f"{service.url}/{name}"

    def subscription(self, **choices: str) -> Json:
        """Return the body of POST /api/push."""
        keys = {"p256dh": encode_base64(self._public), "auth": encode_base64(self._secret)}
        return {"endpoint": self.endpoint, "keys": keys, **choices}

    @property
    def _public(self) -> bytes:
        return encoded_public_key(self._key)

    def decrypt(self, body: bytes) -> bytes:
        salt, sender = body[:16], body[21:86]
        point = ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), sender)
        info = b"WebPush: info\0" + self._public + sender
        shared = self._key.exchange(ec.ECDH(), point)
        material = _hkdf(self._secret, shared, info, 32)
        key = _hkdf(salt, material, b"Content-Encoding: aes128gcm\0", 16)
        nonce = _hkdf(salt, material, b"Content-Encoding: nonce\0", 12)
        return AESGCM(key).decrypt(nonce, body[86:], None).rstrip(b"\0")[:-1]


def _hkdf(salt: bytes, material: bytes, info: bytes, length: int) -> bytes:
    return HKDF(SHA256(), length, salt, info).derive(material)


class Received(msgspec.Struct):
    """A request to the push service."""

    path: str
    headers: dict[str, str]
    body: bytes


class PushService:
    """Records pushes, and answers each with the next of `answers`, by default 201.

    Answers wait while `is_open` is not set. Of `lost`, the connection is aborted instead.
    """

    _runner: web.AppRunner
    url: str

    def __init__(self, tls: ssl.SSLContext) -> None:
        self.tls = tls  # for clients
        self.received: list[Received] = []
        self.answers: list[web.Response] = []
        self.lost = 0  # number of next answers
        self.is_open = asyncio.Event()
        self.is_open.set()
        self._arrived = asyncio.Event()

    @classmethod
    async def start(cls, certificate: ServerSettings) -> Self:
        service = cls(ssl.create_default_context(cafile=certificate.tls_cert))
        app = web.Application()
        app.router.add_post("/{name}", service.serve)
        service._runner = web.AppRunner(app)
        await service._runner.setup()
        tls = server_context(certificate)
        await web.TCPSite(service._runner, "127.0.0.1", 0, ssl_context=tls).start()
        service.url = f"https://127.0.0.1:{service._runner.addresses[0][1]}"
        return service

    @property
    def host(self) -> str:
        return self.url.removeprefix("https://")

    async def serve(self, request: web.Request) -> web.Response:
        self.received.append(Received(request.path, dict(request.headers), await request.read()))
        self._arrived.set()
        await self.is_open.wait()
        if self.lost and request.transport is not None:
            self.lost -= 1
            request.transport.abort()
        return self.answers.pop(0) if self.answers else web.Response(status=201)

    async def arrival(self, path: str = "") -> Received:
        """Return the first push for a browser, or for any, when it has arrived."""
        async with asyncio.timeout(WAIT):
            while not (found := [one for one in self.received if path in ("", one.path)]):
                self._arrived.clear()
                await self._arrived.wait()
        return found[0]

    async def next(self, browser: Browser) -> Json:
        """Return the next notification for a browser, which is removed."""
        received = await self.arrival(browser.endpoint.removeprefix(self.url))
        self.received.remove(received)
        return notification(browser, received)

    async def stop(self) -> None:
        self.is_open.set()
        await self._runner.cleanup()


def notification(browser: Browser, received: Received) -> Json:
    content: Json = msgspec.json.decode(browser.decrypt(received.body))
    assert content["web_push"] == 8030
    shown: Json = content["notification"]
    return shown


def claims(received: Received, public_key: str) -> Json:
    """Return the verified claims of the VAPID token of a request."""
    scheme, _, parameters = received.headers["Authorization"].partition(" ")
    token, key = (part.strip().partition("=")[2] for part in parameters.split(","))
    assert (scheme, key) == ("vapid", public_key)
    point = ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), decode_base64(key))
    audience = received.headers["Host"]
    checked: Json = jwt.decode(token, point, ["ES256"], audience=f"https://{audience}")
    return checked


async def subscribe(user: User, browser: Browser, **choices: str) -> None:
    answer = await user.ask("POST", "/api/push", browser.subscription(**choices))
    assert answer.json == {"ok": 1}
    if choices.get("level") == "all":
        await user.ask("PUT", "/api/notifications", {"level": "all"})
