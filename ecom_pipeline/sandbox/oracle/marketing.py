"""Marketing: what advertising costs, shows and claims, and what it is worth after all costs."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from decimal import Decimal

from ecom_pipeline.sandbox.events import AdDay, SearchDay, settled_share
from ecom_pipeline.sandbox.oracle.books import Books
from ecom_pipeline.sandbox.oracle.exchange import round_half_up_to_cents
from ecom_pipeline.sandbox.oracle.figures import Fact, FactsOf, Kpi, flow, minus, ratio
from ecom_pipeline.sandbox.oracle.spending import ad_segments

BY_CAMPAIGN = ("channel", "campaign")
BY_SEARCHER = ("device", "country")
SEARCH_FINAL = timedelta(days=3)


def _ads(measure: Callable[[AdDay], int]) -> FactsOf:
    def facts(books: Books) -> list[Fact]:
        return [Fact(ad.day, ad_segments(ad), Decimal(measure(ad))) for ad in books.ads]

    return facts


def _search_ads(measure: Callable[[AdDay], int]) -> FactsOf:
    def facts(books: Books) -> list[Fact]:
        ads = (ad for ad in books.ads if ad.channel_type == "SEARCH")
        return [Fact(ad.day, ad_segments(ad), Decimal(measure(ad))) for ad in ads]

    return facts


def _conversion_value(books: Books) -> list[Fact]:
    """The value attributed so far: conversions arrive late, so it depends on when the platform is asked.

    For each campaign and day it is the final value times the share settled after as many days as lie
    between that day and the local day of asking, rounded half up to cents.
    """
    asked_day = books.knowledge.asked_day
    return [
        Fact(
            ad.day,
            ad_segments(ad),
            round_half_up_to_cents(ad.conversion_value * settled_share((asked_day - ad.day).days)),
        )
        for ad in books.ads
    ]


def _search(measure: Callable[[SearchDay], Decimal]) -> FactsOf:
    """What the search engine has finished: it takes three days."""

    def facts(books: Books) -> list[Fact]:
        return [
            Fact(one.day, {"device": one.device, "country": one.country}, measure(one))
            for one in books.shop.search
            if one.day + SEARCH_FINAL <= books.as_of_day
        ]

    return facts


KPIS: dict[str, Kpi] = {
    "ad_spend": flow(BY_CAMPAIGN, lambda books: books.ad_spend),
    "ppc_clicks": flow(BY_CAMPAIGN, _ads(lambda ad: ad.clicks)),
    "cost_per_click": ratio(BY_CAMPAIGN, lambda books: books.ad_spend, _ads(lambda ad: ad.clicks)),
    "ad_click_through_rate": ratio(BY_CAMPAIGN, _ads(lambda ad: ad.clicks), _ads(lambda ad: ad.impressions)),
    "average_position": ratio(
        BY_SEARCHER, _search(lambda one: one.position_sum), _search(lambda one: Decimal(one.impressions))
    ),
    "top_impression_share": ratio(
        ("campaign",), _search_ads(lambda ad: ad.top_impressions), _search_ads(lambda ad: ad.impressions)
    ),
    "roas": ratio(BY_CAMPAIGN, _conversion_value, lambda books: books.ad_spend),
    "marketing_efficiency_ratio": ratio((), lambda books: books.net, lambda books: books.marketing_cost),
    "marketing_roi": ratio(
        ("channel",),
        lambda books: books.contribution_before_marketing + minus(books.marketing_cost),
        lambda books: books.marketing_cost,
    ),
}
