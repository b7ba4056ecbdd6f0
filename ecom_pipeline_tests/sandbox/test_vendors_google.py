"""Google's twins: tokens, GA4 reports, Google Ads streams."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import requests
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from ecom_pipeline.sandbox.events import Shop, settled_share
from ecom_pipeline.sandbox.vendors import ga4 as ga4_vendor
from ecom_pipeline.sandbox.vendors.google_ads import METRICS
from ecom_pipeline.sandbox.vendors.google_token import ADWORDS_SCOPE, ANALYTICS_SCOPE, JWT_GRANT
from ecom_pipeline.sandbox.world import World

from .conftest import jwt_claims, signed_jwt

Bearer = Callable[[str], dict[str, str]]
ALL_DAYS = [{"startDate": "2026-01-01", "endDate": "2026-03-31"}]
DIMENSIONS = ["date", "sessionDefaultChannelGroup", "deviceCategory", "countryId"]


# --- tokens ---------------------------------------------------------------------------------------


def ask_token(base_url: str, **form: str) -> requests.Response:
    return requests.post(f"{base_url}/google-oauth/token", data=form, timeout=5)


def test_service_account_gets_a_token_with_its_scope(base_url: str, world: World) -> None:
    key = json.loads(world.google_service_account_json(base_url))
    assertion = signed_jwt(key, jwt_claims(key, ANALYTICS_SCOPE, world.now()))
    body = ask_token(base_url, grant_type=JWT_GRANT, assertion=assertion).json()
    assert (body["expires_in"], body["scope"], body["token_type"]) == (3600, ANALYTICS_SCOPE, "Bearer")


def test_a_client_may_sign_with_the_real_clock(base_url: str, world: World) -> None:
    key = world.google_service_account(base_url)
    assertion = signed_jwt(key, jwt_claims(key, ANALYTICS_SCOPE, datetime.now(UTC)))
    assert ask_token(base_url, grant_type=JWT_GRANT, assertion=assertion).status_code == 200


@pytest.mark.parametrize(
    "wrong",
    [
        {"aud": "https://elsewhere.example/token"},
        {"iss": "somebody@else.example"},
        {"exp": 1},
        {"exp": 4_000_000_000},
        {"scope": ""},
    ],
)
def test_bad_claims_are_refused(base_url: str, world: World, wrong: dict[str, Any]) -> None:
    key = world.google_service_account(base_url)
    assertion = signed_jwt(key, jwt_claims(key, ANALYTICS_SCOPE, world.now()) | wrong)
    answer = ask_token(base_url, grant_type=JWT_GRANT, assertion=assertion)
    assert (answer.status_code, answer.json()["error"]) == (400, "invalid_grant")


def test_a_foreign_signature_is_refused(base_url: str, world: World) -> None:
    key = world.google_service_account(base_url)
    foreign = rsa.generate_private_key(public_exponent=65537, key_size=2048).private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    claims = jwt_claims(key, ANALYTICS_SCOPE, world.now())
    assertion = signed_jwt({**key, "private_key": foreign.decode()}, claims)
    answer = ask_token(base_url, grant_type=JWT_GRANT, assertion=assertion)
    assert (answer.status_code, answer.json()["error"]) == (400, "invalid_grant")


def test_refresh_token_and_wrong_client(base_url: str, world: World) -> None:
    secrets = world.secrets
    form = {
        "grant_type": "refresh_token",
        "client_id": secrets["google_oauth_client_id"],
        "client_secret": secrets["google_oauth_client_secret"],
        "refresh_token": secrets["google_oauth_refresh_token"],
    }
    assert ADWORDS_SCOPE in ask_token(base_url, **form).json()["scope"]
    assert ask_token(base_url, **(form | {"client_secret": "no"})).json()["error"] == "invalid_client"
    assert ask_token(base_url, **(form | {"refresh_token": "no"})).json()["error"] == "invalid_grant"
    assert ask_token(base_url, grant_type="password").json()["error"] == "unsupported_grant_type"


# --- GA4 ------------------------------------------------------------------------------------------


class Analytics:
    def __init__(self, base_url: str, world: World, headers: dict[str, str]) -> None:
        prop = world.accounts["ga4_property_id"]
        self.base = f"{base_url}/analyticsdata/v1beta/properties/{prop}"
        self.headers = headers

    def report(self, dimensions: list[str], metrics: list[str], **rest: Any) -> requests.Response:
        body = {
            "dimensions": [{"name": name} for name in dimensions],
            "metrics": [{"name": name} for name in metrics],
            "dateRanges": ALL_DAYS,
            **rest,
        }
        return requests.post(f"{self.base}:runReport", json=body, headers=self.headers, timeout=10)


@pytest.fixture
def ga4(base_url: str, world: World, google_bearer: Bearer) -> Analytics:
    return Analytics(base_url, world, google_bearer(ANALYTICS_SCOPE))


def table(body: dict[str, Any]) -> dict[tuple[str, ...], list[int]]:
    found = {
        tuple(cell["value"] for cell in row["dimensionValues"]): [
            int(cell["value"]) for cell in row["metricValues"]
        ]
        for row in body.get("rows", [])
    }
    assert len(found) == len(body.get("rows", []))
    return found


def events_named(*names: str) -> dict[str, Any]:
    return {"filter": {"fieldName": "eventName", "inListFilter": {"values": list(names)}}}


def test_ga4_pages_give_every_segment_once(ga4: Analytics, shop: Shop) -> None:
    metrics = ["sessions", "engagedSessions", "userEngagementDuration"]
    found: dict[tuple[str, ...], list[int]] = {}
    offset, total = 0, 1
    while offset < total:
        body = ga4.report(DIMENSIONS, metrics, limit="3000", offset=str(offset)).json()
        found |= table(body)
        offset, total = offset + len(body["rows"]), body["rowCount"]
    expected = {
        (f"{t.day:%Y%m%d}", t.channel, t.device, t.country): [
            t.sessions,
            t.engaged_sessions,
            t.engagement_seconds,
        ]
        for t in shop.traffic
    }
    assert total == len(expected) > 6000
    assert found == expected


def test_ga4_sums_over_what_is_not_asked(ga4: Analytics, shop: Shop) -> None:
    found = table(ga4.report(["deviceCategory"], ["sessions"]).json())
    devices = {t.device for t in shop.traffic}
    assert found == {(d,): [sum(t.sessions for t in shop.traffic if t.device == d)] for d in devices}


def test_ga4_funnel_events(ga4: Analytics, shop: Shop) -> None:
    named = events_named("add_to_cart", "begin_checkout", "purchase")
    found = table(ga4.report(["date", "eventName"], ["sessions"], dimensionFilter=named).json())
    day = date(2026, 1, 15)
    facts = [t for t in shop.traffic if t.day == day]
    expected = {
        "add_to_cart": sum(t.cart_sessions for t in facts),
        "begin_checkout": sum(t.checkout_sessions for t in facts),
        "purchase": sum(t.purchase_sessions for t in facts),
    }
    assert {name: found["20260115", name][0] for name in expected} == expected
    assert {name for _, name in found} == set(expected)


def test_ga4_filters_combine(ga4: Analytics, shop: Shop) -> None:
    expression = {
        "andGroup": {
            "expressions": [
                {"filter": {"fieldName": "countryId", "stringFilter": {"value": "fr"}}},
                {
                    "notExpression": {
                        "filter": {"fieldName": "deviceCategory", "stringFilter": {"value": "mobile"}}
                    }
                },
            ]
        }
    }
    found = table(
        ga4.report(["countryId", "deviceCategory"], ["sessions"], dimensionFilter=expression).json()
    )
    assert found.keys() == {("FR", "desktop"), ("FR", "tablet")}


def test_ga4_orders_rows(ga4: Analytics) -> None:
    by = [{"metric": {"metricName": "sessions"}, "desc": True}]
    body = ga4.report(["deviceCategory"], ["sessions"], orderBys=by).json()
    values = [int(row["metricValues"][0]["value"]) for row in body["rows"]]
    assert values == sorted(values, reverse=True)


def test_ga4_shows_only_days_that_are_over(ga4: Analytics, world: World, google_bearer: Bearer) -> None:
    world.set_now(datetime(2026, 2, 10, 22, 59, tzinfo=UTC))  # 23:59 in Paris
    ga4.headers = google_bearer(ANALYTICS_SCOPE)
    assert max(table(ga4.report(["date"], ["sessions"]).json())) == ("20260209",)
    world.set_now(datetime(2026, 2, 10, 23, 0, tzinfo=UTC))
    assert max(table(ga4.report(["date"], ["sessions"]).json())) == ("20260210",)


def test_ga4_empty_report_has_no_rows(ga4: Analytics) -> None:
    ranges = [{"startDate": "2024-01-01", "endDate": "2024-01-02"}]
    body = ga4.report(["date"], ["sessions"], dateRanges=ranges).json()
    assert "rows" not in body and "rowCount" not in body
    assert body["metadata"] == {"currencyCode": "EUR", "timeZone": "Europe/Paris"}


def test_ga4_quota_only_when_asked(ga4: Analytics) -> None:
    assert "propertyQuota" not in ga4.report(["date"], ["sessions"]).json()
    quota = ga4.report(["date"], ["sessions"], returnPropertyQuota=True).json()["propertyQuota"]
    assert quota["tokensPerDay"]["remaining"] == 200_000 - 2


@pytest.mark.parametrize(
    ("dimensions", "metrics", "rest"),
    [
        (["day"], ["sessions"], {}),
        (["date"], ["visits"], {}),
        (["date", "date"], ["sessions"], {}),
        (["date"], ["sessions"] * 11, {}),
        (["date"], ["sessions"], {"limit": "-1"}),
        (["date"], ["sessions"], {"pageSize": 3}),
        (["date"], ["sessions"], {"dateRanges": []}),
        (["date"], ["sessions"], {"dateRanges": [{"startDate": "2026-02-31", "endDate": "today"}]}),
        (["date"], ["sessions"], {"dateRanges": [{"startDate": "today", "endDate": "3daysAgo"}]}),
        (["date"], ["sessions"], {"dimensionFilter": {"filter": {"fieldName": "x", "stringFilter": {}}}}),
    ],
)
def test_ga4_bad_requests(
    ga4: Analytics, dimensions: list[str], metrics: list[str], rest: dict[str, Any]
) -> None:
    answer = ga4.report(dimensions, metrics, **rest)
    assert (answer.status_code, answer.json()["error"]["status"]) == (400, "INVALID_ARGUMENT")


def test_ga4_tokens_scopes_and_properties(
    ga4: Analytics, base_url: str, world: World, google_bearer: Bearer
) -> None:
    good = ga4.headers
    ga4.headers = google_bearer(ADWORDS_SCOPE)
    assert ga4.report(["date"], ["sessions"]).status_code == 403
    ga4.headers = {}
    assert ga4.report(["date"], ["sessions"]).json()["error"]["status"] == "UNAUTHENTICATED"
    ga4.headers, real = good, ga4.base
    ga4.base = f"{base_url}/analyticsdata/v1beta/properties/999"
    assert ga4.report(["date"], ["sessions"]).json()["error"]["status"] == "PERMISSION_DENIED"
    ga4.base = real
    world.set_now(world.now() + timedelta(seconds=3599))
    assert ga4.report(["date"], ["sessions"]).status_code == 200
    world.set_now(world.now() + timedelta(seconds=1))
    assert ga4.report(["date"], ["sessions"]).status_code == 401


def test_ga4_faults(ga4: Analytics, world: World) -> None:
    world.faults.arm("ga4", "rate_limited")
    answer = ga4.report(["date"], ["sessions"])
    assert (answer.status_code, answer.json()["error"]["status"]) == (429, "RESOURCE_EXHAUSTED")
    world.faults.arm("ga4", "missing_column", column="deviceCategory")
    world.faults.arm("ga4", "extra_column", column="newUsers", beside="sessions")
    world.faults.arm("ga4", "retyped_column", column="engagedSessions")
    body = ga4.report(["date", "deviceCategory"], ["sessions", "engagedSessions"], limit=2).json()
    assert [header["name"] for header in body["dimensionHeaders"]] == ["date"]
    assert [header["name"] for header in body["metricHeaders"]] == ["sessions", "newUsers", "engagedSessions"]
    assert [cell["value"] for cell in body["rows"][0]["metricValues"]][1:] == ["1", "(other)"]
    world.faults.arm("ga4", "repeated_page")
    first = ga4.report(["date"], ["sessions"], limit=5).json()
    assert ga4.report(["date"], ["sessions"], limit=5, offset=5).json() == first


def fits(schemas: dict[str, Any], name: str, value: Any) -> None:
    """Fail unless a JSON value has only the fields, of the types, that a discovery schema names."""
    properties = schemas[name]["properties"]
    assert value.keys() <= properties.keys(), name
    for field, found in value.items():
        fits_type(schemas, properties[field], found)


def fits_type(schemas: dict[str, Any], kind: dict[str, Any], found: Any) -> None:
    if "$ref" in kind:
        fits(schemas, kind["$ref"], found)
    elif kind["type"] == "array":
        assert isinstance(found, list)
        for item in found:
            fits_type(schemas, kind["items"], item)
    else:
        types = {"string": str, "integer": int, "boolean": bool}
        assert isinstance(found, types[kind["type"]]), (kind, found)
        assert found in kind.get("enum", [found])


def test_ga4_shapes_are_the_vendors(ga4: Analytics, specs: Path) -> None:
    schemas = json.loads((specs / "google-discovery" / "analyticsdata.v1beta.json").read_text())["schemas"]
    named = events_named("purchase")
    answer = ga4.report(
        ["date", "eventName"], ["sessions"], dimensionFilter=named, limit="5", returnPropertyQuota=True
    )
    fits(schemas, "RunReportRequest", json.loads(answer.request.body or b""))
    fits(schemas, "RunReportResponse", answer.json())
    metadata = requests.get(f"{ga4.base}/metadata", headers=ga4.headers, timeout=5).json()
    fits(schemas, "Metadata", metadata)
    assert "sessions" in {metric["apiName"] for metric in metadata["metrics"]}


def test_ga4_a_page_is_never_longer_than_allowed(ga4: Analytics, monkeypatch: pytest.MonkeyPatch) -> None:
    assert ga4_vendor.MAX_LIMIT == 250_000
    monkeypatch.setattr(ga4_vendor, "MAX_LIMIT", 100)
    body = ga4.report(DIMENSIONS, ["sessions"], limit=1_000_000).json()
    assert len(body["rows"]) == 100 < body["rowCount"]


# --- Google Ads -----------------------------------------------------------------------------------


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
