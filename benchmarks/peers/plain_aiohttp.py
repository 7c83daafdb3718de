"""The same relay with aiohttp as its manual shows it: await each `send_str`, one by one."""

import json
import os
from typing import Any

import jwt
from aiohttp import WSMsgType, web

SECRET = os.environ["SECRET"]
TELLS_WHO_IS_HERE = os.environ.get("LIST") != "off"

encode = json.JSONEncoder(separators=(",", ":")).encode
users: dict[web.WebSocketResponse, str] = {}


async def serve(request: web.Request) -> web.StreamResponse:
    token = request.headers.get("Authorization", "").removeprefix("Bearer ")
    try:
        name = jwt.decode(token, SECRET, ["HS256"])["name"]
    except jwt.PyJWTError:
        raise web.HTTPUnauthorized from None
    ws = web.WebSocketResponse()
    await ws.prepare(request)
    users[ws] = name
    try:
        await welcome(ws, name)
        async for message in ws:
            if message.type is WSMsgType.TEXT:
                await relay(ws, name, json.loads(message.data))
    finally:
        del users[ws]
        await tell_who_is_here()
    return ws


async def welcome(ws: web.WebSocketResponse, name: str) -> None:
    if TELLS_WHO_IS_HERE:
        await tell_who_is_here()
    else:
        await ws.send_str(encode({"type": 1, "data": [name]}))


async def relay(sender: web.WebSocketResponse, name: str, message: dict[str, Any]) -> None:
    text = encode({**message, "user": name})
    for ws, other in list(users.items()):
        meant = ws is not sender if message["type"] == 2 else other == message["to"]
        if meant and not ws.closed:
            await ws.send_str(text)


async def tell_who_is_here() -> None:
    if TELLS_WHO_IS_HERE:
        text = encode({"type": 1, "data": list(users.values())})
        for ws in list(users):
            if not ws.closed:
                await ws.send_str(text)


async def started(_app: web.Application) -> None:
    print("listening", flush=True)


def main() -> None:
    app = web.Application()
    app.router.add_get("/ws", serve)
    app.on_startup.append(started)
    web.run_app(app, host="127.0.0.1", port=int(os.environ["PORT"]), backlog=4096, print=None)


if __name__ == "__main__":
    main()
