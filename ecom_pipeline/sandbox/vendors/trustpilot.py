"""Trustpilot's business API: signing in, and the private list of a business unit's reviews."""

from __future__ import annotations

import base64
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

from starlette.routing import BaseRoute

from ecom_pipeline.sandbox.endpoint import Answer, Call, FailureKind, Vendor, route
from ecom_pipeline.sandbox.events import Review
from ecom_pipeline.sandbox.twins import Instance
from ecom_pipeline.sandbox.world import PERSONAL_CANARY, SECRET_CANARY, World, digest

UNIT = "5f3c1e9d0b2a4c0001d7e6f8"
MOST_A_PAGE = 100
LIFETIME = timedelta(hours=100)
TOKEN = "/trustpilot/v1/oauth/oauth-business-users-for-applications/accesstoken"


def instances(world: World, url: str) -> list[Instance]:
    """The business's page."""
    secrets = {name: world.secrets[f"trustpilot_{name}"] for name in ("api_key", "api_secret")}
    return [
        Instance("trust", "trustpilot", {"business_unit_id": UNIT, "base_url": f"{url}/trustpilot"}, secrets)
    ]


def routes(world: World) -> list[BaseRoute]:
    """Trustpilot's addresses in the sandbox."""
    api, vendor = Trustpilot(world), Vendor("trustpilot", failure)
    path = "/trustpilot/v1/private/business-units/{unit}/reviews"
    return [
        route(world, vendor, TOKEN, api.token, ("POST",)),
        route(world, vendor, path, api.guarded(api.reviews)),
    ]


class Trustpilot:
    """One business unit."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.tokens: dict[str, datetime] = {}

    def token(self, call: Call) -> Answer:
        secrets = self.world.secrets
        pair = f"{secrets['trustpilot_api_key']}:{secrets['trustpilot_api_secret']}"
        if call.headers.get("authorization") != f"Basic {base64.b64encode(pair.encode()).decode()}":
            return failure("expired_token", 401)
        if call.form() != {"grant_type": "client_credentials"}:
            return Answer({"reason": "unsupported grant"}, 400)
        token = f"{SECRET_CANARY}-{digest(self.world.shop.seed, 'trustpilot', len(self.tokens))[:32]}"
        self.tokens[token] = self.world.now() + LIFETIME
        return Answer({"access_token": token, "expires_in": str(int(LIFETIME.total_seconds()))})

    def guarded(self, handler: Callable[[Call], Answer]) -> Callable[[Call], Answer]:
        def answer(call: Call) -> Answer:
            until = self.tokens.get(call.headers.get("authorization", "").removeprefix("Bearer "))
            if until is None or until <= self.world.now():
                return failure("expired_token", 401)
            if call.path_params["unit"] != UNIT:
                return Answer({"message": "business unit not found"}, 404)
            if self.world.throttled("trustpilot"):
                return failure("rate_limited", 429)
            return handler(call)

        return answer

    def reviews(self, call: Call) -> Answer:
        asked, now = dict(call.query), self.world.now()
        if set(asked) - {"perPage", "page", "startDateTime", "endDateTime", "orderBy"}:
            return Answer({"message": "unknown parameter"}, 400)
        size, number = min(int(asked.get("perPage", "20")), MOST_A_PAGE), int(asked.get("page", "1"))
        start, end = (bound(asked, name, now) for name in ("startDateTime", "endDateTime"))
        found = sorted(
            (
                one
                for one in self.world.shop.reviews
                if one.platform == "trustpilot"
                and start <= one.created_at <= end
                and one.created_at <= now
                and not (one.removed_at is not None and one.removed_at <= now)
            ),
            key=lambda one: (one.created_at, one.review_id),
        )
        page = [review_json(one) for one in found[(number - 1) * size : number * size]]
        more = number * size < len(found)
        links = (
            [{"rel": "next-page", "method": "GET", "href": f"{call.url}?page={number + 1}"}] if more else []
        )
        return Answer({"reviews": page, "links": links}, series="reviews", continues=number > 1)


def bound(asked: dict[str, str], name: str, now: datetime) -> datetime:
    """An instant of the query; without one, as far back or forth as there is."""
    if name not in asked:
        return datetime(2000, 1, 1, tzinfo=UTC) if name == "startDateTime" else now
    return datetime.fromisoformat(asked[name]).replace(tzinfo=UTC)


def review_json(review: Review) -> dict[str, Any]:
    """A review with the words and people clients must not keep."""
    return {
        "id": f"{review.review_id:024x}",
        "stars": review.stars,
        "title": PERSONAL_CANARY,
        "text": f"{PERSONAL_CANARY} fine",
        "createdAt": f"{review.created_at:%Y-%m-%dT%H:%M:%S.000}Z",
        "updatedAt": None,
        "referenceId": str(review.order_id),
        "isVerified": review.verified,
        "status": "active",
        "consumer": {"displayName": PERSONAL_CANARY, "email": PERSONAL_CANARY},
    }


def failure(kind: FailureKind, status: int) -> Answer:
    """Failures in Trustpilot's words."""
    if kind == "rate_limited":
        return Answer({"message": "Too many requests"}, 429, {"Retry-After": "30"})
    if kind == "expired_token":
        return Answer({"fault": {"faultstring": "Invalid access token"}}, 401)
    return Answer({"message": "Internal error"}, status)
