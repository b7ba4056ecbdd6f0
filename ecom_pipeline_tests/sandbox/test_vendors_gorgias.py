"""Gorgias' twin: lists in a documented order, by cursor, with what was thrown away, and no filter by time."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
import requests

from ecom_pipeline.sandbox.events import Shop, Ticket
from ecom_pipeline.sandbox.generator import generate_shop
from ecom_pipeline.sandbox.vendors import gorgias as twin
from ecom_pipeline.sandbox.vendors.zendesk import EMAIL
from ecom_pipeline.sandbox.world import PERSONAL_CANARY, World

from .conftest import FIRST_DAY, LAST_DAY


class Client:
    def __init__(self, base_url: str, world: World) -> None:
        self.url = f"{base_url}/gorgias/api"
        self.auth = (EMAIL, world.secrets["gorgias_api_key"])

    def get(self, path: str, **params: Any) -> requests.Response:
        return requests.get(f"{self.url}/{path}", params=params, auth=self.auth, timeout=5)

    def listed(self, path: str, **params: Any) -> list[dict[str, Any]]:
        """All pages of a list."""
        answer = self.get(path, **params).json()
        found: list[dict[str, Any]] = answer["data"]
        while answer["meta"]["next_cursor"]:
            answer = self.get(path, **params, cursor=answer["meta"]["next_cursor"]).json()
            found += answer["data"]
        return found


@pytest.fixture(scope="module")
def shop() -> Shop:
    return generate_shop(7, FIRST_DAY, LAST_DAY, 60)


@pytest.fixture
def gorgias(base_url: str, world: World) -> Client:
    return Client(base_url, world)


def own(shop: Shop) -> list[Ticket]:
    return [ticket for ticket in shop.tickets if ticket.desk == "gorgias"]


def test_a_wrong_key_is_401_and_a_missing_right_403(gorgias: Client, world: World) -> None:
    world.missing_rights.add(("gorgias", "tickets"))
    assert gorgias.get("tickets").status_code == 403
    gorgias.auth = (EMAIL, "wrong")
    assert gorgias.get("tickets").status_code == 401


@pytest.mark.parametrize("column", ["created_datetime", "updated_datetime"])
@pytest.mark.parametrize("direction", ["asc", "desc"])
def test_pages_hold_every_ticket_once_in_the_order_asked_for(
    gorgias: Client, shop: Shop, column: str, direction: str
) -> None:
    found = gorgias.listed("tickets", limit=4, order_by=f"{column}:{direction}")
    assert sorted(one["id"] for one in found) == [ticket.ticket_id for ticket in own(shop)]
    places = [(one[column], one["id"]) for one in found]
    assert places == sorted(places, reverse=direction == "desc") and len(places) > 50


def test_newest_first_and_thirty_unless_said_otherwise(gorgias: Client) -> None:
    assert gorgias.get("tickets").json()["data"] == gorgias.listed("tickets")[:30]
    assert gorgias.listed("tickets") == gorgias.listed("tickets", order_by="created_datetime:desc")


def test_pages_go_on_when_a_ticket_moves_meanwhile(gorgias: Client, shop: Shop, world: World) -> None:
    ticket = next(one for one in own(shop)[30:] if one.first_reply_at)
    assert ticket.first_reply_at is not None
    world.set_now(ticket.first_reply_at - timedelta(seconds=1))
    query: dict[str, Any] = {"order_by": "updated_datetime:desc"}
    before = [one["id"] for one in gorgias.listed("tickets", **query)]
    at = before.index(ticket.ticket_id)
    first = gorgias.get("tickets", **query, limit=at + 1).json()
    world.set_now(ticket.first_reply_at)
    second = gorgias.get("tickets", **query, limit=10, cursor=first["meta"]["next_cursor"]).json()
    assert [one["id"] for one in second["data"]] == before[at + 1 : at + 11] != []
    assert gorgias.listed("tickets", **query)[0]["id"] == ticket.ticket_id, "it went to the front"


def test_what_was_thrown_away_is_told_of_unless_it_is_not_wanted(
    gorgias: Client, shop: Shop, world: World
) -> None:
    trashed = {one.ticket_id for one in own(shop) if one.deleted_at and one.deleted_at <= world.now()}
    everything = gorgias.listed("tickets")
    assert {one["id"] for one in everything if one["trashed_datetime"]} == trashed != set()
    kept = {one["id"] for one in gorgias.listed("tickets", trashed="false")}
    assert kept == {one["id"] for one in everything} - trashed


@pytest.mark.parametrize(
    ("path", "params"),
    [
        ("tickets", {"limit": 101}),
        ("tickets", {"limit": 0}),
        ("tickets", {"order_by": "closed_datetime:desc"}),
        ("tickets", {"order_by": "created_datetime:down"}),
        ("tickets", {"updated_since": "2026-01-01"}),
        ("tickets", {"cursor": "??"}),
        ("satisfaction-surveys", {"trashed": "true"}),
        ("satisfaction-surveys", {"order_by": "updated_datetime:desc"}),
    ],
)
def test_other_requests_are_refused(gorgias: Client, path: str, params: dict[str, Any]) -> None:
    assert gorgias.get(path, **params).status_code == 400


def test_a_survey_is_sent_before_it_is_answered(gorgias: Client, shop: Shop, world: World) -> None:
    rating = next(one for one in shop.ratings if one.desk == "gorgias")
    told: dict[int, Any] = {}
    for hours in (-7, -5, 0):
        world.set_now(rating.at + timedelta(hours=hours))
        surveys = {one["id"]: one for one in gorgias.listed("satisfaction-surveys")}
        survey = surveys.get(rating.rating_id)
        told[hours] = survey and (survey["score"], survey["scored_datetime"])
    assert told == {-7: None, -5: (None, None), 0: (rating.score, twin.written(rating.at))}


def test_answers_bear_words_and_people(gorgias: Client) -> None:
    (ticket,) = gorgias.get("tickets", limit=1).json()["data"]
    assert PERSONAL_CANARY in ticket["subject"] and PERSONAL_CANARY in ticket["customer"]["email"]


def test_who_asks_too_often_is_told_how_full_the_bucket_is(gorgias: Client, world: World) -> None:
    world.throttles["gorgias"] = 1
    answers = [gorgias.get("tickets") for _ in range(3)]
    refused = next(answer for answer in answers if answer.status_code == 429)
    assert refused.headers["retry-after"] == "20"
    assert refused.headers["x-gorgias-account-api-call-limit"] == "40/40"
