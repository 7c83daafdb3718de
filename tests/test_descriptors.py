"""Warning about file descriptors."""

import pytest

from chatserver.descriptors import Descriptors, used


def test_scarce_descriptors_are_logged_once_until_enough_are_free(
    caplog: pytest.LogCaptureFixture,
) -> None:
    counts = iter([10, 95, 96, 85, 95, 60, 91])
    descriptors = Descriptors(lambda: (next(counts), 100))
    logged = []
    for _ in range(7):
        descriptors.check()
        logged.append(len(caplog.records))
        caplog.clear()
    assert logged == [0, 1, 0, 0, 0, 0, 1]


def test_a_failing_check_counts_as_no_free_descriptors(caplog: pytest.LogCaptureFixture) -> None:
    def none_left() -> tuple[int, int]:
        raise OSError(24, "Too many open files")

    Descriptors(none_left).check()
    assert "file descriptors run out" in caplog.text
    (record,) = caplog.records
    assert vars(record)["reason"] == "Too many open files"
    assert not vars(record).keys() & {"open", "limit"}  # unknown


def test_open_descriptors_are_counted() -> None:
    count, limit = used()
    assert 0 < count < limit
