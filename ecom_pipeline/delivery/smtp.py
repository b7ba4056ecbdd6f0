"""Handing one message to a mail server, and telling exactly what came of it.

`smtplib.SMTP.sendmail` is not used: it reports a refused recipient, a full mailbox and a lost line by
exceptions that overlap, and it cannot tell "lost before the message was complete" (surely not accepted) from
"lost after" (perhaps accepted). So the conversation is led here, step by step, and the step that was under
way decides what a failure means. One connection carries one message: reports go to few people, and no
message's fate then depends on another's.
"""

from __future__ import annotations

import contextlib
import re
import smtplib
import socket
import ssl
from collections.abc import Callable
from email.message import EmailMessage

from ecom_pipeline.delivery.addresses import Recipient, Sender
from ecom_pipeline.delivery.mail_server import SmtpServer
from ecom_pipeline.delivery.outcome import Outcome, Stage, Verdict
from ecom_pipeline.delivery.scrub import scrub_words
from ecom_pipeline.delivery.status import read_status

_CHUNK_BYTES = 64 * 1024
_QUIT_SECONDS = 5.0
# PLAIN first: inside TLS it is the one that every server gets right.
_MECHANISMS = ("PLAIN", "LOGIN", "CRAM-MD5")
_MECHANISM_REFUSED = 504
_SHORTEST_HIDDEN = 3
_REFUSALS = {4: Verdict.TEMPORARY, 5: Verdict.PERMANENT}  # by the first digit of the reply, RFC 5321 4.2.1
_TRANSIENT_TLS = (ssl.SSLEOFError, ssl.SSLZeroReturnError, ssl.SSLSyscallError, ssl.SSLWantReadError)

FAILURES = (smtplib.SMTPException, OSError, ValueError)
"""All that a server, a network or a garbled reply can raise through `smtplib`."""


def send_message(
    server: SmtpServer,
    message: EmailMessage,
    sender: Sender,
    recipient: Recipient,
    *,
    before_completion: Callable[[], None] = lambda: None,
) -> Outcome:
    """One attempt, never an exception for anything the server or the network does.

    `before_completion` is called just before the bytes leave that make the message complete; until it has
    returned the server cannot have accepted the message. What it raises is passed on and nothing is accepted.
    """
    secrets = (*server.secrets, *_personal_words(sender, recipient))
    conversation = Conversation(server)
    try:
        try:
            conversation.open()
            rest = conversation.hand_over_all_but_the_end(message, sender, recipient)
        except FAILURES as error:
            return outcome_of(error, conversation.stage, secrets)
        before_completion()
        try:
            code, words = conversation.complete(rest)
        except FAILURES as error:
            return outcome_of(error, conversation.stage, secrets)
        return Outcome(Verdict.ACCEPTED, Stage.REPLY, code, scrub_words(words, secrets))
    finally:
        conversation.close()


class Conversation:
    """One SMTP session that knows which stage it is in.

    Failures come as `smtplib`'s and the socket's own exceptions; `outcome_of` reads them with the stage.
    """

    def __init__(self, server: SmtpServer) -> None:
        self.server = server
        self.stage = Stage.CONNECT
        self._client: smtplib.SMTP | None = None

    @property
    def client(self) -> smtplib.SMTP:
        if self._client is None:
            raise smtplib.SMTPServerDisconnected("not connected")
        return self._client

    def open(self, on_step: Callable[[str], object] = lambda _step: None) -> None:
        """Connect, greet, encrypt and log in, as far as the settings ask for; tells each step done."""
        self._client = self._connect()
        on_step(f"connected to {self.server.host}:{self.server.port}")
        self._greet()
        if self.server.security == "starttls":
            self.stage = Stage.STARTTLS
            self.client.starttls(context=self.server.make_tls_context())
            self._greet()
        if isinstance(self.client.sock, ssl.SSLSocket):
            on_step(f"encrypted with {self.client.sock.version()}, certificate verified")
        if self.server.username:
            self.stage = Stage.LOGIN
            self._log_in()
            on_step("logged in")

    def ask_sign_of_life(self) -> None:
        """A command that changes nothing and that a server out of order does not answer well."""
        _expect(self.client.noop())

    def hand_over_all_but_the_end(self, message: EmailMessage, sender: Sender, recipient: Recipient) -> bytes:
        """The last bytes, without which the server cannot take the message for complete."""
        body = message.as_bytes()
        self.stage = Stage.SENDER
        options = [f"size={len(body)}"] if self.client.has_extn("size") else []
        _expect(self.client.mail(sender.address, options))
        self.stage = Stage.RECIPIENT
        _expect(self.client.rcpt(recipient.email))
        self.begin_data()
        # Lines beginning with a dot are doubled, RFC 5321 4.5.2.
        body = re.sub(rb"(?m)^\.", b"..", body) + b".\r\n"
        # In pieces, because a socket's timeout bounds each sendall as a whole: a slow line is not a dead one.
        last = max(0, len(body) - _CHUNK_BYTES)
        for start in range(0, last, _CHUNK_BYTES):
            self.client.send(body[start : min(start + _CHUNK_BYTES, last)])
        return body[last:]

    def begin_data(self) -> None:
        """Ask to send the message; what follows is its body."""
        self.stage = Stage.DATA
        self.client.putcmd("data")
        _expect(self.client.getreply(), wanted=3)
        self.stage = Stage.BODY

    def complete(self, rest: bytes) -> tuple[int, bytes]:
        """The server's reply, which is its acceptance."""
        self.stage = Stage.REPLY
        self.client.send(rest)
        return _expect(self.client.getreply())

    def close(self) -> None:
        """Say goodbye when the line still stands; never raises and never waits long."""
        if self._client is None:
            return
        with contextlib.suppress(smtplib.SMTPException, OSError, ValueError):
            if self._client.sock is not None and self.stage is not Stage.BODY:
                self._client.sock.settimeout(min(_QUIT_SECONDS, self.server.timeout_seconds))
                self._client.quit()
        self._client.close()

    def _connect(self) -> smtplib.SMTP:
        server = self.server
        name = _hello_name()
        if server.security == "tls":
            return smtplib.SMTP_SSL(
                server.host,
                server.port,
                name,
                timeout=server.timeout_seconds,
                context=server.make_tls_context(),
            )
        return smtplib.SMTP(server.host, server.port, name, timeout=server.timeout_seconds)

    def _greet(self) -> None:
        self.stage = Stage.HELLO
        _expect(self.client.ehlo())

    def _log_in(self) -> None:
        offered = self.client.esmtp_features.get("auth", "").upper().split()
        usable = [mechanism for mechanism in _MECHANISMS if mechanism in offered]
        if not usable:
            raise smtplib.SMTPNotSupportedError("the server offers no login that can be used here")
        self.client.user, self.client.password = self.server.username, self.server.password
        for mechanism in usable:
            answer = getattr(self.client, f"auth_{mechanism.lower().replace('-', '_')}")
            try:
                self.client.auth(mechanism, answer)
                return
            except smtplib.SMTPAuthenticationError as error:
                if error.smtp_code != _MECHANISM_REFUSED or mechanism == usable[-1]:
                    raise


