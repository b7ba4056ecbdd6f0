"""Meta Ads: one way of counting purchases, every campaign's spend, limits obeyed and no token in an address."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import ROUND_HALF_UP, Decimal
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr, ValidationError

from ecom_pipeline.errors import AuthenticationError, SchemaError, SourceError
from ecom_pipeline.sandbox.events import ONE_SHOP, AdDay, Shop, settled_share
from ecom_pipeline.sandbox.server import run_sandbox
from ecom_pipeline.sandbox.vendors import meta_ads as twin
from ecom_pipeline.sandbox.world import World
from ecom_pipeline.sources.http import Patience, ThrottledError
from ecom_pipeline.sources.meta_ads import MetaAds
from ecom_pipeline.sources.meta_ads import source as module
from ecom_pipeline.sources.meta_ads.insights import CAMPAIGN_INSIGHTS, FIELDS, parsed_row
from ecom_pipeline.sources.meta_ads.source import MetaAdsSettings
from ecom_pipeline.sources.meta_graph import is_nearly_used_up, recognized, wait_for_access

from ..simulation import reading, simulate
from .contract_suite import Case, SourceContract, Ticks
from .vendor_sandbox import NO_SLEEP, context_of, map_rows, raw_tables, small_shop, window_of

TODAY = date(2026, 4, 1)
NOW = datetime(2026, 4, 1, 6, tzinfo=UTC)
FIRST, LAST = date(2026, 1, 1), date(2026, 3, 31)
WINDOW = window_of(FIRST, LAST)


class TestMetaAds(SourceContract):
    """The common contract."""

    case = Case(
        "meta_ads",
        "meta",
        "campaign_insights",
        "spend",
        where="/insights",
        small_pages=("ecom_pipeline.sources.meta_ads.source.PAGE_ROWS",),
    )
    business = reading("meta", business=replace(ONE_SHOP, ad_platforms=("google_ads", "meta")))


def ads() -> list[AdDay]:
    """Three campaigns over ninety days; the third rests since the middle of February."""
    found = []
    for n in range(90):
        for campaign in range(3 if n < 45 else 2):
            value = Decimal("17.35") * n + campaign
            amounts = (900 + n, 30 + n, 10_000 * (4_321 + n), Decimal(n % 7), value.quantize(Decimal("0.01")))
            found.append(
                AdDay(
                    FIRST + timedelta(days=n),
                    120 + campaign,
                    f"Campagne {campaign}",
                    "SOCIAL",
                    *amounts,
                    0,
                    0,
                    "meta",
                )
            )
    other = AdDay(FIRST, 120, "Elsewhere", "SOCIAL", 5, 5, 50_000, Decimal(1), Decimal(1), 0, 0, "tiktok")
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
    world.throttles.clear()


@pytest.fixture
def meta(served: tuple[World, str], world: World, monkeypatch: pytest.MonkeyPatch) -> MetaAds:
    monkeypatch.setattr(MetaAds, "patience", NO_SLEEP)
    settings = MetaAdsSettings(
        ad_account_id=f"act_{twin.ACCOUNT}",
        access_token=SecretStr(world.secrets["meta_access_token"]),
        base_url=f"{served[1]}/meta",
    )
    return MetaAds("meta", settings, context_of(world))


def other(meta: MetaAds, world: World, **changed: Any) -> MetaAds:
    return MetaAds("meta", meta.settings.model_copy(update=changed), context_of(world))


def fetched(meta: MetaAds) -> dict[tuple[date, str], Any]:
    rows = list(meta.fetch(CAMPAIGN_INSIGHTS, WINDOW))
    found = {(row["day"], row["campaign_id"]): row for row in rows}
    assert len(found) == len(rows), "a campaign's day came twice"
    return found


def settled(ad: AdDay) -> Decimal:
    share = settled_share((TODAY - ad.day).days)
    return (ad.conversion_value * share).quantize(Decimal("0.01"), ROUND_HALF_UP)


def mine(shop: Shop) -> list[AdDay]:
    return [ad for ad in shop.ads if ad.platform == "meta"]


def test_every_campaign_day_is_exact_also_of_archived_ones(meta: MetaAds, shop: Shop) -> None:
    rows = fetched(meta)
    assert set(rows) == {(ad.day, str(ad.campaign_id)) for ad in mine(shop)}
    for ad in mine(shop):
        row = rows[ad.day, str(ad.campaign_id)]
        assert (row["campaign"], row["currency"]) == (ad.campaign_name, "EUR")
        assert row["spend"] == Decimal(ad.cost_micros) / 1_000_000
        assert (row["impressions"], row["link_clicks"]) == (ad.impressions, ad.clicks)
        assert row["purchase_value"] == settled(ad)


def test_a_purchase_counts_once_and_in_the_windows_named(meta: MetaAds, world: World) -> None:
    whole = fetched(meta)
    clicked = fetched(other(meta, world, attribution_windows=("7d_click",)))
    viewed = fetched(other(meta, world, attribution_windows=("1d_view",)))
    late = fetched(other(meta, world, attribution_windows=("28d_click", "1d_view")))
    pixel = fetched(other(meta, world, purchase_action="offsite_conversion.fb_pixel_purchase"))
    nothing = fetched(other(meta, world, purchase_action="onsite_web_purchase"))
    assert pixel == whole
    assert {row["purchases"] for row in nothing.values()} == {0}
    for key, row in whole.items():
        assert row["purchase_value"] == clicked[key]["purchase_value"] + viewed[key]["purchase_value"]
        assert late[key]["purchase_value"] >= row["purchase_value"]
    assert any(row["purchase_value"] for row in viewed.values())


def test_late_conversions_are_read_again(tmp_path: Path) -> None:
    """What a day brought is not known the morning after; the runs of the next four weeks mend it."""
    with simulate(tmp_path, seed=11, days=42, orders_per_day=60, business=TestMetaAds.business) as simulation:
        (table,) = simulation.pipeline.tables("meta")
        last_day = simulation.shop.last_day
        days = {back: last_day - timedelta(days=back) for back in (28, 27)}

        def told(day: date) -> Decimal:
            rows = simulation.query(
                "SELECT SUM(purchase_value) FROM raw.meta__campaign_insights WHERE day = ?", [day]
            )
            return Decimal(rows[0][0])

        early = {}
        for back in range(28, -1, -1):  # a run every morning
            day = last_day - timedelta(days=back)
            simulation.set_day(day)
            simulation.pipeline.extract("meta", table, day, day)
            if back in days:
                early[back] = told(day)
        ((first_read,),) = simulation.query("SELECT first_day FROM ops.loads ORDER BY load_id DESC LIMIT 1")
        final = {
            back: sum(
                ad.conversion_value for ad in simulation.shop.ads if ad.platform == "meta" and ad.day == day
            )
            for back, day in days.items()
        }
        for back, day in days.items():
            assert early[back] < final[back] == told(day)
        assert first_read == days[27], "older than that, only a backfill reads it again"


def test_mapping_gives_paid_social_in_full(meta: MetaAds, shop: Shop) -> None:
    connection = raw_tables({"campaign_insights": (CAMPAIGN_INSIGHTS, fetched(meta).values())})
    (sql,) = MetaAds.declared_mappings(meta.settings).values()
    mapped = {(row["day"], row["campaign_id"]): row for row in map_rows(connection, sql)}
    for ad in mine(shop):
        row = mapped[ad.day, str(ad.campaign_id)]
        assert (row["platform"], row["channel"]) == ("the_source", "Paid Social")
        assert (row["spend"], row["clicks"]) == (Decimal(ad.cost_micros) / 1_000_000, ad.clicks)
        assert row["conversion_value"] == settled(ad)
    assert "top_impressions" not in row, "nothing is above search results here"


def test_the_token_travels_in_no_address(
    meta: MetaAds, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "PAGE_ROWS", 10)
    fetched(meta)
    assert len(world.log) > 20
    for entry in world.log:
        assert "access_token" not in entry.query and entry.headers["authorization"] == "present"


@pytest.mark.parametrize("timed_out", [(100, 1_504_018, 400), (2, 1_504_038, 500), (100, 1_487_534, 400)])
def test_what_cannot_be_computed_at_once_is_asked_in_halves(
    meta: MetaAds, world: World, monkeypatch: pytest.MonkeyPatch, timed_out: Any
) -> None:
    calm = fetched(meta)
    monkeypatch.setattr(twin, "TIMED_OUT", timed_out)
    monkeypatch.setattr(twin, "COMPUTABLE_DAYS", 5)
    world.log.clear()
    assert fetched(meta) == calm
    refused = [entry for entry in world.log if entry.status != 200]
    assert refused and len({entry.query for entry in refused}) == len(refused), "none is asked twice alike"


def test_a_time_limit_in_the_middle_of_the_pages_doubles_nothing(
    meta: MetaAds, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    calm = fetched(meta)
    monkeypatch.setattr(module, "PAGE_ROWS", 10)
    rows = meta.fetch(CAMPAIGN_INSIGHTS, WINDOW)
    begun = [next(rows) for _ in range(10)]
    monkeypatch.setattr(twin, "COMPUTABLE_DAYS", 20)
    assert sorted([*begun, *rows], key=lambda row: (row["day"], row["campaign_id"])) == list(calm.values())


def test_a_day_that_cannot_be_computed_is_named(meta: MetaAds, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(twin, "COMPUTABLE_DAYS", 0)
    with pytest.raises(SourceError, match=r"meta, campaign_insights, 2026-01-01 to 2026-03-31.*at once"):
        fetched(meta)


def test_a_used_up_allowance_waits_as_long_as_told(
    meta: MetaAds, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    waits: list[float] = []
    monkeypatch.setattr(MetaAds, "patience", Patience(sleep=waits.append))
    world.faults.arm("meta_ads", "rate_limited")
    assert fetched(meta)
    assert waits == [300.0], "five minutes, though the status is 400"
    world.faults.arm("meta_ads", "rate_limited", times=4)
    with pytest.raises(ThrottledError, match="meta, campaign_insights"):
        fetched(meta)


def test_it_pauses_before_the_allowance_is_used_up(
    meta: MetaAds, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    ticks = Ticks(world.ticks())
    monkeypatch.setattr(world, "ticks", ticks)
    monkeypatch.setattr(MetaAds, "patience", Patience(sleep=ticks.pass_by))
    monkeypatch.setattr(module, "PAGE_ROWS", 10)
    world.throttles["meta_ads"] = 2
    began = ticks()
    assert fetched(meta)
    refused = [entry for entry in world.log if entry.fault == "throttled"]
    assert len(refused) <= 3, "only between two reports, whose last pages were not waited for"
    assert ticks() - began >= 60 * 10


@pytest.mark.parametrize(
    ("code", "headers", "seconds"),
    [
        (17, {}, 60),
        (4, {"X-Business-Use-Case-Usage": json.dumps({"1": [{"estimated_time_to_regain_access": 0}]})}, 60),
        (613, {"X-Ad-Account-Usage": json.dumps({"reset_time_duration": 120})}, 120),
        (
            80_004,
            {
                "X-Business-Use-Case-Usage": json.dumps(
                    {"1": [{"estimated_time_to_regain_access": 2}, {"estimated_time_to_regain_access": 3}]}
                )
            },
            180,
        ),
        (80_000, {"X-Business-Use-Case-Usage": "no JSON"}, 60),
        (100, {}, None),
        (190, {}, None),
    ],
)
def test_how_long_each_refusal_lasts(code: int, headers: dict[str, str], seconds: float | None) -> None:
    assert wait_for_access(400, headers, {"error": {"code": code}}, 60) == seconds
    assert wait_for_access(200, headers, {"data": []}, 60) is None


def test_an_allowance_is_nearly_used_up() -> None:
    for told, nearly in (({"app_id_util_pct": 96.5}, True), ({"acc_id_util_pct": 100}, True), ({}, False)):
        assert is_nearly_used_up({"x-fb-ads-insights-throttle": json.dumps(told)}) == nearly
    assert not is_nearly_used_up({}) and not is_nearly_used_up({"x-fb-ads-insights-throttle": "[1]"})


def test_what_passes_is_asked_again_and_what_does_not_is_not() -> None:
    passing = recognized(400, {"error": {"code": 2, "is_transient": True}})
    assert passing is not None and passing.again
    assert recognized(400, {"error": {"code": 100}}) is None and recognized(500, None) is None


def test_an_expired_token_is_named_as_such(meta: MetaAds, world: World) -> None:
    world.faults.arm("meta_ads", "expired_token")
    with pytest.raises(AuthenticationError, match="meta, campaign_insights") as caught:
        fetched(meta)
    assert "190" in caught.value.why and "ads_read" in caught.value.mend
    assert len(world.log) == 1, "asking again would not help"


def test_check_names_what_is_missing(
    meta: MetaAds, world: World, shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert {finding.state for finding in meta.check()} == {"ok"}
    unusual = other(meta, world, purchase_action="onsite_web_purchase").check()
    assert [finding.state for finding in unusual] == ["ok", "ok", "warning"]
    assert "omni_purchase" in unusual[2].detail
    monkeypatch.setattr(shop, "time_zone", "America/New_York")
    assert [finding.state for finding in meta.check()] == ["ok", "warning", "ok"]
    world.missing_rights.add(("meta_ads", "ads_read"))
    (finding,) = meta.check()
    assert finding.state == "error" and "ads_read" in finding.mend


def answered(**changed: Any) -> dict[str, Any]:
    return {
        "campaign_id": "1",
        "campaign_name": "A",
        "account_currency": "EUR",
        "spend": "1.5",
        "impressions": "7",
        "date_start": "2026-03-01",
        "date_stop": "2026-03-01",
        **changed,
    }


def parsed(**changed: Any) -> Any:
    return parsed_row(answered(**changed), "omni_purchase", ("7d_click", "1d_view"), "meta")


def test_what_is_left_out_is_zero() -> None:
    row = parsed()
    assert (row["link_clicks"], row["purchases"], row["purchase_value"]) == (0, 0, 0)
    clicked = [{"action_type": "omni_purchase", "value": "9", "7d_click": "2"}]
    assert parsed(actions=clicked)["purchases"] == 2


@pytest.mark.parametrize(
    "wrong",
    [
        {"spend": 1.5},
        {"spend": "much"},
        {"impressions": "1.5"},
        {"date_start": "yesterday"},
        {"date_stop": "2026-03-02"},
        {"actions": {}},
        {"actions": [{"value": "1"}]},
        {"actions": [{"action_type": "omni_purchase", "7d_click": 1}]},
        {"actions": [{"action_type": "omni_purchase"}, {"action_type": "omni_purchase"}]},
    ],
)
def test_rows_of_another_form_are_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(SchemaError, match="meta"):
        parsed(**wrong)


def test_windows_that_hold_one_another_are_refused(meta: MetaAds) -> None:
    values = meta.settings.model_dump()
    for windows in (("1d_click", "7d_click"), (), ("7d_view",)):
        with pytest.raises(ValidationError, match="attribution_windows"):
            MetaAdsSettings(**{**values, "attribution_windows": windows})


def test_personal_fields_are_not_asked_for(meta: MetaAds, world: World) -> None:
    meta.check()
    fetched(meta)
    assert not any(
        "owner" in entry.query or "name%2C" in entry.query
        for entry in world.log
        if "insights" not in entry.path
    )
    assert "account_name" not in FIELDS
