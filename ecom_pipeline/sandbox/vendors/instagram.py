"""Instagram's insights in Meta's Graph API, v25.0: one professional account.

A measure that is not known comes as an empty set, not as 0: one of a day that ended less than a day ago, or one
the network lost. Until two days after its end a day's figures are provisional. Totals are those of the time
between `since` and `until`; a series bears the end of each of Meta's own days, which are Pacific ones. Only reach
has a series. The numbers of followers have no past.
"""

from __future__ import annotations

import json
from datetime import UTC, datetime, time, timedelta
from typing import Any
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

from starlette.routing import BaseRoute

from ecom_pipeline.sandbox.endpoint import Answer, Call, FailureKind, Vendor, route
from ecom_pipeline.sandbox.events import SocialDay
from ecom_pipeline.sandbox.twins import Instance
from ecom_pipeline.sandbox.vendors import meta_ads
from ecom_pipeline.sandbox.vendors.meta_ads import VERSION, meta_error
from ecom_pipeline.sandbox.world import PERSONAL_CANARY, World, digest

USER = "17841405822304914"
PACIFIC = ZoneInfo("America/Los_Angeles")
PROVISIONAL, FINAL = timedelta(hours=24), timedelta(hours=48)  # after a day's end
LONGEST = timedelta(days=30)
METRICS = {
    "reach": "reach", "views": "views", "likes": "likes", "comments": "comments", "saved": "saves",
    "shares": "shares", "link_clicks": "link_clicks",
}  # fmt: skip
PARAMS = frozenset(("metric", "period", "metric_type", "since", "until"))
INSIGHTS_RIGHT = "instagram_manage_insights"


class Invalid(Exception):
    """A parameter that the platform does not accept; the message says why."""


def instances(world: World, url: str) -> list[Instance]:
    """The shop's account."""
    settings = {"ig_user_id": USER, "base_url": f"{url}/instagram"}
    return [Instance("instagram", "instagram", settings, {"access_token": world.secrets["instagram_token"]})]


def routes(world: World) -> list[BaseRoute]:
    api, vendor = Instagram(world), Vendor("instagram", failure)
    user = f"/instagram/{VERSION}/{{user}}"
    return [
        route(world, vendor, f"{user}/insights", api.insights),
        route(world, vendor, user, api.profile),
    ]


