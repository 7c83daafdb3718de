"""ThumbHash (https://evanw.github.io/thumbhash/): a picture's blurred form in about 25 bytes."""

import math
from collections.abc import Iterator, Sequence
from typing import NamedTuple

Size = tuple[int, int]  # width and height


class _Channel(NamedTuple):
    """The constant part, the frequencies divided by the largest of them, and that one."""

    constant: float
    frequencies: list[float]
    scale: float


def thumbhash(width: int, height: int, rgba: bytes) -> bytes:
    """Return the hash of a picture of four bytes a pixel, at most 100 pixels wide and high."""
    size = (width, height)
    red, green, blue, alpha = ([value / 255 for value in rgba[c::4]] for c in range(4))
    opacity = sum(alpha)
    red, green, blue = (_composed(channel, alpha, opacity) for channel in (red, green, blue))
    pixels = list(zip(red, green, blue, strict=True))
    has_alpha = opacity < width * height
    limit = 5 if has_alpha else 7
    nx, ny = (max(1, _round(limit * side / max(size))) for side in size)
    channels = [
        _encode([(r + g + b) / 3 for r, g, b in pixels], size, max(3, nx), max(3, ny)),
        _encode([(r + g) / 2 - b for r, g, b in pixels], size, 3, 3),
        _encode([r - g for r, g, _b in pixels], size, 3, 3),
    ]
    if has_alpha:
        channels.append(_encode(alpha, size, 5, 5))
    is_wide = width > height
    return _header(channels, ny if is_wide else nx, is_wide=is_wide) + _nibbles(channels)


def _composed(channel: Sequence[float], alpha: Sequence[float], opacity: float) -> list[float]:
    """Return a colour channel over its average."""
    average = sum(a * c for a, c in zip(alpha, channel, strict=True)) / (opacity or 1)
    return [average * (1 - a) + a * c for a, c in zip(alpha, channel, strict=True)]


def _encode(channel: Sequence[float], size: Size, nx: int, ny: int) -> _Channel:
    """Return the lowest frequencies of the discrete cosine transform."""
    constant, *others = _transformed(channel, size, nx, ny)
    scale = max(map(abs, others))
    return _Channel(constant, [0.5 + 0.5 / scale * v for v in others] if scale else others, scale)


def _transformed(channel: Sequence[float], size: Size, nx: int, ny: int) -> Iterator[float]:
    width, height = size
    rows = [channel[y * width : (y + 1) * width] for y in range(height)]
    across = [[_dot(row, _cosines(width, cx)) for row in rows] for cx in range(nx)]
    for cy in range(ny):
        down = _cosines(height, cy)
        for cx in range(nx):
            if cx * ny < nx * (ny - cy):
                yield _dot(across[cx], down) / (width * height)


def _cosines(count: int, frequency: int) -> list[float]:
    return [math.cos(math.pi / count * frequency * (i + 0.5)) for i in range(count)]


def _dot(left: Sequence[float], right: Sequence[float]) -> float:
    return sum(a * b for a, b in zip(left, right, strict=True))


def _header(channels: Sequence[_Channel], shorter: int, *, is_wide: bool) -> bytes:
    """Return the constants; `shorter` is the number of frequencies along the shorter side."""
    light, p, q, *alpha = channels
    first = (
        _round(63 * light.constant)
        | _round(31.5 + 31.5 * p.constant) << 6
        | _round(31.5 + 31.5 * q.constant) << 12
        | _round(31 * light.scale) << 18
        | bool(alpha) << 23
    )
    second = shorter | _round(63 * p.scale) << 3 | _round(63 * q.scale) << 9 | is_wide << 15
    of_alpha = [_round(15 * a.constant) | _round(15 * a.scale) << 4 for a in alpha]
    return first.to_bytes(3, "little") + second.to_bytes(2, "little") + bytes(of_alpha)


def _nibbles(channels: Sequence[_Channel]) -> bytes:
    values = [_round(15 * value) for channel in channels for value in channel.frequencies]
    if len(values) % 2:
        values.append(0)
    return bytes(low | high << 4 for low, high in zip(values[::2], values[1::2], strict=True))


def _round(value: float) -> int:
    """Round halves up, as JavaScript does."""
    return math.floor(value + 0.5)
