"""Nothing in the tables is drawn or written by hand: each cell, length, place and colour follows a number.

Read back from the page: texts are compared with the report's values, marks are measured.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from itertools import pairwise
from pathlib import Path
from xml.etree import ElementTree

import pytest

from ecom_pipeline.kpis.values import State
from ecom_pipeline.reports import Report
from ecom_pipeline.reports.charts import BAD, GOOD, INK, LIGHT
from ecom_pipeline.reports.formats import Formats
from ecom_pipeline.reports.report import Figure

SVG = "{http://www.w3.org/2000/svg}"
Element = ElementTree.Element
SLACK = 0.03  # of a pixel: coordinates are written with two decimals


@dataclass(frozen=True)
class Shown:
    """A report, its page in a language, and how that language writes numbers."""

    report: Report
    html: str
    formats: Formats

    def tables(self, kind: str) -> list[list[list[Element]]]:
        """The cells of the rows below the head, of each table of a kind."""
        found = re.findall(rf'<table class="[^"]*\b{kind}\b[^"]*">.*?</table>', self.html, re.DOTALL)
        return [[list(row) for row in ElementTree.fromstring(one).iter("tr")][1:] for one in found]

    def rows_of_kpis(self) -> list[tuple[Figure, list[Element]]]:
        """Each row of page one's essentials and of the sections, with the figure it is of."""
        tables = [*self.tables("essentials"), *self.tables("figures")]
        keys = [self.report.audience.essentials, *(section.kpis for section in self.report.sections)]
        return [
            (self.report.figures[key], row)
            for table, shown in zip(tables, keys, strict=True)
            for key, row in zip(shown, table, strict=True)
        ]


@pytest.fixture(
    scope="module",
    params=[("trouble", "fr"), ("half_missing", "en"), ("nine_digits", "en"), ("monthly", "fr")],
)
def shown(
    request: pytest.FixtureRequest, compute_case: Callable[[str], Report], print_case: Callable[..., Path]
) -> Shown:
    case, language = request.param
    html = print_case(case, language).with_suffix(".html").read_text(encoding="utf-8")
    return Shown(compute_case(case), html, Formats(language, "EUR"))


def _text(cell: Element) -> str:
    """The words of a cell, without its mark's."""
    if cell.tag == f"{SVG}svg":
        return ""
    return (cell.text or "") + "".join(_text(child) + (child.tail or "") for child in cell)


def _number(element: Element, name: str) -> float:
    return float(element.attrib[name])


def _rects(cell: Element, fill: str) -> list[tuple[float, float]]:
    """Left and right end of each rectangle of a colour."""
    found = [one for one in cell.iter(f"{SVG}rect") if one.attrib["fill"] == fill]
    return [(_number(one, "x"), _number(one, "x") + _number(one, "width")) for one in found]


def _axis(cell: Element) -> float:
    """Where zero stands: the upright line over the whole height."""
    (place,) = [m for one in cell.iter(f"{SVG}path") if (m := re.match(r"M([\d.]+) 0V", one.attrib["d"]))]
    return float(place[1])


def _is_on_scale(bar: tuple[float, float], start: float, end: float, zero: float, scale: float) -> bool:
    """Whether a bar reaches from one value to the other; the thinnest is drawn 0.4 wide to be seen."""
    left, right = sorted((zero + start * scale, zero + end * scale))
    return bar[0] == pytest.approx(left, abs=SLACK) and bar[1] == pytest.approx(
        max(right, left + 0.4), abs=2 * SLACK
    )


def _change(shown: Shown, figure: Figure, before: Decimal | None) -> str:
    now = figure.current.value
    if now is None or before is None:
        return "–"
    return shown.formats.change(shown.report.definitions[figure.kpi], now, before)


def test_every_cell_of_a_kpi_is_its_value(shown: Shown) -> None:
    for figure, (name, _, value, _, target, previous, year) in shown.rows_of_kpis():
        kpi = shown.report.definitions[figure.kpi]
        assert _text(name).startswith(kpi.name.in_language(shown.formats.language).replace("'", "’"))
        if figure.current.state is State.OK and figure.current.value is not None:
            assert _text(value) == shown.formats.value(kpi, figure.current.value)
        else:
            assert not re.search(r"\d", _text(value))
        for cell, before in ((previous, figure.previous), (year, figure.previous_year)):
            arrow, text = re.fullmatch(r"\s*([▲▼△▽]?)(.*?)\s*", _text(cell), re.DOTALL).groups()  # type: ignore[union-attr]
            assert text == _change(shown, figure, before.value)
            if arrow and figure.current.value is not None and before.value is not None:
                assert (arrow in "▲△") == (figure.current.value > before.value)
        limits = [figure.target] if figure.target is not None else []
        if figure.target is None and kpi.reference is not None:
            one = kpi.reference
            limits = [
                limit
                for limit in (one.at_least, one.at_most, one.around, *(one.between or ()))
                if limit is not None
            ]
        left = _text(target)
        for limit in limits:
            assert shown.formats.limit(kpi, limit) in left
            left = left.replace(shown.formats.limit(kpi, limit), "")
        assert not re.search(r"\d", left)


