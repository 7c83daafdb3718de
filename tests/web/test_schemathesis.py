"""Conformance of the server to the OpenAPI description, tested by schemathesis for every operation.

Right and wrong requests, methods that are not offered, missing and wrong tokens: no failure of the
server, no answer that is not described, nothing wrong accepted. The same requests each time.
"""

import itertools
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import requests
import schemathesis
from hypothesis import assume

from tests.process import ServerProcess

pytestmark = pytest.mark.xdist_group("schemathesis")  # one worker makes what they share

OPENAPI = Path(__file__).parent.parent.parent / "docs" / "openapi.json"
PASSWORD = "purple stone river"
PEOPLE = ("ann", "bo", "cy", "dee")  # dee's account is what administrators change
SELDOM = {f"CHATSERVER_LIMITS__LOGINS_PER_MINUTE_{of}": "1000000" for of in ("ACCOUNT", "ADDRESS")}
ENDS_SESSIONS = ("/logout", "/api/sessions")  # cy asks, with a new session each time
# Each request comes from another address: a fast machine would exceed the rate of one.
PROXIED = {"CHATSERVER_SERVER__TRUSTED_PROXIES": "127.0.0.1"}
LONGEST_URL = 8_000  # characters; longer ones are refused before the application
CHEAP = {"CHATSERVER_AUTH__ARGON2_MEMORY_KIB": "19456"}  # the least that is accepted

# What there is, so that not every request ends with not_found: (where, what).
THERE: dict[str, list[str | int]] = {
    "path.room": ["lobby", "2", "#den", "3"],
    "path.seq": [1, 2, 3],
    "path.user": ["bo", "cy"],
    "path.name": ["dee"],
    "path.emoji": ["👍"],
    "body.users[*]": ["bo", "cy"],
    "body.rooms[*]": ["lobby", "den"],
    "body.username": ["ann", "bo", "eve", "fay", "gus"],
    "body.password": [PASSWORD],
    "body.name": ["plans", "robot"],
    "body.display": ["Kim 金"],
    "body.title": ["Plans"],
    "body.topic": ["what next"],
    "body.data": ["hello", "hello, @bo"],
    "query.q": ["hello", "from:ann"],
    "query.room": ["lobby", "den"],
}
CONFIG = {
    "seed": 7,
    "generation": {
        "max-examples": 20,
        "deterministic": True,
        "database": "none",
        "allow-extra-parameters": False,
        "with-security-parameters": False,
    },
    "dictionaries": {name: {"values": values} for name, values in THERE.items()},
    "parameters": {name: {"dictionary": name, "probability": 0.6} for name in THERE},
    # A schema cannot say that a name is taken, a text blank, a password easily guessed.
    "checks": {"positive_data_acceptance": {"enabled": False}},
}


_addresses = (f"10.{a}.{b}.{c}" for a, b, c in itertools.product(range(256), repeat=3))


# What is described -------------------------------------------------------------------------------


def closed(schema: Any) -> Any:
    """Clients ignore fields that they do not know; here an answer must have no others."""
    if isinstance(schema, list):
        return [closed(inner) for inner in schema]
    if not isinstance(schema, dict):
        return schema
    inside = {key: closed(inner) for key, inner in schema.items()}
    return inside | ({"additionalProperties": False} if "properties" in inside else {})


def asked(document: Any) -> set[str]:
    """The names of the types that operations take."""
    operations = [operation for path in document["paths"].values() for operation in path.values()]
    contents = [operation.get("requestBody", {}).get("content", {}) for operation in operations]
    kinds = [kind["schema"] for content in contents for kind in content.values()]
    return {kind["$ref"].rpartition("/")[2] for kind in kinds if "$ref" in kind}


def described() -> Any:
    document = json.loads(OPENAPI.read_text(encoding="utf-8"))
    bodies = asked(document)
    schemas = document["components"]["schemas"]
    document["components"]["schemas"] = {
        name: schema if name in bodies else closed(schema) for name, schema in schemas.items()
    }
    return document


API = schemathesis.openapi.from_dict(described(), config=schemathesis.Config.from_dict(CONFIG))


# Who asks ----------------------------------------------------------------------------------------


class Visitors:
    """root, an administrator; and cy, who logs in again after an operation that ends sessions."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.root = ""

    def log_in(self, name: str) -> str:
        return self._post(200, "/login", username=name, password=PASSWORD)

    def move_in(self, setup_token: str) -> None:
        """root, the others, a room, a direct one, and a few messages."""
        account = {"username": "root", "password": PASSWORD}
        self.root = self._post(200, "/setup", token=setup_token, **account)
        for name in PEOPLE:
            self._post(201, "/api/users", username=name, password=PASSWORD)
        self._post(201, "/api/rooms", name="den", users=["bo"])
        self._post(201, "/api/direct/bo/messages", data="psst")
        for room in ("lobby", "den") * 3:
            self._post(201, f"/api/rooms/{room}/messages", data="hello")

    def _post(self, status: int, path: str, **facts: Any) -> str:
        headers = {"Authorization": self.root} if path.startswith("/api/") else {}
        answer = requests.post(self.url + path, json=facts, headers=headers, timeout=10)
        assert answer.status_code == status, answer.text
        return answer.headers.get("Authorization", "")

    def token(self, case: schemathesis.Case[Any]) -> str:
        return self.log_in("cy") if case.path in ENDS_SESSIONS else self.root


@pytest.fixture(scope="module")
def visitors(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Visitors]:
    """On a server of their own."""
    data = tmp_path_factory.mktemp("schemathesis") / "data"
    server = ServerProcess(data, environ=SELDOM | CHEAP | PROXIED).start()
    try:
        link = re.search(r"/setup#(\S+)", "".join(server.lines))
        assert link, server.lines
        visitors = Visitors(server.url)
        visitors.move_in(link[1])
        yield visitors
    finally:
        server.kill()


def url_of(case: schemathesis.Case[Any]) -> str:
    parts = case.as_transport_kwargs(base_url="http://127.0.0.1")
    return str(requests.Request("GET", parts["url"], params=parts.get("params")).prepare().url)


# The test ----------------------------------------------------------------------------------------


@API.parametrize()
def test_every_response_conforms_to_the_openapi_document(
    case: schemathesis.Case[Any], visitors: Visitors
) -> None:
    assume(len(url_of(case)) < LONGEST_URL)
    headers = {"Authorization": visitors.token(case), "X-Forwarded-For": next(_addresses)}
    case.call_and_validate(base_url=visitors.url, headers=headers, timeout=10)
