"""Static files, read at the start, served from memory, and compressed for clients that accept
gzip.

The URL contains a digest of all files, so browsers may cache them forever. A page that is older
than the server gets the current files under its own URLs until it is reloaded. There is no build
step, but round trips are saved: a style sheet contains what it imports, the modules of the chat
page come in two bundles, and another page lists the modules that its script imports.
"""

import gzip
import hashlib
import mimetypes
import re
from functools import cache
from pathlib import Path

from aiohttp import web

from chatserver.web.bundle import bundle, resolve

IMMUTABLE = "public, max-age=31536000, immutable"
OTHER_VERSION = "no-store"  # for URLs with another digest, which get the current content
IMPORTED_SHEET = re.compile(r'@import url\("([\w-]+\.css)"\) layer\((\w+)\);')
IMPORTED_MODULE = re.compile(r'\b(?:import|from) "(\.[^"]+)"')
AWAITED_MODULE = re.compile(r'\bimport\("(\.[^"]+)"\)')
BUNDLES = {"js/main.js": None, "js/ui/lazy-bundle.js": "js/main.js"}  # its predecessor
MODULE = "text/javascript"  # RFC 9239; Python's guess depends on the machine


class Assets:
    """Files by their path below `folder`, like `js/main.js`."""

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
        self._content = cache(self._load)
        self._compressed = cache(lambda name: gzip.compress(self._content(name), mtime=0))
        self.modules = cache(self._modules)

    async def serve(self, request: web.Request) -> web.StreamResponse:
        name = request.match_info["filename"]
        if name not in self._files:
            raise web.HTTPNotFound
        is_own = request.match_info["digest"] == self.digest
        kind = MODULE if name.endswith(".js") else mimetypes.guess_type(name)[0]
        headers = {
            "Cache-Control": IMMUTABLE if is_own else OTHER_VERSION,
            "Vary": "Accept-Encoding",
        }
        if "gzip" not in request.headers.get("Accept-Encoding", ""):
            return web.Response(body=self._content(name), content_type=kind, headers=headers)
        headers["Content-Encoding"] = "gzip"
        return web.Response(body=self._compressed(name), content_type=kind, headers=headers)

    def text(self, name: str) -> str:
        """Return the source of a text file."""
        return self._files[name].decode()

    def _modules(self, name: str) -> list[str]:
        """Return the module and all its imports, static and dynamic; only itself if it is a
        bundle.
        """
        if name in BUNDLES:
            return [name]
        text = self._files[name].decode()
        found = [name, *(resolve(name, target) for target in AWAITED_MODULE.findall(text))]
        for module in found:  # grows during the loop
            for target in IMPORTED_MODULE.findall(self._files[module].decode()):
                if (path := resolve(module, target)) not in found:
                    found.append(path)
        return found

    def _load(self, name: str) -> bytes:
        content = self._files[name]
        if name in BUNDLES:
            scripts = {
                name: text.decode() for name, text in self._files.items() if name.endswith(".js")
            }
            return bundle(scripts, name, BUNDLES[name]).encode()
        if not name.endswith(".css"):
            return content
        return IMPORTED_SHEET.sub(
            lambda found: f"@layer {found[2]} {{\n{self._sheet(name, found[1])}}}", content.decode()
        ).encode()

    def _sheet(self, name: str, imported: str) -> str:
        return self._load(resolve(name, imported)).decode()
