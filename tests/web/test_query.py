"""Query parameters: types and repetition."""

from typing import Annotated

import msgspec
import pytest
from aiohttp.test_utils import make_mocked_request

from chatserver.errors import BadRequest
from chatserver.web.query import parse_query


class Asked(msgspec.Struct):
    limit: Annotated[int, msgspec.Meta(ge=1)] | None = None
    names: str | None = None
    q: str = ""


def asked(query: str) -> Asked:
    return parse_query(make_mocked_request("GET", f"/api/users?{query}"), Asked)


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("", Asked()),
        ("limit=5", Asked(limit=5)),
        ("q=null&names=null", Asked(q="null", names="null")),
        ("other=1&other=2&limit=5", Asked(limit=5)),
    ],
)
def test_a_parameter_is_converted_to_its_type(query: str, found: Asked) -> None:
    assert asked(query) == found


@pytest.mark.parametrize(
    "query",
    [
        "limit=null",
        "limit=Null",
        "limit=null&limit=null",
        "limit=5&limit=5",
        "limit=5&limit=",
        "q=a&q=b",
        "q=a&%71=b",
        "limit=",
        "limit=0",
        "limit=5.5",
    ],
)
def test_a_repeated_or_invalid_parameter_is_rejected(query: str) -> None:
    with pytest.raises(BadRequest):
        asked(query)
