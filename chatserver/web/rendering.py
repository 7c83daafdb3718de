"""Rendering of templates in the reader's language."""

import asyncio
from contextvars import ContextVar
from pathlib import Path
from typing import Any

import aiohttp_jinja2
import jinja2
from aiohttp import web

from chatserver import __version__
from chatserver.accounts.invitations import DAYS, USES
from chatserver.chat.server_profile import ServerProfileCache
from chatserver.resources import resource_dir
from chatserver.web.assets import Assets
from chatserver.web.language import LOCALES, Language

ASSETS = web.AppKey("assets", Assets)
SERVER_PROFILE = web.AppKey("server_profile", ServerProfileCache)

_current: ContextVar[Language] = ContextVar("language of the page that is being rendered")


class Compilation:
    """Compiles all templates in a thread when the first page is requested; it takes 200 ms.

    A server that is only started, or used by clients of its API, need not do it.
    """

    def __init__(self, environment: jinja2.Environment) -> None:
        self._environment = environment
        self._task: asyncio.Task[None] | None = None

    async def finish(self) -> None:
        """Return when the templates are compiled; many requests may wait for it."""
        if self._task is None:
            self._task = asyncio.create_task(asyncio.to_thread(self._compile))
        await asyncio.shield(self._task)

    def _compile(self) -> None:
        for name in self._environment.list_templates():
            self._environment.get_template(name)


_COMPILATION = web.AppKey("compilation", Compilation)


def set_up_templates(app: web.Application, assets: Assets, profile: ServerProfileCache) -> None:
    """Load templates/ with gettext and autoescaping."""
    environment = aiohttp_jinja2.setup(
        app,
        loader=jinja2.FileSystemLoader(Path(resource_dir("templates"))),
        extensions=["jinja2.ext.i18n"],
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.install_gettext_callables(  # type: ignore[attr-defined]
        _gettext, _ngettext, newstyle=True
    )
    environment.globals["modules"] = assets.modules
    environment.globals |= {"invite_uses": USES, "invite_days": DAYS}
    app[ASSETS] = assets
    app[SERVER_PROFILE] = profile
    app[_COMPILATION] = Compilation(environment)


async def render(
    template: str, request: web.Request, language: Language, *, status: int = 200, **context: Any
) -> web.Response:
    """Render a template with `context` and what is shared by all templates."""
    await request.app[_COMPILATION].finish()
    _current.set(language)
    whole = _shared(request, language) | {"status": status} | context
    response = aiohttp_jinja2.render_template(template, request, whole, status=status)
    response.enable_compression()  # safe: no page contains both a secret and other users' text
    return response


def _shared(request: web.Request, language: Language) -> dict[str, Any]:
    router = request.app.router
    digest = request.app[ASSETS].digest
    catalogue = router["catalogue"].url_for(locale=language.locale, digest=language.digest)
    return {
        "url": lambda name, **parts: str(router[name].url_for(**parts)),
        "static": lambda file: str(router["static"].url_for(digest=digest, filename=file)),
        "lang": language.html,
        "locale": language.locale,
        "locales": list(LOCALES.items()),
        "catalog_url": str(catalogue) if language.is_translated else "",
        "page": digest,
        "version": __version__,
        "server": request.app[SERVER_PROFILE].current,
    }


def _gettext(text: str) -> str:
    return _current.get().texts.gettext(text)


def _ngettext(one: str, many: str, count: int) -> str:
    return _current.get().texts.ngettext(one, many, count)
