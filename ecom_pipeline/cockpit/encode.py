"""A cockpit in one language as the page's scripts read it: small, exact, and the same bytes each time.

Numerators and denominators travel as whole numbers with one scale for each KPI, so that the page divides and
rounds exactly as `reports.formats` does; what needs a language's words is written here.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from decimal import Decimal
from itertools import groupby
from typing import Any

from babel.numbers import get_decimal_symbol, get_group_symbol

from ecom_pipeline.cockpit.cockpit import OTHERS, Cut, Grain, Series
from ecom_pipeline.cockpit.periods import WEEK
from ecom_pipeline.cockpit.writer import CockpitWriter
from ecom_pipeline.insights.targets import Progress
from ecom_pipeline.kpis.definition import Kpi, Unit
from ecom_pipeline.kpis.values import TOTAL, State, Value
from ecom_pipeline.reports.formats import Formats

STATES = {
    State.MISSING: "m",
    State.IMMATURE: "i",
    State.LOW_COVERAGE: "l",
    State.UNDEFINED: "u",
    State.NO_HISTORY: "h",
}
_LEADING = ("net_sales", "ad_spend")  # whose segments are ordered first
CASH = ("cash_balance", "cash_in_transit", "runway_months", "net_cash_flow", "payout_gap")
_SUFFIXED: tuple[Unit, ...] = (
    "days", "hours", "months", "points", "stars", "kilowatt_hours", "kilograms_co2e", "tonnes_co2e",
)  # fmt: skip


def encode_cockpit(writer: CockpitWriter, depth: Mapping[str, int]) -> dict[str, Any]:
    """Everything the page's scripts need, as plain lists, texts and numbers.

    `depth` says for each grain how many of its periods segments are known for.
    """
    cockpit = writer.cockpit
    shown = [key for key in cockpit.kpis if key not in cockpit.not_connected]
    cuts = _Cuts(writer)
    return {
        "language": writer.language,
        "shop": cockpit.request.shop_name,
        "audience": cockpit.request.audience.key,
        "newest": cockpit.request.newest_day.isoformat(),
        "formats": encode_formats(writer.formats),
        "words": {
            key.removeprefix("js."): text for key, text in writer.words.texts.items() if key.startswith("js.")
        },
        "states": {
            code: writer.words.say("js.withheld")
            if state is State.LOW_COVERAGE
            else writer.report_words.say(f"state.{state.value}")
            for state, code in STATES.items()
        },
        "absent": writer.report_words.say("not_available"),
        "grains": [_encode_grain(writer, grain, depth[grain.key]) for grain in cockpit.grains],
        "families": [
            [writer.family(family), list(members)]
            for family, members in groupby(shown, key=lambda key: cockpit.kpis[key].family)
        ],
        "essentials": [key for key in cockpit.request.audience.essentials if key in shown],
        "cash": [key for key in CASH if key in shown],
        "kpis": {key: _encode_kpi(writer, cuts, cockpit.kpis[key], depth) for key in shown},
        "dimensions": {
            name: writer.dimension(name)
            for name in dict.fromkeys(
                dimension
                for key in shown
                for grain in cockpit.grains
                for dimension, _ in cockpit.series[grain.key][key].values
                if dimension != TOTAL[0]
            )
        },
        "others": OTHERS,
        "cuts": cuts.labels,
    }


def encode_formats(formats: Formats) -> dict[str, Any]:
    """The rules of `Formats` that differ by language and currency; the page's own code knows the rest."""
    whole = formats.money(Decimal(7), digits=0)
    return {
        "group": get_group_symbol(formats.locale),
        "decimal": get_decimal_symbol(formats.locale),
        "money": whole.split("7"),
        "negative": formats.money(Decimal(-7), digits=0).split("7"),
        "percent": formats.percent(Decimal("0.07"), 0).removeprefix("7"),
        "points": formats.points(Decimal("0.07")).rpartition("0")[2],
        "units": {unit: formats.in_unit(unit, Decimal(0)).lstrip("0.,") for unit in _SUFFIXED},
    }


