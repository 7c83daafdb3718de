"""A page with an SQL injection, to verify that the scanner finds one."""

import sqlite3

from aiohttp import web


def application() -> web.Application:
    """Return an application with `GET /find?name=`, which builds SQL from user input."""
    database = sqlite3.connect(":memory:")
    database.execute("CREATE TABLE people (name TEXT)")
    database.executemany("INSERT INTO people VALUES (?)", [("ann",), ("bo",)])

    async def find(request: web.Request) -> web.Response:
        query = f"SELECT name FROM people WHERE name = '{request.query['name']}'"
        try:
            return web.Response(text=str(database.execute(query).fetchall()))
        except sqlite3.Error:
            return web.Response(text="[]")

    app = web.Application()
    app.router.add_get("/find", find)
    return app
