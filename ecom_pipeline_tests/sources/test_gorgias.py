"""Gorgias: tickets and answered surveys, from the newest back to where the window begins, and no words."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from pydantic import SecretStr

from ecom_pipeline.sandbox.events import Shop, Ticket
from ecom_pipeline.sandbox.generator import generate_shop
from ecom_pipeline.sandbox.server import run_sandbox
from ecom_pipeline.sandbox.vendors import gorgias as twin
from ecom_pipeline.sandbox.world import PERSONAL_CANARY, World
from ecom_pipeline.sources.contract import Table, Window
from ecom_pipeline.sources.gorgias import Gorgias, source
from ecom_pipeline.sources.gorgias.source import RATINGS, TICKETS, GorgiasSettings

from ..simulation import reading
from .contract_suite import Case, SourceContract
from .vendor_sandbox import NO_SLEEP, context_of, window_of

FIRST, LAST = date(2026, 1, 1), date(2026, 3, 31)
NOW = datetime(2026, 4, 1, 6, tzinfo=UTC)
WHOLE = window_of(FIRST, LAST)


class TestContract(SourceContract):
    case = Case(
        "gorgias",
        "support",
        table="tickets",
        column="updated_datetime",
        where="/api/tickets",
        small_pages=("ecom_pipeline.sources.gorgias.source.PAGE",),
        page_rows=1,
        paged_days=25,
    )
    business = reading("support")


@pytest.fixture(scope="module")
def shop() -> Shop:
    return generate_shop(5, FIRST, LAST, 20.0)


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


def client(served: tuple[World, str], **changed: Any) -> Gorgias:
    world, url = served
    (told,) = twin.instances(world, url)
    secrets = {name: SecretStr(value) for name, value in told.secrets.items()}
    return Gorgias("support", GorgiasSettings(**(told.settings | secrets | changed)), context_of(world))


@pytest.fixture
def gorgias(served: tuple[World, str], world: World, monkeypatch: pytest.MonkeyPatch) -> Gorgias:
    monkeypatch.setattr(Gorgias, "patience", NO_SLEEP)
    return client(served)


def fetched(gorgias: Gorgias, table: Table = TICKETS, window: Window = WHOLE) -> list[Any]:
    return list(gorgias.fetch(table, window))


def own(shop: Shop) -> list[Ticket]:
    return [ticket for ticket in shop.tickets if ticket.desk == "gorgias"]


def test_every_ticket_as_it_stands_and_none_of_its_words(gorgias: Gorgias, shop: Shop) -> None:
    there = [ticket for ticket in own(shop) if not (ticket.deleted_at and ticket.deleted_at <= NOW)]
    rows = {row["id"]: row for row in fetched(gorgias)}
    assert set(rows) == {str(ticket.ticket_id) for ticket in there} and len(rows) > 50
    for ticket in there:
        row = rows[str(ticket.ticket_id)]
        assert row["medium"] == ticket.channel and row["is_complaint"] == ticket.is_complaint
        assert row["created_at"] == ticket.created_at
        assert (row["solved_at"] is None) == (ticket.solved_at is None)
    assert PERSONAL_CANARY not in repr(rows)


def test_reading_stops_where_the_window_begins(
    gorgias: Gorgias, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(source, "PAGE", 5)
    recent = window_of(LAST - timedelta(days=6), LAST)
    rows = fetched(gorgias, window=recent)
    pages = len(world.log)
    world.log.clear()
    everything = fetched(gorgias)
    assert pages < len(world.log) / 3
    assert [row for row in everything if row["updated_at"] >= recent.start_at] == rows


def test_a_survey_counts_on_the_day_it_is_answered(gorgias: Gorgias, shop: Shop, world: World) -> None:
    ratings = {str(one.rating_id): one for one in shop.ratings if one.desk == "gorgias"}
    rows = {row["id"]: row for row in fetched(gorgias, RATINGS)}
    assert set(rows) == set(ratings) and len(rows) > 10
    assert all(row["score"] == ratings[name].score for name, row in rows.items())
    one = next(iter(ratings.values()))
    world.set_now(one.at - timedelta(hours=1))
    before = fetched(gorgias, RATINGS, window_of(FIRST, LAST, world.now()))
    assert str(one.rating_id) not in {row["id"] for row in before}, "sent, and not answered yet"


def test_throttling_is_waited_for(gorgias: Gorgias, world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(source, "PAGE", 10)
    calm = fetched(gorgias)
    now = [0.0]
    waits: list[float] = []

    def sleep(seconds: float) -> None:
        waits.append(seconds)
        now[0] += seconds

    monkeypatch.setattr(world, "ticks", lambda: now[0])
    monkeypatch.setattr(Gorgias, "patience", replace(NO_SLEEP, sleep=sleep))
    world.throttles["gorgias"] = 2
    assert fetched(gorgias) == calm
    assert waits and set(waits) == {20.0}
