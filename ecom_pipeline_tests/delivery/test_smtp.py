from __future__ import annotations

import smtplib
import socket
from collections.abc import Callable
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from ecom_pipeline.delivery import (
    DeliveryError,
    Outcome,
    Recipient,
    ReportMail,
    Sender,
    SmtpServer,
    Stage,
    Verdict,
    build_message,
    check_server,
    send_message,
)
from ecom_pipeline.sandbox.mail_catcher import Fault, MailCatcher, run_mail_catcher
from ecom_pipeline_tests.delivery.conftest import MakeReport

PASSWORD = "s3cret-Passw0rd"
SILENCE = 1.0
"""Seconds without an answer that these tests take for a timeout; enough for any answer that is to come."""

Send = Callable[..., Outcome]


@pytest.fixture
def send(report: ReportMail, server: SmtpServer, sender: Sender, marie: Recipient) -> Send:
    def attempt(**changes: object) -> Outcome:
        used = replace(server, **changes)  # type: ignore[arg-type]
        return send_message(used, build_message(report, marie, sender), sender, marie)

    return attempt


def test_accepted_mail_arrives_as_it_was_built(
    catcher: MailCatcher, send: Send, report: ReportMail, marie: Recipient, sender: Sender
) -> None:
    outcome = send()
    assert (outcome.verdict, outcome.stage, outcome.code) == (Verdict.ACCEPTED, Stage.REPLY, 250)
    (mail,) = catcher.mails
    assert (mail.sender, mail.recipients) == (sender.address, (marie.email,))
    text = mail.message.get_body(("plain",))
    assert text is not None
    assert "\n.une ligne" in text.get_content().replace("\r\n", "\n"), "a leading dot was lost on the way"
    assert catcher.script.commands[-1] == "QUIT"


REPLY_STAGES = ["greeting", "hello", "sender", "recipient", "data", "reply"]


@pytest.mark.parametrize("stage", REPLY_STAGES)
@pytest.mark.parametrize(
    ("answer", "verdict"),
    [
        ("450 4.2.1 later", Verdict.TEMPORARY),
        ("421 4.3.2 closing", Verdict.TEMPORARY),
        ("550 5.1.1 never", Verdict.PERMANENT),
        ("554 5.7.1 policy", Verdict.PERMANENT),
    ],
)
def test_a_refusal_is_read_by_its_code_at_every_stage(
    catcher: MailCatcher, send: Send, stage: str, answer: str, verdict: Verdict
) -> None:
    catcher.script.faults.append(Fault(stage, answer))  # type: ignore[arg-type]
    outcome = send()
    assert (outcome.verdict, outcome.stage) == (verdict, Stage(stage))
    assert outcome.code == int(answer[:3])
    assert outcome.words == answer[4:]
    assert catcher.mails == []


@pytest.mark.parametrize("stage", REPLY_STAGES)
@pytest.mark.parametrize("answer", ["drop", "stall"])
def test_a_dead_line_is_uncertain_only_once_the_message_was_complete(
    catcher: MailCatcher, send: Send, stage: str, answer: str
) -> None:
    catcher.script.faults.append(Fault(stage, answer))  # type: ignore[arg-type]
    outcome = send(timeout_seconds=SILENCE if answer == "stall" else 10)
    expected = Verdict.UNCERTAIN if stage == "reply" else Verdict.TEMPORARY
    assert (outcome.verdict, outcome.stage, outcome.code) == (expected, Stage(stage), None)
    assert outcome.words == ("no answer in time" if answer == "stall" else outcome.words)


@pytest.mark.parametrize("answer", ["drop", "stall"])
def test_a_dead_line_within_the_message_is_temporary(
    catcher: MailCatcher,
    server: SmtpServer,
    make_report: MakeReport,
    marie: Recipient,
    sender: Sender,
    answer: str,
) -> None:
    report = make_report()
    # More than both ends' buffers hold, so the client is still sending when the line dies.
    report.pdf_path.write_bytes(b"%PDF-1.7\n" + b"\0" * 14_000_000 + b"%%EOF")
    catcher.script.faults.append(Fault("body", answer))
    message = build_message(report, marie, sender)
    outcome = send_message(
        replace(server, timeout_seconds=SILENCE if answer == "stall" else 10), message, sender, marie
    )
    assert (outcome.verdict, outcome.stage) == (Verdict.TEMPORARY, Stage.BODY)
    assert catcher.mails == []


