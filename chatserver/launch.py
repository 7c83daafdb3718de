"""What the process needs before the rest of the program is imported, which takes a while.

Importing this module does it: `__main__` imports it first. Standard streams that are closed are
opened on /dev/null, so that no other file gets their descriptors. A server without a terminal
survives a SIGHUP that comes before it can reload anything.
"""

import os
import signal
import sys
from pathlib import Path

STREAMS = (("stdin", "r"), ("stdout", "w"), ("stderr", "w"))

_hangups: list[int] = []  # signals that came during the start


def has_terminal() -> bool:
    """Whether the process has a controlling terminal."""
    try:
        with Path("/dev/tty").open("rb"):
            return True
    except OSError:
        return False


def was_hung_up() -> bool:
    """Whether SIGHUP has come since the start of the process."""
    return bool(_hangups)


def end_at_hangup() -> None:
    """SIGHUP ends the process again, which is no server."""
    if signal.getsignal(signal.SIGHUP) is _note:
        signal.signal(signal.SIGHUP, signal.SIG_DFL)


def _note(number: int, _frame: object) -> None:
    _hangups.append(number)


def _open_streams() -> None:
    while (descriptor := os.open(os.devnull, os.O_RDWR)) < len(STREAMS):
        pass
    os.close(descriptor)
    for number, (name, mode) in enumerate(STREAMS):
        if getattr(sys, name) is None:
            setattr(sys, name, os.fdopen(number, mode, closefd=False))


_open_streams()
if signal.getsignal(signal.SIGHUP) is signal.SIG_DFL and not has_terminal():
    signal.signal(signal.SIGHUP, _note)
