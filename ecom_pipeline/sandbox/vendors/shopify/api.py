"""The GraphQL endpoint: sign in, validate, charge, run; and the bulk result file."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

from graphql import GraphQLError, GraphQLNonNull, get_named_type, is_list_type
from graphql.execution.values import get_argument_values
from graphql.type import get_nullable_type
from starlette.requests import Request
from starlette.types import Receive, Scope, Send

from ecom_pipeline.sandbox.endpoint import (
    Answer,
    Call,
    FailureKind,
    Outcome,
    Vendor,
    decoded,
    instead,
    logged,
    send_answer,
    wait_for_disconnect,
)
from ecom_pipeline.sandbox.events import Storefront
from ecom_pipeline.sandbox.faults import COLUMN, CUT, INSTEAD
from ecom_pipeline.sandbox.vendors.shopify.access import Access
from ecom_pipeline.sandbox.vendors.shopify.bulk import BulkOperations, BulkRun
from ecom_pipeline.sandbox.vendors.shopify.cost import MAX_COST, Bucket, query_cost
from ecom_pipeline.sandbox.vendors.shopify.paging import Page
from ecom_pipeline.sandbox.vendors.shopify.projection import (
    Projection,
    collect,
    is_connection,
    sub_sets,
)
from ecom_pipeline.sandbox.vendors.shopify.roots import Roots
from ecom_pipeline.sandbox.vendors.shopify.scalars import gid_number
from ecom_pipeline.sandbox.vendors.shopify.schema import Operation, Refused, read_operation
from ecom_pipeline.sandbox.vendors.shopify.settings import Settings
from ecom_pipeline.sandbox.vendors.shopify.snapshot import History
from ecom_pipeline.sandbox.world import World

VERSION = "2026-10"
HEADERS = {"X-Shopify-API-Version": VERSION}
RATE_LIMIT_PAGE = "https://shopify.dev/api/usage/rate-limits"
CHUNK = 256 * 1024


def failure(kind: FailureKind, status: int) -> Answer:
    """Failures in the vendor's words; a rate limit outside GraphQL comes as HTTP 429."""
    if kind == "expired_token":
        words: Any = "[API] Invalid API key or access token (unrecognized login or wrong password)"
        return Answer({"errors": words}, 401, HEADERS)
    if kind == "rate_limited":
        return Answer({"errors": [throttled()]}, status, HEADERS)
    return Answer({"errors": "Internal Server Error"}, status, HEADERS)


def throttled() -> dict[str, Any]:
    return {"message": "Throttled", "extensions": {"code": "THROTTLED", "documentation": RATE_LIMIT_PAGE}}


def token_name(front: Storefront) -> str:
    """Under which name the world keeps the shop's access token."""
    return "shopify_access_token" if front.key == "shop" else f"shopify_access_token_{front.key}"


class AdminApi:
    """One shop's Admin API."""

    def __init__(self, world: World, settings: Settings, front: Storefront) -> None:
        self.world = world
        self.token = token_name(front)
        self.history = History(world.shop, front)
        self.bucket = Bucket(world, settings)
        self.bulk = BulkOperations(world, settings)

    def graphql(self, call: Call) -> Answer:
        """Answer one request."""
        if call.headers.get("x-shopify-access-token") != self.world.secrets[self.token]:
            return failure("expired_token", 401)
        try:
            asked = call.json()
            text, variables = asked["query"], asked.get("variables")
        except (ValueError, KeyError, TypeError, AttributeError):
            return Answer({"errors": {"query": "Required parameter missing or invalid"}}, 400, HEADERS)
        try:
            operation = read_operation(text, asked.get("operationName"), variables)
        except Refused as refused:
            return Answer({"errors": [error.formatted for error in refused.errors]}, 200, HEADERS)
        requested = query_cost(operation)
        if requested > MAX_COST:
            return Answer({"errors": [too_dear(requested)]}, 200, HEADERS)
        if not self.bucket.take(requested):
            body = {"errors": [throttled()], "extensions": {"cost": self.cost(requested, None)}}
            return Answer(body, 200, HEADERS)
        return self.run(operation, requested, call)

    def run(self, operation: Operation, requested: int, call: Call) -> Answer:
        access = Access(self.world)
        roots = Roots(self.history.at(self.world.now()), self.world.now(), access, self.bulk)
        execution = Execution(operation, roots, call.url.partition("/admin/")[0])
        data, errors = execution.run()
        actual = min(requested, query_cost(operation, execution.sizes))
        self.bucket.give_back(requested - actual)
        body: dict[str, Any] = {"data": data}
        if errors:
            body["errors"] = [error.formatted for error in errors]
        body["extensions"] = {"cost": self.cost(requested, actual)}
        if roots.warnings:
            body["extensions"]["search"] = roots.warnings
        return Answer(body, 200, HEADERS, series=execution.series, continues=execution.continues)

    def cost(self, requested: int, actual: int | None) -> dict[str, Any]:
        return {
            "requestedQueryCost": requested,
            "actualQueryCost": actual,
            "throttleStatus": self.bucket.status(),
        }


def too_dear(cost: int) -> dict[str, Any]:
    message = f"Query cost is {cost}, which exceeds the single query max cost limit ({MAX_COST})."
    extensions = {
        "code": "MAX_COST_EXCEEDED",
        "cost": cost,
        "maxCost": MAX_COST,
        "documentation": RATE_LIMIT_PAGE,
    }
    return {"message": message, "extensions": extensions}


