"""The one report asked of Meta, and how its rows become ours.

Every figure is text, in the account's currency. A purchase is told several times, once for each way of
counting it (`purchase`, `omni_purchase`, the pixel's own), so exactly one of them is taken; of that one, the
windows asked for stand beside one another, and a purchase is in one of them only: the click comes first.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from datetime import date
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

from ecom_pipeline.sources.contract import Change, Column, Row, Table, Type
from ecom_pipeline.sources.fields import Fields

FIELDS = (
    "campaign_id",
    "campaign_name",
    "account_currency",
    "spend",
    "impressions",
    "inline_link_clicks",
    "actions",
    "action_values",
)
# A report by campaign leaves out archived and deleted ones unless they are asked for, and their spend with them.
STATUSES = ("ACTIVE", "PAUSED", "ARCHIVED", "DELETED", "IN_PROCESS", "WITH_ISSUES")
CENT = Decimal("0.01")

CAMPAIGN_INSIGHTS = Table(
    name="campaign_insights",
    grain="One campaign on one day of the ad account's time zone; days on which it did nothing have no row.",
    change=Change.RESTATED,
    key=("day", "campaign_id"),
    day="day",
    # A purchase counts on the day of the ad it is attributed to, up to the longest window (28 days) later.
    restate_days=28,
    columns=(
        Column("day", Type.DATE, required=True),
        Column("campaign_id", Type.STRING, required=True),
        Column("campaign", Type.STRING, required=True),
        Column("currency", Type.STRING, required=True),
        Column("spend", Type.DECIMAL, required=True),
        Column("impressions", Type.INTEGER, required=True),
        Column("link_clicks", Type.INTEGER, required=True),
        Column("purchases", Type.DECIMAL, required=True),
        Column("purchase_value", Type.DECIMAL, required=True),
    ),
    docs="Meta Marketing API, insights of the ad account at level campaign with time_increment 1. Clicks are "
    "those on links (inline_link_clicks), not those that like or unfold; purchases are one action type within "
    "the attribution windows of the settings.",
)


def report_params(
    first_day: date, last_day: date, windows: Sequence[str], page_rows: int
) -> dict[str, str | int]:
    """The report's parameters without its place in the paging."""
    statuses = {"field": "campaign.effective_status", "operator": "IN", "value": STATUSES}
    return {
        "level": "campaign",
        "fields": ",".join(FIELDS),
        "time_range": json.dumps({"since": first_day.isoformat(), "until": last_day.isoformat()}),
        "time_increment": 1,
        "action_attribution_windows": json.dumps(list(windows)),
        "filtering": json.dumps([statuses]),
        "limit": page_rows,
    }


def parsed_row(item: Any, action: str, windows: Iterable[str], subject: str) -> Row:
    """One campaign's day.

    Raises:
        SchemaError: a field is missing or of another type, or the row is of more than one day.
    """
    fields = Fields(item, "row", subject)
    return {
        "day": _day(fields),
        "campaign_id": fields.text("campaign_id"),
        "campaign": fields.text("campaign_name"),
        "currency": fields.text("account_currency"),
        "spend": fields.written_number("spend"),
        "impressions": fields.integer("impressions"),
        # What did not happen at all is left out.
        "link_clicks": fields.integer("inline_link_clicks") if "inline_link_clicks" in fields.item else 0,
        "purchases": _attributed(fields, "actions", action, windows),
        "purchase_value": _attributed(fields, "action_values", action, windows),
    }


def action_types(item: Any, subject: str) -> set[str]:
    """Everything a row counts as an action."""
    fields = Fields(item, "row", subject)
    told = fields.items("actions") if "actions" in fields.item else []
    return {Fields(one, "actions", subject).text("action_type") for one in told}


def _day(fields: Fields) -> date:
    first, last = fields.text("date_start"), fields.text("date_stop")
    try:
        day = date.fromisoformat(first)
    except ValueError:
        raise fields.error("the field date_start", "is no day", first) from None
    if first != last:
        raise fields.error("the field date_stop", "is another day than date_start", last)
    return day


def _attributed(fields: Fields, name: str, action: str, windows: Iterable[str]) -> Decimal:
    """The one action type's total over the windows asked for; nothing told is nothing."""
    told = fields.items(name) if name in fields.item else []
    counts = [Fields(one, name, fields.subject) for one in told]
    chosen = [one for one in counts if one.text("action_type") == action]
    if len(chosen) > 1:
        raise fields.error(f"the field {name}", f"tells {action} twice", told)
    total = sum(
        (one.written_number(window) for one in chosen for window in windows if window in one.item), Decimal(0)
    )
    return total.quantize(CENT, ROUND_HALF_UP)
