"""Linear time of all functions with input of variable size, tested with the worst inputs.

docs/performance.md has the times at the largest inputs that are allowed.
"""

import contextlib
import time
from collections.abc import Callable
from typing import Any

import msgspec
import pytest
from aiohttp.test_utils import make_mocked_request

from chatserver import protocol, redaction
from chatserver.accounts import passwords
from chatserver.errors import ChatError
from chatserver.files.media import Malformed, gif, jpeg, png, webp
from chatserver.models import name_key
from chatserver.text import mentions, names, search_query, search_terms
from chatserver.text.emoji import is_legacy_reaction, qualified
from chatserver.web import forms, headers, language, server_urls
from tests.files.media import test_heif, test_webm
from tests.files.media.test_metadata import box, number, track, without_metadata

Work = Callable[[Any], object]
Input = Callable[[int], str | bytes]


def decode(text: str) -> object:
    return protocol.decode(text, limit=2**20)


def members(text: bytes) -> object:
    return msgspec.json.decode(text, type=forms.NewMembers)


def media_type(value: str) -> object:
    return headers.media_type(make_mocked_request("POST", "/", {"Content-Type": value}))


def cookie(value: str) -> object:
    return headers.cookie(make_mocked_request("GET", "/", {"Cookie": value}), "chatserver")


def accepted(value: str) -> object:
    return language.preferred(make_mocked_request("GET", "/", {"Accept-Language": value}))


def webp_of(chunks: bytes) -> bytes:
    return b"RIFF" + (len(chunks) + 4).to_bytes(4, "little") + b"WEBP" + chunks


def film(tracks: list[bytes]) -> bytes:
    return box(b"moov", *tracks)


def samples(count: int) -> bytes:
    """Return a track of data with as many chunks of one empty sample, each at another place."""
    table = box(
        b"stbl",
        box(b"stsc", number(0, 1, 1, 1, 1)),
        box(b"stsz", number(0, 0, count), bytes(4 * count)),
        box(b"stco", number(0, count), *(number(place) for place in range(count))),
    )
    hdlr = box(b"hdlr", number(0, 0), b"meta", bytes(12))
    return box(b"trak", box(b"mdia", hdlr, box(b"minf", table)))


TRACKS = test_webm.element("1654ae6b", test_webm.track(1, 2), test_webm.track(2, 17))
CLUSTER = b"\x1f\x43\xb6\x75" + test_webm.UNKNOWN


def items(count: int, *, extents: int) -> bytes:
    """Return a picture file with as many items of Exif, each of as many bytes of data."""
    infe = b"".join(test_heif.item(place, b"Exif") for place in range(count))
    entry = b"".join(number(place, 1) for place in range(extents))
    entries = [test_heif.short(ident, 0, 0, extents) + entry for ident in range(count)]
    iloc = box(b"iloc", b"\1\0\0\0\x44\0", test_heif.short(count), *entries)
    iinf = box(b"iinf", b"\1\0\0\0", number(count), infe)
    return box(b"meta", bytes(4), test_heif.HDLR, iinf, iloc)


