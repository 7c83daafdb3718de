"""The client's files, served from memory: read once, at the start; compressed for who takes that.

Their address changes with any of them, so browsers may keep them for ever. A page that is older
than the server finds them by name under its own address, until it is loaded again. There is no
build step; but what a browser would find out one round trip after the other it is told at once: a
style sheet comes with what it imports, and a page can name every module that its script will ask
for.
"""

import gzip
import hashlib
import mimetypes
import re
from functools import cache
from pathlib import Path

from aiohttp import web

FOR_EVER = "public, max-age=31536000, immutable"
OTHER = "no-store"  # for the address of another version: its content is not that version's
IMPORTED_SHEET = re.compile(r'@import url\("([\w-]+\.css)"\) layer\((\w+)\);')
IMPORTED_MODULE = re.compile(r'\b(?:import|from) "(\.[^"]+)"')
AWAITED_MODULE = re.compile(r'\bimport\("(\.[^"]+)"\)')
MODULE = "text/javascript"  # RFC 9239; what Python takes it for depends on the machine


class Assets:
    """Files by their name below `folder`, as `js/main.js`."""

    def __init__(self, folder: Path) -> None:
        self._files = {
            file.relative_to(folder).as_posix(): file.read_bytes()
            for file in sorted(folder.rglob("*"))
            if file.is_file()
        }
        digest = hashlib.blake2b(digest_size=6)
        for name, content in self._files.items():
            digest.update(name.encode() + b"\0" + content)
        self.digest = digest.hexdigest()
        self._content = cache(self._whole)
        self._compressed = cache(lambda name: gzip.compress(self._content(name), mtime=0))
        self.modules = cache(self._modules)

    async def serve(self, request: web.Request) -> web.StreamResponse:
        name = request.match_info["filename"]
        if name not in self._files:
            raise web.HTTPNotFound
        is_own = request.match_info["digest"] == self.digest
        kind = MODULE if name.endswith(".js") else mimetypes.guess_type(name)[0]
        headers = {"Cache-Control": FOR_EVER if is_own else OTHER, "Vary": "Accept-Encoding"}
        if "gzip" not in request.headers.get("Accept-Encoding", ""):
            return web.Response(body=self._content(name), content_type=kind, headers=headers)
        headers["Content-Encoding"] = "gzip"
        return web.Response(body=self._compressed(name), content_type=kind, headers=headers)

    def _modules(self, name: str) -> list[str]:
        """The module, what it awaits, and all that these import, however far away; each once."""
        text = self._files[name].decode()
        found = [name, *(_beside(name, target) for target in AWAITED_MODULE.findall(text))]
        for module in found:  # which grows meanwhile
            for target in IMPORTED_MODULE.findall(self._files[module].decode()):
                if (path := _beside(module, target)) not in found:
                    found.append(path)
        return found

    def _whole(self, name: str) -> bytes:
        content = self._files[name]
        if not name.endswith(".css"):
            return content
        return IMPORTED_SHEET.sub(
            lambda found: f"@layer {found[2]} {{\n{self._sheet(name, found[1])}}}", content.decode()
        ).encode()

    def _sheet(self, name: str, imported: str) -> str:
        return self._whole(_beside(name, imported)).decode()


def _beside(name: str, target: str) -> str:
    """The name of the file that `name` calls `target`."""
    steps = name.split("/")[:-1]
    for step in target.split("/"):
        if step == "..":
            steps.pop()
        elif step != ".":
            steps.append(step)
    return "/".join(steps)
