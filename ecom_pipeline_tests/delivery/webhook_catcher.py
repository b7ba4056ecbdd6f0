"""A receiver of webhooks on loopback that answers, or breaks off, as a test says; written on bare sockets."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import Literal

Break = Literal["before the body", "after the body", "silence"]


@dataclass(frozen=True)
class Caught:
    """A request that arrived whole."""

    path: str
    headers: dict[str, str]  # names in lower case
    body: bytes
    met: bytes | Break

    @property
    def may_count(self) -> bool:
        """Whether the receiver took it, or may have."""
        return not isinstance(self.met, bytes) or self.met.startswith(b"HTTP/1.1 2")


@dataclass
class WebhookCatcher:
    """`script` holds what the next connections meet, then 200: a whole HTTP answer, or how the line breaks."""

    port: int
    script: list[bytes | Break] = field(default_factory=list)
    caught: list[Caught] = field(default_factory=list)
    connections: int = 0

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/hooks/T0SECRET/very-secret-path"


def answer(status: int, body: str = "", **headers: str) -> bytes:
    """An HTTP answer; `_` in a header's name stands for `-`."""
    lines = [f"HTTP/1.1 {status} Word", f"Content-Length: {len(body.encode())}", "Connection: close"]
    lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
    return ("\r\n".join(lines) + "\r\n\r\n" + body).encode()


@contextmanager
def run_webhook_catcher() -> Iterator[WebhookCatcher]:
    with socket.create_server(("127.0.0.1", 0)) as server:
        catcher = WebhookCatcher(server.getsockname()[1])
        ended = threading.Event()
        thread = threading.Thread(target=_serve, args=(server, catcher, ended))
        thread.start()
        try:
            yield catcher
        finally:
            ended.set()
            with suppress(OSError), socket.create_connection(("127.0.0.1", catcher.port), 5):
                pass
            thread.join(10)


def _serve(server: socket.socket, catcher: WebhookCatcher, ended: threading.Event) -> None:
    silent: list[socket.socket] = []
    while True:
        connection, _ = server.accept()
        if ended.is_set():
            break
        catcher.connections += 1
        step = catcher.script.pop(0) if catcher.script else answer(200, "ok")
        if step == "silence":
            silent.append(connection)
        with suppress(OSError, IndexError, UnicodeDecodeError):  # what comes may not even be HTTP
            _meet(connection, step, catcher)
        if step != "silence":
            connection.close()
    for one in (*silent, connection):
        one.close()


def _meet(connection: socket.socket, step: bytes | Break, catcher: WebhookCatcher) -> None:
    with connection.makefile("rb") as incoming:
        path = incoming.readline().split()[1].decode()
        headers: dict[str, str] = {}
        while line := incoming.readline().strip():
            name, _, value = line.decode().partition(":")
            headers[name.lower()] = value.strip()
        if step == "before the body":
            return
        body = incoming.read(int(headers["content-length"]))
        if len(body) < int(headers["content-length"]):
            return
        catcher.caught.append(Caught(path, headers, body, step))
    if isinstance(step, bytes):
        connection.sendall(step)
