"""From a rendered report to the inboxes of its readers: never lost, at most one duplicate.

`message` builds the mail, `smtp` hands it over and says what came of it, `ledger` remembers, and `outbox`
puts the three together. Nothing here knows what computes a report or what schedules it.
"""

from ecom_pipeline.delivery.addresses import Recipient, Sender, display_address
from ecom_pipeline.delivery.doctor import ServerCheck, check_server
from ecom_pipeline.delivery.entry import Entry, State
from ecom_pipeline.delivery.errors import DeliveryError
from ecom_pipeline.delivery.ledger import Ledger
from ecom_pipeline.delivery.message import PICTURE_REFERENCE, ReportMail, build_message
from ecom_pipeline.delivery.outbox import (
    Delivery,
    Preview,
    Retries,
    deliver_report,
    is_sendable,
    preview_report,
)
from ecom_pipeline.delivery.outcome import Outcome, Stage, Verdict
from ecom_pipeline.delivery.smtp import send_message
from ecom_pipeline.delivery.smtp_server import SmtpServer

__all__ = [
    "PICTURE_REFERENCE",
    "Delivery",
    "DeliveryError",
    "Entry",
    "Ledger",
    "Outcome",
    "Preview",
    "Recipient",
    "ReportMail",
    "Retries",
    "Sender",
    "ServerCheck",
    "SmtpServer",
    "Stage",
    "State",
    "Verdict",
    "build_message",
    "check_server",
    "deliver_report",
    "display_address",
    "is_sendable",
    "preview_report",
    "send_message",
]
