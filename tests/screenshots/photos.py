"""Landscapes and a map, drawn from noise: pictures for screenshots that nobody else owns."""

import io
import math
from dataclasses import dataclass
from itertools import pairwise
from random import Random

from PIL import Image, ImageChops, ImageDraw, ImageFilter, ImageFont

Colour = tuple[int, int, int]
Size = tuple[int, int]

SIZE = (1500, 1000)  # of a photo
MAP = (1200, 760)
GRAIN = 14  # deviation of the noise of the film


@dataclass(frozen=True)
class Range:
    """Mountains: `base` and `height` are parts of the picture's height."""

    base: float
    height: float
    top: Colour
    foot: Colour
    trees: bool = False


@dataclass(frozen=True)
class Scene:
    """A view: colours of the sky from top to horizon, the sun in parts of the size, mountains.

    `shore`: where a lake begins that mirrors them, in parts of the height.
    """

    seed: int
    sky: tuple[Colour, ...]
    sun: tuple[float, float]
    light: Colour
    ranges: tuple[Range, ...]
    shore: float = 1.0


SUNRISE = Scene(
    seed=11,
    sky=((64, 92, 148), (148, 152, 188), (246, 186, 140), (255, 226, 178)),
    sun=(0.66, 0.5),
    light=(255, 240, 205),
    ranges=(
        Range(0.62, 0.2, (150, 138, 168), (228, 184, 160)),
        Range(0.74, 0.2, (102, 94, 132), (186, 146, 146)),
        Range(0.88, 0.18, (56, 54, 84), (112, 92, 108)),
        Range(1.02, 0.14, (22, 26, 40), (34, 34, 48), trees=True),
    ),
)
LAKE = Scene(
    seed=29,
    sky=((58, 122, 196), (132, 182, 226), (214, 232, 240)),
    sun=(0.2, -0.2),
    light=(255, 255, 250),
    ranges=(
        Range(0.42, 0.24, (156, 176, 196), (190, 208, 214)),
        Range(0.5, 0.2, (92, 116, 122), (138, 158, 150)),
        Range(0.585, 0.1, (34, 66, 48), (58, 92, 58), trees=True),
    ),
    shore=0.58,
)
AUTUMN = Scene(
    seed=5,
    sky=((176, 196, 214), (222, 226, 226), (242, 236, 220)),
    sun=(0.4, 0.3),
    light=(255, 252, 236),
    ranges=(
        Range(0.5, 0.16, (158, 166, 172), (206, 204, 194)),
        Range(0.68, 0.16, (134, 118, 88), (190, 156, 98), trees=True),
        Range(0.84, 0.14, (168, 92, 34), (206, 132, 48), trees=True),
        Range(1.04, 0.16, (92, 50, 26), (140, 74, 30), trees=True),
    ),
)


def photo(scene: Scene, size: Size = SIZE) -> bytes:
    """Return a JPEG of the scene."""
    rng = Random(scene.seed)
    image = _gradient(size, scene.sky)
    _shine(image, scene)
    for one in scene.ranges:
        _raise(image, one, rng)
    if scene.shore < 1:
        _mirror(image, round(scene.shore * size[1]), rng)
    return _jpeg(_developed(image))


