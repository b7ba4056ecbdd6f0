"""What the simulated shop's owner knows and no API tells: rent, wages, agency, parcels.

The sandbox configures the pipeline with these, the oracle computes with them, and the bank pays
them, so that profit and cash tell the same story.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import date

from ecom_pipeline.sandbox.events import (
    ONE_SHOP,
    Business,
    Influencer,
    LogisticsRate,
    MonthlyCost,
    ShopCosts,
)

_SINCE = date(2020, 1, 1)
_SOCIAL = "Social campaigns, invoiced"
_FIXED = (
    ("Wages", 4_500_000),
    ("Rent", 740_000),
    ("Software", 290_000),
    ("Accounting and insurance", 250_000),
)
_MARKETING = (
    ("Agency", 450_000, None),
    ("E-mail tool", 78_000, "Email"),
    ("Affiliate commissions", 240_000, "Affiliates"),
    (_SOCIAL, 390_000, "Paid Social"),
)
INFLUENCERS = (
    Influencer("Léa Décore", "LEA10", "lea-decore", 12_000, 6, _SINCE),
    Influencer("Chez Inès", "INES15", "chez-ines", 9_000, 4, date(2026, 10, 1)),
    Influencer("Studio Brume", "BRUME10", "studio-brume", 6_000, 5, _SINCE, date(2026, 2, 28)),
)
_LOGISTICS = (
    LogisticsRate("FR", 395, 120, 55, 420),
    LogisticsRate("BE", 560, 120, 55, 610),
    LogisticsRate("DE", 690, 120, 55, 760),
    LogisticsRate("ES", 720, 120, 55, 790),
    LogisticsRate("IT", 740, 120, 55, 810),
    LogisticsRate("CH", 1090, 140, 55, 1240),
    LogisticsRate("US", 1480, 160, 70, 1690),
    LogisticsRate("GB", 1120, 150, 70, 1260),
    LogisticsRate("*", 890, 130, 60, 980),
)


def shop_costs(orders_per_day: float, business: Business = ONE_SHOP) -> ShopCosts:
    """The costs of a shop of that size; monthly amounts in cents, parcels cost the same at any size.

    What an ad platform tells of itself is no cost that the owner has to tell.
    """
    scale = orders_per_day / 100
    told = {_SOCIAL} if "meta" in business.ad_platforms else set()
    return ShopCosts(
        fixed=tuple(MonthlyCost(name, round(amount * scale), _SINCE) for name, amount in _FIXED),
        marketing=tuple(
            MonthlyCost(name, round(amount * scale), _SINCE, channel=channel)
            for name, amount, channel in _MARKETING
            if name not in told
        ),
        logistics=_LOGISTICS,
        influencers=tuple(
            replace(one, monthly_fee=round(one.monthly_fee * scale))
            for one in INFLUENCERS
            if business.pays_influencers
        ),
    )


SHOP_COSTS = shop_costs(100.0)
