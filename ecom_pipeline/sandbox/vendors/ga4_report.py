"""The figures behind a GA4 report: which names exist, what a filter keeps, how rows are grouped.

A segment's facts are split by event only when the report names events, as dimension or in the
filter; sessions are then those in which the event happened.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from functools import cache
from typing import Any

from ecom_pipeline.sandbox.events import TrafficDay

DIMENSIONS = {
    "date": "The day, YYYYMMDD",
    "sessionDefaultChannelGroup": "Channel group of the session",
    "deviceCategory": "Kind of device",
    "countryId": "ISO 3166-1 alpha-2 code of the country",
    "eventName": "Name of the event",
}
METRICS = {
    "sessions": "TYPE_INTEGER",
    "engagedSessions": "TYPE_INTEGER",
    "userEngagementDuration": "TYPE_SECONDS",
    "eventCount": "TYPE_INTEGER",
}
MAX_DIMENSIONS, MAX_METRICS = 9, 10
REQUEST_FIELDS = frozenset(
    {
        "property",
        "dimensions",
        "metrics",
        "dateRanges",
        "dimensionFilter",
        "metricFilter",
        "offset",
        "limit",
        "orderBys",
        "currencyCode",
        "keepEmptyRows",
        "returnPropertyQuota",
        "comparisons",
        "metricAggregations",
        "cohortSpec",
    }
)
NOT_SIMULATED = ("metricFilter", "comparisons", "metricAggregations", "cohortSpec")
EVENTS: dict[str, Callable[[TrafficDay], int]] = {
    "session_start": lambda t: t.sessions,
    "user_engagement": lambda t: t.engaged_sessions,
    "add_to_cart": lambda t: t.cart_sessions,
    "begin_checkout": lambda t: t.checkout_sessions,
    "purchase": lambda t: t.purchase_sessions,
}
COUNTS: dict[str, Callable[[TrafficDay], int]] = {
    "sessions": lambda t: t.sessions,
    "engagedSessions": lambda t: t.engaged_sessions,
    "userEngagementDuration": lambda t: t.engagement_seconds,
    "eventCount": lambda t: sum(count(t) for count in EVENTS.values()),
}

Key = tuple[str, ...]
Test = Callable[[Mapping[str, str]], bool]


class InvalidArgument(Exception):
    """The report cannot be run as asked."""


@dataclass(frozen=True)
class Report:
    """A checked request."""

    dimensions: tuple[str, ...]
    metrics: tuple[str, ...]
    first_day: date
    last_day: date
    keeps: Test
    by_event: bool
    keep_empty_rows: bool
    order_bys: tuple[tuple[str, bool, bool], ...]  # name, is a metric, descending


def parsed_report(body: Any, today: date) -> Report:
    """The request as a report. Raises InvalidArgument for anything unknown, missing or too much."""
    if not isinstance(body, dict):
        raise InvalidArgument("The request must be a JSON object.")
    for name in body:
        if name not in REQUEST_FIELDS:
            raise InvalidArgument(f'Invalid JSON payload received. Unknown name "{name}": cannot find field.')
        if name in NOT_SIMULATED:
            raise InvalidArgument(f"The sandbox does not simulate {name}.")
    dimensions = names(body, "dimensions", DIMENSIONS, MAX_DIMENSIONS)
    metrics = names(body, "metrics", METRICS, MAX_METRICS)
    if not metrics and not dimensions:
        raise InvalidArgument("A report needs at least one dimension or metric.")
    ranges = body.get("dateRanges") or []
    if len(ranges) != 1:
        raise InvalidArgument("The sandbox runs reports over exactly one date range.")
    keeps, mentioned = parsed_filter(body.get("dimensionFilter"))
    first_day, last_day = (parsed_day(ranges[0].get(name), today) for name in ("startDate", "endDate"))
    if first_day > last_day:
        raise InvalidArgument("startDate must not be after endDate.")
    return Report(
        dimensions,
        metrics,
        first_day,
        last_day,
        keeps,
        "eventName" in mentioned or "eventName" in dimensions,
        bool(body.get("keepEmptyRows")),
        tuple(parsed_order(order, dimensions, metrics) for order in body.get("orderBys") or ()),
    )


def names(body: Mapping[str, Any], part: str, known: Mapping[str, str], most: int) -> tuple[str, ...]:
    """The names a request asks for, each known and asked for once."""
    found = tuple(str(item.get("name")) for item in body.get(part) or ())
    for name in found:
        if name not in known:
            raise InvalidArgument(f"Field {name} is not a valid {part[:-1]}; see the metadata.")
    if len(found) > most:
        raise InvalidArgument(f"At most {most} {part} are allowed, not {len(found)}.")
    if len(set(found)) != len(found):
        raise InvalidArgument(f"The {part} must differ from each other.")
    return found


def parsed_day(text: Any, today: date) -> date:
    """A day as the API takes it: ISO, `today`, `yesterday` or `NdaysAgo`."""
    if text == "today":
        return today
    if text == "yesterday":
        return today - timedelta(days=1)
    try:
        if isinstance(text, str) and text.endswith("daysAgo"):
            return today - timedelta(days=int(text.removesuffix("daysAgo")))
        return date.fromisoformat(str(text))
    except (ValueError, OverflowError):
        raise InvalidArgument(f"Invalid date: {text}") from None


def parsed_order(
    order: Mapping[str, Any], dimensions: tuple[str, ...], metrics: tuple[str, ...]
) -> tuple[str, bool, bool]:
    if "metric" in order and order["metric"].get("metricName") in metrics:
        return order["metric"]["metricName"], True, bool(order.get("desc"))
    if "dimension" in order and order["dimension"].get("dimensionName") in dimensions:
        return order["dimension"]["dimensionName"], False, bool(order.get("desc"))
    raise InvalidArgument("orderBys must name dimensions and metrics of the report.")


def parsed_filter(expression: Any) -> tuple[Test, frozenset[str]]:
    """A filter expression as a test of a row's dimensions, and the dimensions it mentions."""
    if not expression:
        return (lambda _: True), frozenset()
    if not isinstance(expression, dict) or len(expression) != 1:
        raise InvalidArgument(
            "A filter expression has exactly one of andGroup, orGroup, notExpression, filter."
        )
    ((kind, inner),) = expression.items()
    if kind in ("andGroup", "orGroup"):
        parts = [parsed_filter(part) for part in inner.get("expressions") or ()]
        together = all if kind == "andGroup" else any
        mentioned = frozenset().union(*(part[1] for part in parts))
        return (lambda row: together(test(row) for test, _ in parts)), mentioned
    if kind == "notExpression":
        test, mentioned = parsed_filter(inner)
        return (lambda row: not test(row)), mentioned
    if kind == "filter":
        return leaf_filter(inner)
    raise InvalidArgument(f'Invalid JSON payload received. Unknown name "{kind}": cannot find field.')


