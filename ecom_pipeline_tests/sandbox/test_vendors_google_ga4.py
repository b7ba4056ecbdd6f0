"""The twin of the GA4 Data API: reports, paging, quota, refusals."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import requests

from ecom_pipeline.sandbox.events import Shop
from ecom_pipeline.sandbox.vendors import ga4 as ga4_vendor
from ecom_pipeline.sandbox.vendors.google_token import ADWORDS_SCOPE, ANALYTICS_SCOPE
from ecom_pipeline.sandbox.world import World

Bearer = Callable[[str], dict[str, str]]
ALL_DAYS = [{"startDate": "2026-01-01", "endDate": "2026-03-31"}]
DIMENSIONS = ["date", "sessionDefaultChannelGroup", "deviceCategory", "countryId"]


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