def test_a_colour_says_what_the_number_does(shown: Shown) -> None:
    seen = set()
    for figure, (_, line, value, _, _, previous, _) in shown.rows_of_kpis():
        now, band, good = figure.current.value, figure.band, shown.report.definitions[figure.kpi].good
        tone = "plain"
        if (
            now is not None
            and band is not None
            and good in ("up", "down")
            and not band.low <= now <= band.high
        ):
            tone = "good" if (now > band.high) == (good == "up") else "bad"
        dots = [one.attrib["fill"] for one in line.iter(f"{SVG}circle") if one.attrib["r"] == "2.3"]
        assert dots == (
            [{"good": GOOD, "bad": BAD, "plain": INK}[tone]] if figure.history[-1] is not None else []
        )
        if now is not None:
            assert value.attrib["class"].split()[2] == tone
            before = figure.previous.value
            (delta,) = [
                one.attrib["class"].split()[1]
                for one in previous.iter("span")
                if "delta" in one.attrib["class"]
            ]
            if delta != "plain" and before is not None:
                assert delta == ("good" if (now > before) == (good == "up") else "bad")
            seen.add(tone)
    assert "plain" in seen


def test_a_line_of_weeks_is_its_weeks_on_one_scale(shown: Shown) -> None:
    drawn = 0
    for figure, (_, line, *_) in shown.rows_of_kpis():
        known = [float(value) for value in figure.history if value is not None]
        paths = [one.attrib["d"] for one in line.iter(f"{SVG}path")]
        points = [
            tuple(map(float, point.split())) for path in paths for point in re.split("[ML]", path) if point
        ]
        if len(points) != len(known) or max(known) == min(known):  # a week alone is a dot
            continue
        top, bottom = points[known.index(max(known))][1], points[known.index(min(known))][1]
        scale = (top - bottom) / (max(known) - min(known))
        assert top < bottom
        for (_, y), value in zip(points, known, strict=True):
            assert y == pytest.approx(bottom + (value - min(known)) * scale, abs=SLACK)
        steps = [after[0] - before[0] for before, after in pairwise(points)]
        assert min(steps) > 0
        if figure.history[-1] is not None:
            (dot,) = [one for one in line.iter(f"{SVG}circle") if one.attrib["r"] == "2.3"]
            assert (_number(dot, "cx"), _number(dot, "cy")) == points[-1]
        if figure.band is not None:
            (band,) = line.iter(f"{SVG}rect")
            edges = (_number(band, "y"), _number(band, "y") + _number(band, "height"))
            for edge, limit in zip(edges, (figure.band.high, figure.band.low), strict=True):
                assert edge == pytest.approx(bottom + (float(limit) - min(known)) * scale, abs=0.5)
        drawn += 1
    assert drawn > 20


def test_bullets_are_as_long_as_what_they_stand_for(shown: Shown) -> None:
    drawn = 0
    for figure, (_, _, _, bullet, *_) in shown.rows_of_kpis():
        now, year = figure.current.value, figure.previous_year.value
        if now is None or now == 0:
            continue
        zero, (bar,) = _axis(bullet), _rects(bullet, INK)
        scale = ((bar[1] if now > 0 else bar[0]) - zero) / float(now)
        assert scale > 0
        assert _is_on_scale(bar, 0, float(now), zero, scale)
        assert len(_rects(bullet, LIGHT)) == (year is not None)
        for light in _rects(bullet, LIGHT):
            assert _is_on_scale(light, 0, float(year or 0), zero, scale)
        marks = _rects(bullet, "#fff")
        assert len(marks) == (figure.target is not None)
        for left, right in marks:
            place = zero + float(figure.target or 0) * scale
            assert (left + right) / 2 == pytest.approx(place, abs=2 * SLACK)
        drawn += 1
    assert drawn > 10