def route_map() -> bytes:
    """Return a PNG of a walk around a lake."""
    rng = Random(3)
    image = Image.new("RGB", MAP, (240, 238, 224))
    draw = ImageDraw.Draw(image)
    for ring in range(26, 3, -1):
        shade = (214 - ring, 226 - ring // 2, 196 - ring)
        hill = _closed((790, 240), 26 * ring, Random(8), rough=0.22)
        draw.polygon(hill, fill=shade, outline=(190, 182, 150))
    lake = _closed((470, 470), 150, rng, rough=0.35)
    draw.polygon(lake, fill=(158, 200, 226), outline=(104, 156, 190))
    way = _way([(90, 660), (200, 420), (420, 330), (620, 300), (800, 190), (980, 330), (1110, 560)])
    draw.line(way, fill=(255, 255, 255), width=15, joint="curve")
    for start, end in list(pairwise(way))[::2]:
        draw.line([start, end], fill=(206, 52, 44), width=8)
    for place, name in ((0, "Station"), (44, "Lake"), (88, "Ridge 1,284 m"), (132, "Hut")):
        _label(draw, way[min(place, len(way) - 1)], name)
    content = io.BytesIO()
    image.save(content, "PNG")
    return content.getvalue()


def _gradient(size: Size, colours: tuple[Colour, ...]) -> Image.Image:
    column = Image.new("RGB", (1, len(colours)))
    column.putdata(colours)
    return column.resize(size, Image.Resampling.BICUBIC)


def _shine(image: Image.Image, scene: Scene) -> None:
    """Draw the sun and its glow."""
    width, height = image.size
    x, y = scene.sun[0] * width, scene.sun[1] * height
    for radius, strength in ((0.42, 60), (0.16, 70), (0.032, 255)):
        mask = Image.new("L", image.size)
        reach = radius * width
        ImageDraw.Draw(mask).ellipse((x - reach, y - reach, x + reach, y + reach), fill=strength)
        soft = mask.filter(ImageFilter.GaussianBlur(reach / 2 if radius > 0.1 else 3))
        image.paste(scene.light, mask=soft)


def _raise(image: Image.Image, one: Range, rng: Random) -> None:
    """Draw mountains, or a wood."""
    width, height = image.size
    line = [one.base - one.height * value for value in _noise(width, rng)]
    edge = [(x, y * height) for x, y in enumerate(line)]
    mask = Image.new("L", image.size)
    draw = ImageDraw.Draw(mask)
    draw.polygon([*edge, (width, height), (0, height)], fill=255)
    if one.trees:
        _plant(draw, edge, height, rng)
    layer = _gradient(image.size, (one.top, one.top, one.foot))
    top = round(min(line) * height)
    shaded = _gradient((width, max(1, height - top)), (one.top, one.foot))
    layer.paste(shaded, (0, top))
    image.paste(layer, mask=mask.filter(ImageFilter.GaussianBlur(0.8)))


def _plant(
    draw: ImageDraw.ImageDraw, edge: list[tuple[int, float]], height: int, rng: Random
) -> None:
    """Draw firs along a line."""
    position = 0
    while position < len(edge):
        x, y = edge[position]
        tall = height * rng.uniform(0.02, 0.055)
        for part in (1.0, 0.7, 0.45):
            half = tall * 0.2 * part
            foot = y + tall * (part - 0.75)
            draw.polygon([(x - half, foot + 6), (x, foot - tall * 0.5), (x + half, foot + 6)], 255)
        position += rng.randint(4, 15)


def _mirror(image: Image.Image, shore: int, rng: Random) -> None:
    """Replace what is below the shore by water."""
    width, height = image.size
    depth = height - shore
    above = image.crop((0, max(0, shore - depth), width, shore)).transpose(
        Image.Transpose.FLIP_TOP_BOTTOM
    )
    water = above.resize((width, depth)).filter(ImageFilter.GaussianBlur(3))
    for row in range(depth):
        shift = round((2 + row / 40) * math.sin(row / (2 + row / 60) + rng.uniform(-0.5, 0.5)))
        water.paste(water.crop((0, row, width, row + 1)), (shift, row))
    image.paste(Image.blend(water, Image.new("RGB", water.size, (34, 62, 84)), 0.3), (0, shore))


def _developed(image: Image.Image) -> Image.Image:
    """Return the picture with grain."""
    grain = Image.effect_noise(image.size, GRAIN).filter(ImageFilter.GaussianBlur(0.7))
    return ImageChops.soft_light(image, Image.merge("RGB", [grain] * 3))


def _noise(width: int, rng: Random) -> list[float]:
    """Return heights from 0 to 1 along a line, by midpoint displacement."""
    line, scale = [rng.random(), rng.random()], 0.6
    while len(line) < width:
        between = [(a + b) / 2 + rng.uniform(-scale, scale) / 2 for a, b in pairwise(line)]
        line = [value for pair in zip(line, between, strict=False) for value in pair] + line[-1:]
        scale *= 0.52
    low, high = min(line), max(line)
    step = (len(line) - 1) / (width - 1)
    return [(line[round(x * step)] - low) / (high - low) for x in range(width)]


def _closed(
    middle: tuple[int, int], radius: float, rng: Random, *, rough: float
) -> list[tuple[float, float]]:
    """Return an uneven ring."""
    waves = [(number, rng.uniform(0, 7), rng.uniform(0.3, 1) / number) for number in range(2, 6)]
    ring = []
    for step in range(180):
        angle = math.radians(2 * step)
        uneven = sum(size * math.sin(number * angle + start) for number, start, size in waves)
        reach = radius * (1 + rough * uneven)
        ring.append(
            (middle[0] + reach * math.cos(angle), middle[1] + reach * math.sin(angle) * 0.7)
        )
    return ring


def _way(stops: list[tuple[int, int]], steps: int = 24) -> list[tuple[float, float]]:
    """Return a smooth line through the stops (Catmull-Rom)."""
    points = [stops[0], *stops, stops[-1]]
    way = []
    for a, b, c, d in zip(points, points[1:], points[2:], points[3:], strict=False):
        for step in range(steps):
            t = step / steps
            way.append(tuple(_between((a[k], b[k], c[k], d[k]), t) for k in (0, 1)))
    return [(x, y) for x, y in way] + [stops[-1]]


def _between(values: tuple[int, int, int, int], t: float) -> float:
    a, b, c, d = values
    cubic = (3 * b - a - 3 * c + d) * t**3 + (2 * a - 5 * b + 4 * c - d) * t**2
    return 0.5 * (2 * b + (c - a) * t + cubic)


def _label(draw: ImageDraw.ImageDraw, place: tuple[float, float], name: str) -> None:
    x, y = place
    draw.ellipse((x - 13, y - 13, x + 13, y + 13), fill=(206, 52, 44), outline="white", width=5)
    font = ImageFont.load_default(30)
    draw.text((x + 22, y - 40), name, (40, 44, 52), font, stroke_width=5, stroke_fill="white")


def _jpeg(image: Image.Image) -> bytes:
    content = io.BytesIO()
    image.save(content, "JPEG", quality=88)
    return content.getvalue()
