"""A mail server on loopback that keeps what it is sent for the demo, and misbehaves on demand for the tests.

Each mail becomes `0001.eml` in the folder, with its readable parts beside it (`0001.txt`, `0001.html` with
its picture inside, `0001-<name>.pdf`), so that a person can look without a mail program. Nothing is ever
passed on.

`aiosmtpd`'s own controller is not used: it leaves connections and tasks behind when it stops, which a test
run with warnings as errors rightly refuses.
"""

from __future__ import annotations

import asyncio
import base64
import logging
import re
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path
from typing import Literal

from ecom_pipeline.sandbox.certificate import make_certificate
from ecom_pipeline.sandbox.mail_session import CatcherSession, Fault, Script

__all__ = ["CaughtMail", "Fault", "MailCatcher", "run_mail_catcher"]

_HOST = "127.0.0.1"
_STOP_SECONDS = 10


@dataclass(frozen=True)
class CaughtMail:
    """One mail as it was received."""

    path: Path
    sender: str
    recipients: tuple[str, ...]
    message: EmailMessage = field(repr=False)


@dataclass
class MailCatcher:
    """The running server: where it listens, what it has caught, and its script of faults."""

    folder: Path
    host: str
    port: int
    ca_file: Path | None
    script: Script
    mails: list[CaughtMail]


@contextmanager
def run_mail_catcher(
    folder: Path,
    *,
    port: int = 0,
    security: Literal["none", "starttls", "tls"] = "none",
    login: tuple[str, str] | None = None,
    certificate_host: str = "localhost",
    max_bytes: int = 30_000_000,
) -> Iterator[MailCatcher]:
    """Catch mail in a folder while the block runs; port 0 means any free one.

    With `starttls` or `tls` a certificate is made on the spot, and `ca_file` tells clients whom to trust.
    With `login`, mail is taken from that user name and password only.
    """
    folder.mkdir(parents=True, exist_ok=True)
    context, ca_file = (None, None) if security == "none" else make_certificate(folder, certificate_host)
    # It would log every address at level INFO, into the log of whatever runs the catcher.
    logging.getLogger("mail.log").setLevel(logging.CRITICAL)
    script, mails = Script(), list[CaughtMail]()

    def keep(content: bytes, sender: str, recipients: list[str]) -> None:
        mails.append(save_mail(folder, content, sender, tuple(recipients)))

    def make_session() -> CatcherSession:
        return CatcherSession(script, keep, login, context if security == "starttls" else None, max_bytes)

    server = _Server()
    try:
        used_port = server.start(make_session, port, context if security == "tls" else None)
        yield MailCatcher(folder, _HOST, used_port, ca_file, script, mails)
    finally:
        server.stop()


def save_mail(folder: Path, content: bytes, sender: str, recipients: tuple[str, ...]) -> CaughtMail:
    """Write one mail and its readable parts under the next free number."""
    message = message_from_bytes(content, policy=policy.default)
    assert isinstance(message, EmailMessage)
    number = 1 + max((int(path.stem) for path in folder.glob("[0-9][0-9][0-9][0-9].eml")), default=0)
    path = folder / f"{number:04d}.eml"
    path.write_bytes(content)
    for kind, suffix in (("plain", ".txt"), ("html", ".html")):
        part = message.get_body((kind,))
        if part is not None:
            path.with_suffix(suffix).write_text(_with_pictures(part.get_content(), message), encoding="utf-8")
    for part in message.iter_attachments():
        name = re.sub(r"[^\w.-]+", "-", part.get_filename() or "attachment")
        payload = part.get_payload(decode=True)
        if isinstance(payload, bytes):
            path.with_name(f"{path.stem}-{name}").write_bytes(payload)
    return CaughtMail(path, sender, recipients, message)


def _with_pictures(html: str, message: EmailMessage) -> str:
    for part in message.walk():
        content_id = str(part.get("Content-ID", "")).strip("<>")
        payload = part.get_payload(decode=True)
        if content_id and isinstance(payload, bytes):
            picture = f"data:{part.get_content_type()};base64,{base64.b64encode(payload).decode('ascii')}"
            html = html.replace(f"cid:{content_id}", picture)
    return html


class _Server:
    """An event loop in a thread of its own, which ends with everything it started."""

    def __init__(self) -> None:
        self._loop = asyncio.new_event_loop()
        # A client that hangs up is what the tests are about, not a failure to report.
        self._loop.set_exception_handler(lambda _loop, _context: None)
        self._thread = threading.Thread(target=self._loop.run_forever, name="mail catcher", daemon=True)
        self._server: asyncio.Server | None = None
        self._sessions: list[CatcherSession] = []

    def start(self, make_session: Callable[[], CatcherSession], port: int, tls: ssl.SSLContext | None) -> int:
        def connect() -> CatcherSession:
            self._sessions.append(session := make_session())
            return session

        async def listen() -> asyncio.Server:
            return await asyncio.get_running_loop().create_server(connect, _HOST, port, ssl=tls)

        self._thread.start()
        self._server = asyncio.run_coroutine_threadsafe(listen(), self._loop).result(_STOP_SECONDS)
        used_port: int = self._server.sockets[0].getsockname()[1]
        return used_port

    def stop(self) -> None:
        if self._thread.is_alive():
            asyncio.run_coroutine_threadsafe(self._end_sessions(), self._loop).result(_STOP_SECONDS)
            self._loop.call_soon_threadsafe(self._loop.stop)
            self._thread.join(_STOP_SECONDS)
        self._loop.close()

    async def _end_sessions(self) -> None:
        if self._server is not None:
            self._server.close()
        for session in self._sessions:
            session.hang_up()
        others = asyncio.all_tasks() - {asyncio.current_task()}
        for task in others:
            task.cancel()
        await asyncio.gather(*others, return_exceptions=True)
        await asyncio.sleep(0)  # closing transports call back once more
