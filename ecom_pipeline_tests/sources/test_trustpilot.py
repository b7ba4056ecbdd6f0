"""Trustpilot: reviews of the shop by their day, the last month again each time."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from pydantic import SecretStr

from ecom_pipeline.sandbox.events import Shop
from ecom_pipeline.sandbox.generator import generate_shop
from ecom_pipeline.sandbox.server import run_sandbox
from ecom_pipeline.sandbox.vendors import trustpilot as twin
from ecom_pipeline.sandbox.world import PERSONAL_CANARY, SECRET_CANARY, World
from ecom_pipeline.sources.contract import Window
from ecom_pipeline.sources.trustpilot import Trustpilot, source
from ecom_pipeline.sources.trustpilot.source import REVIEWS, TrustpilotSettings

from ..simulation import reading
from .contract_suite import Case, SourceContract
from .vendor_sandbox import NO_SLEEP, context_of, map_rows, raw_tables, window_of

FIRST, LAST = date(2026, 1, 1), date(2026, 3, 31)
NOW = datetime(2026, 4, 1, 6, tzinfo=UTC)
WHOLE = window_of(FIRST, LAST)


class TestContract(SourceContract):
    case = Case(
        "trustpilot",
        "trust",
        table="reviews",
        column="stars",
        where="/reviews",
        small_pages=("ecom_pipeline.sources.trustpilot.source.PAGE",),
        page_rows=1,
        paged_days=25,
    )
    business = reading("trust")


@pytest.fixture(scope="module")
def shop() -> Shop:
    return generate_shop(5, FIRST, LAST, 40.0)


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


def client(served: tuple[World, str], **changed: Any) -> Trustpilot:
    world, url = served
    (told,) = twin.instances(world, url)
    secrets = {name: SecretStr(value) for name, value in told.secrets.items()}
    return Trustpilot("trust", TrustpilotSettings(**(told.settings | secrets | changed)), context_of(world))


@pytest.fixture
def trustpilot(served: tuple[World, str], world: World, monkeypatch: pytest.MonkeyPatch) -> Trustpilot:
    monkeypatch.setattr(Trustpilot, "patience", NO_SLEEP)
    return client(served)


def fetched(trustpilot: Trustpilot, window: Window = WHOLE) -> list[Any]:
    return list(trustpilot.fetch(REVIEWS, window))


def own(shop: Shop) -> list[Any]:
    return [
        one
        for one in shop.reviews
        if one.platform == "trustpilot" and not (one.removed_at is not None and one.removed_at <= NOW)
    ]


def test_every_review_with_its_stars_and_no_words(trustpilot: Trustpilot, shop: Shop) -> None:
    rows = {row["id"]: row for row in fetched(trustpilot)}
    assert len(rows) == len(own(shop)) > 20
    assert sum(row["stars"] for row in rows.values()) == sum(one.stars for one in own(shop))
    assert PERSONAL_CANARY not in repr(rows)
    mapping = Trustpilot.declared_mappings(trustpilot.settings)["reviews"]
    mapped = map_rows(raw_tables({"reviews": (REVIEWS, list(rows.values()))}), mapping)
    assert len(mapped) == len(rows) and {row["product"] for row in mapped} == {None}


def test_what_vanished_is_gone_when_its_day_is_read_again(
    trustpilot: Trustpilot, shop: Shop, world: World
) -> None:
    gone = next(one for one in shop.reviews if one.platform == "trustpilot" and one.removed_at is not None)
    assert gone.removed_at is not None and (gone.removed_at - gone.created_at).days <= REVIEWS.restate_days
    name = f"{gone.review_id:024x}"
    world.set_now(gone.removed_at - timedelta(hours=1))
    assert name in {row["id"] for row in fetched(trustpilot)}
    world.set_now(NOW)
    assert name not in {row["id"] for row in fetched(trustpilot)}


def test_one_sign_in_serves_a_reading_and_a_wrong_secret_is_not_shown(
    served: tuple[World, str], trustpilot: Trustpilot, world: World
) -> None:
    fetched(trustpilot)
    assert sum(entry.path.endswith("/accesstoken") for entry in world.log) == 1
    (finding,) = client(served, api_secret=SecretStr(f"{SECRET_CANARY}-wrong")).check()
    assert finding.state == "error" and SECRET_CANARY not in repr(finding)


def test_throttling_is_waited_for(
    trustpilot: Trustpilot, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(source, "PAGE", 10)
    calm = fetched(trustpilot)
    now = [0.0]

    def sleep(seconds: float) -> None:
        now[0] += max(seconds, 1.0)

    monkeypatch.setattr(world, "ticks", lambda: now[0])
    monkeypatch.setattr(Trustpilot, "patience", replace(NO_SLEEP, sleep=sleep))
    world.throttles["trustpilot"] = 2
    assert fetched(trustpilot) == calm
    assert now[0] > 0
