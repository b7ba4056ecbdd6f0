"""Asking the mail server, before the first Monday, whether it would take our mail."""

from __future__ import annotations

from dataclasses import dataclass

from ecom_pipeline.delivery.mail_server import SmtpServer
from ecom_pipeline.delivery.outcome import Outcome, Stage, Verdict
from ecom_pipeline.delivery.smtp import FAILURES, Conversation, outcome_of


@dataclass(frozen=True)
class ServerCheck:
    """What was tried in order and went well, and the first thing that did not."""

    passed: tuple[str, ...]
    problem: str | None = None
    mend: str | None = None

    @property
    def ok(self) -> bool:
        return self.problem is None


def check_server(server: SmtpServer) -> ServerCheck:
    """Connect, encrypt, log in and ask for a sign of life, without sending anything; never raises."""
    conversation = Conversation(server)
    passed: list[str] = []
    try:
        conversation.open(on_step=passed.append)
        conversation.ask_sign_of_life()
        passed.append("the server answers")
        return ServerCheck(tuple(passed))
    except FAILURES as error:
        outcome = outcome_of(error, conversation.stage, server.secrets)
        return ServerCheck(tuple(passed), _problem(server, outcome), _mend(server, outcome))
    finally:
        conversation.close()


def _problem(server: SmtpServer, outcome: Outcome) -> str:
    said = f"{outcome.code} {outcome.words}" if outcome.code else outcome.words
    return f"{server.host}:{server.port} failed at {outcome.stage}: {said}"


def _mend(server: SmtpServer, outcome: Outcome) -> str:
    if outcome.verdict is Verdict.TEMPORARY and outcome.code is not None:
        return "The server is busy or slows us down: try again in some minutes"
    if "certificate" in outcome.words:
        return "Use the host name the certificate was made for, or name its authority in ca_file"
    if "encrypted connection" in outcome.words:
        return "Check port and security together: 465 goes with tls, 587 with starttls"
    match outcome.stage:
        case Stage.CONNECT:
            return "Check host and port, and whether a firewall lets this machine reach them"
        case Stage.GREETING:
            return _mend_greeting(server)
        case Stage.STARTTLS:
            return "The server does not encrypt on this port: use tls with port 465, or another server"
        case Stage.LOGIN:
            return "Check user name and password; many providers want a password made for applications"
        case _:
            return "Ask whoever runs the mail server what these words mean"


def _mend_greeting(server: SmtpServer) -> str:
    if server.security == "tls":
        return "The server accepted the connection and then said nothing: ask whether this machine is blocked"
    return "If the port is 465, set security to tls; otherwise ask whether this machine is blocked"
