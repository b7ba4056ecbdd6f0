"""Ads on social networks, for a business that reads what their platforms report.

The orders that came by paid social bear the tag of one campaign each; a business without these platforms keeps
the single tag its orders were given, and draws nothing here.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, replace
from datetime import date
from random import Random

from ecom_pipeline.sandbox.events import AdDay, Order, Visit
from ecom_pipeline.sandbox.generator.advertising import campaign_day, orders_by_tag
from ecom_pipeline.sandbox.generator.channels import CHANNELS, AdPlatform, Campaign
from ecom_pipeline.sandbox.generator.clock import Clock
from ecom_pipeline.sandbox.generator.orders import Sales
from ecom_pipeline.sandbox.generator.website import expected_orders

_PAID_SOCIAL = next(channel for channel in CHANNELS if channel.name == "Paid Social")
_MEDIUM = "paid_social"


@dataclass(frozen=True)
class SocialCampaign:
    """A campaign, the network its visitors come from, its weight among those running, and its months."""

    campaign: Campaign
    network: str
    weight: float
    months: Collection[int] = range(1, 13)


def _of(
    platform: AdPlatform, campaign_id: int, name: str, tag: str, click_price: float, click_through: float
) -> Campaign:
    return Campaign(
        campaign_id, name, "SOCIAL", tag, _PAID_SOCIAL.conversion, click_price, click_through, 0.0, platform
    )


# Two platforms have a campaign of one name, as happens where one person names them all.
CAMPAIGNS = (
    SocialCampaign(
        _of("meta", 120_210_458_733_160_412, "Prospection maison", "prospection-maison", 34, 0.011),
        "facebook",
        0.45,
    ),
    SocialCampaign(
        _of("meta", 120_210_458_733_170_412, "Paniers oubliés", "relance-paniers", 41, 0.019),
        "instagram",
        0.20,
    ),
    SocialCampaign(
        _of("meta", 120_210_458_733_180_412, "Rentrée et fêtes", "temps-forts", 38, 0.014),
        "instagram",
        0.10,
        (9, 10, 12),
    ),
    SocialCampaign(
        _of("tiktok", 1_798_345_120_045_073, "Prospection maison", "tiktok-prospection", 22, 0.008),
        "tiktok",
        0.25,
    ),
    SocialCampaign(
        _of("tiktok", 1_798_345_120_046_097, "Soldes en vidéo", "tiktok-soldes", 27, 0.009),
        "tiktok",
        0.10,
        (1, 7, 10),
    ),
)


def tag_orders(rng: Random, clock: Clock, orders: list[Order], platforms: Collection[str]) -> None:
    """Give each order of paid social the tag of a campaign that ran on its day."""
    campaigns = _of_platforms(platforms)
    if not campaigns:
        return
    for at, order in enumerate(orders):
        if (order.visit.medium or "").lower() == _MEDIUM:
            running = _running(campaigns, clock.day_of(order.created_at))
            (chosen,) = rng.choices(running, [one.weight for one in running])
            if chosen.campaign.tag != (order.visit.campaign or "").lower():
                visit = Visit(source=chosen.network, medium=_MEDIUM, campaign=chosen.campaign.tag)
                orders[at] = replace(order, visit=visit)


def advertise_socially(rng: Random, clock: Clock, sales: Sales, platforms: Collection[str]) -> list[AdDay]:
    """What the networks' ad platforms report once everything has settled."""
    campaigns = _of_platforms(platforms)
    won = orders_by_tag(sales.orders, clock)
    rows = []
    for day, demand in sales.demand.items():
        running = _running(campaigns, day)
        weights = sum(one.weight for one in running)
        for one in running:
            orders = expected_orders(demand, _PAID_SOCIAL) * one.weight / weights
            rows.append(campaign_day(rng, day, one.campaign, orders, False, won[day, one.campaign.tag]))
    return rows


def _of_platforms(platforms: Collection[str]) -> list[SocialCampaign]:
    return [one for one in CAMPAIGNS if one.campaign.platform in platforms]


def _running(campaigns: list[SocialCampaign], day: date) -> list[SocialCampaign]:
    return [one for one in campaigns if day.month in one.months]
