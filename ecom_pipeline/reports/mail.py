"""The report as an e-mail: a subject that says the message, a text that stands alone, a small HTML page.

Mail programs know no style sheets worth trusting, so the HTML is one table of 600 pixels with inline styles.
It holds page one in short; the PDF holds the rest.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from ecom_pipeline.reports import rows
from ecom_pipeline.reports.html import environment, make_banner, make_decisions
from ecom_pipeline.reports.report import Figure, Report
from ecom_pipeline.reports.sentences import write_correction, write_follow_up, write_headline, write_lede
from ecom_pipeline.reports.writer import Writer


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
    key = (
        "mail.subject_corrected"
        if report.request.corrects
        else "mail.subject_incomplete"
        if report.incomplete and not report.is_empty
        else "mail.subject"
    )
    subject = writer.words.say(
        key, shop=report.request.shop_name, period=writer.period("inline"), headline=context["headline"]
    )
    html = environment().get_template("mail.html.j2").render(context, title=subject)
    return MailContent(" ".join(subject.split()), _text(writer, context), html)


def _context(writer: Writer) -> dict[str, Any]:
    report = writer.report
    return {
        "report": report,
        "writer": writer,
        "say": writer.words.say,
        "language": writer.words.language,
        "period": writer.formats.span(report.period.first_day, report.period.last_day),
        "headline": write_headline(writer),
        "lede": write_lede(writer),
        "banner": make_banner(writer),
        "correction": write_correction(writer),
        "essentials": [_line(writer, report.figures[key]) for key in report.audience.essentials],
        "decisions": make_decisions(writer),
        "followed": [write_follow_up(writer, one) for one in report.followed],
    }


def _line(writer: Writer, figure: Figure) -> dict[str, Any]:
    row = rows.make_kpi_row(writer, figure)
    changes = []
    for key, delta in (("mail.on_before", row.previous), ("mail.on_year", row.previous_year)):
        if delta.text != "–":
            changes.append({"text": writer.words.say(key, change=delta.text), "tone": delta.tone})
    return {"name": row.name, "value": row.value, "tone": row.tone, "changes": changes, "notes": row.notes}


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
    if context["decisions"]:
        lines += ["", say("decisions.title").upper()]
        for number, one in enumerate(context["decisions"], 1):
            lines += [f"{number}. {one['name']}{colon}{one['reason']}", f"   → {one['action']}"]
    if context["followed"]:
        lines += ["", say("followed.title").upper(), *(f"- {one}" for one in context["followed"])]
    return "\n".join([*lines, "", say("mail.attached"), ""])
