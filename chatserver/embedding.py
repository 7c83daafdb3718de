"""Accounts for programs that embed a chat, and for tests."""

from aiohttp import web

from chatserver.accounts.accounts import new_user
from chatserver.accounts.passwords import generate
from chatserver.app import SERVER
from chatserver.models import Role


async def sign_up(app: web.Application, name: str, *, admin: bool = False) -> str:
    """Make an account in a chat that runs, and a bearer token of a session on it.

    For tests, and for programs that know their people: nobody learns the password. Raises
    BadRequest for what is no name and Conflict for one that is taken.
    """
    accounts = app[SERVER].accounts
    role = Role.ADMIN if admin else Role.MEMBER
    user = await accounts.add(new_user(name, "", role=role), generate())
    return (await accounts.open_session(user, client="sign_up")).bearer
