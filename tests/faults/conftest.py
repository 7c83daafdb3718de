"""Users to copy for each fault, and the shared report."""

import asyncio
from pathlib import Path

import pytest

from tests.faults.conversation import Users, settle_in
from tests.faults.report import WHOLE, Report, Sound

REPORT = pytest.StashKey[Report]()


@pytest.fixture(scope="session")
def settled(tmp_path_factory: pytest.TempPathFactory) -> Users:
    """Users on SQLite, created once and copied for each test."""
    return asyncio.run(settle_in(tmp_path_factory.mktemp("people")))


@pytest.fixture
def users(settled: Users, tmp_path: Path) -> Users:
    """Users on SQLite, in a folder of this test."""
    return Users(settled.move_to(tmp_path / "data"), settled.tokens)


@pytest.fixture
def sound(request: pytest.FixtureRequest) -> Sound:
    """Assert that a guarantee holds, and record the figure: see Report.sound."""
    return request.config.stash.setdefault(REPORT, Report()).sound


def pytest_sessionfinish(session: pytest.Session, exitstatus: int) -> None:
    """Publish the report of a complete run without failures."""
    report = session.config.stash.get(REPORT, None)
    if report is not None and WHOLE:
        print(f"\n\n{report}")
        complete = session.config.args == ["tests/faults"] and not session.config.option.keyword
        if complete and exitstatus == pytest.ExitCode.OK:
            report.publish()
