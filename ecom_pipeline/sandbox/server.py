"""One loopback HTTP server for all vendors, each under its own path prefix.

Paths under `/_sandbox` steer the world from another process.
"""

from __future__ import annotations

import asyncio
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from datetime import datetime
from typing import Any

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

from ecom_pipeline.sandbox.twins import to_json, vendor_instances, vendor_routes
from ecom_pipeline.sandbox.world import World

HOST = "127.0.0.1"


def app(world: World) -> Starlette:
    """The ASGI application of every vendor and of the sandbox's own controls."""
    return Starlette(routes=control_routes(world) + vendor_routes(world))


def control_routes(world: World) -> list[BaseRoute]:
    """Health, clock, faults, rights, throttles, log and sources to configure, for use from another process."""

    async def health(_: Request) -> Response:
        now = world.now().isoformat()
        return JSONResponse({"shop": world.shop.name, "now": now, "requests": len(world.log)})

    async def clock(request: Request) -> Response:
        asked = await request.json()
        return changed(lambda: world.set_now(datetime.fromisoformat(asked["now"])))

    async def faults(request: Request) -> Response:
        if request.method == "DELETE":
            return changed(world.faults.clear)
        asked = await request.json()
        return changed(lambda: world.faults.arm(**asked))

    async def rights(request: Request) -> Response:
        asked = await request.json()
        change = world.missing_rights.discard if asked["granted"] else world.missing_rights.add
        return changed(lambda: change((asked["vendor"], asked["right"])))

    async def throttles(request: Request) -> Response:
        asked = await request.json()
        return changed(lambda: world.throttles.update({asked["vendor"]: int(asked["per_second"])}))

    async def log(request: Request) -> Response:
        if request.method == "DELETE":
            return changed(world.log.clear)
        return JSONResponse([asdict(entry) for entry in list(world.log)])

    async def instances(request: Request) -> Response:
        url = f"{request.url.scheme}://{request.url.netloc}"
        return JSONResponse(to_json(vendor_instances(world, url)))

    def changed(change: Any) -> Response:
        try:
            change()
        except (ValueError, TypeError, KeyError) as error:
            return JSONResponse({"error": str(error)}, status_code=400)
        return JSONResponse({"now": world.now().isoformat()})

    return [
        Route("/_sandbox/health", health),
        Route("/_sandbox/clock", clock, methods=["POST"]),
        Route("/_sandbox/faults", faults, methods=["POST", "DELETE"]),
        Route("/_sandbox/rights", rights, methods=["POST"]),
        Route("/_sandbox/throttles", throttles, methods=["POST"]),
        Route("/_sandbox/log", log, methods=["GET", "DELETE"]),
        Route("/_sandbox/instances", instances),
    ]


class SandboxServer(uvicorn.Server):
    """A server that says when it is ready and stops at once, so that no test has to wait for it."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.ready = threading.Event()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        self.loop = asyncio.get_running_loop()
        self.stopping = asyncio.Event()
        await super().startup(sockets)
        self.ready.set()

    async def main_loop(self) -> None:
        ticking = asyncio.ensure_future(super().main_loop())
        stopping = asyncio.ensure_future(self.stopping.wait())
        await asyncio.wait({ticking, stopping}, return_when=asyncio.FIRST_COMPLETED)
        ticking.cancel()
        stopping.cancel()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        for listener in self.servers:
            listener.close()
        for connection in list(self.server_state.connections):
            connection.shutdown()
        for task in list(self.server_state.tasks):
            task.cancel()
        await asyncio.sleep(0)  # lets the closed transports say goodbye

    def stop(self) -> None:
        """Ask the running server, from another thread, to end."""
        self.loop.call_soon_threadsafe(self.stopping.set)


def server(world: World) -> SandboxServer:
    """A server for the world, not yet running."""
    return SandboxServer(
        uvicorn.Config(
            app(world),
            loop="asyncio",
            http="h11",
            ws="none",
            lifespan="off",
            log_config=None,
            log_level="critical",
            access_log=False,
        )
    )


def listening_socket(port: int = 0) -> socket.socket:
    """A bound loopback socket; port 0 takes a free one. Raises OSError when the port is taken."""
    # The protocol is named because asyncio turns off Nagle's delay (40 ms an answer) only then.
    bound = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    bound.bind((HOST, port))
    return bound


@contextmanager
def run_sandbox(world: World, port: int = 0) -> Iterator[str]:
    """Serve the world in a thread of this process and yield its base URL, e.g. http://127.0.0.1:4321."""
    bound = listening_socket(port)
    running = server(world)
    thread = threading.Thread(target=running.run, kwargs={"sockets": [bound]}, daemon=True)
    thread.start()
    try:
        if not running.ready.wait(timeout=20):
            raise RuntimeError("the sandbox did not start")
        yield f"http://{HOST}:{bound.getsockname()[1]}"
    finally:
        if running.ready.is_set():
            running.stop()
        running.should_exit = True
        thread.join(timeout=20)
        bound.close()
