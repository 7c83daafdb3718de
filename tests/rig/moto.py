"""A private S3 server: moto, in a process of its own. It keeps objects in memory."""

import sys
from importlib.util import find_spec
from urllib.request import Request, urlopen

from .server import PrivateServer

BUCKET = "chat"
MIN_PART = 1_000  # bytes of a part of an object but the last one; other services take 5 MiB


class PrivateS3(PrivateServer):
    """`with PrivateS3() as s3: store files at s3.files_url("prefix")`."""

    hello = b"GET /moto-api/ HTTP/1.0\r\n\r\n"

    @staticmethod
    def found() -> bool:
        """Whether moto, its server, and the client of this program are installed."""
        return all(find_spec(package) for package in ("moto", "flask", "aiobotocore"))

    @property
    def endpoint(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def files_url(self, prefix: str, endpoint: str = "") -> str:
        """Return a value for `files.url`; `endpoint` may be that of a proxy."""
        return f"s3://{BUCKET}/{prefix}?endpoint={endpoint or self.endpoint}"

    def prepare(self) -> None:
        """Keep nothing on disk."""

    def start(self) -> None:
        super().start()
        with urlopen(Request(f"{self.endpoint}/{BUCKET}", method="PUT")):
            pass

    def command(self) -> list[str]:
        settings = f"S3_UPLOAD_PART_MIN_SIZE={MIN_PART}"
        server = [sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", str(self.port)]
        return ["env", settings, *server]

    def is_ready(self, answer: bytes) -> bool:
        return answer.startswith(b"HTTP/1.")
