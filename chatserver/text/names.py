"""Validation and comparison of names, titles and topics.

Every name of a user, a bot or a room, every display name, title and topic is validated here.
Comparison of looks follows UTS 39 (confusables), invisible characters are Unicode's
Default_Ignorable_Code_Point and a few blanks.
"""

import re
from functools import cache, lru_cache
from pathlib import Path
from unicodedata import category, normalize

from chatserver.errors import BadRequest, Conflict, _
from chatserver.models import name_key
from chatserver.text.mentions import ALL_MEMBERS_NAMES
from chatserver.text.normalization import nfc, nfkc

NAME_LENGTH = range(2, 33)
DISPLAY_LENGTH = 64
TITLE_LENGTH = 100
SERVER_NAME_LENGTH = 50  # characters
TOPIC_LENGTH = 500
SKELETON_LENGTH = 128  # characters of a skeleton that are compared
CONFUSABLES = Path(__file__).with_name("confusables.txt")

# Default_Ignorable_Code_Point, Unicode 17.
IGNORABLE = (
    "\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u202a-\u202e"
    "\u2060-\u206f\u3164\ufe00-\ufe0f\ufeff\uffa0\ufff0-\ufff8\U0001bca0-\U0001bca3"
    "\U0001d173-\U0001d17a\U000e0000-\U000e0fff"
)
BLANK = "\u2800\ufff9-\ufffb\U00013430-\U0001343f\U00016fe4\U0001d159"  # not ignorable, but blank
UNSEEN = rf"{IGNORABLE}{BLANK}\s\x00-\x1f\x7f-\x9f\ud800-\udfff"

_seen = re.compile(rf"[^{UNSEEN}]").search
_unseen = re.compile(rf"[{UNSEEN}]+")
_ignorable = re.compile(rf"[{IGNORABLE}]")
# Places where an ignorable character changes the appearance: joiners between letters or emoji,
# presentation selectors of symbols, the letters of a subdivision's flag.
_joined = re.compile(
    r"(?<=[^\x00-\x7f])[\u200c\u200d](?=[^\x00-\x7f])"
    r"|(?<=[#*0-9\u00a9\u00ae\u203c-\u3299\U0001f000-\U0001faff])[\ufe0e\ufe0f]"
    r"|\U0001f3f4[\U000e0030-\U000e0039\U000e0061-\U000e007a]{2,6}\U000e007f"
)
_blank = re.compile(rf"[{BLANK}\s]+")
# Joiners next to visible characters, the other places as above; and what is removed elsewhere.
_hidden = re.compile(
    rf"((?<=[^\x00-\x7f{IGNORABLE}]|[\ufe0e\ufe0f])[\u200c\u200d](?=[^\x00-\x7f{IGNORABLE}])"
    rf"|{_joined.pattern.partition('|')[2]})|[{IGNORABLE}\x00-\x1f\x7f-\x9f\ud800-\udfff]"
)


# Appearance --------------------------------------------------------------------------------------


def shows(text: str) -> bool:
    """Whether a text has a visible character. Most texts have one at the beginning."""
    return "!" <= text[:1] <= "~" or _seen(text) is not None


def visible_line(text: str) -> str:
    """Return a text as one line, without characters that are invisible or reorder it."""
    while (kept := _without_hidden(text)) != text:  # a removal makes others neighbours
        text = kept
    return kept


def _without_hidden(text: str) -> str:
    kept = _hidden.sub(lambda found: found[1] or "", _blank.sub(" ", text))
    return " ".join(nfc(kept).split())


@lru_cache(4_096)
def skeleton(text: str) -> str:
    """Return a form that is equal for texts that look alike (UTS 39, case-insensitive)."""
    plain = normalize("NFD", _unseen.sub("", nfkc(text)))
    folded = normalize("NFD", plain.translate(_confusables()).casefold())
    return normalize("NFD", folded.translate(_confusables()))[:SKELETON_LENGTH]


@cache
def _confusables() -> dict[int, str]:
    """Return the prototype of each confusable code point. Read at the first comparison."""
    alike: dict[int, str] = {}
    for line in CONFUSABLES.read_text(encoding="utf-8").splitlines():
        if not line.startswith("#"):
            representative, characters = line.split("\t")
            alike |= dict.fromkeys(map(ord, characters), representative)
    return alike


