"""App Store Connect's sales reports: one gzipped table a day, by app, kind of download and country.

A day is one of Pacific time and its report is there on the next morning, at five. What is not there has status
404, whether nobody loaded anything or the report is not ready: only the words differ. Tokens are signed by the
client itself and live twenty minutes at most; they are dated by the world's clock or by the real one.
"""

from __future__ import annotations

import base64
import csv
import gzip
import io
import json
from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta
from functools import cache
from typing import Any
from zoneinfo import ZoneInfo

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256
from starlette.routing import BaseRoute

from ecom_pipeline.sandbox.endpoint import Answer, Call, FailureKind, Vendor, route
from ecom_pipeline.sandbox.events import AppDay
from ecom_pipeline.sandbox.faults import Fault
from ecom_pipeline.sandbox.twins import Instance
from ecom_pipeline.sandbox.world import World

PACIFIC = ZoneInfo("America/Los_Angeles")
READY_AT = time(5)
KEY_ID, ISSUER, VENDOR = "2X9R4HXF34", "57246542-96fe-1a63-e053-0824d011072a", "85812345"
APP = "1601234567"
LONGEST, LEEWAY = timedelta(minutes=20), timedelta(minutes=1)
EXPECTED = {
    "filter[reportType]": "SALES", "filter[reportSubType]": "SUMMARY", "filter[frequency]": "DAILY",
    "filter[version]": "1_0",
}  # fmt: skip
PARAMETERS = frozenset((*EXPECTED, "filter[vendorNumber]", "filter[reportDate]"))
HEADER = (
    "Provider", "Provider Country", "SKU", "Developer", "Title", "Version", "Product Type Identifier", "Units",
    "Developer Proceeds", "Begin Date", "End Date", "Customer Currency", "Country Code", "Currency of Proceeds",
    "Apple Identifier", "Customer Price", "Promo Code", "Parent Identifier", "Subscription", "Period", "Category",
    "CMB", "Device", "Supported Platforms", "Proceeds Reason", "Preserved Pricing", "Client", "Order Type",
)  # fmt: skip
NO_SALES = "There were no sales for the date specified."
NOT_READY = "Report is not available yet. Daily reports for the Americas are available by 5 am Pacific Time."


class Refused(Exception):
    """The request is answered with one of Apple's errors."""

    def __init__(self, status: int, code: str, title: str, detail: str) -> None:
        super().__init__(detail)
        self.answer = apple_error(status, code, title, detail)


def instances(world: World, url: str) -> list[Instance]:
    """The developer's account in the App Store."""
    settings = {"issuer_id": ISSUER, "vendor_number": VENDOR, "base_url": f"{url}/app-store"}
    secrets = {"key_id": KEY_ID, "private_key": key_pem().replace("\n", "\\n")}
    return [Instance("app_store", "app_store", settings, secrets)]


def routes(world: World) -> list[BaseRoute]:
    reports, vendor = SalesReports(world), Vendor("app_store", failure, spoil)
    return [route(world, vendor, "/app-store/v1/salesReports", reports.answer)]


class SalesReports:
    """The daily summaries of one developer."""

    def __init__(self, world: World) -> None:
        self.world = world

    def answer(self, call: Call) -> Answer:
        try:
            self.admit(call.headers.get("authorization", ""))
            return Answer(zipped(self.rows(dict(call.query))), content_type="application/a-gzip")
        except Refused as refused:
            return refused.answer

    def admit(self, authorization: str) -> None:
        scheme, _, token = authorization.partition(" ")
        if scheme != "Bearer" or not self.is_signed(token):
            detail = "Provide a properly configured and signed bearer token, and make sure that it has not expired."
            raise Refused(401, "NOT_AUTHORIZED", "Authentication credentials are missing or invalid.", detail)
        if self.world.lacks("app_store", "Sales"):
            title = "This request is forbidden for security reasons"
            raise Refused(403, "FORBIDDEN_ERROR", title, "The API key in use does not allow this request")

    def is_signed(self, token: str) -> bool:
        try:
            header, claims = (json.loads(decoded(part)) for part in token.split(".")[:2])
            signature = decoded(token.split(".")[2])
            r, s = (int.from_bytes(half) for half in (signature[:32], signature[32:]))
            signed = token.rpartition(".")[0].encode()
            private_key().public_key().verify(encode_dss_signature(r, s), signed, ec.ECDSA(SHA256()))
            issued_at, ends_at = (datetime.fromtimestamp(claims[name], UTC) for name in ("iat", "exp"))
        except (ValueError, KeyError, IndexError, TypeError, InvalidSignature):
            return False
        right = (header.get("alg"), header.get("kid"), header.get("typ")) == ("ES256", KEY_ID, "JWT")
        right = right and (claims.get("iss"), claims.get("aud")) == (ISSUER, "appstoreconnect-v1")
        times = (self.world.now(), datetime.now(UTC))
        return (
            right
            and ends_at - issued_at <= LONGEST
            and any(issued_at - LEEWAY <= now < ends_at for now in times)
        )

    def rows(self, query: dict[str, str]) -> list[tuple[str, ...]]:
        """The lines of the day asked for. Raises Refused when there are none."""
        if unknown := sorted(query.keys() - PARAMETERS):
            raise invalid(unknown[0], "is not a valid filter")
        for name, value in EXPECTED.items():
            if query.get(name) != value:
                raise invalid(name, "has a value that is not served here")
        if query.get("filter[vendorNumber]") != VENDOR:
            raise invalid("filter[vendorNumber]", "is not one of this account's vendor numbers")
        try:
            day = date.fromisoformat(query["filter[reportDate]"])
        except (KeyError, ValueError):
            raise invalid("filter[reportDate]", "is no date") from None
        if self.world.now() < ready_at(day):
            raise missing(NOT_READY)
        apps = [one for one in self.world.shop.apps if one.store == "app_store" and one.day == day]
        if not (found := [line for one in apps for line in lines(one)]):
            raise missing(NO_SALES)
        return found


