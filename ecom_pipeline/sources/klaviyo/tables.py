"""Klaviyo's two streams: what came of each message, and how many people consented.

Of people nothing is kept but how many they are: profiles are counted while they are read, and asked for
with their consents only, without name, address or number.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from datetime import date, datetime, timedelta
from decimal import ROUND_HALF_UP, Decimal
from typing import Any
from zoneinfo import ZoneInfo

from ecom_pipeline.sources.contract import Change, Column, Table, Type, Window, local_midnight
from ecom_pipeline.sources.fields import Fields

MEDIA = ("email", "sms")
STATISTICS = (
    "recipients",
    "delivered",
    "bounced_or_failed",
    "opens_unique",
    "clicks_unique",
    "unsubscribe_uniques",
    "spam_complaints",
    "conversions",
    "conversion_value",
)
GROUPS = ("campaign_id", "campaign_message_id", "send_channel")
PROFILE_FIELDS = tuple(
    f"subscriptions.{medium}.marketing.{field}"
    for medium in MEDIA
    for field in (f"can_receive_{medium}_marketing", "consent", "consent_timestamp")
)
CENT = Decimal("0.01")

MESSAGES = Table(
    name="messages",
    grain="One message of a campaign (an e-mail or SMS; versions of it are several), on the day it was sent.",
    change=Change.RESTATED,
    key=("message_id",),
    day="day",
    columns=(
        Column("message_id", Type.STRING, required=True),
        Column("campaign_id", Type.STRING, required=True),
        Column("campaign", Type.STRING, required=True),
        Column("medium", Type.STRING, required=True),
        Column("day", Type.DATE, required=True),
        Column("sent_at", Type.TIMESTAMP, required=True),
        Column("recipients", Type.INTEGER, required=True),
        Column("delivered", Type.INTEGER, required=True),
        Column("bounced", Type.INTEGER, required=True),
        Column("opens", Type.INTEGER, required=True),
        Column("clicks", Type.INTEGER, required=True),
        Column("unsubscribes", Type.INTEGER, required=True),
        Column("spam_complaints", Type.INTEGER, required=True),
        Column("conversions", Type.INTEGER, required=True),
        Column("conversion_value", Type.DECIMAL, required=True),
        Column("currency", Type.STRING, required=True),
    ),
    docs="Klaviyo API, Get Campaigns (by channel, archived ones apart) and Query Campaign Values: what came so "
    "far of the messages sent in a timeframe, conversions by the metric of the settings. Opens count those of "
    "mail programs that open by themselves; messages of flows are none of campaigns.",
)
CONSENTS = Table(
    name="consents",
    grain="How many people may be written to by e-mail or SMS at the day's end, joined and withdrew on it.",
    change=Change.SNAPSHOT,
    key=("medium",),
    columns=(
        Column("medium", Type.STRING, required=True),
        Column("subscribed", Type.INTEGER, required=True),
        Column("joined", Type.INTEGER, required=True),
        Column("withdrew", Type.INTEGER, required=True),
    ),
    docs="Klaviyo API, Get Profiles with the additional field subscriptions: each profile's marketing consent, "
    "when it was given or withdrawn, and whether anything still reaches the address.",
)


def message_row(
    campaign: Fields, medium: str, sent_day: date, result: Fields, currency: str
) -> dict[str, Any]:
    """A message with what a report says of it."""
    groups, told = result.inner("groupings"), result.inner("statistics")
    attributes = campaign.inner("attributes")
    return {
        "message_id": groups.text("campaign_message_id"),
        "campaign_id": campaign.text("id"),
        "campaign": attributes.text("name"),
        "medium": medium,
        "day": sent_day,
        "sent_at": attributes.instant("send_time"),
        "recipients": count(told, "recipients"),
        "delivered": count(told, "delivered"),
        "bounced": count(told, "bounced_or_failed"),
        "opens": count(told, "opens_unique"),
        "clicks": count(told, "clicks_unique"),
        "unsubscribes": count(told, "unsubscribe_uniques"),
        "spam_complaints": count(told, "spam_complaints"),
        "conversions": count(told, "conversions"),
        "conversion_value": told.number("conversion_value").quantize(CENT, ROUND_HALF_UP),
        "currency": currency,
    }


def count(told: Fields, name: str) -> int:
    """A statistic that counts: Klaviyo writes every number with a point."""
    number = told.number(name)
    if number != number.to_integral_value():
        raise told.error(f"the field {name}", "is no whole number", number)
    return int(number)


def sent_day(campaign: Fields, time_zone: str) -> date | None:
    """The local day on which a campaign was sent; None when it has not been."""
    at = campaign.inner("attributes").optional_instant("send_time")
    return None if at is None else at.astimezone(ZoneInfo(time_zone)).date()


def consent_rows(profiles: Iterable[Fields], window: Window) -> Iterator[dict[str, Any]]:
    """The counts of the newest complete day; of a medium no profile tells of, nothing.

    Who decided since that day ended is counted as before: the time of the last decision tells.
    """
    day_start = local_midnight(window.newest_day, window.time_zone)
    day_end = local_midnight(window.newest_day + timedelta(days=1), window.time_zone)
    counts: Counter[tuple[str, str]] = Counter()
    told = set()
    for profile in profiles:
        subscriptions = profile.inner("attributes").inner("subscriptions")
        for medium in MEDIA:
            marketing = _marketing(subscriptions, medium)
            if marketing is not None:
                told.add(medium)
                counts.update((medium, what) for what in _standing(marketing, medium, day_start, day_end))
    for medium in MEDIA:
        if medium in told:
            yield {"medium": medium} | {
                what: counts[medium, what] for what in ("subscribed", "joined", "withdrew")
            }


def _marketing(subscriptions: Fields, medium: str) -> Fields | None:
    """The marketing consent by a medium; accounts that do not use it leave it out."""
    if subscriptions.item.get(medium) is None:
        return None
    channel = subscriptions.inner(medium)
    return None if channel.item.get("marketing") is None else channel.inner("marketing")


def _standing(marketing: Fields, medium: str, day_start: datetime, day_end: datetime) -> Iterator[str]:
    """What one person adds to: subscribed at the day's end, joined on the day, withdrew on it."""
    consent, at = marketing.text("consent"), marketing.optional_instant("consent_timestamp")
    since = at is not None and at >= day_end
    on_the_day = at is not None and day_start <= at < day_end
    if consent == "SUBSCRIBED":
        if marketing.boolean(f"can_receive_{medium}_marketing") and not since:
            yield "subscribed"
        if on_the_day:
            yield "joined"
    elif consent == "UNSUBSCRIBED":
        if since:
            yield "subscribed"
        if on_the_day:
            yield "withdrew"
