"""Responses about web push."""

from typing import Literal

from msgspec import Struct

from chatserver.web.responses import Success


class PushChoice(Struct, kw_only=True):
    """The push target of this session. Its endpoint is a secret, so only its hash is sent."""

    endpoint_sha256: str
    level: Literal["all", "calls"]
    content: Literal["nothing", "sender", "text"]


class Push(Success):
    """`key`: for the subscription of the browser; `most`: the most that the server lets a push say.

    Without `target`, this session gets no pushes.
    """

    key: str
    most: Literal["nothing", "sender", "text"]
    target: PushChoice | None = None


class PushTest(Success):
    """What the push service has answered to the test."""

    outcome: Literal["accepted", "gone", "ended", "refused", "unreachable", "unanswered"]
