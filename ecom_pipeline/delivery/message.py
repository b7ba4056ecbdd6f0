"""A report as an e-mail message, one per recipient, that stands on its own in any mail program.

Text first, because it is what a phone's preview, a screen reader and a spam filter read; HTML with its one
picture inside the message, so nothing is fetched from the network when it is opened; the PDF attached.
The Message-ID follows from the report and the recipient, so a message that has to be sent again is the same
message: most mailboxes then show it once.
"""

from __future__ import annotations

import hashlib
import hmac
import re
import unicodedata
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.headerregistry import Address
from email.message import EmailMessage
from email.utils import format_datetime
from pathlib import Path
from urllib.parse import quote

from ecom_pipeline.delivery.addresses import Recipient, Sender, check_language, check_one_line
from ecom_pipeline.delivery.errors import DeliveryError
from ecom_pipeline.delivery.flowed import flow_text
from ecom_pipeline.delivery.headers import make_policy

PICTURE_REFERENCE = "cid:report-picture"
"""What a report's HTML writes as the address of its picture; the message puts the real one there."""

UNSUBSCRIBE_REFERENCE = "mailto:report-unsubscribe"
"""What a report's HTML writes as the address of a link that asks for no more mail."""

MAX_PDF_BYTES = 15 * 1024 * 1024
"""Common servers stop at 20 to 25 MB, and the PDF grows by a third on its way."""

_REPORT_KEY = re.compile(r"[a-z][a-z0-9-]*(?:/[A-Za-z0-9][A-Za-z0-9_-]*)+")
MESSAGE_POLICY = make_policy()


@dataclass(frozen=True)
class ReportMail:
    """What one report says in one language, before it is addressed to anyone."""

    report_key: str
    language: str
    subject: str
    text: str = field(repr=False)
    html: str = field(repr=False)
    pdf_path: Path
    pdf_name: str
    picture_png: bytes | None = field(default=None, repr=False)


@dataclass(frozen=True)
class CheckedReport:
    """A report whose parts were found good, with the PDF read once for all recipients."""

    mail: ReportMail
    pdf: bytes = field(repr=False)

    @property
    def pdf_sha256(self) -> str:
        return hashlib.sha256(self.pdf).hexdigest()


def build_message(
    report: ReportMail,
    recipient: Recipient,
    sender: Sender,
    *,
    written_at: datetime | None = None,
    edition: int = 1,
) -> EmailMessage:
    """The whole message for one recipient.

    `edition` is above 1 when a person asked for a report to be sent again: that is a new message.

    Raises:
        DeliveryError: when a part is missing, unusable or could break a header.
    """
    return compose_message(check_report(report), recipient, sender, written_at or datetime.now(UTC), edition)


def check_report(report: ReportMail) -> CheckedReport:
    """The report with its PDF, once everything a message needs was found good; refuses otherwise."""
    if not _REPORT_KEY.fullmatch(report.report_key):
        raise DeliveryError(
            "The report cannot be identified",
            "its key is malformed",
            "Use a key such as weekly/2026-W47/direction/fr",
        )
    check_language(report.language)
    for value, what in ((report.subject, "subject"), (report.pdf_name, "name of the PDF")):
        check_one_line(value, what)
        if not value.strip():
            raise _unusable(report, f"its {what} is empty")
    if not report.text.strip() or not report.html.strip():
        raise _unusable(report, "its text or its HTML is empty")
    if "/" in report.pdf_name or "\\" in report.pdf_name:
        raise _unusable(report, "the name of the PDF contains a folder")
    if (PICTURE_REFERENCE in report.html) != (report.picture_png is not None):
        raise _unusable(report, f"the HTML must refer to {PICTURE_REFERENCE} exactly when there is a picture")
    return CheckedReport(report, _load_pdf(report))


