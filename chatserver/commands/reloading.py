"""Signals of a running server: to stop it gently, or to reload what may change while it runs."""

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


STOPS = (signal.SIGINT, signal.SIGTERM)
REPEAT_DELAY = 1.0  # seconds: `timeout` and some supervisors send the first signal twice


def handle_stop(stop: asyncio.Event) -> None:
    """SIGINT and SIGTERM stop the server; another one, a second later, ends it at once."""
    loop = asyncio.get_running_loop()

    def begin() -> None:
        if not stop.is_set():
            stop.set()
            loop.call_later(REPEAT_DELAY, end_at_next)

    def end_at_next() -> None:
        for number in STOPS:
            loop.remove_signal_handler(number)
            signal.signal(number, signal.SIG_DFL)

    for number in STOPS:
        loop.add_signal_handler(number, begin)


def handle_hangup(stop: Callable[[], object], reload: Callable[[], object]) -> None:
    """A terminal that closes stops the server; a supervisor, which has none, reloads it.

    `nohup` has made the process ignore the signal, and it still does.
    """
    if signal.getsignal(signal.SIGHUP) is not signal.SIG_IGN:
        handler = stop if has_terminal() else reload
        asyncio.get_running_loop().add_signal_handler(signal.SIGHUP, handler)
        if was_hung_up():  # before this, during the start
            handler()


class Reloading:
    """Reads the configuration again; the certificate and the log level change, nothing else."""

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