def outcome_of(error: Exception, stage: Stage, secrets: tuple[str, ...]) -> Outcome:
    """What a failure at this stage means: the one place where verdicts are decided."""
    if stage is Stage.CONNECT and isinstance(error, smtplib.SMTPException):
        stage = Stage.GREETING  # the line stood: smtplib reads the greeting while it connects
    code, words = _reply_in(error)
    if code is not None and code // 100 in _REFUSALS:
        verdict = _REFUSALS[code // 100]
    elif stage is Stage.REPLY:
        verdict = Verdict.UNCERTAIN
    elif _needs_a_person(error):
        verdict = Verdict.PERMANENT
    else:
        verdict = Verdict.TEMPORARY
    said = words.decode("ascii", "replace") if isinstance(words, bytes) else ""
    return Outcome(verdict, stage, code, scrub_words(words, secrets), status=read_status(said))


def _reply_in(error: Exception) -> tuple[int | None, bytes | str]:
    # smtplib's own complaint about an endless line comes as a 500 too, but with its words as str.
    if isinstance(error, smtplib.SMTPResponseException) and isinstance(error.smtp_error, bytes):
        return (error.smtp_code if error.smtp_code > 0 else None), error.smtp_error
    return None, _describe(error)


def _needs_a_person(error: Exception) -> bool:
    if isinstance(error, smtplib.SMTPNotSupportedError):
        return True
    return isinstance(error, ssl.SSLError) and not isinstance(error, _TRANSIENT_TLS)


def _describe(error: BaseException) -> str:
    cause = error.__context__ if isinstance(error, smtplib.SMTPServerDisconnected) else None
    if isinstance(cause, OSError):
        error = cause
    if isinstance(error, TimeoutError):
        return "no answer in time"
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"the certificate was not accepted: {error.verify_message}"
    if isinstance(error, ssl.SSLError):
        return f"the encrypted connection failed: {error.reason or 'no reason given'}"
    if isinstance(error, smtplib.SMTPServerDisconnected):
        return "the server closed the connection"
    if isinstance(error, socket.gaierror):
        return "the host name cannot be resolved"
    if isinstance(error, OSError):
        return (error.strerror or type(error).__name__).lower()
    return str(error)


def _expect(reply: tuple[int, bytes], wanted: int = 2) -> tuple[int, bytes]:
    if reply[0] // 100 != wanted:
        raise smtplib.SMTPResponseException(*reply)
    return reply


def _personal_words(sender: Sender, recipient: Recipient) -> tuple[str, ...]:
    local_part = recipient.email.rpartition("@")[0]
    words = (recipient.email, recipient.name, sender.address, sender.unsubscribe)
    # A very short name before the @ would blot out ordinary words and identifies nobody.
    return (*words, local_part) if len(local_part) >= _SHORTEST_HIDDEN else words


def _hello_name() -> str:
    # The machine's own name without asking DNS, which can block for many seconds where it is misconfigured.
    name = socket.gethostname()
    return name if "." in name and name.isascii() else "[127.0.0.1]"
