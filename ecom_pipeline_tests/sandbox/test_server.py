"""The frame: every vendor fails in the ways a network fails, on demand and counted."""

from __future__ import annotations

import time
from datetime import UTC, datetime

import pytest
import requests

from ecom_pipeline.sandbox.twins import to_json, vendor_instances
from ecom_pipeline.sandbox.world import SECRET_CANARY, World

RATES = "/ecb/stats/eurofxref/eurofxref-hist.zip"


def test_health_tells_the_clock(base_url: str, world: World) -> None:
    body = requests.get(f"{base_url}/_sandbox/health", timeout=5).json()
    assert datetime.fromisoformat(body["now"]) == world.now()


def test_clock_is_set_over_http(base_url: str, world: World) -> None:
    answer = requests.post(f"{base_url}/_sandbox/clock", json={"now": "2026-03-01T12:00:00+01:00"}, timeout=5)
    assert answer.status_code == 200
    assert world.now() == datetime(2026, 3, 1, 11, tzinfo=UTC)


def test_clock_without_zone_is_refused(base_url: str, world: World) -> None:
    before = world.now()
    answer = requests.post(f"{base_url}/_sandbox/clock", json={"now": "2026-03-01T12:00:00"}, timeout=5)
    assert answer.status_code == 400
    assert world.now() == before


def test_server_error_for_as_many_requests_as_armed(base_url: str, world: World) -> None:
    world.faults.arm("ecb", "server_error", times=2, status=503)
    statuses = [requests.get(base_url + RATES, timeout=5).status_code for _ in range(3)]
    assert statuses == [503, 503, 200]


def test_fault_skips_and_looks_for_its_place(base_url: str, world: World) -> None:
    world.faults.arm("ecb", "server_error", where="nowhere")
    world.faults.arm("ecb", "server_error", where="hist.zip", skip=1)
    statuses = [requests.get(base_url + RATES, timeout=5).status_code for _ in range(3)]
    assert statuses == [200, 500, 200]
    assert [fault.where for fault in world.faults.pending()] == ["nowhere"]


@pytest.mark.parametrize("retry_after", [None, 7])
def test_rate_limit_with_and_without_retry_after(
    base_url: str, world: World, retry_after: int | None
) -> None:
    asked = {"vendor": "ecb", "kind": "rate_limited", "retry_after": retry_after}
    assert requests.post(f"{base_url}/_sandbox/faults", json=asked, timeout=5).status_code == 200
    answer = requests.get(base_url + RATES, timeout=5)
    assert answer.status_code == 429
    assert answer.headers.get("Retry-After") == (None if retry_after is None else "7")


def test_body_cut_in_the_middle_breaks_the_connection(base_url: str, world: World) -> None:
    world.faults.arm("ecb", "reset")
    with pytest.raises((requests.exceptions.ChunkedEncodingError, requests.ConnectionError)):
        requests.get(base_url + RATES, timeout=5)
    assert requests.get(base_url + RATES, timeout=5).status_code == 200


def test_timeout_answers_nothing(base_url: str, world: World) -> None:
    world.faults.arm("ecb", "timeout", seconds=30)
    started = time.monotonic()
    with pytest.raises(requests.exceptions.ReadTimeout):
        requests.get(base_url + RATES, timeout=0.05)
    assert time.monotonic() - started < 20
    assert requests.get(base_url + RATES, timeout=5).status_code == 200


def test_html_page_comes_with_status_200(base_url: str, world: World) -> None:
    world.faults.arm("ecb", "html")
    answer = requests.get(base_url + RATES, timeout=5)
    assert (answer.status_code, answer.headers["Content-Type"]) == (200, "text/html; charset=utf-8")
    assert answer.text.startswith("<!DOCTYPE html>")


@pytest.mark.parametrize(
    "asked",
    [
        {"vendor": "ecb", "kind": "no such"},
        {"vendor": "ecb", "kind": "missing_column"},
        {"vendor": "ecb", "kind": "extra_column", "column": "x"},
        {"vendor": "ecb", "kind": "html", "wrong": 1},
    ],
)
def test_wrong_faults_are_refused(base_url: str, world: World, asked: dict[str, object]) -> None:
    assert requests.post(f"{base_url}/_sandbox/faults", json=asked, timeout=5).status_code == 400
    assert world.faults.pending() == []


def test_faults_are_cleared_over_http(base_url: str, world: World) -> None:
    world.faults.arm("ecb", "html", times=5)
    requests.delete(f"{base_url}/_sandbox/faults", timeout=5)
    assert world.faults.pending() == []


def test_log_tells_requests_but_no_secrets(base_url: str, world: World) -> None:
    world.faults.arm("ecb", "server_error")
    secret = world.secrets["stripe_api_key"]
    requests.get(
        base_url + RATES, params={"x": "1"}, headers={"Authorization": f"Bearer {secret}"}, timeout=5
    )
    entries = requests.get(f"{base_url}/_sandbox/log", timeout=5).json()
    assert [(e["vendor"], e["path"], e["query"], e["status"], e["fault"]) for e in entries] == [
        ("ecb", RATES, "x=1", 500, "server_error")
    ]
    assert entries[0]["headers"]["authorization"] == "present"
    assert SECRET_CANARY not in str(entries)
    requests.delete(f"{base_url}/_sandbox/log", timeout=5)
    assert world.log == []


def test_every_secret_bears_the_canary_and_is_deterministic(base_url: str, world: World) -> None:
    told = requests.get(f"{base_url}/_sandbox/instances", timeout=5).json()
    secrets = [secret for one in told for secret in one["secrets"].values()]
    assert secrets and all(SECRET_CANARY in secret for secret in secrets)
    assert all(base_url in one["settings"]["base_url"] for one in told)
    assert told == to_json(vendor_instances(World(world.shop, world.now()), base_url))
