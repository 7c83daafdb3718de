"""Histogram in Prometheus form."""

from chatserver.histogram import Histogram


def test_counts_are_cumulative() -> None:
    histogram = Histogram((1, 10))
    for figure in (0.5, 1, 1.5, 10, 10.5, 1_000):
        histogram.add(figure)
    assert histogram.cumulative_buckets() == [("1", 2), ("10", 4), ("+Inf", 6)]
    assert histogram.total == 1_023.5


def test_an_empty_histogram_has_zero_counts() -> None:
    assert Histogram((1,)).cumulative_buckets() == [("1", 0), ("+Inf", 0)]
