"""Static files, read at the start, served from memory, and compressed for clients that accept gzip.

Their address contains a digest of all of them, so browsers may cache them for ever. A page that is
older than the server gets the current files under its own address until it is reloaded. There is
no build step; the server saves round trips itself: a style sheet contains what it imports, the
modules of the chat page come in two bundles, and another page lists the modules that its script
imports.
"""

import gzip
import hashlib
import mimetypes
import re
from functools import cache
from pathlib import Path

from aiohttp import web

from chatserver.web.bundle import bundle, resolve

FOR_EVER = "public, max-age=31536000, immutable"
OTHER = "no-store"  # for the address of another version: its content is not that version's
IMPORTED_SHEET = re.compile(r'@import url\("([\w-]+\.css)"\) layer\((\w+)\);')
IMPORTED_MODULE = re.compile(r'\b(?:import|from) "(\.[^"]+)"')
AWAITED_MODULE = re.compile(r'\bimport\("(\.[^"]+)"\)')
BUNDLES = {"js/main.js": None, "js/on-demand.js": "js/main.js"}  # entry and the bundle before it
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
        """The module, what it awaits, and all that these import; only itself if it is a bundle."""
        if name in BUNDLES:
            return [name]
        text = self._files[name].decode()
        found = [name, *(resolve(name, target) for target in AWAITED_MODULE.findall(text))]
        for module in found:  # which grows meanwhile
            for target in IMPORTED_MODULE.findall(self._files[module].decode()):
                if (path := resolve(module, target)) not in found:
                    found.append(path)
        return found

    def _whole(self, name: str) -> bytes:
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
        return self._whole(resolve(name, imported)).decode()
