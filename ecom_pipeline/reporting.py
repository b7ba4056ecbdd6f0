"""The weekly report from the published warehouse to its files and its readers, without an orchestrator.

Rendering and sending are two steps on purpose: what is sent is exactly the files that were rendered, and a
week that is not the newest complete one is rendered and never sent.
"""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import date, timedelta
from pathlib import Path

from ecom_pipeline.decisions import read_shown, record_shown
from ecom_pipeline.delivery import (
    Delivery,
    Ledger,
    Preview,
    Recipient,
    ReportMail,
    Sender,
    SmtpServer,
    deliver_report,
    is_sendable,
    preview_report,
)
from ecom_pipeline.errors import ConfigurationError
from ecom_pipeline.insights.targets import Span, Target
from ecom_pipeline.pipeline import Pipeline, newest_complete_week
from ecom_pipeline.reports import (
    MailContent,
    ReportRequest,
    WeeklyReport,
    compute_report,
    render_html,
    render_mail,
    render_pdf,
    shown_decisions,
)
from ecom_pipeline.settings import PSEUDONYM_VARIABLE, MailSettings, Settings
from ecom_pipeline.warehouse.connection import open_published


@dataclass(frozen=True)
class ReportFiles:
    """Where one week's report in one language lies."""

    pdf: Path
    html: Path
    mail: Path  # subject, text and HTML of the message, as JSON


@dataclass(frozen=True)
class RenderedReport:
    """A report that was just written, with the numbers it was made from."""

    pdf: Path
    html: Path
    mail: MailContent
    report: WeeklyReport


@dataclass(frozen=True)
class WeekDelivery:
    """What became of sending one report. `not_sent_because` is empty when sending was in order."""

    report_key: str
    not_sent_because: str = ""
    deliveries: tuple[Delivery, ...] = ()
    previews: tuple[Preview, ...] = ()  # of a dry run

    @property
    def undelivered(self) -> tuple[Delivery, ...]:
        return tuple(delivery for delivery in self.deliveries if not delivery.is_sent)


def week_name(week_last_day: date) -> str:
    """The ISO week as `2026-W47`."""
    iso = week_last_day.isocalendar()
    return f"{iso.year}-W{iso.week:02d}"


def report_files(settings: Settings, week_last_day: date, language: str) -> ReportFiles:
    """The places of a week's report under the reports folder, whether it was rendered yet or not."""
    stem = settings.reports_folder / week_name(week_last_day) / f"weekly_{language}"
    return ReportFiles(stem.with_suffix(".pdf"), stem.with_suffix(".html"), stem.with_suffix(".mail.json"))


def shop_targets(settings: Settings) -> dict[str, tuple[Target, ...]]:
    """The configured targets by KPI."""
    return {
        kpi: tuple(
            Target(
                one.value, {Span(span): each for span, each in one.amounts.items()}, one.from_day, one.to_day
            )
            for one in targets
        )
        for kpi, targets in settings.targets.items()
    }


def compute_week(pipeline: Pipeline, week_last_day: date) -> WeeklyReport:
    """What the report of the week ending with the day (a Sunday) says, read from the published copy.

    Raises:
        ConfigurationError: the day is not a Sunday, or the week is not over.
        EcomError: nothing has been published yet.
    """
    if week_last_day.isoweekday() != 7:
        raise ConfigurationError(
            f"{week_last_day} does not end a week.", mend=f"Use the Sunday {_sunday_of(week_last_day)}."
        )
    _require_week_over(pipeline, week_last_day)
    settings = pipeline.settings
    request = ReportRequest(
        shop_name=settings.shop.name,
        currency=settings.shop.currency,
        week_last_day=week_last_day,
        essentials=settings.report.essentials,
        targets=shop_targets(settings),
        minimum_coverage=settings.shop.minimum_coverage,
        generated_at=pipeline.clock(),
        shown=read_shown(decisions_file(settings), week_last_day),
    )
    with open_published(settings.published_file) as connection:
        return compute_report(connection, pipeline.kpis, request)


def render_week(pipeline: Pipeline, week_last_day: date, language: str) -> RenderedReport:
    """Write the week's report in one language as PDF, HTML and mail, each file whole or not at all.

    Raises:
        ConfigurationError: the day is not a Sunday, or the week is not over.
        EcomError: nothing has been published yet, or the report cannot be written in this language.
    """
    report = compute_week(pipeline, week_last_day)
    files = report_files(pipeline.settings, week_last_day, language)
    html, mail = render_html(report, language), render_mail(report, language)
    files.pdf.parent.mkdir(parents=True, exist_ok=True)
    render_pdf(html, files.pdf)
    _replace_text(files.html, html)
    _replace_text(files.mail, json.dumps(asdict(mail), ensure_ascii=False, indent=1))
    if week_last_day == newest_complete_week(pipeline.newest_day()):
        record_shown(decisions_file(pipeline.settings), week_last_day, shown_decisions(report))
    return RenderedReport(files.pdf, files.html, mail, report)