class _Cuts:
    """Every cut's label once, by its number."""

    def __init__(self, writer: CockpitWriter) -> None:
        self.writer = writer
        self.labels: list[list[str]] = []
        self._numbers: dict[tuple[Cut, str], int] = {}
        self._order()

    def number(self, kpi: str, cut: Cut) -> int:
        dimension, segment = cut
        label = self.writer.segment(dimension, segment, self.writer.cockpit.others.get((kpi, dimension), 0))
        if (cut, label) not in self._numbers:
            self._numbers[(cut, label)] = len(self.labels)
            self.labels.append([dimension, segment, label])
        return self._numbers[(cut, label)]

    def _order(self) -> None:
        """Largest segments first, as the best known KPI has them: so they stand in the page's choices."""
        kpis = self.writer.cockpit.kpis
        for key in sorted(kpis, key=lambda one: one not in _LEADING):
            series, dimensions = self.writer.cockpit.series[WEEK][key], [*kpis[key].dimensions]
            ranked = [
                (dimensions.index(cut[0]) if cut[0] in dimensions else len(dimensions), -_size(values), cut)
                for cut, values in series.values.items()
                if cut != TOTAL
            ]
            for *_, cut in sorted(ranked):
                self.number(key, cut)


def _size(values: Iterable[Value | None]) -> Decimal:
    known = [value.numerator for value in values if value is not None and value.numerator is not None]
    return sum((abs(one) for one in known), Decimal(0))


def _encode_grain(writer: CockpitWriter, grain: Grain, cut: int) -> dict[str, Any]:
    spans = writer.cockpit.spans[grain.key]
    return {
        "key": grain.key,
        "name": writer.words.say(f"period.{grain.key}"),
        "shown": grain.shown,
        "year": grain.year,
        "cut": cut,
        "spans": [writer.span(grain, span) for span in spans[: grain.shown + 1]],
        "short": [writer.short_span(grain, span) for span in spans[: grain.shown + 1]],
        "days": [
            f"{span.first_day.isoformat()}/{span.last_day.isoformat()}" for span in spans[: grain.shown + 1]
        ],
        "before": writer.words.say(f"before.{grain.key}"),
    }


def _encode_kpi(writer: CockpitWriter, cuts: _Cuts, kpi: Kpi, depth: Mapping[str, int]) -> dict[str, Any]:
    cockpit = writer.cockpit
    all_series = {grain.key: cockpit.series[grain.key][kpi.key] for grain in cockpit.grains}
    known = [value for series in all_series.values() for value in _known(series)]
    scales = (
        _scale(value.numerator for value in known),
        _scale(value.denominator for value in known),
    )
    found: dict[str, Any] = {
        "name": writer.name(kpi.key),
        "unit": kpi.unit,
        "kind": kpi.kind.value,
        "good": kpi.good,
        "definition": writer.text(kpi.definition),
        "facts": _facts(writer, kpi),
        "reference": writer.reference(kpi),
        "scales": list(scales),
        "series": {
            grain.key: {
                **_encode_total(writer, kpi, all_series[grain.key], grain, scales),
                **_encode_cuts(cuts, kpi, all_series[grain.key], grain, scales, depth[grain.key]),
            }
            for grain in cockpit.grains
        },
    }
    progress = cockpit.progress.get(kpi.key)
    if progress is not None and progress.attainment is not None:
        found["progress"] = _write_progress(writer, kpi, progress)
    return found


def _known(series: Series) -> Iterable[Value]:
    return (
        value
        for values in series.values.values()
        for value in values
        if value is not None and value.state is State.OK
    )


def _scale(amounts: Iterable[Decimal | None]) -> int:
    """The fewest decimals that hold all amounts exactly."""
    exponents = [int(amount.normalize().as_tuple().exponent) for amount in amounts if amount is not None]
    return max([0, *(-exponent for exponent in exponents)])


