"""API descriptions in docs/: valid, complete, and up to date."""

import json
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from jsonschema import Draft7Validator
from openapi_spec_validator import validate
from pytest_aiohttp.plugin import AiohttpClient

from chatserver.accounts.passwords import check_choice
from chatserver.app import create_app
from chatserver.config import LimitSettings, ServerSettings, Settings
from chatserver.errors import BadRequest, CloseCode
from chatserver.text.names import (
    checked_display,
    checked_name,
    checked_room_name,
    checked_title,
    checked_topic,
)
from chatserver.web.api_docs import asyncapi, openapi
from chatserver.web.api_docs.__main__ import texts
from chatserver.web.api_docs.markdown import LIMITS, fill
from chatserver.web.api_docs.socket import CLOSINGS, COMMANDS, REPLIES, REPLY_TYPES
from chatserver.web.routes import OPERATIONS
from tests.driver import Chat, ask

REPOSITORY = Path(__file__).parent.parent
DOCS = REPOSITORY / "docs"
OFFICIAL = REPOSITORY / "tests" / "asyncapi" / "3.1.0.json"  # npm @asyncapi/specs 6.11.1, as it is
SERVERS = {"servers": "where the document was read"}
DESCRIBED = re.compile(
    r"/api/(?!uploads)|/(login|logout|setup|join|files|pictures|logo|healthz|readyz|metrics)(/|$)"
)


def _display(text: str) -> str:
    return checked_display(text, "ann")


def committed(name: str) -> Any:
    return json.loads((DOCS / name).read_text(encoding="utf-8"))


def mistakes(document: Any) -> list[str]:
    """Return the violations of the official schema of AsyncAPI in a document."""
    official = json.loads(OFFICIAL.read_text(encoding="utf-8"))
    return [error.message for error in Draft7Validator(official).iter_errors(document)]


def references(value: Any) -> set[str]:
    """Return every $ref in a document."""
    if isinstance(value, list):
        return set().union(*map(references, value))
    if not isinstance(value, dict):
        return set()
    own = {value["$ref"]} if isinstance(value.get("$ref"), str) else set()
    return own.union(*map(references, value.values()))


def at(document: Any, reference: str) -> Any:
    for part in reference.removeprefix("#/").split("/"):
        document = document[part]
    return document


# The files ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["asyncapi.json", "openapi.json", "protocol.md"])
def test_the_committed_copy_is_what_make_describe_writes(name: str) -> None:
    text = (DOCS / name).read_text(encoding="utf-8")
    assert text == texts(DOCS)[name], "run: make describe"


def test_optional_and_nullable_fields_are_marked() -> None:
    text = texts(DOCS)["protocol.md"]
    assert "`name` text or null" in text
    assert "`favorite?` true/false |" in text
    decimals = re.findall(r"`(\w+)\??` (?:[^`,]* )?decimal", text)
    assert set(decimals) == {"retry_after", "messages_per_second", "seconds"}


async def test_both_documents_are_served_without_a_session(chat: Chat) -> None:
    browser = chat.browser()
    for name in ("asyncapi.json", "openapi.json"):
        for _again in range(2):
            answer = await ask(browser, "GET", f"{chat.url}/api/{name}")
            assert (answer.status, answer.json | SERVERS) == (200, committed(name) | SERVERS)


async def test_the_asyncapi_document_has_the_address_of_the_server(
    chat: Chat, tmp_path: Path, aiohttp_client: AiohttpClient
) -> None:
    found = await ask(chat.browser(), "GET", f"{chat.url}/api/asyncapi.json")
    here = committed("asyncapi.json")["servers"]["here"]
    assert found.json["servers"]["here"] == here | {"host": chat.url.removeprefix("http://")}
    outer = web.Application()
    server = ServerSettings(public_url="https://chat.example:8443")
    outer.add_subapp("/talk", create_app(Settings(data=tmp_path / "talk", server=server)))
    client = await aiohttp_client(outer)
    document = await (await client.get("/talk/api/asyncapi.json")).json()
    place = {"host": "chat.example:8443", "protocol": "wss", "pathname": "/talk"}
    assert document["servers"]["here"] == here | place
    assert mistakes(document) == []


