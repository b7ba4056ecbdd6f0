"""Google Ads: spend to the micro, conversions to the hundredth, top positions to the impression."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from decimal import ROUND_HALF_UP, Decimal
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr, ValidationError

from ecom_pipeline.errors import AuthenticationError, SchemaError, SourceError
from ecom_pipeline.sandbox.events import AdDay, Shop, settled_share
from ecom_pipeline.sandbox.server import run_sandbox
from ecom_pipeline.sandbox.world import SECRET_CANARY, World
from ecom_pipeline.sources.google_ads import GoogleAds
from ecom_pipeline.sources.google_ads.report import CAMPAIGN_PERFORMANCE, FIELDS, parsed_stream
from ecom_pipeline.sources.google_ads.source import GoogleAdsSettings
from ecom_pipeline.sources.http import Patience, ThrottledError

from .vendor_sandbox import NO_SLEEP, context_of, map_rows, raw_tables, small_shop, window_of

NOW = datetime(2026, 4, 1, 6, tzinfo=UTC)
TODAY = date(2026, 4, 1)
WINDOW = window_of(date(2025, 12, 1), date(2026, 3, 31))
CHANNELS = {
    "SEARCH": "Paid Search",
    "PERFORMANCE_MAX": "Cross-network",
    "SHOPPING": "Paid Shopping",
    "DISPLAY": "Display",
    "VIDEO": "Paid Video",
}


def ads() -> list[AdDay]:
    found = []
    for n in range(400):
        kind = tuple(CHANNELS)[n % 5]
        impressions = 1000 + 37 * n
        top = impressions * (n % 100) // 100 if kind == "SEARCH" else 0
        day = date(2025, 12, 20) + timedelta(days=n // 5)
        amounts = (Decimal("1.37") * n, Decimal("99.99") + n)
        found.append(
            AdDay(day, 70 + n % 5, f"{kind} é", kind, impressions, n, 1_234_567 * n, *amounts, top, top // 3)  # type: ignore[arg-type]
        )
    return found


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
def google_ads(served: tuple[World, str], world: World, monkeypatch: pytest.MonkeyPatch) -> GoogleAds:
    monkeypatch.setattr(GoogleAds, "patience", NO_SLEEP)
    secrets = world.secrets
    settings = GoogleAdsSettings(
        customer_id="555-123-4567",
        login_customer_id=world.accounts["google_ads_login_customer_id"],
        developer_token=SecretStr(secrets["google_ads_developer_token"]),
        client_id=SecretStr(secrets["google_oauth_client_id"]),
        client_secret=SecretStr(secrets["google_oauth_client_secret"]),
        refresh_token=SecretStr(secrets["google_oauth_refresh_token"]),
        base_url=f"{served[1]}/googleads",
        token_url=f"{served[1]}/google-oauth/token",
    )
    return GoogleAds("ads", settings, context_of(world))


def fetched(google_ads: GoogleAds) -> list[Any]:
    return list(google_ads.fetch(CAMPAIGN_PERFORMANCE, WINDOW))


def cents(value: Decimal) -> Decimal:
    return value.quantize(Decimal("0.01"), ROUND_HALF_UP)


def test_every_campaign_day_is_exact(google_ads: GoogleAds, shop: Shop, world: World) -> None:
    rows = {(row["day"], row["campaign_id"]): row for row in fetched(google_ads)}
    known = [ad for ad in shop.ads if ad.day < TODAY]
    assert set(rows) == {(ad.day, str(ad.campaign_id)) for ad in known}
    for ad in known:
        row, share = rows[ad.day, str(ad.campaign_id)], settled_share((TODAY - ad.day).days)
        assert row["cost"] == Decimal(ad.cost_micros) / 1_000_000
        assert (row["clicks"], row["impressions"]) == (ad.clicks, ad.impressions)
        assert row["conversions"] == cents(ad.conversions * share)
        assert row["conversion_value"] == cents(ad.conversion_value * share)
        if ad.channel_type == "SEARCH":
            assert (row["top_impressions"] or 0, row["absolute_top_impressions"] or 0) == (
                ad.top_impressions,
                ad.absolute_top_impressions,
            )
        else:
            assert row["top_impressions"] is None
    assert sum("searchStream" in entry.path for entry in world.log) == 2, "121 days are two requests"


def test_mapping_names_channels_and_keeps_the_spend(google_ads: GoogleAds, shop: Shop) -> None:
    connection = raw_tables({"campaign_performance": (CAMPAIGN_PERFORMANCE, fetched(google_ads))})
    rows = map_rows(connection, GoogleAds.declared_mappings(google_ads.settings)["ad_performance"])
    by_key = {(row["day"], row["campaign_id"]): row for row in rows}
    for ad in shop.ads:
        if ad.day < TODAY:
            row = by_key[ad.day, str(ad.campaign_id)]
            micros = Decimal(ad.cost_micros) / 1_000_000
            assert row["spend"] == micros.quantize(Decimal("0.0001"), ROUND_HALF_UP)
            assert row["channel"] == CHANNELS[ad.channel_type]
            assert row["top_impressions"] == (ad.top_impressions if ad.channel_type == "SEARCH" else None)


def test_demand_gen_and_unknown_kinds_are_paid_other(google_ads: GoogleAds) -> None:
    row = next(iter(parsed_stream(answered(), "ads")))
    rows = [{**row, "channel_type": kind, "campaign_id": kind} for kind in ("DEMAND_GEN", "SMART", "TRAVEL")]
    connection = raw_tables({"campaign_performance": (CAMPAIGN_PERFORMANCE, rows)})
    mapped = map_rows(connection, GoogleAds.declared_mappings(google_ads.settings)["ad_performance"])
    assert {row["channel"] for row in mapped} == {"Paid Other"}


def answered(**metrics: Any) -> list[dict[str, Any]]:
    """A stream of one result, decoded as the client decodes it."""
    result = {
        "segments": {"date": "2026-03-01"},
        "campaign": {"id": "1", "name": "A", "advertisingChannelType": "SEARCH"},
        "customer": {"currencyCode": "EUR"},
        "metrics": metrics,
    }
    return [json.loads(json.dumps({"results": [result]}), parse_float=Decimal)]


def test_figures_left_out_are_zero_and_shares_unknown() -> None:
    (row,) = parsed_stream(answered(), "ads")
    assert (row["cost"], row["clicks"], row["conversions"], row["top_impressions"]) == (0, 0, 0, None)


def test_doubles_are_rounded_as_written() -> None:
    doubles = {"conversions": 2.675, "conversionsValue": 1.005, "topImpressionPercentage": 0.5}
    (row,) = parsed_stream(answered(impressions="3", **doubles), "ads")
    assert (row["conversions"], row["conversion_value"]) == (Decimal("2.68"), Decimal("1.01"))
    assert row["top_impressions"] == 2


@pytest.mark.parametrize(
    "wrong",
    [
        {"error": {}},
        [{"results": [{"segments": {}}]}],
        answered(costMicros=1.5),
        answered(clicks="many"),
        answered(conversions="2"),
        [{**answered()[0], "fieldMask": "segments.date,campaign.id"}],
    ],
)
def test_answers_of_another_form_are_refused(wrong: Any) -> None:
    with pytest.raises(SchemaError, match="ads"):
        list(parsed_stream(wrong, "ads"))


@pytest.mark.parametrize("kind", ["server_error", "reset", "truncated_json", "expired_token"])
def test_passing_failures_lose_and_double_nothing(google_ads: GoogleAds, world: World, kind: Any) -> None:
    calm = fetched(google_ads)
    world.faults.arm("google_ads", kind, skip=1)
    assert fetched(google_ads) == calm
    assert world.faults.pending() == []


def test_used_up_quota_waits_as_long_as_asked(
    google_ads: GoogleAds, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    waits: list[float] = []
    monkeypatch.setattr(GoogleAds, "patience", Patience(sleep=waits.append))
    world.faults.arm("google_ads", "rate_limited")
    assert fetched(google_ads)
    assert waits == [900.0]
    world.faults.arm("google_ads", "rate_limited", times=2)
    with pytest.raises(ThrottledError, match="ads, campaign_performance, 2025-12-01 to 2026-03-31"):
        fetched(google_ads)


@pytest.mark.parametrize("column", ["currencyCode", "id", "date"])
@pytest.mark.parametrize("kind", ["missing_column", "retyped_column"])
def test_missing_or_retyped_field_stops_the_table(
    google_ads: GoogleAds, world: World, kind: Any, column: str
) -> None:
    world.faults.arm("google_ads", kind, column=column)
    with pytest.raises(SchemaError, match=column):
        fetched(google_ads)


def other(google_ads: GoogleAds, world: World, **changed: Any) -> GoogleAds:
    return GoogleAds("ads", google_ads.settings.model_copy(update=changed), context_of(world))


def test_check_tells_which_key_is_refused(google_ads: GoogleAds, world: World) -> None:
    assert [finding.state for finding in google_ads.check()] == ["ok", "ok"]
    wrong = SecretStr("canary-secret-wrong")
    for changed, subject in (
        ({"developer_token": wrong}, "ads, developer token"),
        ({"refresh_token": wrong}, "ads, sign-in"),
        ({"client_secret": wrong}, "ads, sign-in"),
        ({"login_customer_id": None}, "ads, account"),
        ({"customer_id": "1112223333"}, "ads, account"),
    ):
        (finding,) = other(google_ads, world, **changed).check()
        assert (finding.subject, finding.state) == (subject, "error")
        assert SECRET_CANARY not in repr(finding) and finding.mend


def test_revoked_consent_is_an_authentication_error(google_ads: GoogleAds, world: World) -> None:
    revoked = other(google_ads, world, refresh_token=SecretStr("1//canary-secret-old"))
    with pytest.raises(AuthenticationError) as caught:
        fetched(revoked)
    assert SECRET_CANARY not in str(caught.value) and "invalid_grant" in caught.value.why


def test_server_that_stays_down_is_named(google_ads: GoogleAds, world: World) -> None:
    world.faults.arm("google_ads", "server_error", times=50, status=503)
    with pytest.raises(SourceError, match="ads, campaign_performance, 2025-12-01 to 2026-03-31"):
        fetched(google_ads)


def test_check_warns_of_another_time_zone(
    google_ads: GoogleAds, shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shop, "time_zone", "America/New_York")
    assert [finding.state for finding in google_ads.check()] == ["ok", "warning"]


def test_bad_account_numbers_are_refused_at_once(google_ads: GoogleAds) -> None:
    values = google_ads.settings.model_dump()
    with pytest.raises(ValidationError, match="customer_id"):
        GoogleAdsSettings(**{**values, "customer_id": "12345"})


def test_fields_exist_in_the_version_asked(shared: Path) -> None:
    specs = shared / "specs" / "google-ads"
    metrics = json.loads((specs / "v26_metrics_fields.json").read_text())["fields"]
    segments = json.loads((specs / "v26_segments.json").read_text())
    for field in FIELDS:
        message, _, name = field.partition(".")
        assert name in {"metrics": metrics, "segments": segments}.get(message, [name])
    kinds = {field: metrics[field.partition(".")[2]] for field in FIELDS if field.startswith("metrics.")}
    assert kinds["metrics.cost_micros"] == "int64" and kinds["metrics.conversions_value"] == "double"
