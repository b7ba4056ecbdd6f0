"""Those who see the shop: visitors, ads, search results, messages, networks, apps."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Literal

from ecom_pipeline.sandbox.events.commerce import Device


@dataclass(frozen=True)
class AdDay:
    """One campaign on one day, as finally settled.

    Conversions arrive late: an API asked `n` days after the day shows `settled_share(n)` of
    `conversions` and `conversion_value_micros`; cost, clicks and impressions are final at once.
    """

    day: date
    campaign_id: int
    campaign_name: str
    channel_type: Literal["SEARCH", "PERFORMANCE_MAX", "SHOPPING", "DISPLAY", "VIDEO", "SOCIAL"]
    impressions: int
    clicks: int
    cost_micros: int
    conversions: Decimal  # two decimals
    conversion_value: Decimal  # two decimals, account currency
    top_impressions: int
    absolute_top_impressions: int
    platform: Literal["google_ads", "meta", "tiktok"] = "google_ads"


@dataclass(frozen=True)
class TrafficDay:
    """Web sessions of one day and segment, as finally settled."""

    day: date
    channel: str  # GA4 default channel group
    device: Device
    country: str
    sessions: int
    engaged_sessions: int
    engagement_seconds: int
    cart_sessions: int  # sessions with add_to_cart
    checkout_sessions: int  # sessions with begin_checkout
    purchase_sessions: int  # sessions with purchase


@dataclass(frozen=True)
class SearchDay:
    """Organic search results of one day and segment (Search Console's figures)."""

    day: date
    device: Device
    country: str
    clicks: int
    impressions: int
    position_sum: Decimal  # position x impressions, one decimal


@dataclass(frozen=True)
class Message:
    """One message sent to many people (a campaign's e-mail or SMS, or a push), as finally settled.

    Conversions and clicks arrive late, as those of ads do (`settled_share`). Amounts are cents. What is not
    delivered bounced: an address that does not exist, or an app that was removed.
    """

    message_id: str
    campaign_id: str
    name: str
    tool: Literal["klaviyo", "onesignal"]
    channel: Literal["email", "sms", "push"]
    sent_at: datetime
    recipients: int
    delivered: int
    bounced: int
    opens: int
    clicks: int
    unsubscribes: int
    spam_complaints: int
    conversions: int
    conversion_value: int
    cost: int


@dataclass(frozen=True)
class Consent:
    """A person gives, or withdraws, the consent to be written to.

    `bounced`: the address turned out not to exist; the consent stands, but nothing is sent there any more.
    """

    person_id: str
    channel: Literal["email", "sms", "push"]
    given: bool
    at: datetime
    bounced: bool = False


@dataclass(frozen=True)
class SocialDay:
    """One social account on one day. `reach_28_days` is the network's own distinct count, never a sum.

    `untold` are the measures of the day the network never tells; the followers are told on the day only.
    """

    day: date
    network: Literal["instagram"]
    reach: int
    reach_28_days: int
    views: int
    likes: int
    comments: int
    shares: int
    saves: int
    link_clicks: int
    followers: int  # at the day's end
    untold: tuple[str, ...] = ()


@dataclass(frozen=True)
class AppDay:
    """One app in one store's country on one day of the store's calendar (Pacific time)."""

    day: date
    store: Literal["app_store", "google_play"]
    country: str
    first_installs: int
    reinstalls: int
    updates: int
    active_devices: int


def settled_share(days_after: int) -> Decimal:
    """Share of a day's ad conversions that the platform shows `days_after` days later (final from 7 on)."""
    return Decimal(min(70 + 5 * max(days_after - 1, 0), 100)) / 100
