"""A page with a hole in its SQL, so that it is known that the scanner finds holes."""

import sqlite3

from aiohttp import web


def application() -> web.Application:
    """`GET /find?name=`: the very mistake of building SQL from what people write."""
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
