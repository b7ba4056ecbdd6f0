"""Messages go to those who consented by then, and what they bring are orders that came from them."""

from __future__ import annotations

from collections import Counter, defaultdict
from datetime import datetime, timedelta
from decimal import ROUND_HALF_UP, Decimal
from itertools import pairwise

from ecom_pipeline.sandbox.events import Consent, Shop
from ecom_pipeline.sandbox.generator.clock import Clock

from .generated import end_of, sixty_weeks, twelve_days


def standing(consents: list[Consent], channel: str, at: datetime) -> int:
    """How many could be written to at an instant."""
    last = {one.person_id: one for one in consents if one.channel == channel and one.at < at}
    return sum(one.given and not one.bounced for one in last.values())


def test_a_message_goes_to_those_who_consented_by_then() -> None:
    shop = sixty_weeks()
    recipients: Counter[tuple[str, datetime]] = Counter()
    for message in shop.messages:
        recipients[message.channel, message.sent_at] += message.recipients
    assert {channel for channel, _ in recipients} == {"email", "sms", "push"}
    for (channel, at), people in recipients.items():
        assert people == standing(shop.consents, channel, at)


def test_a_message_adds_up() -> None:
    for message in sixty_weeks().messages:
        assert message.recipients == message.delivered + message.bounced > 0
        assert message.delivered >= message.clicks >= message.conversions
        assert (message.conversion_value > 0) == (message.conversions > 0)
        assert (message.cost > 0) == (message.channel == "sms")


def test_people_change_their_minds_once_a_day_at_most_and_one_step_at_a_time() -> None:
    shop = sixty_weeks()
    clock = Clock(shop.time_zone, shop.first_day, shop.last_day)
    said: defaultdict[tuple[str, str], list[Consent]] = defaultdict(list)
    for consent in shop.consents:
        assert consent.at < end_of(shop)
        said[consent.person_id, consent.channel].append(consent)
    for words in said.values():
        assert words[0].given and not words[0].bounced
        states = [one.given and not one.bounced for one in words]
        assert all(now is not then for then, now in pairwise(states))
        days = [clock.day_of(one.at) for one in words if not one.bounced]
        assert len(days) == len(set(days))
    kinds = Counter((one.channel, one.given, one.bounced) for one in shop.consents)
    assert len(kinds) == 7, "each medium given and withdrawn, and addresses that do not exist"
    assert 500 < kinds["email", True, False] < 10_000


def letters_orders(shop: Shop) -> list[tuple[datetime, int]]:
    """When orders that came by a letter's links were placed, and their value in euro cents."""
    return [
        (
            order.created_at,
            int(
                (sum(line.paid for line in order.agreements[0].lines) * order.shop_rate).quantize(
                    Decimal(1), ROUND_HALF_UP
                )
            ),
        )
        for order in shop.orders
        if order.visit.campaign == "lettre-mensuelle" and not order.test
    ]


def test_a_letter_brings_the_orders_of_the_five_days_after_it() -> None:
    shop = sixty_weeks()
    brought: Counter[datetime] = Counter()
    for message in shop.messages:
        if message.channel == "email":
            brought[message.sent_at] += message.conversion_value
    wanted = {
        at: sum(
            cents
            for ordered, cents in letters_orders(shop)
            if timedelta(0) <= ordered - at < timedelta(days=5)
        )
        for at in brought
    }
    assert brought == Counter(wanted) and sum(value > 0 for value in wanted.values()) > 50


def test_a_short_history_is_told_as_well() -> None:
    shop = twelve_days()
    assert {one.channel for one in shop.messages} == {"email", "push"}
    assert all(standing(shop.consents, one, end_of(shop)) > 0 for one in ("email", "sms", "push"))
