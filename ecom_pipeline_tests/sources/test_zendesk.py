"""Zendesk: every ticket as it stands, none of its words, and an export that is left in time."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl
from zoneinfo import ZoneInfo

import pytest
import yaml
from pydantic import SecretStr

from ecom_pipeline.errors import SourceError
from ecom_pipeline.sandbox.events import Shop, Ticket
from ecom_pipeline.sandbox.generator import generate_shop
from ecom_pipeline.sandbox.server import run_sandbox
from ecom_pipeline.sandbox.vendors import zendesk as twin
from ecom_pipeline.sandbox.world import PERSONAL_CANARY, World
from ecom_pipeline.sources.contract import Table, Window
from ecom_pipeline.sources.zendesk import Zendesk, source
from ecom_pipeline.sources.zendesk.source import RATINGS, TICKETS, ZendeskSettings

from ..simulation import reading
from .contract_suite import Case, SourceContract
from .vendor_sandbox import NO_SLEEP, TIME_ZONE, context_of, map_rows, raw_tables, window_of

FIRST, LAST = date(2026, 1, 1), date(2026, 3, 31)
NOW = datetime(2026, 4, 1, 6, tzinfo=UTC)
WHOLE = window_of(FIRST, LAST)


class TestContract(SourceContract):
    case = Case(
        "zendesk",
        "helpdesk",
        table="tickets",
        column="generated_timestamp",
        where="/incremental/tickets",
        small_pages=("ecom_pipeline.sources.zendesk.source.PAGE",),
        page_rows=1,
        paged_days=25,
    )
    business = reading("helpdesk")
    orders_per_day = 24


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


def client(served: tuple[World, str], **changed: Any) -> Zendesk:
    world, url = served
    (told,) = twin.instances(world, url)
    secrets = {name: SecretStr(value) for name, value in told.secrets.items()}
    return Zendesk("helpdesk", ZendeskSettings(**(told.settings | secrets | changed)), context_of(world))


@pytest.fixture
def zendesk(served: tuple[World, str], world: World, monkeypatch: pytest.MonkeyPatch) -> Zendesk:
    monkeypatch.setattr(Zendesk, "patience", NO_SLEEP)
    return client(served)


def fetched(zendesk: Zendesk, table: Table = TICKETS, window: Window = WHOLE) -> list[Any]:
    return list(zendesk.fetch(table, window))


def own(shop: Shop) -> list[Ticket]:
    return [ticket for ticket in shop.tickets if ticket.desk == "zendesk"]


def test_every_ticket_as_it_stands_and_none_of_its_words(zendesk: Zendesk, shop: Shop) -> None:
    rows = {row["id"]: row for row in fetched(zendesk)}
    assert set(rows) == {str(ticket.ticket_id) for ticket in own(shop)} and len(rows) > 80
    names = {order.order_id: order.name for order in shop.orders}
    assert {ticket.order_id is None for ticket in own(shop)} == {True, False}
    for ticket in own(shop):
        row = rows[str(ticket.ticket_id)]
        assert row["medium"] == ticket.channel and row["is_complaint"] == ticket.is_complaint
        assert row["created_at"] == ticket.created_at
        assert row["order_number"] == names.get(ticket.order_id or 0)
        replied = ticket.first_reply_at
        minutes = None if replied is None else (replied - ticket.created_at) // timedelta(minutes=1)
        assert row["first_reply_minutes"] == minutes
        assert (row["status"] == "deleted") == (ticket.deleted_at is not None)
    assert PERSONAL_CANARY not in repr(rows)


def test_what_was_deleted_is_no_ticket(zendesk: Zendesk, shop: Shop) -> None:
    connection = raw_tables({"tickets": (TICKETS, fetched(zendesk))})
    mapped = map_rows(connection, Zendesk.declared_mappings(None)["tickets"])
    deleted = {str(ticket.ticket_id) for ticket in own(shop) if ticket.deleted_at is not None}
    assert (
        deleted
        and {row["ticket_id"] for row in mapped} == {str(ticket.ticket_id) for ticket in own(shop)} - deleted
    )


def test_a_window_of_the_past_leaves_the_export_in_time(
    zendesk: Zendesk, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(source, "PAGE", 10)
    past = window_of(FIRST, FIRST + timedelta(days=20))
    rows = fetched(zendesk, window=past)
    assert rows and all(past.start_at <= row["touched_at"] < past.end_at for row in rows)
    pages = sum("incremental" in entry.path for entry in world.log)
    world.log.clear()
    fetched(zendesk)
    assert pages < sum("incremental" in entry.path for entry in world.log) / 2


def test_the_first_reply_arrives_with_the_next_change(zendesk: Zendesk, shop: Shop, world: World) -> None:
    ticket = next(
        one
        for one in own(shop)
        if one.first_reply_at and one.first_reply_at - one.created_at > timedelta(hours=12)
    )
    assert ticket.first_reply_at is not None
    world.set_now(ticket.first_reply_at - timedelta(hours=1))
    (before,) = [
        row
        for row in fetched(zendesk, window=window_of(FIRST, LAST, world.now()))
        if row["id"] == str(ticket.ticket_id)
    ]
    assert before["first_reply_minutes"] is None and before["touched_at"] == ticket.created_at


def test_a_change_of_the_system_is_a_change(zendesk: Zendesk, shop: Shop, world: World) -> None:
    """It moves the export's time and not the ticket's own, and metrics may come with it."""
    zone = ZoneInfo(TIME_ZONE)
    ticket = next(
        one
        for one in own(shop)
        if one.solved_at
        and one.deleted_at is None
        and (one.solved_at + twin.SYSTEM_AFTER).astimezone(zone).date()
        > one.solved_at.astimezone(zone).date()
    )
    assert ticket.solved_at is not None
    touched_at = (ticket.solved_at + twin.SYSTEM_AFTER).replace(microsecond=0)
    day = touched_at.astimezone(zone).date()
    rows = {row["id"]: row for row in fetched(zendesk, window=window_of(day, day))}
    assert rows[str(ticket.ticket_id)]["touched_at"] == touched_at


def test_without_a_field_for_it_no_order_is_named(served: tuple[World, str], zendesk: Zendesk) -> None:
    rows = fetched(client(served, order_field_id=None))
    assert rows and {row["order_number"] for row in rows} == {None}


def test_an_answer_is_found_on_its_day_however_long_ago_it_was_asked_for(
    served: tuple[World, str], zendesk: Zendesk, shop: Shop
) -> None:
    zone = ZoneInfo(TIME_ZONE)
    rating = next(
        one
        for one in shop.ratings
        if one.desk == "zendesk"
        and (one.at - twin.SENT_BEFORE).astimezone(zone).date() < one.at.astimezone(zone).date()
    )
    day = rating.at.astimezone(zone).date()
    rows = fetched(zendesk, RATINGS, window_of(day, day))
    assert str(rating.rating_id) in {row["id"] for row in rows}
    connection = raw_tables({"ratings": (RATINGS, rows)})
    mapped = map_rows(connection, Zendesk.declared_mappings(None)["satisfaction_ratings"])
    assert {row["day"] for row in mapped} == {day}
    before = window_of(day - timedelta(days=1), day - timedelta(days=1))
    assert str(rating.rating_id) not in {row["id"] for row in fetched(zendesk, RATINGS, before)}


def test_ratings_are_good_or_bad(zendesk: Zendesk, shop: Shop) -> None:
    ratings = {str(one.rating_id): one for one in shop.ratings if one.desk == "zendesk"}
    rows = {row["id"]: row for row in fetched(zendesk, RATINGS)}
    assert set(rows) == set(ratings) and len(rows) > 15
    assert all(row["is_good"] == (ratings[name].score >= 4) for name, row in rows.items())
    assert {row["is_good"] for row in rows.values()} == {True, False}


def test_own_tags_decide_what_a_complaint_is(served: tuple[World, str], zendesk: Zendesk, shop: Shop) -> None:
    rows = fetched(client(served, complaint_tags=("Gift",)))
    gifts = {str(ticket.ticket_id) for ticket in own(shop) if "gift" in ticket.tags}
    assert gifts and {row["id"] for row in rows if row["is_complaint"]} == gifts


def test_a_type_may_make_a_complaint_too(served: tuple[World, str], zendesk: Zendesk, shop: Shop) -> None:
    rows = fetched(client(served, complaint_tags=("incident",)))
    complaints = {str(ticket.ticket_id) for ticket in own(shop) if ticket.is_complaint}
    assert complaints and {row["id"] for row in rows if row["is_complaint"]} == complaints


def test_requests_are_the_documented_ones(zendesk: Zendesk, world: World, shared: Path) -> None:
    fetched(zendesk)
    fetched(zendesk, RATINGS, window_of(FIRST, FIRST + timedelta(days=20)))
    text = (shared / "specs" / "zendesk" / "incremental.yml").read_text(encoding="utf-8")
    path = yaml.load(text, Loader=yaml.CSafeLoader)["paths"]["/api/v2/incremental/tickets/cursor"]
    documented = {one["$ref"].rpartition("/")[2] for one in path["parameters"]}
    assert documented == {"IncrementalUnixTime", "IncrementalCursor"}  # start_time and cursor
    asked = {name for entry in world.log if "incremental" in entry.path for name, _ in parse_qsl(entry.query)}
    # Side-loads and the page's size are options of every incremental export.
    assert asked <= {"start_time", "cursor", "include", "per_page"} and "start_time" in asked
    ratings = (shared / "specs" / "zendesk" / "satisfaction-ratings.yml").read_text(encoding="utf-8")
    (query,) = {entry.query for entry in world.log if "ratings" in entry.path}
    filters = {name for name, _ in parse_qsl(query)} - {"page[size]"}
    assert filters == {"start_time", "end_time", "score"}
    assert all(re.search(rf"\| {name} +\|", ratings) for name in filters)


def test_throttling_is_waited_for(zendesk: Zendesk, world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(source, "PAGE", 20)
    calm = fetched(zendesk)
    now = [0.0]
    waits: list[float] = []

    def sleep(seconds: float) -> None:
        waits.append(seconds)
        now[0] += seconds

    monkeypatch.setattr(world, "ticks", lambda: now[0])
    monkeypatch.setattr(Zendesk, "patience", replace(NO_SLEEP, sleep=sleep))
    world.throttles["zendesk"] = 2
    assert fetched(zendesk) == calm
    assert waits and set(waits) == {6.0}, "as long as Retry-After asks, not a second less"


def test_a_cursor_that_comes_back_is_named(zendesk: Zendesk, monkeypatch: pytest.MonkeyPatch) -> None:
    answer = {"tickets": [], "metric_sets": [], "after_cursor": "again", "end_of_stream": False}
    monkeypatch.setattr("ecom_pipeline.sources.http.HttpClient.get_json", lambda *_, **__: answer)
    with pytest.raises(SourceError, match="do not follow one another"):
        fetched(zendesk)


@pytest.mark.parametrize("right", ["tickets", "ratings"])
def test_a_missing_right_is_named(zendesk: Zendesk, world: World, right: str) -> None:
    world.missing_rights.add(("zendesk", right))
    states = {finding.subject: finding.state for finding in zendesk.check()}
    assert states[f"helpdesk, {right}"] == "error" and sorted(states.values()) == ["error", "ok"]
