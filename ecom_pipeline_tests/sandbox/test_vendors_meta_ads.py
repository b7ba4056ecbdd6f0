"""The twin of Meta's Marketing API: what it tells, what it leaves out, what it refuses."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
import requests

from ecom_pipeline.sandbox.events import GROUP, AdDay, Shop
from ecom_pipeline.sandbox.generator import generate_shop
from ecom_pipeline.sandbox.server import run_sandbox
from ecom_pipeline.sandbox.twins import vendor_instances
from ecom_pipeline.sandbox.vendors.meta_ads import ACCOUNT
from ecom_pipeline.sandbox.world import World

FIRST, LAST = date(2026, 9, 1), date(2026, 11, 15)
SPAN = {"since": "2026-09-01", "until": "2026-11-15"}


@pytest.fixture(scope="module")
def group() -> Shop:
    return generate_shop(7, FIRST, LAST, 12, GROUP)


@pytest.fixture
def world(group: Shop) -> World:
    return World(group, datetime(2026, 11, 16, 5, tzinfo=UTC))


@pytest.fixture
def base_url(world: World) -> Iterator[str]:
    with run_sandbox(world) as url:
        yield url


class Meta:
    def __init__(self, base_url: str, world: World) -> None:
        self.url = f"{base_url}/meta/v25.0/act_{ACCOUNT}"
        self.headers = {"Authorization": f"Bearer {world.secrets['meta_access_token']}"}

    def ask(self, **params: Any) -> requests.Response:
        wanted = {"level": "campaign", "time_increment": "1", "time_range": json.dumps(SPAN), "limit": "5000"}
        wanted |= {"fields": "campaign_id,campaign_name,spend,impressions,clicks,inline_link_clicks"}
        return requests.get(f"{self.url}/insights", wanted | params, headers=self.headers, timeout=5)

    def code(self, **params: Any) -> tuple[int, int]:
        answer = self.ask(**params)
        return answer.status_code, answer.json()["error"]["code"]


@pytest.fixture
def meta(base_url: str, world: World) -> Meta:
    return Meta(base_url, world)


def mine(group: Shop) -> list[AdDay]:
    return [ad for ad in group.ads if ad.platform == "meta" and (ad.impressions or ad.conversions)]


def everything() -> str:
    return json.dumps(
        [{"field": "campaign.effective_status", "operator": "IN", "value": ["ACTIVE", "ARCHIVED"]}]
    )


def test_it_is_read_by_a_business_that_advertises_there(world: World) -> None:
    assert "meta" in {instance.name for instance in vendor_instances(world, "http://sandbox")}
    world.shop = Shop(7, "Alone", "alone.example", "EUR", "Europe/Paris", FIRST, LAST)
    assert "meta" not in {instance.name for instance in vendor_instances(world, "http://sandbox")}


def test_figures_are_text_and_clicks_are_of_two_kinds(meta: Meta, group: Shop) -> None:
    rows = {
        (row["date_start"], row["campaign_id"]): row
        for row in meta.ask(filtering=everything()).json()["data"]
    }
    assert len(rows) == len(mine(group))
    for ad in mine(group):
        row = rows[ad.day.isoformat(), str(ad.campaign_id)]
        assert Decimal(row["spend"]) == Decimal(ad.cost_micros) / 1_000_000
        assert (row["impressions"], row.get("inline_link_clicks", "0")) == (
            str(ad.impressions),
            str(ad.clicks),
        )
        assert int(row["clicks"]) > ad.clicks
        assert row["date_stop"] == row["date_start"]


def test_what_rests_is_left_out_unless_asked_for(meta: Meta, group: Shop) -> None:
    resting = {
        ad.campaign_id
        for ad in mine(group)
        if not any(
            one.campaign_id == ad.campaign_id and one.day > LAST - timedelta(days=13) for one in mine(group)
        )
    }
    assert resting
    shown = {int(row["campaign_id"]) for row in meta.ask().json()["data"]}
    assert shown and not shown & resting
    assert resting < {int(row["campaign_id"]) for row in meta.ask(filtering=everything()).json()["data"]}


def test_ways_of_counting_purchases_overlap_and_windows_add_up(meta: Meta) -> None:
    asked = {"fields": "action_values", "action_attribution_windows": '["1d_click","7d_click","1d_view"]'}
    rows = [row for row in meta.ask(**asked).json()["data"] if "action_values" in row]
    assert rows
    for row in rows:
        told = {one["action_type"]: one for one in row["action_values"]}
        assert told["purchase"]["value"] == told["omni_purchase"]["value"]
        one = told["omni_purchase"]
        parts = [Decimal(one.get(name, "0")) for name in ("1d_click", "7d_click", "1d_view")]
        assert parts[1] + parts[2] == Decimal(one["value"]) and parts[0] <= parts[1]


def test_pages_follow_one_another_by_their_cursors(meta: Meta, world: World) -> None:
    whole = meta.ask().json()["data"]
    rows: list[Any] = []
    place: dict[str, str] = {}
    while True:
        page = meta.ask(limit="7", **place).json()
        rows += page["data"]
        if "next" not in page["paging"]:
            break
        assert world.secrets["meta_access_token"] in page["paging"]["next"], (
            "which is why nobody may follow it"
        )
        place = {"after": page["paging"]["cursors"]["after"]}
    assert rows == whole and len(rows) > 14
    assert "paging" not in meta.ask(time_range='{"since":"2020-01-01","until":"2020-01-02"}').json()


def test_the_day_under_way_is_not_shown(meta: Meta, world: World) -> None:
    world.set_now(datetime(2026, 10, 10, 12, tzinfo=UTC))
    assert max(row["date_start"] for row in meta.ask().json()["data"]) == "2026-10-09"


@pytest.mark.parametrize(
    "params",
    [
        {"fields": "spend,birthdays"},
        {"color": "blue"},
        {"level": "pixel"},
        {"time_range": '{"since":"2026-10-02","until":"2026-10-01"}'},
        {"time_range": "yesterday"},
        {"action_attribution_windows": '["7d_view"]'},
        {"filtering": '[{"field":"ad.name","operator":"IN","value":["A"]}]'},
    ],
)
def test_what_it_does_not_understand_is_refused(meta: Meta, params: dict[str, str]) -> None:
    assert meta.code(**params) == (400, 100)


def test_too_long_a_report_runs_out_of_time(meta: Meta) -> None:
    error = meta.ask(time_range='{"since":"2026-01-01","until":"2026-11-15"}').json()["error"]
    assert (error["code"], error["error_subcode"]) == (100, 1_504_018)


def test_who_may_not_read_is_refused(meta: Meta, world: World) -> None:
    world.missing_rights.add(("meta_ads", "ads_read"))
    assert meta.code() == (403, 200)
    meta.headers = {"Authorization": "Bearer no"}
    assert meta.code() == (400, 190)
    assert requests.get(f"{meta.url}/insights?access_token=no", timeout=5).json()["error"]["code"] == 190


def test_a_used_up_allowance_says_in_minutes_how_long(meta: Meta, world: World) -> None:
    assert json.loads(meta.ask().headers["x-fb-ads-insights-throttle"])["app_id_util_pct"] == 2
    world.throttles["meta_ads"] = 2
    world.ticks = lambda: 1.0
    meta.ask()
    assert json.loads(meta.ask().headers["x-fb-ads-insights-throttle"])["app_id_util_pct"] == 100
    answer = meta.ask()
    assert (answer.status_code, answer.json()["error"]["code"]) == (400, 80_000)
    (use,) = json.loads(answer.headers["X-Business-Use-Case-Usage"])[ACCOUNT]
    assert use["estimated_time_to_regain_access"] == 5
