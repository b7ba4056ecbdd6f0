"""OneSignal: pushes with those who opened them, kept once read, and how many devices the app reaches."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from pydantic import SecretStr

from ecom_pipeline.sandbox.events import Message, Shop
from ecom_pipeline.sandbox.generator import generate_shop
from ecom_pipeline.sandbox.server import run_sandbox
from ecom_pipeline.sandbox.vendors import onesignal as twin
from ecom_pipeline.sandbox.world import PERSONAL_CANARY, SECRET_CANARY, World
from ecom_pipeline.sources.contract import Table, Window
from ecom_pipeline.sources.fields import Fields
from ecom_pipeline.sources.onesignal import OneSignal
from ecom_pipeline.sources.onesignal.source import OneSignalSettings
from ecom_pipeline.sources.onesignal.tables import APP, MESSAGES, is_push

from ..simulation import Simulation, reading, simulate
from .contract_suite import Case, SourceContract
from .vendor_sandbox import NO_SLEEP, TIME_ZONE, context_of, map_rows, raw_tables, window_of

FIRST, LAST = date(2026, 1, 1), date(2026, 3, 31)
NOW = datetime(2026, 4, 1, 4, tzinfo=UTC)
WHOLE = window_of(FIRST, LAST, NOW)
ZONE = ZoneInfo(TIME_ZONE)
MONTH = timedelta(days=30)


class TestContract(SourceContract):
    case = Case(
        "onesignal", "push", table="messages", column="converted", where="notifications?",
        small_pages=("ecom_pipeline.sources.onesignal.source.PAGE",), page_rows=1,
    )  # fmt: skip
    business = reading("push")


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
    world.set_now(NOW)


def client(served: tuple[World, str], **settings: Any) -> OneSignal:
    world, url = served
    (told,) = twin.instances(world, url)
    keys = {name: SecretStr(value) for name, value in told.secrets.items()}
    return OneSignal("push", OneSignalSettings(**(told.settings | keys | settings)), context_of(world))


@pytest.fixture
def onesignal(served: tuple[World, str], world: World, monkeypatch: pytest.MonkeyPatch) -> OneSignal:
    monkeypatch.setattr(OneSignal, "patience", NO_SLEEP)
    return client(served)


def fetched(onesignal: OneSignal, window: Window = WHOLE, table: Table = MESSAGES) -> list[Any]:
    return list(onesignal.fetch(table, window))


def pushes(shop: Shop, since: datetime, until: datetime) -> list[Message]:
    return [one for one in shop.messages if one.channel == "push" and since <= one.sent_at < until]


def test_every_push_comes_with_its_figures(onesignal: OneSignal, shop: Shop) -> None:
    rows, expected = fetched(onesignal), pushes(shop, WHOLE.start_at, NOW)
    assert [row["id"] for row in rows] == [one.message_id for one in expected]
    assert len(rows) > 10
    for row, one in zip(rows, expected, strict=True):
        assert (row["name"], row["sent_at"], row["successful"]) == (one.name, one.sent_at, one.delivered)
        assert row["failed"] + row["errored"] == one.bounced and row["remaining"] == 0
        assert 0 <= row["converted"] <= one.clicks
    assert rows[0]["converted"] == expected[0].clicks > 0, "after weeks nobody opens it any more"
    assert PERSONAL_CANARY not in repr(rows)


def test_a_day_brings_what_people_may_still_open_and_nothing_later(onesignal: OneSignal, shop: Shop) -> None:
    window = window_of(date(2026, 3, 1), date(2026, 3, 1), NOW)
    expected = pushes(shop, window.start_at - MONTH, window.end_at)
    assert [row["id"] for row in fetched(onesignal, window)] == [one.message_id for one in expected]
    assert 1 < len(expected) < len(pushes(shop, WHOLE.start_at, NOW))


def test_a_push_of_the_windows_first_instant_is_read(onesignal: OneSignal, shop: Shop) -> None:
    """The list leaves out what was sent at the very instant asked for."""
    window = window_of(date(2026, 3, 1), date(2026, 3, 1), NOW)
    place = shop.messages.index(pushes(shop, WHOLE.start_at, NOW)[0])
    moved = shop.messages[place]
    shop.messages[place] = replace(moved, sent_at=window.start_at - MONTH)
    try:
        assert moved.message_id in {row["id"] for row in fetched(onesignal, window)}
    finally:
        shop.messages[place] = moved


def test_figures_follow_those_who_open_late_and_stay_when_the_vendor_forgets(tmp_path: Path) -> None:
    with simulate(tmp_path, seed=4, days=84, orders_per_day=20, business=reading("push")) as simulation:
        shop = simulation.shop
        push = max(
            pushes(shop, simulation.world.now() - timedelta(days=80), simulation.world.now() - 2 * MONTH),
            key=lambda one: one.clicks,
        )
        day = push.sent_at.astimezone(ZONE).date()
        for later in (0, 8):
            simulation.set_day(day + timedelta(days=later))
            extract(simulation, day + timedelta(days=later))
        told = simulation.query(
            "SELECT converted FROM raw.push__messages WHERE id = ? ORDER BY as_of", [push.message_id]
        )
        assert told[0] < told[-1] == (push.clicks,)
        shop.messages.remove(push)
        simulation.set_day(shop.last_day)
        simulation.extract(sources=["push"])
        simulation.compute()
        (kept,) = simulation.query(
            "SELECT clicks FROM mapped.email_campaigns WHERE message_id = ?", [push.message_id]
        )
        assert kept == (push.clicks,)


def extract(simulation: Simulation, day: date) -> None:
    (table,) = [one for one in simulation.pipeline.tables("push") if one.name == "messages"]
    simulation.pipeline.extract("push", table, day, day)


def test_reading_an_old_push_again_stores_nothing(onesignal: OneSignal) -> None:
    """Its figures are taken to be as of a month after it was sent, whenever it is read."""
    old = window_of(date(2026, 1, 1), date(2026, 1, 31), NOW)
    later = replace(old, asked_at=NOW + timedelta(hours=2))
    assert fetched(onesignal, old) == fetched(onesignal, later) != []


def reachable(shop: Shop, now: datetime) -> tuple[int, int]:
    last = {one.person_id: one.given for one in shop.consents if one.channel == "push" and one.at <= now}
    return len(last), sum(last.values())


def test_the_apps_reach_is_that_of_now(
    onesignal: OneSignal, served: tuple[World, str], shop: Shop, world: World
) -> None:
    (row,) = fetched(onesignal, WHOLE, APP)
    assert row == dict(
        zip(("app_id", "devices", "reachable"), (twin.app_id(world), *reachable(shop, NOW)), strict=True)
    )
    assert 0 < row["reachable"] < row["devices"]
    assert SECRET_CANARY not in repr(row), "the app's credentials come with it"
    world.set_now(datetime(2026, 2, 1, 6, tzinfo=UTC))
    (before,) = fetched(onesignal, WHOLE, APP)
    assert before["reachable"] == reachable(shop, world.now())[1] < row["reachable"]


@pytest.mark.parametrize(
    ("stats", "push"),
    [
        ({"android": {}, "ios": {}}, True),
        ({}, True),
        (None, True),
        ({"email": {}}, False),
        ({"sms": {}}, False),
    ],
)
def test_emails_and_sms_of_the_same_list_are_no_pushes(stats: Any, push: bool) -> None:
    assert is_push(Fields({"platform_delivery_stats": stats}, "message", "push")) is push


def test_each_key_is_tried_for_what_it_is_needed_for(served: tuple[World, str], onesignal: OneSignal) -> None:
    assert [finding.state for finding in onesignal.check()] == ["ok", "ok"]
    wrong = SecretStr(f"{SECRET_CANARY}-other")
    for field, subject in (("api_key", "push, messages"), ("organization_api_key", "push, reach")):
        (error,) = [one for one in client(served, **{field: wrong}).check() if one.state == "error"]
        assert error.subject == subject and "Keys & IDs" in error.mend
        assert SECRET_CANARY not in repr(error)


def test_a_throttled_reader_waits_as_long_as_it_is_told(
    served: tuple[World, str], onesignal: OneSignal, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ecom_pipeline.sources.onesignal.source.PAGE", 4)
    calm = fetched(onesignal)
    now, waits = [0.0], []

    def sleep(seconds: float) -> None:
        waits.append(seconds)
        now[0] += seconds

    monkeypatch.setattr(world, "ticks", lambda: now[0])
    monkeypatch.setattr(OneSignal, "patience", replace(NO_SLEEP, sleep=sleep))
    world.throttles["onesignal"] = 1
    world.log.clear()
    assert fetched(client(served)) == calm
    statuses = [entry.status for entry in world.log]
    assert waits == [1.0] * statuses.count(429) and statuses.count(429) == statuses.count(200) - 1 > 0


def test_mappings_tell_what_was_fetched(onesignal: OneSignal, shop: Shop) -> None:
    tables = {"messages": (MESSAGES, fetched(onesignal)), "app": (APP, fetched(onesignal, WHOLE, APP))}
    connection = raw_tables(tables)
    rows = map_rows(connection, OneSignal.declared_mappings(None)["email_campaigns"])
    told = {row["message_id"]: (row["medium"], row["day"], row["recipients"], row["bounced"]) for row in rows}
    assert told == {
        one.message_id: ("push", one.sent_at.astimezone(ZONE).date(), one.recipients, one.bounced)
        for one in pushes(shop, WHOLE.start_at, NOW)
    }
    assert {(row["conversions"], row["conversion_value"]) for row in rows} == {(None, None)}, "not measured"
    (reach,) = map_rows(connection, OneSignal.declared_mappings(None)["push_subscriptions"])
    assert (reach["devices"], reach["reachable"]) == reachable(shop, NOW)
