"""Preparation of the process before the slow imports.

Importing this module does it, so `__main__` imports it first. Closed standard streams are opened on
/dev/null, so that no other file gets their descriptors. A server without a terminal survives a
SIGHUP that arrives before it can reload.
"""

import logging
import os
import signal
import sys
from pathlib import Path

STREAMS = (("stdin", "r"), ("stdout", "w"), ("stderr", "w"))

_hangups: list[int] = []  # SIGHUPs received during the start


def has_terminal() -> bool:
    """Return whether the process has a controlling terminal."""
    try:
        with Path("/dev/tty").open("rb"):
            return True
    except OSError:
        return False


def was_hung_up() -> bool:
    """Return whether SIGHUP was received since the start of the process."""
    return bool(_hangups)


def end_at_hangup() -> None:
    """Restore the default action of SIGHUP, for a process that is not a server."""
    if signal.getsignal(signal.SIGHUP) is _note:
        signal.signal(signal.SIGHUP, signal.SIG_DFL)


def log_only_bugs() -> None:
    """Log nothing but tracebacks: a command prints the reason of its failure itself."""
    if logging.lastResort is not None:
        logging.lastResort.addFilter(_has_traceback)


def _has_traceback(record: logging.LogRecord) -> bool:
    return record.exc_info is not None


def discard_output() -> None:
    """Redirect standard output, so that Python does not retry a failed write at exit."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 1)
    os.close(nowhere)


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
