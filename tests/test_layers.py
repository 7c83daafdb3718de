"""Layers of docs/architecture.md: imports never point up, and each library has one home."""

import ast
import sys
from collections.abc import Iterator
from functools import cache
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).parent.parent
LONGEST = 300  # lines of a module
LONGEST_FUNCTION = 40  # lines

# From the lowest. A name includes its submodules; the longest matching name decides.
LAYERS = [
    (
        "errors models notification_rules file_state bucket_url config config_sources limits"
        " logs histogram data_dir resources clocks deadline supervisor threads redaction"
        " permissions binding origins tls launch"
        " descriptors public_addresses text protocol bus"
    ),
    "storage bus.redis bus.choice",
    "accounts chat realtime files push nightly restore",
    "web",
    "app server shutdown",
    "embedding commands __main__",
]

# Modules that may import a library. msgspec can be imported everywhere.
HOMES = {
    "aiohttp": {
        "web",
        "app",
        "server",
        "embedding",
        "commands",
        "files.bucket",  # errors of the client of S3
        "push.delivery",  # the client
        "push.resolver",
    },
    "aiobotocore": {"files.bucket"},
    "botocore": {"files.bucket", "files.bucket_failures"},
    "aiohttp_jinja2": {"web"},
    "yarl": {"origins"},
    "jinja2": {"web"},
    "prometheus_client": {"web.metrics"},
    "sqlalchemy": {"storage", "migrations"},
    "alembic": {"storage.migrate", "migrations"},
    "aiosqlite": {"storage"},
    "sqlite3": {"storage"},
    "aiomysql": {"storage"},
    "pymysql": {"storage"},
    "redis": {"bus.redis"},
    "argon2": {"accounts.passwords"},
    "cryptography": {"push.encryption", "push.vapid"},
    "jwt": {"accounts.session_tokens", "push.vapid"},
    "markdown_it": {"text.markdown", "text.markdown_blocks", "text.markdown_lines"},
    "nh3": {"text.markdown"},
    "click": {"__main__", "commands"},
    "structlog": {"logs"},
    "PIL": {"files.media.thumbnails"},
    "pypdf": {"files.texts.pdf"},
    "segno": {"commands.serve", "web.invitations"},
    "uvloop": {"commands.options"},
}

# Modules whose tasks end by themselves: each does one piece of work, for one query, gap, download
# or connection. Tasks that run as long as the server are started by `supervisor.Supervisor`.
SHORT_LIVED = (
    "commands.control commands.user_import realtime.subscriptions realtime.announcements"
    " realtime.session_ends chat.event_cache files.bucket storage.health storage.batch_loader"
    " storage.sqlite_connection"
    " web.websocket.transport web.control_socket web.rendering web.spool deadline"
    " web.file_body push.delivery threads"
)

LEVEL = {name: level for level, names in enumerate(LAYERS) for name in names.split()}
PURE = {"errors", "models"}  # import no own module but `text.normalization`


def modules() -> dict[str, Path]:
    """Return all modules by name without that of the package; the package itself is ""."""
    found = {}
    for root, prefix in (("chatserver", ""), ("migrations", "migrations.")):
        for file in sorted((REPOSITORY / root).rglob("*.py")):
            parts = file.relative_to(REPOSITORY / root).with_suffix("").parts
            name = ".".join(part for part in parts if part != "__init__")
            found[prefix + name] = file
    return found


MODULES = modules()
OURS = sorted(name for name in MODULES if not name.startswith("migrations"))


@cache
def tree(name: str) -> ast.Module:
    return ast.parse(MODULES[name].read_text(encoding="utf-8"))


def imports(module: ast.Module, ours: set[str]) -> Iterator[str]:
    """Yield dotted names of all imports in a module, including late and conditional ones."""
    for node in ast.walk(module):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, "imports are absolute"
            base = node.module or ""
            for alias in node.names:
                whole = f"{base}.{alias.name}"
                yield whole if whole.removeprefix("chatserver.") in ours else base


@cache
def imports_of(name: str) -> set[str]:
    return set(imports(tree(name), set(OURS)))


def own_imports(name: str) -> set[str]:
    """Return own modules that a module imports, without the package's name."""
    return {
        found.removeprefix("chatserver").removeprefix(".")
        for found in imports_of(name)
        if found.split(".")[0] == "chatserver"
    }


def covers(general: str, name: str) -> bool:
    return name == general or name.startswith(f"{general}.")