@pytest.mark.parametrize("garbage", ["bonjour", "999 what", "250", "334 go on"])
def test_a_garbled_reply_after_the_message_is_uncertain(
    catcher: MailCatcher, send: Send, garbage: str
) -> None:
    catcher.script.faults.append(Fault("reply", garbage, keeps_mail=True))
    outcome = send()
    expected = Verdict.ACCEPTED if garbage == "250" else Verdict.UNCERTAIN
    assert outcome.verdict is expected


@pytest.mark.parametrize("stage", ["greeting", "hello", "sender", "recipient", "data"])
def test_a_garbled_reply_before_the_message_is_temporary(
    catcher: MailCatcher, send: Send, stage: str
) -> None:
    catcher.script.faults.append(Fault(stage, "<html>503</html>"))  # type: ignore[arg-type]
    outcome = send()
    assert (outcome.verdict, outcome.stage) == (Verdict.TEMPORARY, Stage(stage))


def test_an_endless_reply_line_is_uncertain_after_the_message(catcher: MailCatcher, send: Send) -> None:
    catcher.script.faults.append(Fault("reply", "250 " + "x" * 9000, keeps_mail=True))
    assert send().verdict is Verdict.UNCERTAIN


def test_nobody_listening_is_temporary(send: Send) -> None:
    with closing(socket.socket()) as unused:
        unused.bind(("127.0.0.1", 0))
        outcome = send(port=unused.getsockname()[1])
    assert (outcome.verdict, outcome.stage, outcome.code) == (Verdict.TEMPORARY, Stage.CONNECT, None)
    assert outcome.words == "connection refused"


def test_an_unknown_host_is_temporary(send: Send) -> None:
    outcome = send(host="no-such-host.invalid")
    assert (outcome.verdict, outcome.stage) == (Verdict.TEMPORARY, Stage.CONNECT)
    assert outcome.words == "the host name cannot be resolved"


def test_a_message_above_the_servers_limit_is_refused_before_it_travels(
    tmp_path: Path, report: ReportMail, sender: Sender, marie: Recipient
) -> None:
    with run_mail_catcher(tmp_path / "small", max_bytes=500) as small:
        server = SmtpServer(small.host, small.port, "none")
        outcome = send_message(server, build_message(report, marie, sender), sender, marie)
        assert (outcome.verdict, outcome.stage, outcome.code) == (Verdict.PERMANENT, Stage.SENDER, 552)
        assert "DATA" not in small.script.commands


def test_acceptance_stands_when_the_goodbye_fails(catcher: MailCatcher, send: Send) -> None:
    catcher.script.faults.append(Fault("quit", "stall"))
    assert send(timeout_seconds=SILENCE).verdict is Verdict.ACCEPTED