def lines(one: AppDay) -> Iterator[tuple[str, ...]]:
    """A country's lines: first downloads on two kinds of device, downloads again, updates; and what is bought in it."""
    tablets = one.first_installs // 4
    counts = (
        ("1F", one.first_installs - tablets, "iPhone"), ("1F", tablets, "iPad"), ("3F", one.reinstalls, "iPhone"),
        ("7F", one.updates, "iPhone"), ("IA1", min(one.first_installs, 1), "iPhone"),
    )  # fmt: skip
    for kind, units, device in counts:
        if units:
            yield line(one, kind, units, device)


def line(one: AppDay, kind: str, units: int, device: str) -> tuple[str, ...]:
    """A line of the report; a column that says nothing holds a space."""
    bought = kind == "IA1"
    told = {
        "Provider": "APPLE", "Provider Country": "US", "SKU": "coffret" if bought else "maison-lumen-ios",
        "Developer": "Maison Lumen", "Title": "Coffret" if bought else "Maison Lumen", "Version": "2.4",
        "Product Type Identifier": kind, "Units": str(units), "Developer Proceeds": "0.00",
        "Begin Date": f"{one.day:%m/%d/%Y}", "End Date": f"{one.day:%m/%d/%Y}", "Customer Currency": "EUR",
        "Country Code": one.country, "Currency of Proceeds": "EUR",
        "Apple Identifier": "1609999999" if bought else APP, "Customer Price": "0.00", "Device": device,
        "Parent Identifier": "maison-lumen-ios" if bought else " ", "Supported Platforms": "iOS",
    }  # fmt: skip
    return tuple(told.get(name, " ") for name in HEADER)


def ready_at(day: date) -> datetime:
    """When a day's report is there."""
    return datetime.combine(day + timedelta(days=1), READY_AT, PACIFIC).astimezone(UTC)


def zipped(rows: list[tuple[str, ...]], header: tuple[str, ...] = HEADER) -> bytes:
    text = io.StringIO()
    writer = csv.writer(text, delimiter="\t", lineterminator="\n", quoting=csv.QUOTE_NONE, quotechar=None)
    writer.writerows([header, *rows])
    return gzip.compress(text.getvalue().encode(), mtime=0)


def spoil(body: Any, fault: Fault) -> Any:
    """The report with a column dropped, filled with words, or added."""
    header, *rows = csv.reader(io.StringIO(gzip.decompress(body).decode()), delimiter="\t")
    if fault.kind == "extra_column":
        return zipped([(*row, "unannounced") for row in rows], (*header, fault.column))
    if fault.column not in header:
        return body
    at = header.index(fault.column)
    if fault.kind == "missing_column":
        return zipped([(*row[:at], *row[at + 1 :]) for row in rows], (*header[:at], *header[at + 1 :]))
    return zipped([(*row[:at], "about one", *row[at + 1 :]) for row in rows], tuple(header))


def missing(detail: str) -> Refused:
    return Refused(404, "NOT_FOUND", "The specified resource does not exist", detail)


def invalid(parameter: str, how: str) -> Refused:
    title = "A parameter has an invalid value"
    return Refused(400, "PARAMETER_ERROR.INVALID", title, f"The parameter '{parameter}' {how}.")


def apple_error(status: int, code: str, title: str, detail: str) -> Answer:
    return Answer(
        {"errors": [{"status": str(status), "code": code, "title": title, "detail": detail}]}, status
    )


def failure(kind: FailureKind, status: int) -> Answer:
    """General failures as Apple words them; how many requests an hour has left is told in a header."""
    if kind == "rate_limited":
        title = "The request rate limit has been reached."
        answer = apple_error(
            429, "RATE_LIMIT_EXCEEDED", title, "We've received too many requests for this API."
        )
        return Answer(answer.body, 429, {"X-Rate-Limit": "user-hour-lim:3600;user-hour-rem:0;"})
    if kind == "expired_token":
        return apple_error(
            401, "NOT_AUTHORIZED", "Authentication credentials are missing or invalid.", "Expired."
        )
    return apple_error(status, "UNEXPECTED_ERROR", "An unexpected error occurred.", "Try again later.")


def decoded(part: str) -> bytes:
    return base64.urlsafe_b64decode(part + "=" * (-len(part) % 4))


@cache
def private_key() -> ec.EllipticCurvePrivateKey:
    """The developer's key, made once per process."""
    return ec.generate_private_key(ec.SECP256R1())


def key_pem() -> str:
    """The key as Apple's file holds it."""
    return (
        private_key()
        .private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        .decode()
    )
