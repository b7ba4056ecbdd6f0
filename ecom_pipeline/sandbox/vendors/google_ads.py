"""The Google Ads API, v26: `googleAds:searchStream` over campaigns and the customer.

Money is micros of the account's currency. Figures are as of the world's clock: conversions of a day
are still arriving, and days that are not over are not shown. Errors of a stream come inside a list.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable
from datetime import date
from decimal import Decimal
from typing import Any

from starlette.routing import BaseRoute

from ecom_pipeline.sandbox.endpoint import Answer, Call, FailureKind, Vendor, route
from ecom_pipeline.sandbox.events import AdDay, settled_share
from ecom_pipeline.sandbox.twins import Instance
from ecom_pipeline.sandbox.vendors.gaql import DATE_FIELD, Query, QueryError, parsed_query
from ecom_pipeline.sandbox.vendors.google_token import ADWORDS_SCOPE, google_error, google_failure, refused
from ecom_pipeline.sandbox.world import World, digest

VERSION = "v26"
CHUNK_ROWS = 1_000
STATUS_NAMES = {400: "INVALID_ARGUMENT", 401: "UNAUTHENTICATED", 403: "PERMISSION_DENIED"}

Total = Callable[["Sums"], int | float | None]


class Sums:
    """Totals of some campaign days, with conversions as far as they have arrived."""

    def __init__(self, days: Iterable[AdDay], today: date) -> None:
        days = list(days)
        self.impressions = sum(day.impressions for day in days)
        self.clicks = sum(day.clicks for day in days)
        self.cost_micros = sum(day.cost_micros for day in days)
        shares = [(day, settled_share((today - day.day).days)) for day in days]
        self.conversions = sum((day.conversions * share for day, share in shares), Decimal(0))
        self.conversion_value = sum((day.conversion_value * share for day, share in shares), Decimal(0))
        searched = [day for day in days if day.channel_type == "SEARCH"]
        self.search_impressions = sum(day.impressions for day in searched)
        self.top = sum(day.top_impressions for day in searched)
        self.absolute_top = sum(day.absolute_top_impressions for day in searched)


def ratio(part: float, whole: int) -> float | None:
    return part / whole if whole else None


METRICS: dict[str, Total] = {
    "metrics.impressions": lambda s: s.impressions,
    "metrics.clicks": lambda s: s.clicks,
    "metrics.cost_micros": lambda s: s.cost_micros,
    "metrics.conversions": lambda s: float(s.conversions),
    "metrics.conversions_value": lambda s: float(s.conversion_value),
    "metrics.all_conversions": lambda s: float(s.conversions),
    "metrics.all_conversions_value": lambda s: float(s.conversion_value),
    "metrics.ctr": lambda s: ratio(s.clicks, s.impressions),
    "metrics.average_cpc": lambda s: ratio(s.cost_micros, s.clicks),
    "metrics.top_impression_percentage": lambda s: ratio(s.top, s.search_impressions),
    "metrics.absolute_top_impression_percentage": lambda s: ratio(s.absolute_top, s.search_impressions),
}
CUSTOMER_FIELDS = frozenset(
    {
        "customer.id",
        "customer.currency_code",
        "customer.time_zone",
        "customer.descriptive_name",
        "customer.manager",
        "customer.resource_name",
        "customer.status",
    }
)
CAMPAIGN_FIELDS = frozenset(
    {
        "campaign.id",
        "campaign.name",
        "campaign.status",
        "campaign.advertising_channel_type",
        "campaign.resource_name",
    }
)
RESOURCES = {
    "customer": CUSTOMER_FIELDS | METRICS.keys() | {DATE_FIELD},
    "campaign": CUSTOMER_FIELDS | CAMPAIGN_FIELDS | METRICS.keys() | {DATE_FIELD},
}


def instances(world: World, url: str) -> list[Instance]:
    """The account, read with a read-only user's refresh token."""
    settings = {
        "customer_id": world.accounts["google_ads_customer_id"],
        "login_customer_id": world.accounts["google_ads_login_customer_id"],
        "base_url": f"{url}/googleads",
        "token_url": f"{url}/google-oauth/token",
    }
    secrets = {
        "developer_token": world.secrets["google_ads_developer_token"],
        "client_id": world.secrets["google_oauth_client_id"],
        "client_secret": world.secrets["google_oauth_client_secret"],
        "refresh_token": world.secrets["google_oauth_refresh_token"],
    }
    return [Instance("ads", "google_ads", settings, secrets)]


def routes(world: World) -> list[BaseRoute]:
    api = GoogleAds(world)
    path = "/googleads/" + VERSION + "/customers/{customer}/googleAds:searchStream"
    return [route(world, Vendor("google_ads", failure), path, api.search_stream, ("POST",))]


