"""Settings of a process that serves."""

from chatserver.commands.serve import GC_THRESHOLDS


def test_a_frequent_garbage_collection_has_few_objects_and_a_full_one_is_rare() -> None:
    young, middle, old = GC_THRESHOLDS
    assert young * (middle + 2) <= 20_000  # a collection of both young generations
    assert young * (middle + 1) * (old + 1) >= 5_000_000