class Instagram:
    """One account, as a token that may read its insights sees it."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.zone = ZoneInfo(world.shop.time_zone)

    def profile(self, call: Call) -> Answer:
        if answer := self.denied(call):
            return answer
        over = [one for one in self.world.shop.social if self.ends_at(one) <= self.world.now()]
        known = {
            "id": USER,
            "username": "maison.lumen",
            "name": f"{PERSONAL_CANARY} Maison Lumen",
            "biography": f"{PERSONAL_CANARY} par Jeanne Martin",
            "followers_count": over[-1].followers if over else 0,
            "follows_count": 112,
            "media_count": 640,
        }
        fields = [name for name in dict(call.query).get("fields", "").split(",") if name]
        if unknown := [name for name in fields if name not in known]:
            return meta_error(400, 100, f"(#100) Tried accessing nonexisting field ({unknown[0]})")
        return Answer({name: known[name] for name in dict.fromkeys(("id", *fields))})

    def insights(self, call: Call) -> Answer:
        if answer := self.denied(call) or self.without(INSIGHTS_RIGHT):
            return answer
        query = dict(call.query)
        try:
            return Answer(self.told(call, query), headers=self.usage())
        except (Invalid, ValueError, KeyError, OverflowError) as error:
            return meta_error(400, 100, f"(#100) {error}")

    def told(self, call: Call, query: dict[str, str]) -> dict[str, Any]:
        if unknown := query.keys() - PARAMS:
            raise Invalid(f"Unexpected parameter {sorted(unknown)[0]}")
        names, period, kind = query["metric"].split(","), query["period"], query["metric_type"]
        since, until = (datetime.fromtimestamp(int(query[name]), UTC) for name in ("since", "until"))
        if not timedelta(0) < until - since <= LONGEST:
            raise Invalid("There cannot be more than 30 days (2592000 s) between since and until")
        if unknown_metrics := [name for name in names if name not in METRICS]:
            raise Invalid(f"metric[0] must be one of the following values: {', '.join(METRICS)}; "
                          f"not {unknown_metrics[0]}")  # fmt: skip
        series = kind == "time_series"
        if kind not in ("total_value", "time_series") or (series and names != ["reach"]):
            raise Invalid(f"incompatible metric type ({kind}) with the metrics ({','.join(names)})")
        if period not in ("day", "days_28") or (period == "days_28" and not series):
            raise Invalid(f"period {period} cannot be used with these metrics")
        data = (
            [self.series(since, until, period)]
            if series
            else [self.total(one, since, until) for one in names]
        )
        # As the platform does: ready-made addresses with the token in them.
        token = call.headers["authorization"].split()[-1]
        more = urlencode({**query, "access_token": token})
        return {"data": [one for one in data if one], "paging": {"next": f"{call.url}?{more}"}}

    def total(self, metric: str, since: datetime, until: datetime) -> dict[str, Any]:
        """The sum over the days that begin in a span; nothing when none of them is known."""
        measure = METRICS[metric]
        values = [
            self.share(one, getattr(one, measure))
            for one in self.world.shop.social
            if since <= self.begins_at(one) < until and self.is_known(one, measure)
        ]
        return described(metric, "day") | {"total_value": {"value": sum(values)}} if values else {}

    def series(self, since: datetime, until: datetime, period: str) -> dict[str, Any]:
        """Reach day by day of the platform's own calendar."""
        measure = "reach_28_days" if period == "days_28" else "reach"
        values = [
            {
                "value": self.share(one, getattr(one, measure)),
                "end_time": f"{ended_at:%Y-%m-%dT%H:%M:%S}+0000",
            }
            for one in self.world.shop.social
            if since < (ended_at := platform_end(one)) <= until and self.is_known(one, measure)
        ]
        return described("reach", period) | {"values": values} if values else {}

    def is_known(self, one: SocialDay, measure: str) -> bool:
        return measure not in one.untold and self.world.now() - self.ends_at(one) >= PROVISIONAL

    def share(self, one: SocialDay, value: int) -> int:
        """What is shown of a figure while the day's are being counted."""
        return value if self.world.now() - self.ends_at(one) >= FINAL else value * 7 // 10

    def begins_at(self, one: SocialDay) -> datetime:
        return datetime.combine(one.day, time(), self.zone).astimezone(UTC)

    def ends_at(self, one: SocialDay) -> datetime:
        return datetime.combine(one.day + timedelta(days=1), time(), self.zone).astimezone(UTC)

    def usage(self) -> dict[str, str]:
        use = {"type": "instagram", "call_count": 2, "total_cputime": 1, "total_time": 1}
        use["estimated_time_to_regain_access"] = 0
        return {"X-Business-Use-Case-Usage": json.dumps({USER: [use]})}

    def denied(self, call: Call) -> Answer | None:
        scheme, _, token = call.headers.get("authorization", "").partition(" ")
        if scheme not in ("Bearer", "OAuth") or token != self.world.secrets["instagram_token"]:
            return meta_error(400, 190, "Invalid OAuth access token.", 463)
        if call.path_params["user"] != USER:
            return meta_error(400, 100, "Unsupported get request. Object does not exist.", 33)
        return self.without("instagram_basic")

    def without(self, right: str) -> Answer | None:
        if self.world.lacks("instagram", right):
            return meta_error(403, 10, f"(#10) This endpoint requires the {right} permission")
        return None


def platform_end(one: SocialDay) -> datetime:
    """When the platform's own day ends."""
    return datetime.combine(one.day + timedelta(days=1), time(), PACIFIC).astimezone(UTC)


def described(metric: str, period: str) -> dict[str, Any]:
    words = {"title": metric.capitalize(), "description": f"{metric.capitalize()} of the account"}
    return {
        "name": metric,
        "period": period,
        **words,
        "id": f"{USER}/insights/{metric}/{digest(0, metric)[:6]}",
    }


def failure(kind: FailureKind, status: int) -> Answer:
    """General failures as Meta words them; how long they last is told in a header, in minutes."""
    if kind == "rate_limited":
        use = {"type": "instagram", "call_count": 100, "total_cputime": 40, "total_time": 60}
        use["estimated_time_to_regain_access"] = 2  # minutes
        told = {"X-Business-Use-Case-Usage": json.dumps({USER: [use]})}
        message = "(#80002) There have been too many calls to this Instagram account."
        return meta_error(400, 80_002, message, 2_446_079, told)
    return meta_ads.failure(kind, status)
