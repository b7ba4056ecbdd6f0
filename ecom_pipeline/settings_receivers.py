"""The sections of `ecom.toml` that say who receives what: reports by mail, alerts by mail and by webhook."""

from __future__ import annotations

from datetime import time
from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, SecretStr, model_validator

Email = Annotated[
    str,
    Field(
        pattern=r"^[^@\s<>]+@[^@\s<>]+$",
        description="It is no e-mail address",
        examples=['"somebody@example.com"'],
    ),
]


class Section(BaseModel):
    """A section of `ecom.toml`: what nobody reads is refused."""

    model_config = ConfigDict(extra="forbid", frozen=True)


Language = Literal["fr", "en"]


class AudienceTitle(Section):
    """What an audience is called on its report."""

    fr: str = Field(min_length=1)
    en: str = Field(min_length=1)


class AudienceSettings(Section):
    """Readers with a report of their own; what is left out is what the product's audience of that name has.

    `kpis` are names or whole families, in reading order.
    """

    title: AudienceTitle | None = None
    essentials: tuple[str, ...] | None = Field(default=None, min_length=1)
    kpis: tuple[str, ...] | None = Field(default=None, min_length=1)
    questions: tuple[str, ...] | None = None
    languages: tuple[Language, ...] | None = Field(default=None, min_length=1)


class RecipientSettings(Section):
    """Somebody who reads the reports of an audience in a language."""

    email: Email
    name: str = ""
    language: Language = "fr"
    audience: str = "direction"


class InboxSettings(Section):
    """The mailbox that returned reports and requests to receive none come to: that of `sender` and `unsubscribe`.

    Its password is ECOM_IMAP_PASSWORD.
    """

    host: str = Field(min_length=1)
    port: int = Field(default=993, ge=1, le=65535)
    security: Literal["none", "starttls", "tls"] = "tls"
    username: str = Field(min_length=1)
    folder: str = "INBOX"
    ca_file: Path | None = None
    timeout_seconds: float = Field(default=30.0, gt=0)


class MailSettings(Section):
    """The SMTP server reports leave by. Its password is ECOM_SMTP_PASSWORD."""

    host: str = Field(min_length=1)
    port: int = Field(default=587, ge=1, le=65535)
    security: Literal["none", "starttls", "tls"] = "starttls"
    username: str | None = None
    sender: Email
    sender_name: str = ""
    unsubscribe: str = ""
    ca_file: Path | None = None
    timeout_seconds: float = Field(default=30.0, gt=0)
    inbox: InboxSettings | None = None
    recipients: tuple[RecipientSettings, ...] = ()


AlertKinds = Annotated[
    tuple[Literal["daily", "signals", "freshness", "failures"], ...],
    Field(min_length=1),
]
_USUAL_KINDS: AlertKinds = ("signals", "freshness", "failures")


class AlertReaderSettings(Section):
    """Somebody who is told between reports, by the mail server of [mail]."""

    email: Email
    name: str = ""
    language: Literal["fr", "en"] = "fr"
    kinds: AlertKinds = _USUAL_KINDS


class AlertSettings(Section):
    """Who is told of signals, missing data and failures by e-mail, and when nobody is disturbed (shop time)."""

    quiet_from: time | None = None
    quiet_until: time | None = None
    recipients: tuple[AlertReaderSettings, ...] = ()

    @model_validator(mode="after")
    def _quiet_hours_have_two_ends(self) -> AlertSettings:
        if (self.quiet_from is None) != (self.quiet_until is None):
            raise ValueError("it has only one of quiet_from and quiet_until")
        if self.quiet_from is not None and self.quiet_from == self.quiet_until:
            raise ValueError("quiet_from and quiet_until are the same, so nobody can tell all day from never")
        return self


class WebhookSettings(Section):
    """An address that takes alerts; the address is a secret, as whoever knows it can write there."""

    name: str = Field(
        pattern=r"^[a-z][a-z0-9]*(_[a-z0-9]+)*$",
        description="Its name becomes part of a variable's name",
        examples=['"team"', '"daily_sheet"'],
    )
    format: Literal["json", "slack"] = "json"
    language: Literal["fr", "en"] = "fr"  # of Slack's words; the JSON has all
    kinds: AlertKinds = _USUAL_KINDS
    url: SecretStr | None = Field(default=None, exclude=True)
    signing_key: SecretStr | None = Field(default=None, exclude=True)
