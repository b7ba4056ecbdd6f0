"""The European Central Bank's euro reference rates, as the published zip of a CSV.

Newest day first, TARGET days only, a trailing comma on every line, N/A where a currency has no rate.
A day's rates appear at 16:00 in Frankfurt.
"""

from __future__ import annotations

import csv
import io
import zipfile
from datetime import UTC, date, datetime, time
from email.utils import format_datetime, parsedate_to_datetime
from typing import Any
from zoneinfo import ZoneInfo

from starlette.routing import BaseRoute

from ecom_pipeline.sandbox.endpoint import Answer, Call, FailureKind, Vendor, route
from ecom_pipeline.sandbox.faults import Fault
from ecom_pipeline.sandbox.twins import Instance
from ecom_pipeline.sandbox.world import World

FRANKFURT = ZoneInfo("Europe/Berlin")
PUBLISHED_AT = time(16, 0)
FILE_NAME = "eurofxref-hist.csv"


def instances(world: World, url: str) -> list[Instance]:
    """The reference rates, which are public."""
    return [Instance("rates", "ecb", {"base_url": f"{url}/ecb"})]


def routes(world: World) -> list[BaseRoute]:
    rates = EuroRates(world)
    vendor = Vendor("ecb", failure, spoil)
    return [route(world, vendor, "/ecb/stats/eurofxref/eurofxref-hist.zip", rates.history)]


class EuroRates:
    """The history file as of the world's clock."""

    def __init__(self, world: World) -> None:
        self.world = world

    def history(self, call: Call) -> Answer:
        days = [day for day in self.world.shop.rates if published_at(day) <= self.world.now()]
        changed_at = published_at(max(days)) if days else datetime(1999, 1, 4, tzinfo=UTC)
        headers = {"Last-Modified": format_datetime(changed_at, usegmt=True)}
        if unchanged_since(call.headers.get("if-modified-since"), changed_at):
            return Answer(b"", 304, headers, "application/zip")
        csv_text = history_csv({day: self.world.shop.rates[day] for day in days})
        return Answer(zipped(csv_text, changed_at), 200, headers, "application/zip")


def published_at(day: date) -> datetime:
    return datetime.combine(day, PUBLISHED_AT, FRANKFURT).astimezone(UTC)


def unchanged_since(header: str | None, changed_at: datetime) -> bool:
    if header is None:
        return False
    try:
        return parsedate_to_datetime(header) >= changed_at
    except ValueError:
        return False


def history_csv(rates: dict[date, dict[str, str]]) -> str:
    newest_first = sorted(rates, reverse=True)
    currencies = list(dict.fromkeys(currency for day in newest_first for currency in rates[day]))
    lines = [",".join(["Date", *currencies, ""])]
    for day in newest_first:
        lines.append(",".join([day.isoformat(), *(rates[day].get(c, "N/A") for c in currencies), ""]))
    return "\n".join(lines) + "\n"


def zipped(text: str, changed_at: datetime) -> bytes:
    buffer = io.BytesIO()
    entry = zipfile.ZipInfo(FILE_NAME, changed_at.timetuple()[:6])
    entry.compress_type = zipfile.ZIP_DEFLATED
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr(entry, text)
    return buffer.getvalue()


def spoil(body: Any, fault: Fault) -> Any:
    """The zip with one currency's column dropped, filled with words, or added."""
    with zipfile.ZipFile(io.BytesIO(body)) as archive:
        rows = list(csv.reader(io.StringIO(archive.read(FILE_NAME).decode())))
    header = rows[0]
    if fault.kind == "extra_column":
        rows = [[*row[:-1], fault.column if row is header else "1.0", ""] for row in rows]
    elif fault.column in header:
        at = header.index(fault.column)
        if fault.kind == "missing_column":
            rows = [row[:at] + row[at + 1 :] for row in rows]
        else:
            rows = [header, *([*row[:at], "about one", *row[at + 1 :]] for row in rows[1:])]
    return zipped("\n".join(",".join(row) for row in rows) + "\n", datetime(2026, 1, 1, tzinfo=UTC))


def failure(kind: FailureKind, status: int) -> Answer:
    words = {"rate_limited": "Too Many Requests", "expired_token": "Unauthorized"}
    text = words.get(kind, "Service Unavailable")
    return Answer(f"<html><body><h1>{text}</h1></body></html>".encode(), status, content_type="text/html")
