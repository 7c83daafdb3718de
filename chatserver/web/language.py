"""Language negotiation, and the catalogue for pages, errors and the browser."""

import gettext
import hashlib
import json
from dataclasses import dataclass
from typing import Any

from aiohttp import web

from chatserver.errors import ChatError
from chatserver.resources import resource_dir

DOMAIN = "chatserver"
LOCALES = {"en": "English", "zh_CN": "简体中文"}
HTML_LANG = {"en": "en", "zh_CN": "zh-Hans"}


class _Catalogue(gettext.GNUTranslations):
    """A compiled gettext catalogue that can be sent to a browser."""

    _catalog: dict[Any, str]

    def entries(self) -> dict[str, str | list[str]]:
        """Return each msgid with its translation, or the list of its plural forms."""
        found: dict[str, str | list[str]] = {}
        for key, text in self._catalog.items():
            if isinstance(key, tuple):
                forms = found.setdefault(key[0], [])
                if isinstance(forms, list):
                    forms.append(text)
            elif key:
                found[key] = text
        return found


@dataclass(frozen=True)
class Language:
    """A supported language."""

    locale: str
    texts: gettext.NullTranslations
    json: bytes
    digest: str

    @property
    def html(self) -> str:
        return HTML_LANG[self.locale]

    @property
    def is_translated(self) -> bool:
        """Whether there is a catalogue; the texts in the source are English."""
        return self.json != b"{}"

    def error_text(self, error: ChatError) -> str:
        """Return an error's message in this language."""
        text = self.texts.gettext(error.sentence)
        return text % error.values if error.values else text


def load_languages() -> dict[str, Language]:
    """Return all languages, by locale."""
    folder = resource_dir("locale")
    languages = {}
    for locale in LOCALES:
        file = folder / locale / "LC_MESSAGES" / f"{DOMAIN}.mo"
        texts: gettext.NullTranslations = gettext.NullTranslations()
        entries: dict[str, Any] = {}
        if file.is_file():
            with file.open("rb") as opened:
                texts = catalogue = _Catalogue(opened)
            entries = catalogue.entries()
        content = json.dumps(entries, ensure_ascii=False).encode()
        digest = hashlib.blake2b(content, digest_size=6).hexdigest()
        languages[locale] = Language(locale, texts, content, digest)
    return languages


def preferred(request: web.Request, chosen: str = "") -> str:
    """Return the locale of a request: the account's choice, the page's, then the browser's."""
    for wanted in (chosen, request.query.get("lang", "")):
        if wanted in LOCALES:
            return wanted
    for language in _accepted(request.headers.get("Accept-Language", "")):
        if language.startswith("zh"):
            return "zh_CN"
        if language.startswith("en"):
            return "en"
    return "en"


def _accepted(header: str) -> list[str]:
    """Return the languages of an Accept-Language header, most preferred first."""
    weighted = []
    for position, part in enumerate(header.lower().split(",")[:20]):
        language, _, quality = part.partition(";q=")
        weighted.append((-_number(quality), position, language.strip()))
    return [language for _, _, language in sorted(weighted)]


def _number(quality: str) -> float:
    try:
        return float(quality or 1)
    except ValueError:
        return 0.0