def deliver_week(
    pipeline: Pipeline, week_last_day: date, language: str, *, resend: bool = False, dry_run: bool = False
) -> WeekDelivery:
    """Send the rendered report to its readers, each at most once unless asked to `resend`.

    Sends what lies in the reports folder and renders it first when nothing does. A dry run sends nothing,
    changes nothing in the ledger and previews any week; otherwise weeks but the newest complete one are
    not sent.

    Raises:
        ConfigurationError: the key of the delivery ledger is missing, the day is not a Sunday, or the week
            is not over.
        DeliveryError: the report, the server's settings or an address cannot be used; nothing was sent.
    """
    _require_week_over(pipeline, week_last_day)
    settings = pipeline.settings
    key = f"weekly/{week_name(week_last_day)}/{language}"
    reason = _reason_not_to_send(pipeline, week_last_day, language, dry_run=dry_run)
    if reason or settings.mail is None:
        return WeekDelivery(key, reason)
    content = _report_mail(pipeline, week_last_day, language, key)
    people = _readers(settings.mail, language)
    with Ledger(ledger_file(settings), ledger_key(settings)) as ledger:
        if dry_run:
            previews = preview_report(content, people, mail_sender(settings.mail), ledger, resend=resend)
            return WeekDelivery(key, previews=tuple(previews))
        done = deliver_report(
            content, people, smtp_server(settings), mail_sender(settings.mail), ledger, resend=resend
        )
    return WeekDelivery(key, deliveries=tuple(done))


def ledger_file(settings: Settings) -> Path:
    """The record of what was sent to whom."""
    return settings.folder / "deliveries.sqlite"


def decisions_file(settings: Settings) -> Path:
    """The record of the decisions that reports showed."""
    return settings.folder / "decisions.sqlite"


def smtp_server(settings: Settings) -> SmtpServer:
    """The configured mail server.

    Raises:
        ConfigurationError: no mail server is configured.
        DeliveryError: its settings would not work or would betray the password.
    """
    mail = settings.mail
    if mail is None:
        raise ConfigurationError("No mail server is configured.", mend="Add a [mail] section to ecom.toml.")
    password = settings.smtp_password.get_secret_value() if settings.smtp_password and mail.username else ""
    return SmtpServer(
        mail.host, mail.port, mail.security, mail.username or "", password, mail.timeout_seconds, mail.ca_file
    )


def _require_week_over(pipeline: Pipeline, week_last_day: date) -> None:
    newest_day = pipeline.newest_day()
    if week_last_day > newest_day:
        newest = week_name(newest_complete_week(newest_day))
        raise ConfigurationError(
            f"The week {week_name(week_last_day)} is not over.",
            why=f"It ends on {week_last_day}, and the newest complete day is {newest_day}.",
            mend=f"Use {newest}, the newest complete week.",
        )


def _reason_not_to_send(pipeline: Pipeline, week_last_day: date, language: str, *, dry_run: bool) -> str:
    mail = pipeline.settings.mail
    if mail is None:
        return "no mail server is configured"
    if not _readers(mail, language):
        return f"no recipient reads {language}"
    today = pipeline.newest_day() + timedelta(days=1)
    if not dry_run and not is_sendable(week_last_day, today):
        return f"{week_name(week_last_day)} is not the newest complete week"
    return ""


def _report_mail(pipeline: Pipeline, week_last_day: date, language: str, key: str) -> ReportMail:
    files = report_files(pipeline.settings, week_last_day, language)
    if not (files.mail.is_file() and files.pdf.is_file()):
        render_week(pipeline, week_last_day, language)
    mail = MailContent(**json.loads(files.mail.read_text(encoding="utf-8")))
    name = f"{week_name(week_last_day)}_weekly_{language}.pdf"
    return ReportMail(key, language, mail.subject, mail.text, mail.html, files.pdf, name)


def _readers(mail: MailSettings, language: str) -> Sequence[Recipient]:
    return [
        Recipient(person.email, person.language, person.name)
        for person in mail.recipients
        if person.language == language
    ]


def mail_sender(mail: MailSettings) -> Sender:
    """Who mails come from."""
    # People know it as a link; the message makes its own from the address.
    address = mail.unsubscribe.removeprefix("mailto:").partition("?")[0]
    return Sender(mail.sender, mail.sender_name, address or mail.sender)


def ledger_key(settings: Settings) -> bytes:
    """The key recipients are hashed with.

    Raises:
        ConfigurationError: it is not set.
    """
    if settings.pseudonym_key is None:
        raise ConfigurationError(
            f"{PSEUDONYM_VARIABLE} is not set.",
            why="The delivery ledger stores recipients as a keyed hash only.",
            mend=f"Set {PSEUDONYM_VARIABLE} to a long random text, once, and keep it.",
        )
    return settings.pseudonym_key.get_secret_value().encode()


def _replace_text(path: Path, text: str) -> None:
    beside = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        beside.write_text(text, encoding="utf-8")
        os.replace(beside, path)
    finally:
        beside.unlink(missing_ok=True)


def _sunday_of(day: date) -> date:
    return day + timedelta(days=7 - day.isoweekday())
