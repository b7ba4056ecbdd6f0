"""Sendcloud's reporting API, version 3: a report of parcels is ordered, made, and fetched as a CSV.

The report holds the columns asked for, in the order asked for. Its file lies at a signed address for a
quarter of an hour. A parcel's later columns fill as it travels.
"""

from __future__ import annotations

import base64
import csv
import io
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from starlette.routing import BaseRoute

from ecom_pipeline.sandbox.endpoint import Answer, Call, FailureKind, Vendor, route
from ecom_pipeline.sandbox.faults import Fault, spoil_columns
from ecom_pipeline.sandbox.twins import Instance
from ecom_pipeline.sandbox.vendors.sendcloud_columns import COLUMNS, DIRECTIONS, Seen, written
from ecom_pipeline.sandbox.world import World, digest

MOST_ROWS = 100_000
SMALL_ROWS = 5_000  # a report of no more is ready when it is first asked for
KEPT = timedelta(minutes=15)
FIRST_INTEGRATION = 501_001
TIMES = ("announced_after", "announced_before", "updated_after", "updated_before")
NUMBERS = ("integration_id", "brand_id")


class Refused(Exception):
    """The request is answered with one of Sendcloud's errors."""

    def __init__(self, status: int, code: str, detail: str, pointer: str | None = None) -> None:
        super().__init__(detail)
        self.answer = error_answer(status, code, detail, pointer)


@dataclass
class Report:
    """A report that was ordered; `rows` are those of the moment it was ordered."""

    id: str
    fields: list[str]
    filters: dict[str, Any]
    rows: list[Seen]
    created_at: datetime
    asked: int = 0
    signature: str = field(default="", repr=False)

    def status(self, now: datetime) -> str:
        if now > self.created_at + KEPT:
            return "expired"
        return "ready" if self.asked > (len(self.rows) > SMALL_ROWS) else "generating"


def instances(world: World, url: str) -> list[Instance]:
    """One account for all the storefronts, each an integration of it."""
    secrets = {name: world.secrets[f"sendcloud_{name}"] for name in ("public_key", "secret_key")}
    shops = {str(number): name for name, (number, _) in integrations(world).items()}
    return [
        Instance("parcels", "sendcloud", {"base_url": f"{url}/sendcloud", "integrations": shops}, secrets)
    ]


def integrations(world: World) -> dict[str, tuple[int, str]]:
    """The number and type of each storefront's integration, by the storefront's key."""
    fronts = world.shop.business.storefronts
    return {front.key: (FIRST_INTEGRATION + at, front.platform) for at, front in enumerate(fronts)}


def routes(world: World) -> list[BaseRoute]:
    api = Sendcloud(world)
    vendor = Vendor("sendcloud", failure, spoil)
    reports = "/sendcloud/api/v3/reporting/parcels"
    return [
        route(world, vendor, reports, api.guarded(api.order_report), ("POST",)),
        route(world, vendor, reports + "/{id}", api.guarded(api.retrieve)),
        route(world, vendor, "/sendcloud/files/{id}.csv", api.file),
    ]


