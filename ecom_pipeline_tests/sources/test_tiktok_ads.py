"""TikTok Ads: what the code in an answer says goes before its status, and thirty days are one report."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import ROUND_HALF_UP, Decimal
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import pytest
import requests
from pydantic import SecretStr

from ecom_pipeline.errors import AuthenticationError, SchemaError
from ecom_pipeline.sandbox.events import ONE_SHOP, AdDay, Shop, settled_share
from ecom_pipeline.sandbox.server import run_sandbox
from ecom_pipeline.sandbox.vendors import tiktok_ads as twin
from ecom_pipeline.sandbox.world import World
from ecom_pipeline.sources.failures import RefusedError, UnavailableError
from ecom_pipeline.sources.http import Patience, ThrottledError
from ecom_pipeline.sources.tiktok_ads import TikTokAds
from ecom_pipeline.sources.tiktok_ads import source as module
from ecom_pipeline.sources.tiktok_ads.report import CAMPAIGN_REPORT, parsed_page, recognized
from ecom_pipeline.sources.tiktok_ads.source import TikTokAdsSettings

from ..openapi import read_spec, violations
from ..simulation import reading
from .contract_suite import Case, SourceContract
from .vendor_sandbox import NO_SLEEP, context_of, map_rows, raw_tables, small_shop, window_of

TODAY = date(2026, 4, 1)
NOW = datetime(2026, 4, 1, 6, tzinfo=UTC)
FIRST, LAST = date(2026, 1, 1), date(2026, 3, 31)
WINDOW = window_of(FIRST, LAST)


class TestTikTokAds(SourceContract):
    """The common contract."""

    case = Case(
        "tiktok_ads",
        "tiktok",
        "campaign_report",
        "spend",
        where="/report/",
        small_pages=("ecom_pipeline.sources.tiktok_ads.source.PAGE_ROWS",),
    )
    business = reading("tiktok", business=replace(ONE_SHOP, ad_platforms=("google_ads", "tiktok")))


def ads() -> list[AdDay]:
    """Two campaigns over ninety days; the second was deleted in February."""
    found = []
    for n in range(90):
        for campaign in range(2 if n < 45 else 1):
            value = (Decimal("7.77") * n + campaign).quantize(Decimal("0.01"))
            amounts = (700 + n, 20 + n, 10_000 * (1_234 + n), Decimal(n % 5), value)
            found.append(
                AdDay(
                    FIRST + timedelta(days=n),
                    170 + campaign,
                    f"Vidéo {campaign}",
                    "SOCIAL",
                    *amounts,
                    0,
                    0,
                    "tiktok",
                )
            )
    other = AdDay(FIRST, 170, "Elsewhere", "SOCIAL", 5, 5, 50_000, Decimal(1), Decimal(1), 0, 0, "meta")
    return [*found, other]


@pytest.fixture(scope="module")
def shop() -> Shop:
    shop = small_shop()
    shop.ads = ads()
    return shop


@pytest.fixture(scope="module")
def served(shop: Shop) -> Iterator[tuple[World, str]]:
    world = World(shop, NOW)
    with run_sandbox(world) as url:
        yield world, url


@pytest.fixture
def world(served: tuple[World, str]) -> Iterator[World]:
    world, _ = served
    world.log.clear()
    yield world
    world.faults.clear()
    world.missing_rights.clear()


@pytest.fixture
def tiktok(served: tuple[World, str], world: World, monkeypatch: pytest.MonkeyPatch) -> TikTokAds:
    monkeypatch.setattr(TikTokAds, "patience", NO_SLEEP)
    settings = TikTokAdsSettings(
        advertiser_id=twin.ADVERTISER,
        access_token=SecretStr(world.secrets["tiktok_access_token"]),
        base_url=f"{served[1]}/tiktok",
    )
    return TikTokAds("tiktok", settings, context_of(world))


def other(tiktok: TikTokAds, world: World, **changed: Any) -> TikTokAds:
    return TikTokAds("tiktok", tiktok.settings.model_copy(update=changed), context_of(world))


def fetched(tiktok: TikTokAds) -> dict[tuple[date, str], Any]:
    rows = list(tiktok.fetch(CAMPAIGN_REPORT, WINDOW))
    found = {(row["day"], row["campaign_id"]): row for row in rows}
    assert len(found) == len(rows), "a campaign's day came twice"
    return found


def mine(shop: Shop) -> list[AdDay]:
    return [ad for ad in shop.ads if ad.platform == "tiktok"]


def settled(ad: AdDay) -> Decimal:
    share = settled_share((TODAY - ad.day).days)
    return (ad.conversion_value * share).quantize(Decimal("0.01"), ROUND_HALF_UP)


def test_every_campaign_day_is_exact_also_of_deleted_ones(
    tiktok: TikTokAds, shop: Shop, world: World
) -> None:
    rows = fetched(tiktok)
    assert set(rows) == {(ad.day, str(ad.campaign_id)) for ad in mine(shop)}
    for ad in mine(shop):
        row, share = rows[ad.day, str(ad.campaign_id)], settled_share((TODAY - ad.day).days)
        assert (row["campaign"], row["currency"]) == (ad.campaign_name, "EUR")
        assert row["spend"] == Decimal(ad.cost_micros) / 1_000_000
        assert (row["impressions"], row["clicks"]) == (ad.impressions, ad.clicks)
        assert row["payments"] == (ad.conversions * share).quantize(Decimal(1), ROUND_HALF_UP)
        assert row["payment_value"] == settled(ad)
    reports = [entry for entry in world.log if "/report/" in entry.path]
    assert len(reports) == 3, "ninety days are three reports of thirty"


def test_mapping_gives_paid_social_in_full(tiktok: TikTokAds, shop: Shop) -> None:
    connection = raw_tables({"campaign_report": (CAMPAIGN_REPORT, fetched(tiktok).values())})
    (sql,) = TikTokAds.declared_mappings(tiktok.settings).values()
    mapped = {(row["day"], row["campaign_id"]): row for row in map_rows(connection, sql)}
    for ad in mine(shop):
        row = mapped[ad.day, str(ad.campaign_id)]
        assert (row["platform"], row["channel"]) == ("the_source", "Paid Social")
        assert (row["spend"], row["clicks"]) == (Decimal(ad.cost_micros) / 1_000_000, ad.clicks)
        assert row["conversion_value"] == settled(ad)


def test_too_many_requests_wait_as_long_as_set(
    tiktok: TikTokAds, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    waits: list[float] = []
    monkeypatch.setattr(TikTokAds, "patience", Patience(sleep=waits.append))
    world.faults.arm("tiktok_ads", "rate_limited", where="/report/")
    assert fetched(other(tiktok, world, throttle_seconds=240))
    assert waits == [240.0], "the answer had status 200 and no header"
    world.faults.arm("tiktok_ads", "rate_limited", times=5)
    with pytest.raises(ThrottledError, match="tiktok, campaign_report, 2026-01-01 to 2026-03-31"):
        fetched(tiktok)


def test_a_revoked_token_in_a_success_is_named(tiktok: TikTokAds, world: World) -> None:
    world.faults.arm("tiktok_ads", "expired_token")
    with pytest.raises(AuthenticationError, match="tiktok, campaign_report") as caught:
        fetched(tiktok)
    assert "40105" in caught.value.why and "Reporting" in caught.value.mend
    assert len(world.log) == 1, "asking again would not help"


@pytest.mark.parametrize(
    ("code", "error", "again"),
    [
        (40_104, AuthenticationError, False),
        (40_001, AuthenticationError, False),
        (40_002, RefusedError, False),
        (50_000, UnavailableError, True),
        (20_001, UnavailableError, True),
    ],
)
def test_what_a_code_means(code: int, error: type[Exception], again: bool) -> None:
    failure = recognized(200, {"code": code, "message": "words about somebody"})
    assert failure is not None
    assert (failure.error, failure.again) == (error, again)
    assert "words" not in failure.why


def test_success_and_answers_without_a_code_are_no_failures() -> None:
    assert recognized(200, {"code": 0, "data": {}}) is None and recognized(502, None) is None


def test_check_names_what_is_missing(
    tiktok: TikTokAds, world: World, shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert [finding.state for finding in tiktok.check()] == ["ok", "ok", "ok"]
    world.missing_rights.add(("tiktok_ads", "reporting"))
    assert [finding.state for finding in tiktok.check()] == ["ok", "ok", "error"]
    world.missing_rights.clear()
    (finding,) = other(tiktok, world, advertiser_id="1").check()
    assert finding.state == "error" and finding.mend
    monkeypatch.setattr(shop, "time_zone", "America/New_York")
    assert [finding.state for finding in tiktok.check()] == ["ok", "warning", "ok"]


def test_only_what_is_needed_of_the_account_is_asked(tiktok: TikTokAds, world: World) -> None:
    tiktok.check()
    (entry,) = [entry for entry in world.log if "/advertiser/info/" in entry.path]
    assert json.loads(dict(part.split("=", 1) for part in unquote(entry.query).split("&"))["fields"]) == [
        "advertiser_id",
        "currency",
        "timezone",
    ]


def page(**changed: Any) -> Any:
    metrics = {
        "campaign_name": "A",
        "spend": "1.20",
        "impressions": "3",
        "clicks": "2",
        "paid": "1",
        "worth": "9.5",
    }
    row = {
        "dimensions": {"campaign_id": "1", "stat_time_day": "2026-03-01 00:00:00"},
        "metrics": metrics | changed,
    }
    return {"code": 0, "data": {"list": [row], "page_info": {"total_number": 1}}}


def test_an_account_without_such_events_has_none() -> None:
    (row,), total = parsed_page(page(paid="-", worth="-"), "EUR", "paid", "worth", "tiktok")
    assert (row["payments"], row["payment_value"], total) == (0, 0, 1)


@pytest.mark.parametrize(
    "wrong",
    [
        page(spend=1.2),
        page(spend="-"),
        page(impressions="1.5"),
        page(paid=None),
        {"code": 0, "data": {"list": []}},
        {
            "code": 0,
            "data": {"list": [{"dimensions": {"campaign_id": "1", "stat_time_day": "?"}, "metrics": {}}]},
        },
        [],
    ],
)
def test_answers_of_another_form_are_refused(wrong: Any) -> None:
    with pytest.raises(SchemaError, match="tiktok"):
        parsed_page(wrong, "EUR", "paid", "worth", "tiktok")


def test_requests_and_answers_are_as_specified(
    tiktok: TikTokAds, world: World, served: tuple[World, str], shared: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    spec = read_spec(shared / "specs" / "tiktok-ads" / "tiktok-business-v1.3.yml")
    monkeypatch.setattr(module, "PAGE_ROWS", 20)
    fetched(tiktok)
    for path in ("/report/integrated/get/", "/advertiser/info/"):
        operation = spec["paths"][path]["get"]
        known = {one["name"]: one for one in operation["parameters"]}
        schema = operation["responses"]["200"]["content"]["application/json"]["schema"]
        asked = [entry for entry in world.log if entry.path.endswith(path)]
        assert asked
        for entry in asked:
            given = dict(part.split("=", 1) for part in unquote(entry.query).split("&"))
            needed = {name for name, one in known.items() if one["required"]} - {"Access-Token"}
            assert needed <= given.keys() <= known.keys()
            for name, text in given.items():
                assert list(wrong_parameter(spec, known[name], text)) == []
        url = f"{served[1]}{asked[0].path}"
        token = {"Access-Token": world.secrets["tiktok_access_token"]}
        for headers in (token, {}):
            answer = requests.get(url, params=given, headers=headers, timeout=5).json()
            # What `data` holds is told by the vendor's pages only.
            assert list(violations(spec, schema, answer | {"data": {}})) == []


def wrong_parameter(spec: Any, parameter: Any, text: str) -> Iterator[str]:
    """Where a parameter of an address breaks its schema; enumerations are the vendor's own extension."""
    if "content" in parameter:
        schema, value = parameter["content"]["application/json"]["schema"], json.loads(text)
    else:
        schema = parameter["schema"]
        value = int(text) if schema["type"] == "integer" else text
    yield from violations(spec, schema, value)
    keys = [one["key"] for one in schema.get("x-open-enum", {}).get("enums", [])]
    if keys and value not in keys:
        yield f"{value} is none of {keys}"
    if schema["type"] == "integer" and not schema.get("minimum", value) <= value <= schema.get(
        "maximum", value
    ):
        yield f"{value} is out of bounds"
