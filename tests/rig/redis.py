"""A private Redis that keeps nothing: after `kill` or `stop` it starts empty, at the same URL."""

from .server import PrivateServer, find

# One program in two names. Debian's redis-tools has it under the second, without a service;
# it is the server whenever it is called anything but that.
NAMES = ("redis-server", "redis-check-rdb")


class PrivateRedis(PrivateServer):
    """`with PrivateRedis() as redis: connect(redis.url)`."""

    hello = b"PING\r\n"

    @staticmethod
    def found() -> bool:
        """Whether this machine has it."""
        return find(*NAMES) is not None

    @property
    def url(self) -> str:
        return f"redis://127.0.0.1:{self.port}/0"

    def prepare(self) -> None:
        (self.folder / "redis-server").symlink_to(find(*NAMES) or NAMES[0])

    def command(self) -> list[str]:
        program = str(self.folder / "redis-server")
        place = ["--bind", "127.0.0.1", "--port", str(self.port), "--dir", str(self.folder)]
        return [program, *place, "--save", "", "--appendonly", "no"]

    def understands(self, answer: bytes) -> bool:
        """While it still loads it answers an error instead."""
        return answer.startswith(b"+PONG")
