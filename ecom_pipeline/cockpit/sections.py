"""The parts of a cockpit that are the same whatever its reader chooses, as texts for the page's template."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

from markupsafe import Markup

from ecom_pipeline.cockpit.periods import GRAINS, WEEK
from ecom_pipeline.cockpit.writer import CockpitWriter
from ecom_pipeline.insights.questions.question import Answer
from ecom_pipeline.kpis.cohorts import Cohort
from ecom_pipeline.kpis.values import State, Value
from ecom_pipeline.reports.answers import write_answer
from ecom_pipeline.reports.charts import INK, draw_sparkline

_WEEKS = 26
_MOST_LATE = 6
_SHADES = 6
_DARKEST_RETENTION = Decimal("0.3")  # of customers who come back in a month; few shops see more
_RAW_DIGITS = Decimal("0.00000001")


@dataclass(frozen=True)
class Cell:
    """A table's cell: its text, what a spreadsheet gets (empty for a text), and how it looks."""

    text: str
    raw: str = ""
    kind: str = ""


def write_banner(writer: CockpitWriter) -> list[str]:
    """What is late, in words; empty when every source is up to date."""
    late, lines = writer.cockpit.late_sources, []
    for source in late[:_MOST_LATE]:
        if source.days_behind is None:
            lines.append(writer.words.say("banner.never", title=writer.source(source.title)))
        else:
            kind = "behind_one" if source.days_behind == 1 else "behind_many"
            lines.append(
                writer.words.say(f"banner.{kind}", title=writer.source(source.title), days=source.days_behind)
            )
    if len(late) > _MOST_LATE:
        lines.append(writer.words.say("banner.more", number=len(late) - _MOST_LATE))
    return lines


def write_essential(writer: CockpitWriter, key: str) -> dict[str, Any]:
    """One essential KPI's newest week, for readers whose browser runs no script."""
    series = writer.cockpit.series[WEEK][key]
    kpi, place = writer.cockpit.kpis[key], series.shift[0]
    target = series.targets[place]
    weeks = [_known(value) for value in reversed(series.total[place : place + _WEEKS])]
    band = (series.band.low, series.band.high) if series.band else None
    year = next(grain.year for grain in GRAINS if grain.key == WEEK)
    return {
        "name": writer.name(key),
        "value": writer.value(key, _known(series.total[place])),
        "changes": [
            _change(writer, key, series.total[place], series.total[place + back]) for back in (1, year)
        ],
        "target": writer.limit(key, target) if target is not None else writer.reference(kpi),
        "trend": Markup(draw_sparkline(weeks, writer.name(key), band=band, tone=INK)),
    }


def _known(value: Value | None) -> Decimal | None:
    return value.value if value is not None and value.state is State.OK else None


def _change(writer: CockpitWriter, key: str, value: Value | None, compared: Value | None) -> str:
    now, before = _known(value), _known(compared)
    if now is None or before is None:
        return "–"
    return writer.formats.change(writer.cockpit.kpis[key], now, before)


def write_signals(writer: CockpitWriter) -> dict[str, Any]:
    """What calls for attention in the last seven days, each with its reason and what to do."""
    day, rows = writer.cockpit.request.newest_day, []
    for signal in writer.cockpit.signals:
        kpi = writer.cockpit.kpis[signal.kpi]
        action = writer.text(kpi.action) if kpi.action else ""
        rows.append({"name": writer.name(kpi.key), "reason": writer.signal(signal), "action": action})
    first, last = writer.formats.day(day - timedelta(days=6)), writer.formats.dated(day)
    return {
        "rows": rows,
        "note": writer.words.say("page.signals_note", first=first, last=last),
        # What is missing may be what is unusual.
        "none": writer.words.say(
            "page.no_signals_known" if writer.cockpit.late_sources else "page.no_signals"
        ),
    }


