"""Delivering one report to its readers: each their own message, each their own fate.

The order of things is what makes it safe. Every message is built before any is sent, so a broken report
reaches nobody instead of half the readers. What is planned is recorded first, so a kill forgets no one. What
was refused for now is tried again in rounds: the others do not wait for it.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.message import EmailMessage

from ecom_pipeline.delivery.addresses import Recipient, Sender
from ecom_pipeline.delivery.entry import Entry, State
from ecom_pipeline.delivery.errors import DeliveryError
from ecom_pipeline.delivery.ledger import Ledger
from ecom_pipeline.delivery.mail_server import SmtpServer
from ecom_pipeline.delivery.message import CheckedReport, ReportMail, check_report, compose_message
from ecom_pipeline.delivery.outcome import Outcome
from ecom_pipeline.delivery.smtp import send_message
from ecom_pipeline.delivery.suppression import Suppression

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Delivery:
    """What became of one report for one recipient; holds nothing that may not be shown or stored."""

    display: str
    state: State
    attempts: int
    reply_code: int | None
    explanation: str
    is_temporary: bool = False  # not sent now, and trying later may do without anyone mending anything
    was_sent_before: bool = False  # by an earlier run, so that this one sent nothing

    @property
    def is_sent(self) -> bool:
        return self.state is State.SENT

    @property
    def is_undelivered(self) -> bool:
        """True when a reader who should have the report does not."""
        return self.state not in (State.SENT, State.SUPPRESSED)


@dataclass(frozen=True)
class Preview:
    """What would be sent to one recipient, and whether."""

    display: str
    would_send: bool
    explanation: str
    subject: str
    size_bytes: int
    message: EmailMessage = field(repr=False)


@dataclass(frozen=True)
class Retries:
    """How patiently one run repeats what was refused for now: the waits between its attempts, in seconds."""

    waits: tuple[float, ...] = (5.0, 30.0)
    sleep: Callable[[float], None] = time.sleep


def deliver_report(
    report: ReportMail,
    recipients: Iterable[Recipient],
    server: SmtpServer,
    sender: Sender,
    ledger: Ledger,
    *,
    resend: bool = False,
    retries: Retries | None = None,
) -> list[Delivery]:
    """Every recipient has the report, or the ledger says why not; what was sent before is not sent again.

    With `resend`, those who have it or were refused get a new message. Whoever is suppressed gets none. One result
    per recipient, in their order; an address given twice counts once.

    Raises:
        DeliveryError: when the report or the list of recipients cannot be used; nothing was sent then.
    """
    checked = check_report(report)
    people = _check_recipients(report, recipients)
    run = _Run(checked, server, sender, ledger)
    for person in people:
        compose_message(checked, person, sender, datetime.now(UTC), edition=1)
    with ledger.turn():
        suppressed = {person: found for person in people if (found := ledger.suppressions.find(person))}
        served = [person for person in people if person not in suppressed]
        plan = ledger.plan_again if resend else ledger.plan
        entries = [plan(report.report_key, person, checked.pdf_sha256) for person in served]
        already = [entry.state is State.SENT for entry in entries]
        patience = retries or Retries()
        for wait in (None, *patience.waits):
            due = [index for index, entry in enumerate(entries) if run.wants(entry)]
            if not due:
                break
            if wait is not None:
                patience.sleep(wait)
            for index in due:
                entries[index] = run.attempt(served[index], entries[index])
    made = {
        person: _delivery(entry, done, run)
        for person, entry, done in zip(served, entries, already, strict=True)
    }
    return [made.get(person) or _skipped(suppressed[person]) for person in people]


def preview_report(
    report: ReportMail,
    recipients: Iterable[Recipient],
    sender: Sender,
    ledger: Ledger,
    *,
    resend: bool = False,
) -> list[Preview]:
    """All that `deliver_report` would check and build, sending nothing and changing nothing in the ledger.

    Raises:
        DeliveryError: as `deliver_report` would.
    """
    checked = check_report(report)
    previews = []
    for person in _check_recipients(report, recipients):
        entry = ledger.find(report.report_key, person)
        suppressed = ledger.suppressions.find(person)
        edition = 1 if entry is None else entry.edition + (resend and not entry.is_due)
        message = compose_message(checked, person, sender, datetime.now(UTC), edition)
        due = suppressed is None and (resend or entry is None or entry.is_due)
        explanation = "not sent yet" if entry is None else _explain(entry)
        if suppressed is not None:
            explanation = suppressed.explanation
        previews.append(
            Preview(person.display, due, explanation, report.subject, len(message.as_bytes()), message)
        )
    return previews


class _Run:
    """One call of `deliver_report`: stops asking a server that has refused everyone."""

    def __init__(self, checked: CheckedReport, server: SmtpServer, sender: Sender, ledger: Ledger) -> None:
        self.checked = checked
        self.server = server
        self.sender = sender
        self.ledger = ledger
        self.refusal: Outcome | None = None

    def wants(self, entry: Entry) -> bool:
        # Repeating a refused password for each reader is how accounts get locked.
        return self.refusal is None and entry.is_due

    def attempt(self, recipient: Recipient, entry: Entry) -> Entry:
        if not self.wants(entry):
            return entry
        started = self.ledger.start(entry, self.checked.pdf_sha256)
        message = compose_message(self.checked, recipient, self.sender, datetime.now(UTC), entry.edition)
        outcome = send_message(
            self.server,
            message,
            self.sender,
            recipient,
            before_completion=lambda: self.ledger.mark_completing(started),
        )
        finished = self.ledger.finish(started, outcome)
        if outcome.refuses_everyone:
            self.refusal = outcome
        log.info(
            "%s to %s: %s at %s (attempt %d, reply %s)",
            entry.report_key,
            entry.display,
            outcome.verdict,
            outcome.stage,
            finished.attempts,
            outcome.code,
        )
        return finished


def _check_recipients(report: ReportMail, recipients: Iterable[Recipient]) -> Sequence[Recipient]:
    people = list({person.identity: person for person in recipients}.values())
    for person in people:
        if person.language != report.language:
            raise DeliveryError(
                f"The report {report.report_key} is not for {person.display}",
                f"it is in {report.language} and they read {person.language}",
                "Send each report to the recipients of its language",
            )
    return people


def _delivery(entry: Entry, was_sent_before: bool, run: _Run) -> Delivery:
    if was_sent_before:
        explanation = _explain(entry)
        if entry.pdf_sha256 != run.checked.pdf_sha256:
            explanation += "; the report has changed since then"
    elif run.refusal is not None and entry.is_due and not entry.refuses_everyone:
        explanation = f"not tried: the server refuses all mail ({_said(run.refusal.code, run.refusal.words)})"
    else:
        explanation = _explain(entry)
    # A server that refuses everyone waits for a person, though the ledger keeps its readers due.
    is_temporary = entry.is_due and run.refusal is None
    return Delivery(
        entry.display,
        entry.state,
        entry.attempts,
        entry.reply_code,
        explanation,
        is_temporary,
        was_sent_before,
    )


def _skipped(suppression: Suppression) -> Delivery:
    return Delivery(suppression.display, State.SUPPRESSED, 0, None, suppression.explanation)


def _explain(entry: Entry) -> str:
    said = _said(entry.reply_code, entry.reply_words or "")
    match entry.state:
        case State.PLANNED | State.SUPPRESSED:
            return "not tried yet"
        case State.SENDING:
            return "interrupted while it was being sent; it is sent once more"
        case State.SENT:
            assert entry.sent_at is not None
            duplicate = ", perhaps twice" if entry.possible_copies > 1 else ""
            return f"sent on {entry.sent_at:%Y-%m-%d %H:%M} UTC{duplicate}"
        case State.RETRY:
            return f"refused for now at {entry.stage}: {said}"
        case State.FAILED:
            follows = "; later reports are not sent there" if entry.lost_its_reader else ""
            return f"refused at {entry.stage}: {said}{follows}"
        case State.UNCERTAIN:
            follows = (
                "it is sent once more" if entry.is_due else "look for it, and ask to resend if it is missing"
            )
            return f"it may have arrived, the server did not say; {follows}"


def _said(code: int | None, words: str) -> str:
    return f"{code} {words}" if code else words
