"""Meta's Marketing API, v25.0: an ad account, and the insights of its campaigns day by day.

Figures are text in the account's currency; what did not happen is left out. Purchases are told once for each
way of counting them, as the platform does, and by attribution window. Campaigns that have not delivered for a
fortnight are archived: a report by campaign leaves them out unless asked. Refusals have status 400.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from datetime import date, timedelta
from decimal import ROUND_HALF_UP, Decimal
from itertools import groupby
from typing import Any
from urllib.parse import urlencode

from starlette.routing import BaseRoute

from ecom_pipeline.sandbox.endpoint import Answer, Call, FailureKind, Vendor, route
from ecom_pipeline.sandbox.events import AdDay, settled_share
from ecom_pipeline.sandbox.twins import Instance
from ecom_pipeline.sandbox.world import PERSONAL_CANARY, World, digest

VERSION = "v25.0"
ACCOUNT = "1207345098112233"
ARCHIVED_AFTER = timedelta(days=14)
COMPUTABLE_DAYS = 93  # a longer report runs into the platform's time limit
TIMED_OUT = (100, 1_504_018, 400)  # code, subcode, status
WINDOWS = ("1d_click", "7d_click", "28d_click", "1d_view")
PARAMS = frozenset({
    "level", "fields", "time_range", "time_increment", "action_attribution_windows", "filtering", "limit", "after",
})  # fmt: skip
LEFT_OUT = frozenset(("inline_link_clicks", "actions", "action_values"))  # when there are none
CENT = Decimal("0.01")

# Of the purchases within seven days of a click or one of a view: the share each window tells on its own.
CLICKED_LATE = {"1d_click": Decimal("0.55"), "7d_click": Decimal("0.8"), "28d_click": Decimal("0.9")}


class Invalid(Exception):
    """A parameter that the platform does not understand; the message says which."""


def instances(world: World, url: str) -> list[Instance]:
    """The ad account, when the business advertises there."""
    if "meta" not in world.shop.business.ad_platforms:
        return []
    settings = {"ad_account_id": ACCOUNT, "base_url": f"{url}/meta"}
    return [Instance("meta", "meta_ads", settings, {"access_token": world.secrets["meta_access_token"]})]


def routes(world: World) -> list[BaseRoute]:
    api, vendor = MetaAds(world), Vendor("meta_ads", failure)
    account = f"/meta/{VERSION}/act_{{account}}"
    return [
        route(world, vendor, f"{account}/insights", api.insights),
        route(world, vendor, account, api.account),
    ]


class MetaAds:
    """One ad account, as a system user sees it."""

    def __init__(self, world: World) -> None:
        self.world = world

    def account(self, call: Call) -> Answer:
        if answer := self.denied(call):
            return answer
        known = {
            "id": f"act_{ACCOUNT}",
            "account_id": ACCOUNT,
            "name": self.world.shop.name,
            "owner": PERSONAL_CANARY,
            "currency": self.world.shop.currency,
            "timezone_name": self.world.shop.time_zone,
        }
        fields = [name for name in dict(call.query).get("fields", "").split(",") if name]
        if unknown := [name for name in fields if name not in known]:
            return meta_error(400, 100, f"(#100) Tried accessing nonexisting field ({unknown[0]})")
        return Answer({name: known[name] for name in ("id", *fields)})

    def insights(self, call: Call) -> Answer:
        if answer := self.denied(call):
            return answer
        query = dict(call.query)
        try:
            if unknown := query.keys() - PARAMS:
                raise Invalid(f"(#100) Unexpected parameter {sorted(unknown)[0]}")
            report = Report(self.world, query)
            if report.day_count > COMPUTABLE_DAYS:
                code, subcode, status = TIMED_OUT
                return meta_error(status, code, "Please reduce the amount of data.", subcode)
            return self.page(call, query, report.rows())
        except (Invalid, ValueError, KeyError, TypeError) as error:
            return meta_error(400, 100, str(error) or "Invalid parameter")

    def page(self, call: Call, query: dict[str, str], rows: list[dict[str, Any]]) -> Answer:
        start = int(base64.b64decode(query["after"])) if "after" in query else 0
        end = start + int(query.get("limit", "25"))
        body: dict[str, Any] = {"data": rows[start:end]}
        if body["data"]:
            after = base64.b64encode(str(end).encode()).decode()
            cursors = {"before": base64.b64encode(str(start).encode()).decode(), "after": after}
            body["paging"] = {"cursors": cursors}
            if end < len(rows):
                # As the platform does: a ready-made address with the token in it.
                token = call.headers["authorization"].split()[-1]
                more = urlencode({**query, "after": after, "access_token": token})
                body["paging"]["next"] = f"{call.url}?{more}"
        series = urlencode({name: value for name, value in query.items() if name != "after"})
        return Answer(body, headers=self.usage(), series=series, continues=start > 0)

    def usage(self) -> dict[str, str]:
        """How much of the allowance is used, in percent."""
        limit = self.world.throttles.get("meta_ads")
        used = 100 * len(self.world.recent.get("meta_ads", ())) // limit if limit else 2
        told = {"app_id_util_pct": used, "acc_id_util_pct": 1, "ads_api_access_tier": "standard_access"}
        return {"x-fb-ads-insights-throttle": json.dumps(told)}

    def denied(self, call: Call) -> Answer | None:
        scheme, _, token = call.headers.get("authorization", "").partition(" ")
        if scheme not in ("Bearer", "OAuth") or token != self.world.secrets["meta_access_token"]:
            return meta_error(400, 190, "Invalid OAuth access token.", 463)
        if call.path_params["account"] != ACCOUNT or self.world.lacks("meta_ads", "ads_read"):
            message = "(#200) Ad account owner has NOT granted ads_read permission"
            return meta_error(403, 200, message)
        return None


class Report:
    """A report asked for, understood. Raises Invalid for what the platform would not understand."""

    def __init__(self, world: World, query: dict[str, str]) -> None:
        self.world = world
        self.today = world.now_local().date()
        span = json.loads(query["time_range"])
        self.first_day, self.last_day = (date.fromisoformat(span[name]) for name in ("since", "until"))
        if self.last_day < self.first_day:
            raise Invalid("(#100) The start date of the time range cannot be later than the end date")
        self.level = query.get("level", "account")
        if self.level not in ("account", "campaign"):
            raise Invalid(f"(#100) level {self.level}")
        self.daily = query.get("time_increment", "all_days") == "1"
        self.windows = json.loads(query.get("action_attribution_windows", '["7d_click", "1d_view"]'))
        if unknown := set(self.windows) - set(WINDOWS):
            raise Invalid(f"(#100) action_attribution_windows {sorted(unknown)[0]}")
        self.fields = query.get("fields", "spend,impressions").split(",")
        if unknown := set(self.fields) - FIELDS.keys():
            raise Invalid(f"(#100) {sorted(unknown)[0]} is not valid for fields param")
        self.archived_too = self.level == "account" or "ARCHIVED" in self.statuses(query)

    @property
    def day_count(self) -> int:
        return (self.last_day - self.first_day).days + 1

    def statuses(self, query: dict[str, str]) -> list[str]:
        found: list[str] = ["ACTIVE", "PAUSED"]
        for one in json.loads(query.get("filtering", "[]")):
            if (one["field"], one["operator"]) != ("campaign.effective_status", "IN"):
                raise Invalid(f"(#100) filtering by {one['field']} {one['operator']}")
            found = one["value"]
        return found

    def rows(self) -> list[dict[str, Any]]:
        ads = sorted(self.ads(), key=self.group)
        return [self.row(list(days)) for _, days in groupby(ads, self.group)]

    def ads(self) -> list[AdDay]:
        """What delivered, as far as the report may show it. A campaign that rests for long is archived."""
        mine = [ad for ad in self.world.shop.ads if ad.platform == "meta" and ad.day < self.today]
        last = {ad.campaign_id: ad.day for ad in sorted(mine, key=lambda ad: ad.day) if ad.impressions}
        return [
            ad
            for ad in mine
            if self.first_day <= ad.day <= self.last_day
            and (ad.impressions or ad.conversions)
            and (self.archived_too or last[ad.campaign_id] >= self.today - ARCHIVED_AFTER)
        ]

    def group(self, ad: AdDay) -> tuple[date, int]:
        day = ad.day if self.daily else self.first_day
        return day, ad.campaign_id if self.level == "campaign" else 0

    def row(self, ads: list[AdDay]) -> dict[str, Any]:
        found = {name: FIELDS[name](self, ads) for name in self.fields}
        row = {name: value for name, value in found.items() if value not in ([], "0") or name not in LEFT_OUT}
        first = ads[0].day if self.daily else self.first_day
        last = ads[0].day if self.daily else self.last_day
        return row | {"date_start": first.isoformat(), "date_stop": last.isoformat()}

    def actions(self, ads: list[AdDay], of_value: bool) -> list[dict[str, str]]:
        """Every way of counting what people did. Those of purchases overlap: they must not be added up."""
        total = sum((self.settled(ad, of_value) for ad in ads), Decimal(0))
        counted = {"omni_purchase": total, "purchase": total, "offsite_conversion.fb_pixel_purchase": total}
        counted |= {"add_to_cart": total * 3, "omni_add_to_cart": total * 3}
        if not of_value:
            counted["link_click"] = Decimal(sum(ad.clicks for ad in ads))
        return [
            {"action_type": kind, "value": _plain(amount)} | self.by_window(amount, of_value)
            for kind, amount in counted.items()
            if amount
        ]

    def settled(self, ad: AdDay, of_value: bool) -> Decimal:
        share = settled_share((self.today - ad.day).days)
        if of_value:
            return (ad.conversion_value * share).quantize(CENT, ROUND_HALF_UP)
        return (ad.conversions * share).quantize(Decimal(1), ROUND_HALF_UP)

    def by_window(self, amount: Decimal, of_value: bool) -> dict[str, str]:
        """The windows asked for; the click of seven days and the view of one make up the whole."""
        unit = CENT if of_value else Decimal(1)
        clicked = {
            name: (amount * share).quantize(unit, ROUND_HALF_UP) for name, share in CLICKED_LATE.items()
        }
        told = clicked | {"1d_view": amount - clicked["7d_click"]}
        return {name: _plain(told[name]) for name in self.windows if told[name]}


def _plain(number: Decimal) -> str:
    text = f"{number:f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def _money(micros: int) -> str:
    return _plain((Decimal(micros) / 1_000_000).quantize(CENT, ROUND_HALF_UP))


FIELDS: dict[str, Callable[[Report, list[AdDay]], Any]] = {
    "account_id": lambda report, ads: ACCOUNT,
    "account_name": lambda report, ads: report.world.shop.name,
    "account_currency": lambda report, ads: report.world.shop.currency,
    "campaign_id": lambda report, ads: str(ads[0].campaign_id),
    "campaign_name": lambda report, ads: ads[-1].campaign_name,
    "spend": lambda report, ads: _money(sum(ad.cost_micros for ad in ads)),
    "impressions": lambda report, ads: str(sum(ad.impressions for ad in ads)),
    # All clicks: also those that like, unfold or look at who advertises.
    "clicks": lambda report, ads: str(sum(ad.clicks + ad.clicks // 3 + 1 for ad in ads)),
    "inline_link_clicks": lambda report, ads: str(sum(ad.clicks for ad in ads)),
    "actions": lambda report, ads: report.actions(ads, of_value=False),
    "action_values": lambda report, ads: report.actions(ads, of_value=True),
}


def meta_error(
    status: int,
    code: int,
    message: str,
    subcode: int | None = None,
    headers: dict[str, str] | None = None,
    **more: Any,
) -> Answer:
    """The error body of every refusal."""
    error: dict[str, Any] = {"message": message, "type": "OAuthException", "code": code, **more}
    if subcode is not None:
        error["error_subcode"] = subcode
    error["fbtrace_id"] = digest(0, code, message)[:22]
    return Answer({"error": error}, status, headers or {})


def failure(kind: FailureKind, status: int) -> Answer:
    """General failures as Meta words them; how long they last is told in a header, in minutes."""
    if kind == "rate_limited":
        use = {"type": "ads_insights", "call_count": 100, "total_cputime": 40, "total_time": 60}
        use["estimated_time_to_regain_access"] = 5  # minutes
        told = {"X-Business-Use-Case-Usage": json.dumps({ACCOUNT: [use]})}
        message = "(#80000) There have been too many calls from this ad-account."
        return meta_error(400, 80_000, message, 2_446_079, told)
    if kind == "expired_token":
        return meta_error(400, 190, "Error validating access token: Session has expired.", 463)
    return meta_error(status, 1, "An unknown error occurred", is_transient=True)
