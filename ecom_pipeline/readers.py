"""Who reads reports and alerts, who gets no more of them, and what the mailbox they come from says about it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from ecom_pipeline.delivery import (
    ImapServer,
    InboxReading,
    Ledger,
    Recipient,
    ServerCheck,
    Suppression,
    SuppressionReason,
    check_inbox,
    display_address,
    read_inbox,
)
from ecom_pipeline.errors import ConfigurationError
from ecom_pipeline.pipeline import Pipeline
from ecom_pipeline.reporting import ledger_file, ledger_key, mail_sender
from ecom_pipeline.settings import IMAP_PASSWORD_VARIABLE, Settings

ALERTS = "alerts"


@dataclass(frozen=True)
class Reader:
    """Somebody the settings name, as they may be shown; `audience` is "alerts" for those told between reports."""

    display: str
    language: str
    audience: str
    suppression: Suppression | None


def load_readers(settings: Settings) -> list[Reader]:
    """Everybody who is mailed to, in the order of the settings, with why some get nothing.

    Raises:
        ConfigurationError: the key of the delivery ledger is missing.
        DeliveryError: an address cannot be used, or the ledger cannot be opened.
    """
    with Ledger(ledger_file(settings), ledger_key(settings)) as ledger:
        return [
            Reader(person.display, person.language, audience, ledger.suppressions.find(person))
            for person, audience in _people(settings)
        ]


def suppress_reader(pipeline: Pipeline, email: str) -> bool:
    """Send a reader no more, as if they had unsubscribed; False when they get nothing already.

    Raises:
        ConfigurationError: the settings name no such reader.
        EcomError: as `load_readers`.
    """
    settings = pipeline.settings
    reader = _reader(settings, email)
    with Ledger(ledger_file(settings), ledger_key(settings)) as ledger:
        return ledger.suppressions.add(reader, SuppressionReason.UNSUBSCRIBED, "", pipeline.clock())


def allow_reader(pipeline: Pipeline, email: str) -> bool:
    """Send to a reader again; False when they were not suppressed.

    Raises:
        EcomError: as `suppress_reader`.
    """
    settings = pipeline.settings
    reader = _reader(settings, email)
    with Ledger(ledger_file(settings), ledger_key(settings)) as ledger:
        return ledger.suppressions.lift(reader, pipeline.clock())


def read_mailbox(pipeline: Pipeline) -> InboxReading:
    """Heed what came back to the mailbox of `[mail.inbox]` since the last reading.

    Raises:
        ConfigurationError: no mailbox is configured, or the ledger's key is missing.
        DeliveryError: the mailbox or the ledger cannot be read.
    """
    settings = pipeline.settings
    server = inbox_server(settings)
    people = [person for person, _ in _people(settings)]
    with Ledger(ledger_file(settings), ledger_key(settings)) as ledger:
        return read_inbox(server, mail_sender(settings), people, ledger, pipeline.clock())


def check_mailbox(settings: Settings) -> ServerCheck:
    """Whether the mailbox of `[mail.inbox]` opens; changes nothing.

    Raises:
        EcomError: as `inbox_server`.
    """
    return check_inbox(inbox_server(settings))


def inbox_server(settings: Settings) -> ImapServer:
    """The configured mailbox.

    Raises:
        ConfigurationError: there is none, or its password is missing.
        DeliveryError: its settings would not work or would betray the password.
    """
    inbox = settings.mail.inbox if settings.mail else None
    if inbox is None:
        raise ConfigurationError(
            "No mailbox is configured.", mend="Add a [mail.inbox] section to ecom.toml, or suppress by hand."
        )
    if settings.imap_password is None:
        raise ConfigurationError(
            f"{IMAP_PASSWORD_VARIABLE} is not set.",
            why=f"The mailbox at {inbox.host} wants a password.",
            mend=f"Put {IMAP_PASSWORD_VARIABLE} into the environment or the .env beside ecom.toml.",
        )
    password = settings.imap_password.get_secret_value()
    return ImapServer(
        inbox.host, inbox.port, inbox.security, inbox.username, password, inbox.timeout_seconds,
        inbox.ca_file, inbox.folder,
    )  # fmt: skip


def _people(settings: Settings) -> Iterator[tuple[Recipient, str]]:
    for reader in settings.mail.recipients if settings.mail else ():
        yield Recipient(reader.email, reader.language, reader.name), reader.audience
    for told in settings.alerts.recipients:
        yield Recipient(told.email, told.language, told.name), ALERTS


def _reader(settings: Settings, email: str) -> Recipient:
    asked = Recipient(email, "en")
    for person, _ in _people(settings):
        if person.identity == asked.identity:
            return person
    raise ConfigurationError(
        f"Nobody reads at {display_address(email)}.",
        why="The recipients of [mail] and [alerts] in ecom.toml have no such address.",
        mend="See them, masked, with: ecom-pipeline readers",
    )
