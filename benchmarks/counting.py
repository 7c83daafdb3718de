"""Starts the real server and counts its SQL statements: `python -m benchmarks.counting …`.

SIGUSR1 writes their number so far into the file named by BENCHMARK_STATEMENTS.
"""

import os
import signal
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Engine

from chatserver.__main__ import main

_count = 0


def _counted(*_: Any) -> None:
    global _count  # noqa: PLW0603 - one number of the whole process
    _count += 1


def _tell(*_: object) -> None:
    target = Path(os.environ["BENCHMARK_STATEMENTS"])
    scratch = target.with_suffix(".new")
    scratch.write_text(str(_count))
    scratch.replace(target)


if __name__ == "__main__":
    sa.event.listen(Engine, "before_cursor_execute", _counted)
    signal.signal(signal.SIGUSR1, _tell)
    main()
