"""Reviews of the shop and its articles, and answers to the recommendation survey."""

from __future__ import annotations

from datetime import datetime, timedelta
from random import Random

from ecom_pipeline.sandbox.events import Order, Product, Review, Shop, SurveyAnswer
from ecom_pipeline.sandbox.generator.clock import Clock
from ecom_pipeline.sandbox.generator.streams import stream

_REVIEWED, _ANSWERED = 0.18, 0.08
_OF_THE_SHOP = 0.4
_CONTENT, _DISAPPOINTED = (1, 1, 3, 14, 31), (9, 7, 6, 4, 2)  # weights of one to five stars
_LATE = timedelta(days=7)


def tell(shop: Shop, clock: Clock) -> None:
    """Add the facts to the shop."""
    rng = stream(shop.seed, "stars")
    woo = {front.key for front in shop.business.storefronts if front.platform == "woocommerce"}
    for order in shop.orders:
        delivered = [one.delivered_at for one in order.fulfillments if one.delivered_at is not None]
        if order.test or not delivered:
            continue
        unhappy = max(delivered) - order.created_at > _LATE or any(
            one.kind == "refund" for one in order.agreements
        )
        if rng.random() < _REVIEWED:
            number = len(shop.reviews) + 1
            review = _review(
                rng, clock, order, max(delivered), number, unhappy, in_shop=order.storefront in woo
            )
            shop.reviews += [review] if review is not None else []
        if rng.random() < _ANSWERED:
            answer = _answer(rng, clock, order, max(delivered), len(shop.survey_answers) + 1, unhappy)
            shop.survey_answers += [answer] if answer is not None else []


def _review(
    rng: Random,
    clock: Clock,
    order: Order,
    delivered_at: datetime,
    number: int,
    unhappy: bool,
    *,
    in_shop: bool,
) -> Review | None:
    product = _product(rng, order)
    of_shop = rng.random() < _OF_THE_SHOP and not in_shop
    created_at = _some_days_after(rng, delivered_at, 2, 20)
    stars = rng.choices((1, 2, 3, 4, 5), _DISAPPOINTED if unhappy else _CONTENT)[0]
    removed_at = _some_days_after(rng, created_at, 1, 25) if rng.random() < 0.03 else None
    if created_at >= clock.end or product is None:
        return None
    return Review(
        review_id=88_000_000 + 7 * number,
        platform="woocommerce" if in_shop else "trustpilot" if of_shop else "judgeme",
        created_at=created_at,
        updated_at=created_at,
        stars=stars,
        product=None if of_shop else product,
        order_id=order.order_id,
        verified=rng.random() < 0.9,
        removed_at=removed_at if removed_at is not None and removed_at < clock.end else None,
    )


def _answer(
    rng: Random, clock: Clock, order: Order, delivered_at: datetime, number: int, unhappy: bool
) -> SurveyAnswer | None:
    at = _some_days_after(rng, delivered_at, 1, 12)
    score = min(10, max(0, round(rng.gauss(5.0 if unhappy else 8.6, 1.9))))
    if at >= clock.end:
        return None
    return SurveyAnswer(f"{number:08x}{rng.getrandbits(64):016x}", at, score, order.order_id, "Merci")


def _product(rng: Random, order: Order) -> Product | None:
    products = [line.product for line in order.agreements[0].lines if line.kind == "product" and line.product]
    return rng.choice(products) if products else None


def _some_days_after(rng: Random, since: datetime, low: float, high: float) -> datetime:
    return (since + timedelta(days=rng.uniform(low, high))).replace(microsecond=0)
