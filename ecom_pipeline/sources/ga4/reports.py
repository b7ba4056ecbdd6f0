"""The two reports asked of GA4, and how an answer of the Data API becomes rows.

Sessions per segment and sessions per event of the purchase path cannot come in one report: with the event as
a dimension, a session counts once for each event, and the sum over events is not the number of sessions.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date
from decimal import ROUND_DOWN, Decimal
from typing import Any, NamedTuple

from ecom_pipeline.errors import SchemaError
from ecom_pipeline.sources.contract import Change, Column, Table, Type
from ecom_pipeline.sources.fields import Fields

NUMBER = re.compile(r"\d+(\.\d+)?")
SEGMENT = {
    "date": "day",
    "sessionDefaultChannelGroup": "channel",
    "deviceCategory": "device",
    "countryId": "country",
}
EVENTS = ("add_to_cart", "begin_checkout", "purchase")
DOCS = "Google Analytics Data API, runReport; names as in its page 'Dimensions and metrics'. "


def _table(name: str, grain: str, key: tuple[str, ...], counts: tuple[str, ...], docs: str) -> Table:
    return Table(
        name=name,
        grain=grain,
        change=Change.RESTATED,
        key=key,
        day="day",
        # Google settles a day within two days, sessions' channels within three.
        restate_days=4,
        columns=(
            Column("day", Type.DATE, required=True),
            *(Column(column, Type.STRING, required=True) for column in key if column != "day"),
            *(Column(count, Type.INTEGER, required=True) for count in counts),
            # What was estimated from a sample, the share of the events read; and what was withheld, no share told.
            Column("is_sampled", Type.BOOLEAN, required=True),
            Column("read_share", Type.DECIMAL),
        ),
        docs=DOCS + docs,
    )


@dataclass(frozen=True)
class Report:
    """A table and the report that fills it: GA4's names to ours."""

    table: Table
    dimensions: Mapping[str, str]
    metrics: Mapping[str, str]
    filter: Mapping[str, Any] = field(default_factory=dict)

    def body(self, first_day: date, last_day: date) -> dict[str, Any]:
        """The request without its place in the paging; rows in a fixed order, so that pages fit together."""
        asked: dict[str, Any] = {
            "dimensions": [{"name": name} for name in self.dimensions],
            "metrics": [{"name": name} for name in self.metrics],
            "dateRanges": [{"startDate": first_day.isoformat(), "endDate": last_day.isoformat()}],
            "orderBys": [{"dimension": {"dimensionName": name}} for name in self.dimensions],
        }
        return asked | ({"dimensionFilter": self.filter} if self.filter else {})


TRAFFIC = Report(
    _table(
        "traffic",
        "Sessions of one day, channel, device and country.",
        tuple(SEGMENT.values()),
        ("sessions", "engaged_sessions", "engaged_seconds"),
        "Sessions with their default channel group; seconds are those with the page in the foreground.",
    ),
    SEGMENT,
    {
        "sessions": "sessions",
        "engagedSessions": "engaged_sessions",
        "userEngagementDuration": "engaged_seconds",
    },
)
EVENT_SESSIONS = Report(
    _table(
        "events",
        "Sessions of one day, channel, device and country in which an event of the purchase path happened.",
        (*SEGMENT.values(), "event"),
        ("sessions",),
        "Recommended e-commerce events add_to_cart, begin_checkout and purchase.",
    ),
    SEGMENT | {"eventName": "event"},
    {"sessions": "sessions"},
    {
        "filter": {
            "fieldName": "eventName",
            "inListFilter": {"values": list(EVENTS), "caseSensitive": True},
        }
    },
)
REPORTS = (TRAFFIC, EVENT_SESSIONS)


class Page(NamedTuple):
    """Rows of a report, how many it has in all, and the share of the events it was made from (1: all)."""

    rows: list[dict[str, Any]]
    total: int
    read_share: Decimal


def parsed_page(answer: Any, report: Report, subject: str) -> Page:
    """A page of a report. An empty report has neither rows nor a count.

    Raises:
        SchemaError: a column asked for is missing, or a value is not what its column holds.
    """
    fields = Fields(answer, "report", subject)
    rows = fields.items("rows") if "rows" in fields.item else []
    total = fields.integer("rowCount") if "rowCount" in fields.item else 0
    metadata = answer.get("metadata") or {}
    share = read_share(metadata, subject)
    if not rows:
        return Page([], total, share)
    headers = {
        "dimensionValues": _names(fields, "dimensionHeaders"),
        "metricValues": _names(fields, "metricHeaders"),
    }
    wanted = {"dimensionValues": report.dimensions, "metricValues": report.metrics}
    for cells, names in wanted.items():
        for name in names:
            if name not in headers[cells]:
                raise _wrong(subject, f"the report lacks the column {name}")
    common = {"is_sampled": _is_sampled(metadata), "read_share": share}
    parsed = [{**common, **dict(_row(Fields(row, "row", subject), headers, wanted, subject))} for row in rows]
    return Page(parsed, total, share)


def read_share(metadata: Mapping[str, Any], subject: str) -> Decimal:
    """Share of the events in the window from which Google made the report, to six digits; 1 when it read them all."""
    sampled = metadata.get("samplingMetadatas")
    if not sampled:
        return Decimal(1)
    fields = Fields(sampled[0], "samplingMetadatas", subject)
    read, space = fields.integer("samplesReadCount"), fields.integer("samplingSpaceSize")
    if not 0 <= read <= space or not space:
        raise _wrong(subject, "the sample it tells of is larger than what it was drawn from")
    return (Decimal(read) / space).quantize(Decimal("0.000001"), ROUND_DOWN)


def _row(
    row: Fields, headers: Mapping[str, list[str]], wanted: Mapping[str, Mapping[str, str]], subject: str
) -> Iterator[tuple[str, Any]]:
    for cells, names in wanted.items():
        values = row.items(cells)
        if len(values) != len(headers[cells]):
            raise _wrong(subject, "a row has another number of cells than the report has columns")
        for name, cell in zip(headers[cells], values, strict=True):
            if name in names:
                text = Fields(cell, name, subject).text("value")
                yield names[name], _value(name, text, is_metric=cells == "metricValues", subject=subject)


def _value(name: str, text: str, *, is_metric: bool, subject: str) -> Any:
    if name == "date":
        try:
            return date.fromisoformat(text)  # YYYYMMDD, the basic form
        except ValueError:
            raise _wrong(subject, f"the column {name} holds something that is no day") from None
    if not is_metric:
        return text
    if not NUMBER.fullmatch(text):
        raise _wrong(subject, f"the column {name} holds something that is no number")
    return int(Decimal(text).to_integral_value())


def _names(fields: Fields, header: str) -> list[str]:
    return [Fields(column, header, fields.subject).text("name") for column in fields.items(header)]


def _is_sampled(metadata: Mapping[str, Any]) -> bool:
    """Whether Google estimated or withheld a part of the report."""
    flags = ("dataLossFromOtherRow", "subjectToThresholding", "samplingMetadatas", "dataTruncationReasons")
    return any(bool(metadata.get(flag)) for flag in flags)


def _wrong(subject: str, how: str) -> SchemaError:
    return SchemaError(
        f"{subject}: {how}.",
        why="Google changed the report's form, or renamed a dimension or metric.",
        mend="Nothing was stored of this table. Look for a newer version of the product.",
    )
