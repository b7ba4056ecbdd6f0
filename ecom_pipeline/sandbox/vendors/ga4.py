"""The Google Analytics Data API, v1beta: reports and metadata of one GA4 property."""

from __future__ import annotations

import json
from bisect import bisect_left, bisect_right
from collections import OrderedDict
from functools import cache
from typing import Any

from starlette.routing import BaseRoute

from ecom_pipeline.sandbox.endpoint import Answer, Call, Vendor, route
from ecom_pipeline.sandbox.faults import Fault, spoil_columns
from ecom_pipeline.sandbox.twins import Instance
from ecom_pipeline.sandbox.vendors.ga4_report import (
    DIMENSIONS,
    METRICS,
    InvalidArgument,
    computed_rows,
    count_events,
    estimated,
    parsed_report,
)
from ecom_pipeline.sandbox.vendors.google_token import (
    ANALYTICS_SCOPE,
    google_error,
    google_failure,
    refused,
)
from ecom_pipeline.sandbox.world import World, digest

MAX_LIMIT = 250_000
DEFAULT_LIMIT = 10_000
KEPT_REPORTS = 4
TOKENS_PER_DAY, TOKENS_PER_HOUR, TOKENS_PER_PROJECT = 200_000, 40_000, 14_000


def instances(world: World, url: str) -> list[Instance]:
    """The property of the main shop."""
    settings = {
        "property_id": world.accounts["ga4_property_id"],
        "base_url": f"{url}/analyticsdata",
        "token_url": f"{url}/google-oauth/token",
    }
    secrets = {"service_account_json": world.google_service_account_json(url)}
    return [Instance("analytics", "ga4", settings, secrets)]


def routes(world: World) -> list[BaseRoute]:
    api = AnalyticsData(world)
    vendor = Vendor("ga4", google_failure, spoil_report)
    base = "/analyticsdata/v1beta/properties/{property}"
    return [
        route(world, vendor, base + ":runReport", api.run_report, ("POST",)),
        route(world, vendor, base + "/metadata", api.metadata),
    ]


