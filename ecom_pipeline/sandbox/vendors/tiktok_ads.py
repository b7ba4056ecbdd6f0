"""TikTok's API for Business, v1.3: an advertiser and the basic report of its campaigns by day.

Every answer has status 200; its `code` tells what became of it. Figures are text. A report by day spans thirty
days at most, and leaves out campaigns that were deleted (here: have rested for a fortnight) unless asked.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import date, timedelta
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

from starlette.routing import BaseRoute

from ecom_pipeline.sandbox.endpoint import Answer, Call, FailureKind, Vendor, route
from ecom_pipeline.sandbox.events import AdDay, settled_share
from ecom_pipeline.sandbox.twins import Instance
from ecom_pipeline.sandbox.world import PERSONAL_CANARY, World, digest

ADVERTISER = "7098241567034581249"
DELETED_AFTER = timedelta(days=14)
LONGEST_DAYS = 30
MOST_ROWS = 1_000
PARAMS = frozenset({
    "advertiser_id", "report_type", "data_level", "dimensions", "metrics", "start_date", "end_date", "filtering",
    "page", "page_size",
})  # fmt: skip
DIMENSIONS = ["campaign_id", "stat_time_day"]
CENT = Decimal("0.01")
OK, INVALID, THROTTLED, NO_TOKEN, BAD_TOKEN, NO_PERMISSION, DOWN = (
    0,
    40_002,
    40_100,
    40_104,
    40_105,
    40_001,
    50_000,
)


class Invalid(Exception):
    """A parameter that the platform refuses; the message says which."""


def instances(world: World, url: str) -> list[Instance]:
    """The advertiser, when the business advertises there."""
    if "tiktok" not in world.shop.business.ad_platforms:
        return []
    settings = {"advertiser_id": ADVERTISER, "base_url": f"{url}/tiktok"}
    secrets = {"access_token": world.secrets["tiktok_access_token"]}
    return [Instance("tiktok", "tiktok_ads", settings, secrets)]


def routes(world: World) -> list[BaseRoute]:
    api, vendor = TikTokAds(world), Vendor("tiktok_ads", failure)
    return [
        route(world, vendor, "/tiktok/open_api/v1.3/report/integrated/get/", api.report),
        route(world, vendor, "/tiktok/open_api/v1.3/advertiser/info/", api.advertiser),
    ]


class TikTokAds:
    """One advertiser, as an app sees it that the advertiser authorised."""

    def __init__(self, world: World) -> None:
        self.world = world

    def advertiser(self, call: Call) -> Answer:
        if answer := self.denied(call):
            return answer
        query = dict(call.query)
        known = {
            "advertiser_id": ADVERTISER,
            "name": self.world.shop.name,
            "currency": self.world.shop.currency,
            "timezone": self.world.shop.time_zone,
            "contacter": PERSONAL_CANARY,
            "email": f"{PERSONAL_CANARY}@example.com",
            "telephone_number": PERSONAL_CANARY,
        }
        try:
            asked = json.loads(query["advertiser_ids"])
            fields = json.loads(query["fields"]) if "fields" in query else list(known)
        except (KeyError, ValueError):
            return told(INVALID, "advertiser_ids: Missing data for required field.")
        if unknown := set(fields) - known.keys():
            return told(INVALID, f"fields: {sorted(unknown)[0]} is not valid.")
        if asked != [ADVERTISER]:
            return told(NO_PERMISSION, "No permission to operate advertiser.")
        return told(OK, "OK", {"list": [{name: known[name] for name in fields}]})

    def report(self, call: Call) -> Answer:
        if answer := self.denied(call):
            return answer
        query = dict(call.query)
        if query.get("advertiser_id") != ADVERTISER or self.world.lacks("tiktok_ads", "reporting"):
            return told(NO_PERMISSION, "No permission to operate advertiser.")
        try:
            first_day, last_day, metrics = checked(query)
            page, size = int(query.get("page", "1")), int(query.get("page_size", "10"))
        except (Invalid, ValueError, KeyError, TypeError) as error:
            return told(INVALID, str(error))
        if page < 1 or not 1 <= size <= MOST_ROWS:
            return told(INVALID, "page_size: must be between 1 and 1000.")
        ads = self.ads(first_day, last_day, with_deleted="STATUS_ALL" in query.get("filtering", ""))
        rows = [self.row(ad, metrics) for ad in ads]
        place = {
            "page": page,
            "page_size": size,
            "total_number": len(rows),
            "total_page": -(-len(rows) // size),
        }
        data = {"list": rows[(page - 1) * size : page * size], "page_info": place}
        return told(OK, "OK", data, series=f"{first_day}:{last_day}", continues=page > 1)

    def ads(self, first_day: date, last_day: date, with_deleted: bool) -> list[AdDay]:
        today = self.world.now_local().date()
        mine = [
            ad
            for ad in self.world.shop.ads
            if ad.platform == "tiktok" and ad.day < today and (ad.impressions or ad.conversions)
        ]
        last = {ad.campaign_id: ad.day for ad in sorted(mine, key=lambda ad: ad.day)}
        shown = [
            ad
            for ad in mine
            if first_day <= ad.day <= last_day
            and (with_deleted or last[ad.campaign_id] >= today - DELETED_AFTER)
        ]
        return sorted(shown, key=lambda ad: (ad.day, ad.campaign_id))

    def row(self, ad: AdDay, metrics: list[str]) -> dict[str, dict[str, str]]:
        share = settled_share((self.world.now_local().date() - ad.day).days)
        dimensions = {"campaign_id": str(ad.campaign_id), "stat_time_day": f"{ad.day} 00:00:00"}
        return {"dimensions": dimensions, "metrics": {name: METRICS[name](ad, share) for name in metrics}}

    def denied(self, call: Call) -> Answer | None:
        token = call.headers.get("access-token")
        if not token:
            return told(NO_TOKEN, "Access token is empty.")
        if token != self.world.secrets["tiktok_access_token"]:
            return told(BAD_TOKEN, "Access token is incorrect or has been revoked.")
        return None


def _two_decimals(number: Decimal) -> str:
    return str(number.quantize(CENT, ROUND_HALF_UP))


METRICS: dict[str, Callable[[AdDay, Decimal], str]] = {
    "campaign_name": lambda ad, share: ad.campaign_name,
    "spend": lambda ad, share: _two_decimals(Decimal(ad.cost_micros) / 1_000_000),
    "impressions": lambda ad, share: str(ad.impressions),
    "clicks": lambda ad, share: str(ad.clicks),
    "reach": lambda ad, share: str(ad.impressions * 3 // 4),
    # Everything the campaign was optimised for; not only payments.
    "conversion": lambda ad, share: str(int(ad.conversions * share) * 2 + 1),
    "complete_payment": lambda ad, share: str((ad.conversions * share).quantize(Decimal(1), ROUND_HALF_UP)),
    "total_complete_payment_rate": lambda ad, share: _two_decimals(ad.conversion_value * share),
}


def checked(query: dict[str, str]) -> tuple[date, date, list[str]]:
    """First and last day and the metrics asked for. Raises Invalid for what the platform refuses."""
    if unknown := query.keys() - PARAMS:
        raise Invalid(f"{sorted(unknown)[0]}: Unknown field.")
    if (query["report_type"], query["data_level"]) != ("BASIC", "AUCTION_CAMPAIGN"):
        raise Invalid("data_level: does not match report_type.")
    if sorted(json.loads(query["dimensions"])) != DIMENSIONS:
        raise Invalid("dimensions: not supported.")
    metrics = json.loads(query["metrics"])
    if foreign := [name for name in metrics if name not in METRICS]:
        raise Invalid(f"metrics: {foreign[0]} is not valid.")
    for one in json.loads(query.get("filtering", "[]")):
        if (one["field_name"], one["filter_type"]) != ("campaign_status", "IN"):
            raise Invalid(f"filtering: {one['field_name']} is not valid.")
    first_day, last_day = (date.fromisoformat(query[name]) for name in ("start_date", "end_date"))
    if not first_day <= last_day < first_day + timedelta(days=LONGEST_DAYS):
        raise Invalid("The time span of stat_time_day cannot exceed 30 days.")
    return first_day, last_day, metrics


def told(
    code: int, message: str, data: dict[str, Any] | None = None, series: str = "", continues: bool = False
) -> Answer:
    """The envelope of every answer."""
    body = {"code": code, "message": message, "request_id": digest(0, code, message)[:32], "data": data or {}}
    return Answer(body, series=series, continues=continues)


def failure(kind: FailureKind, status: int) -> Answer:
    if kind == "rate_limited":
        return told(THROTTLED, "Requests made too frequently.")
    if kind == "expired_token":
        return told(BAD_TOKEN, "Access token is incorrect or has been revoked.")
    answer = told(DOWN, "System error.")
    return Answer(answer.body, status)
