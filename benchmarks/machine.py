"""The machine: description, utilization, and assignment of programs to cores."""

import os
import platform
import re
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

SERVER_CORE = 0
LOAD_CORE = 1


def pinned(core: int, command: list[str]) -> list[str]:
    """Return the command pinned to one core, unchanged on a machine with a single one."""
    known = cores()
    return ["taskset", "-c", str(known[core]), *command] if len(known) > 1 else command


def cores() -> list[int]:
    """Return the numbers of the cores that this program may use."""
    return sorted(os.sched_getaffinity(0))


@contextmanager
def on_load_core() -> Iterator[None]:
    """Run this thread, and those that it starts, on the load's core during the context."""
    known = cores()
    os.sched_setaffinity(0, {known[LOAD_CORE % len(known)]})
    try:
        yield
    finally:
        os.sched_setaffinity(0, known)


def busy() -> float:
    """Return the load average of the last minute; more than the number of cores disturbs."""
    return os.getloadavg()[0]


def memory(pid: int) -> int:
    """Return the resident memory of a process in bytes."""
    found = re.search(r"VmRSS:\s+(\d+)", Path(f"/proc/{pid}/status").read_text())
    assert found is not None
    return int(found[1]) * 1024


def cpu(pid: int) -> float:
    """Return the CPU seconds of a process, in all its threads."""
    rest = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(rest[11]) + int(rest[12])) / os.sysconf("SC_CLK_TCK")


def cpu_time(pid: int) -> float:
    """Return the CPU seconds of the present threads of a process, to the nanosecond."""
    tasks = Path(f"/proc/{pid}/task").iterdir()
    return sum(int((task / "schedstat").read_text().split()[0]) for task in tasks) / 1e9


def description() -> list[str]:
    """Return properties of the machine, one line each."""
    return [
        f"{len(os.sched_getaffinity(0))} cores, {_cpu()}",
        f"{_memory_total():.0f} GiB memory, Linux {platform.release()}",
        f"Python {platform.python_version()}, Node {_said(['node', '--version'])}",
        f"file system of the databases: {_file_system()}",
    ]


def _cpu() -> str:
    found = re.search(r"model name\s*:\s*(.+)", Path("/proc/cpuinfo").read_text())
    return found[1] if found else platform.machine()


def _memory_total() -> float:
    return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") / 2**30


def _file_system() -> str:
    return _said(["stat", "-f", "-c", "%T", os.environ.get("TMPDIR", "/tmp")])


def _said(command: list[str]) -> str:
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=True)
    except (OSError, subprocess.CalledProcessError):
        return "missing"
    return done.stdout.splitlines()[0]
