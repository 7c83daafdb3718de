"""The works: each measures one row of the table of goals, and returns what it found."""

from collections.abc import Callable
from dataclasses import dataclass

from benchmarks.results import Result


@dataclass(frozen=True, slots=True)
class Scale:
    """How thorough a run is. `quick` says what is roughly so, with fewer people and rounds."""

    rounds: int
    seconds: float
    quick: bool

    def people(self, count: int) -> int:
        return count // 5 if self.quick and count > 1_000 else count


Work = Callable[[Scale], Result]