class AnalyticsData:
    """One property. Rows are kept as JSON text, since a client pages through the same report."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.traffic = sorted(world.shop.traffic, key=lambda facts: facts.day)
        self.kept: OrderedDict[str, list[str]] = OrderedDict()
        self.consumed = 0

    def run_report(self, call: Call) -> Answer:
        if answer := self.denied(call):
            return answer
        self.consumed += 1
        try:
            body = call.json()
            report = parsed_report(body, self.world.now_local().date())
            limit = min(number(body.get("limit"), "limit") or DEFAULT_LIMIT, MAX_LIMIT)
            offset = number(body.get("offset"), "offset")
        except (InvalidArgument, ValueError, AttributeError, TypeError) as invalid:
            return google_error(400, "INVALID_ARGUMENT", str(invalid) or "Invalid request.")
        asked = {name: value for name, value in body.items() if name not in ("limit", "offset")}
        most = self.world.ga4_reads_at_most
        series = digest(0, json.dumps(asked, sort_keys=True), self.world.now(), most)
        first = bisect_left(self.traffic, report.first_day, key=lambda facts: facts.day)
        last = bisect_right(self.traffic, report.last_day, key=lambda facts: facts.day)
        events = 0 if most is None else count_events(self.traffic[first:last])
        sample = None if most is None or events <= most else (most, events)
        rows = self.kept.get(series)
        if rows is None:
            found = computed_rows(report, self.traffic[first:last], self.world.now_local().date())
            found = found if sample is None else estimated(found, *sample)
            rows = self.kept[series] = [row_json(*row) for row in found]
            if len(self.kept) > KEPT_REPORTS:
                self.kept.popitem(last=False)
        head: dict[str, Any] = {
            "dimensionHeaders": [{"name": name} for name in report.dimensions],
            "metricHeaders": [{"name": name, "type": METRICS[name]} for name in report.metrics],
        }
        tail: dict[str, Any] = {"rowCount": len(rows)} if rows else {}
        tail["metadata"] = {
            "currencyCode": self.world.shop.currency,
            "timeZone": self.world.shop.time_zone,
        }
        if sample is not None:
            tail["metadata"]["samplingMetadatas"] = [
                {"samplesReadCount": str(sample[0]), "samplingSpaceSize": str(sample[1])}
            ]
        if body.get("returnPropertyQuota"):
            tail["propertyQuota"] = self.quota()
        tail["kind"] = "analyticsData#runReport"
        text = page_json(head, rows[offset : offset + limit], tail)
        return Answer(text, series=series, continues=offset > 0)

    def metadata(self, call: Call) -> Answer:
        if answer := self.denied(call):
            return answer
        body = {
            "name": f"properties/{call.path_params['property']}/metadata",
            "dimensions": [
                {"apiName": name, "uiName": name, "description": text} for name, text in DIMENSIONS.items()
            ],
            "metrics": [
                {"apiName": name, "uiName": name, "description": name, "type": kind}
                for name, kind in METRICS.items()
            ],
        }
        return Answer(body)

    def denied(self, call: Call) -> Answer | None:
        if answer := refused(self.world, call, ANALYTICS_SCOPE):
            return answer
        asked = call.path_params["property"]
        if asked != self.world.accounts["ga4_property_id"] or self.world.lacks("ga4", "viewer"):
            message = f"User does not have sufficient permissions for property {asked}."
            return google_error(403, "PERMISSION_DENIED", message)
        return None

    def quota(self) -> dict[str, dict[str, int]]:
        def left(total: int, consumed: int = 1) -> dict[str, int]:
            return {"consumed": consumed, "remaining": max(total - self.consumed, 0)}

        return {
            "tokensPerDay": left(TOKENS_PER_DAY),
            "tokensPerHour": left(TOKENS_PER_HOUR),
            "concurrentRequests": {"consumed": 0, "remaining": 10},
            "serverErrorsPerProjectPerHour": {"consumed": 0, "remaining": 10},
            "potentiallyThresholdedRequestsPerHour": {"consumed": 0, "remaining": 120},
            "tokensPerProjectPerHour": left(TOKENS_PER_PROJECT),
        }


def number(value: Any, name: str) -> int:
    """An int64, which JSON may carry as text. Raises InvalidArgument unless it is zero or more."""
    try:
        found = int(value or 0)
    except (ValueError, TypeError):
        raise InvalidArgument(f"Invalid value for {name}: {value}") from None
    if found < 0:
        raise InvalidArgument(f"{name} must not be negative.")
    return found


def row_json(dimensions: tuple[str, ...], metrics: tuple[str, ...]) -> str:
    parts = []
    if dimensions:
        values = ",".join([cell_json(value) for value in dimensions])
        parts.append(f'"dimensionValues":[{values}]')
    if metrics:
        parts.append('"metricValues":[' + ",".join([f'{{"value":"{value}"}}' for value in metrics]) + "]")
    return "{" + ",".join(parts) + "}"


@cache
def cell_json(value: str) -> str:
    return f'{{"value":{json.dumps(value, ensure_ascii=False)}}}'


def page_json(head: dict[str, Any], rows: list[str], tail: dict[str, Any]) -> bytes:
    """The report as JSON text; an empty page has no `rows` at all."""
    shown = {name: value for name, value in head.items() if value}
    middle = f',"rows":[{",".join(rows)}]' if rows else ""
    return (json.dumps(shown)[:-1] + middle + "," + json.dumps(tail)[1:]).encode()


def spoil_report(body: Any, fault: Fault) -> Any:
    """The report with a named column dropped, turned to words, or added; other fields as they are."""
    for header, cells in (("dimensionHeaders", "dimensionValues"), ("metricHeaders", "metricValues")):
        columns = [column["name"] for column in body.get(header, ())]
        anchor = fault.beside if fault.kind == "extra_column" else fault.column
        if anchor not in columns:
            continue
        at, rows = columns.index(anchor), body.get("rows", [])
        if fault.kind == "missing_column":
            del body[header][at]
            for row in rows:
                del row[cells][at]
        elif fault.kind == "extra_column":
            body[header].insert(at + 1, {**body[header][at], "name": fault.column})
            for row in rows:
                row[cells].insert(at + 1, {"value": "1"})
        else:
            for row in rows:
                row[cells][at] = {"value": "(other)"}
        return body
    return spoil_columns(body, fault)
