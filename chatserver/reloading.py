"""What SIGHUP does to a running server: stop it gently, or reload what may change while it runs."""

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
