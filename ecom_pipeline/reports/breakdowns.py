"""Chooses what the report shows by segment: the channels on page one, each family's breakdowns after it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal

from ecom_pipeline.kpis.definition import Kind, Kpi
from ecom_pipeline.kpis.values import PeriodValue, State, Value
from ecom_pipeline.reports.reading import Readings
from ecom_pipeline.reports.report import Breakdown, Channel, Section, SegmentLine

CHANNEL_KPIS = ("ad_spend", "customer_acquisition_cost", "ltv_to_cac", "roas", "marketing_roi")
MOST_CHANNELS = 7
MOST_LINES = 8
SHARED = "Unassigned"  # the channel of marketing costs that belong to no channel
# The flow a family is judged by; a family without an entry shows its first flow that has dimensions.
_LEADING = {
    "sales": "net_sales",
    "profit": "contribution_margin",
    "loyalty": "new_customers",
    "website": "sessions",
    "marketing": "ad_spend",
}


def choose_channels(readings: Readings) -> tuple[Channel, ...]:
    """Channels that cost money in the period, dearest first, then shared costs and a row for all.

    Empty without marketing data.
    """
    by_channel: dict[str, dict[str, Value]] = {}
    for key in CHANNEL_KPIS:
        for value in readings.segments.get(key, {}).get("channel", []):
            by_channel.setdefault(value.segment, {})[key] = value.current
    costs = {name: marketing_cost(values) or Decimal(0) for name, values in by_channel.items()}
    paid = sorted((name for name in costs if costs[name] > 0), key=lambda name: (-costs[name], name))
    if not paid:
        return ()
    total = {key: readings.figures[key].current for key in CHANNEL_KPIS if key in readings.figures}
    shared = [SHARED] if SHARED in paid else []
    listed = [name for name in paid if name != SHARED][: MOST_CHANNELS - len(shared)]
    rows = [Channel(name, by_channel[name]) for name in listed + shared]
    return (*rows, Channel(None, total))


def choose_sections(kpis: Mapping[str, Kpi], read: Sequence[str], readings: Readings) -> tuple[Section, ...]:
    """The families of the KPIs that are read, in the order of their first, each with at most two breakdowns."""
    families: dict[str, list[Kpi]] = {}
    for key in read:
        families.setdefault(kpis[key].family, []).append(kpis[key])
    sections = []
    for family, members in families.items():
        # What the family is judged by leads it; the others keep their order.
        group = sorted(members, key=lambda kpi: kpi.key != _LEADING.get(family))
        keys = tuple(kpi.key for kpi in group)
        sections.append(Section(family, keys, _breakdowns(family, group, readings)))
    return tuple(sections)


def _breakdowns(family: str, group: Sequence[Kpi], readings: Readings) -> tuple[Breakdown, ...]:
    flows = [kpi for kpi in group if kpi.kind is Kind.FLOW and kpi.dimensions]
    leading = [kpi for kpi in flows if kpi.key == _LEADING.get(family)] or flows
    if not leading:
        return ()
    found = []
    for dimension in leading[0].dimensions:
        values = readings.segments.get(leading[0].key, {}).get(dimension, [])
        shown = [value for value in values if value.current.state is State.OK]
        if len(shown) > 1:
            lines = _lines(shown)
            listed = sum(line.segment is not None for line in lines)
            found.append(Breakdown(leading[0].key, dimension, lines, len(shown) - listed))
    return tuple(_most_telling(found))


def _most_telling(found: list[Breakdown]) -> list[Breakdown]:
    # Channel and country tell where to act; a shop in one country or with one device tells nothing.
    order = ("channel", "country", "product", "campaign", "category")
    known = sorted(
        found, key=lambda one: order.index(one.dimension) if one.dimension in order else len(order)
    )
    return known[:2]


def _lines(values: Sequence[PeriodValue]) -> tuple[SegmentLine, ...]:
    # By size, so that a large loss is named too.
    ranked = sorted(values, key=lambda value: (-abs(value.current.value or Decimal(0)), value.segment))
    head = ranked if len(ranked) <= MOST_LINES else ranked[: MOST_LINES - 1]
    lines = [
        SegmentLine(value.segment, value.current.value, value.previous.value, value.previous_year.value)
        for value in head
    ]
    rest = ranked[len(head) :]
    if rest:
        lines.append(
            SegmentLine(None, *(_sum(rest, slot) for slot in ("current", "previous", "previous_year")))
        )
    return tuple(lines)


def _sum(values: Sequence[PeriodValue], slot: str) -> Decimal | None:
    known = [getattr(value, slot).value for value in values]
    return None if any(one is None for one in known) else sum(known, Decimal(0))


def marketing_cost(values: Mapping[str, Value]) -> Decimal | None:
    """What the channel cost: all its marketing where known, else its advertising; None when neither is."""
    for key in ("customer_acquisition_cost", "ad_spend"):
        if key in values and values[key].numerator is not None:
            return values[key].numerator
    return None
