"""One SMTP session of the mail catcher, which can be told to misbehave at any stage."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field, replace
from ssl import SSLContext
from typing import Any, Literal

from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session

FaultStage = Literal[
    "greeting", "hello", "starttls", "login", "sender", "recipient", "data", "body", "reply", "noop", "quit"
]
_STAGE_OF_COMMAND: dict[str, FaultStage] = {
    "EHLO": "hello",
    "STARTTLS": "starttls",
    "AUTH": "login",
    "MAIL": "sender",
    "RCPT": "recipient",
    "DATA": "data",
    "NOOP": "noop",
    "QUIT": "quit",
}


@dataclass(frozen=True)
class Fault:
    """One misbehaviour at one stage of a session.

    `answer` is a reply in place of the proper one (`{recipient}` in it becomes the address), `drop` to cut
    the line, or `stall` to fall silent. `times` is how often it shows (None: always). `keeps_mail` matters at
    `reply` alone: whether the mail was kept before the fault showed. `recipient` narrows it to one address.
    """

    stage: FaultStage
    answer: str
    times: int | None = 1
    keeps_mail: bool = False
    recipient: str | None = None


@dataclass
class Script:
    """The faults still to come, and what sessions have seen so far."""

    faults: list[Fault] = field(default_factory=list)
    commands: list[str] = field(default_factory=list)

    def take(self, stage: FaultStage, recipient: str) -> Fault | None:
        """The next fault due here, counted as used."""
        for index, fault in enumerate(self.faults):
            if fault.stage != stage or fault.recipient not in (None, recipient):
                continue
            if fault.times is not None:
                left = [replace(fault, times=fault.times - 1)] if fault.times > 1 else []
                self.faults[index : index + 1] = left
            return fault
        return None


Keep = Callable[[bytes, str, list[str]], None]


class CatcherSession(SMTP):
    """A well-behaved SMTP session, but for the faults of its script."""

    def __init__(
        self,
        script: Script,
        keep: Keep,
        login: tuple[str, str] | None,
        starttls: SSLContext | None,
        max_bytes: int,
    ) -> None:
        super().__init__(
            _Handler(script, keep, offers_login=login is not None),
            hostname="localhost",
            ident="mail catcher",
            tls_context=starttls,
            require_starttls=starttls is not None,
            auth_require_tls=starttls is not None,
            authenticator=self._check_login,
            data_size_limit=max_bytes,
            loop=asyncio.get_running_loop(),
        )
        self._script = script
        self._login = login
        for command, stage in _STAGE_OF_COMMAND.items():
            self._smtp_methods[command] = self._faulty(command, stage, self._smtp_methods[command])

    def eof_received(self) -> bool:
        super().eof_received()
        return False  # inside TLS asyncio complains about anything else

    def hang_up(self) -> None:
        """Cut the line without a word."""
        if isinstance(self.transport, asyncio.WriteTransport):
            self.transport.abort()

    async def _handle_client(self) -> None:
        fault = self._script.take("greeting", "")
        if fault is None:
            await super()._handle_client()
            return
        await self._misbehave(fault, "")
        self.hang_up()

    def _faulty(
        self, command: str, stage: FaultStage, proper: Callable[[str | None], Awaitable[None]]
    ) -> Callable[[str | None], Awaitable[None]]:
        async def answer(argument: str | None) -> None:
            self._script.commands.append(command)
            recipient = self._recipient(command, argument)
            fault = self._script.take(stage, recipient)
            if fault is not None:
                await self._misbehave(fault, recipient)
            elif command == "MAIL" and self._login is not None and not self._is_logged_in():
                await self.push("530 5.7.0 log in first")
            elif command == "DATA" and (fault := self._script.take("body", recipient)):
                await self.push("354 go on")
                await self._reader.readuntil(b"\r\n")
                await self._misbehave(fault, recipient)
            else:
                await proper(argument)

        return answer

    def _is_logged_in(self) -> bool:
        return self.session is not None and bool(self.session.authenticated)

    def _recipient(self, command: str, argument: str | None) -> str:
        if command == "RCPT" and argument:
            return argument.partition("<")[2].partition(">")[0]
        return self.envelope.rcpt_tos[0] if self.envelope is not None and self.envelope.rcpt_tos else ""

    async def _misbehave(self, fault: Fault, recipient: str) -> None:
        if fault.answer == "drop":
            self.hang_up()
        elif fault.answer == "stall":
            await asyncio.Event().wait()
        else:
            await self.push(fault.answer.replace("{recipient}", recipient).encode())

    def _check_login(
        self, _server: SMTP, _session: Session, _envelope: Envelope, _mechanism: str, data: Any
    ) -> AuthResult:
        given = (data.login.decode(), data.password.decode()) if isinstance(data, LoginPassword) else None
        return AuthResult(success=given is not None and given == self._login, handled=False)


class _Handler:
    """What aiosmtpd asks about a message, once it is complete."""

    def __init__(self, script: Script, keep: Keep, *, offers_login: bool) -> None:
        self._script = script
        self._keep = keep
        self._offers_login = offers_login

    async def handle_EHLO(
        self, _server: SMTP, session: Session, _envelope: Envelope, hostname: str, responses: list[str]
    ) -> list[str]:
        session.host_name = hostname
        return [line for line in responses if self._offers_login or not line.startswith("250-AUTH")]

    async def handle_DATA(self, server: CatcherSession, _session: Session, envelope: Envelope) -> bytes:
        fault = self._script.take("reply", envelope.rcpt_tos[0])
        if fault is None or fault.keeps_mail:
            assert isinstance(envelope.content, bytes)
            self._keep(envelope.content, envelope.mail_from or "", envelope.rcpt_tos)
        if fault is None:
            return b"250 2.0.0 kept"
        if fault.answer == "drop":
            server.hang_up()
            raise asyncio.CancelledError
        if fault.answer == "stall":
            await asyncio.Event().wait()
        return fault.answer.replace("{recipient}", envelope.rcpt_tos[0]).encode()
