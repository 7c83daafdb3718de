"""Logging of the command line to stderr: readable on a terminal, JSON lines elsewhere."""

import logging
import sys
from typing import Any

import structlog

from chatserver.redaction import redacted

OWN = ("chatserver", "aiohttp.access")  # loggers that may log at DEBUG


def configure_logging(level: str) -> None:
    """Install one handler for all loggers, so that all records have the same format."""
    shared: list[structlog.typing.Processor] = [
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.stdlib.ExtraAdder(),
        structlog.processors.TimeStamper(fmt="iso"),
    ]
    on_terminal = sys.stderr.isatty()
    # Where rich is installed, its tracebacks would show every variable: messages, passwords.
    renderer: structlog.typing.Processor = (
        structlog.dev.ConsoleRenderer(exception_formatter=structlog.dev.plain_traceback)
        if on_terminal
        else structlog.processors.JSONRenderer()
    )
    handler = logging.StreamHandler()
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared
            if on_terminal
            else [*shared, structlog.processors.format_exc_info],
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                renderer,
                _without_tokens,
            ],
        )
    )
    logging.basicConfig(handlers=[handler], force=True)
    _collect_less()
    logging.getLogger("alembic").setLevel(logging.WARNING)
    set_level(level)


def set_level(level: str) -> None:
    """Log from that level on: debug, info or warning.

    Debug applies to the program's own loggers, because some libraries log data at that level.
    """
    logging.getLogger().setLevel(logging.WARNING if level == "warning" else logging.INFO)
    for name in OWN:
        logging.getLogger(name).setLevel(logging.DEBUG if level == "debug" else logging.NOTSET)


def _collect_less() -> None:
    """Do not collect attributes that are not shown: see "Optimization" in the logging HOWTO.

    Those of caller, thread and process cost a quarter of the time of a record.
    """
    logging.logThreads = logging.logProcesses = logging.logMultiprocessing = False
    logging._srcfile = None  # noqa: SLF001 - of the caller, documented there


def _without_tokens(_logger: object, _method: str, line: Any) -> str:
    return redacted(line)
