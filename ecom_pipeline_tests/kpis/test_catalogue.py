"""The catalogue is kept: every KPI it promises is there, under its name, with its unit, its cuts and its limits."""

from __future__ import annotations

import re
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path

import pytest

from ecom_pipeline.kpis.definition import Kpi, kpis

UNITS = {
    "€": "money", "%": "percent", "×": "multiple", "s": "seconds", "h": "hours", "days": "days", "months": "months",
    "rank": "position", "/5": "stars", "pts": "points", "kWh": "kilowatt_hours", "tCO₂e": "tonnes_co2e",
    "kgCO₂e": "kilograms_co2e",
}  # fmt: skip
GOOD = {"↑": "up", "↓": "down", "·": "neutral", "→ 0": "zero"}
ELSEWHERE = {
    "target_attainment": "told by the report, which knows the targets of its period: no query may read other KPIs' values"
}

RENAMED = {  # a desk's channels are how people write to it; `channel` is where an order came from
    "customer_satisfaction": {"channel": "medium"},
    "first_response_time": {"channel": "medium"},
}
AS_TOLD = {"social_reach": "window 28"}  # a snapshot of a window, which the network counts


@dataclass(frozen=True)
class Promise:
    """One row of the catalogue."""

    key: str
    fr: str
    en: str
    kind: str
    dimensions: frozenset[str]
    unit: str
    good: str
    reference: str


def read_promises(text: str) -> dict[str, Promise]:
    """The rows of every family's table; `same` repeats the cuts of the row before."""
    found: dict[str, Promise] = {}
    dimensions: frozenset[str] = frozenset()
    for line in text.splitlines():
        cells = [cell.strip() for cell in line.strip().strip("|").split("|")]
        if len(cells) != 8 or not re.fullmatch(r"[a-z_]+", cells[0]) or cells[0] == "key":
            continue
        key, names, _, kind, by, unit, good, reference = cells
        dimensions = dimensions if by == "same" else frozenset(by.split())
        fr, _, en = names.partition(" / ")
        found[key] = Promise(key, fr, en or fr, kind, dimensions, unit, good, reference)
    return found


@pytest.fixture(scope="module")
def promises(shared: Path) -> dict[str, Promise]:
    return read_promises((shared / "KPIS.md").read_text(encoding="utf-8"))


def named_alike(promised: str, given: str) -> bool:
    """Whether a name keeps the promise: as it stands, without its abbreviation, or as the abbreviation alone."""
    plain = re.sub(r"\s*\(.*?\)", "", promised)
    inside = re.findall(r"\((.*?)\)", promised)
    given, plain = given.replace("’", "'").lower(), plain.removeprefix("… ")
    return given in {one.lower() for one in (promised, plain, *inside)} or plain.lower() in given


def test_every_promised_kpi_is_there(promises: dict[str, Promise]) -> None:
    assert len(promises) > 70
    assert set(promises) - set(kpis()) == set(ELSEWHERE)


def test_each_is_what_was_promised(promises: dict[str, Promise]) -> None:
    wrong = [fault for key in set(promises) & set(kpis()) for fault in faults_of(promises[key], kpis()[key])]
    assert sorted(wrong) == []


def faults_of(promise: Promise, kpi: Kpi) -> list[str]:
    found = []
    kind, _, window = AS_TOLD.get(kpi.key, promise.kind).partition(" ")
    renamed = RENAMED.get(kpi.key, {})
    if kpi.kind.value != kind or (window and kpi.window != int(window)):
        found.append(f"{kpi.key}: {kpi.kind.value} {kpi.window} for {promise.kind}")
    if not {renamed.get(one, one) for one in promise.dimensions} <= set(kpi.dimensions):
        found.append(f"{kpi.key}: cut by {kpi.dimensions} for {sorted(promise.dimensions)}")
    unit = UNITS.get(promise.unit)
    if unit is None and kpi.unit not in ("count", "per_order"):
        found.append(f"{kpi.key}: {kpi.unit} for {promise.unit}")
    if unit is not None and kpi.unit != unit:
        found.append(f"{kpi.key}: {kpi.unit} for {promise.unit}")
    if kpi.good != GOOD[promise.good]:
        found.append(f"{kpi.key}: {kpi.good} for {promise.good}")
    found += [
        f"{kpi.key}: {given} for {promised}"
        for promised, given in ((promise.fr, kpi.name.fr), (promise.en, kpi.name.en))
        if not named_alike(promised, given)
    ]
    if limits_of(kpi) != [Decimal(one) for one in re.findall(r"\d+", promise.reference)]:
        found.append(f"{kpi.key}: {kpi.reference} for {promise.reference!r}")
    return found


def limits_of(kpi: Kpi) -> list[Decimal]:
    """The numbers of a definition's reference, percentages as the catalogue writes them."""
    limit = kpi.reference
    if limit is None:
        return []
    edges = limit.between or (limit.at_least, limit.at_most, limit.around)
    return [edge * (100 if kpi.unit == "percent" else 1) for edge in edges if edge is not None]


def test_the_six_signals_of_the_catalogue_have_their_action(promises: dict[str, Promise]) -> None:
    assert promises
    for key in (
        "conversion_rate", "average_order_value", "customer_acquisition_cost", "lifetime_value", "return_rate",
        "net_margin_rate",
    ):  # fmt: skip
        action = kpis()[key].action
        assert action is not None
        assert action.fr != action.en
