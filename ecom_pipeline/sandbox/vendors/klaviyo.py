"""Klaviyo's API, revision 2026-07-15: campaigns, what came of them, and who consented to be written to.

Campaigns are listed channel by channel, archived ones apart. A report of campaigns speaks of the messages
sent within its timeframe, with all that came of them by now; only 225 are made a day.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from datetime import date, datetime, timedelta
from typing import Any
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

from starlette.routing import BaseRoute

from ecom_pipeline.sandbox.endpoint import Answer, Call, FailureKind, Vendor, route
from ecom_pipeline.sandbox.events import Message
from ecom_pipeline.sandbox.twins import Instance
from ecom_pipeline.sandbox.vendors.klaviyo_objects import (
    CHANNELS,
    STATISTICS,
    SeenProfile,
    campaigns,
    local_time,
    profiles,
    statistics,
)
from ecom_pipeline.sandbox.vendors.klaviyo_query import (
    TIMES,
    Refused,
    cursor_at,
    cursor_start,
    dotted,
    error_answer,
    invalid,
    page_answer,
    page_of,
    parameters,
    read_filter,
    sparse,
)
from ecom_pipeline.sandbox.world import World, digest

JSON_API = "application/vnd.api+json"
MOST_ON_A_PAGE = 100
REPORTS_A_DAY = 225
REPORT_ROWS = 1000
YEAR = timedelta(days=366)
PAGING = ("page[cursor]", "page[size]")
CAMPAIGN_FILTERS = {
    "messages.channel": ("equals",), "archived": ("equals",), "status": ("equals",),
    "created_at": TIMES, "scheduled_at": TIMES, "updated_at": TIMES,
}  # fmt: skip
PROFILE_FILTERS = {"created": ("greater-than", "less-than"), "updated": ("greater-than", "less-than")}
GROUPS = ("campaign_id", "campaign_message_id", "send_channel")


def placed_order_metric(world: World) -> str:
    """The id of the account's metric for placed orders."""
    return f"R{digest(world.shop.seed, 'klaviyo_metric')[:5].upper()}"


def instances(world: World, url: str) -> list[Instance]:
    """The account from which the shop's letters and SMS go out."""
    settings = {
        "base_url": f"{url}/klaviyo",
        "conversion_metric_id": placed_order_metric(world),
        "currency": world.shop.currency,
    }
    return [Instance("crm", "klaviyo", settings, {"api_key": world.secrets["klaviyo_api_key"]})]


def routes(world: World) -> list[BaseRoute]:
    """The endpoints of one account."""
    api = Klaviyo(world)
    vendor = Vendor("klaviyo", failure)
    report = api.guarded("campaigns:read", "2, 1;w=1, 2;w=60, 225;w=86400", api.report)
    return [
        route(
            world,
            vendor,
            "/klaviyo/api/campaigns",
            api.guarded("campaigns:read", "150, 10;w=1, 150;w=60", api.campaigns),
        ),
        route(
            world,
            vendor,
            "/klaviyo/api/profiles",
            api.guarded("profiles:read", "750, 75;w=1, 750;w=60", api.profiles),
        ),
        route(world, vendor, "/klaviyo/api/campaign-values-reports", report, ("POST",)),
    ]


