"""Reports from the published warehouse to their files and their readers, without an orchestrator.

Rendering and sending are two steps on purpose: what is sent is exactly the files that were rendered, and a
period that is not the newest complete one is rendered and never sent.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from ecom_pipeline.decisions import REMEMBERED, read_shown, record_shown
from ecom_pipeline.delivery import (
    Delivery,
    Ledger,
    Preview,
    Recipient,
    ReportMail,
    Sender,
    SmtpServer,
    deliver_report,
    preview_report,
)
from ecom_pipeline.editions import Edition
from ecom_pipeline.errors import ConfigurationError
from ecom_pipeline.files import replace_file
from ecom_pipeline.insights.questions.question import questions
from ecom_pipeline.insights.targets import Span, Target
from ecom_pipeline.periods import ReportPeriod, Rhythm, newest_complete
from ecom_pipeline.pipeline import Pipeline
from ecom_pipeline.reports import (
    Correction,
    MailContent,
    Report,
    ReportRequest,
    Told,
    compute_report,
    render_first_page,
    render_html,
    render_mail,
    render_pdf,
    shown_decisions,
)
from ecom_pipeline.reports.audience import Audience, make_audience
from ecom_pipeline.reports.correction import NothingToCorrect, find_changes, read_sent, told_values
from ecom_pipeline.settings import PSEUDONYM_VARIABLE, MailSettings, Settings
from ecom_pipeline.warehouse.connection import open_published

__all__ = [
    "NothingToCorrect",
    "RenderedReport",
    "ReportDelivery",
    "ReportFiles",
    "compute_edition",
    "decisions_file",
    "deliver_edition",
    "known_deliveries",
    "ledger_file",
    "ledger_key",
    "mail_sender",
    "readers",
    "render_edition",
    "report_files",
    "require_over",
    "shop_audience",
    "shop_targets",
    "smtp_server",
]

MAIL_PICTURE_WIDTH = 1104  # pixels: twice what the mail shows, for dense screens


@dataclass(frozen=True)
class ReportFiles:
    """Where one edition lies. `values` are its numbers as rendered, `sent` those that went out."""

    pdf: Path
    html: Path
    mail: Path  # subject, text and HTML of the message, as JSON
    values: Path
    sent: Path


@dataclass(frozen=True)
class RenderedReport:
    """A report that was just written, with the numbers it was made from."""

    edition: Edition
    files: ReportFiles
    mail: MailContent
    report: Report


@dataclass(frozen=True)
class ReportDelivery:
    """What became of sending one edition. `not_sent_because` is empty when sending was in order."""

    report_key: str
    not_sent_because: str = ""
    deliveries: tuple[Delivery, ...] = ()
    previews: tuple[Preview, ...] = ()  # of a dry run

    @property
    def undelivered(self) -> tuple[Delivery, ...]:
        return tuple(delivery for delivery in self.deliveries if delivery.is_undelivered)


def shop_audience(pipeline: Pipeline, name: str) -> Audience:
    """A configured audience with what it reads."""
    settings = pipeline.settings
    chosen = settings.audiences[name].model_dump(exclude_none=True)
    return make_audience(name, chosen, settings.report.essentials, pipeline.kpis, questions())


def report_files(settings: Settings, edition: Edition) -> ReportFiles:
    """The places of an edition under the reports folder, whether it was rendered yet or not."""
    stem = settings.reports_folder / edition.period.name / edition.stem
    suffixes = (".pdf", ".html", ".mail.json", ".values.json", ".sent.json")
    return ReportFiles(*(stem.with_suffix(suffix) for suffix in suffixes))


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


def compute_edition(pipeline: Pipeline, edition: Edition, *, corrected: bool = False) -> Report:
    """What the report of a period says to an audience, read from the published copy.

    A corrected one says what has changed since the edition that was sent.

    Raises:
        ConfigurationError: the period is not over.
        NothingToCorrect: nothing was sent, or it reads the same now.
        EcomError: nothing has been published yet.
    """
    require_over(pipeline, edition.period)
    settings, period = pipeline.settings, edition.period
    request = ReportRequest(
        shop_name=settings.shop.name,
        currency=settings.shop.currency,
        period=period,
        audience=shop_audience(pipeline, edition.audience),
        targets=shop_targets(settings),
        minimum_coverage=settings.shop.minimum_coverage,
        generated_at=pipeline.clock(),
        shown=read_shown(
            decisions_file(settings), _shown_as(edition), period.back(REMEMBERED).last_day, period.last_day
        ),
        told=_told_before(settings, edition),
    )
    with open_published(settings.published_file) as connection:
        report = compute_report(connection, pipeline.kpis, request)
    return _corrected(report, report_files(settings, edition)) if corrected else report


def render_edition(pipeline: Pipeline, edition: Edition, *, corrected: bool = False) -> RenderedReport:
    """Write an edition as PDF, HTML, mail and numbers, each file whole or not at all.

    Raises:
        ConfigurationError: the period is not over.
        NothingToCorrect: nothing was sent, or it reads the same now.
        EcomError: nothing has been published yet, or the report cannot be written in this language.
    """
    report = compute_edition(pipeline, edition, corrected=corrected)
    files = report_files(pipeline.settings, edition)
    html, mail = render_html(report, edition.language), render_mail(report, edition.language)
    files.pdf.parent.mkdir(parents=True, exist_ok=True)
    render_pdf(html, files.pdf)
    replace_file(files.html, html.encode())
    replace_file(files.mail, json.dumps(asdict(mail), ensure_ascii=False, indent=1).encode())
    replace_file(files.values, json.dumps(told_values(report), indent=1).encode())
    if edition.period == newest_complete(edition.period.rhythm, pipeline.newest_day()):
        decided = shown_decisions(report)
        record_shown(decisions_file(pipeline.settings), _shown_as(edition), edition.period.last_day, decided)
    return RenderedReport(edition, files, mail, report)


def deliver_edition(
    pipeline: Pipeline, edition: Edition, *, resend: bool = False, dry_run: bool = False
) -> ReportDelivery:
    """Send the rendered report to its readers, each at most once unless asked to `resend`.

    Sends what lies in the reports folder and renders it first when nothing does. A dry run sends nothing,
    changes nothing in the ledger and previews any period; otherwise periods but the newest complete one are
    not sent.

    Raises:
        ConfigurationError: the key of the delivery ledger is missing, or the period is not over.
        DeliveryError: the report, the server's settings or an address cannot be used; nothing was sent.
    """
    require_over(pipeline, edition.period)
    settings = pipeline.settings
    reason = _reason_not_to_send(pipeline, edition, dry_run=dry_run)
    if reason or settings.mail is None:
        return ReportDelivery(edition.key, reason)
    content = _report_mail(pipeline, edition)
    people = readers(settings.mail, edition)
    with Ledger(ledger_file(settings), ledger_key(settings)) as ledger:
        if dry_run:
            previews = preview_report(content, people, mail_sender(settings), ledger, resend=resend)
            return ReportDelivery(edition.key, previews=tuple(previews))
        done = deliver_report(
            content, people, smtp_server(settings), mail_sender(settings), ledger, resend=resend
        )
    _remember_sent(report_files(settings, edition), done, replaces=resend)
    return ReportDelivery(edition.key, deliveries=tuple(done))


def known_deliveries(settings: Settings, edition: Edition) -> list[tuple[str, str]]:
    """The readers the ledger knows of an edition, masked, each with what became of it so far."""
    if not ledger_file(settings).is_file():
        return []
    with Ledger(ledger_file(settings), ledger_key(settings)) as ledger:
        return [(entry.display, entry.state.value) for entry in ledger.load_entries(edition.key)]


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


def require_over(pipeline: Pipeline, period: ReportPeriod) -> None:
    """Refuse a period whose last day is not complete.

    Raises:
        ConfigurationError: names the newest one that is over.
    """
    newest_day = pipeline.newest_day()
    if period.last_day > newest_day:
        kind = "week" if period.rhythm is Rhythm.WEEKLY else "month"
        newest = newest_complete(period.rhythm, newest_day).name
        raise ConfigurationError(
            f"The {kind} {period.name} is not over.",
            why=f"It ends on {period.last_day}, and the newest complete day is {newest_day}.",
            mend=f"Use {newest}, the newest complete {kind}.",
        )


def readers(mail: MailSettings, edition: Edition) -> Sequence[Recipient]:
    """Who receives an edition."""
    return [
        Recipient(person.email, person.language, person.name)
        for person in mail.recipients
        if (person.audience, person.language) == (edition.audience, edition.language)
    ]


def _reason_not_to_send(pipeline: Pipeline, edition: Edition, *, dry_run: bool) -> str:
    mail = pipeline.settings.mail
    if mail is None:
        return "no mail server is configured"
    if not readers(mail, edition):
        return f"nobody of {edition.audience} reads {edition.language}"
    newest = newest_complete(edition.period.rhythm, pipeline.newest_day())
    if not dry_run and edition.period != newest:
        kind = "week" if edition.period.rhythm is Rhythm.WEEKLY else "month"
        return f"{edition.period.name} is not the newest complete {kind}"
    return ""


def _report_mail(pipeline: Pipeline, edition: Edition) -> ReportMail:
    files = report_files(pipeline.settings, edition)
    if not (files.mail.is_file() and files.pdf.is_file()):
        render_edition(pipeline, edition)
    mail = MailContent(**json.loads(files.mail.read_text(encoding="utf-8")))
    name = f"{edition.period.name}_{edition.stem}.pdf"
    picture = render_first_page(files.pdf, MAIL_PICTURE_WIDTH)
    return ReportMail(
        edition.key, edition.language, mail.subject, mail.text, mail.html, files.pdf, name, picture
    )


def _shown_as(edition: Edition) -> str:
    """What the decisions of a report are remembered by: all its languages show the same."""
    return f"{edition.period.rhythm}/{edition.audience}"


def _told_before(settings: Settings, edition: Edition) -> Told | None:
    """The newest of the last few periods whose report went out to the same readers."""
    for back in range(1, REMEMBERED + 1):
        period = edition.period.back(back)
        sent = report_files(settings, replace(edition, period=period)).sent
        if sent.is_file():
            return Told(period.last_day, read_sent(sent).computed_at)
    return None


def _corrected(report: Report, files: ReportFiles) -> Report:
    sent = read_sent(files.sent)
    changes = find_changes(sent, report)
    return replace(report, request=replace(report.request, corrects=Correction(sent.computed_at, changes)))


def _remember_sent(files: ReportFiles, done: Sequence[Delivery], *, replaces: bool) -> None:
    """Keep the numbers somebody now has, so that a later correction can say what it changes."""
    if files.values.is_file() and any(one.is_sent for one in done) and (replaces or not files.sent.is_file()):
        replace_file(files.sent, files.values.read_bytes())


def mail_sender(settings: Settings) -> Sender:
    """Who mails come from.

    Raises:
        ConfigurationError: no mail server is configured, or the key of the delivery ledger is not set.
    """
    mail = settings.mail
    if mail is None:
        raise ConfigurationError("No mail server is configured.", mend="Add a [mail] section to ecom.toml.")
    # People know it as a link; the message makes its own from the address.
    address = mail.unsubscribe.removeprefix("mailto:").partition("?")[0]
    return Sender(mail.sender, mail.sender_name, address or mail.sender, ledger_key(settings))


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
