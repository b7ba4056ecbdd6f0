"""App Store: downloads by kind, no sales is zero and no report is not, tokens of twenty minutes at most."""

from __future__ import annotations

import base64
import json
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec
from pydantic import SecretStr, ValidationError

from ecom_pipeline.errors import AuthenticationError
from ecom_pipeline.kpis.definition import kpis
from ecom_pipeline.sandbox.events import Shop
from ecom_pipeline.sandbox.generator import generate_shop
from ecom_pipeline.sandbox.server import run_sandbox
from ecom_pipeline.sandbox.vendors import app_store as twin
from ecom_pipeline.sandbox.world import World
from ecom_pipeline.sources.app_store import AppStore
from ecom_pipeline.sources.app_store.report import INSTALLS
from ecom_pipeline.sources.app_store.source import MOST_READY_DAYS, AppStoreSettings
from ecom_pipeline.sources.app_store.token import AppStoreToken
from ecom_pipeline.sources.http import UnavailableError
from ecom_pipeline.warehouse.raw_log import restated_window

from ..openapi import query_violations, read_spec, violations
from ..simulation import reading
from .contract_suite import Case, SourceContract
from .vendor_sandbox import NO_SLEEP, context_of, map_rows, raw_tables, window_of

FIRST, LAST = date(2026, 2, 1), date(2026, 3, 31)
NOW = datetime(2026, 4, 1, 4, tzinfo=UTC)  # still the evening of 31 March in California
WHOLE = window_of(FIRST, LAST, NOW)


class TestContract(SourceContract):
    case = Case("app_store", "app_store", "installs", "Units", where="salesReports?", cuts=False)
    business = reading("app_store")


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


def client(served: tuple[World, str], **settings: Any) -> AppStore:
    world, url = served
    (told,) = twin.instances(world, url)
    keys = {name: SecretStr(value) for name, value in told.secrets.items()}
    return AppStore("app_store", AppStoreSettings(**(told.settings | keys | settings)), context_of(world))


@pytest.fixture
def store(served: tuple[World, str], world: World, monkeypatch: pytest.MonkeyPatch) -> AppStore:
    monkeypatch.setattr(AppStore, "patience", NO_SLEEP)
    return client(served)


def fetched(store: AppStore, first_day: date = FIRST, last_day: date = LAST) -> list[Any]:
    return list(store.fetch(INSTALLS, window_of(first_day, last_day, NOW)))


def test_downloads_are_counted_by_kind_and_what_is_bought_in_the_app_is_not(
    store: AppStore, shop: Shop
) -> None:
    rows = fetched(store)
    assert {row["app"] for row in rows} == {twin.APP}
    told = {(row["day"], row["country"]): row for row in rows}
    assert len(told) == len(rows)
    ready = [one for one in shop.apps if one.store == "app_store" and one.day < LAST]
    for one in ready:
        row = told.get((one.day, one.country), Counter())
        assert (row["first_downloads"], row["redownloads"], row["updates"]) == (
            one.first_installs, one.reinstalls, one.updates,
        )  # fmt: skip
    assert [line for one in ready for line in twin.lines(one) if "IA1" in line], (
        "nothing was bought in the app"
    )
    assert rows[-1]["day"] == max(one.day for one in ready if list(twin.lines(one)))


def test_which_kinds_are_downloads_is_a_setting(served: tuple[World, str], store: AppStore) -> None:
    again = client(served, first_download_types=("3F",), redownload_types=("1F",))
    swapped = {(row["day"], row["country"]): row for row in fetched(again)}
    for row in fetched(store):
        other = swapped[row["day"], row["country"]]
        assert (other["first_downloads"], other["redownloads"]) == (
            row["redownloads"], row["first_downloads"],
        )  # fmt: skip


