"""A private Redis without persistence: after `kill` or `stop` it starts empty, at the same URL."""

from .server import PrivateServer, find

# One program with two names. Debian's redis-tools has the second one, without a service; it is the
# server when it is called by any other name.
NAMES = ("redis-server", "redis-check-rdb")


class PrivateRedis(PrivateServer):
    """`with PrivateRedis() as redis: connect(redis.url)`."""

    hello = b"PING\r\n"

    @staticmethod
    def found() -> bool:
        """Whether Redis is installed."""
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

    def is_ready(self, answer: bytes) -> bool:
        """Whether Redis has loaded its data; before that it answers with an error."""
        return answer.startswith(b"+PONG")
