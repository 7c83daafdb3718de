"""A private nginx with deploy/nginx.conf, except for addresses, ports and files."""

import subprocess
from pathlib import Path

from .server import PrivateServer, find, free_port

SITE = Path(__file__).parents[2] / "deploy" / "nginx.conf"
NAME = "chat.example.com"

AROUND = """
daemon off; master_process off; pid {folder}/pid; error_log stderr;
events {{}}
http {{
    client_body_temp_path {folder}/body; proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/f; uwsgi_temp_path {folder}/u; scgi_temp_path {folder}/s;
    {site}
}}
"""


class PrivateNginx(PrivateServer):
    """Set `upstream` to the port of the chat before entering the context."""

    hello = b"GET / HTTP/1.0\r\n\r\n"

    def __init__(self) -> None:
        super().__init__()
        self.tls_port = free_port()
        self.upstream = 0

    @staticmethod
    def found() -> bool:
        """Whether nginx and openssl are installed."""
        return find("nginx") is not None and find("openssl") is not None

    @property
    def url(self) -> str:
        return f"https://{NAME}:{self.tls_port}"

    @property
    def certificate(self) -> Path:
        return self.folder / "certificate.pem"

    @property
    def access_log(self) -> str:
        return (self.folder / "access.log").read_text()

    def prepare(self) -> None:
        key = self.folder / "key.pem"
        make = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256"]
        named = ["-nodes", "-subj", f"/CN={NAME}", "-addext", f"subjectAltName=DNS:{NAME}"]
        files = ["-keyout", str(key), "-out", str(self.certificate)]
        subprocess.run([*make, *named, *files], check=True, capture_output=True)
        whole = AROUND.format(folder=self.folder, site=self._site(key))
        (self.folder / "nginx.conf").write_text(whole)

    def _site(self, key: Path) -> str:
        """Replace addresses, ports and files; each of them must be in the file."""
        site = SITE.read_text(encoding="utf-8")
        for theirs, ours in {
            "listen 80;": f"listen 127.0.0.1:{self.port};",
            "listen 443 ssl": f"listen 127.0.0.1:{self.tls_port} ssl",
            "127.0.0.1:3000": f"127.0.0.1:{self.upstream}",
            f"/etc/ssl/{NAME}.pem": str(self.certificate),
            f"/etc/ssl/{NAME}.key": str(key),
            "/var/log/nginx/chat.log": str(self.folder / "access.log"),
        }.items():
            assert site.count(theirs) == 1, theirs
            site = site.replace(theirs, ours)
        return site

    def command(self) -> list[str]:
        program = find("nginx") or "nginx"
        return [program, "-p", str(self.folder), "-c", str(self.folder / "nginx.conf")]

    def is_ready(self, answer: bytes) -> bool:
        return answer.startswith(b"HTTP/1.1 301")
