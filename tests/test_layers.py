"""The floors of docs/architecture.md: an import never points up, and each driver has one home."""

import ast
import sys
from collections.abc import Iterator
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).parent.parent
LONGEST = 350  # lines of a module

# From the ground up. A name covers what is below it; the longest one that fits decides.
FLOORS = [
    (
        "errors models config limits logs histogram data_dir resources clocks supervisor redaction"
        " permissions binding origins tls launch descriptors text protocol bus"
    ),
    "storage bus.redis",
    "accounts chat realtime nightly restore",
    "web",
    "app server shutdown",
    "embedding commands __main__",
]

# Where a library lives; nobody else imports it. msgspec alone may go everywhere.
HOMES = {
    "aiohttp": {
        "web",
        "app",
        "server",
        "embedding",
        "commands",
    },
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
    "jwt": {"accounts.session_tokens"},
    "markdown_it": {"text.markdown"},
    "nh3": {"text.markdown"},
    "click": {"__main__", "commands"},
    "structlog": {"logs"},
    "segno": {"commands.serve", "web.invitations"},
    "uvloop": {"commands.options"},
}

# Modules whose tasks end by themselves: each does one piece of work, for one question, hole or
# socket. A task that runs as long as the server does is started by `supervisor.Supervisor`.
SHORT_LIVED = (
    "commands.control commands.user_import realtime.subscriptions realtime.announcements"
    " realtime.session_ends chat.event_cache storage.health storage.batch_loader"
    " web.websocket.transport web.control_socket web.spool web.time_limit"
)

LEVEL = {name: level for level, names in enumerate(FLOORS) for name in names.split()}
PURE = {"errors", "models"}  # import nothing of ours but `text.normalization`


def modules() -> dict[str, Path]:
    """Every module without the package's name; the package itself is ""."""
    found = {}
    for root, prefix in (("chatserver", ""), ("migrations", "migrations.")):
        for file in sorted((REPOSITORY / root).rglob("*.py")):
            parts = file.relative_to(REPOSITORY / root).with_suffix("").parts
            name = ".".join(part for part in parts if part != "__init__")
            found[prefix + name] = file
    return found


MODULES = modules()
OURS = sorted(name for name in MODULES if not name.startswith("migrations"))


def imports(source: str, ours: set[str]) -> Iterator[str]:
    """Dotted names of all modules that a source imports, late and conditional ones too."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, "imports are absolute"
            base = node.module or ""
            for alias in node.names:
                whole = f"{base}.{alias.name}"
                yield whole if whole.removeprefix("chatserver.") in ours else base


def imports_of(name: str) -> set[str]:
    return set(imports(MODULES[name].read_text(encoding="utf-8"), set(OURS)))


def own_imports(name: str) -> set[str]:
    """Our modules that a module imports, without the package's name."""
    return {
        found.removeprefix("chatserver").removeprefix(".")
        for found in imports_of(name)
        if found.split(".")[0] == "chatserver"
    }


def covers(general: str, name: str) -> bool:
    return name == general or name.startswith(f"{general}.")


def floor(name: str) -> int:
    """The floor of a module. KeyError for one that nobody has given a floor."""
    parts = name.split(".")
    while len(parts) > 1 and ".".join(parts) not in LEVEL:
        parts.pop()
    return LEVEL[".".join(parts)]


# The tool itself ---------------------------------------------------------------------------------


def test_imports_are_found_wherever_they_stand() -> None:
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
    assert set(imports(source, ours)) == {
        "os",
        "chatserver.app",
        "chatserver.realtime.hub",
        "chatserver",
        "chatserver.web.websocket.endpoint",
        "chatserver.web",
        "redis.asyncio",
        "sqlalchemy",
    }


def test_the_most_exact_name_decides_about_a_floor() -> None:
    assert (floor("bus"), floor("bus.redis"), floor("web.websocket.endpoint")) == (0, 1, 3)
    with pytest.raises(KeyError):
        floor("somewhere")


# The house ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", [name for name in OURS if name])
def test_an_import_never_points_up(name: str) -> None:
    own = floor(name)
    for imported in own_imports(name) - {""}:
        assert floor(imported) <= own, f"{name} (floor {own}) imports {imported}"


def test_nothing_but_the_version_is_imported_from_the_package_itself() -> None:
    for name in OURS:
        for node in ast.walk(ast.parse(MODULES[name].read_text(encoding="utf-8"))):
            if isinstance(node, ast.ImportFrom) and node.module == "chatserver":
                names = {alias.name for alias in node.names}
                assert names <= set(OURS) | {"__version__"}, name


def test_the_package_itself_imports_only_what_it_offers() -> None:
    assert own_imports("") == {"app", "config", "embedding"}


@pytest.mark.parametrize("name", sorted(PURE))
def test_the_nouns_and_the_refusals_import_only_normalization(name: str) -> None:
    assert own_imports(name) <= {"text.normalization"}


def test_nothing_imports_in_a_circle() -> None:
    """Late imports count. The package itself does not: it lends its names, see its __getattr__."""
    graph = {name: own_imports(name) - {""} for name in OURS if name}
    assert [*TopologicalSorter(graph).static_order()]  # CycleError names the circle


def test_the_wire_knows_the_nouns_and_the_refusals_only() -> None:
    parts = {name for name in OURS if covers("protocol", name)}
    assert len(parts) > 1
    assert set().union(*map(own_imports, parts)) - parts == PURE | {"text.markup"}


@pytest.mark.parametrize("library", sorted(HOMES))
def test_a_library_is_imported_only_where_it_lives(library: str) -> None:
    users = {
        name
        for name in MODULES
        if any(imported.split(".")[0] == library for imported in imports_of(name))
    }
    strangers = {name for name in users if not any(covers(home, name) for home in HOMES[library])}
    assert strangers == set()


def test_every_floor_names_modules_that_exist() -> None:
    homes = {home for homes in HOMES.values() for home in homes} - {"migrations"}
    assert (LEVEL.keys() | homes) <= set(OURS)


def test_everything_that_is_installed_is_listed_with_its_home() -> None:
    known = HOMES.keys() | sys.stdlib_module_names | {"chatserver", "msgspec"}
    for name in MODULES:
        used = {imported.split(".")[0] for imported in imports_of(name)}
        assert used - known == set(), name


# The size of things ------------------------------------------------------------------------------


@pytest.mark.parametrize("name", sorted(MODULES))
def test_a_module_says_what_it_is_for_and_stays_short(name: str) -> None:
    source = MODULES[name].read_text(encoding="utf-8")
    assert ast.get_docstring(ast.parse(source)), "every module has a docstring"
    assert len(source.splitlines()) <= LONGEST


# Tasks -------------------------------------------------------------------------------------------


def starts_tasks(name: str) -> bool:
    tree = ast.parse(MODULES[name].read_text(encoding="utf-8"))
    names = {node.attr for node in ast.walk(tree) if isinstance(node, ast.Attribute)}
    return bool(names & {"create_task", "ensure_future", "TaskGroup"})


def test_tasks_are_started_by_the_supervisor_or_end_by_themselves() -> None:
    assert {name for name in OURS if starts_tasks(name)} == {"supervisor", *SHORT_LIVED.split()}
