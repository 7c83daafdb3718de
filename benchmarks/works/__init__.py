"""The benchmarks: each measures one row of the table of goals."""

from collections.abc import Callable
from dataclasses import dataclass

from benchmarks.results import Result


@dataclass(frozen=True, slots=True)
class Scale:
    """Size of a run. `quick`: rough figures, with fewer users and rounds."""

    rounds: int
    seconds: float
    quick: bool

    def users(self, count: int) -> int:
        return count // 5 if self.quick and count > 1_000 else count


Work = Callable[[Scale], Result]
