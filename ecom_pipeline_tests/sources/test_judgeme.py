"""Judge.me: stars of what the shop shows, no words, and a token that is never seen."""

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
from ecom_pipeline.sandbox.vendors import judgeme as twin
from ecom_pipeline.sandbox.world import PERSONAL_CANARY, SECRET_CANARY, World
from ecom_pipeline.sources.contract import Window
from ecom_pipeline.sources.judgeme import JudgeMe, source
from ecom_pipeline.sources.judgeme.source import REVIEWS, JudgeMeSettings

from ..simulation import reading
from .contract_suite import Case, SourceContract
from .vendor_sandbox import NO_SLEEP, context_of, map_rows, raw_tables, window_of

FIRST, LAST = date(2026, 1, 1), date(2026, 3, 31)
NOW = datetime(2026, 4, 1, 6, tzinfo=UTC)
WHOLE = window_of(FIRST, LAST)


class TestContract(SourceContract):
    case = Case(
        "judgeme",
        "reviews",
        table="reviews",
        column="rating",
        where="/v1/reviews",
        small_pages=("ecom_pipeline.sources.judgeme.source.PAGE",),
        page_rows=1,
        paged_days=25,
    )
    business = reading("reviews")


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


def client(served: tuple[World, str], **changed: Any) -> JudgeMe:
    world, url = served
    (told,) = twin.instances(world, url)
    secrets = {name: SecretStr(value) for name, value in told.secrets.items()}
    return JudgeMe("reviews", JudgeMeSettings(**(told.settings | secrets | changed)), context_of(world))


@pytest.fixture
def judgeme(served: tuple[World, str], world: World, monkeypatch: pytest.MonkeyPatch) -> JudgeMe:
    monkeypatch.setattr(JudgeMe, "patience", NO_SLEEP)
    return client(served)


def fetched(judgeme: JudgeMe, window: Window = WHOLE) -> list[Any]:
    return list(judgeme.fetch(REVIEWS, window))


def own(shop: Shop) -> list[Any]:
    return [
        one
        for one in shop.reviews
        if one.platform == "judgeme" and not (one.removed_at is not None and one.removed_at <= NOW)
    ]


def test_every_review_with_its_stars_and_no_words(judgeme: JudgeMe, shop: Shop) -> None:
    rows = {row["id"]: row for row in fetched(judgeme)}
    assert set(rows) == {str(one.review_id) for one in own(shop)} and len(rows) > 60
    for one in own(shop):
        row = rows[str(one.review_id)]
        assert row["stars"] == one.stars and row["created_at"] == one.created_at
        assert one.product is not None and row["product"] == one.product.title
    assert PERSONAL_CANARY not in repr(rows)


def test_what_the_shop_hides_or_took_away_does_not_count(judgeme: JudgeMe, shop: Shop, world: World) -> None:
    mapping = JudgeMe.declared_mappings(judgeme.settings)["reviews"]
    rows = map_rows(raw_tables({"reviews": (REVIEWS, fetched(judgeme))}), mapping)
    hidden = {str(one.review_id) for one in own(shop) if twin.is_hidden(one)}
    assert hidden and {row["review_id"] for row in rows} == {str(one.review_id) for one in own(shop)} - hidden
    gone = next(one for one in shop.reviews if one.platform == "judgeme" and one.removed_at is not None)
    assert gone.removed_at is not None
    world.set_now(gone.removed_at - timedelta(hours=1))
    assert str(gone.review_id) in {row["id"] for row in fetched(judgeme)}


def test_a_new_review_between_two_pages_doubles_nothing(
    judgeme: JudgeMe, shop: Shop, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(source, "PAGE", 20)
    newest = max((one for one in own(shop)), key=lambda one: one.created_at)
    world.set_now(newest.created_at - timedelta(seconds=1))
    before = {row["id"] for row in fetched(judgeme)}
    rows = judgeme.fetch(REVIEWS, WHOLE)
    first = next(rows)
    world.set_now(NOW)
    found = [first["id"], *(row["id"] for row in rows)]
    assert len(found) == len(set(found)) and before <= set(found)


def test_the_token_in_the_query_is_never_shown(
    served: tuple[World, str], judgeme: JudgeMe, caplog: Any
) -> None:
    wrong = client(served, api_token=SecretStr(f"{SECRET_CANARY}-wrong"))
    with caplog.at_level("DEBUG"):
        fetched(judgeme)
        (finding,) = wrong.check()
    assert finding.state == "error"
    assert SECRET_CANARY not in caplog.text + repr(finding) + repr(wrong.settings)


def test_throttling_is_waited_for(judgeme: JudgeMe, world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(source, "PAGE", 10)
    calm = fetched(judgeme)
    now = [0.0]

    def sleep(seconds: float) -> None:
        now[0] += max(seconds, 1.0)

    monkeypatch.setattr(world, "ticks", lambda: now[0])
    monkeypatch.setattr(JudgeMe, "patience", replace(NO_SLEEP, sleep=sleep))
    world.throttles["judgeme"] = 2
    assert fetched(judgeme) == calm
    assert now[0] > 0
