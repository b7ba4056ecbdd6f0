"""Google Play's monthly statistics: CSV files in a bucket of Cloud Storage, read through its JSON API.

Each month has one file for all countries and one by country, in UTF-16; a file grows as days are counted, three
days of Google's own calendar late. Days are Pacific ones.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator
from datetime import date, timedelta
from itertools import groupby
from typing import Any
from urllib.parse import unquote

from starlette.routing import BaseRoute

from ecom_pipeline.sandbox.endpoint import Answer, Call, FailureKind, Vendor, route
from ecom_pipeline.sandbox.events import AppDay
from ecom_pipeline.sandbox.faults import Fault, spoil_columns
from ecom_pipeline.sandbox.twins import Instance
from ecom_pipeline.sandbox.vendors.google_token import STORAGE_SCOPE, google_failure, refused
from ecom_pipeline.sandbox.vendors.search_console import older_error, pacific_day
from ecom_pipeline.sandbox.world import World

BUCKET = "pubsite_prod_rev_01234567890123456789"
PACKAGE = "com.maisonlumen.app"
COUNTED_AFTER = timedelta(days=3)
MOST_ON_A_PAGE = 1_000
LIST_PARAMS = frozenset(("prefix", "maxResults", "pageToken", "fields"))
READ_PARAMS = frozenset(("alt", "fields"))
NAME = re.compile(rf"stats/installs/installs_{re.escape(PACKAGE)}_(\d{{6}})_(overview|country)\.csv")
MEASURES = (
    "Daily Device Installs", "Daily Device Uninstalls", "Daily Device Upgrades", "Total User Installs",
    "Daily User Installs", "Daily User Uninstalls", "Active Device Installs", "Install events", "Update events",
    "Uninstall events",
)  # fmt: skip


def instances(world: World, url: str) -> list[Instance]:
    """The app's statistics, read with the service account that reads the analytics too."""
    settings = {
        "bucket": BUCKET, "packages": [PACKAGE], "base_url": f"{url}/google-storage",
        "token_url": f"{url}/google-oauth/token",
    }  # fmt: skip
    secrets = {"service_account_json": world.google_service_account_json(url)}
    return [Instance("google_play", "google_play", settings, secrets)]


def routes(world: World) -> list[BaseRoute]:
    bucket, vendor = Bucket(world), Vendor("google_play", failure, spoil)
    objects = "/google-storage/storage/v1/b/{bucket}/o"
    return [
        route(world, vendor, objects, bucket.listed),
        route(world, vendor, f"{objects}/{{object:path}}", bucket.read),
    ]


