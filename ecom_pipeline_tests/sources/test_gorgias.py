"""Gorgias: tickets and answered surveys, from the newest back to where the window begins, and no words."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from pydantic import SecretStr

from ecom_pipeline.sandbox.events import Shop, Ticket
from ecom_pipeline.sandbox.generator import generate_shop
from ecom_pipeline.sandbox.server import run_sandbox
from ecom_pipeline.sandbox.vendors import gorgias as twin
from ecom_pipeline.sandbox.vendors.zendesk import SENT_BEFORE
from ecom_pipeline.sandbox.world import PERSONAL_CANARY, World
from ecom_pipeline.sources.contract import Table, Window
from ecom_pipeline.sources.gorgias import Gorgias, source
from ecom_pipeline.sources.gorgias.source import RATINGS, TICKETS, GorgiasSettings

from ..simulation import reading
from .contract_suite import Case, SourceContract
from .vendor_sandbox import NO_SLEEP, TIME_ZONE, context_of, map_rows, raw_tables, window_of

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
    orders_per_day = 24


@pytest.fixture(scope="module")
def shop() -> Shop:
    return generate_shop(5, FIRST, LAST, 60.0)


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
    rows = {row["id"]: row for row in fetched(gorgias)}
    assert set(rows) == {str(ticket.ticket_id) for ticket in own(shop)} and len(rows) > 60
    for ticket in own(shop):
        row = rows[str(ticket.ticket_id)]
        assert row["medium"] == ticket.channel and row["is_complaint"] == ticket.is_complaint
        assert row["created_at"] == ticket.created_at
        assert row["solved_at"] == ticket.solved_at
        assert row["is_trashed"] == (ticket.deleted_at is not None) and row["is_spam"] is False
    assert PERSONAL_CANARY not in repr(rows)


def test_what_is_in_the_trash_or_spam_is_no_ticket(gorgias: Gorgias, shop: Shop) -> None:
    rows = fetched(gorgias)
    spam = next(row for row in rows if not row["is_trashed"])
    spam["is_spam"] = True
    connection = raw_tables({"tickets": (TICKETS, rows)})
    mapped = map_rows(connection, Gorgias.declared_mappings(None)["tickets"])
    trashed = {str(ticket.ticket_id) for ticket in own(shop) if ticket.deleted_at is not None}
    assert trashed
    assert {row["ticket_id"] for row in mapped} == {row["id"] for row in rows} - trashed - {spam["id"]}
    assert {row["first_reply_minutes"] for row in mapped} == {None}


def test_who_throws_a_ticket_away_changes_it(gorgias: Gorgias, shop: Shop) -> None:
    ticket = next(one for one in own(shop) if one.deleted_at is not None)
    assert ticket.deleted_at is not None
    day = ticket.deleted_at.astimezone(ZoneInfo(TIME_ZONE)).date()
    rows = {row["id"]: row for row in fetched(gorgias, window=window_of(day, day))}
    assert rows[str(ticket.ticket_id)]["is_trashed"] is True


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


def test_an_answer_is_found_on_its_day_however_long_ago_it_was_asked_for(
    gorgias: Gorgias, shop: Shop
) -> None:
    zone = ZoneInfo(TIME_ZONE)
    rating = next(
        one
        for one in shop.ratings
        if one.desk == "gorgias"
        and (one.at - SENT_BEFORE).astimezone(zone).date() < one.at.astimezone(zone).date()
    )
    day = rating.at.astimezone(zone).date()
    assert str(rating.rating_id) in {row["id"] for row in fetched(gorgias, RATINGS, window_of(day, day))}


def test_four_stars_and_more_are_good(gorgias: Gorgias, shop: Shop) -> None:
    connection = raw_tables({"ratings": (RATINGS, fetched(gorgias, RATINGS))})
    mapped = map_rows(connection, Gorgias.declared_mappings(None)["satisfaction_ratings"])
    scores = {str(one.rating_id): one.score for one in shop.ratings if one.desk == "gorgias"}
    assert {3, 4} <= set(scores.values()) and len(mapped) == len(scores)
    assert all(row["is_good"] == (scores[row["rating_id"]] >= 4) for row in mapped)


def test_own_tags_decide_what_a_complaint_is(served: tuple[World, str], gorgias: Gorgias, shop: Shop) -> None:
    rows = fetched(client(served, complaint_tags=("Gift",)))
    gifts = {str(ticket.ticket_id) for ticket in own(shop) if "gift" in ticket.tags}
    assert gifts and {row["id"] for row in rows if row["is_complaint"]} == gifts


@pytest.mark.parametrize("right", ["tickets", "surveys"])
def test_a_missing_right_is_named(gorgias: Gorgias, world: World, right: str) -> None:
    world.missing_rights.add(("gorgias", right))
    states = {finding.subject: finding.state for finding in gorgias.check()}
    assert states[f"support, {right}"] == "error" and sorted(states.values()) == ["error", "ok"]


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