def compose_message(
    checked: CheckedReport, recipient: Recipient, sender: Sender, written_at: datetime, edition: int
) -> EmailMessage:
    """The message for one recipient from a report that was checked."""
    report = checked.mail
    message = EmailMessage(policy=MESSAGE_POLICY)
    message_id = build_message_id(report.report_key, recipient, sender, edition)
    set_headers(message, report.report_key, report.subject, recipient, sender)
    message["Message-ID"] = message_id
    message["Date"] = format_datetime(written_at.astimezone(UTC))
    message.set_content(flow_text(report.text), cte="quoted-printable", params={"format": "flowed"})
    content_id = message_id.replace("<", "<picture.")
    html = report.html.replace(PICTURE_REFERENCE, f"cid:{content_id.strip('<>')}")
    html = html.replace(UNSUBSCRIBE_REFERENCE, _unsubscribe_url(report.report_key, recipient, sender))
    message.add_alternative(html, subtype="html", cte="quoted-printable")
    if report.picture_png is not None:
        html_part = message.get_payload(1)
        assert isinstance(html_part, EmailMessage)
        html_part.add_related(
            report.picture_png, "image", "png", cid=content_id, disposition="inline", filename="report.png"
        )
    _attach_pdf(message, checked)
    # Last: whatever is called Content-… before moves down to the first part when parts are added.
    message["Content-Language"] = report.language
    return message


def build_message_id(report_key: str, recipient: Recipient, sender: Sender, edition: int) -> str:
    """The same for the same report, recipient and edition, whenever it is computed; only its sender can make it."""
    mark = _mark(sender, "message", report_key, recipient.identity, str(edition))
    return f"<{mark[:40]}@{sender.domain}>"


def build_reader_token(recipient: Recipient, sender: Sender) -> str:
    """What a request to receive no more mail bears, so that it is known whose it is."""
    return _mark(sender, "unsubscribe", recipient.identity)[:20]


def _mark(sender: Sender, *parts: str) -> str:
    return hmac.new(sender.key, "\n".join(parts).encode(), hashlib.sha256).hexdigest()


def set_headers(
    message: EmailMessage, report_key: str, subject_line: str, recipient: Recipient, sender: Sender
) -> None:
    """Who writes to whom about what, that a machine wrote it, and how to be left alone."""
    message["From"] = Address(sender.name, addr_spec=sender.address)
    message["To"] = Address(recipient.name, addr_spec=recipient.email)
    message["Subject"] = subject_line
    message["Auto-Submitted"] = "auto-generated"  # RFC 3834: out-of-office programs then stay silent
    message["List-Id"] = f"<{_list_name(report_key)}.{sender.domain}>"
    message["List-Unsubscribe"] = f"<{_unsubscribe_url(report_key, recipient, sender)}>"


def _list_name(report_key: str) -> str:
    return f"{report_key.partition('/')[0]}-report"


def _unsubscribe_url(report_key: str, recipient: Recipient, sender: Sender) -> str:
    subject = f"unsubscribe {_list_name(report_key)} {build_reader_token(recipient, sender)}"
    # Quoted, because an address may hold characters that mean something in a URL.
    return f"mailto:{quote(sender.unsubscribe, safe='@')}?subject={quote(subject)}"


def _attach_pdf(message: EmailMessage, checked: CheckedReport) -> None:
    name = checked.mail.pdf_name
    name = name if name.lower().endswith(".pdf") else f"{name}.pdf"
    # Programs that do not know RFC 2231 fall back to the ASCII name on the content type.
    message.add_attachment(
        checked.pdf, "application", "pdf", filename=name, params={"name": ascii_file_name(name)}
    )


def ascii_file_name(name: str) -> str:
    """The name without accents or anything a file system or a header could stumble over."""
    plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode("ascii")
    safe = re.sub(r"[^A-Za-z0-9._-]+", "-", plain).strip("-.")
    return safe if safe.lower() not in {"", "pdf"} else "report.pdf"


def _load_pdf(report: ReportMail) -> bytes:
    try:
        pdf = report.pdf_path.read_bytes()
    except OSError as error:
        raise _unusable(report, f"its PDF cannot be read ({error.strerror})") from None
    if not pdf.startswith(b"%PDF-") or b"%%EOF" not in pdf[-1024:]:
        raise _unusable(report, "its PDF is not a whole PDF file")
    if len(pdf) > MAX_PDF_BYTES:
        raise _unusable(report, f"its PDF has {len(pdf) / 1_048_576:.1f} MB, more than mail servers take")
    return pdf


def _unusable(report: ReportMail, why: str) -> DeliveryError:
    return DeliveryError(
        f"The report {report.report_key} cannot be mailed", why, "Render it again, then send it"
    )