def write_cohorts(writer: CockpitWriter) -> list[dict[str, Any]]:
    """The triangles of who came back and what they earned, newest month last; empty without cohorts."""
    cohorts, say = writer.cockpit.cohorts, writer.words.say
    if not cohorts:
        return []
    length = max(len(one.retention) for one in cohorts)
    most = max(cell for one in cohorts for cell in one.contribution)
    rows = {
        "retention": [(one, _retention(writer, one)) for one in cohorts],
        "contribution": [(one, [*_cost(writer, one), *_contribution(writer, one, most)]) for one in cohorts],
    }
    heads = {"retention": [], "contribution": [say("cohorts.cost"), say("cohorts.payback")]}
    months = [say("cohorts.later", number=number) for number in range(length)]
    return [
        {
            "key": key,
            "title": say(f"cohorts.{key}"),
            "heads": [say("cohorts.customers"), *heads[key], *months],
            "rows": [
                {
                    "month": writer.month(one.month),
                    "cells": [
                        Cell(writer.formats.number(Decimal(one.customers), 0), str(one.customers)),
                        *cells,
                        *[Cell("")] * (length - len(one.retention)),
                    ],
                }
                for one, cells in triangle
            ],
        }
        for key, triangle in rows.items()
    ]


def _retention(writer: CockpitWriter, one: Cohort) -> list[Cell]:
    return [
        Cell(
            writer.formats.percent(share, 0),
            raw_number(share),
            _shade(share, _DARKEST_RETENTION) if place else "",  # in their first month all have bought
        )
        for place, share in enumerate(one.retention)
    ]


def _contribution(writer: CockpitWriter, one: Cohort, most: Decimal) -> list[Cell]:
    cost = one.acquisition_cost
    paid = next(
        (place for place, sum_ in enumerate(one.contribution) if cost is not None and sum_ >= cost), None
    )
    return [
        Cell(
            writer.formats.money(amount, digits=0),
            raw_number(amount),
            _shade(amount, most) + (" paid" if place == paid else ""),
        )
        for place, amount in enumerate(one.contribution)
    ]


def _cost(writer: CockpitWriter, one: Cohort) -> list[Cell]:
    cost, days = one.acquisition_cost, one.payback_days
    return [
        Cell("–") if cost is None else Cell(writer.formats.money(cost), raw_number(cost)),
        Cell("–") if days is None else Cell(writer.formats.in_unit("days", Decimal(days)), str(days)),
    ]


def _shade(share: Decimal, most: Decimal) -> str:
    """How dark a cell is: nothing, or a class from 1 to 5."""
    step = min(int(share / most * _SHADES), _SHADES - 1) if most > 0 and share > 0 else 0
    return f"shade_{step}" if step else ""


def write_answers(writer: CockpitWriter, names: Sequence[str], *, but: bool = False) -> list[dict[str, Any]]:
    """The answers to the named questions, or to all but those."""
    return [
        _write_answer(writer, answer)
        for answer in writer.cockpit.answers
        if (answer.question in names) is not but
    ]


def _write_answer(writer: CockpitWriter, answer: Answer) -> dict[str, Any]:
    written = write_answer(answer, writer.language, writer.cockpit.request.currency)
    rows = [
        [
            Cell(text, raw_number(value) if isinstance(value, Decimal) else "", "number" if is_number else "")
            for text, value, (_, is_number) in zip(texts, values, written.columns, strict=True)
        ]
        for texts, values in zip(written.rows, answer.rows, strict=True)
    ]
    notes = [line for line in (written.others, *written.notes, written.about) if line]
    return {"key": answer.question, "written": written, "rows": rows, "notes": notes}


def write_quality(writer: CockpitWriter) -> dict[str, Any]:
    """Every source's last complete day, and the KPIs that have no value and why."""
    cockpit, say = writer.cockpit, writer.words.say
    missing = []
    for key in cockpit.kpis:
        series = cockpit.series[WEEK][key]
        newest = series.total[series.shift[0]]
        if key not in cockpit.not_connected and newest is not None and newest.state is not State.OK:
            missing.append((writer.name(key), writer.note(cockpit.kpis[key], newest)))
    return {
        "sources": [
            {
                "title": writer.source(one.title),
                "last": writer.formats.dated(one.last_complete_day)
                if one.last_complete_day
                else say("data.never"),
                "behind": say("data.never")
                if one.days_behind is None
                else say("data.days_behind", days=one.days_behind)
                if one.days_behind
                else say("data.none_behind"),
                "loaded": writer.formats.instant(one.loaded_at) if one.loaded_at else say("data.never"),
                "is_late": one.days_behind != 0,
            }
            for one in cockpit.sources
        ],
        "missing": missing,
        "not_connected": [writer.name(key) for key in cockpit.not_connected],
    }


def raw_number(amount: Decimal) -> str:
    """A number for a spreadsheet: a point, no exponent, at most eight decimals."""
    rounded = amount.quantize(_RAW_DIGITS, ROUND_HALF_UP).normalize()
    return format(abs(rounded) if rounded == 0 else rounded, "f")
