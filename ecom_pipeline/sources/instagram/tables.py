"""Instagram's three streams, and to which day a figure belongs.

Totals are asked for between two midnights of the shop, so they are those of its day. The reach over 28 days comes
as a series of Meta's own days, each with the instant it ends at: it belongs to the shop's day in which the middle
of that day lies, twelve hours before. Nothing is told as an empty set: it stays empty, and is no zero.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from ecom_pipeline.sources.contract import Change, Column, Row, Table, Type
from ecom_pipeline.sources.fields import Fields

HALF_A_DAY = timedelta(hours=12)
# Meta's figures of a day may come up to 48 hours late; what was not there when last read would be missed for good.
RESTATED = 5

DAILY_INSIGHTS = Table(
    name="daily_insights",
    grain="The account on one day of the shop; a day of which nothing is told has no row.",
    change=Change.RESTATED,
    key=("day",),
    day="day",
    restate_days=RESTATED,
    columns=(
        Column("day", Type.DATE, required=True),
        Column("reach", Type.INTEGER),
        Column("impressions", Type.INTEGER),
        Column("likes", Type.INTEGER),
        Column("comments", Type.INTEGER),
        Column("saves", Type.INTEGER),
        Column("shares", Type.INTEGER),
        Column("link_clicks", Type.INTEGER),
    ),
    docs="Instagram account insights, period day, as total_value between the midnights of a day. The metrics are "
    "those of the settings; one without data is an empty set, which Meta gives for nothing and for not known alike.",
)
REACH_28_DAYS = Table(
    name="reach_28_days",
    grain="How many accounts the shop's account reached in the 28 days that end with a day, each counted once.",
    change=Change.RESTATED,
    key=("day",),
    day="day",
    restate_days=RESTATED,
    columns=(
        Column("day", Type.DATE, required=True),
        Column("reach", Type.INTEGER, required=True),
    ),
    docs="Instagram account insights, reach with period days_28 as time_series. Days are Meta's own and end at the "
    "instant told (end_time).",
)
PROFILE = Table(
    name="profile",
    grain="How many accounts follow the shop's, as seen on the morning after the day.",
    change=Change.SNAPSHOT,
    key=("account_id",),
    columns=(
        Column("account_id", Type.STRING, required=True),
        Column("followers", Type.INTEGER, required=True),
    ),
    docs="Instagram user, field followers_count: the number of now.",
)


def day_row(day: date, answer: Any, metrics: Mapping[str, str], subject: str) -> Row | None:
    """The day's figures under our own names; None when nothing at all is told of it."""
    told = _told(answer, subject)
    values = {
        column: told[metric].inner("total_value").integer("value") if metric in told else None
        for column, metric in metrics.items()
    }
    return {"day": day, **values} if told else None


def series_rows(answer: Any, time_zone: str, subject: str) -> list[Row]:
    """Reach over 28 days, by the shop's day in the middle of each of Meta's."""
    rows: list[Row] = []
    for metric in _told(answer, subject).values():
        for item in metric.items("values"):
            value = Fields(item, "value", subject)
            day = day_of(value.instant("end_time"), time_zone)
            rows.append({"day": day, "reach": value.integer("value")})
    return rows


def day_of(ended_at: datetime, time_zone: str) -> date:
    """The shop's day in which the middle of the day lies that ended at an instant."""
    return (ended_at - HALF_A_DAY).astimezone(ZoneInfo(time_zone)).date()


def profile_row(answer: Any, subject: str) -> Row:
    profile = Fields(answer, "profile", subject)
    return {"account_id": profile.text("id"), "followers": profile.integer("followers_count")}


def _told(answer: Any, subject: str) -> dict[str, Fields]:
    """The metrics of an answer by name; what is not known is not among them."""
    metrics = [Fields(one, "metric", subject) for one in Fields(answer, "insights", subject).items("data")]
    return {metric.text("name"): metric for metric in metrics}
