"""Judge.me's API, version 1: the list of product reviews, newest first, by page number. Its token goes in the query."""

from __future__ import annotations

from typing import Any

from starlette.routing import BaseRoute

from ecom_pipeline.sandbox.endpoint import Answer, Call, FailureKind, Vendor, route
from ecom_pipeline.sandbox.events import Review
from ecom_pipeline.sandbox.twins import Instance
from ecom_pipeline.sandbox.world import PERSONAL_CANARY, World

MOST_A_PAGE = 100
HIDDEN_EVERY = 29  # now and then the shop hides one


def instances(world: World, url: str) -> list[Instance]:
    """The widget of the main shop."""
    settings = {"shop_domain": world.shop.domain, "base_url": f"{url}/judgeme"}
    return [Instance("reviews", "judgeme", settings, {"api_token": world.secrets["judgeme_api_token"]})]


def routes(world: World) -> list[BaseRoute]:
    """Judge.me's addresses in the sandbox."""
    return [route(world, Vendor("judgeme", failure), "/judgeme/api/v1/reviews", JudgeMe(world).reviews)]


class JudgeMe:
    """One shop's account."""

    def __init__(self, world: World) -> None:
        self.world = world

    def reviews(self, call: Call) -> Answer:
        asked, now = dict(call.query), self.world.now()
        if (
            asked.get("api_token") != self.world.secrets["judgeme_api_token"]
            or asked.get("shop_domain") != self.world.shop.domain
        ):
            return failure("expired_token", 401)
        if set(asked) - {"api_token", "shop_domain", "page", "per_page"}:
            return Answer({"error": "unknown parameter"}, 422)
        if self.world.throttled("judgeme"):
            return failure("rate_limited", 429)
        size, number = min(int(asked.get("per_page", "10")), MOST_A_PAGE), int(asked.get("page", "1"))
        found = sorted(
            (
                one
                for one in self.world.shop.reviews
                if one.platform == "judgeme"
                and one.created_at <= now
                and not (one.removed_at is not None and one.removed_at <= now)
            ),
            key=lambda one: (one.created_at, one.review_id),
            reverse=True,
        )
        page = [review_json(one) for one in found[(number - 1) * size : number * size]]
        body = {"current_page": number, "per_page": size, "reviews": page}
        return Answer(body, series="reviews", continues=number > 1)


def is_hidden(review: Review) -> bool:
    """Whether the shop does not show the review."""
    return review.review_id % HIDDEN_EVERY == 0


def review_json(review: Review) -> dict[str, Any]:
    """A review with the words and people clients must not keep."""
    assert review.product is not None
    return {
        "id": review.review_id,
        "title": PERSONAL_CANARY,
        "body": f"{PERSONAL_CANARY} lovely",
        "rating": review.stars,
        "product_external_id": review.product.product_id,
        "product_title": review.product.title,
        "reviewer": {"name": PERSONAL_CANARY, "email": PERSONAL_CANARY},
        "published": True,
        "hidden": is_hidden(review),
        "verified": "verified_purchase" if review.verified else "nothing",
        "created_at": f"{review.created_at:%Y-%m-%dT%H:%M:%S}+00:00",
        "updated_at": f"{review.updated_at:%Y-%m-%dT%H:%M:%S}+00:00",
    }


def failure(kind: FailureKind, status: int) -> Answer:
    """Failures in Judge.me's words."""
    words = {"rate_limited": "Rate limit exceeded", "expired_token": "unauthorized"}
    code = {"rate_limited": 429, "expired_token": 401}
    return Answer({"error": words.get(kind, "Something went wrong")}, code.get(kind, status))
