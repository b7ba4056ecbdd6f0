"""Campaigns, profiles and reports of campaigns as Klaviyo writes them, as of an instant."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

from ecom_pipeline.sandbox.events import Consent, Message, Shop, settled_share
from ecom_pipeline.sandbox.world import PERSONAL_CANARY, digest

PREPARED = timedelta(days=2)  # before a campaign is sent, it lies there as a draft
ARCHIVED_AFTER = timedelta(days=30)
CHANNELS = ("email", "sms")


@dataclass(frozen=True)
class SeenCampaign:
    """A campaign with its messages (more than one: versions of it)."""

    messages: tuple[Message, ...]

    @property
    def first(self) -> Message:
        return self.messages[0]

    @property
    def created_at(self) -> datetime:
        return self.first.sent_at - PREPARED

    def is_archived(self, now: datetime) -> bool:
        """Somebody tidies up what is a month old, as far as it has an even number."""
        old = now - self.first.sent_at > ARCHIVED_AFTER
        return old and int(digest(0, self.first.campaign_id)[:2], 16) % 2 == 0

    def attributes(self, now: datetime) -> dict[str, Any]:
        sent = self.first.sent_at <= now
        return {
            "name": self.first.name,
            "status": "Sent" if sent else "Draft",
            "archived": self.is_archived(now),
            "audiences": {"included": ["Y6nRLr"], "excluded": []},
            "send_options": {"use_smart_sending": True},
            "tracking_options": {"add_tracking_params": True, "custom_tracking_params": []},
            "send_strategy": {"method": "immediate"},
            "created_at": written(self.created_at),
            "scheduled_at": written(self.first.sent_at - timedelta(minutes=5)) if sent else None,
            "updated_at": written(self.first.sent_at + timedelta(minutes=3) if sent else self.created_at),
            "send_time": written(self.first.sent_at) if sent else None,
        }


def campaigns(shop: Shop, channel: str, now: datetime) -> list[SeenCampaign]:
    """The campaigns of a channel that somebody had begun to prepare, oldest first."""
    found: dict[str, list[Message]] = {}
    for message in shop.messages:
        if message.tool == "klaviyo" and message.channel == channel:
            found.setdefault(message.campaign_id, []).append(message)
    every = (SeenCampaign(tuple(messages)) for messages in found.values())
    return sorted((one for one in every if one.created_at <= now), key=lambda one: one.created_at)


@dataclass
class SeenProfile:
    """A person with the last word on each channel; `bounced` since when nothing reaches the address."""

    person_id: str
    created_at: datetime
    updated_at: datetime
    last: dict[str, Consent] = field(default_factory=dict)
    bounced: datetime | None = None

    def attributes(self, seed: int) -> dict[str, Any]:
        name = digest(seed, "profile", self.person_id)
        return {
            "email": f"{PERSONAL_CANARY}.{name[:10]}@example.com",
            "phone_number": f"+336{int(name[:8], 16) % 10**8:08d}",
            "external_id": None,
            "first_name": f"{PERSONAL_CANARY} Jeanne",
            "last_name": f"{PERSONAL_CANARY} Martin",
            "created": written(self.created_at),
            "updated": written(self.updated_at),
            "location": {"city": f"{PERSONAL_CANARY} Lyon", "country": "France", "zip": "69001"},
            "properties": {},
            "subscriptions": {
                "email": {"marketing": self._email()},
                "sms": {"marketing": self._state("sms")},
            },
        }

    def _state(self, channel: str) -> dict[str, Any]:
        consent = self.last.get(channel)
        state = "NEVER_SUBSCRIBED" if consent is None else "SUBSCRIBED" if consent.given else "UNSUBSCRIBED"
        can = f"can_receive_{channel}_marketing"
        implied = channel == "email" and consent is None  # an address nobody asked may still be written to
        return {
            can: implied or state == "SUBSCRIBED",
            "consent": state,
            "consent_timestamp": None if consent is None else written(consent.at),
            "last_updated": None if consent is None else written(consent.at),
            "method": None if consent is None else "PREFERENCE_PAGE",
            "method_detail": "",
        }

    def _email(self) -> dict[str, Any]:
        state = self._state("email") | {
            "custom_method_detail": None, "double_optin": None, "suppression": [], "list_suppressions": [],
        }  # fmt: skip
        if self.bounced is not None:
            reason = {"reason": "HARD_BOUNCE", "timestamp": written(self.bounced)}
            state |= {"can_receive_email_marketing": False, "suppression": [reason]}
        return state


def profiles(consents: Iterable[Consent], now: datetime) -> list[SeenProfile]:
    """Everybody known by now whom e-mail or SMS ever concerned, in the order they came."""
    found: dict[str, SeenProfile] = {}
    for consent in consents:
        if consent.at > now or consent.channel not in CHANNELS:
            continue
        person = found.setdefault(consent.person_id, SeenProfile(consent.person_id, consent.at, consent.at))
        person.updated_at = consent.at
        if consent.bounced:
            person.bounced = consent.at
        else:
            person.last[consent.channel] = consent
    return list(found.values())


RATES: Mapping[str, tuple[str, str]] = {
    "average_order_value": ("conversion_value", "conversions"),
    "bounce_rate": ("bounced", "recipients"),
    "bounced_or_failed_rate": ("bounced_or_failed", "recipients"),
    "click_rate": ("clicks_unique", "delivered"),
    "click_to_open_rate": ("clicks_unique", "opens_unique"),
    "conversion_rate": ("conversion_uniques", "delivered"),
    "delivery_rate": ("delivered", "recipients"),
    "failed_rate": ("failed", "recipients"),
    "open_rate": ("opens_unique", "delivered"),
    "revenue_per_recipient": ("conversion_value", "delivered"),
    "spam_complaint_rate": ("spam_complaints", "delivered"),
    "text_message_roi": ("conversion_value", "text_message_spend"),
    "unsubscribe_rate": ("unsubscribe_uniques", "delivered"),
}
COUNTS: Mapping[str, Callable[[Message], int]] = {
    "bounced": lambda one: one.bounced if one.channel == "email" else 0,
    "bounced_or_failed": lambda one: one.bounced,
    "clicks": lambda one: one.clicks * 5 // 4,
    "clicks_unique": lambda one: one.clicks,
    "delivered": lambda one: one.delivered,
    "failed": lambda one: one.bounced if one.channel == "sms" else 0,
    "message_segment_count_sum": lambda one: one.recipients if one.channel == "sms" else 0,
    "opens": lambda one: one.opens * 3 // 2,
    "opens_unique": lambda one: one.opens,
    "recipients": lambda one: one.recipients,
    "spam_complaints": lambda one: one.spam_complaints,
    "text_message_credit_usage_amount": lambda one: one.recipients if one.channel == "sms" else 0,
    "unsubscribe_uniques": lambda one: one.unsubscribes,
    "unsubscribes": lambda one: one.unsubscribes,
}
STATISTICS = frozenset(
    (*COUNTS, *RATES, "conversions", "conversion_uniques", "conversion_value", "text_message_spend")
)


def statistics(message: Message, days_after: int, wanted: Iterable[str]) -> dict[str, float]:
    """What a report says of a message some days after it was sent; all of Klaviyo's numbers are floats."""
    share = settled_share(days_after)
    orders = float(_rounded(message.conversions * share))
    figures: dict[str, float] = {name: float(count(message)) for name, count in COUNTS.items()}
    figures |= {
        "conversions": orders,
        "conversion_uniques": orders,
        "conversion_value": float(_rounded(message.conversion_value * share).scaleb(-2)),
        "text_message_spend": message.cost / 100,
    }
    for name, (part, whole) in RATES.items():
        figures[name] = figures[part] / figures[whole] if figures[whole] else 0.0
    return {name: figures[name] for name in wanted}


def local_time(text: str) -> datetime:
    """A bound of a timeframe: what it says of its zone is ignored. Raises ValueError."""
    return datetime.fromisoformat(text).replace(tzinfo=None)


def written(at: datetime) -> str:
    return at.isoformat(timespec="seconds")


def _rounded(amount: Decimal) -> Decimal:
    return amount.quantize(Decimal(1), ROUND_HALF_UP)
