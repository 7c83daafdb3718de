"""What names people may choose: every script is welcome, nothing that hides or turns around."""

from unicodedata import category

from chatserver.errors import BadRequest, Conflict, _
from chatserver.models import name_key
from chatserver.normalization import nfc, nfkc

NAME_LENGTH = range(2, 33)
DISPLAY_LENGTH = 64
RESERVED = {"all"}  # @all calls everybody
BIDI = "\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069"  # they turn the text around them


def checked_name(name: str) -> str:
    """A user name as it will be kept. Raises BadRequest, or Conflict for one that means more."""
    kept = nfkc(name).strip()
    if len(kept) not in NAME_LENGTH or len(name_key(kept)) > 64:
        raise BadRequest(_("A user name has 2 to 32 characters."))
    if not kept[0].isalnum() or not all(c in "_.-" or category(c)[0] in "LMN" for c in kept):
        raise BadRequest(_("A user name has letters, digits, dots, hyphens and underscores."))
    if name_key(kept) in RESERVED:
        raise Conflict(_("This name is taken."))
    return kept


def checked_display(display: str, name: str) -> str:
    """A display name as it will be kept: the user name when there is none. Raises BadRequest."""
    kept = " ".join(nfc(display).split()) or name
    if len(kept) > DISPLAY_LENGTH:
        raise BadRequest(_("A display name has at most 64 characters."))
    if any(category(c) in ("Cc", "Cs", "Co", "Cn") or c in BIDI for c in kept):
        raise BadRequest(_("A display name has printable characters only."))
    return kept


def room_key(name: str) -> str:
    """The form in which the names of rooms are stored and compared."""
    return name_key(name.strip().removeprefix("#"))
