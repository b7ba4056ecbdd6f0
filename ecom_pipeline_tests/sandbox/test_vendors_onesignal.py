"""OneSignal's twin: two keys for two things, messages newest first by offset and oldest first from an instant on."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
import requests

from ecom_pipeline.sandbox.events import Message, Shop
from ecom_pipeline.sandbox.vendors import onesignal as twin
from ecom_pipeline.sandbox.world import PERSONAL_CANARY, SECRET_CANARY, World


class Client:
    def __init__(self, base_url: str, world: World) -> None:
        self.url, self.app_id = f"{base_url}/onesignal", twin.app_id(world)
        self.key = world.secrets["onesignal_api_key"]
        self.organization_key = world.secrets["onesignal_organization_api_key"]

    def app(self, key: str | None = None, app_id: str | None = None) -> requests.Response:
        headers = {"Authorization": f"Key {key or self.organization_key}"}
        return requests.get(f"{self.url}/apps/{app_id or self.app_id}", headers=headers, timeout=5)

    def messages(self, key: str | None = None, **asked: Any) -> requests.Response:
        headers = {"Authorization": f"Key {key or self.key}"}
        params = {"app_id": self.app_id, **asked}
        return requests.get(f"{self.url}/notifications", params, headers=headers, timeout=5)


@pytest.fixture
def onesignal(base_url: str, world: World) -> Client:
    return Client(base_url, world)


def sent(shop: Shop, world: World) -> list[Message]:
    return [one for one in shop.messages if one.channel == "push" and one.sent_at <= world.now()]


def ids(answer: requests.Response) -> list[str]:
    return [one["id"] for one in answer.json()["notifications"]]


def test_each_key_opens_its_own_door(onesignal: Client) -> None:
    assert (onesignal.app().status_code, onesignal.messages().status_code) == (200, 200)
    for refused in (onesignal.app(key=onesignal.key), onesignal.messages(key=onesignal.organization_key)):
        assert refused.status_code == 403 and "Access denied" in refused.json()["errors"][0]
    assert onesignal.app(app_id="another").status_code == 404


def test_an_app_tells_its_reach_and_its_credentials(onesignal: Client, shop: Shop, world: World) -> None:
    told = onesignal.app().json()
    devices = twin.last_words(shop.consents, world.now())
    assert told["players"] == len(devices)
    assert told["messageable_players"] == sum(one.given for one in devices.values()) < len(devices)
    assert SECRET_CANARY in told["apns_p8"] and SECRET_CANARY in told["fcm_v1_service_account_json"]


def test_by_offset_the_newest_come_first(onesignal: Client, shop: Shop, world: World) -> None:
    newest_first = [one.message_id for one in reversed(sent(shop, world))]
    assert len(newest_first) > 5
    assert ids(onesignal.messages()) == newest_first
    pages = [onesignal.messages(limit=3, offset=offset) for offset in range(0, len(newest_first), 3)]
    assert [one for page in pages for one in ids(page)] == newest_first
    assert {page.json()["total_count"] for page in pages} == {len(newest_first)}
    assert ids(onesignal.messages(kind=1)) == [], "nothing was sent through the API"


def test_from_an_instant_on_the_oldest_come_first_and_an_empty_page_ends(
    onesignal: Client, shop: Shop, world: World
) -> None:
    first, *others = sent(shop, world)
    found: list[str] = []
    offset: str = first.sent_at.isoformat()
    while page := ids(answer := onesignal.messages(limit=2, time_offset=offset)):
        found += page
        offset = answer.json()["next_time_offset"]
    assert found == [one.message_id for one in others], "what was sent at that very instant is left out"
    before = (first.sent_at - timedelta(seconds=1)).isoformat()
    assert ids(onesignal.messages(limit=1, time_offset=before)) == [first.message_id]


@pytest.mark.parametrize(
    "asked",
    [
        {"app_id": "another"},
        {"limit": "many"},
        {"status": "sent"},
        {"time_offset": "!"},
        {"time_offset": "2026-01-01", "offset": 0},
    ],
)
def test_what_the_list_does_not_offer_is_refused(onesignal: Client, asked: dict[str, Any]) -> None:
    assert onesignal.messages(**asked).status_code == 400


def test_figures_are_those_of_now(onesignal: Client, shop: Shop, world: World) -> None:
    push = max(sent(shop, world)[:-3], key=lambda one: one.clicks)
    told = []
    for days in (0, 10):
        world.set_now(push.sent_at + timedelta(days=days))
        (one,) = [one for one in onesignal.messages().json()["notifications"] if one["id"] == push.message_id]
        told.append(one["converted"])
        assert one["send_after"] == int(push.sent_at.timestamp()) < one["completed_at"]
        assert one["successful"] + one["failed"] + one["errored"] + one["remaining"] == push.recipients
        assert PERSONAL_CANARY in one["contents"]["en"]
    assert told[0] < told[1] == push.clicks
    world.set_now(push.sent_at - timedelta(seconds=1))
    assert push.message_id not in ids(onesignal.messages())


def test_throttling_says_how_long_to_wait(onesignal: Client, world: World) -> None:
    monotonic = iter((0.0, 0.1, 1.2))
    world.ticks, world.throttles["onesignal"] = (lambda: next(monotonic)), 1
    answers = [onesignal.messages() for _ in range(3)]
    assert [answer.status_code for answer in answers] == [200, 429, 200]
    assert answers[1].headers["Retry-After"] == "1"
    assert answers[1].json() == {"errors": ["API rate limit exceeded."]}