def _encode_cuts(
    cuts: _Cuts, kpi: Kpi, series: Series, grain: Grain, scales: tuple[int, int], depth: int
) -> dict[str, Any]:
    newest = series.shift[0]
    kept = {*range(newest, newest + depth + 1), *range(newest + grain.year, newest + grain.year + depth)}
    segments = {
        cuts.number(kpi.key, cut): _encode_values(
            [value if place in kept else None for place, value in enumerate(values)], scales
        )
        for cut, values in series.values.items()
        if cut != TOTAL
    }
    return {"cuts": segments} if segments else {}


def _encode_total(
    writer: CockpitWriter,
    kpi: Kpi,
    series: Series,
    grain: Grain,
    scales: tuple[int, int],
) -> dict[str, Any]:
    found: dict[str, Any] = {"total": _encode_values(series.total, scales)}
    if any(target is not None for target in series.targets):
        found["targets"] = ["" if target is None else _plain(target) for target in series.targets]
    if any(series.shift):
        found["shift"] = list(series.shift)
    if series.band is not None:
        found["band"] = [_plain(edge) for edge in (series.band.low, series.band.middle, series.band.high)]
        found["noise"] = _plain(series.band.scale / 2)
    notes = {
        place: note
        for place, value in enumerate(series.total[: grain.shown])
        if value is not None and (note := writer.note(kpi, value))
    }
    if notes:
        found["notes"] = notes
    return found


def _encode_values(values: Iterable[Value | None], scales: tuple[int, int]) -> str:
    """Places in order, as `numerator` or `numerator/denominator`, a state's letter, or nothing where not looked at."""
    return ",".join(_encode_value(value, scales) for value in values).rstrip(",")


def _encode_value(value: Value | None, scales: tuple[int, int]) -> str:
    if value is None:
        return ""
    if value.state is not State.OK:
        return STATES[value.state]
    assert value.numerator is not None
    top = str(int(value.numerator.scaleb(scales[0])))
    return top if value.denominator is None else f"{top}/{int(value.denominator.scaleb(scales[1]))}"


def _plain(amount: Decimal) -> str:
    return format(amount.normalize(), "f")


def _facts(writer: CockpitWriter, kpi: Kpi) -> list[list[str]]:
    """What the drawer says of a KPI beside its definition, as heading and text."""
    say = writer.words.say
    dimensions = ", ".join(writer.dimension(name) for name in kpi.dimensions)
    rows = [
        (say("facts.kind"), say(f"kind.{kpi.kind.value}", days=kpi.window or "")),
        (say("facts.unit"), say(f"unit.{kpi.unit}", currency=writer.cockpit.request.currency)),
        (say("facts.good"), say(f"good.{kpi.good}")),
        (say("facts.reference"), writer.reference(kpi)),
        (say("facts.action"), writer.text(kpi.action) if kpi.action else ""),
        (say("facts.dimensions"), dimensions),
        (say("facts.measured_by"), ", ".join(kpi.measured_by)),
        (
            say("facts.matures"),
            say("facts.matures_days", days=kpi.matures_after) if kpi.matures_after else "",
        ),
        (say("facts.version"), str(kpi.since)),
        (say("facts.key"), kpi.key),
    ]
    return [[heading, text] for heading, text in rows if text]


def _write_progress(writer: CockpitWriter, kpi: Kpi, progress: Progress) -> str:
    assert progress.attainment is not None
    parts = {
        "month": writer.long_month(progress.first_day),
        "actual": writer.value(kpi.key, progress.actual),
        "attainment": writer.formats.percent(progress.attainment, 0),
    }
    if progress.expected_attainment is None or progress.forecast is None:
        return writer.words.say("progress.month", **parts)
    return writer.words.say(
        "progress.forecast",
        **parts,
        forecast=writer.value(kpi.key, progress.forecast),
        expected=writer.formats.percent(progress.expected_attainment, 0),
        target=writer.limit(kpi.key, progress.target),
    )
