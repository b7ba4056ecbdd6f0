"""App Store Connect's twin: signed tokens, reports by Pacific day, two reasons for one status."""

from __future__ import annotations

import base64
import csv
import gzip
import io
import json
from collections.abc import Mapping
from datetime import date, datetime, timedelta
from typing import Any

import pytest
import requests
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256

from ecom_pipeline.sandbox.events import Shop
from ecom_pipeline.sandbox.vendors import app_store as twin
from ecom_pipeline.sandbox.world import World

ASKED = {**twin.EXPECTED, "filter[vendorNumber]": twin.VENDOR}


def part(content: bytes) -> str:
    return base64.urlsafe_b64encode(content).rstrip(b"=").decode()


class Client:
    def __init__(self, base_url: str, world: World) -> None:
        self.url, self.world = f"{base_url}/app-store/v1/salesReports", world

    def token(
        self, key: ec.EllipticCurvePrivateKey | None = None, kid: str = twin.KEY_ID, **changed: Any
    ) -> str:
        now = int(self.world.now().timestamp())
        claims = {"iss": twin.ISSUER, "aud": "appstoreconnect-v1", "iat": now, "exp": now + 600} | changed
        header = {"alg": "ES256", "kid": kid, "typ": "JWT"}
        signed = ".".join(part(json.dumps(one).encode()) for one in (header, claims))
        signature = (key or twin.private_key()).sign(signed.encode(), ec.ECDSA(SHA256()))
        r, s = decode_dss_signature(signature)
        return f"{signed}.{part(r.to_bytes(32) + s.to_bytes(32))}"

    def report(
        self, day: date, token: str | None = None, changed: Mapping[str, str] | None = None
    ) -> requests.Response:
        headers = {"Authorization": f"Bearer {token or self.token()}"}
        params = {**ASKED, "filter[reportDate]": day.isoformat(), **(changed or {})}
        return requests.get(self.url, params, headers=headers, timeout=5)


@pytest.fixture
def store(base_url: str, world: World) -> Client:
    return Client(base_url, world)


def days(shop: Shop) -> list[date]:
    return sorted({one.day for one in shop.apps if list(twin.lines(one)) and one.store == "app_store"})


def test_a_report_tells_units_by_kind_and_country(store: Client, shop: Shop) -> None:
    day = days(shop)[-5]
    answer = store.report(day)
    assert answer.headers["Content-Type"] == "application/a-gzip"
    rows = list(csv.DictReader(io.StringIO(gzip.decompress(answer.content).decode()), delimiter="\t"))
    assert tuple(rows[0]) == twin.HEADER and {row["Begin Date"] for row in rows} == {f"{day:%m/%d/%Y}"}
    for one in shop.apps:
        if one.store == "app_store" and one.day == day:
            here = [row for row in rows if row["Country Code"] == one.country]
            for kind, units in (("1F", one.first_installs), ("3F", one.reinstalls), ("7F", one.updates)):
                found = sum(int(row["Units"]) for row in here if row["Product Type Identifier"] == kind)
                assert found == units


def test_a_day_without_sales_and_one_without_report_differ_in_words_only(
    store: Client, shop: Shop, world: World
) -> None:
    none, early = store.report(shop.first_day - timedelta(days=3)), store.report(world.now().date())
    assert (none.status_code, early.status_code) == (404, 404)
    codes = {answer.json()["errors"][0]["code"] for answer in (none, early)}
    assert codes == {"NOT_FOUND"}
    details = [answer.json()["errors"][0]["detail"] for answer in (none, early)]
    assert details == [twin.NO_SALES, twin.NOT_READY]


def test_a_report_is_there_at_five_on_the_pacific_morning(store: Client, shop: Shop, world: World) -> None:
    day = days(shop)[-3]
    at = datetime.combine(day + timedelta(days=1), twin.READY_AT, twin.PACIFIC)
    world.set_now(at - timedelta(minutes=1))
    assert store.report(day).status_code == 404
    world.set_now(at)
    assert store.report(day).status_code == 200


@pytest.mark.parametrize(
    "changed",
    [
        {"exp": 4_000_000_000},
        {"exp": 1_000},
        {"iss": "another"},
        {"aud": "another"},
        {"kid": "ABC"},
        {"key": ec.generate_private_key(ec.SECP256R1())},
    ],
)
def test_only_a_short_token_signed_with_the_key_opens(
    store: Client, shop: Shop, changed: dict[str, Any]
) -> None:
    day = days(shop)[-5]
    assert store.report(day, store.token()).status_code == 200
    answer = store.report(day, store.token(**changed))
    assert (answer.status_code, answer.json()["errors"][0]["code"]) == (401, "NOT_AUTHORIZED")


@pytest.mark.parametrize(
    "changed",
    [
        {"filter[reportType]": "INSTALLS"},
        {"filter[version]": "9_9"},
        {"filter[vendorNumber]": "1"},
        {"filter[reportDate]": "yesterday"},
        {"filter[country]": "FR"},
    ],
)
def test_what_is_not_offered_is_refused(store: Client, shop: Shop, changed: dict[str, str]) -> None:
    answer = store.report(days(shop)[-5], changed=changed)
    assert answer.status_code == 400 and answer.json()["errors"][0]["code"].startswith("PARAMETER_ERROR")


def test_throttling_and_a_missing_role(store: Client, shop: Shop, world: World) -> None:
    world.missing_rights.add(("app_store", "Sales"))
    assert store.report(days(shop)[-5]).status_code == 403
    world.missing_rights.clear()
    monotonic = iter((0.0, 0.1))
    world.ticks, world.throttles["app_store"] = (lambda: next(monotonic)), 1
    answers = [store.report(days(shop)[-5]) for _ in range(2)]
    assert [answer.status_code for answer in answers] == [200, 429]
    assert "user-hour-rem:0" in answers[1].headers["X-Rate-Limit"] and "Retry-After" not in answers[1].headers
