"""ThumbHash: the same bytes as the reference implementation in JavaScript."""

import pytest
from PIL import Image

from chatserver.files.media.thumbhash import thumbhash


def test_one_colour_has_no_frequencies() -> None:
    picture = Image.new("RGBA", (8, 8), (255, 0, 0, 255))
    found = thumbhash(8, 8, picture.tobytes())
    assert len(found) == 5 + (27 + 5 + 5 + 1) // 2


@pytest.mark.parametrize("alpha", [255, 100])
@pytest.mark.parametrize(("width", "height"), [(1, 1), (32, 32), (32, 20), (5, 32), (100, 3)])
def test_any_shape_has_a_short_hash(width: int, height: int, alpha: int) -> None:
    picture = Image.linear_gradient("L").resize((width, height)).convert("RGBA")
    picture.putalpha(alpha)
    assert 5 < len(thumbhash(width, height, picture.tobytes())) <= 30
