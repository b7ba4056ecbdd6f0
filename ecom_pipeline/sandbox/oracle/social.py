"""Social media: what accounts showed and what people did; and what influencers bring and cost."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, timedelta
from decimal import Decimal

from ecom_pipeline.sandbox.events import SocialDay
from ecom_pipeline.sandbox.oracle.books import Books
from ecom_pipeline.sandbox.oracle.figures import (
    Fact,
    FactsOf,
    Figures,
    Kpi,
    as_of_each_day,
    cuts,
    flow,
    ratio,
)

BY_NETWORK = ("network",)
BY_INFLUENCER = ("influencer",)
SETTLED = timedelta(days=2)
REACTIONS = ("likes", "comments", "shares", "saves")


def _settled(books: Books) -> list[SocialDay]:
    """The days whose figures the networks no longer change."""
    return [one for one in books.shop.social if one.day + SETTLED <= books.as_of_day]


def _told(measure: Callable[[SocialDay], int], *needed: str) -> FactsOf:
    """A measure of the days of which the network tells all that is needed."""

    def facts(books: Books) -> list[Fact]:
        return [
            Fact(one.day, {"network": one.network}, Decimal(measure(one)))
            for one in _settled(books)
            if not set(needed) & set(one.untold)
        ]

    return facts


def _reach(books: Books, day: date) -> dict[tuple[str, str], tuple[Decimal, Decimal | None]]:
    """Networks count distinct accounts themselves; what two of them count is added."""
    sums: dict[tuple[str, str], tuple[Decimal, Decimal | None]] = {}
    for one in _settled(books):
        if one.day == day and "reach_28_days" not in one.untold:
            for cut in cuts({"network": one.network}, BY_NETWORK):
                sums[cut] = (sums.get(cut, (Decimal(0), None))[0] + one.reach_28_days, None)
    return sums


def _followers(books: Books) -> Figures:
    return {
        (one.day, *cut): (Decimal(one.followers), None)
        for one in books.shop.social
        if one.day in books.snapshot_days
        for cut in cuts({"network": one.network}, BY_NETWORK)
    }


KPIS: dict[str, Kpi] = {
    "social_reach": as_of_each_day("window", _reach),
    "social_impressions": flow(BY_NETWORK, _told(lambda one: one.views, "views")),
    "social_engagement_rate": ratio(
        BY_NETWORK,
        _told(lambda one: sum(getattr(one, name) for name in REACTIONS), "reach", *REACTIONS),
        _told(lambda one: one.reach, "reach", *REACTIONS),
    ),
    "social_click_through_rate": ratio(
        BY_NETWORK,
        _told(lambda one: one.link_clicks, "views", "link_clicks"),
        _told(lambda one: one.views, "views", "link_clicks"),
    ),
    "social_followers": Kpi("snapshot", _followers),
    "influencer_sales": flow(BY_INFLUENCER, lambda books: books.influencer_sales),
    "influencer_cost": flow(BY_INFLUENCER, lambda books: books.influencer_cost),
}