def layer(name: str) -> int:
    """Return the layer of a module. Raises KeyError if it is not listed."""
    parts = name.split(".")
    while len(parts) > 1 and ".".join(parts) not in LEVEL:
        parts.pop()
    return LEVEL[".".join(parts)]


# The parser --------------------------------------------------------------------------------------


def test_imports_are_found_at_every_level() -> None:
    source = """
import os, chatserver.app
from chatserver import __version__
from chatserver.realtime import hub
if TYPE_CHECKING:
    from chatserver.web import routes
    from chatserver.web.websocket import endpoint as s
def late():
    try:
        import redis.asyncio
    except ImportError:
        from sqlalchemy import select
"""
    ours = {"app", "realtime.hub", "web", "web.websocket.endpoint"}
    assert set(imports(ast.parse(source), ours)) == {
        "os",
        "chatserver.app",
        "chatserver.realtime.hub",
        "chatserver",
        "chatserver.web.websocket.endpoint",
        "chatserver.web",
        "redis.asyncio",
        "sqlalchemy",
    }


def test_the_longest_name_decides_about_a_layer() -> None:
    assert (layer("bus"), layer("bus.redis"), layer("web.websocket.endpoint")) == (0, 1, 3)
    with pytest.raises(KeyError):
        layer("somewhere")


# Imports -----------------------------------------------------------------------------------------


def test_an_import_never_points_up() -> None:
    for name in OURS[1:]:  # without the package itself
        for imported in own_imports(name) - {""}:
            assert layer(imported) <= layer(name), f"{name} imports {imported}"


def test_only_the_version_is_imported_from_the_package_itself() -> None:
    for name in OURS:
        for node in ast.walk(tree(name)):
            if isinstance(node, ast.ImportFrom) and node.module == "chatserver":
                names = {alias.name for alias in node.names}
                assert names <= set(OURS) | {"__version__"}, name


def test_the_package_itself_imports_only_its_public_names() -> None:
    assert own_imports("") == {"app", "config", "embedding"}


@pytest.mark.parametrize("name", sorted(PURE))
def test_models_and_errors_import_only_normalization(name: str) -> None:
    assert own_imports(name) <= {"text.normalization"}


def test_imports_have_no_cycle() -> None:
    """Late imports count. The package itself does not: see its __getattr__."""
    graph = {name: own_imports(name) - {""} for name in OURS if name}
    assert [*TopologicalSorter(graph).static_order()]  # CycleError contains the cycle


def test_the_protocol_imports_only_models_and_errors() -> None:
    parts = {name for name in OURS if covers("protocol", name)}
    assert len(parts) > 1
    assert set().union(*map(own_imports, parts)) - parts == PURE | {"text.markup"}


def test_a_library_is_imported_only_in_its_home() -> None:
    for name in MODULES:
        for library in {imported.split(".")[0] for imported in imports_of(name)} & HOMES.keys():
            assert any(covers(home, name) for home in HOMES[library]), f"{name} uses {library}"


def test_every_layer_names_existing_modules() -> None:
    homes = {home for homes in HOMES.values() for home in homes} - {"migrations"}
    assert (LEVEL.keys() | homes) <= set(OURS)


def test_every_imported_library_is_listed_with_its_home() -> None:
    known = HOMES.keys() | sys.stdlib_module_names | {"chatserver", "msgspec"}
    for name in MODULES:
        used = {imported.split(".")[0] for imported in imports_of(name)}
        assert used - known == set(), name


# The size of things ------------------------------------------------------------------------------


def test_a_module_has_a_docstring_and_is_short() -> None:
    for name, file in MODULES.items():
        assert ast.get_docstring(tree(name)), name
        assert len(file.read_text(encoding="utf-8").splitlines()) <= LONGEST, name


def test_a_function_is_short() -> None:
    for name in OURS:
        for node in ast.walk(tree(name)):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                lines = (node.end_lineno or 0) - node.lineno + 1
                assert lines <= LONGEST_FUNCTION, f"{name}: {node.name}"


# Tasks -------------------------------------------------------------------------------------------


def starts_tasks(name: str) -> bool:
    names = {node.attr for node in ast.walk(tree(name)) if isinstance(node, ast.Attribute)}
    return bool(names & {"create_task", "ensure_future", "TaskGroup"})


def test_tasks_are_started_by_the_supervisor_or_end_by_themselves() -> None:
    assert {name for name in OURS if starts_tasks(name)} == {"supervisor", *SHORT_LIVED.split()}
