"""Renders a report as one self-contained HTML page; the PDF is made from the same page."""

from __future__ import annotations

import base64
import re
from datetime import date
from decimal import Decimal
from functools import cache
from importlib.resources import files
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup, escape

from ecom_pipeline.reports import rows
from ecom_pipeline.reports.answers import write_answer
from ecom_pipeline.reports.formula_rows import make_formulas, write_formula
from ecom_pipeline.reports.glyphs import FONTS
from ecom_pipeline.reports.report import Report, Restatement, Section
from ecom_pipeline.reports.sentences import (
    write_attainment,
    write_correction,
    write_follow_up,
    write_headline,
    write_lede,
    write_no_decisions,
    write_reason,
)
from ecom_pipeline.reports.writer import Writer

_SIGNED = re.compile(r"[+\u2212][^\s\d]?\d\S*(?:[\u00a0\u202f][^\sa-z]\S*)*")
_MOST_NAMES = 8


def render_html(report: Report, language: str) -> str:
    """The report as one HTML document that needs nothing from anywhere: fonts and charts are inside.

    Raises:
        DefinitionError: the report is not written in this language.
    """
    writer = Writer(report, language)
    return environment().get_template("report.html.j2").render(_context(writer), styles=_styles())


@cache
def environment() -> Environment:
    """Templates that escape everything and refuse an undefined name."""
    made = Environment(
        loader=PackageLoader("ecom_pipeline.reports"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.filters["keep_numbers"] = keep_numbers
    return made


def keep_numbers(text: str) -> Markup:
    """The text escaped, its signed amounts kept on one line: a line may otherwise break after a plus."""
    return Markup(_SIGNED.sub(r'<span class="keep">\g<0></span>', str(escape(text))))


def _context(writer: Writer) -> dict[str, Any]:
    report, say = writer.report, writer.words.say
    return {
        "report": report,
        "writer": writer,
        "say": say,
        "language": writer.words.language,
        "period": writer.formats.span(report.period.first_day, report.period.last_day),
        "headline": write_headline(writer),
        "lede": write_lede(writer),
        "banner": make_banner(writer),
        "correction": write_correction(writer),
        "essentials_note": _essentials_note(writer),
        "essentials": [rows.make_kpi_row(writer, report.figures[key]) for key in report.audience.essentials],
        "drivers": _drivers(writer),
        "formulas": make_formulas(writer),
        "bridge": rows.make_bridge_rows(writer),
        "bridge_title": _bridge_title(writer),
        "bridge_note": _bridge_note(writer),
        "channels": rows.make_channel_rows(writer),
        "channels_note": rows.write_channels_note(writer),
        "decisions": make_decisions(writer),
        "no_decisions": write_no_decisions(writer),
        "followed": [write_follow_up(writer, one) for one in report.followed],
        "sections": [_section(writer, section) for section in report.sections],
        "answers": [
            write_answer(answer, writer.words.language, report.request.currency) for answer in report.answers
        ],
        "restatements": [_restatement(writer, index) for index in range(len(report.restatements))],
        "quality": _quality(writer),
    }


@cache
def _styles() -> Markup:
    folder = files("ecom_pipeline.reports")
    faces = []
    for weight, name in FONTS.items():
        data = base64.b64encode((folder / "fonts" / name).read_bytes()).decode("ascii")
        faces.append(
            f"@font-face{{font-family:Inter;font-weight:{weight};"
            f"src:url(data:font/woff2;base64,{data}) format('woff2')}}"
        )
    return Markup("\n".join([*faces, (folder / "templates" / "style.css").read_text(encoding="utf-8")]))


def make_banner(writer: Writer) -> dict[str, Any] | None:
    """What is missing, for the top of page one and of the mail; None when the period is whole."""
    missing, words = writer.report.incomplete, writer.words
    if not missing or writer.report.is_empty:
        return None
    sources = [
        words.say("banner.source", title=writer.source(source.title), days=writer.days(source.missing_days))
        for source in missing.sources
    ]
    lacking = {one.kpi for one in missing.kpis}
    order = dict.fromkeys((*writer.report.audience.essentials, *(one.kpi for one in missing.kpis)))
    names = [writer.name(key) for key in order if key in lacking]
    shown = names[:_MOST_NAMES]
    if len(names) > _MOST_NAMES:
        shown.append(words.count("banner.more", len(names) - _MOST_NAMES))
    reasons = sorted({one.reason for one in missing.kpis if one.reason}) if not missing.sources else []
    return {
        "sources": sources + reasons,
        "kpis": words.count("banner.kpis", len(names)) if names else "",
        "names": ", ".join(shown),
    }


def make_decisions(writer: Writer) -> list[dict[str, str]]:
    """Name, reason and action of each proposed decision."""
    found = []
    for decision in writer.report.decisions:
        kpi = writer.kpi(decision.signal.kpi)
        action = writer.text(kpi.action) if kpi.action else ""
        found.append(
            {"name": writer.name(kpi.key), "reason": write_reason(writer, decision), "action": action}
        )
    return found


def _drivers(writer: Writer) -> dict[str, Any]:
    explanation = writer.report.explanation
    if explanation is None:
        return {
            "title": writer.words.say("drivers.title_none"),
            "rows": [],
            "note": "",
            "legend": "",
            "formula": "",
        }
    kpi, drivers = writer.kpi(explanation.kpi), explanation.drivers
    note = writer.words.say(
        f"drivers.{explanation.basis}",
        before=writer.amount(kpi.key, drivers.before),
        after=writer.amount(kpi.key, drivers.after),
        change=writer.formats.difference(kpi, drivers.change, beside=drivers.largest),
        dimension=writer.dimension(drivers.dimension),
    )
    return {
        "title": writer.words.say("drivers.title", name=writer.name(kpi.key)),
        "rows": rows.make_driver_rows(writer, explanation),
        "note": note,
        "legend": writer.words.say("drivers.legend") if drivers.is_ratio else "",
        "formula": write_formula(writer, explanation.kpi),
    }


def _essentials_note(writer: Writer) -> str:
    """What the marks of the essential KPIs mean, of those marks only that are there."""
    figures = [writer.report.figures[key] for key in writer.report.audience.essentials]
    shown = [figure for figure in figures if figure.current.value is not None]
    there = {
        "note": shown,
        "note_year": [figure for figure in shown if figure.previous_year.value is not None],
        "note_target": [figure for figure in shown if figure.target is not None],
        "note_band": [figure for figure in figures if figure.band],
    }
    parts = [writer.words.say(f"essentials.{key}") for key, found in there.items() if found]
    return f"{writer.words.say('semicolon').join(parts)}." if parts else ""


def _bridge_title(writer: Writer) -> str:
    """From where to where the bridge leads: without fixed costs it ends at the margin."""
    last = writer.report.bridge[-1].key if writer.report.bridge else ""
    return writer.words.get(f"bridge.title_{last}") or writer.words.say("bridge.title")


def _bridge_note(writer: Writer) -> str:
    margin = writer.report.figures.get("gross_margin_rate")
    coverage = margin.current.coverage if margin else None
    if coverage is None or coverage >= 1 or not writer.report.bridge:
        return ""
    return writer.words.say("bridge.coverage", coverage=writer.formats.percent(coverage))


def _section(writer: Writer, section: Section) -> dict[str, Any]:
    breakdowns = []
    for breakdown in section.breakdowns:
        title = writer.words.say(
            "sections.breakdown",
            name=writer.name(breakdown.kpi),
            dimension=writer.dimension(breakdown.dimension),
        )
        lines = rows.make_breakdown_rows(writer, breakdown, breakdown.others)
        breakdowns.append({"title": title, "rows": lines})
    return {
        "name": writer.family(section.family),
        "rows": [rows.make_kpi_row(writer, writer.report.figures[key]) for key in section.kpis],
        "breakdowns": breakdowns,
        "facts": write_attainment(writer) if section.family == "steering" else "",
        "definitions": [
            (writer.name(key), writer.text(writer.kpi(key).definition), writer.kpi(key).since)
            for key in section.kpis
        ],
    }


def _restatement(writer: Writer, index: int) -> dict[str, Any]:
    one = writer.report.restatements[index]

    def short(day: date) -> str:
        return writer.formats.day(day)

    return {
        "name": writer.name(one.kpi),
        "days": writer.words.count(
            "restatements.days", one.days, first=short(one.first_day), last=short(one.last_day)
        ),
        "before": writer.amount(one.kpi, one.before),
        "after": writer.amount(one.kpi, one.after),
        "delta": rows.make_delta(writer, one.kpi, one.after, one.before, None),
        "cause": _cause(writer, one),
    }


def _cause(writer: Writer, one: Restatement) -> str:
    """Why values changed: the sources whose rows came late, a new definition, and on which day (UTC) that came in."""
    titles = {source.source: writer.source(source.title) for source in writer.report.quality.sources}
    version = writer.kpi(one.kpi).since
    named = [
        titles.get(cause) or writer.words.get(f"restatements.cause.{cause}") or cause for cause in one.causes
    ]
    causes = ", ".join(named).format(version=version) or writer.words.say("not_available")
    return writer.words.say("restatements.when", causes=causes, day=writer.formats.day(one.changed_at.date()))


def _quality(writer: Writer) -> dict[str, Any]:
    quality, words, days = writer.report.quality, writer.words, writer.report.period.days
    on_time = sum(source.days_on_time == days for source in quality.sources)
    lines = [words.count("quality.sources", on_time, all=len(quality.sources))]
    gap = writer.report.figures.get("payout_gap")
    if gap is not None and gap.current.value is not None:
        lines.append(words.say("quality.gap", gap=writer.amount("payout_gap", gap.current.value)))
    changed = [f"{writer.name(key)} (v{version})" for key, version in quality.versions if version > 1]
    lines.append(
        words.say("quality.versions_changed", names=", ".join(changed))
        if changed
        else words.say("quality.versions")
    )
    lines.append(
        words.say("quality.generated", at=writer.formats.instant(writer.report.request.generated_at))
    )
    return {
        "lines": lines,
        "sources": [
            {
                "title": writer.source(source.title),
                "complete": words.say("quality.of_days", number=days - len(source.missing_days), days=days),
                "on_time": words.say("quality.of_days", number=source.days_on_time, days=days),
                "loaded": writer.formats.instant(source.loaded_at)
                if source.loaded_at
                else words.say("quality.never"),
                "is_whole": source.days_on_time == days,
            }
            # What lacks something first.
            for source in sorted(
                quality.sources,
                key=lambda one: (one.days_on_time == days, writer.source(one.title).casefold()),
            )
        ],
        "coverage": [
            (writer.name(key), writer.formats.percent(coverage))
            for key, coverage in quality.coverage
            if coverage < Decimal(1)
        ],
        "not_connected": ", ".join(writer.name(key) for key in quality.not_connected),
    }
