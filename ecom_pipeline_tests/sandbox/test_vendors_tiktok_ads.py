"""The twin of TikTok's API for Business: its envelope, its thirty days, its pages."""

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
from ecom_pipeline.sandbox.vendors.tiktok_ads import ADVERTISER, METRICS
from ecom_pipeline.sandbox.world import PERSONAL_CANARY, World

FIRST, LAST = date(2026, 9, 20), date(2026, 11, 15)
EVERYTHING = json.dumps(
    [{"field_name": "campaign_status", "filter_type": "IN", "filter_value": '["STATUS_ALL"]'}]
)


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


class TikTok:
    def __init__(self, base_url: str, world: World) -> None:
        self.url = f"{base_url}/tiktok/open_api/v1.3"
        self.headers = {"Access-Token": world.secrets["tiktok_access_token"]}

    def ask(self, path: str = "/report/integrated/get/", **params: Any) -> Any:
        wanted = {
            "advertiser_id": ADVERTISER,
            "report_type": "BASIC",
            "data_level": "AUCTION_CAMPAIGN",
            "dimensions": '["campaign_id","stat_time_day"]',
            "metrics": json.dumps(list(METRICS)),
            "start_date": "2026-10-17",
            "end_date": "2026-11-15",
            "page_size": "1000",
        }
        asked = wanted | params if "report" in path else params
        answer = requests.get(f"{self.url}{path}", asked, headers=self.headers, timeout=5)
        assert answer.status_code == 200, "whatever became of it"
        return answer.json()


@pytest.fixture
def tiktok(base_url: str, world: World) -> TikTok:
    return TikTok(base_url, world)


def mine(group: Shop) -> list[AdDay]:
    first = date(2026, 10, 17)
    return [
        ad
        for ad in group.ads
        if ad.platform == "tiktok" and (ad.impressions or ad.conversions) and ad.day >= first
    ]


def test_figures_are_text_of_one_campaign_and_day(tiktok: TikTok, group: Shop) -> None:
    rows = {
        (row["dimensions"]["stat_time_day"][:10], row["dimensions"]["campaign_id"]): row["metrics"]
        for row in tiktok.ask(filtering=EVERYTHING)["data"]["list"]
    }
    assert len(rows) == len(mine(group)) > 30
    for ad in mine(group):
        row = rows[ad.day.isoformat(), str(ad.campaign_id)]
        assert Decimal(row["spend"]) == Decimal(ad.cost_micros) / 1_000_000
        assert (row["impressions"], row["clicks"]) == (str(ad.impressions), str(ad.clicks))
        assert row["campaign_name"] == ad.campaign_name
        assert all(isinstance(value, str) for value in row.values())


def test_what_was_deleted_is_left_out_unless_asked_for(tiktok: TikTok, group: Shop) -> None:
    resting = {ad.campaign_id for ad in mine(group)} - {
        ad.campaign_id for ad in mine(group) if ad.day > LAST - timedelta(days=13)
    }
    assert resting
    shown = {int(row["dimensions"]["campaign_id"]) for row in tiktok.ask()["data"]["list"]}
    assert shown and not shown & resting


def test_pages_are_numbered_and_counted(tiktok: TikTok) -> None:
    whole = tiktok.ask()["data"]["list"]
    rows: list[Any] = []
    for number in range(1, 100):
        data = tiktok.ask(page=number, page_size=7)["data"]
        rows += data["list"]
        assert data["page_info"]["total_number"] == len(whole)
        if number == data["page_info"]["total_page"]:
            break
    assert rows == whole


@pytest.mark.parametrize(
    "params",
    [
        {"start_date": "2026-10-16"},  # thirty-one days
        {"start_date": "2026-11-16"},
        {"metrics": '["birthdays"]'},
        {"dimensions": '["ad_id"]'},
        {"data_level": "AUCTION_AD"},
        {"page_size": 1001},
        {"page": 0},
        {"colour": "blue"},
        {"filtering": '[{"field_name":"name","filter_type":"IN","filter_value":"[]"}]'},
    ],
)
def test_what_it_does_not_understand_is_refused(tiktok: TikTok, params: dict[str, Any]) -> None:
    assert tiktok.ask(**params)["code"] == 40_002


def test_the_account_tells_what_is_asked_of_it(tiktok: TikTok) -> None:
    me = json.dumps([ADVERTISER])
    asked = {"advertiser_ids": me, "fields": '["currency","timezone"]'}
    (found,) = tiktok.ask("/advertiser/info/", **asked)["data"]["list"]
    assert found == {"currency": "EUR", "timezone": "Europe/Paris"}
    (whole,) = tiktok.ask("/advertiser/info/", advertiser_ids=me)["data"]["list"]
    assert PERSONAL_CANARY in whole["email"]
    assert tiktok.ask("/advertiser/info/", advertiser_ids='["1"]')["code"] == 40_001
    assert tiktok.ask("/advertiser/info/")["code"] == 40_002


def test_tokens_and_limits_are_told_by_codes(tiktok: TikTok, world: World) -> None:
    world.throttles["tiktok_ads"] = 1
    world.ticks = lambda: 1.0
    assert [tiktok.ask()["code"] for _ in range(2)] == [0, 40_100]
    world.throttles.clear()
    tiktok.headers = {"Access-Token": "no"}
    assert tiktok.ask()["code"] == 40_105
    tiktok.headers = {}
    assert tiktok.ask()["code"] == 40_104
