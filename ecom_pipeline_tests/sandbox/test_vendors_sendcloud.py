"""Sendcloud's twin: reports are ordered, made and fetched, hold what was asked for, and know only the past."""

from __future__ import annotations

import csv
import io
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import requests

from ecom_pipeline.sandbox.events import Parcel, Shop
from ecom_pipeline.sandbox.vendors import sendcloud as twin
from ecom_pipeline.sandbox.world import PERSONAL_CANARY, World

from ..openapi import read_spec, violations

ALWAYS = {"announced_after": "2026-01-01T00:00:00Z", "announced_before": "2026-03-31T00:00:00Z"}


class Client:
    def __init__(self, base_url: str, world: World) -> None:
        self.url = f"{base_url}/sendcloud/api/v3/reporting/parcels"
        self.auth: tuple[str, str] | None = (
            world.secrets["sendcloud_public_key"],
            world.secrets["sendcloud_secret_key"],
        )

    def order(self, fields: Any, filters: Any = None, **other: Any) -> requests.Response:
        body = {"fields": fields, "filters": ALWAYS if filters is None else filters, **other}
        return requests.post(self.url, json=body, auth=self.auth, timeout=5)

    def retrieve(self, report_id: str) -> requests.Response:
        return requests.get(f"{self.url}/{report_id}", auth=self.auth, timeout=5)

    def rows(self, *fields: str, **filters: Any) -> list[dict[str, str]]:
        report = self.retrieve(self.order(list(fields), ALWAYS | filters).json()["id"]).json()
        return list(csv.DictReader(io.StringIO(requests.get(report["url"], timeout=5).text)))


@pytest.fixture
def sendcloud(base_url: str, world: World) -> Client:
    return Client(base_url, world)


def announced(shop: Shop, until: datetime) -> list[Parcel]:
    return [parcel for parcel in shop.parcels if parcel.announced_at <= until]


def test_wrong_keys_are_401_and_a_plan_without_reporting_is_403(sendcloud: Client, world: World) -> None:
    world.missing_rights.add(("sendcloud", "reporting"))
    assert sendcloud.order(["parcel_id"]).status_code == 403
    sendcloud.auth = ("wrong", "key")
    answer = sendcloud.order(["parcel_id"])
    assert answer.status_code == 401 and answer.json()["errors"][0]["code"] == "authentication_failed"


