"""Source rules that linters do not check: SQL, logs, markup, other programs."""

import ast
from collections import Counter
from collections.abc import Iterator

import pytest

from tests.test_layers import MODULES

# Places that build SQL, and how often: from names of tables and constants, never from values.
BUILT_SQL = {
    "storage.integrity": 2,
    "storage.dialects": 1,
    "storage.retention": 1,
    "storage.room_summary": 1,
}
RUNS_SQL = {"text", "exec_driver_sql", "execute", "executemany", "executescript"}

# Names of values that must not be logged.
CONTENT = set(
    "body bodies text texts data password passwords token tokens cookie cookies headers query"
    " query_string path raw_path url rel_url payload draft event events command message"
    " messages receipt sentence values".split()
)
LEVELS = {"debug", "info", "warning", "error", "exception", "critical", "log"}

RUNS_OWN_PROGRAM = {"files.worker_process"}  # this program's own process, with a fixed command
OTHER_PROGRAMS = {"subprocess", "pickle", "marshal", "shelve", "pty"}
RUNS_PROGRAMS = {"create_subprocess_exec", "create_subprocess_shell"}
RUNS_TEXT = {"eval", "exec", "system", "popen", "__import__"}
MARKUP = {"Markup", "markupsafe"}


def calls(tree: ast.AST) -> Iterator[tuple[str, ast.Call]]:
    """Yield every call with the last part of its name."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            name = node.func.attr if isinstance(node.func, ast.Attribute) else node.func
            yield name.id if isinstance(name, ast.Name) else str(name), node


def names(node: ast.AST) -> set[str]:
    """Return every variable and attribute in an expression."""
    return {n.id for n in ast.walk(node) if isinstance(n, ast.Name)} | {
        n.attr for n in ast.walk(node) if isinstance(n, ast.Attribute)
    }


def is_built(node: ast.expr) -> bool:
    """Whether a text is built at runtime."""
    if isinstance(node, ast.JoinedStr):
        return any(isinstance(part, ast.FormattedValue) for part in node.values)
    if isinstance(node, ast.Call):
        return isinstance(node.func, ast.Attribute) and node.func.attr in ("format", "join")
    is_text = any(isinstance(n, ast.Constant) and isinstance(n.value, str) for n in ast.walk(node))
    return isinstance(node, ast.BinOp) and is_text


def built_sql(tree: ast.AST) -> list[int]:
    """Return lines that run a statement built at runtime."""
    found = [call for name, call in calls(tree) if name in RUNS_SQL and call.args]
    return [call.lineno for call in found if is_built(call.args[0])]


def content_in_logs(tree: ast.AST) -> list[str]:
    """Return forbidden values in log records, and log messages built at runtime."""
    findings = []
    for name, call in calls(tree):
        if name in LEVELS and isinstance(call.func, ast.Attribute) and "logger" in names(call.func):
            findings += [f"{call.lineno}: {ast.unparse(a)}" for a in call.args[:1] if is_built(a)]
            findings += [f"{call.lineno}: {n}" for n in sorted(names(call) & CONTENT)]
    return findings


# Detection ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "source",
    [
        'c.execute(f"SELECT {x}")',
        'sa.text("SELECT %s" % x)',
        'sa.text("SELECT " + x)',
        'c.exec_driver_sql("SELECT {}".format(x))',
    ],
)
def test_built_sql_is_detected(source: str) -> None:
    assert built_sql(ast.parse(source)) == [1]
    assert built_sql(ast.parse('sa.text("SELECT :x"); c.execute(query, {"x": f"{x}"})')) == []


@pytest.mark.parametrize(
    "source",
    [
        'logger.info("said %s", event.body)',
        'logger.debug("in", extra={"token": token})',
        'self.logger.info(f"hello {user}")',
        'logger.exception("failed", extra={"path": request.path})',
    ],
)
def test_content_in_log_records_is_detected(source: str) -> None:
    assert content_in_logs(ast.parse(source))
    assert not content_in_logs(ast.parse('logger.info("closed", extra={"user": user.name})'))


# Rules -------------------------------------------------------------------------------------------


def trees() -> Iterator[tuple[str, ast.Module]]:
    for name, file in MODULES.items():
        if not name.startswith("migrations"):
            yield name, ast.parse(file.read_text(encoding="utf-8"))


def test_sql_is_never_built_from_user_input() -> None:
    found = Counter({name: len(built_sql(tree)) for name, tree in trees()})
    assert +found == Counter(BUILT_SQL)


def test_log_records_never_contain_content_or_credentials() -> None:
    findings = {name: content_in_logs(tree) for name, tree in trees()}
    assert {name: lines for name, lines in findings.items() if lines} == {}


def test_no_text_is_executed_and_no_program_is_run() -> None:
    for name, tree in trees():
        called = {word for word, _ in calls(tree)} | names(tree)
        programs = set() if name in RUNS_OWN_PROGRAM else OTHER_PROGRAMS | RUNS_PROGRAMS
        assert not called & (programs | RUNS_TEXT), name


def test_no_text_is_marked_as_safe_markup() -> None:
    """Templates escape all values; `tests/test_client.py` checks the templates."""
    for name, tree in trees():
        assert not names(tree) & MARKUP, name