class Bucket:
    """The files of one developer."""

    def __init__(self, world: World) -> None:
        self.world = world

    def listed(self, call: Call) -> Answer:
        if answer := self.denied(call, "storage.objects.list"):
            return answer
        asked = dict(call.query)
        size, start = asked.get("maxResults", str(MOST_ON_A_PAGE)), asked.get("pageToken", "0")
        if unknown := sorted(asked.keys() - LIST_PARAMS):
            return older_error(400, "invalidParameter", f"Invalid field {unknown[0]}")
        if not size.isdigit() or not start.isdigit():
            return older_error(400, "invalid", "Invalid value for maxResults or pageToken")
        names = [name for name in self.names() if name.startswith(asked.get("prefix", ""))]
        end = int(start) + min(int(size), MOST_ON_A_PAGE)
        body: dict[str, Any] = {"kind": "storage#objects"}
        if page := names[int(start) : end]:
            body["items"] = [self.described(name) for name in page]
        if end < len(names):
            body["nextPageToken"] = str(end)
        return Answer(body, series="objects", continues=int(start) > 0)

    def read(self, call: Call) -> Answer:
        if answer := self.denied(call, "storage.objects.get"):
            return answer
        asked, name = dict(call.query), unquote(call.path_params["object"])
        if asked.keys() - READ_PARAMS or asked.get("alt", "json") not in ("json", "media"):
            return older_error(400, "invalidParameter", "Invalid parameter")
        if name not in self.names():
            return older_error(404, "notFound", f"No such object: {BUCKET}/{name}")
        if asked.get("alt") == "media":
            return Answer(self.content(name), content_type="text/csv; charset=utf-16le")
        return Answer(self.described(name))

    def names(self) -> list[str]:
        months = sorted({f"{one.day:%Y%m}" for one in self.counted()})
        folder = f"stats/installs/installs_{PACKAGE}"
        return [f"{folder}_{month}_{kind}.csv" for month in months for kind in ("country", "overview")]

    def counted(self) -> list[AppDay]:
        """What is counted by now."""
        newest = pacific_day(self.world.now()) - COUNTED_AFTER
        return [one for one in self.world.shop.apps if one.store == "google_play" and one.day <= newest]

    def content(self, name: str) -> bytes:
        found = NAME.fullmatch(name)
        assert found is not None
        month, by_country = found[1], found[2] == "country"
        days = [one for one in self.counted() if f"{one.day:%Y%m}" == month]
        return written(header(by_country), lines(days, by_country))

    def described(self, name: str) -> dict[str, Any]:
        return {
            "kind": "storage#object", "id": f"{BUCKET}/{name}/1", "name": name, "bucket": BUCKET,
            "contentType": "text/csv; charset=utf-16le", "size": str(len(self.content(name))),
            "updated": f"{self.world.now():%Y-%m-%dT%H:%M:%S}.000Z",
        }  # fmt: skip

    def denied(self, call: Call, right: str) -> Answer | None:
        if answer := refused(self.world, call, STORAGE_SCOPE):
            return answer
        if self.world.lacks("google_play", right):
            return older_error(403, "forbidden", f"The service account does not have {right} access.")
        if call.path_params["bucket"] != BUCKET:
            return older_error(404, "notFound", "The specified bucket does not exist.")
        return None


def header(by_country: bool) -> list[str]:
    return ["Date", "Package Name", *(["Country"] if by_country else []), *MEASURES]


def lines(days: list[AppDay], by_country: bool) -> Iterator[list[str]]:
    """A line for each day, or each day and country; a measure nothing is known of is 0."""

    def keyed(one: AppDay) -> tuple[date, str]:
        return one.day, one.country if by_country else ""

    for (day, country), found in groupby(sorted(days, key=keyed), key=keyed):
        group = list(found)
        users, again = (sum(getattr(one, name) for one in group) for name in ("first_installs", "reinstalls"))
        updates, active = (sum(getattr(one, name) for one in group) for name in ("updates", "active_devices"))
        told = {
            "Daily Device Installs": users + again // 2, "Daily User Installs": users,
            "Install events": users + again, "Update events": updates, "Daily Device Upgrades": updates,
            "Active Device Installs": active,
        }  # fmt: skip
        place = [country] if by_country else []
        yield [day.isoformat(), PACKAGE, *place, *(str(told.get(name, 0)) for name in MEASURES)]


def written(names: list[str], rows: Iterator[list[str]] | list[list[str]]) -> bytes:
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows([names, *rows])
    return text.getvalue().encode("utf-16")


def spoil(body: Any, fault: Fault) -> Any:
    """A file with a column dropped, filled with words, or added; lists are spoiled as any JSON."""
    if not isinstance(body, bytes):
        return spoil_columns(body, fault)
    names, *rows = csv.reader(io.StringIO(body.decode("utf-16")))
    if fault.kind == "extra_column":
        return written([*names, fault.column], [[*row, "unannounced"] for row in rows])
    if fault.column not in names:
        return body
    at = names.index(fault.column)
    if fault.kind == "missing_column":
        return written(names[:at] + names[at + 1 :], [row[:at] + row[at + 1 :] for row in rows])
    return written(names, [[*row[:at], "about one", *row[at + 1 :]] for row in rows])


def failure(kind: FailureKind, status: int) -> Answer:
    if kind == "rate_limited":
        message = "The project exceeded the rate limit for reading objects in this bucket."
        return older_error(429, "rateLimitExceeded", message)
    return google_failure(kind, status)
