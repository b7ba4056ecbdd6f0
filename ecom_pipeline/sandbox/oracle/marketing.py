"""Marketing: what advertising costs, shows and claims, and what it is worth after all costs."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, timedelta
from decimal import Decimal

from ecom_pipeline.sandbox.events import AdDay, Message, SearchDay, settled_share
from ecom_pipeline.sandbox.oracle.books import Books
from ecom_pipeline.sandbox.oracle.exchange import cents, round_half_up_to_cents
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


def _letters(books: Books) -> list[tuple[Message, date]]:
    """The e-mails sent, with their local day."""
    known = books.knowledge
    sent = (one for one in books.shop.messages if one.channel == "email" and known.happened(one.sent_at))
    return [(one, known.local_day(one.sent_at)) for one in sent]


def _attributed_to_letters(books: Books) -> list[Fact]:
    """What e-mails brought so far: as ads' conversions, orders are attributed to them for days after."""
    asked_day = books.knowledge.asked_day
    return [
        Fact(
            day,
            {"campaign": one.name},
            round_half_up_to_cents(cents(one.conversion_value) * settled_share((asked_day - day).days)),
        )
        for one, day in _letters(books)
    ]


def _letters_delivered(books: Books) -> list[Fact]:
    return [Fact(day, {"campaign": one.name}, Decimal(one.delivered)) for one, day in _letters(books)]


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
    "email_revenue_per_recipient": ratio(("campaign",), _attributed_to_letters, _letters_delivered),
}