class GoogleAds:
    """One advertising account under a manager account."""

    def __init__(self, world: World) -> None:
        self.world = world

    def search_stream(self, call: Call) -> Answer:
        if answer := self.denied(call):
            return answer
        today = self.world.now_local().date()
        try:
            body = call.json()
            query = parsed_query(str(body["query"]), RESOURCES, today)
            rows = self.rows(query, today)
        except QueryError as error:
            return ads_error(400, "queryError", error.code, str(error))
        except (ValueError, KeyError, TypeError):
            return listed(google_error(400, "INVALID_ARGUMENT", "Invalid JSON payload received."))
        return Answer(chunks(query, rows, digest(0, call.body, self.world.now())[:22]))

    def denied(self, call: Call) -> Answer | None:
        """The error for a call that may not see the account; None when it may."""
        world = self.world
        if answer := refused(world, call, ADWORDS_SCOPE):
            return listed(answer)
        if call.headers.get("developer-token") != world.secrets["google_ads_developer_token"]:
            code = "DEVELOPER_TOKEN_INVALID"
            return ads_error(401, "authenticationError", code, "The developer token is not valid.")
        customer, login = call.path_params["customer"], call.headers.get("login-customer-id", "")
        if login and not login.isdigit():
            code = "INVALID_LOGIN_CUSTOMER_ID"
            return ads_error(400, "headerError", code, "login-customer-id must be digits only.")
        known = customer == world.accounts["google_ads_customer_id"]
        managed = login == world.accounts["google_ads_login_customer_id"]
        if not known or not managed or world.lacks("google_ads", "read"):
            message = "The user cannot access the customer; is login-customer-id the manager's?"
            return ads_error(403, "authorizationError", "USER_PERMISSION_DENIED", message)
        return None

    def rows(self, query: Query, today: date) -> list[dict[str, Any]]:
        """Result rows as field name to value, without rows whose metrics are all zero."""
        dated = DATE_FIELD in query.fields
        groups: dict[tuple[str, int], list[AdDay]] = defaultdict(list)
        for ad in (ad for ad in self.world.shop.ads if ad.platform == "google_ads"):
            if ad.day < today and all(
                condition.holds(ad.day.isoformat())
                for condition in query.conditions
                if condition.field == DATE_FIELD
            ):
                campaign = ad.campaign_id if query.resource == "campaign" else 0
                groups[ad.day.isoformat() if dated else "", campaign].append(ad)
        if query.resource == "customer" and not dated:
            groups.setdefault(("", 0), [])
        metrics = [field for field in query.fields if field in METRICS]
        rows = []
        for (_, _), ads in sorted(groups.items()):
            row = self.row(query, ads, today)
            tested = [c for c in query.conditions if c.field != DATE_FIELD]
            nothing = dated and metrics and not any(row[field] for field in metrics)
            if not nothing and all(condition.holds(row[condition.field]) for condition in tested):
                rows.append(row)
        for field, descending in reversed(query.order):
            rows.sort(key=lambda row, field=field: (row[field] is not None, row[field]), reverse=descending)  # type: ignore[misc]
        return rows[: query.limit]

    def row(self, query: Query, ads: list[AdDay], today: date) -> dict[str, Any]:
        customer = self.world.accounts["google_ads_customer_id"]
        row: dict[str, Any] = {
            "customer.resource_name": f"customers/{customer}",
            "customer.id": int(customer),
            "customer.currency_code": self.world.shop.currency,
            "customer.time_zone": self.world.shop.time_zone,
            "customer.descriptive_name": self.world.shop.name,
            "customer.manager": False,
            "customer.status": "ENABLED",
        }
        if query.resource == "campaign":
            row |= {
                "campaign.resource_name": f"customers/{customer}/campaigns/{ads[0].campaign_id}",
                "campaign.id": ads[0].campaign_id,
                "campaign.name": ads[-1].campaign_name,
                "campaign.status": "ENABLED",
                "campaign.advertising_channel_type": ads[0].channel_type,
            }
        if ads:
            row[DATE_FIELD] = ads[0].day.isoformat()
        sums = Sums(ads, today)
        wanted = {*query.fields, *(c.field for c in query.conditions), *(field for field, _ in query.order)}
        return row | {field: METRICS[field](sums) for field in wanted if field in METRICS}


def chunks(query: Query, rows: list[dict[str, Any]], request_id: str) -> list[dict[str, Any]]:
    """The stream's messages; without any row there is one message without results."""
    shown = [written(query, row) for row in rows]
    mask = ",".join(camel_path(field) for field in query.fields)
    pages = [shown[at : at + CHUNK_ROWS] for at in range(0, len(shown), CHUNK_ROWS)] or [[]]
    return [
        ({"results": page} if page else {}) | {"fieldMask": mask, "requestId": request_id} for page in pages
    ]


def written(query: Query, row: dict[str, Any]) -> dict[str, Any]:
    """A row as JSON: camelCase, 64-bit integers as text, zeros and unknowns left out."""
    result: dict[str, Any] = {query.resource: {"resourceName": row[f"{query.resource}.resource_name"]}}
    for field in query.fields:
        value = row[field]
        if not value:
            continue
        message, _, name = camel_path(field).partition(".")
        is_whole = isinstance(value, int) and not isinstance(value, bool)
        result.setdefault(message, {})[name] = str(value) if is_whole else value
    if "customer" in result:
        result["customer"]["resourceName"] = row["customer.resource_name"]
    return result


def camel_path(field: str) -> str:
    message, _, name = field.partition(".")
    first, *rest = name.split("_")
    return f"{message}.{first}{''.join(part.capitalize() for part in rest)}"


def listed(answer: Answer) -> Answer:
    """A stream's error: the body is a list of one."""
    return Answer([answer.body], answer.status, answer.headers)


def ads_error(status: int, kind: str, code: str, message: str, **details: Any) -> Answer:
    failed = {
        "@type": f"type.googleapis.com/google.ads.googleads.{VERSION}.errors.GoogleAdsFailure",
        "errors": [{"errorCode": {kind: code}, "message": message, **details}],
        "requestId": digest(0, kind, code)[:22],
    }
    name = STATUS_NAMES.get(status, "RESOURCE_EXHAUSTED")
    return listed(google_error(status, name, f"The request failed: {code}.", [failed]))


def failure(kind: FailureKind, status: int) -> Answer:
    if kind == "rate_limited":
        limits = {"rateName": "Requests per service per method", "retryDelay": "900s"}
        details = {"quotaErrorDetails": {"rateScope": "DEVELOPER", **limits}}
        message = "Too many requests. Retry in 900 seconds."
        return ads_error(429, "quotaError", "RESOURCE_EXHAUSTED", message, details=details)
    return listed(google_failure(kind, status))
