"""What search finds of the files of a message: their names, their alternative texts, their kinds.

`files` is the JSON of `events.files`, or "".
"""

import msgspec

from chatserver.text.search_terms import KIND

FILE = "file"
MEDIA = ("image", "video", "audio")


class AttachedFile(msgspec.Struct):
    id: str
    name: str
    type: str
    alt: str = ""
    removed: bool = False


_decode = msgspec.json.Decoder(list[AttachedFile]).decode


def attached(files: str | None) -> list[AttachedFile]:
    return [file for file in _decode(files) if not file.removed] if files else []


def searched_text(body: str, files: str | None) -> str:
    """Return the text of a message with the names and alternative texts of its files."""
    if not files:
        return body
    described = (text for file in attached(files) for text in (file.name, file.alt) if text)
    return "\0".join([body, *described])  # no phrase matches across a NUL


def kinds(files: str | None) -> frozenset[str]:
    """Return what a message has: FILE and some of MEDIA."""
    found = attached(files)
    media = {file.type.partition("/")[0] for file in found}.intersection(MEDIA)
    return frozenset(media | {FILE} if found else ())


def kind_token(kind: str) -> str:
    """Return the token of the index for messages that have such files."""
    return KIND + kind