def test_no_sales_are_nothing_and_no_report_is_awaited_and_then_missed(
    served: tuple[World, str], store: AppStore, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = FIRST - timedelta(days=9)
    assert fetched(store, before, before) == []
    assert world.log[-1].status == 404
    assert fetched(store, LAST, LAST) == [], "not ready yet"
    monkeypatch.setattr(twin, "ready_at", lambda day: NOW + timedelta(days=1))
    assert fetched(store, LAST - timedelta(days=3), LAST) == []
    with pytest.raises(UnavailableError, match=str(LAST - timedelta(days=4))):
        fetched(store, LAST - timedelta(days=4), LAST)
    patient = client(served, ready_days=5)
    assert fetched(patient, LAST - timedelta(days=5), LAST) == []


def test_what_apple_no_longer_keeps_is_named_and_is_no_zero(
    store: AppStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    def gone(detail: str) -> twin.Refused:
        return twin.Refused(410, "GONE", "Gone", "Report is no longer available.")

    monkeypatch.setattr(twin, "missing", gone)
    with pytest.raises(UnavailableError, match=f"no report of {LAST}") as caught:
        fetched(store, LAST, LAST)
    assert "no longer available" in caught.value.why and "for a year" in caught.value.mend


@pytest.mark.parametrize("days", [1, MOST_READY_DAYS])
def test_a_report_is_missed_before_its_day_is_shown_and_while_it_is_still_read(
    served: tuple[World, str], store: AppStore, monkeypatch: pytest.MonkeyPatch, days: int
) -> None:
    """Read on a European morning, which is the evening before in California."""
    assert NOW.astimezone(twin.PACIFIC).date() == LAST
    missed = LAST - timedelta(days=days + 1)
    assert kpis()["app_downloads"].matures_after >= (LAST - missed).days
    monkeypatch.setattr(twin, "ready_at", lambda day: NOW + timedelta(days=1))
    window = restated_window(INSTALLS, window_of(LAST, LAST, NOW))
    assert window.first_day <= missed
    patient = client(served, ready_days=days)
    assert list(patient.fetch(INSTALLS, replace(window, first_day=missed + timedelta(days=1)))) == []
    with pytest.raises(UnavailableError, match=str(missed)):
        list(patient.fetch(INSTALLS, replace(window, first_day=missed)))
    with pytest.raises(ValidationError):
        client(served, ready_days=MOST_READY_DAYS + 1)


def test_a_token_lives_less_than_twenty_minutes_and_is_renewed(store: AppStore, world: World) -> None:
    (token,) = AppStoreToken(
        twin.ISSUER, SecretStr(twin.KEY_ID), store.settings.private_key, world.now, "app_store"
    )(False).values()  # fmt: skip
    claims = json.loads(base64.urlsafe_b64decode(token.split(".")[1] + "=="))
    assert 0 < claims["exp"] - claims["iat"] < 20 * 60 and claims["aud"] == "appstoreconnect-v1"
    rows = store.fetch(INSTALLS, WHOLE)
    first = next(rows)
    world.set_now(NOW + timedelta(minutes=30))
    assert [first, *rows] == fetched(store), "a token that ran out on the way is made anew"
    assert 401 in {entry.status for entry in world.log}


@pytest.mark.parametrize("curve", [ec.SECP384R1(), None])
def test_another_key_is_refused_before_anything_is_sent(
    served: tuple[World, str], store: AppStore, world: World, curve: ec.EllipticCurve | None
) -> None:
    text = "no key at all"
    if curve is not None:
        formats = (serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8)
        text = ec.generate_private_key(curve).private_bytes(*formats, serialization.NoEncryption()).decode()
    with pytest.raises(AuthenticationError, match="private key"):
        fetched(client(served, private_key=SecretStr(text)))
    assert world.log == []


def test_requests_and_answers_are_as_documented(store: AppStore, world: World, shared: Path) -> None:
    spec = read_spec(shared / "specs" / "app-store-connect" / "3.7.0.json")
    operation = spec["paths"]["/v1/salesReports"]["get"]
    fetched(store, LAST - timedelta(days=2), LAST)
    assert {entry.status for entry in world.log} == {200, 404}
    for entry in world.log:
        assert entry.path == "/app-store/v1/salesReports"
        assert list(query_violations(operation, entry.query)) == []
    schema = spec["components"]["schemas"]["ErrorResponse"]
    for answer in (twin.missing(twin.NO_SALES).answer, twin.invalid("filter[version]", "is wrong").answer):
        assert list(violations(spec, schema, answer.body)) == []


def test_used_up_requests_are_waited_for(
    served: tuple[World, str], store: AppStore, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    calm = fetched(store, LAST - timedelta(days=9), LAST)
    now, waits = [0.0], []

    def sleep(seconds: float) -> None:
        waits.append(seconds)
        now[0] += seconds

    monkeypatch.setattr(world, "ticks", lambda: now[0])
    monkeypatch.setattr(AppStore, "patience", replace(NO_SLEEP, sleep=sleep))
    world.throttles["app_store"] = 4
    world.log.clear()
    assert fetched(client(served, throttle_seconds=77), LAST - timedelta(days=9), LAST) == calm
    refusals = [entry.status for entry in world.log].count(429)
    assert refusals > 0 and waits == [77.0] * refusals


def test_a_missing_role_is_named(store: AppStore, world: World) -> None:
    world.missing_rights.add(("app_store", "Sales"))
    (finding,) = store.check()
    assert finding.state == "error" and "role Sales" in finding.mend


def test_the_mapping_tells_what_was_fetched(store: AppStore) -> None:
    rows = fetched(store)
    connection = raw_tables({"installs": (INSTALLS, rows)})
    told = map_rows(connection, AppStore.declared_mappings(None)["app_installs"])
    names = ("day", "app", "country", "first_downloads", "redownloads", "updates")
    assert sorted(
        tuple(row[name] for name in ("day", "app", "country", "first_installs", "reinstalls", "updates"))
        for row in told
    ) == sorted(tuple(row[name] for name in names) for row in rows)
    assert {(row["store"], row["active_devices"]) for row in told} == {("app_store", None)}