class Klaviyo:
    """One account."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.zone = ZoneInfo(world.shop.time_zone)
        self.reports: Counter[date] = Counter()
        self._profiles: tuple[tuple[datetime, int], list[SeenProfile]] | None = None

    def guarded(self, scope: str, limit: str, handler: Callable[[Call], Answer]) -> Callable[[Call], Answer]:
        steady = limit.partition(",")[0]
        rate = {
            "RateLimit-Limit": limit,
            "RateLimit-Remaining": str(int(steady) - 1),
            "RateLimit-Reset": "60",
        }

        def answer(call: Call) -> Answer:
            key = f"Klaviyo-API-Key {self.world.secrets['klaviyo_api_key']}"
            if call.headers.get("authorization") != key:
                return failure("expired_token", 401)
            if not call.headers.get("revision"):
                return error_answer(400, "invalid", "Invalid input.", "A revision header is required.")
            if self.world.lacks("klaviyo", scope):
                detail = f"Missing scopes: {scope}"
                return error_answer(403, "permission_denied", "Missing scopes", detail)
            try:
                told = handler(call)
            except Refused as refused:
                return refused.answer
            return Answer(
                told.body,
                headers=rate,
                content_type=JSON_API,
                series=told.series,
                continues=told.continues,
            )

        return answer

    def campaigns(self, call: Call) -> Answer:
        now = self.world.now()
        query = parameters(call.query, ("filter", "fields[campaign]", "sort", *PAGING))
        conditions = read_filter(query.get("filter"), CAMPAIGN_FILTERS)
        channels = [one.value for one in conditions if one.field == "messages.channel"]
        if len(channels) != 1 or channels[0] not in (*CHANNELS, "mobile_push"):
            raise invalid("A channel filter is required to list campaigns.", parameter="filter")
        if not any(one.field == "archived" for one in conditions):
            conditions += read_filter("equals(archived,false)", CAMPAIGN_FILTERS)
        found = []
        for campaign in campaigns(self.world.shop, channels[0], now):
            attributes = campaign.attributes(now)
            if all(one.field == "messages.channel" or one.holds(attributes) for one in conditions):
                found.append((campaign.first.campaign_id, attributes))
        order = query.get("sort", "-created_at")
        if order.removeprefix("-") not in ("created_at", "updated_at", "name"):
            raise invalid(f"'{order}' is not an allowed sort.", parameter="sort")
        found.sort(key=lambda one: one[1][order.removeprefix("-")], reverse=order.startswith("-"))
        fields = query.get("fields[campaign]")
        made = [
            {
                "type": "campaign",
                "id": campaign_id,
                "attributes": sparse(attributes, fields, dotted(attributes)),
                "links": {"self": f"{call.url}/{campaign_id}"},
            }
            for campaign_id, attributes in found
        ]
        start, size = page_of(query, MOST_ON_A_PAGE, MOST_ON_A_PAGE)
        return page_answer(call, made[start : start + size], start, size, len(made))

    def profiles(self, call: Call) -> Answer:
        allowed = ("filter", "fields[profile]", "additional-fields[profile]", "sort", *PAGING)
        query = parameters(call.query, allowed)
        conditions = read_filter(query.get("filter"), PROFILE_FILTERS)
        more = query.get("additional-fields[profile]", "").split(",")
        if query.get("sort", "created") != "created" or set(more) - {"", "subscriptions"}:
            raise invalid("That sort or additional field is not offered.", parameter="sort")
        start, size = page_of(query, 20, MOST_ON_A_PAGE)
        seed, fields = self.world.shop.seed, query.get("fields[profile]")
        made = self.seen_profiles()
        if conditions:
            made = [
                person for person in made if all(one.holds(person.attributes(seed)) for one in conditions)
            ]
        page = []
        for person in made[start : start + size]:
            attributes = person.attributes(seed)
            known = list(dotted(attributes))
            if "subscriptions" not in more:
                del attributes["subscriptions"]
            name = digest(seed, "profile", person.person_id)[:26].upper()
            page.append(
                {
                    "type": "profile",
                    "id": name,
                    "attributes": sparse(attributes, fields, known),
                    "links": {"self": f"{call.url}/{name}"},
                }
            )
        return page_answer(call, page, start, size, len(made))

    def seen_profiles(self) -> list[SeenProfile]:
        """Everybody known by now; kept while nothing happens, because it is asked for page by page."""
        state = (self.world.now(), len(self.world.shop.consents))
        if self._profiles is None or self._profiles[0] != state:
            self._profiles = (state, profiles(self.world.shop.consents, state[0]))
        return self._profiles[1]

    def report(self, call: Call) -> Answer:
        query = parameters(call.query, ("page_cursor",))
        asked = report_asked(call)
        if asked["conversion_metric_id"] != placed_order_metric(self.world):
            raise invalid(
                "The conversion metric does not exist.", pointer="/data/attributes/conversion_metric_id"
            )
        start, end = timeframe(asked["timeframe"])
        today = self.world.now_local().date()
        self.reports[today] += 1
        if self.reports[today] > REPORTS_A_DAY:
            raise throttled(3600)
        sent = [one for one in self.world.shop.messages if start <= self.sent_local(one) < end]
        results = [
            self.result(message, asked["statistics"])
            for message in sent
            if message.tool == "klaviyo" and message.sent_at <= self.world.now()
        ]
        at = cursor_start(query.get("page_cursor"))
        links = {"self": call.url}
        if at + REPORT_ROWS < len(results):
            links["next"] = f"{call.url}?{urlencode({'page_cursor': cursor_at(at + REPORT_ROWS)})}"
        data = {
            "type": "campaign-values-report",
            "attributes": {"results": results[at : at + REPORT_ROWS]},
        }
        return Answer({"data": data, "links": links}, series=call.body.decode(), continues=at > 0)

    def sent_local(self, message: Message) -> datetime:
        return message.sent_at.astimezone(self.zone).replace(tzinfo=None)

    def result(self, message: Message, wanted: list[str]) -> dict[str, Any]:
        days = (self.world.now_local().date() - self.sent_local(message).date()).days
        groupings = (message.campaign_id, message.message_id, message.channel)
        return {
            "groupings": dict(zip(GROUPS, groupings, strict=True)),
            "statistics": statistics(message, days, wanted),
        }


def report_asked(call: Call) -> dict[str, Any]:
    """The attributes of the report asked for. Raises Refused."""
    try:
        data = call.json()["data"]
        asked: dict[str, Any] = data["attributes"]
        complete = data["type"] == "campaign-values-report" and isinstance(asked, dict)
    except (ValueError, KeyError, TypeError):
        complete = False
    if not complete:
        raise invalid("The payload is no campaign-values-report.", pointer="/data")
    for name in ("statistics", "timeframe", "conversion_metric_id"):
        if name not in asked:
            raise invalid(f"'{name}' is a required field.", pointer=f"/data/attributes/{name}")
    unknown = set(asked["statistics"]) - STATISTICS
    if unknown or set(asked.get("group_by", GROUPS)) != set(GROUPS):
        raise invalid("That statistic or grouping is not offered.", pointer="/data/attributes")
    return asked


def timeframe(asked: Mapping[str, str]) -> tuple[datetime, datetime]:
    """Start and end on the company's own clock. Raises Refused."""
    pointer = "/data/attributes/timeframe"
    try:
        start, end = local_time(asked["start"]), local_time(asked["end"])
    except (KeyError, ValueError, TypeError):
        raise invalid("A timeframe needs a start and an end.", pointer=pointer) from None
    if end <= start or end - start > YEAR:
        raise invalid("The timeframe must not be longer than a year.", pointer=pointer)
    return start, end


def throttled(seconds: int) -> Refused:
    detail = f"Request was throttled. Expected available in {seconds} seconds."
    refused = Refused(429, "throttled", "Request was throttled.", detail)
    refused.answer = Answer(
        refused.answer.body, 429, headers={"Retry-After": str(seconds)}, content_type=JSON_API
    )
    return refused


def failure(kind: FailureKind, status: int) -> Answer:
    if kind == "rate_limited":
        return throttled(1).answer
    if kind == "expired_token":
        detail = "The API key specified is invalid."
        return error_answer(401, "not_authenticated", "Authentication credentials were not provided.", detail)
    return error_answer(status, "error", "A server error occurred.", "Please try again later.")
