"""Loop of a process that works on hostile files: one job after another, with limits."""

import os
import resource
import sys
from collections.abc import Callable
from contextlib import suppress
from typing import TypeVar

import msgspec

Job = TypeVar("Job")

NICENESS = 10


def serve(
    perform: Callable[[Job], msgspec.Struct], jobs: type[Job], *, memory: int, seconds: int
) -> None:
    """Read a job from each line of the input, and write a line with its result, until it ends.

    `memory`: bytes of address space; `seconds`: processor time of one job, after which the process
    gets SIGXCPU.
    """
    os.umask(0o077)
    with suppress(OSError):  # forbidden in some containers
        os.nice(NICENESS)
    resource.setrlimit(resource.RLIMIT_AS, (memory, memory))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    for line in sys.stdin.buffer:
        limit_processor(seconds)
        result = perform(msgspec.json.decode(line, type=jobs))
        sys.stdout.buffer.write(msgspec.json.encode(result) + b"\n")
        sys.stdout.buffer.flush()


def limit_processor(seconds: int | None) -> None:
    """Allow this many more seconds of processor time, rounded up; None: no limit."""
    used = int(sum(resource.getrusage(resource.RUSAGE_SELF)[:2])) + 1
    soft = resource.RLIM_INFINITY if seconds is None else used + seconds
    resource.setrlimit(resource.RLIMIT_CPU, (soft, resource.RLIM_INFINITY))
