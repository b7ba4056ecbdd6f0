"""The one report asked of Google Ads, and how its stream of JSON becomes rows.

The stream is a JSON list of messages with some results each. A figure that is zero or unknown is left out of
a result, whole numbers come as text, and money is millionths of the account's currency.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

from ecom_pipeline.errors import SchemaError
from ecom_pipeline.sources.contract import Change, Column, Table, Type
from ecom_pipeline.sources.fields import Fields

FIELDS = (
    "segments.date",
    "campaign.id",
    "campaign.name",
    "campaign.advertising_channel_type",
    "customer.currency_code",
    "metrics.cost_micros",
    "metrics.clicks",
    "metrics.impressions",
    "metrics.conversions",
    "metrics.conversions_value",
    "metrics.top_impression_percentage",
    "metrics.absolute_top_impression_percentage",
)
CENT = Decimal("0.01")

CAMPAIGN_PERFORMANCE = Table(
    name="campaign_performance",
    grain="One campaign on one day of the account's time zone; days on which it did nothing have no row.",
    change=Change.RESTATED,
    key=("day", "campaign_id"),
    day="day",
    # Conversions are booked on the day of the click, up to the conversion window (30 days by default) later.
    restate_days=30,
    columns=(
        Column("day", Type.DATE, required=True),
        Column("campaign_id", Type.STRING, required=True),
        Column("campaign", Type.STRING, required=True),
        Column("channel_type", Type.STRING, required=True),
        Column("currency", Type.STRING, required=True),
        Column("cost", Type.DECIMAL, required=True),
        Column("clicks", Type.INTEGER, required=True),
        Column("impressions", Type.INTEGER, required=True),
        Column("conversions", Type.DECIMAL, required=True),
        Column("conversion_value", Type.DECIMAL, required=True),
        Column("top_impressions", Type.INTEGER),
        Column("absolute_top_impressions", Type.INTEGER),
    ),
    docs="Google Ads API, report of the resource campaign with segments.date: cost, clicks, impressions, "
    "conversions by day of the click, and the shares of impressions above the organic results.",
)


def report_query(first_day: date, last_day: date) -> str:
    """The report in Google's query language."""
    days = f"segments.date BETWEEN '{first_day}' AND '{last_day}'"
    return f"SELECT {', '.join(FIELDS)} FROM campaign WHERE {days} ORDER BY segments.date, campaign.id"


def parsed_stream(answer: Any, subject: str) -> Iterator[dict[str, Any]]:
    """The rows of a whole stream.

    Raises:
        SchemaError: it is no stream, a field asked for was not answered, or a value has another type.
    """
    if not isinstance(answer, list):
        raise _wrong(subject, "the answer is no list of messages")
    for message in answer:
        fields = Fields(message, "message", subject)
        if "results" in fields.item:
            _check_mask(fields, subject)
            for result in fields.items("results"):
                yield _row(Fields(result, "result", subject))


def _row(result: Fields) -> dict[str, Any]:
    campaign, metrics = result.inner("campaign"), _Figures(result)
    impressions = metrics.whole("impressions")
    return {
        "day": _day(result.inner("segments")),
        "campaign_id": str(campaign.integer("id")),
        "campaign": campaign.text("name"),
        "channel_type": campaign.text("advertisingChannelType"),
        "currency": result.inner("customer").text("currencyCode"),
        "cost": Decimal(metrics.whole("costMicros")).scaleb(-6),
        "clicks": metrics.whole("clicks"),
        "impressions": impressions,
        "conversions": metrics.decimal("conversions").quantize(CENT, ROUND_HALF_UP),
        "conversion_value": metrics.decimal("conversionsValue").quantize(CENT, ROUND_HALF_UP),
        "top_impressions": metrics.share("topImpressionPercentage", impressions),
        "absolute_top_impressions": metrics.share("absoluteTopImpressionPercentage", impressions),
    }


class _Figures:
    """The metrics of one result, where what is left out is zero (or, for a share, unknown)."""

    def __init__(self, result: Fields) -> None:
        empty = "metrics" not in result.item
        self._fields = Fields({}, "metrics", result.subject) if empty else result.inner("metrics")

    def whole(self, name: str) -> int:
        return self._fields.integer(name) if name in self._fields.item else 0

    def decimal(self, name: str) -> Decimal:
        return self._fields.number(name) if name in self._fields.item else Decimal(0)

    def share(self, name: str, impressions: int) -> int | None:
        """How many of the impressions a share is: the nearest count, since Google rounds the share."""
        if name not in self._fields.item:
            return None
        return int((self._fields.number(name) * impressions).quantize(Decimal(1), ROUND_HALF_UP))


def _day(segments: Fields) -> date:
    try:
        return date.fromisoformat(segments.text("date"))
    except ValueError:
        raise _wrong(segments.subject, "segments.date holds something that is no day") from None


def _check_mask(message: Fields, subject: str) -> None:
    """A message names the fields it answers: one that is missing there is missing, not zero."""
    if "fieldMask" in message.item:
        answered = set(message.text("fieldMask").split(","))
        for name in FIELDS:
            if _camel_case(name) not in answered:
                raise _wrong(subject, f"the field {name} was asked for and not answered")


def _camel_case(path: str) -> str:
    first, *rest = path.split("_")
    return first + "".join(part.capitalize() for part in rest)


def _wrong(subject: str, how: str) -> SchemaError:
    return SchemaError(
        f"{subject}: {how}.",
        why="Google changed the API, or the settings name an API version that differs.",
        mend="Nothing was stored of this table. Look for a newer version of the product.",
    )