def test_nothing_is_accepted_when_the_caller_objects_before_completion(
    catcher: MailCatcher,
    server: SmtpServer,
    report: ReportMail,
    sender: Sender,
    marie: Recipient,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def say_goodbye(_: smtplib.SMTP) -> None:
        pytest.fail("a QUIT in the middle of a message is a line of that message")

    monkeypatch.setattr(smtplib.SMTP, "quit", say_goodbye)

    def object_to_it() -> None:
        raise OSError("the ledger's disk is full")

    with pytest.raises(OSError, match="disk is full"):
        send_message(
            server, build_message(report, marie, sender), sender, marie, before_completion=object_to_it
        )
    assert catcher.mails == []
    assert catcher.script.commands[-1] == "DATA"


def test_the_servers_words_are_scrubbed(
    tmp_path: Path, report: ReportMail, sender: Sender, marie: Recipient
) -> None:
    login = ("postmaster@boutique.example", PASSWORD)
    with run_mail_catcher(tmp_path / "in", security="starttls", login=login) as catcher:
        server = SmtpServer("localhost", catcher.port, "starttls", *login, 10, catcher.ca_file)
        quoting = (
            f"550 <{{recipient}}> ({marie.email.upper()}) from {sender.address} by {login[0]}/{PASSWORD} "
            f"{server.secrets[2]}\x07 marie.lefebvre unknown, quota 5.2.2"
        )
        catcher.script.faults.append(Fault("recipient", quoting))
        outcome = send_message(server, build_message(report, marie, sender), sender, marie)
    assert outcome.code == 550
    assert "unknown, quota 5.2.2" in outcome.words and outcome.words.isprintable()
    for secret in ("marie", "lefebvre", "atelier", "boutique", PASSWORD, server.secrets[2]):
        assert secret.lower() not in outcome.words.lower(), secret
    assert PASSWORD not in repr(server) and "postmaster" not in repr(server)


# TLS and login


@pytest.mark.parametrize("security", ["starttls", "tls"])
def test_encrypted_and_logged_in(
    tmp_path: Path, security: str, report: ReportMail, sender: Sender, marie: Recipient
) -> None:
    login = ("user", PASSWORD)
    with run_mail_catcher(tmp_path / "in", security=security, login=login) as catcher:  # type: ignore[arg-type]
        server = SmtpServer("localhost", catcher.port, security, *login, 10, catcher.ca_file)  # type: ignore[arg-type]
        outcome = send_message(server, build_message(report, marie, sender), sender, marie)
        assert outcome.verdict is Verdict.ACCEPTED
        assert len(catcher.mails) == 1
        check = check_server(server)
        assert check.ok and check.mend is None
        assert check.passed[1].startswith("encrypted with TLSv1.")
        assert check.passed[2:] == ("logged in", "the server answers")


@pytest.mark.parametrize("security", ["starttls", "tls"])
@pytest.mark.parametrize(
    ("certificate_host", "trusts", "says"),
    [("localhost", False, "self-signed"), ("elsewhere.example", True, "mismatch")],
)
def test_a_certificate_that_proves_nothing_stops_before_the_password(
    tmp_path: Path, security: str, certificate_host: str, trusts: bool, says: str
) -> None:
    login = ("user", PASSWORD)
    with run_mail_catcher(
        tmp_path / "in",
        security=security,  # type: ignore[arg-type]
        login=login,
        certificate_host=certificate_host,
    ) as catcher:
        trusted = catcher.ca_file if trusts else None
        check = check_server(SmtpServer("localhost", catcher.port, security, *login, 10, trusted))  # type: ignore[arg-type]
        assert check.problem is not None and says in check.problem
        assert check.mend is not None and "ca_file" in check.mend
        assert "AUTH" not in catcher.script.commands


def test_a_wrong_password_is_permanent_and_not_shown(
    tmp_path: Path, report: ReportMail, sender: Sender, marie: Recipient
) -> None:
    with run_mail_catcher(tmp_path / "in", security="starttls", login=("user", "another")) as catcher:
        server = SmtpServer("localhost", catcher.port, "starttls", "user", PASSWORD, 10, catcher.ca_file)
        outcome = send_message(server, build_message(report, marie, sender), sender, marie)
        assert (outcome.verdict, outcome.stage, outcome.code) == (Verdict.PERMANENT, Stage.LOGIN, 535)
        assert outcome.refuses_everyone
        check = check_server(server)
        assert check.problem is not None and "failed at login: 535" in check.problem
        assert check.mend is not None and "password" in check.mend
        assert PASSWORD not in repr(check) and PASSWORD not in repr(outcome)
        assert catcher.script.commands.count("AUTH") == 2, "a refused password was offered twice in a session"


@pytest.mark.parametrize(
    ("stage", "answer", "verdict"),
    [
        ("starttls", "454 4.7.0 TLS not available", Verdict.TEMPORARY),
        ("starttls", "501 5.5.1 no", Verdict.PERMANENT),
        ("starttls", "drop", Verdict.TEMPORARY),
        ("starttls", "stall", Verdict.TEMPORARY),
        ("login", "454 4.7.0 temporary failure", Verdict.TEMPORARY),
        ("login", "535 5.7.8 bad", Verdict.PERMANENT),
        ("login", "drop", Verdict.TEMPORARY),
        ("login", "stall", Verdict.TEMPORARY),
        ("login", "334 ==not base64", Verdict.TEMPORARY),
    ],
)
def test_refusals_and_dead_lines_while_encrypting_and_logging_in(
    tmp_path: Path,
    report: ReportMail,
    sender: Sender,
    marie: Recipient,
    stage: str,
    answer: str,
    verdict: Verdict,
) -> None:
    login = ("user", PASSWORD)
    with run_mail_catcher(tmp_path / "in", security="starttls", login=login) as catcher:
        catcher.script.faults.append(Fault(stage, answer))  # type: ignore[arg-type]
        server = SmtpServer(
            "localhost",
            catcher.port,
            "starttls",
            *login,
            SILENCE if answer == "stall" else 10,
            catcher.ca_file,
        )
        outcome = send_message(server, build_message(report, marie, sender), sender, marie)
        assert (outcome.verdict, outcome.stage) == (verdict, Stage(stage))
        assert catcher.mails == []


def test_a_mechanism_the_server_only_pretends_to_know_is_passed_over(
    tmp_path: Path, report: ReportMail, sender: Sender, marie: Recipient
) -> None:
    login = ("user", PASSWORD)
    with run_mail_catcher(tmp_path / "in", security="tls", login=login) as catcher:
        catcher.script.faults.append(Fault("login", "504 5.5.4 mechanism not supported"))
        server = SmtpServer("localhost", catcher.port, "tls", *login, 10, catcher.ca_file)
        outcome = send_message(server, build_message(report, marie, sender), sender, marie)
        assert outcome.verdict is Verdict.ACCEPTED


def test_no_mechanism_that_works_is_a_refused_login(
    tmp_path: Path, report: ReportMail, sender: Sender, marie: Recipient
) -> None:
    login = ("user", PASSWORD)
    with run_mail_catcher(tmp_path / "in", security="tls", login=login) as catcher:
        catcher.script.faults.append(Fault("login", "504 5.5.4 mechanism not supported", times=None))
        server = SmtpServer("localhost", catcher.port, "tls", *login, 10, catcher.ca_file)
        outcome = send_message(server, build_message(report, marie, sender), sender, marie)
        assert (outcome.verdict, outcome.stage, outcome.code) == (Verdict.PERMANENT, Stage.LOGIN, 504)
        assert "MAIL" not in catcher.script.commands


def test_mail_is_never_sent_in_the_clear_when_encryption_was_asked_for(
    catcher: MailCatcher, send: Send
) -> None:
    outcome = send(security="starttls")
    assert (outcome.verdict, outcome.stage) == (Verdict.PERMANENT, Stage.STARTTLS)
    assert "MAIL" not in catcher.script.commands


def test_the_doctor_tells_port_and_security_apart(catcher: MailCatcher, server: SmtpServer) -> None:
    check = check_server(replace(server, security="tls"))
    assert check.mend is not None and "465 goes with tls" in check.mend
    refused = check_server(replace(server, security="starttls"))
    assert refused.problem is not None and "failed at starttls" in refused.problem
    catcher.script.faults.append(Fault("noop", "421 4.3.2 going down"))
    down = check_server(server)
    assert not down.ok and down.problem is not None and "421" in down.problem
    assert check_server(server).ok
    assert catcher.mails == []


def test_a_login_that_the_server_does_not_offer_is_named(catcher: MailCatcher, server: SmtpServer) -> None:
    check = check_server(replace(server, username="user", password=PASSWORD))
    assert check.problem is not None and "failed at login" in check.problem
    assert PASSWORD not in check.problem


@pytest.mark.parametrize(
    ("settings", "why"),
    [
        ({"host": ""}, "host name"),
        ({"host": "smtp.example.com\r\nX"}, "host name"),
        ({"host": "smtp..example.com"}, "host name"),
        ({"host": "smtp.example.com", "port": 0}, "port"),
        ({"host": "smtp.example.com", "security": "ssl"}, "security"),
        ({"host": "smtp.example.com", "timeout_seconds": 0}, "timeout"),
        ({"host": "smtp.example.com", "username": "u"}, "without a password"),
        ({"host": "smtp.example.com", "username": "u", "password": "pässword"}, "ASCII"),
        ({"host": "smtp.example.com", "security": "none", "username": "u", "password": "p"}, "network"),
        ({"host": "smtp.example.com", "ca_file": Path("/nowhere.pem")}, "ca_file"),
    ],
)
def test_unusable_settings_are_refused(settings: dict[str, object], why: str) -> None:
    with pytest.raises(DeliveryError, match=why) as refused:
        SmtpServer(**settings)  # type: ignore[arg-type]
    assert "pässword" not in str(refused.value)
