"""Outages: whether messages can be stored, according to recent writes and probes."""

import logging

import pytest

from chatserver.storage.outage import FAILURE_WINDOW, Outage


class Clock:
    now = 100.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def outage(clock: Clock) -> Outage:
    return Outage(clock)


def test_an_outage_is_logged_when_it_begins_when_its_reason_changes_and_when_it_ends(
    outage: Outage, clock: Clock, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.WARNING, "chatserver")
    for reason in ("full", "full", "read-only"):
        outage.failed(reason)
    assert outage.reason == "read-only"
    assert outage.failures == 3
    clock.now += 7
    outage.stored()
    outage.stored()
    assert [record.getMessage() for record in caplog.records] == [
        "messages cannot be stored: full",
        "messages cannot be stored: read-only",
        "messages are stored again",
    ]
    assert vars(caplog.records[-1])["seconds"] == 7.0
    assert outage.reason == ""


def test_a_successful_probe_does_not_overrule_failed_writes(outage: Outage, clock: Clock) -> None:
    outage.failed("full")
    outage.probed("", began=100.0)
    assert outage.reason == "full"
    clock.now += FAILURE_WINDOW
    outage.probed("", began=100.0)
    assert outage.reason == ""


def test_the_age_is_counted_from_the_last_attempt_or_probe(outage: Outage, clock: Clock) -> None:
    for note in (
        outage.stored,
        lambda: outage.failed("full"),
        lambda: outage.probed("", began=clock()),
        lambda: outage.probed("full", began=clock()),
    ):
        clock.now += 20
        assert outage.age == 20
        note()
        assert outage.age == 0


def test_a_successful_probe_ends_an_outage_found_by_a_probe(outage: Outage) -> None:
    outage.probed("read-only", began=100.0)
    assert outage.reason == "read-only"
    assert outage.failures == 0
    outage.probed("", began=100.0)
    assert outage.reason == ""


def test_successful_writes_overrule_an_earlier_probe(outage: Outage, clock: Clock) -> None:
    clock.now += 1
    outage.stored()
    outage.probed("does not answer", began=clock.now - 0.5)
    assert outage.reason == ""
    outage.probed("does not answer", began=clock.now + 0.5)
    assert outage.reason == "does not answer"


def test_a_failure_without_a_reason_gets_a_default_reason(outage: Outage) -> None:
    outage.failed("")
    assert outage.reason