def leaf_filter(inner: Mapping[str, Any]) -> tuple[Test, frozenset[str]]:
    """One test on a dimension, and the values it looks for."""
    name = inner.get("fieldName")
    if name not in DIMENSIONS:
        raise InvalidArgument(f"Field {name} is not a valid dimension for a filter.")
    if "inListFilter" in inner:
        condition = inner["inListFilter"]
        wanted, match_type = list(condition.get("values") or ()), "EXACT"
    elif "stringFilter" in inner:
        condition = inner["stringFilter"]
        wanted, match_type = [condition.get("value", "")], condition.get("matchType", "EXACT")
    else:
        raise InvalidArgument("The sandbox knows inListFilter and stringFilter.")
    if not wanted:
        raise InvalidArgument("The filter has no value.")
    matches = string_match(match_type)
    cased: Callable[[str], str] = str if condition.get("caseSensitive") else str.casefold
    values = [cased(value) for value in wanted]
    return (lambda row: any(matches(cased(row[name]), value) for value in values)), frozenset((name,))


def string_match(match_type: str) -> Callable[[str, str], bool]:
    """How a filter of this match type compares."""
    match match_type:
        case "EXACT":
            return lambda text, value: text == value
        case "BEGINS_WITH":
            return lambda text, value: text.startswith(value)
        case "ENDS_WITH":
            return lambda text, value: text.endswith(value)
        case "CONTAINS":
            return lambda text, value: value in text
        case _:
            raise InvalidArgument(f"The sandbox does not know the match type {match_type}.")


