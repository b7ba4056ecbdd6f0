"""Google Play's twin: a bucket of monthly files in UTF-16 that grow as days are counted."""

from __future__ import annotations

import csv
import io
from datetime import date, datetime, timedelta
from typing import Any
from urllib.parse import quote

import pytest
import requests

from ecom_pipeline.sandbox.events import Shop
from ecom_pipeline.sandbox.vendors import google_play as twin
from ecom_pipeline.sandbox.vendors.google_token import JWT_GRANT, STORAGE_SCOPE, WEBMASTERS_SCOPE
from ecom_pipeline.sandbox.vendors.search_console import PACIFIC
from ecom_pipeline.sandbox.world import World

from .conftest import signed_jwt

FOLDER = f"stats/installs/installs_{twin.PACKAGE}"


class Client:
    def __init__(self, base_url: str, world: World, scope: str = STORAGE_SCOPE) -> None:
        self.url = f"{base_url}/google-storage/storage/v1/b/{twin.BUCKET}/o"
        key, now = world.google_service_account(base_url), int(world.now().timestamp())
        claims = {
            "iss": key["client_email"], "scope": scope, "aud": key["token_uri"], "iat": now, "exp": now + 3600,
        }  # fmt: skip
        form = {"grant_type": JWT_GRANT, "assertion": signed_jwt(key, claims)}
        token = requests.post(key["token_uri"], form, timeout=5).json()["access_token"]
        self.headers = {"Authorization": f"Bearer {token}"}

    def listed(self, **params: Any) -> requests.Response:
        return requests.get(self.url, params, headers=self.headers, timeout=5)

    def read(self, name: str, **params: Any) -> requests.Response:
        url = f"{self.url}/{quote(name, safe='')}"
        return requests.get(url, params, headers=self.headers, timeout=5)

    def rows(self, name: str) -> list[dict[str, str]]:
        content = self.read(name, alt="media").content
        return list(csv.DictReader(io.StringIO(content.decode("utf-16"))))


@pytest.fixture
def play(base_url: str, world: World) -> Client:
    return Client(base_url, world)


def test_each_month_has_two_files_and_they_are_listed_in_pages(play: Client) -> None:
    names = [
        f"{FOLDER}_{month}_{kind}.csv" for month in ("202601", "202602") for kind in ("country", "overview")
    ]
    assert [one["name"] for one in play.listed().json()["items"]] == names
    first = play.listed(maxResults=3).json()
    rest = play.listed(maxResults=3, pageToken=first["nextPageToken"]).json()
    assert [one["name"] for one in first["items"] + rest["items"]] == names
    assert "nextPageToken" not in rest
    assert "items" not in play.listed(prefix="stats/ratings/").json()


def test_a_file_begins_with_a_byte_order_mark_and_is_as_long_as_the_list_says(play: Client) -> None:
    name = f"{FOLDER}_202601_overview.csv"
    content = play.read(name, alt="media").content
    assert content[:2] in (b"\xff\xfe", b"\xfe\xff")
    (size,) = [int(one["size"]) for one in play.listed().json()["items"] if one["name"] == name]
    assert size == len(content) == int(play.read(name).json()["size"])


def test_countries_add_up_to_the_overview(play: Client, shop: Shop) -> None:
    whole = {
        row["Date"]: int(row["Daily User Installs"]) for row in play.rows(f"{FOLDER}_202601_overview.csv")
    }
    apart: dict[str, int] = dict.fromkeys(whole, 0)
    for row in play.rows(f"{FOLDER}_202601_country.csv"):
        apart[row["Date"]] += int(row["Daily User Installs"])
    assert apart == whole
    assert sum(whole.values()) == sum(
        one.first_installs for one in shop.apps if one.store == "google_play" and one.day.month == 1
    )


def test_a_day_is_counted_after_three_pacific_days(play: Client, world: World) -> None:
    day = date(2026, 2, 10)
    counted_at = datetime(2026, 2, 13, tzinfo=PACIFIC)
    days = []
    for now in (counted_at - timedelta(minutes=1), counted_at):
        world.set_now(now)
        days.append(play.rows(f"{FOLDER}_202602_overview.csv")[-1]["Date"])
    assert days == [(day - timedelta(days=1)).isoformat(), day.isoformat()]


def test_what_is_not_there_or_not_allowed_is_refused(base_url: str, play: Client, world: World) -> None:
    assert play.read(f"{FOLDER}_202512_overview.csv", alt="media").status_code == 404
    assert play.listed(order="name").status_code == 400
    assert play.listed(maxResults="many").status_code == 400
    assert play.read(f"{FOLDER}_202601_overview.csv", alt="text").status_code == 400
    assert Client(base_url, world, WEBMASTERS_SCOPE).listed().status_code == 403
    world.missing_rights.add(("google_play", "storage.objects.get"))
    assert (play.listed().status_code, play.read(f"{FOLDER}_202601_overview.csv").status_code) == (200, 403)
