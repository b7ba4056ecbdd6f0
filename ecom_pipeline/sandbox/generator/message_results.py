"""What finally came of each message: the orders it brought, and those who did not want another one."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from decimal import ROUND_HALF_UP, Decimal
from random import Random

from ecom_pipeline.sandbox.events import Consent, Message, Order

_LETTER_TAG = "lettre-mensuelle"  # the utm_campaign of the letters' links
_LETTER_COUNTS, _SMS_COUNTS = timedelta(days=5), timedelta(hours=24)
_SMS_SHARE = 0.3  # of the orders that came directly and by telephone meanwhile
_LEAVES_BECAUSE = timedelta(days=1)


def settle(
    messages: Sequence[Message], consents: Iterable[Consent], orders: Iterable[Order], rng: Random
) -> list[Message]:
    """The messages with their results. An order counts for the last message before it, if recent enough."""
    leavings: defaultdict[str, list[datetime]] = defaultdict(list)
    for consent in consents:
        if not consent.given:
            leavings[consent.channel].append(consent.at)
    brought = _brought(messages, orders, rng)
    first = {message.campaign_id: message for message in reversed(messages)}  # of a letter's versions
    return [
        _settled(
            message,
            leavings[message.channel] if message is first[message.campaign_id] else [],
            brought[message.message_id],
        )
        for message in messages
    ]


def _settled(message: Message, leavings: list[datetime], orders: list[Order]) -> Message:
    return replace(
        message,
        unsubscribes=bisect_left(leavings, message.sent_at + _LEAVES_BECAUSE)
        - bisect_left(leavings, message.sent_at),
        clicks=max(message.clicks, len(orders)),
        opens=max(message.opens, len(orders)) if message.channel == "email" else 0,
        conversions=len(orders),
        conversion_value=sum(_value(order) for order in orders),
    )


def _brought(
    messages: Sequence[Message], orders: Iterable[Order], rng: Random
) -> defaultdict[str, list[Order]]:
    letters = [one for one in messages if one.channel == "email"]
    texts = [one for one in messages if one.channel == "sms"]
    brought: defaultdict[str, list[Order]] = defaultdict(list)
    for order in orders:
        cause = None
        if order.visit.campaign == _LETTER_TAG:
            cause = _last_before(letters, order, _LETTER_COUNTS)
        elif order.device == "mobile" and order.visit.medium is None and rng.random() < _SMS_SHARE:
            cause = _last_before(texts, order, _SMS_COUNTS)
        if cause is not None:
            brought[cause.message_id].append(order)
    return brought


def _last_before(messages: list[Message], order: Order, counts: timedelta) -> Message | None:
    """The message an order came from; of a letter's two versions, either."""
    at = bisect_right(messages, order.created_at, key=lambda one: one.sent_at) - 1
    if at < 0 or order.created_at - messages[at].sent_at >= counts:
        return None
    versions = [one for one in messages[max(at - 1, 0) : at + 1] if one.sent_at == messages[at].sent_at]
    return versions[order.order_id // 7 % len(versions)]


def _value(order: Order) -> int:
    """Euro cents of what was ordered, tax and shipping included."""
    paid = sum(line.paid for line in order.agreements[0].lines)
    return int((paid * order.shop_rate).quantize(Decimal(1), ROUND_HALF_UP))