def test_the_bridge_stands_on_zero_and_ends_at_its_totals(shown: Shown) -> None:
    (rows,) = shown.tables("bridge")
    steps = shown.report.bridge
    assert steps is not None and len(rows) == len(steps)
    level, zero = Decimal(0), _axis(rows[0][1])
    (first,) = _rects(rows[0][1], INK)
    scale = (first[1] - zero) / float(steps[0].amount)
    for step, (_, mark, amount) in zip(steps, rows, strict=True):
        start = Decimal(0) if step.kind == "total" else level
        if step.kind == "total" and step is not steps[0]:
            assert step.amount == level
        level = start + step.amount
        (bar,) = [rect for one in mark.iter(f"{SVG}rect") for rect in _rects(mark, one.attrib["fill"])]
        assert _axis(mark) == zero
        assert _is_on_scale(bar, float(start), float(level), zero, scale)
        assert _text(amount) == shown.formats.money(step.amount, signed=step.kind == "change")


def test_effects_are_as_long_as_they_are_and_add_up(shown: Shown) -> None:
    (rows,) = shown.tables("drivers")
    explanation = shown.report.explanation
    assert explanation is not None
    drivers, kpi = explanation.drivers, shown.report.definitions[explanation.kpi]
    assert sum(one.effect for one in drivers.drivers) == drivers.change
    assert _text(rows[-1][3]) == shown.formats.difference(kpi, drivers.change, beside=drivers.largest)
    scales = []
    for driver, (_, _, mark, effect) in zip(drivers.drivers, rows[:-1], strict=False):
        if len(drivers.drivers) > len(rows) - 1 and mark is rows[-2][2]:
            break  # the last row sums the others
        assert _text(effect) == shown.formats.difference(kpi, driver.effect, beside=drivers.largest)
        for amount, fill in ((driver.rate, INK), (driver.mix, LIGHT)):
            (bar,) = _rects(mark, fill)
            if bar[1] - bar[0] > 2:
                scales.append((bar[1] - bar[0]) / abs(float(amount)))
    assert scales and max(scales) == pytest.approx(min(scales), rel=0.02)


def test_breakdowns_are_on_one_scale_and_their_lines_make_the_kpi(shown: Shown) -> None:
    tables = shown.tables("wide")
    breakdowns = [one for section in shown.report.sections for one in section.breakdowns]
    assert len(tables) == len(breakdowns) > 2
    for rows, breakdown in zip(tables, breakdowns, strict=True):
        kpi, total = (
            shown.report.definitions[breakdown.kpi],
            shown.report.figures[breakdown.kpi].current.value,
        )
        assert sum(line.current or Decimal(0) for line in breakdown.lines) == total
        zero, (bar,) = _axis(rows[0][2]), _rects(rows[0][2], INK)
        scale = (bar[1] - zero) / float(breakdown.lines[0].current or 1)
        largest = max(abs(line.current or Decimal(0)) for line in breakdown.lines)
        for line, (_, value, mark, _, _) in zip(breakdown.lines, rows, strict=True):
            assert line.current is not None
            assert _text(value) == shown.formats.value(kpi, line.current, beside=largest)
            (bar,) = _rects(mark, INK)
            assert _is_on_scale(bar, 0, float(line.current), zero, scale)
            for light in _rects(mark, LIGHT):
                assert _is_on_scale(light, 0, float(line.previous_year or 0), zero, scale)


def test_channels_costs_and_returns_are_on_one_scale_each(shown: Shown) -> None:
    tables = shown.tables("channels")
    if not shown.report.channels:
        assert tables == []
        return
    costs, returns = [], []
    for channel, row in zip(shown.report.channels, tables[0], strict=True):
        texts = {key: value.value for key, value in channel.values.items() if value.state is State.OK}
        cost, roi = texts.get("customer_acquisition_cost"), texts.get("marketing_roi")
        if cost is not None and _text(row[3]) != "–":
            assert _text(row[3]) == shown.formats.money(cost)
        for left, right in _rects(row[1], INK):
            told = Decimal(re.sub(r"[^\d]", "", _text(row[2])))
            costs.append((right - left) / float(told))
        for dot in row[6].iter(f"{SVG}circle"):
            assert roi is not None
            returns.append(
                (_number(dot, "cx") - _axis(row[6])) / float(max(min(roi, Decimal(3)), Decimal(-3)))
            )
            assert dot.attrib["fill"] == (BAD if roi < 0 else GOOD)
    assert len(costs) > 2 and max(costs) == pytest.approx(min(costs), rel=0.02)
    assert len(returns) > 2 and max(returns) == pytest.approx(min(returns), rel=0.01)
