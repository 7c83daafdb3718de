"""Signals of a running server: stop it gracefully, or reload certificate and log level."""

import asyncio
import logging
import signal
import ssl
from collections.abc import Callable

from chatserver import tls
from chatserver.config import Settings
from chatserver.errors import ChatServerError
from chatserver.launch import has_terminal, was_hung_up
from chatserver.logs import set_level

logger = logging.getLogger(__name__)


STOP_SIGNALS = (signal.SIGINT, signal.SIGTERM)
REPEAT_DELAY = 1.0  # seconds: `timeout` and some supervisors send the first signal twice


def handle_stop(stop: asyncio.Event) -> None:
    """Stop on SIGINT or SIGTERM; another one a second later kills the process."""
    loop = asyncio.get_running_loop()

    def begin() -> None:
        if not stop.is_set():
            stop.set()
            loop.call_later(REPEAT_DELAY, end_at_next)

    def end_at_next() -> None:
        for number in STOP_SIGNALS:
            loop.remove_signal_handler(number)
            signal.signal(number, signal.SIG_DFL)

    for number in STOP_SIGNALS:
        loop.add_signal_handler(number, begin)


def handle_hangup(stop: Callable[[], object], reload: Callable[[], object]) -> None:
    """Stop when the terminal closes; reload when there is none, as under a supervisor.

    If `nohup` made the process ignore the signal, it stays ignored.
    """
    if signal.getsignal(signal.SIGHUP) is not signal.SIG_IGN:
        handler = stop if has_terminal() else reload
        asyncio.get_running_loop().add_signal_handler(signal.SIGHUP, handler)
        if was_hung_up():  # during the start
            handler()


class Reloading:
    """Reloads the certificate and the log level from the configuration, and nothing else."""

    def __init__(self, read: Callable[[], Settings], context: ssl.SSLContext | None) -> None:
        self._read = read
        self._context = context

    def __call__(self) -> None:
        try:
            server = self._read().server
            if self._context is not None and tls.server_context(server) is not None:
                tls.load(self._context, server)
        except ChatServerError as error:
            logger.error("nothing was reloaded: %s", error)
            return
        set_level(server.log_level)
        logger.warning("the certificate and the log level were reloaded")
