"""The one report asked of TikTok, how its rows become ours, and what the codes in its answers mean.

Every answer has status 200; whether it succeeded says the field `code`. Figures are text, in the currency of
the advertising account, which the account itself tells.
"""

from __future__ import annotations

import json
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from ecom_pipeline.errors import AuthenticationError
from ecom_pipeline.sources.contract import Change, Column, Row, Table, Type
from ecom_pipeline.sources.failures import Failure, RefusedError, UnavailableError
from ecom_pipeline.sources.fields import Fields

THROTTLED = 40_100
NO_ACCESS = frozenset((40_001, 40_101, 40_102, 40_103, 40_104, 40_105))
PARTLY = 20_001  # some of what was asked could not be read: not to be taken for the whole

CAMPAIGN_REPORT = Table(
    name="campaign_report",
    grain="One campaign on one day of the advertiser's time zone; days on which it did nothing may have no row.",
    change=Change.RESTATED,
    key=("day", "campaign_id"),
    day="day",
    # A payment counts on the day of the ad it is attributed to, up to the longest click window (28 days) later.
    restate_days=28,
    columns=(
        Column("day", Type.DATE, required=True),
        Column("campaign_id", Type.STRING, required=True),
        Column("campaign", Type.STRING, required=True),
        Column("currency", Type.STRING, required=True),
        Column("spend", Type.DECIMAL, required=True),
        Column("impressions", Type.INTEGER, required=True),
        Column("clicks", Type.INTEGER, required=True),
        Column("payments", Type.DECIMAL, required=True),
        Column("payment_value", Type.DECIMAL, required=True),
    ),
    docs="TikTok API for Business, report/integrated/get, basic report at the level of auction campaigns by "
    "stat_time_day; payments are those of the website as TikTok attributes them in the account's own windows.",
)


def report_params(
    advertiser_id: str, first_day: date, last_day: date, metrics: list[str], page_rows: int
) -> dict[str, str | int]:
    """The report's parameters without its place in the paging."""
    # Without it, deleted campaigns are left out, and their spend with them.
    everything = {
        "field_name": "campaign_status",
        "filter_type": "IN",
        "filter_value": json.dumps(["STATUS_ALL"]),
    }
    return {
        "advertiser_id": advertiser_id,
        "report_type": "BASIC",
        "data_level": "AUCTION_CAMPAIGN",
        "dimensions": json.dumps(["campaign_id", "stat_time_day"]),
        "metrics": json.dumps(metrics),
        "start_date": first_day.isoformat(),
        "end_date": last_day.isoformat(),
        "filtering": json.dumps([everything]),
        "page_size": page_rows,
    }


def parsed_page(
    answer: Any, currency: str, payments: str, payment_value: str, subject: str
) -> tuple[list[Row], int]:
    """A page's rows and how many rows there are in all; the last two metrics are those of the settings.

    Raises:
        SchemaError: a field is missing or of another type.
    """
    data = Fields(answer, "answer", subject).inner("data")
    total = data.inner("page_info").integer("total_number")
    rows: list[Row] = []
    for item in data.items("list"):
        row = Fields(item, "row", subject)
        dimensions, metrics = row.inner("dimensions"), row.inner("metrics")
        rows.append(
            {
                "day": _day(dimensions),
                "campaign_id": str(dimensions.integer("campaign_id")),
                "campaign": metrics.text("campaign_name"),
                "currency": currency,
                "spend": metrics.written_number("spend"),
                "impressions": metrics.integer("impressions"),
                "clicks": metrics.integer("clicks"),
                "payments": _measured(metrics, payments),
                "payment_value": _measured(metrics, payment_value),
            }
        )
    return rows, total


def recognized(status: int, body: Any) -> Failure | None:
    """The failure an answer's code means; None when it succeeded or tells no code."""
    code = _code(body)
    if not code:
        return None
    if code in NO_ACCESS:
        return Failure(AuthenticationError, f"code {code}", again=False, status=status)
    if code == PARTLY or code >= 50_000:
        return Failure(UnavailableError, f"code {code}", status=status)
    return Failure(RefusedError, f"code {code}", again=False, status=status)


def is_throttled(body: Any) -> bool:
    """Whether an answer says that there were too many requests."""
    return _code(body) == THROTTLED


def explained(body: Any) -> str:
    """The code of an error; its message may name people and accounts and is left out."""
    return f"code {_code(body)}" if _code(body) else ""


def _measured(metrics: Fields, name: str) -> Decimal:
    """A figure of the settings' choice: of an account without such events it is a dash."""
    return Decimal(0) if metrics.text(name) == "-" else metrics.written_number(name)


def _day(dimensions: Fields) -> date:
    told = dimensions.text("stat_time_day")
    try:
        return datetime.fromisoformat(told).date()
    except ValueError:
        raise dimensions.error("the field stat_time_day", "is no day", told) from None


def _code(body: Any) -> int:
    code = body.get("code") if isinstance(body, dict) else None
    return code if isinstance(code, int) else 0
