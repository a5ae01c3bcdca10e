"""The yardstick: an aiohttp handler that reads the body and answers 202, on the same loop as the relay."""

from __future__ import annotations

import asyncio
import sys

import uvloop
from aiohttp import web


async def take(request: web.Request) -> web.Response:
    """Read and answer, no more."""
    await request.read()
    return web.Response(status=202, body=b'{"event": null}', content_type="application/json")


async def main(port: int) -> None:
    """Serve until killed."""
    app = web.Application()
    app.router.add_post("/hooks/{source}", take)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", port).start()
    await asyncio.Event().wait()


if __name__ == "__main__":
    uvloop.run(main(int(sys.argv[1])))
