"""What makes the page installable: manifest, service worker, the page without a connection.

The service worker is one file whose first line has the URLs of this server, so that it also works
under the path of an outer application. It stores files of the page, and never messages.
"""

import json
from typing import Any

from aiohttp import web

from chatserver.chat.server_profile import ServerProfileCache
from chatserver.files.media_processor import SQUARE_SIDE
from chatserver.web.assets import MODULE, Assets
from chatserver.web.language import Language, preferred
from chatserver.web.operations import operation
from chatserver.web.rendering import render

WORKER = "js/service-worker.js"
STORED_FILES = (  # of the page, so that it opens without a connection
    "css/main.css",
    "js/main.js",
    "js/ui/lazy-bundle.js",
    "js/theme.js",
    "js/browser-check.js",
    "js/offline.js",
    "img/favicon.svg",
    "img/icons.svg",
    "img/icon-192.png",
    "img/badge-96.png",
)
COLOR = "#4a5bc4"  # of the icons
SHORT_NAME = 12  # characters that launchers show


class InstallationHandlers:
    """Handlers of these files. None needs a session."""

    def __init__(
        self, assets: Assets, profile: ServerProfileCache, languages: dict[str, Language]
    ) -> None:
        self._assets = assets
        self._profile = profile
        self._languages = languages

    @operation(
        "GET",
        "/manifest.webmanifest",
        "manifest",
        rate="anonymous",
        access="anyone",
        documented=False,
        stores=False,
    )
    async def manifest(self, request: web.Request) -> web.StreamResponse:
        """Describe the page as an application, with the name and the logo of the server."""
        language, url = self._languages[preferred(request)], _Urls(request, self._assets)
        text = language.texts.gettext
        title = self._profile.current.title
        manifest = {
            "id": url("home"),
            "name": title,
            "short_name": title[:SHORT_NAME].strip(),
            "description": text("A private group chat on your own server."),
            "lang": language.html,
            "dir": "ltr",
            "start_url": url("index"),
            "scope": url("home"),
            "display": "standalone",
            "background_color": "#ffffff",
            "theme_color": COLOR,
            "icons": [*self._logo(url), *_icons(url)],
            "shortcuts": [
                {"name": text(name), "url": f"{url('index')}?open={dialog}"}
                for name, dialog in (("Go to a room or a person", "switcher"), ("Search", "search"))
            ],
            "share_target": _share_target(url),
        }
        body = json.dumps(manifest, ensure_ascii=False).encode()
        return web.Response(
            body=body,
            content_type="application/manifest+json",
            headers={"Cache-Control": "no-cache"},
        )

    def _logo(self, url: "_Urls") -> list[dict[str, str]]:
        """Return the logo of the server as the first icon, if it has one."""
        logo = self._profile.current.logo
        if logo is None:
            return []
        size = f"{SQUARE_SIDE}x{SQUARE_SIDE}"
        return [{"src": url("logo", picture=logo), "sizes": size, "type": "image/webp"}]

    @operation(
        "GET", "/sw.js", "worker", rate="anonymous", access="anyone", documented=False, stores=False
    )
    async def worker(self, request: web.Request) -> web.StreamResponse:
        """Send the service worker. Browsers ask for a new one with each visit."""
        url = _Urls(request, self._assets)
        facts = {
            "version": self._assets.digest,
            "files": [url.static(name) for name in STORED_FILES],
            "home": url("home"),
            "index": url("index"),
            "offline": url("offline_page"),
            "share": url("share"),
            "push": url("push"),
            "rooms": url("rooms"),
            "icon": url.static("img/icon-192.png"),
            "badge": url.static("img/badge-96.png"),
        }
        source = self._assets.text(WORKER)
        return web.Response(
            body=f"const SERVER = {json.dumps(facts)};\n{source}".encode(),
            content_type=MODULE,
            headers={"Cache-Control": "no-cache", "Service-Worker-Allowed": url("home")},
        )

    @operation(
        "GET",
        "/offline",
        "offline_page",
        rate="anonymous",
        access="anyone",
        documented=False,
        stores=False,
    )
    async def offline_page(self, request: web.Request) -> web.StreamResponse:
        """Send the page that the service worker shows without a connection."""
        return await render("offline.html", request, self._languages[preferred(request)])

    @operation(
        "POST",
        "/share",
        "share",
        rate="anonymous",
        access="anyone",
        documented=False,
        stores=False,
        streams=True,
    )
    async def share(self, request: web.Request) -> web.StreamResponse:
        """Redirect to the chat what only the service worker can take: what another app shares."""
        location = str(request.app.router["index"].url_for())
        response = web.Response(status=303, headers={"Location": location})
        response.force_close()  # without reading the shared files
        return response


class _Urls:
    """URLs of routes and of static files, below the path of an outer application, if any."""

    def __init__(self, request: web.Request, assets: Assets) -> None:
        self._router = request.app.router
        self._digest = assets.digest

    def __call__(self, name: str, **parts: str) -> str:
        return str(self._router[name].url_for(**parts))

    def static(self, filename: str) -> str:
        return self("static", digest=self._digest, filename=filename)


def _icons(url: _Urls) -> list[dict[str, str]]:
    """Return the product's icons; launchers cut a maskable one to their shape."""
    icons = [
        {"src": url.static(f"img/icon-{size}.png"), "sizes": f"{size}x{size}", "type": "image/png"}
        for size in (192, 512)
    ]
    maskable = {"src": url.static("img/icon-maskable-512.png"), "purpose": "maskable"}
    return [*icons, {**maskable, "sizes": "512x512", "type": "image/png"}]


def _share_target(url: _Urls) -> dict[str, Any]:
    return {
        "action": url("share"),
        "method": "POST",
        "enctype": "multipart/form-data",
        "params": {
            "title": "title",
            "text": "text",
            "url": "url",
            "files": [{"name": "files", "accept": ["*/*"]}],
        },
    }
