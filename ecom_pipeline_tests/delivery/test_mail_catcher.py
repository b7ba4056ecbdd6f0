from __future__ import annotations

import smtplib
import threading
from pathlib import Path

import pytest

from ecom_pipeline.delivery import Recipient, ReportMail, Sender, SmtpServer, build_message, send_message
from ecom_pipeline.sandbox.mail_catcher import Fault, MailCatcher, run_mail_catcher


def test_a_caught_mail_can_be_looked_at_without_a_mail_program(
    catcher: MailCatcher, server: SmtpServer, report: ReportMail, sender: Sender, marie: Recipient
) -> None:
    for _ in range(2):
        send_message(server, build_message(report, marie, sender), sender, marie)
    names = sorted(path.name for path in catcher.folder.iterdir())
    pdf = "0001-Rapport-d-été-semaine-47.pdf"
    assert names == sorted(
        name.replace("0001", number)
        for name in ("0001.eml", "0001.txt", "0001.html", pdf)
        for number in ("0001", "0002")
    )
    assert (catcher.folder / pdf).read_bytes() == report.pdf_path.read_bytes()
    assert "1 234,50 €" in (catcher.folder / "0001.txt").read_text(encoding="utf-8")
    html = (catcher.folder / "0001.html").read_text(encoding="utf-8")
    assert 'src="data:image/png;base64,' in html and "cid:" not in html


def test_numbers_go_on_in_a_folder_that_has_mails(
    tmp_path: Path, report: ReportMail, sender: Sender, marie: Recipient
) -> None:
    for _ in range(2):
        with run_mail_catcher(tmp_path / "in") as catcher:
            server = SmtpServer(catcher.host, catcher.port, "none")
            send_message(server, build_message(report, marie, sender), sender, marie)
    assert sorted(path.name for path in (tmp_path / "in").glob("*.eml")) == ["0001.eml", "0002.eml"]


def test_an_attachment_cannot_be_written_outside_the_folder(catcher: MailCatcher) -> None:
    hostile = (
        "MIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n\r\nhello\r\n--b\r\n"
        'Content-Disposition: attachment; filename="../../escaped.pdf"\r\n\r\nx\r\n--b--\r\n'
    )
    with smtplib.SMTP(catcher.host, catcher.port, "localhost", timeout=10) as client:
        client.sendmail("a@b.example", ["c@d.example"], hostile)
    assert [path.name for path in catcher.folder.glob("*escaped*")] == ["0001-..-..-escaped.pdf"]


def test_it_takes_no_mail_without_the_login_it_asks_for(tmp_path: Path) -> None:
    with (
        run_mail_catcher(tmp_path / "in", login=("user", "password")) as catcher,
        smtplib.SMTP(catcher.host, catcher.port, "localhost", timeout=10) as client,
    ):
        assert client.ehlo()[0] == 250
        assert client.mail("a@b.example")[0] == 530
        with pytest.raises(smtplib.SMTPAuthenticationError):
            client.login("user", "wrong")
        client.login("user", "password")
        assert client.mail("a@b.example")[0] == 250


def test_a_fault_shows_as_often_as_told_and_to_whom(catcher: MailCatcher) -> None:
    catcher.script.faults.append(Fault("recipient", "450 later", times=2, recipient="a@b.example"))
    with smtplib.SMTP(catcher.host, catcher.port, "localhost", timeout=10) as client:
        client.ehlo()
        client.mail("x@y.example")
        codes = [client.rcpt(to)[0] for to in ("c@d.example", "a@b.example", "a@b.example", "a@b.example")]
    assert codes == [250, 450, 450, 250]
    assert catcher.script.faults == []


def test_it_stops_with_clients_still_connected(tmp_path: Path) -> None:
    threads = threading.active_count()
    with run_mail_catcher(tmp_path / "in") as catcher:
        client = smtplib.SMTP(catcher.host, catcher.port, "localhost", timeout=10)
        assert client.noop()[0] == 250
    with pytest.raises(smtplib.SMTPServerDisconnected):
        client.noop()
    assert threading.active_count() == threads
