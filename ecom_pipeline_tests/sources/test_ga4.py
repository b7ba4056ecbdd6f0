"""GA4: every session of every segment, over pages, expired tokens and reports that are not whole."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr

from ecom_pipeline.errors import AuthenticationError, SchemaError, SourceError
from ecom_pipeline.sandbox.events import Shop, TrafficDay
from ecom_pipeline.sandbox.server import run_sandbox
from ecom_pipeline.sandbox.vendors.ga4_report import count_events
from ecom_pipeline.sandbox.world import SECRET_CANARY, World
from ecom_pipeline.sources.ga4 import Ga4, source
from ecom_pipeline.sources.ga4.reports import EVENT_SESSIONS, TRAFFIC, parsed_page
from ecom_pipeline.sources.ga4.source import Ga4Settings

from .vendor_sandbox import NO_SLEEP, context_of, map_rows, raw_tables, small_shop, window_of

NOW = datetime(2026, 4, 1, 6, tzinfo=UTC)
WINDOW = window_of(date(2026, 2, 10), date(2026, 3, 30))


def traffic() -> list[TrafficDay]:
    found = []
    for n in range(60):
        day = date(2026, 2, 1) + timedelta(days=n)
        for at, channel in enumerate(("Direct", "Paid Search", "Organic Search")):
            for device, country in (("mobile", "FR"), ("desktop", "BE"), ("tablet", "(not set)")):
                sessions = 10 + n + at
                parts = (sessions, sessions - 3, 60 * sessions + 7, 6, at, 1)
                found.append(TrafficDay(day, channel, device, country, *parts))  # type: ignore[arg-type]
    return found


@pytest.fixture(scope="module")
def shop() -> Shop:
    shop = small_shop()
    shop.traffic = traffic()
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
    world.ga4_reads_at_most = None
    world.set_now(NOW)


@pytest.fixture
def ga4(served: tuple[World, str], world: World, monkeypatch: pytest.MonkeyPatch) -> Ga4:
    monkeypatch.setattr(Ga4, "patience", NO_SLEEP)
    settings = Ga4Settings(
        property_id=world.accounts["ga4_property_id"],
        service_account_json=SecretStr(world.google_service_account_json(served[1])),
        base_url=f"{served[1]}/analyticsdata",
    )
    return Ga4("web", settings, context_of(world))


def sessions(rows: list[Any]) -> int:
    return sum(row["sessions"] for row in rows)


def expected(shop: Shop) -> list[TrafficDay]:
    return [t for t in shop.traffic if WINDOW.first_day <= t.day <= WINDOW.last_day]


@pytest.mark.parametrize("page_rows", [100_000, 50])
def test_traffic_is_complete_over_pages_and_chunks(
    ga4: Ga4, shop: Shop, monkeypatch: pytest.MonkeyPatch, page_rows: int
) -> None:
    monkeypatch.setattr(source, "PAGE_ROWS", page_rows)
    rows = list(ga4.fetch(TRAFFIC.table, WINDOW))
    assert {
        (r["day"], r["channel"], r["device"], r["country"]): (
            r["sessions"],
            r["engaged_sessions"],
            r["engaged_seconds"],
        )
        for r in rows
    } == {
        (t.day, t.channel, t.device, t.country): (t.sessions, t.engaged_sessions, t.engagement_seconds)
        for t in expected(shop)
    }
    assert len(rows) == len(expected(shop))
    assert not any(row["is_sampled"] for row in rows)


def test_long_windows_are_asked_in_chunks(ga4: Ga4, world: World) -> None:
    list(ga4.fetch(TRAFFIC.table, WINDOW))
    ranges = [json.loads(entry.body)["dateRanges"] for entry in world.log if "runReport" in entry.path]
    assert ranges == [
        [{"startDate": "2026-02-10", "endDate": "2026-03-12"}],
        [{"startDate": "2026-03-13", "endDate": "2026-03-30"}],
    ]


def test_both_mappings_add_up_to_the_truth(ga4: Ga4, shop: Shop) -> None:
    tables = {
        "traffic": (TRAFFIC.table, ga4.fetch(TRAFFIC.table, WINDOW)),
        "events": (EVENT_SESSIONS.table, ga4.fetch(EVENT_SESSIONS.table, WINDOW)),
    }
    connection = raw_tables(tables)
    mappings = Ga4.declared_mappings(ga4.settings)
    totals: dict[tuple[Any, ...], int] = {}
    for name in ("web_traffic", "web_traffic__events"):
        for row in map_rows(connection, mappings[name]):
            for measure, value in row.items():
                if measure.endswith(("sessions", "seconds")):
                    key = (row["day"], row["channel"], row["device"], row["country"], measure)
                    totals[key] = totals.get(key, 0) + value
    for t in expected(shop):
        country = None if t.country == "(not set)" else t.country
        for measure, value in (
            ("sessions", t.sessions),
            ("engaged_seconds", t.engagement_seconds),
            ("cart_sessions", t.cart_sessions),
            ("checkout_sessions", t.checkout_sessions),
            ("purchase_sessions", t.purchase_sessions),
        ):
            assert totals[t.day, t.channel, t.device, country, measure] == value


def test_no_traffic_is_no_row(ga4: Ga4) -> None:
    assert list(ga4.fetch(TRAFFIC.table, window_of(date(2025, 1, 1), date(2025, 1, 2)))) == []


@pytest.mark.parametrize("kind", ["server_error", "rate_limited", "reset", "truncated_json", "expired_token"])
def test_passing_failures_lose_and_double_nothing(ga4: Ga4, world: World, kind: Any) -> None:
    calm = list(ga4.fetch(TRAFFIC.table, WINDOW))
    world.faults.arm("ga4", kind, skip=1)
    assert list(ga4.fetch(TRAFFIC.table, WINDOW)) == calm
    assert world.faults.pending() == []


def test_token_is_kept_and_renewed_when_it_runs_out(ga4: Ga4, world: World) -> None:
    def tokens() -> int:
        return sum(entry.path == "/google-oauth/token" for entry in world.log)

    day = window_of(date(2026, 3, 1), date(2026, 3, 1))
    list(ga4.fetch(TRAFFIC.table, day))
    list(ga4.fetch(EVENT_SESSIONS.table, day))
    assert tokens() == 1
    world.set_now(NOW + timedelta(hours=2))
    list(ga4.fetch(TRAFFIC.table, day))
    assert tokens() == 2
    assert {entry.status for entry in world.log} == {200}, "the old token is not even tried"


def test_token_that_google_withdraws_is_renewed(ga4: Ga4, world: World) -> None:
    calm = list(ga4.fetch(TRAFFIC.table, WINDOW))
    world.google_tokens.clear()
    assert list(ga4.fetch(TRAFFIC.table, WINDOW)) == calm


@pytest.mark.parametrize("kind", ["missing_column", "retyped_column"])
@pytest.mark.parametrize("column", ["date", "sessions"])
def test_missing_or_retyped_column_stops_the_table(ga4: Ga4, world: World, kind: Any, column: str) -> None:
    world.faults.arm("ga4", kind, column=column)
    with pytest.raises(SchemaError, match=f"web, traffic, 2026-02-10 to 2026-03-30: .*{column}"):
        list(ga4.fetch(TRAFFIC.table, WINDOW))


def test_added_column_changes_nothing(ga4: Ga4, world: World) -> None:
    calm = list(ga4.fetch(TRAFFIC.table, WINDOW))
    world.faults.arm("ga4", "extra_column", column="browser", beside="deviceCategory", times=2)
    assert list(ga4.fetch(TRAFFIC.table, WINDOW)) == calm


def test_repeated_page_is_refused(ga4: Ga4, world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(source, "PAGE_ROWS", 50)
    world.faults.arm("ga4", "repeated_page")
    with pytest.raises(SourceError, match="do not follow one another"):
        list(ga4.fetch(TRAFFIC.table, WINDOW))


def answered(total: int, metadata: dict[str, Any] | None = None) -> dict[str, Any]:
    names = ("date", "sessionDefaultChannelGroup", "deviceCategory", "countryId")
    values = ("20260301", "Direct", "mobile", "FR")
    return {
        "dimensionHeaders": [{"name": name} for name in names],
        "metricHeaders": [{"name": name} for name in TRAFFIC.metrics],
        "rows": [
            {
                "dimensionValues": [{"value": value} for value in values],
                "metricValues": [{"value": "3"}, {"value": "2"}, {"value": "12.0"}],
            }
        ],
        "rowCount": total,
        "metadata": metadata or {},
    }


@pytest.mark.parametrize(
    "metadata",
    [
        {"dataLossFromOtherRow": True},
        {"subjectToThresholding": True},
        {"samplingMetadatas": [{"samplesReadCount": "5", "samplingSpaceSize": "10"}]},
    ],
)
def test_what_google_estimates_is_marked(metadata: dict[str, Any]) -> None:
    rows = parsed_page(answered(1, metadata), TRAFFIC, "web").rows
    assert rows == [{**rows[0], "is_sampled": True, "engaged_seconds": 12, "day": date(2026, 3, 1)}]


@pytest.mark.parametrize(
    ("sample", "share"), [(("5", "10"), "0.5"), (("2", "3"), "0.666666"), (("7", "7"), "1"), (None, "1")]
)
def test_the_share_read_is_told_and_never_rounded_up(sample: tuple[str, str] | None, share: str) -> None:
    metadata = sample and {
        "samplingMetadatas": [{"samplesReadCount": sample[0], "samplingSpaceSize": sample[1]}]
    }
    page = parsed_page(answered(1, metadata or {}), TRAFFIC, "web")
    assert page.read_share == Decimal(share) == page.rows[0]["read_share"]


@pytest.mark.parametrize(
    "sample", [{}, {"samplesReadCount": "5"}, {"samplesReadCount": "5", "samplingSpaceSize": "4"}]
)
def test_a_sample_that_makes_no_sense_stops_the_table(sample: dict[str, str]) -> None:
    with pytest.raises(SchemaError, match="web"):
        parsed_page(answered(1, {"samplingMetadatas": [sample]}), TRAFFIC, "web")


def events_of(shop: Shop, first_day: date, last_day: date) -> int:
    return count_events(one for one in shop.traffic if first_day <= one.day <= last_day)


def test_a_sampled_window_is_asked_in_halves_until_it_is_whole(ga4: Ga4, shop: Shop, world: World) -> None:
    """Every day fits what Google reads at once, no week does: nothing is estimated in the end."""
    whole = list(ga4.fetch(TRAFFIC.table, WINDOW))
    days = [WINDOW.first_day + timedelta(days=n) for n in range(49)]
    world.ga4_reads_at_most = max(events_of(shop, day, day) for day in days)
    assert list(ga4.fetch(TRAFFIC.table, WINDOW)) == whole
    assert not any(row["is_sampled"] for row in whole)


def test_a_day_that_cannot_be_read_whole_tells_its_share(ga4: Ga4, shop: Shop, world: World) -> None:
    whole = {key_of(row): row for row in ga4.fetch(TRAFFIC.table, WINDOW)}
    days = [WINDOW.first_day + timedelta(days=n) for n in range(49)]
    events = {day: events_of(shop, day, day) for day in days}
    most = sorted(events.values())[24]
    world.ga4_reads_at_most = most
    found = {key_of(row): row for row in ga4.fetch(TRAFFIC.table, WINDOW)}
    assert found.keys() == whole.keys()
    assert {row["is_sampled"] for row in found.values()} == {True, False}
    for key, row in found.items():
        share = min(Decimal(1), Decimal(most) / events[row["day"]])
        assert share - Decimal("0.000001") < row["read_share"] <= share
        assert row["is_sampled"] is (share < 1)
        if share == 1:
            assert row == whole[key]


def key_of(row: Any) -> tuple[Any, ...]:
    return tuple(row[name] for name in ("day", "channel", "device", "country"))


def test_fewer_rows_than_announced_are_an_error(ga4: Ga4, monkeypatch: pytest.MonkeyPatch) -> None:
    pages = iter([answered(2), {"rowCount": 2}])
    monkeypatch.setattr("ecom_pipeline.sources.http.HttpClient.post_json", lambda *_: next(pages))
    with pytest.raises(SourceError, match="do not follow"):
        list(ga4.fetch(TRAFFIC.table, window_of(date(2026, 3, 1), date(2026, 3, 1))))


def test_report_that_changes_while_read_is_an_error(ga4: Ga4, monkeypatch: pytest.MonkeyPatch) -> None:
    other = answered(2)
    other["rows"][0]["dimensionValues"][1]["value"] = "Email"
    pages = iter([answered(3), other])
    monkeypatch.setattr("ecom_pipeline.sources.http.HttpClient.post_json", lambda *_: next(pages))
    with pytest.raises(SourceError, match="changed while it was read"):
        list(ga4.fetch(TRAFFIC.table, window_of(date(2026, 3, 1), date(2026, 3, 1))))


def test_check_finds_access_and_time_zone(ga4: Ga4, world: World) -> None:
    assert [finding.state for finding in ga4.check()] == ["ok", "ok"]
    world.missing_rights.add(("ga4", "viewer"))
    (finding,) = ga4.check()
    assert finding.state == "error" and "Viewer" in finding.mend


def test_check_says_what_google_estimates_or_withholds(
    ga4: Ga4, shop: Shop, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.ga4_reads_at_most = events_of(shop, date(2026, 3, 31), date(2026, 3, 31)) // 2
    (sampling,) = [finding for finding in ga4.check() if finding.state == "warning"]
    assert sampling.subject == "web, sampling" and "50%" in sampling.detail
    told = answered(1, {"subjectToThresholding": True, "timeZone": shop.time_zone})
    monkeypatch.setattr("ecom_pipeline.sources.http.HttpClient.post_json", lambda *_: told)
    (withheld,) = [finding for finding in ga4.check() if finding.state == "warning"]
    assert withheld.subject == "web, thresholds" and "Device-based" in withheld.mend


def test_check_warns_of_another_time_zone(ga4: Ga4, shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shop, "time_zone", "America/New_York")
    assert [(finding.subject, finding.state) for finding in ga4.check()] == [
        ("web", "ok"),
        ("web, time zone", "warning"),
    ]


@pytest.mark.parametrize("text", ["", "{}", "not json", '{"private_key": "x", "client_email": "a@b"}', "[]"])
def test_wrong_key_file_is_named_and_not_shown(ga4: Ga4, world: World, text: str) -> None:
    settings = ga4.settings.model_copy(update={"service_account_json": SecretStr(text)})
    other = Ga4("web", settings, context_of(world))
    with pytest.raises(AuthenticationError, match="web: the service account's key cannot be used"):
        list(other.fetch(TRAFFIC.table, WINDOW))
    assert [finding.state for finding in other.check()] == ["error"]


def test_unknown_service_account_is_an_authentication_error(
    ga4: Ga4, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(world.accounts, "google_service_account", "another@example.org")
    with pytest.raises(AuthenticationError) as caught:
        list(ga4.fetch(TRAFFIC.table, WINDOW))
    assert "invalid_grant" in caught.value.why and "Viewer" in caught.value.mend
    assert SECRET_CANARY not in str(caught.value) and "PRIVATE KEY" not in str(caught.value)


def test_requests_follow_the_discovery_document(ga4: Ga4, world: World, shared: Path) -> None:
    document = shared / "specs" / "google-discovery" / "analyticsdata.v1beta.json"
    schemas = json.loads(document.read_text())["schemas"]

    def conforms(value: Any, schema: dict[str, Any]) -> None:
        if "$ref" in schema:
            schema = schemas[schema["$ref"]]
        match schema["type"]:
            case "object":
                for name, inner in value.items():
                    assert name in schema["properties"], name
                    conforms(inner, schema["properties"][name])
            case "array":
                for inner in value:
                    conforms(inner, schema["items"])
            case "string":
                assert isinstance(value, str)
            case "boolean":
                assert isinstance(value, bool)
            case other:
                raise AssertionError(other)

    for report in (TRAFFIC, EVENT_SESSIONS):
        list(ga4.fetch(report.table, WINDOW))
    bodies = [json.loads(entry.body) for entry in world.log if "runReport" in entry.path]
    assert len(bodies) == 4
    for body in bodies:
        conforms(body, {"$ref": "RunReportRequest"})
