"""Instagram's twin: empty sets, late figures, Meta's own days, and what its insights refuse."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime, time, timedelta
from itertools import pairwise
from typing import Any
from zoneinfo import ZoneInfo

import pytest
import requests

from ecom_pipeline.sandbox.events import Shop, SocialDay
from ecom_pipeline.sandbox.vendors import instagram as twin
from ecom_pipeline.sandbox.vendors.meta_ads import VERSION
from ecom_pipeline.sandbox.world import PERSONAL_CANARY, World

DAY = timedelta(days=1)


class Client:
    def __init__(self, base_url: str, world: World) -> None:
        self.url = f"{base_url}/instagram/{VERSION}/{twin.USER}"
        self.headers = {"Authorization": f"Bearer {world.secrets['instagram_token']}"}

    def get(self, edge: str = "", **params: Any) -> requests.Response:
        return requests.get(f"{self.url}{edge}", params, headers=self.headers, timeout=5)

    def insights(self, first_day: date, days: int = 1, **changed: Any) -> requests.Response:
        since, until = midnight(first_day), midnight(first_day + days * DAY)
        bounds = {"since": int(since.timestamp()), "until": int(until.timestamp())}
        asked = {"metric": "reach", "period": "day", "metric_type": "total_value"} | bounds
        return self.get("/insights", **(asked | changed))


def midnight(day: date) -> datetime:
    return datetime.combine(day, time(), ZoneInfo("Europe/Paris")).astimezone(UTC)


@pytest.fixture
def instagram(base_url: str, world: World) -> Client:
    return Client(base_url, world)


@pytest.fixture
def known(shop: Shop, world: World) -> list[SocialDay]:
    """The days whose figures are final, of which nothing is missing."""
    return [one for one in shop.social if not one.untold and midnight(one.day + 3 * DAY) <= world.now()]


def test_a_total_is_that_of_the_days_asked_for(instagram: Client, known: list[SocialDay]) -> None:
    one = known[-1]
    (told,) = instagram.insights(one.day).json()["data"]
    assert (told["name"], told["period"], told["total_value"]) == ("reach", "day", {"value": one.reach})
    first, second = next((a, b) for a, b in pairwise(known) if b.day - a.day == DAY)
    (both,) = instagram.insights(first.day, 2, metric="likes").json()["data"]
    assert both["total_value"] == {"value": first.likes + second.likes}


def test_what_is_not_known_is_an_empty_set_and_the_rest_is_there(
    instagram: Client, shop: Shop, world: World
) -> None:
    one = shop.social[-4]
    shop.social[-4] = SocialDay(**{**vars(one), "untold": ("link_clicks",)})
    try:
        told = instagram.insights(one.day, metric="views,link_clicks").json()["data"]
        assert [metric["name"] for metric in told] == ["views"]
        assert instagram.insights(one.day, metric="link_clicks").json()["data"] == []
    finally:
        shop.social[-4] = one


def test_figures_come_a_day_late_and_are_final_after_two(
    instagram: Client, known: list[SocialDay], world: World
) -> None:
    one = known[-1]
    told = []
    for hours in (23, 25, 49):
        world.set_now(midnight(one.day + DAY) + timedelta(hours=hours))
        data = instagram.insights(one.day, metric="views").json()["data"]
        told.append(data[0]["total_value"]["value"] if data else None)
    assert told == [None, one.views * 7 // 10, one.views]


def test_a_series_bears_the_end_of_metas_own_days(instagram: Client, known: list[SocialDay]) -> None:
    one = known[-1]
    answer = instagram.insights(one.day - DAY, 4, period="days_28", metric_type="time_series").json()
    ends = {value["end_time"]: value["value"] for value in answer["data"][0]["values"]}
    pacific = datetime.combine(one.day + DAY, time(), ZoneInfo("America/Los_Angeles")).astimezone(UTC)
    assert ends[f"{pacific:%Y-%m-%dT%H:%M:%S}+0000"] == one.reach_28_days


@pytest.mark.parametrize(
    "changed",
    [
        {"metric": "impressions"},
        {"metric": "likes", "metric_type": "time_series"},
        {"period": "days_28"},
        {"period": "month"},
        {"metric_type": "sum"},
        {"until": 1},
        {"breakdown": "country"},
    ],
)
def test_what_insights_do_not_offer_is_refused(instagram: Client, changed: dict[str, Any]) -> None:
    answer = instagram.insights(date(2026, 1, 5), **changed)
    assert (answer.status_code, answer.json()["error"]["code"]) == (400, 100)


def test_more_than_thirty_days_are_refused(instagram: Client) -> None:
    assert instagram.insights(date(2026, 1, 5), 30).status_code == 200
    assert "30 days" in instagram.insights(date(2026, 1, 5), 31).json()["error"]["message"]


def test_followers_are_those_of_now(instagram: Client, shop: Shop, world: World) -> None:
    for one in (shop.social[5], shop.social[-1]):
        world.set_now(midnight(one.day + DAY) + timedelta(hours=6))
        assert instagram.get(fields="followers_count").json()["followers_count"] == one.followers
    assert PERSONAL_CANARY in instagram.get(fields="biography").json()["biography"]
    assert instagram.get(fields="email").status_code == 400


def test_each_right_and_the_token_are_needed(instagram: Client, world: World) -> None:
    world.missing_rights.add(("instagram", "instagram_manage_insights"))
    assert instagram.get(fields="followers_count").status_code == 200
    assert instagram.insights(date(2026, 1, 5)).status_code == 403
    world.missing_rights.clear()
    instagram.headers = {"Authorization": "Bearer another"}
    assert instagram.get().json()["error"]["code"] == 190


def test_throttling_says_in_a_header_how_many_minutes_it_lasts(instagram: Client, world: World) -> None:
    monotonic = iter((0.0, 0.1))
    world.ticks, world.throttles["instagram"] = (lambda: next(monotonic)), 1
    answers = [instagram.get(fields="followers_count") for _ in range(2)]
    assert [answer.status_code for answer in answers] == [200, 400]
    assert answers[1].json()["error"]["code"] == 80_002
    (use,) = json.loads(answers[1].headers["X-Business-Use-Case-Usage"])[twin.USER]
    assert use["estimated_time_to_regain_access"] == 2
