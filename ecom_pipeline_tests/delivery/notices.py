"""Notices of failed delivery (RFC 3464) as servers write them, and as somebody might forge them."""

from __future__ import annotations

from email.message import EmailMessage, Message
from email.mime.base import MIMEBase
from email.mime.multipart import MIMEMultipart
from email.mime.text import MIMEText


def make_notice(
    message_id: str,
    recipient: str,
    *,
    status: str = "5.1.1",
    action: str = "failed",
    final_recipient: str | None = None,
    returns: str = "rfc822-headers",
    sender: str = "MAILER-DAEMON@mail.atelier.example",
) -> bytes:
    """A notice about one recipient that returns a message's headers, or the whole of it."""
    notice = MIMEMultipart("report")
    notice.set_param("report-type", "delivery-status")
    notice["From"] = f"Mail Delivery System <{sender}>"
    notice["Subject"] = "Undelivered Mail Returned to Sender"
    notice["Auto-Submitted"] = "auto-replied"
    notice.attach(MIMEText("I'm sorry to have to inform you …", _charset="utf-8"))
    about = MIMEBase("message", "delivery-status")
    server, person = Message(), Message()
    server["Reporting-MTA"] = "dns; mail.atelier.example"
    person["Final-Recipient"] = f"rfc822; {final_recipient or recipient}"
    person["Original-Recipient"] = f"rfc822;{recipient}"
    person["Action"] = action
    person["Status"] = status
    person["Diagnostic-Code"] = f"smtp; 550 {status} as its words may be"
    about.set_payload([server, person])
    notice.attach(about)
    returned = EmailMessage()
    returned["Message-ID"], returned["To"], returned["Subject"] = message_id, recipient, "Semaine 47"
    returned.set_content("texte")
    if returns == "rfc822-headers":
        part: Message = MIMEBase("text", "rfc822-headers")
        part.set_payload(returned.as_bytes().partition(b"\n\n")[0].decode("ascii") + "\n")
    else:
        part = MIMEBase("message", "rfc822")
        part.set_payload([returned])
    notice.attach(part)
    return notice.as_bytes()


def make_request(sender: str, subject: str, **headers: str) -> bytes:
    """A mail that may ask for no more mail."""
    mail = EmailMessage()
    mail["From"], mail["To"], mail["Subject"] = sender, "stop@boutique.example", subject
    for name, value in headers.items():
        mail[name.replace("_", "-")] = value
    mail.set_content("")
    return mail.as_bytes()
