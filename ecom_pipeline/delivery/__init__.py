"""From a rendered report to the inboxes of its readers, from an alert to its receivers: never lost, at most one
duplicate.

`message` builds the mail, `smtp` hands it over and says what came of it, `ledger` remembers, and `outbox`
puts the three together; `inbox` reads what comes back, and `suppression` keeps who gets no more. `alert` is what webhooks, Slack and people (`receivers`) are told between reports; it
waits in the `alert_box`, and `alert_outbox` sends it by the same ledger. Nothing here knows what computes a
report or an alert, or what schedules it.
"""

from ecom_pipeline.delivery.addresses import Recipient, Sender, display_address
from ecom_pipeline.delivery.alert import (
    ALERT_KINDS,
    Alert,
    AlertCheck,
    AlertFigure,
    AlertKind,
    AlertRun,
    AlertSignal,
    AlertWords,
)
from ecom_pipeline.delivery.alert_box import AlertBox
from ecom_pipeline.delivery.alert_outbox import (
    AlertDelivery,
    QuietHours,
    deliver_alerts,
    is_anything_due,
    plan_alerts,
)
from ecom_pipeline.delivery.doctor import ServerCheck, check_server
from ecom_pipeline.delivery.entry import Entry, State
from ecom_pipeline.delivery.errors import DeliveryError
from ecom_pipeline.delivery.inbox import InboxReading, check_inbox, read_inbox
from ecom_pipeline.delivery.ledger import Ledger
from ecom_pipeline.delivery.mail_server import ImapServer, SmtpServer
from ecom_pipeline.delivery.message import PICTURE_REFERENCE, ReportMail, build_message
from ecom_pipeline.delivery.outbox import (
    Delivery,
    Preview,
    Retries,
    deliver_report,
    preview_report,
)
from ecom_pipeline.delivery.outcome import Outcome, Stage, Verdict
from ecom_pipeline.delivery.receivers import MailReceiver, Receiver, SlackReceiver, WebhookReceiver
from ecom_pipeline.delivery.smtp import send_message
from ecom_pipeline.delivery.suppression import Suppression, SuppressionReason
from ecom_pipeline.delivery.webhook import Webhook

__all__ = [
    "ALERT_KINDS",
    "PICTURE_REFERENCE",
    "Alert",
    "AlertBox",
    "AlertCheck",
    "AlertDelivery",
    "AlertFigure",
    "AlertKind",
    "AlertRun",
    "AlertSignal",
    "AlertWords",
    "Delivery",
    "DeliveryError",
    "Entry",
    "ImapServer",
    "InboxReading",
    "Ledger",
    "MailReceiver",
    "Outcome",
    "Preview",
    "QuietHours",
    "Receiver",
    "Recipient",
    "ReportMail",
    "Retries",
    "Sender",
    "ServerCheck",
    "SlackReceiver",
    "SmtpServer",
    "Stage",
    "State",
    "Suppression",
    "SuppressionReason",
    "Verdict",
    "Webhook",
    "WebhookReceiver",
    "build_message",
    "check_inbox",
    "check_server",
    "deliver_alerts",
    "deliver_report",
    "display_address",
    "is_anything_due",
    "plan_alerts",
    "preview_report",
    "read_inbox",
    "send_message",
]
