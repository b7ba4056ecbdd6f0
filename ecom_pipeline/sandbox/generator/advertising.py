"""Google Ads, one row per campaign and day: clicks follow demand, conversions follow the orders."""

from __future__ import annotations

from collections import defaultdict
from datetime import date
from decimal import Decimal
from random import Random

from ecom_pipeline.sandbox.events import AdDay, Order
from ecom_pipeline.sandbox.generator.channels import CAMPAIGNS, CHANNELS, Campaign, Channel
from ecom_pipeline.sandbox.generator.clock import Clock
from ecom_pipeline.sandbox.generator.incidents import CLICK_PRICE_RISE, Troubles
from ecom_pipeline.sandbox.generator.orders import Sales
from ecom_pipeline.sandbox.generator.storefronts import DOLLARS_PER_EURO
from ecom_pipeline.sandbox.generator.streams import draw_count
from ecom_pipeline.sandbox.generator.website import expected_orders

_CLICKS_PER_SESSION = 1.05
_CHANNEL_BY_TAG: dict[str, Channel] = {
    campaign.tag: channel
    for campaign in CAMPAIGNS
    for channel in CHANNELS
    if channel.share_of_tag(campaign.tag) > 0
}


def advertise(rng: Random, clock: Clock, sales: Sales, troubles: Troubles) -> list[AdDay]:
    """What Google Ads reports once everything has settled."""
    won = orders_by_tag(sales.orders, clock)
    rows = []
    for day, demand in sales.demand.items():
        for campaign in CAMPAIGNS:
            channel = _CHANNEL_BY_TAG[campaign.tag]
            orders = expected_orders(demand, channel) * channel.share_of_tag(campaign.tag)
            dear = campaign.kind == "SEARCH" and troubles.clicks_dear(day)
            rows.append(campaign_day(rng, day, campaign, orders, dear, won[day, campaign.tag]))
    return rows


def orders_by_tag(orders: list[Order], clock: Clock) -> defaultdict[tuple[date, str], list[Decimal]]:
    """Cents of value of each order that bears a campaign's tag, by day and tag in small letters."""
    won: defaultdict[tuple[date, str], list[Decimal]] = defaultdict(list)
    for order in orders:
        if order.visit.campaign is None or order.test:
            continue
        value = sum(line.gross - line.discount for line in order.agreements[0].lines)
        won[clock.day_of(order.created_at), order.visit.campaign.lower()].append(value * _euro_rate(order))
    return won


def _euro_rate(order: Order) -> Decimal:
    """Euros for one unit of the order's currency; a shop abroad sets its own prices by a fixed rate."""
    abroad = order.currency != "EUR" and order.shop_rate == 1
    return 1 / DOLLARS_PER_EURO if abroad else order.shop_rate


def campaign_day(
    rng: Random, day: date, campaign: Campaign, orders: float, dear: bool, won: list[Decimal]
) -> AdDay:
    """One campaign's day: `orders` is what it is expected to bring, `won` the cents it did bring."""
    clicks = draw_count(rng, _CLICKS_PER_SESSION * orders / campaign.conversion)
    impressions = max(clicks, round(clicks / (campaign.click_through * rng.uniform(0.92, 1.08))))
    price = campaign.click_price * (CLICK_PRICE_RISE if dear else 1.0) * rng.uniform(0.95, 1.05)
    # The platform claims somewhat more than the shop's last click: it counts views, too.
    claim = Decimal(rng.randint(102, 116)) / 100
    top = round(impressions * campaign.top_share * rng.uniform(0.96, 1.04))
    top = min(top, impressions)
    return AdDay(
        day=day,
        campaign_id=campaign.campaign_id,
        campaign_name=campaign.name,
        channel_type=campaign.kind,
        impressions=impressions,
        clicks=clicks,
        cost_micros=round(clicks * price) * 10_000,
        conversions=len(won) * claim,
        conversion_value=(sum(won) * claim / 100).quantize(Decimal("0.01")),
        top_impressions=top,
        absolute_top_impressions=round(top * 0.62),
        platform=campaign.platform,
    )
