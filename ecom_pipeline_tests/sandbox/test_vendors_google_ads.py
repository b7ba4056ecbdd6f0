"""The twin of Google Ads: streams of campaign days."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import requests

from ecom_pipeline.sandbox.events import Shop, settled_share
from ecom_pipeline.sandbox.vendors.google_ads import METRICS
from ecom_pipeline.sandbox.vendors.google_token import ADWORDS_SCOPE, ANALYTICS_SCOPE
from ecom_pipeline.sandbox.world import World

Bearer = Callable[[str], dict[str, str]]


class Ads:
    def __init__(self, base_url: str, world: World, headers: dict[str, str]) -> None:
        customer = world.accounts["google_ads_customer_id"]
        self.url = f"{base_url}/googleads/v26/customers/{customer}/googleAds:searchStream"
        self.headers = {
            **headers,
            "developer-token": world.secrets["google_ads_developer_token"],
            "login-customer-id": world.accounts["google_ads_login_customer_id"],
        }

    def ask(self, query: str) -> requests.Response:
        return requests.post(self.url, json={"query": query}, headers=self.headers, timeout=5)

    def rows(self, query: str) -> list[dict[str, Any]]:
        chunks = self.ask(query).json()
        return [row for chunk in chunks for row in chunk.get("results", [])]


@pytest.fixture
def ads(base_url: str, world: World, google_bearer: Bearer) -> Ads:
    return Ads(base_url, world, google_bearer(ADWORDS_SCOPE))


DAILY = (
    "SELECT segments.date, campaign.id, campaign.name, campaign.advertising_channel_type, "
    "metrics.cost_micros, metrics.clicks, metrics.impressions, metrics.conversions, "
    "metrics.conversions_value, metrics.top_impression_percentage, "
    "metrics.absolute_top_impression_percentage FROM campaign "
    "WHERE segments.date BETWEEN '2026-01-01' AND '2026-03-31'"
)


def ads_code(answer: requests.Response) -> dict[str, str]:
    (wrapped,) = answer.json()
    code: dict[str, str] = wrapped["error"]["details"][0]["errors"][0]["errorCode"]
    return code


def test_ads_gives_every_campaign_day_in_its_types(ads: Ads, shop: Shop) -> None:
    found = {(r["segments"]["date"], r["campaign"]["id"]): r for r in ads.rows(DAILY)}
    assert len(found) == len([a for a in shop.ads if a.impressions])
    for ad in (a for a in shop.ads if a.impressions):
        row = found[ad.day.isoformat(), str(ad.campaign_id)]
        assert int(row["metrics"].get("costMicros", "0")) == ad.cost_micros
        assert row["metrics"]["impressions"] == str(ad.impressions)
        assert row["campaign"]["name"] == ad.campaign_name
        if ad.channel_type == "SEARCH":
            share = ad.top_impressions / ad.impressions
            assert row["metrics"].get("topImpressionPercentage", 0) == pytest.approx(share)
        else:
            assert "topImpressionPercentage" not in row["metrics"]


def test_ads_conversions_arrive_late(ads: Ads, world: World, shop: Shop, google_bearer: Bearer) -> None:
    ad = max((a for a in shop.ads if a.day == date(2026, 2, 10)), key=lambda a: a.conversions)
    seen = []
    for days in (1, 3, 7, 10):
        world.set_now(datetime(2026, 2, 10, 12, tzinfo=UTC) + timedelta(days=days))
        ads.headers |= google_bearer(ADWORDS_SCOPE)
        row = next(
            r
            for r in ads.rows(DAILY)
            if (r["segments"]["date"], r["campaign"]["id"]) == ("2026-02-10", str(ad.campaign_id))
        )
        seen.append(row["metrics"]["conversions"])
        assert seen[-1] == pytest.approx(float(ad.conversions * settled_share(days)))
        assert row["metrics"]["costMicros"] == str(ad.cost_micros)
    assert seen[0] < seen[1] < seen[2] == seen[3]


def test_ads_day_under_way_is_not_shown(ads: Ads, world: World, google_bearer: Bearer) -> None:
    world.set_now(datetime(2026, 2, 10, 12, tzinfo=UTC))
    ads.headers |= google_bearer(ADWORDS_SCOPE)
    assert max(row["segments"]["date"] for row in ads.rows(DAILY)) == "2026-02-09"


def test_ads_customer_tells_currency_and_time_zone(ads: Ads) -> None:
    (row,) = ads.rows("SELECT customer.currency_code, customer.time_zone FROM customer LIMIT 1")
    assert (row["customer"]["currencyCode"], row["customer"]["timeZone"]) == ("EUR", "Europe/Paris")


def test_ads_conditions_order_and_limit(ads: Ads, shop: Shop) -> None:
    query = (
        "SELECT campaign.id, metrics.clicks FROM campaign WHERE segments.date >= '2026-01-01' "
        "AND segments.date <= '2026-01-31' AND campaign.advertising_channel_type IN ('SEARCH') "
        "AND metrics.clicks > 0 ORDER BY metrics.clicks DESC LIMIT 2"
    )
    clicks: dict[int, int] = {}
    for ad in shop.ads:
        if ad.day <= date(2026, 1, 31) and ad.channel_type == "SEARCH":
            clicks[ad.campaign_id] = clicks.get(ad.campaign_id, 0) + ad.clicks
    expected = sorted(clicks.items(), key=lambda item: -item[1])[:2]
    assert [(int(r["campaign"]["id"]), int(r["metrics"]["clicks"])) for r in ads.rows(query)] == expected


def test_ads_empty_answer_is_one_message_without_results(ads: Ads) -> None:
    (chunk,) = ads.ask(DAILY.replace("2026-01-01", "2024-01-01").replace("2026-03-31", "2024-01-02")).json()
    assert "results" not in chunk and chunk["fieldMask"].startswith("segments.date,campaign.id")


@pytest.mark.parametrize(
    ("query", "code"),
    [
        (DAILY.replace("metrics.clicks", "metrics.average_position"), "UNRECOGNIZED_FIELD"),
        (DAILY.replace("'2026-01-01'", "'01.01.2026'"), "INVALID_DATE_FORMAT"),
        (DAILY[: DAILY.index("WHERE")], "EXPECTED_FILTERS_ON_DATE_RANGE"),
        ("SELECT campaign.id FROM ad_network", "BAD_RESOURCE_TYPE_IN_FROM_CLAUSE"),
        ("DELETE FROM campaign", "EXPECTED_SELECT"),
        (DAILY + " OR campaign.id = 1", "EXPECTED_AND"),
    ],
)
def test_ads_bad_queries(ads: Ads, query: str, code: str) -> None:
    answer = ads.ask(query)
    assert (answer.status_code, ads_code(answer)) == (400, {"queryError": code})


def test_ads_headers_are_checked(ads: Ads, google_bearer: Bearer) -> None:
    good = dict(ads.headers)
    ads.headers = good | {"developer-token": "no"}
    assert ads_code(ads.ask(DAILY)) == {"authenticationError": "DEVELOPER_TOKEN_INVALID"}
    ads.headers = good | {"login-customer-id": "555-987-6543"}
    assert ads_code(ads.ask(DAILY)) == {"headerError": "INVALID_LOGIN_CUSTOMER_ID"}
    ads.headers = {name: value for name, value in good.items() if name != "login-customer-id"}
    assert ads_code(ads.ask(DAILY)) == {"authorizationError": "USER_PERMISSION_DENIED"}
    ads.headers = good | google_bearer(ANALYTICS_SCOPE)
    assert ads.ask(DAILY).status_code == 403
    ads.headers = good | {"Authorization": "Bearer no"}
    assert ads.ask(DAILY).status_code == 401


def test_ads_rate_limit_tells_when_to_retry(ads: Ads, world: World) -> None:
    world.faults.arm("google_ads", "rate_limited")
    answer = ads.ask(DAILY)
    assert (answer.status_code, ads_code(answer)) == (429, {"quotaError": "RESOURCE_EXHAUSTED"})
    failure = answer.json()[0]["error"]["details"][0]["errors"][0]
    assert failure["details"]["quotaErrorDetails"]["retryDelay"] == "900s"
    world.faults.arm("google_ads", "missing_column", column="costMicros")
    assert all("costMicros" not in row["metrics"] for row in ads.rows(DAILY))


def test_ads_metrics_exist_at_the_vendor(specs: Path) -> None:
    known = json.loads((specs / "google-ads" / "v26_metrics_fields.json").read_text())["fields"]
    assert {name.removeprefix("metrics.") for name in METRICS} <= known.keys()
