"""Orders that influencers bring, for a business that pays some.

Who came by a partner's link may have come by an influencer's; who has a code off the price, by hers. Codes are
typed as people type them, and a code works before and after its influencer is paid for it.
"""

from __future__ import annotations

from dataclasses import replace
from random import Random

from ecom_pipeline.sandbox.costs import INFLUENCERS
from ecom_pipeline.sandbox.events import Influencer, Order, Visit

_BY_LINK, _BY_CODE = 0.6, 0.3
_PERCENT = {"BIENVENUE10": "10", "LUMEN15": "15"}  # what a code takes off; an influencer's takes off the same


def praise(rng: Random, orders: list[Order]) -> None:
    """Give some orders an influencer's code, link or, seldom, a code of one and the link of another."""
    orders[:] = [_praised(rng, order) for order in orders]


def _praised(rng: Random, order: Order) -> Order:
    came_by_partner = order.visit.medium == "affiliate"
    visit, code = order.visit, order.discount_code
    if came_by_partner and rng.random() < _BY_LINK:
        visit = _link(rng, rng.choice(INFLUENCERS))
    alike = [one for one in INFLUENCERS if one.code[-2:] == _PERCENT.get(code or "")]
    if alike and (came_by_partner or rng.random() < _BY_CODE):
        code = _typed(rng, rng.choice(alike).code)
    return replace(order, visit=visit, discount_code=code)


def _typed(rng: Random, code: str) -> str:
    return code if rng.random() < 0.8 else code.lower()


def _link(rng: Random, one: Influencer) -> Visit:
    tag = one.utm_campaign if rng.random() < 0.8 else one.utm_campaign.title()
    return Visit(source=one.utm_campaign, medium="affiliate", campaign=tag)
