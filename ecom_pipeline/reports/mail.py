"""The report as an e-mail: a subject that says the message, a text that stands alone, a small HTML page.

Mail programs know no style sheets worth trusting, so the HTML is one table of at most 600 pixels with inline styles;
what a style sheet adds (dark colours, less air on a phone) may be missing. It holds page one in short, and a picture
of it; the PDF holds the rest.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from ecom_pipeline.reports import rows
from ecom_pipeline.reports.html import environment, make_banner, make_decisions
from ecom_pipeline.reports.report import Figure, Report
from ecom_pipeline.reports.sentences import (
    write_correction,
    write_follow_up,
    write_headline,
    write_lede,
    write_no_decisions,
)
from ecom_pipeline.reports.writer import Writer

_MOST_IN_PREHEADER = 4


@dataclass(frozen=True)
class MailContent:
    """What a message says, before it is addressed to anyone."""

    subject: str
    text: str
    html: str


def render_mail(report: Report, language: str) -> MailContent:
    """The mail that brings the report in one language.

    Raises:
        DefinitionError: the report is not written in this language.
    """
    writer = Writer(report, language)
    context = _context(writer)
    subject = _subject(writer, context["headline"])
    html = environment().get_template("mail.html.j2").render(context, title=subject)
    return MailContent(subject, _text(writer, context), html)


def _subject(writer: Writer, headline: str) -> str:
    """The message first: a phone shows some forty characters."""
    report, say = writer.report, writer.words.say
    subject = say(
        "mail.subject", headline=headline, shop=report.request.shop_name, period=writer.period("inline")
    )
    if report.request.corrects:
        subject = say("mail.corrected", subject=subject)
    elif report.incomplete and not report.is_empty:
        subject = say("mail.incomplete", subject=subject)
    return " ".join(subject.split())


def _preheader(writer: Writer) -> str:
    """What an inbox shows after the subject: what there is to decide, and the essentials the headline leaves out."""
    report, say = writer.report, writer.words.say
    parts = []
    if report.decisions:
        parts.append(writer.words.count("mail.decisions", len(report.decisions)))
    told = report.headline.kpi if report.headline else ""
    for key in report.audience.essentials:
        value = report.figures[key].current
        if key != told and value.value is not None and len(parts) < _MOST_IN_PREHEADER:
            parts.append(f"{writer.name(key)}{say('colon')}{writer.amount(key, value.value)}")
    return " · ".join(parts) or say("mail.attached")


def _context(writer: Writer) -> dict[str, Any]:
    report = writer.report
    return {
        "report": report,
        "writer": writer,
        "say": writer.words.say,
        "language": writer.words.language,
        "period": writer.formats.span(report.period.first_day, report.period.last_day),
        "headline": write_headline(writer),
        "preheader": _preheader(writer),
        "lede": write_lede(writer),
        "banner": make_banner(writer),
        "correction": write_correction(writer),
        "essentials": [_line(writer, report.figures[key]) for key in report.audience.essentials],
        "decisions": make_decisions(writer),
        "no_decisions": write_no_decisions(writer),
        "followed": [write_follow_up(writer, one) for one in report.followed],
    }


def _line(writer: Writer, figure: Figure) -> dict[str, Any]:
    row = rows.make_kpi_row(writer, figure)
    changes = []
    for key, delta in (("mail.on_before", row.previous), ("mail.on_year", row.previous_year)):
        if delta.text != "–":
            text = writer.words.say(key, change=f"{_arrow(delta)}{delta.text}")
            changes.append({"text": text, "tone": delta.tone})
    return {"name": row.name, "value": row.value, "tone": row.tone, "changes": changes, "notes": row.notes}


def _arrow(delta: rows.Delta) -> str:
    """The report's own sign: filled for a move that matters."""
    return f"{delta.sign}\u00a0" if delta.sign else ""


def _text(writer: Writer, context: dict[str, Any]) -> str:
    report, say = writer.report, writer.words.say
    colon = say("colon")
    lines = [
        f"{report.request.shop_name} – {say('title')} – {writer.text(report.audience.title)}",
        f"{writer.period('title')}, {context['period']}",
        "",
    ]
    if context["correction"]:
        lines += [say("correction.title").upper(), *context["correction"], ""]
    banner = context["banner"]
    if banner:
        lines.append(say("banner.title").upper())
        lines += [f"{source}." for source in banner["sources"]]
        if banner["kpis"]:
            lines.append(f"{banner['kpis']}{colon}{banner['names']}.")
        lines += [say("banner.note"), ""]
    lines += [f"{context['headline']}.", *context["lede"], "", say("essentials.title").upper()]
    for line in context["essentials"]:
        about = [change["text"] for change in line["changes"]] or line["notes"]
        lines.append(f"- {line['name']}{colon}{line['value']}" + (f" ({', '.join(about)})" if about else ""))
    lines += ["", say("decisions.title").upper()]
    if not context["decisions"]:
        lines.append(context["no_decisions"])
    else:
        for number, one in enumerate(context["decisions"], 1):
            lines.append(f"{number}. {one['name']}{colon}{one['reason']}")
            if one["action"]:
                lines.append(say("mail.to_do", action=one["action"]))
    if context["followed"]:
        lines += ["", say("followed.title").upper(), *(f"- {one}" for one in context["followed"])]
    return "\n".join([*lines, "", say("mail.attached"), ""])
