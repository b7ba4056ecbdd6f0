"""Sendcloud: every parcel with how far it has come, no more of its address than the country, and its way in tkm."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from pydantic import SecretStr

from ecom_pipeline.errors import AuthenticationError, SchemaError, SourceError
from ecom_pipeline.sandbox.events import Parcel, Shop
from ecom_pipeline.sandbox.generator import generate_shop
from ecom_pipeline.sandbox.server import run_sandbox
from ecom_pipeline.sandbox.vendors import sendcloud as twin
from ecom_pipeline.sandbox.world import PERSONAL_CANARY, SECRET_CANARY, World
from ecom_pipeline.sources.contract import Window
from ecom_pipeline.sources.failures import TruncatedAnswerError
from ecom_pipeline.sources.sendcloud import Sendcloud
from ecom_pipeline.sources.sendcloud.distances import KILOMETRES
from ecom_pipeline.sources.sendcloud.source import SendcloudSettings
from ecom_pipeline.sources.sendcloud.tables import PARCELS, REPORT_FIELDS, own_columns, read_report

from ..openapi import read_spec, violations
from ..simulation import reading, simulate
from .contract_suite import Case, SourceContract
from .vendor_sandbox import NO_SLEEP, TIME_ZONE, context_of, map_rows, raw_tables, window_of

FIRST, LAST = date(2026, 1, 1), date(2026, 3, 31)
NOW = datetime(2026, 4, 1, 6, tzinfo=UTC)
WHOLE = window_of(FIRST, LAST)
ZONE = ZoneInfo(TIME_ZONE)


class TestContract(SourceContract):
    case = Case("sendcloud", "parcels", table="parcels", column="announced_at")
    business = reading("parcels")


@pytest.fixture(scope="module")
def shop() -> Shop:
    return generate_shop(5, FIRST, LAST, orders_per_day=4)


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


def client(served: tuple[World, str], **settings: Any) -> Sendcloud:
    world, url = served
    (told,) = twin.instances(world, url)
    keys = {name: SecretStr(value) for name, value in told.secrets.items()}
    made = SendcloudSettings(**(told.settings | keys | settings))
    return Sendcloud("parcels", made, context_of(world))


@pytest.fixture
def sendcloud(served: tuple[World, str], world: World, monkeypatch: pytest.MonkeyPatch) -> Sendcloud:
    monkeypatch.setattr(Sendcloud, "patience", NO_SLEEP)
    return client(served)


def fetched(sendcloud: Sendcloud, window: Window = WHOLE) -> list[Any]:
    return sorted(sendcloud.fetch(PARCELS, window), key=lambda row: row["announced_at"])


def reached(at: datetime | None, now: datetime = NOW) -> datetime | None:
    return at if at is not None and at <= now else None


def test_every_parcel_comes_as_it_stands(sendcloud: Sendcloud, shop: Shop) -> None:
    names = {order.order_id: order.name for order in shop.orders}
    rows = {row["parcel_id"]: row for row in fetched(sendcloud)}
    assert len(rows) == len(shop.parcels) > 300
    for parcel in shop.parcels:
        row = rows[str(parcel.parcel_id)]
        assert row["announced_at"] == parcel.announced_at
        assert (row["shipped_at"], row["delivered_at"]) == (
            reached(parcel.handed_over_at),
            reached(parcel.delivered_at),
        )
        assert (row["shop"], row["order_number"]) == ("shop", names[parcel.order_id])
        assert (row["carrier"], row["country"]) == (parcel.carrier, parcel.country)
        assert (row["weight_grams"], row["is_return"]) == (parcel.weight_grams, parcel.is_return)
    assert any(row["is_return"] for row in rows.values())


def test_only_what_is_needed_is_asked_for(sendcloud: Sendcloud, world: World) -> None:
    rows = fetched(sendcloud)
    asked = [set(json.loads(entry.body)["fields"]) for entry in world.log if entry.method == "POST"]
    for fields in asked:
        assert not [name for name in fields if "city" in name or "postal" in name or "company" in name]
        assert "tracking_number" not in fields
    assert len(asked) == 2, "one report for each direction"
    assert PERSONAL_CANARY not in repr(rows) and SECRET_CANARY not in repr(rows)


def test_requests_and_answers_are_those_of_the_specification(
    sendcloud: Sendcloud, world: World, shared: Path
) -> None:
    spec = read_spec(shared / "specs" / "sendcloud" / "sendcloud-v3-reporting.yml")
    schema = spec["paths"]["/reporting/parcels"]["post"]["requestBody"]["content"]["application/json"][
        "schema"
    ]
    fetched(sendcloud)
    sendcloud.check()
    orders = [entry for entry in world.log if entry.method == "POST"]
    assert len(orders) == 3
    for entry in orders:
        assert entry.path == "/sendcloud/api/v3/reporting/parcels"
        assert not list(violations(spec, schema, json.loads(entry.body)))
        assert entry.headers["authorization"] == "present"
    examples = spec["paths"]["/reporting/parcels"]["post"]["responses"]["202"]["content"]["application/json"]
    example = examples["examples"]["ParcelsReportQueued"]["value"]
    assert not list(violations(spec, spec["components"]["schemas"]["ParcelsReport"], example))


def test_days_are_local_and_the_bounds_belong_to_one_day(sendcloud: Sendcloud, shop: Shop) -> None:
    day = shop.parcels[40].announced_at.astimezone(ZONE).date()
    rows = fetched(sendcloud, window_of(day, day))
    expected = [one for one in shop.parcels if one.announced_at.astimezone(ZONE).date() == day]
    assert [row["parcel_id"] for row in rows] == [str(one.parcel_id) for one in expected]
    assert {row["day"] for row in rows} == {day}


def test_a_parcel_of_the_very_midnight_belongs_to_the_new_day(
    sendcloud: Sendcloud, shop: Shop, world: World
) -> None:
    """The report's span includes its end, which is the next day's first instant."""
    window = window_of(date(2026, 3, 28), date(2026, 3, 28))
    moved = shop.parcels[-1]
    shop.parcels[-1] = replace(moved, announced_at=window.end_at)
    try:
        assert str(moved.parcel_id) not in {row["parcel_id"] for row in fetched(sendcloud, window)}
        (row,) = [
            row
            for row in fetched(sendcloud, window_of(date(2026, 3, 29), date(2026, 3, 29)))
            if row["parcel_id"] == str(moved.parcel_id)
        ]
        assert row["day"] == date(2026, 3, 29)
    finally:
        shop.parcels[-1] = moved


def test_a_window_with_too_many_parcels_is_read_in_halves(
    sendcloud: Sendcloud, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = fetched(sendcloud)
    monkeypatch.setattr(twin, "MOST_ROWS", 100)
    world.log.clear()
    assert fetched(sendcloud) == whole
    assert {entry.status for entry in world.log} == {200, 202, 400}


def test_one_day_too_full_for_a_report_is_named(
    sendcloud: Sendcloud, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(twin, "MOST_ROWS", 0)
    with pytest.raises(SourceError, match=r"parcels, parcels, .* refuses the request") as caught:
        fetched(sendcloud)
    assert "row limit" in caught.value.why


def test_a_report_in_the_making_is_waited_for(
    served: tuple[World, str], world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    waits: list[float] = []
    monkeypatch.setattr(Sendcloud, "patience", replace(NO_SLEEP, sleep=waits.append))
    monkeypatch.setattr(twin, "SMALL_ROWS", 50)
    assert len(fetched(client(served))) > 300
    assert waits == [0.25], "only the outgoing parcels are many"


def test_a_report_that_never_comes_is_named(sendcloud: Sendcloud, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(twin.Report, "status", lambda self, now: "generating")
    with pytest.raises(SourceError, match="made no report") as caught:
        fetched(sendcloud)
    assert "generating" in caught.value.why
    monkeypatch.setattr(twin.Report, "status", lambda self, now: "failed")
    with pytest.raises(SourceError, match="made no report"):
        fetched(sendcloud)


def test_a_throttled_reader_slows_down_and_loses_nothing(
    served: tuple[World, str], world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    calm = fetched(client(served))
    now = [0.0]
    waits: list[float] = []

    def sleep(seconds: float) -> None:
        waits.append(seconds)
        now[0] += max(seconds, 0.4)

    monkeypatch.setattr(world, "ticks", lambda: now[0])
    monkeypatch.setattr(Sendcloud, "patience", replace(NO_SLEEP, sleep=sleep))
    world.throttles["sendcloud"] = 2
    world.log.clear()
    assert fetched(client(served)) == calm
    refused = [entry for entry in world.log if entry.status == 429]
    assert len(refused) == len(waits) > 0, "every refusal was followed by a wait"


@pytest.mark.parametrize("keep", [0.3, 0.66, 0.9])
def test_a_file_that_breaks_off_is_named(sendcloud: Sendcloud, shop: Shop, world: World, keep: float) -> None:
    line = "1,DPD,FR,FR,#1,501001,2026-03-01T10:00:00Z,,,1.000,outgoing"
    text = "\n".join((",".join(REPORT_FIELDS), *[line] * 50))
    cut = text.encode()[: int(len(text) * keep)]
    assert not cut.endswith(b"outgoing")
    with pytest.raises(TruncatedAnswerError, match="parcels: the report is cut off"):
        for item in read_report(cut, "parcels"):
            own_columns(item, "kg")


@pytest.mark.parametrize("kind", ["missing_column", "retyped_column"])
@pytest.mark.parametrize("column", ["announced_at", "delivered_at", "weight", "direction"])
def test_a_missing_or_retyped_column_stops_the_table(
    sendcloud: Sendcloud, world: World, kind: Any, column: str
) -> None:
    world.faults.arm("sendcloud", kind, column=column, where="files", times=9)
    with pytest.raises(SchemaError, match=f"parcels, parcels, .*{column}"):
        fetched(sendcloud)


def test_keys_are_refused_and_a_plan_lacks_reporting(
    served: tuple[World, str], sendcloud: Sendcloud, world: World
) -> None:
    other = client(served, secret_key=SecretStr("canary-secret-wrong"))
    with pytest.raises(AuthenticationError) as caught:
        fetched(other)
    assert SECRET_CANARY not in str(caught.value)
    assert [finding.state for finding in sendcloud.check()] == ["ok"]
    world.missing_rights.add(("sendcloud", "reporting"))
    (finding,) = sendcloud.check()
    assert finding.state == "error" and "reporting" in finding.mend


def test_settings_say_how_far_back_parcels_are_read_again(served: tuple[World, str]) -> None:
    (table,) = Sendcloud.declared_tables(client(served, delivery_days=60).settings)
    assert table.restate_days == 60


@pytest.mark.parametrize(
    ("written", "unit", "weight"),
    [("1.150", "kg", 1150), ("380", "g", 380), ("0.000", "kg", None), ("", "g", None)],
)
def test_weights_are_whole_grams_or_unknown(written: str, unit: str, weight: int | None) -> None:
    line = f"1,DPD,FR,FR,#1,501001,2026-03-01 10:00:00,,,{written},outgoing"
    (item,) = read_report("\n".join((",".join(REPORT_FIELDS), line)).encode(), "parcels")
    row = own_columns(item, unit)
    assert row["weight_grams"] == weight
    assert row["announced_at"] == datetime(2026, 3, 1, 10, tzinfo=UTC), "a time without a zone is UTC"


def test_activities_are_tonne_kilometres_of_parcels_that_left(sendcloud: Sendcloud, shop: Shop) -> None:
    connection = raw_tables({"parcels": (PARCELS, fetched(sendcloud))})
    rows = {row["activity_id"]: row for row in map_rows(connection, mapping("activities"))}
    left = [one for one in shop.parcels if one.handed_over_at <= NOW]
    assert set(rows) == {str(one.parcel_id) for one in left}
    for parcel in left:
        row = rows[str(parcel.parcel_id)]
        way = "air" if parcel.country == "US" else "road"
        assert (row["kind"], row["activity"]) == (
            ("returns", f"parcel_return_{way}") if parcel.is_return else ("transport", f"parcel_{way}")
        )
        assert row["quantity"] == tonne_kilometres(parcel, KILOMETRES[parcel.country])
        assert (row["unit"], row["carrier"]) == ("tkm", parcel.carrier)
    assert {row["activity"] for row in rows.values()} >= {"parcel_road", "parcel_air", "parcel_return_road"}


def tonne_kilometres(parcel: Parcel, kilometres: int) -> Decimal:
    return (Decimal(parcel.weight_grams * kilometres) / 1_000_000).quantize(
        Decimal("0.0001"), "ROUND_HALF_UP"
    )


def test_a_shop_sets_its_own_distances(served: tuple[World, str], sendcloud: Sendcloud) -> None:
    own = client(served, kilometres={"FR": 900}, by_air=("BE",))
    rows = fetched(own)
    assert {row["kilometres"] for row in rows if row["country"] == "FR"} == {900}
    assert {row["by_air"] for row in rows if row["country"] == "BE"} == {True}
    assert {row["by_air"] for row in rows if row["country"] == "US"} == {False}
    assert {row["kilometres"] for row in rows if row["country"] == "DE"} == {KILOMETRES["DE"]}


def test_parcels_that_arrive_late_land(tmp_path: Path) -> None:
    """A label of one day is read again for weeks: its delivery appears when it happened."""
    with simulate(tmp_path, seed=4, days=42, orders_per_day=4, business=reading("parcels")) as simulation:
        shop = simulation.shop
        late = max(
            (one for one in shop.parcels if one.delivered_at and one.announced_at.date() < shop.last_day),
            key=lambda one: (one.delivered_at or one.announced_at) - one.announced_at,
        )
        assert late.delivered_at is not None
        announced = late.announced_at.astimezone(UTC).date()
        simulation.set_day(announced)
        simulation.extract(shop.first_day, announced, ["parcels"])
        before = raw_parcel(simulation, late)
        morning_after = late.delivered_at.astimezone(UTC).date()
        simulation.set_day(morning_after)
        (table,) = simulation.pipeline.tables("parcels")
        simulation.pipeline.extract("parcels", table, morning_after, morning_after)
        assert before == (None,)
        assert raw_parcel(simulation, late) == (late.delivered_at.replace(tzinfo=None),)


def raw_parcel(simulation: Any, parcel: Parcel) -> Any:
    (row,) = simulation.query(
        "SELECT delivered_at FROM raw.parcels__parcels WHERE parcel_id = ?", [str(parcel.parcel_id)]
    )
    return row


def mapping(name: str) -> str:
    return Sendcloud.declared_mappings(None)[name]


def test_parcels_are_mapped_as_they_came(sendcloud: Sendcloud, shop: Shop) -> None:
    fetched_rows = fetched(sendcloud)
    rows = map_rows(raw_tables({"parcels": (PARCELS, fetched_rows)}), mapping("parcels"))
    assert len(rows) == len(shop.parcels)
    by_id = {row["parcel_id"]: row for row in rows}
    for parcel in shop.parcels:
        row, delivered = by_id[str(parcel.parcel_id)], reached(parcel.delivered_at)
        assert row["delivered_day"] == (delivered.astimezone(ZONE).date() if delivered else None)
        assert row["day"] == parcel.announced_at.astimezone(ZONE).date()
    assert timedelta(0) < max(row["delivered_day"] - row["day"] for row in rows if row["delivered_day"])