def test_the_generators_are_not_imported_at_the_start() -> None:
    program = "import sys, chatserver.app; print(*sys.modules)"
    command = [sys.executable, "-c", program]
    done = subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True, check=True)
    loaded = {name for name in done.stdout.split() if "web.api_docs" in name}
    assert loaded == {"chatserver.web.api_docs"}


# asyncapi.json -----------------------------------------------------------------------------------


def test_the_asyncapi_document_is_valid() -> None:
    document = committed("asyncapi.json")
    assert mistakes(document) == []
    for reference in references(document):
        assert at(document, reference), reference


def test_an_invalid_asyncapi_document_is_detected() -> None:
    document = committed("asyncapi.json")
    document["operations"]["tell"]["action"] = "shout"
    document["components"]["messages"]["Stored"]["payload"] = 7
    assert mistakes(document)


def test_every_command_has_its_replies() -> None:
    assert set(REPLIES) == set(COMMANDS)
    assert {reply for replies in REPLIES.values() for reply in replies} == set(REPLY_TYPES)


def test_every_close_code_is_described() -> None:
    assert set(CLOSINGS) == set(CloseCode)
    codes = asyncapi.document()["channels"]["socket"]["x-close-codes"]
    assert set(codes) == {str(code.value) for code in CloseCode}


# openapi.json ------------------------------------------------------------------------------------


def test_the_openapi_document_is_valid() -> None:
    document = committed("openapi.json")
    validate(document)
    for reference in references(document):
        assert at(document, reference), reference


def test_exactly_the_existing_routes_are_described(tmp_path: Path) -> None:
    app = create_app(Settings(data=tmp_path))
    routes = {
        (route.method, route.resource.canonical)
        for route in app.router.routes()
        if route.resource is not None and route.method != "HEAD"
    }
    described = {(one.method, one.path) for one in OPERATIONS}
    assert described == {route for route in routes if DESCRIBED.match(route[1])}


def test_every_described_error_exists() -> None:
    for operation in OPERATIONS:
        assert set(operation.refuses.split()) <= openapi.codes().keys(), operation.name


# protocol.md -------------------------------------------------------------------------------------


def test_every_limit_is_described() -> None:
    assert set(LIMITS) == set(LimitSettings.__struct_fields__)


def test_every_table_is_inserted() -> None:
    template = (DOCS / "protocol.in.md").read_text(encoding="utf-8")
    assert len(re.findall(r"<!-- \w+ -->", template)) == 9
    assert "<!--" not in fill(template)


# Limits ------------------------------------------------------------------------------------------

TEXT = "q7Wz" + "".join(f"{number:x}" for number in range(1_000))  # easy to guess for nobody
LENGTHS = [
    *((shape, "username", checked_name) for shape in ("NewAccount", "NewUserForm", "Setup")),
    *((shape, "password", check_choice) for shape in ("NewAccount", "NewPassword", "UserChange")),
    *((shape, "display", _display) for shape in ("NewAccount", "Profile", "UserChange", "NewBot")),
    ("NewBot", "name", checked_name),
    ("NewRoom", "name", checked_room_name),
    ("NewRoom", "title", checked_title),
    ("NewRoom", "topic", checked_topic),
]


@pytest.mark.parametrize(("shape", "field", "check"), LENGTHS)
def test_the_described_lengths_are_those_that_the_server_checks(
    shape: str, field: str, check: Callable[[str], object]
) -> None:
    described = openapi.document(OPERATIONS)["components"]["schemas"][shape]["properties"][field]
    (limits,) = (one for one in described.get("anyOf", [described]) if one["type"] == "string")
    shortest, longest = limits.get("minLength", 0), limits["maxLength"]
    for length in (shortest, longest):
        if length:
            check(TEXT[:length])
    for length in (shortest - 1, longest + 1):
        if length > 0:
            with pytest.raises(BadRequest):
                check(TEXT[:length])
