"""Google Play: monthly files in UTF-16, late days awaited and then missed, restated ones read again."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr, ValidationError

from ecom_pipeline.kpis.definition import kpis
from ecom_pipeline.sandbox.events import AppDay, Shop
from ecom_pipeline.sandbox.generator import generate_shop
from ecom_pipeline.sandbox.server import run_sandbox
from ecom_pipeline.sandbox.vendors import google_play as twin
from ecom_pipeline.sandbox.world import World
from ecom_pipeline.sources.google_play import GooglePlay
from ecom_pipeline.sources.google_play.report import INSTALLS
from ecom_pipeline.sources.google_play.source import (
    MOST_READY_DAYS,
    PACIFIC,
    GooglePlayColumns,
    GooglePlaySettings,
)
from ecom_pipeline.sources.http import TruncatedAnswerError, UnavailableError
from ecom_pipeline.sources.pagination import PagingError
from ecom_pipeline.warehouse.raw_log import restated_window

from ..simulation import reading, simulate
from .contract_suite import Case, SourceContract
from .vendor_sandbox import NO_SLEEP, context_of, map_rows, raw_tables, window_of

FIRST, LAST = date(2026, 2, 1), date(2026, 4, 3)
NOW = datetime(2026, 4, 4, 4, tzinfo=UTC)
COUNTED = date(2026, 3, 31)  # still 3 April in California, and days take three
WHOLE = window_of(FIRST, LAST, NOW)


class TestContract(SourceContract):
    case = Case("google_play", "google_play", "installs", "Install events", where="alt=media", cuts=False)
    business = reading("google_play")


@pytest.fixture(scope="module")
def shop() -> Shop:
    return generate_shop(5, FIRST, LAST, orders_per_day=8)


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
    world.throttles.clear()
    world.missing_rights.clear()
    world.faults.clear()
    world.set_now(NOW)


def client(served: tuple[World, str], **settings: Any) -> GooglePlay:
    world, url = served
    (told,) = twin.instances(world, url)
    keys = {name: SecretStr(value) for name, value in told.secrets.items()}
    return GooglePlay(
        "google_play", GooglePlaySettings(**(told.settings | keys | settings)), context_of(world)
    )


@pytest.fixture
def play(served: tuple[World, str], world: World, monkeypatch: pytest.MonkeyPatch) -> GooglePlay:
    monkeypatch.setattr(GooglePlay, "patience", NO_SLEEP)
    return client(served)


def fetched(play: GooglePlay, first_day: date = FIRST, last_day: date = LAST) -> list[Any]:
    return list(play.fetch(INSTALLS, window_of(first_day, last_day, NOW)))


def truth(shop: Shop) -> dict[date, tuple[int, int, int, int]]:
    days: defaultdict[date, list[AppDay]] = defaultdict(list)
    for one in shop.apps:
        if one.store == "google_play" and one.day <= COUNTED:
            days[one.day].append(one)
    names = ("first_installs", "reinstalls", "updates", "active_devices")
    return {
        day: tuple(sum(getattr(one, name) for one in found) for name in names) for day, found in days.items()
    }


def test_each_day_is_that_of_all_countries(play: GooglePlay, shop: Shop, world: World) -> None:
    rows = fetched(play)
    told = {
        row["day"]: tuple(
            row[name] for name in ("first_installs", "later_installs", "updates", "active_devices")
        )
        for row in rows
    }
    assert told == truth(shop) and len(rows) == len(told)
    read = [entry.path for entry in world.log if "alt=media" in entry.query]
    assert [path.rpartition("_")[0][-6:] for path in read] == ["202602", "202603"]
    assert all(path.endswith("_overview.csv") for path in read)


def test_only_the_months_of_the_window_are_read(play: GooglePlay, world: World) -> None:
    rows = fetched(play, date(2026, 3, 3), date(2026, 3, 4))
    assert [row["day"] for row in rows] == [date(2026, 3, 3), date(2026, 3, 4)]
    assert sum("alt=media" in entry.query for entry in world.log) == 1


def test_the_list_of_files_is_read_to_its_end(
    play: GooglePlay, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = fetched(play)
    monkeypatch.setattr("ecom_pipeline.sources.google_play.source.PAGE", 1)
    world.log.clear()
    assert fetched(play) == whole
    assert sum("prefix" in entry.query for entry in world.log) == 4
    world.faults.arm("google_play", "repeated_page", where="prefix")
    with pytest.raises(PagingError):
        fetched(play)


def test_a_day_not_counted_yet_is_awaited_and_then_missed(
    served: tuple[World, str], play: GooglePlay, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert fetched(play, LAST, LAST) == []
    monkeypatch.setattr(twin, "COUNTED_AFTER", timedelta(days=5))
    assert max(row["day"] for row in fetched(play)) == date(2026, 3, 29)
    monkeypatch.setattr(twin, "COUNTED_AFTER", timedelta(days=6))
    with pytest.raises(UnavailableError, match="2026-03-29") as caught:
        fetched(play)
    assert "ready_days" in caught.value.mend
    assert fetched(client(served, ready_days=6)), "how late Google may be is a setting"
    assert fetched(play, FIRST, date(2026, 3, 20)), "older days are there"


@pytest.mark.parametrize("days", [1, MOST_READY_DAYS])
def test_a_day_is_missed_before_it_is_shown_and_while_it_is_still_read(
    served: tuple[World, str], play: GooglePlay, monkeypatch: pytest.MonkeyPatch, days: int
) -> None:
    """Read on a European morning, which is the evening before in California."""
    assert NOW.astimezone(PACIFIC).date() == LAST
    missed = LAST - timedelta(days=days + 1)
    assert kpis()["app_downloads"].matures_after >= (LAST - missed).days
    monkeypatch.setattr(twin, "COUNTED_AFTER", LAST - missed + timedelta(days=1))
    window = restated_window(INSTALLS, window_of(LAST, LAST, NOW))
    with pytest.raises(UnavailableError, match=str(missed)):
        list(client(served, ready_days=days).fetch(INSTALLS, window))
    with pytest.raises(ValidationError):
        client(served, ready_days=MOST_READY_DAYS + 1)


def test_before_the_app_there_is_nothing_and_nothing_is_missed(play: GooglePlay) -> None:
    assert fetched(play, FIRST - timedelta(days=60), FIRST - timedelta(days=40)) == []


def test_a_file_cut_off_is_named_although_its_lines_can_be_read(play: GooglePlay, world: World) -> None:
    world.faults.arm("google_play", "truncated_json", where="alt=media")
    with pytest.raises(TruncatedAnswerError, match="2026-02"):
        fetched(play)


def test_what_the_file_calls_its_figures_is_a_setting(served: tuple[World, str], play: GooglePlay) -> None:
    devices = client(served, columns=GooglePlayColumns(first_installs="Daily Device Installs"))
    assert sum(row["first_installs"] for row in fetched(devices)) > sum(
        row["first_installs"] for row in fetched(play)
    )


def test_requests_are_as_documented(play: GooglePlay, world: World, shared: Path) -> None:
    spec = json.loads((shared / "specs" / "google-discovery" / "storage.v1.json").read_text())
    methods = spec["resources"]["objects"]["methods"]
    fetched(play)
    base = "/google-storage/" + spec["servicePath"]
    entries = [entry for entry in world.log if entry.vendor == "google_play"]
    assert entries
    for entry in entries:
        method = methods["get" if "alt=media" in entry.query else "list"]
        path = method["path"].format(bucket=twin.BUCKET, object="")
        assert entry.path.startswith(base + path)
        asked = {pair.split("=", 1)[0] for pair in entry.query.split("&")}
        assert asked <= method["parameters"].keys() | spec["parameters"].keys()
        assert set(method["scopes"]) & {"https://www.googleapis.com/auth/devstorage.read_only"}
    object_fields = spec["schemas"]["Object"]["properties"].keys()
    described = twin.Bucket(world).described(twin.Bucket(world).names()[0])
    assert described.keys() <= object_fields


def test_a_throttled_reader_backs_off(
    served: tuple[World, str], play: GooglePlay, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    calm = fetched(play)
    now, waits = [0.0], []

    def sleep(seconds: float) -> None:
        waits.append(seconds)
        now[0] += seconds

    monkeypatch.setattr(world, "ticks", lambda: now[0])
    monkeypatch.setattr(GooglePlay, "patience", replace(NO_SLEEP, sleep=sleep))
    world.throttles["google_play"] = 1
    assert fetched(client(served)) == calm
    assert waits and min(waits) > 0


@pytest.mark.parametrize("right", ["storage.objects.list", "storage.objects.get"])
def test_a_missing_right_is_named(play: GooglePlay, world: World, right: str) -> None:
    world.missing_rights.add(("google_play", right))
    (finding,) = play.check()
    assert finding.state == "error" and "Play Console" in finding.mend


def test_a_wrong_package_is_an_error_of_the_doctor(served: tuple[World, str], play: GooglePlay) -> None:
    (finding,) = client(served, packages=("com.other.app",)).check()
    assert finding.state == "error" and "com.other.app" in finding.subject


def test_the_mapping_tells_what_was_fetched(play: GooglePlay, shop: Shop) -> None:
    connection = raw_tables({"installs": (INSTALLS, fetched(play))})
    rows = map_rows(connection, GooglePlay.declared_mappings(None)["app_installs"])
    names = ("first_installs", "reinstalls", "updates", "active_devices")
    assert {row["day"]: tuple(row[name] for name in names) for row in rows} == truth(shop)
    assert {(row["store"], row["app"], row["country"]) for row in rows} == {
        ("google_play", twin.PACKAGE, "unknown")
    }


def test_days_not_counted_before_an_outage_are_read_after_it(tmp_path: Path) -> None:
    """An outage may be longer than Google's delay: what was still to be counted when it began is not lost."""
    business = reading("google_play")
    with simulate(tmp_path, seed=4, days=70, orders_per_day=8, business=business) as simulation:
        before = simulation.shop.first_day + timedelta(days=30)
        after = before + timedelta(days=INSTALLS.restate_days + 7)
        for day in (before, after):
            simulation.set_day(day)
            simulation.extract(simulation.shop.first_day if day == before else day, day, ["google_play"])
        found = {day for (day,) in simulation.query("SELECT DISTINCT day FROM raw.google_play__installs")}
        told = {one.day for one in simulation.shop.apps if one.store == "google_play"}
        counted = {day for day in told if day <= after - twin.COUNTED_AFTER - timedelta(days=1)}
        assert counted <= found and before in counted
