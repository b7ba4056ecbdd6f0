"""Instagram: nothing told is no zero, late figures are restated, a reach belongs to one day, no token in an address."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from pydantic import SecretStr

from ecom_pipeline.errors import AuthenticationError
from ecom_pipeline.sandbox.events import Shop, SocialDay
from ecom_pipeline.sandbox.generator import generate_shop
from ecom_pipeline.sandbox.server import run_sandbox
from ecom_pipeline.sandbox.vendors import instagram as twin
from ecom_pipeline.sandbox.world import World
from ecom_pipeline.sources.contract import Table, Window
from ecom_pipeline.sources.instagram import Instagram
from ecom_pipeline.sources.instagram.source import InstagramMetrics, InstagramSettings
from ecom_pipeline.sources.instagram.tables import DAILY_INSIGHTS, PROFILE, REACH_28_DAYS, day_of

from ..simulation import reading, simulate
from .contract_suite import Case, SourceContract
from .vendor_sandbox import NO_SLEEP, context_of, map_rows, raw_tables, window_of

FIRST, LAST = date(2026, 2, 1), date(2026, 4, 5)  # summer time begins on 29 March
NOW = datetime(2026, 4, 6, 4, tzinfo=UTC)
WHOLE = window_of(FIRST, LAST, NOW)
FINAL = LAST - timedelta(days=2)
COLUMNS = {
    "reach": "reach", "impressions": "views", "likes": "likes", "comments": "comments", "shares": "shares",
    "saves": "saves", "link_clicks": "link_clicks",
}  # fmt: skip


class TestContract(SourceContract):
    case = Case("instagram", "instagram", "daily_insights", "total_value", where="/insights")
    business = reading("instagram")


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
    world.set_now(NOW)


def client(served: tuple[World, str], **settings: Any) -> Instagram:
    world, url = served
    (told,) = twin.instances(world, url)
    keys = {name: SecretStr(value) for name, value in told.secrets.items()}
    return Instagram("instagram", InstagramSettings(**(told.settings | keys | settings)), context_of(world))


@pytest.fixture
def instagram(served: tuple[World, str], world: World, monkeypatch: pytest.MonkeyPatch) -> Instagram:
    monkeypatch.setattr(Instagram, "patience", NO_SLEEP)
    return client(served)


def fetched(source: Instagram, table: Table = DAILY_INSIGHTS, window: Window = WHOLE) -> dict[date, Any]:
    rows = list(source.fetch(table, window))
    by_day = {row["day"]: row for row in rows}
    assert len(by_day) == len(rows), "a day came twice"
    return by_day


def truth(one: SocialDay) -> dict[str, Any]:
    return {
        name: None if measure in one.untold else getattr(one, measure) for name, measure in COLUMNS.items()
    }


def test_every_day_is_exact_and_what_is_not_told_is_empty(instagram: Instagram, shop: Shop) -> None:
    rows = fetched(instagram)
    final = {one.day: one for one in shop.social if one.day <= FINAL}
    silent = {day for day, one in final.items() if "reach" in one.untold}
    partly = [day for day, one in final.items() if one.untold and day not in silent]
    assert silent and partly, "the history needs both"
    assert {day for day in rows if day <= FINAL} == set(final) - silent
    for day in set(final) - silent:
        assert rows[day] == {"day": day, **truth(final[day])}


def test_a_day_asks_from_midnight_to_midnight_also_when_it_has_23_hours(
    instagram: Instagram, world: World
) -> None:
    fetched(instagram, window=window_of(date(2026, 3, 29), date(2026, 3, 29), NOW))
    (entry,) = world.log
    asked = dict(pair.split("=") for pair in entry.query.split("&"))
    since, until = (datetime.fromtimestamp(int(asked[name]), UTC) for name in ("since", "until"))
    assert (since, until) == (datetime(2026, 3, 28, 23, tzinfo=UTC), datetime(2026, 3, 29, 22, tzinfo=UTC))


@pytest.mark.parametrize(
    ("ended_at", "zone", "day"),
    [
        (datetime(2026, 7, 15, 7, tzinfo=UTC), "Europe/Paris", date(2026, 7, 14)),
        (datetime(2026, 1, 15, 8, tzinfo=UTC), "Europe/Paris", date(2026, 1, 14)),
        (datetime(2026, 1, 15, 8, tzinfo=UTC), "America/Los_Angeles", date(2026, 1, 14)),
        (datetime(2026, 1, 15, 8, tzinfo=UTC), "Pacific/Auckland", date(2026, 1, 15)),
        (datetime(2026, 1, 15, 0, tzinfo=UTC), "UTC", date(2026, 1, 14)),
    ],
)
def test_a_day_of_metas_belongs_to_the_day_in_its_middle(ended_at: datetime, zone: str, day: date) -> None:
    assert day_of(ended_at, zone) == day


def test_reach_over_28_days_is_the_networks_own_count_on_every_day(
    instagram: Instagram, shop: Shop, world: World
) -> None:
    rows = fetched(instagram, REACH_28_DAYS)
    wanted = {
        one.day: one.reach_28_days
        for one in shop.social
        if "reach_28_days" not in one.untold and one.day <= FINAL
    }
    assert {day: row["reach"] for day, row in rows.items() if day <= FINAL} == wanted
    assert len(world.log) > 1, "more than 30 days are asked for in parts"
    daily = fetched(instagram)
    day = max(set(rows) & set(daily) - {LAST})
    sum_of_days = sum(one.reach for one in shop.social if day - timedelta(days=28) < one.day <= day)
    assert rows[day]["reach"] < sum_of_days


def test_late_figures_are_read_again_and_replace_what_was_there(tmp_path: Any) -> None:
    with simulate(tmp_path, seed=3, days=30, orders_per_day=6, business=reading("instagram")) as simulation:
        told = next(one for one in reversed(simulation.shop.social[:-6]) if not one.untold)
        seen = []
        for later in (0, 1, 2, 5):
            day = told.day + timedelta(days=later)
            simulation.set_day(day)
            pipeline = simulation.pipeline
            (table,) = [one for one in pipeline.tables("instagram") if one.name == "daily_insights"]
            pipeline.extract("instagram", table, day, day)
            rows = simulation.query(
                "SELECT impressions FROM raw.instagram__daily_insights WHERE day = ? ORDER BY _load_id",
                [told.day],
            )
            seen.append(rows)
        assert seen[0] == [], "nothing is known on the first morning, which is no zero"
        assert seen[1] == [(told.views * 7 // 10,)]
        assert seen[2][-1] == seen[3][-1] == (told.views,)


def test_followers_are_those_of_now(instagram: Instagram, shop: Shop) -> None:
    (row,) = list(instagram.fetch(PROFILE, WHOLE))
    assert row == {"account_id": twin.USER, "followers": shop.social[-1].followers}


def test_the_token_travels_in_a_header_only(instagram: Instagram, world: World) -> None:
    for table in (DAILY_INSIGHTS, REACH_28_DAYS, PROFILE):
        list(instagram.fetch(table, WHOLE))
    assert world.log and not [entry for entry in world.log if "token" in entry.query + entry.path]
    assert {entry.headers["authorization"] for entry in world.log} == {"present"}


def test_a_throttled_reader_waits_the_minutes_meta_names(
    served: tuple[World, str], instagram: Instagram, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    window = window_of(LAST - timedelta(days=9), LAST, NOW)
    calm = fetched(instagram, window=window)
    now, waits = [0.0], []

    def sleep(seconds: float) -> None:
        waits.append(seconds)
        now[0] += seconds

    monkeypatch.setattr(world, "ticks", lambda: now[0])
    monkeypatch.setattr(Instagram, "patience", replace(NO_SLEEP, sleep=sleep))
    world.throttles["instagram"] = 4
    world.log.clear()
    assert fetched(client(served), window=window) == calm
    refusals = [entry.status for entry in world.log].count(400)
    assert refusals > 0 and waits == [120.0] * refusals


def test_a_missing_right_is_named(instagram: Instagram, world: World) -> None:
    assert [one.state for one in instagram.check()] == ["ok", "ok"]
    world.missing_rights.add(("instagram", twin.INSIGHTS_RIGHT))
    (finding,) = instagram.check()
    assert finding.state == "error" and "instagram_manage_insights" in finding.mend
    with pytest.raises(AuthenticationError):
        fetched(instagram)


def test_a_metric_meta_renamed_is_named_and_set(served: tuple[World, str], instagram: Instagram) -> None:
    old = InstagramMetrics(impressions="impressions")
    (profile, error) = client(served, metrics=old).check()
    assert (profile.state, error.state) == ("ok", "error")
    assert "impressions" in error.detail and "reach" not in error.detail
    two = InstagramMetrics(impressions="likes", likes="views")
    swapped, rows = fetched(client(served, metrics=two)), fetched(instagram)
    assert {day: row["impressions"] for day, row in swapped.items()} == {
        day: row["likes"] for day, row in rows.items()
    }


def test_mappings_tell_what_was_fetched(instagram: Instagram, shop: Shop) -> None:
    tables = {table.name: (table, list(instagram.fetch(table, WHOLE))) for table in Instagram.tables}
    connection, mappings = raw_tables(tables), Instagram.declared_mappings(None)
    daily, reach, followers = (
        map_rows(connection, mappings[name])
        for name in ("social_performance", "social_performance__reach", "social_performance__followers")
    )
    told = {one.day: one for one in shop.social}
    assert {row["network"] for row in (*daily, *reach, *followers)} == {"instagram"}
    for row in daily:
        if row["day"] <= FINAL:
            assert {name: row[name] for name in COLUMNS} == truth(told[row["day"]])
    assert {(row["reach_28_days"], row["followers"]) for row in daily} == {(None, None)}
    assert {row["reach"] for row in reach} == {None}, "the reach of 28 days is not one of a day"
    assert [row["followers"] for row in followers] == [shop.social[-1].followers]
