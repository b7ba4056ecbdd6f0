"""Zendesk's twin: an export that runs by what touched a ticket last, and ratings that are asked for before they are given."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import requests

from ecom_pipeline.sandbox.events import Shop, Ticket
from ecom_pipeline.sandbox.generator import generate_shop
from ecom_pipeline.sandbox.vendors import zendesk as twin
from ecom_pipeline.sandbox.world import PERSONAL_CANARY, World

from ..openapi import read_spec
from .conftest import FIRST_DAY, LAST_DAY

BEGINNING = 1_767_000_000  # before the shop's first day


class Client:
    def __init__(self, base_url: str, world: World) -> None:
        self.url = f"{base_url}/zendesk/api/v2"
        self.auth = (f"{twin.EMAIL}/token", world.secrets["zendesk_api_token"])

    def get(self, path: str, **params: Any) -> requests.Response:
        return requests.get(f"{self.url}/{path}", params=params, auth=self.auth, timeout=5)

    def export(self, **params: Any) -> requests.Response:
        return self.get("incremental/tickets/cursor", **params)

    def exported(self, **params: Any) -> list[dict[str, Any]]:
        """All pages of an export."""
        answer = self.export(**({"start_time": BEGINNING} | params)).json()
        tickets: list[dict[str, Any]] = answer["tickets"]
        while not answer["end_of_stream"]:
            answer = self.export(cursor=answer["after_cursor"], **params).json()
            tickets += answer["tickets"]
        return tickets

    def ratings(self, **params: Any) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = self.get("satisfaction_ratings", **params).json()[
            "satisfaction_ratings"
        ]
        return found


@pytest.fixture(scope="module")
def shop() -> Shop:
    return generate_shop(7, FIRST_DAY, LAST_DAY, 60)


@pytest.fixture
def zendesk(base_url: str, world: World) -> Client:
    return Client(base_url, world)


def own(shop: Shop) -> list[Ticket]:
    return [ticket for ticket in shop.tickets if ticket.desk == "zendesk"]


def test_a_wrong_token_is_401_and_who_is_no_administrator_403(zendesk: Client, world: World) -> None:
    world.missing_rights.add(("zendesk", "tickets"))
    assert zendesk.export(start_time=BEGINNING).status_code == 403
    zendesk.auth = (twin.EMAIL, zendesk.auth[1])
    assert zendesk.export(start_time=BEGINNING).status_code == 401, "a password is no token"


def test_pages_hold_every_ticket_once_in_the_order_of_what_touched_them(zendesk: Client, shop: Shop) -> None:
    whole, paged = zendesk.exported(), zendesk.exported(per_page=7)
    assert paged == whole and len(whole) > 70
    assert sorted(ticket["id"] for ticket in whole) == [ticket.ticket_id for ticket in own(shop)]
    moments = [ticket["generated_timestamp"] for ticket in whole]
    assert moments == sorted(moments)


def test_the_last_minute_is_kept_back(zendesk: Client, shop: Shop, world: World) -> None:
    ticket = own(shop)[20]
    names = {}
    for seconds in (59, 60):
        world.set_now(ticket.created_at + timedelta(seconds=seconds))
        names[seconds] = {one["id"] for one in zendesk.exported()}
    assert names[60] - names[59] == {ticket.ticket_id}
    recent = int(world.now().timestamp()) - 30
    assert zendesk.export(start_time=recent).status_code == 422


def test_a_change_of_the_system_moves_the_export_and_not_the_ticket(
    zendesk: Client, shop: Shop, world: World
) -> None:
    ticket = next(one for one in own(shop) if one.solved_at and not one.deleted_at)
    assert ticket.solved_at is not None
    world.set_now(ticket.solved_at + timedelta(minutes=89))
    start = int((ticket.solved_at + timedelta(minutes=1)).timestamp())
    assert ticket.ticket_id not in {one["id"] for one in zendesk.exported(start_time=start)}
    world.set_now(ticket.solved_at + timedelta(minutes=92))
    (told,) = [one for one in zendesk.exported(start_time=start) if one["id"] == ticket.ticket_id]
    assert told["updated_at"] == twin.written(ticket.solved_at)
    assert told["generated_timestamp"] == int((ticket.solved_at + timedelta(minutes=90)).timestamp())


def test_deleted_tickets_are_told_of_as_such(zendesk: Client, shop: Shop, world: World) -> None:
    deleted = {one.ticket_id for one in own(shop) if one.deleted_at and one.deleted_at <= world.now()}
    assert {one["id"] for one in zendesk.exported() if one["status"] == "deleted"} == deleted != set()


def test_metrics_come_when_they_are_asked_for_and_know_only_the_past(
    zendesk: Client, shop: Shop, world: World
) -> None:
    assert "metric_sets" not in zendesk.export(start_time=BEGINNING).json()
    ticket = next(
        one
        for one in own(shop)
        if one.first_reply_at and one.first_reply_at - one.created_at > timedelta(minutes=5)
    )
    assert ticket.first_reply_at is not None
    minutes = []
    for now in (ticket.first_reply_at - timedelta(seconds=1), ticket.first_reply_at + timedelta(minutes=1)):
        world.set_now(now)
        found = zendesk.export(start_time=BEGINNING, include="metric_sets").json()["metric_sets"]
        (told,) = [one for one in found if one["ticket_id"] == ticket.ticket_id]
        minutes.append(told["reply_time_in_minutes"]["calendar"])
    assert minutes == [None, (ticket.first_reply_at - ticket.created_at) // timedelta(minutes=1)]


@pytest.mark.parametrize(
    "params",
    [
        {},
        {"start_time": 1, "sort": "x"},
        {"start_time": "x"},
        {"cursor": "??"},
        {"start_time": 1, "per_page": 1001},
    ],
)
def test_other_requests_are_refused(zendesk: Client, params: dict[str, Any]) -> None:
    assert zendesk.export(**params).status_code == 422


def test_a_rating_is_offered_before_it_is_given(zendesk: Client, shop: Shop, world: World) -> None:
    rating = next(one for one in shop.ratings if one.desk == "zendesk")
    scores = {}
    for hours in (-7, -5, 0):
        world.set_now(rating.at + timedelta(hours=hours))
        scores[hours] = {one["id"]: one["score"] for one in zendesk.ratings()}.get(rating.rating_id, "")
    assert scores[-7] == "" and scores[-5] == "offered"
    assert scores[0].startswith("good" if rating.score >= 4 else "bad")
    assert rating.rating_id in {one["id"] for one in zendesk.ratings(score="received")}
    assert rating.rating_id not in {one["id"] for one in zendesk.ratings(score="offered")}


def test_both_ends_of_a_span_of_ratings_are_kept_and_pages_follow(zendesk: Client, shop: Shop) -> None:
    made = sorted(
        (int((one.at - twin.SENT_BEFORE).timestamp()), one.rating_id)
        for one in shop.ratings
        if one.desk == "zendesk"
    )
    (first, first_id), (last, last_id) = made[2], made[5]
    found = zendesk.ratings(start_time=first, end_time=last)
    assert sorted(one["id"] for one in found) == sorted(number for at, number in made if first <= at <= last)
    assert {first_id, last_id} <= {one["id"] for one in found}
    page = zendesk.get("satisfaction_ratings", **{"page[size]": 2}).json()
    assert page["meta"]["has_more"] is True
    following = zendesk.get(
        "satisfaction_ratings", **{"page[size]": 2, "page[after]": page["meta"]["after_cursor"]}
    ).json()
    whole = [one["id"] for one in zendesk.ratings()]
    assert [
        one["id"] for one in (*page["satisfaction_ratings"], *following["satisfaction_ratings"])
    ] == whole[:4]
    assert zendesk.get("satisfaction_ratings", status="x").status_code == 422


def test_answers_are_as_the_specification_says_and_bear_words(zendesk: Client, specs: Path) -> None:
    schemas = read_spec(specs / "zendesk" / "incremental.yml")["components"]["schemas"]
    documented = schemas["CursorBasedExportIncrementalTicketsResponse"]
    answer = zendesk.export(start_time=BEGINNING).json()
    assert set(answer) == set(documented["properties"])
    (example,) = documented["example"]["tickets"]
    for ticket in answer["tickets"]:
        assert set(ticket) <= set(example)
        assert all(isinstance(ticket[name], type(example[name])) for name in ticket)
        assert PERSONAL_CANARY in ticket["subject"] and PERSONAL_CANARY in ticket["description"]


def test_who_asks_too_often_is_told_when_to_come_back(zendesk: Client, world: World) -> None:
    world.throttles["zendesk"] = 1
    answers = [zendesk.export(start_time=BEGINNING) for _ in range(3)]
    refused = next(answer for answer in answers if answer.status_code == 429)
    assert refused.headers["retry-after"] == "6"