class Sendcloud:
    """One organisation's account."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.reports: dict[str, Report] = {}
        self.orders = {order.order_id: order for order in world.shop.orders}

    def guarded(self, handler: Callable[[Call], Answer]) -> Callable[[Call], Answer]:
        def answer(call: Call) -> Answer:
            secrets = self.world.secrets
            pair = f"{secrets['sendcloud_public_key']}:{secrets['sendcloud_secret_key']}"
            if call.headers.get("authorization") != f"Basic {base64.b64encode(pair.encode()).decode()}":
                return failure("expired_token", 401)
            if self.world.lacks("sendcloud", "reporting"):
                return error_answer(403, "forbidden", "Forbidden")
            try:
                return handler(call)
            except Refused as refused:
                return refused.answer

        return answer

    def order_report(self, call: Call) -> Answer:
        fields, filters = parsed(call)
        rows = [seen for seen in self.seen() if wanted(seen, filters)]
        if len(rows) > MOST_ROWS:
            detail = (
                f"CSV export exceeds row limit of {MOST_ROWS}, "
                "narrow the date range or apply additional filters."
            )
            raise Refused(400, "invalid", detail)
        name = digest(self.world.shop.seed, "sendcloud", len(self.reports))
        report = Report(str(uuid.UUID(name[:32])), fields, filters, rows, self.world.now())
        report.signature = self.world.secrets[f"sendcloud_file_{report.id}"]
        self.reports[report.id] = report
        return Answer(self.report_json(report, "queued", call), 202)

    def retrieve(self, call: Call) -> Answer:
        report = self.reports.get(call.path_params["id"])
        if report is None:
            raise Refused(404, "not_found", "Not Found")
        report.asked += 1
        return Answer(self.report_json(report, report.status(self.world.now()), call))

    def file(self, call: Call) -> Answer:
        report = self.reports.get(call.path_params["id"])
        signed = report is not None and dict(call.query).get("signature") == report.signature
        if report is None or not signed or report.status(self.world.now()) != "ready":
            return Answer(b"<Error><Code>AccessDenied</Code></Error>", 403, content_type="application/xml")
        lines = [report.fields, *([COLUMNS[name](row) for name in report.fields] for row in report.rows)]
        return Answer(csv_bytes(lines), content_type="text/csv")

    def seen(self) -> list[Seen]:
        """Every parcel announced by now, oldest first."""
        now, by_key = self.world.now(), integrations(self.world)
        return [
            Seen(parcel, order, *by_key[order.storefront], now)
            for parcel in self.world.shop.parcels
            if parcel.announced_at <= now and (order := self.orders[parcel.order_id])
        ]

    def report_json(self, report: Report, status: str, call: Call) -> dict[str, Any]:
        ready, root = status == "ready", call.url.partition("/api/v3/")[0]
        url = f"{root}/files/{report.id}.csv?signature={report.signature}"
        return {
            "id": report.id,
            "organization_id": 12345,
            "status": status,
            "status_message": f"The report is {status}",
            "fields": report.fields,
            "filters": report.filters,
            "url": url if ready else None,
            "expires_at": written(report.created_at + KEPT) if ready else None,
            "updated_at": written(self.world.now()),
            "created_at": written(report.created_at),
        }


def parsed(call: Call) -> tuple[list[str], dict[str, Any]]:
    """The columns and the filters of an order, checked. Raises Refused."""
    try:
        body = call.json()
    except ValueError:
        raise invalid("Input should be valid JSON", "") from None
    if not isinstance(body, dict) or body.keys() - {"fields", "filters"}:
        raise invalid("Extra inputs are not permitted", "")
    fields, filters = body.get("fields"), body.get("filters")
    if not isinstance(fields, list) or not fields or any(name not in COLUMNS for name in fields):
        raise invalid(f"Input should be one of {', '.join(COLUMNS)}", "/fields")
    if not isinstance(filters, dict):
        raise invalid("Field required", "/filters")
    for name in ("announced_after", "announced_before"):
        if name not in filters:
            raise invalid("Field required", f"/filters/{name}")
    for name, value in filters.items():
        checked_filter(name, value)
    return fields, filters


def checked_filter(name: str, value: Any) -> None:
    """Raises Refused when the filter is unknown or its value cannot be read."""
    if name in TIMES:
        try:
            datetime.fromisoformat(value)
        except (TypeError, ValueError):
            raise invalid("Input should be a valid datetime", f"/filters/{name}") from None
    elif name == "direction":
        if value not in DIRECTIONS:
            raise invalid("Input should be 'incoming' or 'outgoing'", "/filters/direction")
    elif name in NUMBERS:
        if not isinstance(value, int) or value < 1:
            raise invalid("Input should be greater than or equal to 1", f"/filters/{name}")
    elif name != "shipping_option_code":
        raise invalid("Extra inputs are not permitted", f"/filters/{name}")


def wanted(seen: Seen, filters: Mapping[str, Any]) -> bool:
    """Whether a parcel passes; both ends of a span belong to it."""
    for name, at in (("announced", seen.facts.announced_at), ("updated", seen.updated_at)):
        after, before = filters.get(f"{name}_after"), filters.get(f"{name}_before")
        if (after and at < instant(after)) or (before and at > instant(before)):
            return False
    same = ("direction", "integration_id", "brand_id", "shipping_option_code")
    return all(COLUMNS[name](seen) == filters[name] for name in same if name in filters)


def instant(text: str) -> datetime:
    at = datetime.fromisoformat(text)
    return at if at.tzinfo else at.replace(tzinfo=UTC)


def csv_bytes(lines: list[Any]) -> bytes:
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows(lines)
    return text.getvalue().encode()


def spoil(body: Any, fault: Fault) -> Any:
    """The answer with one column dropped, filled with words, or added, in a file as in JSON."""
    if not isinstance(body, bytes):
        return spoil_columns(body, fault)
    header, *rows = csv.reader(io.StringIO(body.decode()))
    if fault.kind == "extra_column":
        return csv_bytes([[*header, fault.column], *([*row, "unannounced"] for row in rows)])
    if fault.column not in header:
        return body
    at = header.index(fault.column)
    if fault.kind == "missing_column":
        return csv_bytes([row[:at] + row[at + 1 :] for row in (header, *rows)])
    return csv_bytes([header, *([*row[:at], "about noon", *row[at + 1 :]] for row in rows)])


def invalid(detail: str, pointer: str) -> Refused:
    return Refused(422, "validation_error", detail, f"/data/attributes{pointer}")


def error_answer(status: int, code: str, detail: str, pointer: str | None = None) -> Answer:
    title = code.replace("_", " ").title()
    error: dict[str, Any] = {"status": str(status), "code": code, "title": title, "detail": detail}
    if pointer is not None:
        error["source"] = {"pointer": pointer}
    return Answer({"errors": [error]}, status)


def failure(kind: FailureKind, status: int) -> Answer:
    if kind == "rate_limited":
        return error_answer(429, "throttled", "Request was throttled.")
    if kind == "expired_token":
        return error_answer(401, "authentication_failed", "Unauthorized")
    return error_answer(status, "unknown_error", "Something went wrong")