def count_events(traffic: Iterable[TrafficDay]) -> int:
    """How many events a property holds of this traffic, which is what a sample is drawn from."""
    return sum(COUNTS["eventCount"](facts) for facts in traffic)


def estimated(rows: list[tuple[Key, Key]], read: int, of: int) -> list[tuple[Key, Key]]:
    """What a report says when it is made from `read` of `of` events: what they hold, scaled up again."""
    return [
        (key, tuple(str(round(round(int(one) * read / of) * of / read)) for one in figures))
        for key, figures in rows
    ]


def computed_rows(report: Report, traffic: Iterable[TrafficDay], today: date) -> list[tuple[Key, Key]]:
    """Dimension and metric values of every row; days that are not over are not shown."""
    sums: dict[Key, list[int]] = {}
    last_day = min(report.last_day, today - timedelta(days=1))
    for facts in traffic:
        if report.first_day <= facts.day <= last_day:
            for row, figures in kept_facts(report, facts):
                key = tuple([row[name] for name in report.dimensions])
                total = sums.get(key)
                if total is None:
                    sums[key] = figures
                else:
                    sums[key] = [a + b for a, b in zip(total, figures, strict=True)]
    kept = [(key, figures) for key, figures in sums.items() if report.keep_empty_rows or any(figures)]
    kept.sort(key=lambda row: row[0])
    for name, is_metric, descending in reversed(report.order_bys):
        side, fields = (1, report.metrics) if is_metric else (0, report.dimensions)
        at = fields.index(name)
        kept.sort(key=lambda row, side=side, at=at: row[side][at], reverse=descending)  # type: ignore[misc]
    return [(key, tuple(map(str, figures))) for key, figures in kept]


def kept_facts(report: Report, facts: TrafficDay) -> Iterator[tuple[dict[str, str], list[int]]]:
    """The rows of one fact that the filter keeps, once per event where events are asked for."""
    row = dimensions_of(facts)
    if not report.by_event:
        if report.keeps(row):
            yield row, [COUNTS[name](facts) for name in report.metrics]
        return
    events = []
    for event, count in EVENTS.items():
        named = {**row, "eventName": event}
        if report.keeps(named):
            events.append((named, event_figures(facts, event, count(facts))))
    if "eventName" in report.dimensions:
        for named, counted in events:
            yield named, [counted[name] for name in report.metrics]
    elif events:
        # A session with several of the events is one session, and the rarer ones are steps within it.
        most = {name: max(counted[name] for _, counted in events) for name in METRICS}
        most["eventCount"] = sum(counted["eventCount"] for _, counted in events)
        yield row, [most[name] for name in report.metrics]


def dimensions_of(facts: TrafficDay) -> dict[str, str]:
    return {
        "date": compact(facts.day),
        "sessionDefaultChannelGroup": facts.channel,
        "deviceCategory": facts.device,
        "countryId": facts.country,
    }


@cache
def compact(day: date) -> str:
    return f"{day:%Y%m%d}"


def event_figures(facts: TrafficDay, event: str, sessions: int) -> dict[str, int]:
    engaged = event == "user_engagement"
    return {
        "sessions": sessions,
        "engagedSessions": min(sessions, facts.engaged_sessions),
        "userEngagementDuration": facts.engagement_seconds if engaged else 0,
        "eventCount": sessions,
    }
