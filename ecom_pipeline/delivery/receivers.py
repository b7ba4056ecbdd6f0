"""Who alerts go to: webhooks that take JSON, Slack, and people by e-mail, all sent to in one way."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from email.message import EmailMessage
from email.utils import format_datetime
from typing import Protocol

from ecom_pipeline.delivery.addresses import Addressee, Recipient, Sender, check_one_line
from ecom_pipeline.delivery.alert import Alert, AlertKind, body_of
from ecom_pipeline.delivery.errors import DeliveryError
from ecom_pipeline.delivery.mail_server import SmtpServer
from ecom_pipeline.delivery.message import MESSAGE_POLICY, build_message_id, set_headers
from ecom_pipeline.delivery.outcome import Outcome, Stage, Verdict
from ecom_pipeline.delivery.slack import slack_body
from ecom_pipeline.delivery.smtp import send_message
from ecom_pipeline.delivery.webhook import Webhook, post_webhook


class Receiver(Protocol):
    """Somebody or something that takes alerts of some kinds."""

    @property
    def addressee(self) -> Addressee: ...

    @property
    def kinds(self) -> frozenset[AlertKind]: ...

    def send(
        self, alert: Alert, edition: int, now: datetime, before_completion: Callable[[], None]
    ) -> Outcome:
        """One attempt; the same alert and edition always bear the same idempotency key."""
        ...


@dataclass(frozen=True)
class WebhookReceiver:
    """A webhook that takes the alert's JSON, signed."""

    addressee: Webhook
    kinds: frozenset[AlertKind]

    def send(
        self, alert: Alert, edition: int, now: datetime, before_completion: Callable[[], None]
    ) -> Outcome:
        key = idempotency_key(alert, self.addressee, edition)
        return post_webhook(self.addressee, body_of(alert), key, now, before_completion)


@dataclass(frozen=True)
class SlackReceiver:
    """An incoming webhook of Slack, which shows one language and knows no signatures."""

    addressee: Webhook
    kinds: frozenset[AlertKind]
    language: str

    def send(
        self, alert: Alert, edition: int, now: datetime, before_completion: Callable[[], None]
    ) -> Outcome:
        key = idempotency_key(alert, self.addressee, edition)
        body = slack_body(alert.in_language(self.language))
        return post_webhook(self.addressee, body, key, now, before_completion)


@dataclass(frozen=True)
class MailReceiver:
    """A person who reads alerts as plain text.

    `prepare` makes the server and the sender; when their settings cannot be used, the others are told all the same.
    """

    addressee: Recipient
    kinds: frozenset[AlertKind]
    prepare: Callable[[], tuple[SmtpServer, Sender]]

    def send(
        self, alert: Alert, edition: int, now: datetime, before_completion: Callable[[], None]
    ) -> Outcome:
        try:
            server, sender = self.prepare()
            message = compose_alert_mail(alert, self.addressee, sender, now, edition)
        except DeliveryError as error:
            return Outcome(Verdict.PERMANENT, Stage.LOGIN, None, f"{error.what}: {error.why}")
        return send_message(server, message, sender, self.addressee, before_completion=before_completion)


def idempotency_key(alert: Alert, addressee: Addressee, edition: int) -> str:
    """The same for the same alert, receiver and edition, whenever and wherever it is computed."""
    identity = "\n".join((alert.id, addressee.identity, str(edition)))
    return f"alert_{hashlib.sha256(identity.encode()).hexdigest()[:40]}"


def compose_alert_mail(
    alert: Alert, recipient: Recipient, sender: Sender, written_at: datetime, edition: int
) -> EmailMessage:
    """The alert as a message of plain text whose Message-ID follows from alert, recipient and edition."""
    words = alert.in_language(recipient.language)
    check_one_line(words.title, "title of the alert")
    message = EmailMessage(policy=MESSAGE_POLICY)
    set_headers(message, alert.id, words.title, recipient, sender)
    message["Message-ID"] = build_message_id(alert.id, recipient, sender, edition)
    message["Date"] = format_datetime(written_at.astimezone(UTC))
    text = "\n".join([words.title, "", *(f"- {line}" for line in words.lines)])
    message.set_content(f"{text}\n", cte="quoted-printable")
    message["Content-Language"] = recipient.language
    return message
