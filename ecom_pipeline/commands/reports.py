"""`report` and `send`: a week's or month's reports as files, and to their readers."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.table import Table

from ecom_pipeline.commands.session import (
    Session,
    chosen_editions,
    chosen_period,
    console,
    native_libraries,
    print_json,
    session_of,
    shown_path,
)
from ecom_pipeline.editions import Edition
from ecom_pipeline.errors import EcomError

if TYPE_CHECKING:
    from ecom_pipeline.reporting import RenderedReport, ReportDelivery

WeekOption = Annotated[
    str | None, typer.Option("--week", help="ISO week such as 2026-W46; by default the newest complete one.")
]
MonthOption = Annotated[
    str | None, typer.Option("--month", help="A month such as 2026-11, instead of a week.")
]
AudienceOption = Annotated[
    str | None, typer.Option("--audience", help="One of ecom.toml's audiences; by default each.")
]
LanguageOption = Annotated[
    str | None, typer.Option("--language", help="fr or en; by default every configured language.")
]
JsonOption = Annotated[bool, typer.Option("--json", help="Write JSON instead of a table.")]


def report(
    context: typer.Context,
    week: WeekOption = None,
    month: MonthOption = None,
    audience: AudienceOption = None,
    language: LanguageOption = None,
    output: Annotated[
        Path | None, typer.Option("--output", help="Folder to copy PDF and HTML to.", file_okay=False)
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Render a week's or month's reports as PDF and HTML from what is in the warehouse."""
    with native_libraries():
        from ecom_pipeline.reporting import render_edition  # noqa: PLC0415 - loads Pango, which others do without
    session = session_of(context)
    period = chosen_period(session.pipeline, week, month)
    found = []
    for edition in chosen_editions(session.settings, period, audience, language):
        rendered = render_edition(session.pipeline, edition)
        pdf, html = _copied(rendered, output)
        incomplete = bool(rendered.report.incomplete)
        found.append(
            {
                "period": period.name,
                "audience": edition.audience,
                "language": edition.language,
                "pdf": pdf,
                "html": html,
                "incomplete": incomplete,
            }
        )
        if not as_json:
            console.print(shown_path(pdf), soft_wrap=True)
            if incomplete:
                console.print("  Its data is incomplete; the report says so at its top.")
    if as_json:
        print_json(found)


def send(
    context: typer.Context,
    week: WeekOption = None,
    month: MonthOption = None,
    audience: AudienceOption = None,
    language: LanguageOption = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Build and check every mail, send nothing.")
    ] = False,
    resend: Annotated[
        bool, typer.Option("--resend", help="Send again to those who already have it or were refused.")
    ] = False,
    corrected: Annotated[
        bool,
        typer.Option(
            "--corrected", help="Render it anew and send it again, marked as corrected, with what changed."
        ),
    ] = False,
    as_json: JsonOption = False,
) -> None:
    """E-mail a week's or month's reports to their readers, each at most once; only the newest complete is sent.

    A report that all of them have is sent again with --resend only.
    """
    session = session_of(context)
    period = chosen_period(session.pipeline, week, month)
    outcomes = [
        _send_one(session, edition, dry_run=dry_run, resend=resend, corrected=corrected)
        for edition in chosen_editions(session.settings, period, audience, language)
    ]
    if as_json:
        print_json([_outcome_json(outcome) for outcome in outcomes])
    else:
        for outcome in outcomes:
            print_delivery(outcome)
    _fail_when_unsent(session, outcomes)


def _send_one(
    session: Session, edition: Edition, *, dry_run: bool, resend: bool, corrected: bool
) -> ReportDelivery:
    with native_libraries():
        from ecom_pipeline.reporting import (  # noqa: PLC0415 - loads Pango, which others do without
            NothingToCorrect,
            ReportDelivery,
            deliver_edition,
            render_edition,
        )
    if corrected:
        try:
            render_edition(session.pipeline, edition, corrected=True)
        except NothingToCorrect as none:  # of one audience, while another's numbers changed
            return ReportDelivery(edition.key, none.why.removesuffix("."))
    return deliver_edition(session.pipeline, edition, resend=resend or corrected, dry_run=dry_run)


def print_delivery(outcome: ReportDelivery) -> None:
    """One report's readers and what became of each; addresses are masked."""
    if outcome.not_sent_because:
        console.print(f"{outcome.report_key}: not sent, {outcome.not_sent_because}.", soft_wrap=True)
        return
    table = Table("Reader", "State", "What happened", title=outcome.report_key, title_justify="left")
    for delivery in outcome.deliveries:
        state = "sent before" if delivery.was_sent_before else delivery.state.value
        table.add_row(delivery.display, state, delivery.explanation)
    for preview in outcome.previews:
        state = "would be sent" if preview.would_send else "would not be sent"
        table.add_row(preview.display, state, f"{preview.explanation}; {preview.size_bytes // 1024} KB")
    console.print(table)


def _fail_when_unsent(session: Session, outcomes: list[ReportDelivery]) -> None:
    if any(outcome.undelivered for outcome in outcomes):
        raise EcomError(
            "Not every reader has the report.",
            mend="Look at the reasons above; ecom-pipeline doctor tries the mail server. Then send again.",
        )
    deliveries = [delivery for outcome in outcomes for delivery in outcome.deliveries]
    before = sum(delivery.was_sent_before for delivery in deliveries)
    if before and not any(delivery.is_sent and not delivery.was_sent_before for delivery in deliveries):
        raise EcomError(
            "Nothing was sent: the report was sent before.",
            why=f"{before} reader{'s have' if before > 1 else ' has'} it already, and nobody is left to send it to.",
            mend="To send it again as a new message to all of them: ecom-pipeline send --resend",
        )
    if deliveries and not before and not any(delivery.is_sent for delivery in deliveries):
        raise EcomError(
            "Nothing was sent: no reader wants or can receive mail.",
            why="Each has unsubscribed, or their mailbox is gone.",
            mend="See why with ecom-pipeline readers; ecom-pipeline readers allow sends to one again.",
        )
    if outcomes and all(outcome.not_sent_because for outcome in outcomes):
        mail = "Only the newest complete week or month is sent; --dry-run previews any."
        if session.settings.mail is None:
            mail = "Add a [mail] section with recipients to ecom.toml."
        raise EcomError("Nothing was sent.", why=f"{outcomes[0].not_sent_because}.", mend=mail)


def _outcome_json(outcome: ReportDelivery) -> dict[str, object]:
    return {
        "report": outcome.report_key,
        "not_sent_because": outcome.not_sent_because or None,
        "deliveries": [
            {
                "reader": delivery.display,
                "state": delivery.state.value,
                "attempts": delivery.attempts,
                "sent_before": delivery.was_sent_before,
                "explanation": delivery.explanation,
            }
            for delivery in outcome.deliveries
        ],
        "previews": [
            {
                "reader": preview.display,
                "would_send": preview.would_send,
                "subject": preview.subject,
                "size_bytes": preview.size_bytes,
                "explanation": preview.explanation,
            }
            for preview in outcome.previews
        ],
    }


def _copied(rendered: RenderedReport, output: Path | None) -> tuple[Path, Path]:
    """Where PDF and HTML lie; in the output folder they are named by their period."""
    if output is None:
        return rendered.files.pdf, rendered.files.html
    output.mkdir(parents=True, exist_ok=True)
    pdf, html = (
        Path(shutil.copy(file, output / f"{rendered.edition.period.name}_{file.name}"))
        for file in (rendered.files.pdf, rendered.files.html)
    )
    return pdf, html
