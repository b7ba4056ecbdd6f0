"""Google's Search Console API (webmasters v3): one property, its organic results by Pacific day.

A day shows once it is final, three days of Google's own calendar later. Counts are floating numbers; the
position is a mean, at full length. An answer without rows has no list of them.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

from starlette.routing import BaseRoute

from ecom_pipeline.sandbox.endpoint import Answer, Call, FailureKind, Vendor, route
from ecom_pipeline.sandbox.events import SearchDay
from ecom_pipeline.sandbox.twins import Instance
from ecom_pipeline.sandbox.vendors.google_token import WEBMASTERS_SCOPE, google_error, google_failure, refused
from ecom_pipeline.sandbox.world import World

SITE = "https://www.maison-lumen.example/"
PACIFIC = ZoneInfo("America/Los_Angeles")
FINAL_AFTER = timedelta(days=3)
MOST_ROWS = 25_000
FIELDS = frozenset(("startDate", "endDate", "dimensions", "searchType", "dataState", "rowLimit", "startRow"))
ALPHA_3 = {
    "FR": "fra", "BE": "bel", "DE": "deu", "ES": "esp", "IT": "ita", "LU": "lux", "US": "usa", "GB": "gbr",
    "CH": "che",
}  # fmt: skip
DIMENSIONS: dict[str, Callable[[SearchDay], str]] = {
    "date": lambda one: one.day.isoformat(),
    "device": lambda one: one.device.upper(),
    "country": lambda one: ALPHA_3.get(one.country, "zzz"),
}


class Invalid(Exception):
    """A field that the API refuses; the message says which."""


def instances(world: World, url: str) -> list[Instance]:
    """The property, read with the service account that reads the analytics too."""
    settings = {"site_url": SITE, "base_url": f"{url}/google", "token_url": f"{url}/google-oauth/token"}
    secrets = {"service_account_json": world.google_service_account_json(url)}
    return [Instance("search", "search_console", settings, secrets)]


def routes(world: World) -> list[BaseRoute]:
    api, vendor = SearchConsole(world), Vendor("search_console", failure)
    sites = "/google/webmasters/v3/sites"
    return [
        route(world, vendor, f"{sites}/{{site:path}}/searchAnalytics/query", api.query, ("POST",)),
        route(world, vendor, f"{sites}/{{site:path}}", api.site),
    ]


class SearchConsole:
    """One property, as a restricted user sees it."""

    def __init__(self, world: World) -> None:
        self.world = world

    def site(self, call: Call) -> Answer:
        if answer := self.denied(call):
            return answer
        return Answer({"siteUrl": SITE, "permissionLevel": "siteRestrictedUser"})

    def query(self, call: Call) -> Answer:
        if answer := self.denied(call):
            return answer
        try:
            asked = call.json()
            rows = self.rows(asked)
            start, limit = int(asked.get("startRow", 0)), int(asked.get("rowLimit", 1_000))
            if not 1 <= limit <= MOST_ROWS or start < 0:
                raise Invalid("rowLimit must be between 1 and 25000.")
        except (Invalid, ValueError, KeyError, TypeError, AttributeError) as error:
            return older_error(400, "invalidParameter", str(error))
        body: dict[str, Any] = {"responseAggregationType": "byProperty"}
        if page := rows[start : start + limit]:
            body["rows"] = page
        series = f"{asked['startDate']}:{asked['endDate']}"
        return Answer(body, series=series, continues=start > 0)

    def rows(self, asked: dict[str, Any]) -> list[dict[str, Any]]:
        if unknown := asked.keys() - FIELDS:
            raise Invalid(f"Unknown name {sorted(unknown)[0]}.")
        first_day, last_day = (date.fromisoformat(asked[name]) for name in ("startDate", "endDate"))
        if last_day < first_day:
            raise Invalid("endDate must not be before startDate.")
        names = [DIMENSIONS[name] for name in asked.get("dimensions", [])]
        groups: defaultdict[tuple[str, ...], list[SearchDay]] = defaultdict(list)
        for one in self.world.shop.search:
            if first_day <= one.day <= min(last_day, self.newest_day(asked)) and one.impressions:
                groups[tuple(name(one) for name in names)].append(one)
        return [row(keys, days) for keys, days in sorted(groups.items())]

    def newest_day(self, asked: dict[str, Any]) -> date:
        """The last day shown: of final data it is older than of all."""
        today = pacific_day(self.world.now())
        final = str(asked.get("dataState", "final")).lower() == "final"
        return today - FINAL_AFTER if final else today - timedelta(days=1)

    def denied(self, call: Call) -> Answer | None:
        if answer := refused(self.world, call, WEBMASTERS_SCOPE):
            return answer
        if call.path_params["site"] != SITE or self.world.lacks("search_console", "read"):
            return older_error(403, "forbidden", "User does not have sufficient permission for site.")
        return None


def pacific_day(now: datetime) -> date:
    """Google's own day at an instant."""
    return now.astimezone(PACIFIC).date()


def row(keys: tuple[str, ...], days: list[SearchDay]) -> dict[str, Any]:
    clicks, impressions = sum(one.clicks for one in days), sum(one.impressions for one in days)
    position = sum((one.position_sum for one in days), Decimal(0)) / impressions
    found: dict[str, Any] = {"keys": list(keys)} if keys else {}
    counts = {"clicks": float(clicks), "impressions": float(impressions), "ctr": clicks / impressions}
    return found | counts | {"position": float(position)}


def older_error(status: int, reason: str, message: str) -> Answer:
    """The error body of Google's older APIs, which names its reason in a list."""
    answer = google_error(status, "PERMISSION_DENIED" if status == 403 else "INVALID_ARGUMENT", message)
    domain = "usageLimits" if reason.endswith("Exceeded") else "global"
    answer.body["error"]["errors"] = [{"message": message, "domain": domain, "reason": reason}]
    return answer


def failure(kind: FailureKind, status: int) -> Answer:
    if kind == "rate_limited":
        return older_error(403, "quotaExceeded", "Search Analytics load quota exceeded.")
    return google_failure(kind, status)
