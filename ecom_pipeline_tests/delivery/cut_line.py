"""A line to a mail server that is cut, or falls silent, at a chosen moment of the first conversation on it."""

from __future__ import annotations

import select
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Literal

Moment = Literal["before the data", "in the data", "after the data"]
How = Literal["dropped", "silent"]
_PATIENCE_SECONDS = 30.0


@contextmanager
def cut_line(server_port: int, moment: Moment, how: How) -> Iterator[int]:
    """The port of the line; what comes after the first conversation passes untouched."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        listening.settimeout(_PATIENCE_SECONDS)
        line = threading.Thread(target=_serve, args=(listening, server_port, moment, how), daemon=True)
        line.start()
        try:
            yield int(listening.getsockname()[1])
        finally:
            with suppress(OSError):
                listening.shutdown(socket.SHUT_RDWR)
            line.join(_PATIENCE_SECONDS)


def _serve(listening: socket.socket, server_port: int, moment: Moment, how: How) -> None:
    cut: Moment | None = moment
    while True:
        try:
            client, _ = listening.accept()
        except OSError:
            return
        with client, socket.create_connection(("127.0.0.1", server_port), _PATIENCE_SECONDS) as server:
            if _converse(client, server, cut):
                if how == "silent":
                    server.close()
                    _wait_for_end(client)
                cut = None


def _converse(client: socket.socket, server: socket.socket, cut: Moment | None) -> bool:
    """Pass on what both say; True when the moment of the cut has come."""
    said, in_data = b"", False
    while True:
        speaking, _, _ = select.select([client, server], [], [], _PATIENCE_SECONDS)
        if server in speaking:
            heard = server.recv(65536)
            if said.endswith(b"\r\n.\r\n") and in_data and cut == "after the data":
                return True  # the server's word on the message, which nobody hears
            in_data = in_data or heard.startswith(b"354")
            if not heard or not _pass_on(client, heard):
                return False
        if client in speaking:
            heard = client.recv(65536)
            said = (said + heard)[-4096:]
            if heard.upper() == b"DATA\r\n" and cut == "before the data":
                return True
            if in_data and cut == "in the data":
                _pass_on(server, heard[:40])  # the beginning of the message, and never its end
                return True
            if not heard or not _pass_on(server, heard):
                return False


def _pass_on(to: socket.socket, heard: bytes) -> bool:
    try:
        to.sendall(heard)
    except OSError:
        return False
    return True


def _wait_for_end(client: socket.socket) -> None:
    client.settimeout(_PATIENCE_SECONDS)
    with suppress(OSError):
        while client.recv(65536):
            pass