def test_a_report_is_made_while_one_asks(sendcloud: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(twin, "SMALL_ROWS", 3)
    ordered = sendcloud.order(["parcel_id"])
    assert ordered.status_code == 202
    assert (ordered.json()["status"], ordered.json()["url"]) == ("queued", None)
    steps = [sendcloud.retrieve(ordered.json()["id"]).json() for _ in range(2)]
    assert [step["status"] for step in steps] == ["generating", "ready"]
    assert requests.get(steps[1]["url"], timeout=5).headers["content-type"] == "text/csv"


def test_the_columns_are_those_asked_for_in_their_order(sendcloud: Client, shop: Shop, world: World) -> None:
    rows = sendcloud.rows("weight", "parcel_id", "carrier_name")
    assert list(rows[0]) == ["weight", "parcel_id", "carrier_name"]
    expected = announced(shop, world.now())
    assert len(expected) > 300
    assert [int(row["parcel_id"]) for row in rows] == [parcel.parcel_id for parcel in expected]
    assert {row["carrier_name"] for row in rows} == {"Colissimo", "Chronopost", "Mondial Relay", "DPD"}
    assert rows[0]["weight"] == f"{expected[0].weight_grams / 1000:.3f}"


def test_every_documented_column_can_be_had_and_addresses_are_personal(
    sendcloud: Client, specs: Path
) -> None:
    schemas = read_spec(specs / "sendcloud" / "sendcloud-v3-reporting.yml")["components"]["schemas"]
    documented = schemas["ParcelsReportFields"]["enum"]
    rows = sendcloud.rows(*documented)
    assert list(rows[0]) == documented
    assert {name for name, value in rows[0].items() if PERSONAL_CANARY in value} == {
        "from_address_city", "from_address_postal_code", "to_address_city", "to_address_postal_code",
        "tracking_number",
    }  # fmt: skip


def test_direction_and_both_ends_of_the_span_are_kept(sendcloud: Client, shop: Shop, world: World) -> None:
    there_and_back = {
        direction: {int(row["parcel_id"]) for row in sendcloud.rows("parcel_id", direction=direction)}
        for direction in ("outgoing", "incoming")
    }
    known = announced(shop, world.now())
    assert there_and_back["incoming"] == {one.parcel_id for one in known if one.is_return} != set()
    assert there_and_back["outgoing"] == {one.parcel_id for one in known if not one.is_return}
    at = known[100].announced_at.isoformat()
    (row,) = sendcloud.rows("parcel_id", announced_after=at, announced_before=at)
    assert int(row["parcel_id"]) == known[100].parcel_id


def test_what_has_not_happened_yet_is_empty(sendcloud: Client, shop: Shop, world: World) -> None:
    parcel = next(one for one in shop.parcels if one.delivered_at is not None)
    assert parcel.delivered_at is not None
    steps = {
        "Ready to send": (parcel.announced_at, False, False),
        "En route to sorting center": (parcel.handed_over_at, True, False),
        "Delivered": (parcel.delivered_at, True, True),
    }
    for status, (now, shipped, delivered) in steps.items():
        world.set_now(now)
        rows = sendcloud.rows("parcel_id", "status", "shipped_at", "delivered_at")
        (row,) = [row for row in rows if int(row["parcel_id"]) == parcel.parcel_id]
        assert (row["status"], bool(row["shipped_at"]), bool(row["delivered_at"])) == (
            status,
            shipped,
            delivered,
        )
    world.set_now(parcel.announced_at - timedelta(seconds=1))
    assert all(int(row["parcel_id"]) != parcel.parcel_id for row in sendcloud.rows("parcel_id"))


def test_an_order_is_told_by_the_number_people_see(sendcloud: Client, shop: Shop, world: World) -> None:
    names = {order.order_id: order.name for order in shop.orders}
    rows = sendcloud.rows("order_number", "integration_id")
    assert [row["order_number"] for row in rows] == [
        names[parcel.order_id] for parcel in announced(shop, world.now())
    ]
    assert {row["integration_id"] for row in rows} == {"501001"}


@pytest.mark.parametrize(
    ("fields", "filters", "pointer"),
    [
        ([], ALWAYS, "/fields"),
        (["recipient_name"], ALWAYS, "/fields"),
        (["parcel_id"], {"announced_after": "2026-01-01T00:00:00Z"}, "/filters/announced_before"),
        (["parcel_id"], ALWAYS | {"announced_after": "yesterday"}, "/filters/announced_after"),
        (["parcel_id"], ALWAYS | {"direction": "sideways"}, "/filters/direction"),
        (["parcel_id"], ALWAYS | {"brand_id": 0}, "/filters/brand_id"),
        (["parcel_id"], ALWAYS | {"country": "FR"}, "/filters/country"),
    ],
)
def test_a_wrong_order_is_422_and_says_where(
    sendcloud: Client, fields: list[str], filters: dict[str, Any], pointer: str
) -> None:
    answer = sendcloud.order(fields, filters)
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["source"]["pointer"] == f"/data/attributes{pointer}"


def test_too_many_rows_are_refused(sendcloud: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(twin, "MOST_ROWS", 10)
    answer = sendcloud.order(["parcel_id"])
    assert answer.status_code == 400 and "row limit" in answer.json()["errors"][0]["detail"]


def test_a_file_needs_its_signature_and_is_kept_a_quarter_of_an_hour(sendcloud: Client, world: World) -> None:
    report_id = sendcloud.order(["parcel_id"]).json()["id"]
    report = sendcloud.retrieve(report_id).json()
    assert datetime.fromisoformat(report["expires_at"]) - world.now() == timedelta(minutes=15)
    assert requests.get(report["url"].partition("?")[0], timeout=5).status_code == 403
    world.set_now(world.now() + timedelta(minutes=16))
    assert requests.get(report["url"], timeout=5).status_code == 403
    assert sendcloud.retrieve(report_id).json()["status"] == "expired"
    assert sendcloud.retrieve("00000000-0000-0000-0000-000000000000").status_code == 404


def test_answers_are_those_of_the_specification(sendcloud: Client, world: World, specs: Path) -> None:
    spec = read_spec(specs / "sendcloud" / "sendcloud-v3-reporting.yml")
    schemas = spec["components"]["schemas"]
    ordered = sendcloud.order(["parcel_id", "weight"], ALWAYS | {"direction": "outgoing"}).json()
    ready = sendcloud.retrieve(ordered["id"]).json()
    assert not list(violations(spec, schemas["ParcelsReport"], ordered))
    assert not list(violations(spec, schemas["ParcelsReport"], ready))
    assert list(violations(spec, schemas["ParcelsReport"], ready | {"status": "done"}))
    refused = [sendcloud.order([]), sendcloud.retrieve("none")]
    sendcloud.auth = None
    refused.append(sendcloud.order(["parcel_id"]))
    for answer in refused:
        for error in answer.json()["errors"]:
            assert not list(violations(spec, schemas["ErrorObject"], error))


def test_times_have_no_zone_but_utc(sendcloud: Client, shop: Shop) -> None:
    at = datetime.fromisoformat(sendcloud.rows("announced_at")[0]["announced_at"])
    assert at == shop.parcels[0].announced_at and at.tzinfo == UTC