class Execution:
    """Runs one operation; afterwards `sizes`, `series` and `continues` tell about its root lists."""

    def __init__(self, operation: Operation, roots: Roots, base_url: str) -> None:
        self.operation = operation
        self.roots = roots
        self.base_url = base_url
        self.sizes: dict[str, int] = {}
        self.series = ""
        self.continues = False

    def run(self) -> tuple[dict[str, Any] | None, list[GraphQLError]]:
        """Data and errors; a failed field that may not be null takes all data with it."""
        data: dict[str, Any] | None = {}
        errors: list[GraphQLError] = []
        fields = collect(self.operation, self.operation.root, [self.operation.node.selection_set])
        for key, nodes in fields.items():
            projection = Projection(self.operation, self.roots.access)
            try:
                value = self.root(key, nodes, projection)
            except GraphQLError as error:
                errors.append(GraphQLError(error.message, nodes, path=[key], extensions=error.extensions))
                definition = self.operation.root.fields[nodes[0].name.value]
                if isinstance(definition.type, GraphQLNonNull):
                    data = None
                value = None
            errors.extend(projection.errors)
            if data is not None:
                data[key] = value
        return data, errors

    def root(self, key: str, nodes: Any, projection: Projection) -> Any:
        name = nodes[0].name.value
        if name == "__typename":
            return self.operation.root.name
        if (refusal := self.roots.access.refusal(self.operation.root.name, nodes[0])) is not None:
            raise refusal
        definition = self.operation.root.fields[name]
        args = get_argument_values(definition, nodes[0], self.operation.variables)
        named: Any = get_named_type(definition.type)
        if is_connection(named):
            shape = projection.page(named, sub_sets(nodes))
            page: Page = self.roots.resolve(name, args)
            self.sizes[key] = len(page.items)
            self.series = f"{name} {args.get('query')} {args.get('sortKey')}"
            self.continues = bool(args.get("after"))
            return shape(page)
        project = projection.object(named, sub_sets(nodes))
        if self.operation.root.name == "Mutation":
            return project(self.mutate(name, args))
        found = self.roots.resolve(name, args)
        if is_list_type(get_nullable_type(definition.type)):
            return [None if each is None else project(each) for each in found]
        return None if found is None else project(found)

    def mutate(self, name: str, args: dict[str, Any]) -> Any:
        bulk = self.roots.bulk
        if name == "bulkOperationCancel":
            return bulk.cancel(gid_number(args["id"], "BulkOperation"))
        return bulk.start(self.roots, self.base_url, args["query"], args["groupObjects"])


class BulkFile:
    """The result of a bulk operation as an ASGI application: streamed, without a token, with faults."""

    def __init__(self, world: World, vendor: Vendor, bulk: BulkOperations) -> None:
        self.world = world
        self.vendor = vendor
        self.bulk = bulk

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        call = await decoded(Request(scope, receive))
        faults, name = self.world.faults, self.vendor.name
        if fault := faults.take(name, call.path, INSTEAD):
            outcome = instead(self.vendor, fault)
            self.log(call, outcome, 0)
            if outcome.hang is not None:
                await wait_for_disconnect(receive, outcome.hang)
            await send_answer(send, outcome.answer, outcome.answer.encoded(), cut=outcome.hang is not None)
            return
        number = re.fullmatch(r"/shopify[^/]*/bulk/(\d+)\.jsonl", call.path)
        run = self.bulk.file(int(number[1]) if number else 0, dict(call.query).get("Signature", ""))
        if run is None:
            answer = Answer(b"<Error><Code>AccessDenied</Code></Error>", 403, content_type="application/xml")
            self.log(call, Outcome(answer), 0)
            await send_answer(send, answer, answer.encoded(), cut=False)
            return
        await self.stream(call, run, send)

    async def stream(self, call: Call, run: BulkRun, send: Send) -> None:
        """Send the file; a cut one ends in the middle, "reset" without closing properly."""
        cut = self.world.faults.take(self.vendor.name, call.path, CUT)
        headers = [(b"content-type", b"application/jsonl"), (b"cache-control", b"private")]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        size = 0
        for chunk in self.chunks(call, run):
            if cut is not None:
                await send(
                    {"type": "http.response.body", "body": chunk[: len(chunk) // 2], "more_body": True}
                )
                size += len(chunk) // 2
                break
            await send({"type": "http.response.body", "body": chunk, "more_body": True})
            size += len(chunk)
        self.log(call, Outcome(Answer(b""), cut.kind if cut else None), size)
        if cut is None or cut.kind == "truncated_json":
            await send({"type": "http.response.body", "body": b""})

    def chunks(self, call: Call, run: BulkRun) -> Iterator[bytes]:
        spoiling = self.world.faults.take_all(self.vendor.name, call.path, COLUMN)
        for chunk in run.chunks(CHUNK):
            lines = chunk
            for fault in spoiling:
                rows = [self.vendor.spoil(json.loads(line), fault) for line in lines.splitlines()]
                lines = b"".join(json.dumps(each, ensure_ascii=False).encode() + b"\n" for each in rows)
            yield lines

    def log(self, call: Call, outcome: Outcome, size: int) -> None:
        """The query holds the signature, which is a credential: it is not written down."""
        unsigned = Call(call.method, call.url, call.path, (), call.headers, call.body)
        self.world.log.append(logged(self.vendor.name, unsigned, outcome, size))
