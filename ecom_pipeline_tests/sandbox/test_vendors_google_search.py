"""The twin of the Search Console: final days of Pacific time, means that multiply back."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime
from decimal import ROUND_HALF_UP, Decimal
from typing import Any
from urllib.parse import quote

import pytest
import requests

from ecom_pipeline.sandbox.events import Shop
from ecom_pipeline.sandbox.vendors.google_token import ADWORDS_SCOPE, WEBMASTERS_SCOPE
from ecom_pipeline.sandbox.vendors.search_console import ALPHA_3, SITE
from ecom_pipeline.sandbox.world import World

Bearer = Callable[[str], dict[str, str]]
SPAN = {"startDate": "2026-02-01", "endDate": "2026-02-28"}
BY_ALL = {"dimensions": ["date", "device", "country"], "rowLimit": 25_000}


class Console:
    def __init__(self, base_url: str, bearer: Bearer) -> None:
        self.url = f"{base_url}/google/webmasters/v3/sites/{quote(SITE, safe='')}"
        self.bearer = bearer
        self.headers = bearer(WEBMASTERS_SCOPE)

    def ask(self, **asked: Any) -> requests.Response:
        return requests.post(
            f"{self.url}/searchAnalytics/query", json=SPAN | asked, headers=self.headers, timeout=5
        )

    def rows(self, **asked: Any) -> list[Any]:
        rows: list[Any] = self.ask(**asked).json().get("rows", [])
        return rows


@pytest.fixture
def console(base_url: str, google_bearer: Bearer) -> Console:
    return Console(base_url, google_bearer)


def test_positions_multiply_back(console: Console, shop: Shop) -> None:
    facts = {
        (one.day.isoformat(), one.device.upper(), ALPHA_3[one.country]): one
        for one in shop.search
        if date(2026, 2, 1) <= one.day <= date(2026, 2, 26) and one.impressions
    }
    rows = {tuple(row["keys"]): row for row in console.rows(**BY_ALL)}
    assert rows.keys() == facts.keys() and len(rows) > 100
    for keys, one in facts.items():
        row = rows[keys]
        assert (row["clicks"], row["impressions"]) == (one.clicks, one.impressions)
        total = Decimal(str(row["position"])) * one.impressions
        assert total.quantize(Decimal("0.1"), ROUND_HALF_UP) == one.position_sum


def newest(console: Console, **asked: Any) -> str:
    return max(str(row["keys"][0]) for row in console.rows(dimensions=["date"], **asked))


def test_days_are_pacific_and_final_after_three(console: Console, world: World) -> None:
    # Five in the morning UTC is still the first of March in California.
    assert newest(console) == "2026-02-26"
    assert newest(console, dataState="all") == "2026-02-28"
    world.set_now(datetime(2026, 2, 20, 7, 59, tzinfo=UTC))
    console.headers = console.bearer(WEBMASTERS_SCOPE)
    assert newest(console) == "2026-02-16"
    world.set_now(datetime(2026, 2, 20, 8, tzinfo=UTC))
    assert newest(console) == "2026-02-17"


def test_pages_end_without_a_list(console: Console) -> None:
    whole = console.rows(**BY_ALL)
    parts = [
        console.rows(**BY_ALL | {"rowLimit": 50, "startRow": start}) for start in range(0, len(whole), 50)
    ]
    assert [row for part in parts for row in part] == whole
    assert console.ask(**BY_ALL | {"startRow": len(whole)}).json() == {
        "responseAggregationType": "byProperty"
    }
    assert len(console.rows(dimensions=["date", "device", "country"])) == min(1_000, len(whole))


@pytest.mark.parametrize(
    "asked",
    [
        {"dimensions": ["weather"]},
        {"rowLimit": 25_001},
        {"startRow": -1},
        {"startDate": "2026-03-01"},
        {"startDate": "first of March"},
        {"colour": "blue"},
    ],
)
def test_what_it_does_not_understand_is_refused(console: Console, asked: dict[str, Any]) -> None:
    answer = console.ask(**asked)
    assert answer.status_code == 400
    assert answer.json()["error"]["errors"][0]["reason"] == "invalidParameter"


def test_who_may_not_read_is_refused(console: Console, world: World) -> None:
    site = requests.get(console.url, headers=console.headers, timeout=5).json()
    assert site == {"siteUrl": SITE, "permissionLevel": "siteRestrictedUser"}
    world.missing_rights.add(("search_console", "read"))
    assert console.ask().json()["error"]["errors"][0]["reason"] == "forbidden"
    world.missing_rights.clear()
    good = dict(console.headers)
    console.url = console.url.replace("lumen", "other")
    assert console.ask().status_code == 403
    console.headers = console.bearer(ADWORDS_SCOPE)
    assert console.ask().status_code == 403
    console.headers = good | {"Authorization": "Bearer no"}
    assert console.ask().status_code == 401


def test_a_used_up_quota_is_forbidden(console: Console, world: World) -> None:
    world.faults.arm("search_console", "rate_limited")
    answer = console.ask()
    assert answer.status_code == 403
    assert answer.json()["error"]["errors"][0] == {
        "message": "Search Analytics load quota exceeded.",
        "domain": "usageLimits",
        "reason": "quotaExceeded",
    }
