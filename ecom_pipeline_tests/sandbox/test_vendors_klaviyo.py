"""Klaviyo's twin: filters, pages, scopes and reports are the vendor's, and it knows only what has happened."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import requests

from ecom_pipeline.sandbox.events import Message, Shop
from ecom_pipeline.sandbox.vendors import klaviyo as twin
from ecom_pipeline.sandbox.vendors.klaviyo_objects import profiles
from ecom_pipeline.sandbox.world import PERSONAL_CANARY, World

from ..openapi import read_spec, violations

EMAIL = "equals(messages.channel,'email')"
STATISTICS = ["delivered", "conversions", "conversion_value", "open_rate"]


class Client:
    def __init__(self, base_url: str, world: World) -> None:
        self.url = f"{base_url}/klaviyo/api"
        self.metric = twin.placed_order_metric(world)
        self.headers = {
            "Authorization": f"Klaviyo-API-Key {world.secrets['klaviyo_api_key']}",
            "revision": "2026-07-15",
        }

    def get(self, path: str, **params: Any) -> requests.Response:
        asked = {name.replace("__", "[") + "]" if "__" in name else name: one for name, one in params.items()}
        return requests.get(f"{self.url}/{path}", asked, headers=self.headers, timeout=5)

    def report(self, start: str, end: str, **changed: Any) -> requests.Response:
        attributes = {
            "statistics": STATISTICS,
            "timeframe": {"start": start, "end": end},
            "conversion_metric_id": self.metric,
        }
        body = {"data": {"type": "campaign-values-report", "attributes": attributes | changed}}
        return requests.post(
            f"{self.url}/campaign-values-reports", json=body, headers=self.headers, timeout=5
        )

    def results(self, start: str, end: str) -> dict[str, dict[str, float]]:
        told = self.report(start, end).json()["data"]["attributes"]["results"]
        return {one["groupings"]["campaign_message_id"]: one["statistics"] for one in told}


@pytest.fixture
def klaviyo(base_url: str, world: World) -> Client:
    return Client(base_url, world)


def letters(shop: Shop, until: datetime) -> list[Message]:
    return [one for one in shop.messages if one.channel == "email" and one.sent_at <= until]


def errors(answer: requests.Response) -> tuple[int, str]:
    return answer.status_code, answer.json()["errors"][0]["code"]


def test_key_revision_and_scopes_are_needed(klaviyo: Client, world: World) -> None:
    world.missing_rights.add(("klaviyo", "profiles:read"))
    assert errors(klaviyo.get("profiles")) == (403, "permission_denied")
    assert klaviyo.get("campaigns", filter=EMAIL).status_code == 200
    revision = klaviyo.headers.pop("revision")
    assert errors(klaviyo.get("campaigns", filter=EMAIL)) == (400, "invalid")
    klaviyo.headers |= {"revision": revision, "Authorization": "Klaviyo-API-Key pk_other"}
    assert errors(klaviyo.get("campaigns", filter=EMAIL)) == (401, "not_authenticated")


@pytest.mark.parametrize(
    "asked",
    [
        {},
        {"filter": "equals(archived,true)"},
        {"filter": "equals(messages.channel,'fax')"},
        {"filter": f"{EMAIL} or true"},
        {"filter": f"and({EMAIL},greater-than(send_time,2026-01-01T00:00:00Z))"},
        {"filter": f"and({EMAIL},less-than(created_at,'2026-01-01'))"},
        {"filter": EMAIL, "page__size": 101},
        {"filter": EMAIL, "page__cursor": "bm8"},
        {"filter": EMAIL, "fields__campaign": "name,sent_at"},
        {"filter": EMAIL, "limit": 5},
        {"filter": EMAIL, "sort": "send_time"},
    ],
)
def test_what_the_list_of_campaigns_does_not_offer_is_refused(klaviyo: Client, asked: dict[str, Any]) -> None:
    assert errors(klaviyo.get("campaigns", **asked)) == (400, "invalid")


def test_campaigns_are_listed_by_channel_and_archived_ones_apart(
    klaviyo: Client, shop: Shop, world: World
) -> None:
    world.set_now(world.now() + timedelta(days=40))
    found = {
        archived: {
            item["id"]
            for item in klaviyo.get("campaigns", filter=f"and({EMAIL},equals(archived,{archived}))").json()[
                "data"
            ]
        }
        for archived in ("true", "false")
    }
    assert found["true"] and found["false"] and not found["true"] & found["false"]
    assert found["true"] | found["false"] == {one.campaign_id for one in letters(shop, world.now())}
    unsaid = klaviyo.get("campaigns", filter=EMAIL).json()["data"]
    assert {item["id"] for item in unsaid} == found["false"], "archived ones are not shown unless asked for"


def test_a_campaign_is_a_draft_until_it_is_sent(klaviyo: Client, shop: Shop, world: World) -> None:
    letter = letters(shop, world.now())[-1]

    def state() -> tuple[str, str | None] | None:
        found = klaviyo.get("campaigns", filter=EMAIL).json()["data"]
        (item,) = [one for one in found if one["id"] == letter.campaign_id] or [None]
        return item and (item["attributes"]["status"], item["attributes"]["send_time"])

    world.set_now(letter.sent_at - timedelta(days=3))
    assert state() is None
    world.set_now(letter.sent_at - timedelta(hours=1))
    assert state() == ("Draft", None)
    world.set_now(letter.sent_at)
    assert state() == ("Sent", letter.sent_at.isoformat())


def test_pages_follow_one_another_to_the_end(klaviyo: Client) -> None:
    whole = klaviyo.get("profiles", page__size=100, sort="created").json()
    assert len(whole["data"]) == 100 and "prev" not in whole["links"]
    found: list[Any] = []
    following = f"{klaviyo.url}/profiles?page[size]=7&sort=created"
    while following and len(found) < 100:
        page = requests.get(following, headers=klaviyo.headers, timeout=5).json()
        found += page["data"]
        following = page["links"].get("next")
    assert [one["id"] for one in found[:100]] == [one["id"] for one in whole["data"]]


def test_only_the_fields_asked_for_are_told(klaviyo: Client) -> None:
    plain = klaviyo.get("profiles").json()["data"]
    assert len(plain) == 20 and PERSONAL_CANARY in repr(plain)
    assert "subscriptions" not in plain[0]["attributes"], "an additional field"
    name = "subscriptions.sms.marketing.consent"
    asked = {"additional-fields__profile": "subscriptions", "fields__profile": name}
    sparse = klaviyo.get("profiles", **asked).json()["data"]
    assert {tuple(item["attributes"]) for item in sparse} == {("subscriptions",)}
    consents = [item["attributes"]["subscriptions"] for item in sparse]
    assert all(set(one["sms"]["marketing"]) == {"consent"} for one in consents)


def test_consents_are_those_of_now(klaviyo: Client, shop: Shop, world: World) -> None:
    known = [one.person_id for one in profiles(shop.consents, world.now())][:100]
    left = (one for one in shop.consents if one.channel == "email" and not one.given)
    leaving = next(one for one in left if one.person_id in known)
    asked = {"additional-fields__profile": "subscriptions", "sort": "created", "page__size": 100}
    place = known.index(leaving.person_id)

    def state() -> dict[str, Any]:
        item = klaviyo.get("profiles", **asked).json()["data"][place]
        told: dict[str, Any] = item["attributes"]["subscriptions"]["email"]["marketing"]
        return told

    world.set_now(leaving.at - timedelta(seconds=1))
    assert (state()["consent"], state()["can_receive_email_marketing"]) == ("SUBSCRIBED", True)
    world.set_now(leaving.at)
    assert (state()["consent"], state()["can_receive_email_marketing"]) == ("UNSUBSCRIBED", False)
    assert state()["consent_timestamp"] == leaving.at.isoformat(timespec="seconds")


def test_a_report_tells_of_the_messages_sent_in_its_timeframe(
    klaviyo: Client, shop: Shop, world: World
) -> None:
    found = klaviyo.results("2026-01-15T00:00:00+00:00", "2026-02-05T10:00:00Z")
    zone = twin.Klaviyo(world).zone
    start, end = datetime(2026, 1, 15, tzinfo=zone), datetime(2026, 2, 5, 10, tzinfo=zone)
    expected = [one for one in shop.messages if one.tool == "klaviyo" and start <= one.sent_at < end]
    assert set(found) == {one.message_id for one in expected}
    assert {one.channel for one in expected} == {"email", "sms"}
    assert all(found[one.message_id]["delivered"] == one.delivered for one in expected)
    on_the_hour = [one for one in letters(shop, world.now()) if one.sent_at == end]
    assert on_the_hour and not {one.message_id for one in on_the_hour} & set(found), (
        "the end does not belong to it"
    )


def test_orders_come_late(klaviyo: Client, shop: Shop, world: World) -> None:
    letter = max(letters(shop, datetime(2026, 2, 1, tzinfo=UTC)), key=lambda one: one.conversion_value)
    told = []
    for days in (0, 3, 10):
        world.set_now(letter.sent_at + timedelta(days=days))
        results = klaviyo.results("2026-01-01T00:00:00Z", "2026-03-01T00:00:00Z")
        told.append(results[letter.message_id]["conversion_value"])
    assert told[0] < told[1] < told[2] == letter.conversion_value / 100
    world.set_now(letter.sent_at - timedelta(seconds=1))
    assert letter.message_id not in klaviyo.results("2026-01-01T00:00:00Z", "2026-03-01T00:00:00Z")


@pytest.mark.parametrize(
    "changed",
    [
        {"timeframe": {"start": "2025-01-01T00:00:00Z", "end": "2026-01-03T00:00:00Z"}},
        {"timeframe": {"start": "2026-02-01T00:00:00Z", "end": "2026-01-03T00:00:00Z"}},
        {"timeframe": {"key": "someday"}},
        {"statistics": ["profit"]},
        {"group_by": ["campaign_id"]},
        {"conversion_metric_id": "NOSUCH"},
    ],
)
def test_a_report_nobody_can_make_is_refused(klaviyo: Client, changed: dict[str, Any]) -> None:
    answer = klaviyo.report("2026-01-01T00:00:00Z", "2026-02-01T00:00:00Z", **changed)
    assert errors(answer) == (400, "invalid")


def test_so_many_reports_are_made_a_day(
    klaviyo: Client, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(twin, "REPORTS_A_DAY", 2)
    span = ("2026-01-01T00:00:00Z", "2026-02-01T00:00:00Z")
    assert [klaviyo.report(*span).status_code for _ in range(3)] == [200, 200, 429]
    refused = klaviyo.report(*span)
    assert errors(refused) == (429, "throttled") and int(refused.headers["Retry-After"]) > 0
    world.set_now(world.now() + timedelta(days=1))
    assert klaviyo.report(*span).status_code == 200


def test_throttling_says_how_long_to_wait_and_others_how_much_is_left(klaviyo: Client, world: World) -> None:
    calm = klaviyo.get("campaigns", filter=EMAIL)
    assert calm.headers["RateLimit-Limit"].startswith("150") and int(calm.headers["RateLimit-Remaining"]) > 0
    monotonic = iter((0.0, 0.1, 1.2))
    world.ticks, world.throttles["klaviyo"] = (lambda: next(monotonic)), 1
    answers = [klaviyo.get("campaigns", filter=EMAIL) for _ in range(3)]
    assert [answer.status_code for answer in answers] == [200, 429, 200]
    assert answers[1].headers["Retry-After"] == "1" and errors(answers[1]) == (429, "throttled")
    assert "RateLimit-Limit" not in answers[1].headers


def test_answers_are_those_of_the_specification(klaviyo: Client, specs: Path) -> None:
    spec = read_spec(specs / "klaviyo" / "stable.json")

    def schema(path: str, method: str, status: str) -> Any:
        answers = spec["paths"][f"/api/{path}"][method]["responses"]
        found = answers[status]
        if "$ref" in found:
            found = spec["components"]["responses"][found["$ref"].rpartition("/")[2]]
        return found["content"]["application/vnd.api+json"]["schema"]

    report = klaviyo.report("2026-01-01T00:00:00Z", "2026-02-01T00:00:00Z")
    told = {
        ("campaigns", "get"): klaviyo.get("campaigns", filter=EMAIL, page__size=3),
        ("profiles", "get"): klaviyo.get("profiles", **{"additional-fields__profile": "subscriptions"}),
        ("campaign-values-reports", "post"): report,
    }
    for (path, method), answer in told.items():
        assert answer.headers["content-type"] == "application/vnd.api+json"
        assert not list(violations(spec, schema(path, method, "200"), answer.json())), path
        spoiled = answer.json() | {"data": "none"}
        assert list(violations(spec, schema(path, method, "200"), spoiled)), path
    refused = klaviyo.get("campaigns").json()
    for error in refused["errors"]:
        assert error.pop("status") == 400, "the specification forgets it, the pages show it"
    assert not list(violations(spec, schema("campaigns", "get", "4XX"), refused))
