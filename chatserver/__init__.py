"""A chat server for a small group: one process, one port, one command.

from pathlib import Path

from aiohttp import web
from chatserver import Settings, create_app

web.run_app(create_app(Settings(data=Path("folder"))))
"""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from chatserver.app import create_app
    from chatserver.config import Settings
    from chatserver.embedding import sign_up

__version__ = "0.3.0"
__all__ = ["Settings", "__version__", "create_app", "sign_up"]


def __getattr__(name: str) -> Any:
    """The public names, imported when they are used: the command line starts faster without."""
    if name == "create_app":
        from chatserver.app import create_app

        return create_app
    if name == "sign_up":
        from chatserver.embedding import sign_up

        return sign_up
    if name == "Settings":
        from chatserver.config import Settings

        return Settings
    raise AttributeError(name)