FRAMES: dict[str, Input] = {
    "lists within lists": lambda n: '{"type":2,"data":' + "[" * n,
    "objects within objects": lambda n: '{"a":' * (n // 5),
    "many keys": lambda n: "{" + ",".join(f'"k{i}":1' for i in range(n // 9)) + "}",
    "many quotes": lambda n: '{"type":2,' + '"' * n,
    "backslashes": lambda n: '{"x":"' + "\\" * n,
    "digits": lambda n: '{"type":' + "9" * n + "}",
    "ids": lambda n: '{"id":"x",' * (n // 10),
    "escapes": lambda n: '{"type":2,"id":"a","data":"' + "\\ud800" * (n // 6) + '"}',
}
TEXTS: dict[str, Input] = {
    "one letter": lambda n: "a" * n,
    "marks": lambda n: "a" + "\u0f73\u0301" * (n // 2),
    "expanding": lambda n: "\ufdfa" * n,
    "invisible": lambda n: "\u200b" * n,
    "joiners": lambda n: "é\u200d" * (n // 2),
    "flags": lambda n: ("\U0001f3f4" + "\U000e0061" * 5) * (n // 6),
    "at signs": lambda n: "@" * n,
    "names": lambda n: "".join(f"@u{i} " for i in range(n // 6)),
    "Chinese": lambda n: "".join(chr(0x4E00 + i % 20_000) for i in range(n)),
    "tokens": lambda n: "eyJ" * (n // 3),
    "dotted tokens": lambda n: "eyJa." * (n // 5),
    "emoji": lambda n: "👍\u200d" * (n // 2),
    "skin tones": lambda n: "👍" + "🏽" * n,
}
HEADERS: dict[str, Input] = {
    "commas": lambda n: "," * n,
    "semicolons": lambda n: ";" * n,
    "spaces": lambda n: ";" + " " * n + "x",
    "charsets": lambda n: ";charset" * (n // 8),
    "weights": lambda n: "en;q=" + "9" * n,
}
BODIES: dict[str, Input] = {
    "names": lambda n: b'{"users":[' + b",".join(b'"u%d"' % i for i in range(n // 8)) + b"]}",
    "depth": lambda n: b'{"users":' + b"[" * n,
}

JPEGS: dict[str, Input] = {
    "fill bytes": lambda n: b"\xff\xd8" + b"\xff" * n + b"\xd9",
    "segments": lambda n: b"\xff\xd8" + b"\xff\xfe\0\2" * (n // 4),
    "restarts": lambda n: b"\xff\xd8\xff\xda\0\2" + b"\xff\xd0" * (n // 2),
}
GIFS: dict[str, Input] = {
    "short data blocks": lambda n: b"GIF89a" + bytes(7) + b"\x21\xf9" + b"\1a" * (n // 2) + b"\0;",
    "empty blocks": lambda n: b"GIF89a" + bytes(7) + b"\x21\xf9\0" * (n // 3) + b";",
}
PNGS: dict[str, Input] = {
    "empty chunks": lambda n: png.SIGNATURE + b"\0\0\0\0IDAT\0\0\0\0" * (n // 12)
}
WEBPS: dict[str, Input] = {"empty chunks": lambda n: webp_of(b"ALPH\0\0\0\0" * (n // 8))}
RECORDINGS: dict[str, Input] = {
    "blocks": lambda n: test_webm.recording(TRACKS, CLUSTER + test_webm.block(1, b"") * (n // 6)),
    "removed blocks": lambda n: test_webm.recording(
        TRACKS, CLUSTER + (test_webm.block(1, b"") + test_webm.block(2, b"")) * (n // 12)
    ),
    "clusters": lambda n: test_webm.recording(TRACKS, CLUSTER * (n // 12)),
    "empty elements": lambda n: test_webm.recording(TRACKS, b"\xec\x80" * (n // 2)),
    "groups without a block": lambda n: test_webm.recording(
        TRACKS, CLUSTER + test_webm.element("a0", b"\xfb\x80" * 50) * (n // 102)
    ),
}
FILMS: dict[str, Input] = {
    "tracks": lambda n: film([track(b"meta", 0)] * (n // 250)),
    "tracks with many chunks": lambda n: film([samples(100)] * (n // 1_000)),
    "boxes": lambda n: box(b"free") * (n // 8),
    "items": lambda n: items(n // 40, extents=1),
    "places of items": lambda n: items(10, extents=n // 80),
}

# Function, input, and a quarter of the largest allowed length.
WORST: list[tuple[Work, dict[str, Input], int]] = [
    (decode, FRAMES, 16_000),
    (mentions.mentioned, TEXTS, 1_000),
    (qualified, TEXTS, 1_000),
    (is_legacy_reaction, TEXTS, 1_000),
    (names.shows, TEXTS, 1_000),
    (search_terms.tokens, TEXTS, 1_000),
    (names.checked_name, TEXTS, 250),
    (names.checked_title, TEXTS, 250),
    (lambda text: names.checked_display(text, "ann"), TEXTS, 250),
    (name_key, TEXTS, 2_000),
    (lambda text: passwords.check_choice(text, "ann"), TEXTS, 64),
    (redaction.redacted, TEXTS, 2_000),
    (search_query.parse, TEXTS, 120),
    (media_type, HEADERS, 2_000),
    (cookie, HEADERS, 2_000),
    (accepted, HEADERS, 2_000),
    (server_urls.same_site_path, HEADERS, 2_000),
    (members, BODIES, 16_000),
    (jpeg.clean, JPEGS, 100_000),
    (gif.clean, GIFS, 100_000),
    (png.clean, PNGS, 100_000),
    (webp.clean, WEBPS, 100_000),
    (without_metadata, FILMS, 100_000),
]
CASES = [
    pytest.param(work, make, length, id=f"{getattr(work, '__name__', 'work')}-{number}-{name}")
    for number, (work, inputs, length) in enumerate(WORST)
    for name, make in inputs.items()
]


REFUSALS = (ChatError, Malformed, protocol.Undecodable, msgspec.MsgspecError, RecursionError)


def seconds(work: Work, given: Any) -> float:
    """Return the lowest CPU time of several runs."""
    best = 1.0
    for _ in range(5):
        start = time.thread_time()
        with contextlib.suppress(*REFUSALS):
            work(given)
        best = min(best, time.thread_time() - start)
    return best


@pytest.mark.parametrize(("work", "make", "length"), CASES)
def test_the_time_is_linear_in_the_length_of_the_input(
    work: Work, make: Input, length: int
) -> None:
    seconds(work, make(length))  # fills caches
    short, long = (seconds(work, make(size)) for size in (length, 4 * length))
    assert long < 12 * max(short, 0.000_1)  # 16 when quadratic


def test_tokens_are_masked_at_every_position() -> None:
    token = "eyJhbGciOi.eyJzdWIi.abc-_1"
    bot = "bot_" + "x" * 20
    for text in ("{}", "a {} b", "eyJ {}", "?token={}&x=1", "eyJ.{}", "{}.", "{} eyJ"):
        assert redaction.redacted(text.format(token)) == text.format("[token]")
        assert bot not in redaction.redacted(text.format(bot))
    assert redaction.redacted(token.replace(".", "%2E")) == "[token]"
    assert redaction.redacted("eyJustWords") == "eyJustWords"
