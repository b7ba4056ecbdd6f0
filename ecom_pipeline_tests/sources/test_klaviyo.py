"""Klaviyo: what came of every letter and SMS, read again while orders still count, and consents that are only counted."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import ROUND_HALF_UP, Decimal
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from pydantic import SecretStr

from ecom_pipeline.errors import AuthenticationError, SchemaError
from ecom_pipeline.sandbox.events import Message, Shop, settled_share
from ecom_pipeline.sandbox.generator import generate_shop
from ecom_pipeline.sandbox.server import run_sandbox
from ecom_pipeline.sandbox.vendors import klaviyo as twin
from ecom_pipeline.sandbox.vendors.klaviyo_objects import COUNTS
from ecom_pipeline.sandbox.world import PERSONAL_CANARY, SECRET_CANARY, World
from ecom_pipeline.sources.contract import Table, Window
from ecom_pipeline.sources.fields import Fields
from ecom_pipeline.sources.klaviyo import Klaviyo
from ecom_pipeline.sources.klaviyo.source import KlaviyoSettings
from ecom_pipeline.sources.klaviyo.tables import CONSENTS, MESSAGES, consent_rows

from ..openapi import query_violations, read_spec, violations
from ..simulation import Simulation, reading, simulate
from .contract_suite import Case, SourceContract
from .vendor_sandbox import NO_SLEEP, TIME_ZONE, context_of, map_rows, raw_tables, window_of

FIRST, LAST = date(2026, 1, 1), date(2026, 3, 31)
NOW = datetime(2026, 4, 1, 4, tzinfo=UTC)
WHOLE = window_of(FIRST, LAST, NOW)
ZONE = ZoneInfo(TIME_ZONE)


class TestContract(SourceContract):
    case = Case(
        "klaviyo", "crm", table="messages", column="conversion_value", where="campaigns?",
        small_pages=("ecom_pipeline.sources.klaviyo.source.PAGE",), page_rows=2,
    )  # fmt: skip
    business = reading("crm")


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
    world.faults.clear()
    world.missing_rights.clear()
    world.throttles.clear()
    world.set_now(NOW)


def client(served: tuple[World, str], **settings: Any) -> Klaviyo:
    world, url = served
    (told,) = twin.instances(world, url)
    keys = {name: SecretStr(value) for name, value in told.secrets.items()}
    return Klaviyo("crm", KlaviyoSettings(**(told.settings | keys | settings)), context_of(world))


@pytest.fixture
def klaviyo(served: tuple[World, str], world: World, monkeypatch: pytest.MonkeyPatch) -> Klaviyo:
    monkeypatch.setattr(Klaviyo, "patience", NO_SLEEP)
    return client(served)


def fetched(klaviyo: Klaviyo, window: Window = WHOLE, table: Table = MESSAGES) -> list[Any]:
    return sorted(klaviyo.fetch(table, window), key=lambda row: row[table.key[0]])


def sent(shop: Shop, window: Window = WHOLE) -> list[Message]:
    found = [one for one in shop.messages if one.tool == "klaviyo" and one.sent_at <= window.asked_at]
    within = [one for one in found if window.first_day <= local_day(one.sent_at) <= window.last_day]
    return sorted(within, key=lambda one: one.message_id)


def local_day(at: datetime) -> date:
    return at.astimezone(ZONE).date()


def share(message: Message, now: datetime = NOW) -> Decimal:
    return settled_share((local_day(now) - local_day(message.sent_at)).days)


def value(message: Message, now: datetime = NOW) -> Decimal:
    cents = (message.conversion_value * share(message, now)).quantize(Decimal(1), ROUND_HALF_UP)
    return cents.scaleb(-2)


def reports(world: World) -> list[dict[str, Any]]:
    """What was asked of each report."""
    return [json.loads(entry.body)["data"]["attributes"] for entry in world.log if entry.method == "POST"]


def test_every_message_comes_with_what_came_of_it_so_far(klaviyo: Klaviyo, shop: Shop) -> None:
    rows, expected = fetched(klaviyo), sent(shop)
    assert [row["message_id"] for row in rows] == [one.message_id for one in expected]
    for row, one in zip(rows, expected, strict=True):
        assert (row["campaign_id"], row["campaign"], row["medium"]) == (
            one.campaign_id, one.name, one.channel,
        )  # fmt: skip
        assert (row["sent_at"], row["day"]) == (one.sent_at, local_day(one.sent_at))
        assert (row["recipients"], row["delivered"], row["bounced"]) == (
            one.recipients, one.delivered, one.bounced,
        )  # fmt: skip
        assert (row["opens"], row["clicks"]) == (one.opens, one.clicks)
        assert (row["unsubscribes"], row["spam_complaints"]) == (one.unsubscribes, one.spam_complaints)
        orders = (one.conversions * share(one)).quantize(Decimal(1), ROUND_HALF_UP)
        assert (row["conversions"], row["conversion_value"]) == (orders, value(one))
        assert row["currency"] == "EUR"
    assert {row["medium"] for row in rows} == {"email", "sms"}
    assert any(row["conversion_value"] for row in rows) and any(share(one) < 1 for one in expected)


def test_versions_of_a_letter_are_messages_of_one_campaign(klaviyo: Klaviyo) -> None:
    versions = Counter(row["campaign_id"] for row in fetched(klaviyo))
    assert set(versions.values()) == {1, 2}


def test_archived_campaigns_are_read_as_well(
    klaviyo: Klaviyo, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = fetched(klaviyo)
    queries = [entry.query for entry in world.log if entry.path.endswith("campaigns")]
    assert sum("equals(archived,true)" in query for query in queries) == 2, "e-mails and SMS"
    monkeypatch.setattr("ecom_pipeline.sandbox.vendors.klaviyo_objects.ARCHIVED_AFTER", timedelta(days=999))
    world.log.clear()
    assert fetched(klaviyo) == whole
    monkeypatch.setattr("ecom_pipeline.sandbox.vendors.klaviyo_objects.ARCHIVED_AFTER", timedelta(0))
    assert fetched(klaviyo) == whole


def test_one_report_is_made_for_a_whole_window_and_ends_now(klaviyo: Klaviyo, world: World) -> None:
    fetched(klaviyo, window_of(date(2026, 3, 1), date(2026, 3, 31), NOW))
    (asked,) = reports(world)
    assert asked["timeframe"] == {"start": "2026-02-28T00:00:00+01:00", "end": "2026-04-01T06:00:00+02:00"}
    assert asked["conversion_metric_id"] == twin.placed_order_metric(world)


def test_a_window_longer_than_a_year_takes_one_report_a_part(
    klaviyo: Klaviyo, shop: Shop, world: World
) -> None:
    rows = fetched(klaviyo, window_of(date(2024, 11, 1), LAST, NOW))
    assert [row["message_id"] for row in rows] == [
        one.message_id for one in sent(shop, window_of(date(2024, 11, 1), LAST, NOW))
    ]
    frames = [asked["timeframe"] for asked in reports(world)]
    assert len(frames) == 2
    for frame in frames:
        start, end = (datetime.fromisoformat(frame[name]) for name in ("start", "end"))
        assert timedelta(300) < end - start < timedelta(365) or end == NOW


def test_a_report_in_several_pages_is_read_to_its_end(
    klaviyo: Klaviyo, shop: Shop, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(twin, "REPORT_ROWS", 4)
    assert [row["message_id"] for row in fetched(klaviyo)] == [one.message_id for one in sent(shop)]
    assert len(reports(world)) == -(-len(sent(shop)) // 4)


def test_days_are_the_shops_and_a_message_after_midnight_is_the_next_days(
    klaviyo: Klaviyo, shop: Shop
) -> None:
    """In the night in which summer time begins, at half past midnight in Paris."""
    sunday, place = date(2026, 3, 29), shop.messages.index(sent(shop)[0])
    moved = shop.messages[place]
    shop.messages[place] = replace(moved, sent_at=datetime(2026, 3, 28, 23, 30, tzinfo=UTC))
    try:
        (row,) = [
            row
            for row in fetched(klaviyo, window_of(sunday, sunday, NOW))
            if row["message_id"] == moved.message_id
        ]
        assert row["day"] == sunday
        saturday = fetched(klaviyo, window_of(date(2026, 3, 28), date(2026, 3, 28), NOW))
        assert moved.message_id not in {row["message_id"] for row in saturday}
    finally:
        shop.messages[place] = moved


def test_orders_that_come_late_restate_the_day_of_sending(tmp_path: Path) -> None:
    with simulate(tmp_path, seed=4, days=42, orders_per_day=20, business=reading("crm")) as simulation:
        letter = next(
            one
            for one in simulation.shop.messages
            if one.channel == "email" and value(one, one.sent_at) != value(one, one.sent_at + timedelta(8))
        )
        day = local_day(letter.sent_at)
        told = []
        for later in (0, 8):
            simulation.set_day(day + timedelta(days=later))
            extract(simulation, "messages", day + timedelta(days=later))
            told.append(raw_value(simulation, letter))
        mornings = [letter.sent_at + timedelta(days=days) for days in (1, 9)]
        assert told == [value(letter, morning) for morning in mornings] and told[0] < told[1]


def extract(simulation: Simulation, name: str, day: date) -> None:
    (table,) = [one for one in simulation.pipeline.tables("crm") if one.name == name]
    simulation.pipeline.extract("crm", table, day, day)


def raw_value(simulation: Simulation, message: Message) -> Decimal:
    (row,) = simulation.query(
        "SELECT conversion_value FROM raw.crm__messages WHERE message_id = ?", [message.message_id]
    )
    return Decimal(row[0])


def test_settings_say_how_far_back_messages_are_read_again(served: tuple[World, str]) -> None:
    messages, _ = Klaviyo.declared_tables(client(served, conversion_days=12).settings)
    assert messages.restate_days == 12


def counted(shop: Shop, medium: str, day: date) -> dict[str, Any]:
    """The truth: each person's last word up to the day's end."""
    last = {one.person_id: one for one in shop.consents if one.channel == medium and local_day(one.at) <= day}
    words = list(last.values())
    on_the_day = [one for one in words if local_day(one.at) == day and not one.bounced]
    return {
        "medium": medium,
        "subscribed": sum(one.given and not one.bounced for one in words),
        "joined": sum(one.given for one in on_the_day),
        "withdrew": sum(not one.given for one in on_the_day),
    }


def test_consents_are_counted_as_of_the_days_end(klaviyo: Klaviyo, shop: Shop) -> None:
    rows = fetched(klaviyo, WHOLE, CONSENTS)
    assert rows == [counted(shop, medium, LAST) for medium in ("email", "sms")]
    assert all(row["subscribed"] > 20 for row in rows)
    assert any(one.bounced for one in shop.consents)


def test_what_people_decide_after_midnight_is_the_next_days(
    served: tuple[World, str], klaviyo: Klaviyo, shop: Shop, world: World
) -> None:
    """Read in the evening, the day before is told as in the morning."""
    asked_at = datetime(2026, 3, 8, 21, tzinfo=UTC)
    since = [one for one in shop.consents if asked_at - timedelta(hours=20) < one.at <= asked_at]
    assert {one.given for one in since if one.channel != "push"} == {True, False}
    world.set_now(asked_at)
    rows = fetched(klaviyo, window_of(date(2026, 3, 7), date(2026, 3, 7), asked_at), CONSENTS)
    assert rows == [counted(shop, medium, date(2026, 3, 7)) for medium in ("email", "sms")]


def test_people_are_counted_without_asking_who_they_are(klaviyo: Klaviyo, world: World) -> None:
    rows = fetched(klaviyo, WHOLE, CONSENTS)
    assert len(world.log) > 1, "several pages"
    for entry in world.log:
        fields = [part for part in entry.query.split("&") if part.startswith("fields[profile]=")]
        names = fields[0].partition("=")[2].split(",")
        assert all(name.startswith("subscriptions.") for name in names)
    assert PERSONAL_CANARY not in repr(rows) and set(rows[0]) == {
        "medium",
        "subscribed",
        "joined",
        "withdrew",
    }


def profile(**subscriptions: Any) -> Fields:
    return Fields({"attributes": {"subscriptions": subscriptions}}, "profile", "crm")


def test_a_medium_nobody_tells_of_is_not_counted_as_zero() -> None:
    consent = {"consent": "NEVER_SUBSCRIBED", "can_receive_email_marketing": True, "consent_timestamp": None}
    never = {"marketing": consent}
    rows = list(consent_rows([profile(email=never, sms=None), profile(email=never)], WHOLE))
    assert rows == [{"medium": "email", "subscribed": 0, "joined": 0, "withdrew": 0}]
    with pytest.raises(SchemaError, match="subscriptions"):
        list(consent_rows([Fields({"attributes": {}}, "profile", "crm")], WHOLE))


def test_a_count_that_is_no_whole_number_is_named(klaviyo: Klaviyo, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(COUNTS, "delivered", lambda one: 1.5)
    with pytest.raises(SchemaError, match=r"crm, messages, .* the field delivered"):
        fetched(klaviyo)


def test_requests_are_those_of_the_specification(klaviyo: Klaviyo, world: World, shared: Path) -> None:
    spec = read_spec(shared / "specs" / "klaviyo" / "stable.json")
    body = spec["components"]["schemas"]["CampaignValuesRequestDTO"]
    fetched(klaviyo)
    fetched(klaviyo, WHOLE, CONSENTS)
    klaviyo.check()
    seen = set()
    for entry in world.log:
        path, method = entry.path.removeprefix("/klaviyo"), entry.method.lower()
        operation = spec["paths"][path][method]
        seen.add(operation["operationId"])
        assert not list(query_violations(operation, entry.query))
        if entry.method == "POST":
            assert not list(violations(spec, body, json.loads(entry.body)))
            assert entry.headers["content-type"] in operation["requestBody"]["content"]
    assert len(seen) == 3


def test_a_throttled_reader_waits_as_long_as_it_is_told(
    served: tuple[World, str], klaviyo: Klaviyo, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    calm = fetched(klaviyo)
    now, waits = [0.0], []

    def sleep(seconds: float) -> None:
        waits.append(seconds)
        now[0] += seconds

    monkeypatch.setattr(world, "ticks", lambda: now[0])
    monkeypatch.setattr(Klaviyo, "patience", replace(NO_SLEEP, sleep=sleep))
    world.throttles["klaviyo"] = 1
    world.log.clear()
    assert fetched(client(served)) == calm
    statuses = Counter(entry.status for entry in world.log)
    assert waits == [1.0] * statuses[429], "as long as told, and not a request more"
    assert statuses[429] == statuses[200] - 1 > 0


def test_what_is_missing_is_named(served: tuple[World, str], klaviyo: Klaviyo, world: World) -> None:
    assert [finding.state for finding in klaviyo.check()] == ["ok"] * 3
    for scope, lacking in (("profiles:read", {"profiles"}), ("campaigns:read", {"campaigns", "conversions"})):
        world.missing_rights.add(("klaviyo", scope))
        errors = [finding for finding in klaviyo.check() if finding.state == "error"]
        assert {finding.subject for finding in errors} == {f"crm, {what}" for what in lacking}
        assert all(scope in finding.detail and "read access" in finding.mend for finding in errors)
        world.missing_rights.clear()
    (wrong,) = [one for one in client(served, conversion_metric_id="NOSUCH").check() if one.state == "error"]
    assert wrong.subject == "crm, conversions" and "conversion_metric_id" in wrong.mend
    with pytest.raises(AuthenticationError) as caught:
        fetched(client(served, api_key=SecretStr(f"{SECRET_CANARY}-other")))
    assert SECRET_CANARY not in str(caught.value)


def mapping(name: str) -> str:
    return Klaviyo.declared_mappings(None)[name]


def test_mappings_tell_what_was_fetched(klaviyo: Klaviyo, shop: Shop) -> None:
    tables = {
        "messages": (MESSAGES, fetched(klaviyo)),
        "consents": (CONSENTS, fetched(klaviyo, WHOLE, CONSENTS)),
    }
    connection = raw_tables(tables)
    campaigns = map_rows(connection, mapping("email_campaigns"))
    told = {
        row["message_id"]: (row["medium"], row["day"], row["delivered"], row["conversion_value"])
        for row in campaigns
    }
    assert told == {
        one.message_id: (one.channel, local_day(one.sent_at), one.delivered, value(one)) for one in sent(shop)
    }
    subscribers = map_rows(connection, mapping("subscribers"))
    assert {row["medium"]: row["subscribed"] for row in subscribers} == {
        medium: counted(shop, medium, LAST)["subscribed"] for medium in ("email", "sms")
    }
