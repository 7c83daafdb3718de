"""Accounts for programs that embed a chat, and for tests."""

from aiohttp import web

from chatserver.accounts.accounts import new_user
from chatserver.accounts.passwords import generate
from chatserver.app import SERVER
from chatserver.models import Role


async def sign_up(app: web.Application, name: str, *, admin: bool = False) -> str:
    """Create an account in a running chat; return a bearer token of a new session.

    The password is random and discarded. Raises BadRequest for an invalid name and Conflict for one
    that exists.
    """
    accounts = app[SERVER].accounts
    role = Role.ADMIN if admin else Role.MEMBER
    user = await accounts.add(new_user(name, "", role=role), generate())
    return (await accounts.open_session(user, client="sign_up")).bearer
