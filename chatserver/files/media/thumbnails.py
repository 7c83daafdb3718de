"""Thumbnails of pictures, with Pillow. Only the process of `worker.py` imports this."""

import base64
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import PIL._webp  # noqa: F401 - without it, Pillow is installed but saves no WebP
from PIL import Image, ImageOps

from chatserver.files.media import Malformed
from chatserver.files.media.thumbhash import thumbhash

FORMATS = ("JPEG", "PNG", "GIF", "WEBP")  # Pillow's readers of other formats are not used
LARGEST_SIDE = 16_383  # pixels that WebP can have
QUALITY = 80
SQUARE_QUALITY = 88  # of pictures that are shown small
EFFORT = 2  # of 6; more effort takes three times as long for a few per cent
BLUR_SIDE = 32  # pixels; the hash keeps 7 frequencies


def make(source: Path, targets: dict[int, Path], *, pixels: int) -> dict[str, Any]:
    """Write a WebP for each size; return width, height and blur of the picture.

    The size is checked before anything is decoded. Raises Malformed above that number of pixels;
    Pillow raises many exceptions for damaged pictures.
    """
    with _opened(source, pixels) as opened:
        width, height = _upright_size(opened)
        largest = max(targets)
        opened.draft("RGB", _shrunk(opened, largest))  # JPEG decodes to a fraction of its size
        picture = _prepared(opened, largest)
    for size, target in sorted(targets.items(), reverse=True):
        picture.thumbnail((size, size), reducing_gap=2.0)
        with target.open("wb") as file:
            picture.save(file, "WEBP", quality=QUALITY, method=EFFORT)
    return {"width": width, "height": height, "blur": _blur(picture)}


def square(source: Path, target: Path, *, side: int, pixels: int) -> None:
    """Write the middle of a picture as a square WebP without metadata. Raises as `make`."""
    with _opened(source, pixels) as opened:
        factor = side / min(opened.size)
        opened.draft("RGB", (round(opened.width * factor), round(opened.height * factor)))
        picture = ImageOps.fit(_upright(opened), (side, side), Image.Resampling.LANCZOS)
    with target.open("wb") as file:
        picture.save(file, "WEBP", quality=SQUARE_QUALITY, method=EFFORT)


@contextmanager
def _opened(source: Path, pixels: int) -> Iterator[Image.Image]:
    Image.MAX_IMAGE_PIXELS = pixels
    with Image.open(source, formats=FORMATS) as opened:
        if opened.width * opened.height > pixels:
            raise Malformed("it has too many pixels")
        yield opened


def _upright_size(picture: Image.Image) -> tuple[int, int]:
    turned = picture.getexif().get(0x0112, 1) in (5, 6, 7, 8)
    return (picture.height, picture.width) if turned else picture.size


def _shrunk(picture: Image.Image, longest: int) -> tuple[int, int]:
    """Return the size with this longest side."""
    factor = longest / max(picture.size)
    return max(1, round(picture.width * factor)), max(1, round(picture.height * factor))


def _prepared(opened: Image.Image, largest: int) -> Image.Image:
    """Return the first frame, upright, in RGB or RGBA, as small as possible."""
    opened = _converted(opened)
    opened.thumbnail((largest, largest), reducing_gap=2.0)
    return _upright(opened)


def _upright(opened: Image.Image) -> Image.Image:
    picture = ImageOps.exif_transpose(_converted(opened))
    picture.info.clear()
    return picture


def _converted(opened: Image.Image) -> Image.Image:
    mode = "RGBA" if opened.has_transparency_data else "RGB"
    return opened if opened.mode == mode else opened.convert(mode)


def _blur(picture: Image.Image) -> str:
    small = picture.convert("RGBA")
    small.thumbnail((BLUR_SIDE, BLUR_SIDE))
    return base64.b64encode(thumbhash(*small.size, small.tobytes())).decode()