# User names --------------------------------------------------------------------------------------


def checked_name(name: str) -> str:
    """Return the stored form of a user name. Raises BadRequest; Conflict if it is reserved."""
    kept = nfkc(name).strip()
    if len(kept) not in NAME_LENGTH or len(name_key(kept)) > 64:
        raise BadRequest(_("A user name has 2 to 32 characters."))
    if not kept[0].isalnum() or not _is_word(kept):
        raise BadRequest(_("A user name has letters, digits, dots, hyphens and underscores."))
    if skeleton(kept) in _reserved():
        raise Conflict(_("This name is taken."))
    return kept


@cache
def _reserved() -> frozenset[str]:
    """Return the skeletons of reserved names, which mention every member."""
    return frozenset(skeleton(name) for name in ALL_MEMBERS_NAMES)


def checked_display(display: str, name: str) -> str:
    """Return the stored form of a display name, by default the user name. Raises BadRequest."""
    kept = _one_line(display)
    if not kept:
        return name  # an old account's name may violate the rules
    if len(kept) > DISPLAY_LENGTH:
        raise BadRequest(_("A display name has at most 64 characters."))
    if not _is_readable(kept):
        raise BadRequest(_("A display name has printable characters only."))
    return kept


# Rooms -------------------------------------------------------------------------------------------

# Titles of the lobby in the languages of the page and in other common ones.
LOBBY_TITLES = ("Lobby", "大厅", "大廳", "ロビー", "로비", "Лобби", "Vestíbulo", "Foyer")


def room_key(name: str) -> str:
    """Return the form in which names of rooms are stored and compared."""
    return name_key(name.strip().removeprefix("#"))


def checked_room_name(name: str) -> str:
    """Return the stored form of a room name, which is not a number. Raises BadRequest."""
    kept = room_key(name)
    if len(kept) not in NAME_LENGTH:
        raise BadRequest(_("A room name has 2 to 32 characters."))
    if not _is_word(kept) or not re.search(r"[^\d_.-]", kept):
        raise BadRequest(_("A room name has letters, digits, dots, hyphens and underscores."))
    return kept


def checked_title(title: str) -> str:
    """Return the stored form of a title. Raises BadRequest."""
    kept = _checked_line(title, TITLE_LENGTH)
    if not kept:
        raise BadRequest(_("Titles and topics have printable characters only."))
    return kept


def checked_topic(topic: str) -> str:
    """Return the stored form of a topic. Raises BadRequest."""
    return _checked_line(topic, TOPIC_LENGTH)


def checked_server_name(name: str) -> str:
    """Return the stored form of the name of the server, which may be empty. Raises BadRequest."""
    return _checked_line(name, SERVER_NAME_LENGTH)


def is_lobby_title(title: str) -> bool:
    """Whether a title looks like the lobby's in some language."""
    return skeleton(title) in _lobby_titles()


@cache
def _lobby_titles() -> frozenset[str]:
    return frozenset(map(skeleton, LOBBY_TITLES))


def _checked_line(text: str, longest: int) -> str:
    kept = _one_line(text)
    if len(kept) > longest:
        raise BadRequest(_("This text is too long."))
    if kept and not _is_readable(kept):
        raise BadRequest(_("Titles and topics have printable characters only."))
    return kept


# Characters --------------------------------------------------------------------------------------


def _one_line(text: str) -> str:
    return " ".join(nfc(text).split())


def _is_word(name: str) -> bool:
    """Whether a name has letters, marks, digits and `_.-` only, none of them invisible."""
    letters = all(c in "_.-" or category(c)[0] in "LMN" for c in name)
    return letters and not _unseen.search(name)


def _is_readable(text: str) -> bool:
    """Whether a line has a visible character, and no control, bidi or invisible one."""
    return (
        any(category(c)[0] in "LNPS" for c in text if _seen(c))
        and not _ignorable.search(_joined.sub("", text))
        and not any(category(c) in ("Cc", "Cs", "Co", "Cn") for c in text)
    )
