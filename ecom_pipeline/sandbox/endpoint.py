"""The seam between a vendor's rules and HTTP: calls in, answers out, faults and log in between.

A vendor module is written as plain functions from `Call` to `Answer` and knows neither Starlette
nor faults; it only says, as a `Vendor`, what its failures look like.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Literal
from urllib.parse import parse_qsl

from starlette.requests import Request
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from ecom_pipeline.sandbox.faults import COLUMN, CUT, INSTEAD, PAGE, Fault, spoil_columns
from ecom_pipeline.sandbox.world import LoggedRequest, World

SECRET_HEADERS = frozenset(
    ("authorization", "x-shopify-access-token", "developer-token", "x-api-key", "api-key", "access-token")
)
PLAIN_HEADERS = frozenset(
    (
        "content-type",
        "accept-encoding",
        "user-agent",
        "if-modified-since",
        "if-none-match",
        "stripe-version",
        "login-customer-id",
    )
)
HTML_PAGE = b"<!DOCTYPE html><html><head><title>Maintenance</title></head><body>Back soon.</body></html>"

FailureKind = Literal["server_error", "rate_limited", "expired_token"]


@dataclass(frozen=True)
class Call:
    """A request, decoded. Header names are lower case; `query` keeps order and repeated names."""

    method: str
    url: str  # without the query
    path: str
    query: tuple[tuple[str, str], ...]
    headers: Mapping[str, str]
    body: bytes
    path_params: Mapping[str, str] = field(default_factory=dict)

    def json(self) -> Any:
        """The body as JSON. Raises ValueError when it is not."""
        return json.loads(self.body)

    def text(self) -> str:
        """Path, query and body in one, for a fault to find its place in."""
        query = "&".join(f"{name}={value}" for name, value in self.query)
        return f"{self.path}?{query} {self.body.decode(errors='replace')}"

    def form(self) -> dict[str, str]:
        return dict(parse_qsl(self.body.decode(), keep_blank_values=True))


@dataclass(frozen=True)
class Answer:
    """What goes back: `body` is bytes as they are, or something to be written as JSON.

    `series` names the list a page belongs to and `continues` tells that it is not its first page,
    so that a repeated page can be served.
    """

    body: Any
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    content_type: str = "application/json"
    series: str = ""
    continues: bool = False

    def encoded(self) -> bytes:
        if isinstance(self.body, bytes):
            return self.body
        return json.dumps(self.body, separators=(",", ":"), ensure_ascii=False).encode()


@dataclass(frozen=True)
class Vendor:
    """A vendor's name in faults and log, its error bodies, and how its columns can be spoiled.

    `failure(kind, status)` is the answer for a general failure; Retry-After is added by the frame.
    """

    name: str
    failure: Callable[[FailureKind, int], Answer]
    spoil: Callable[[Any, Fault], Any] = spoil_columns


Handler = Callable[[Call], Answer]


def route(
    world: World, vendor: Vendor, path: str, handler: Handler, methods: Sequence[str] = ("GET",)
) -> Route:
    """A Starlette route that answers through `handler`, with the world's faults and log."""
    return Route(path, Endpoint(world, vendor, handler), methods=list(methods))


@dataclass
class Outcome:
    """An answer on its way out: `cut` closes the connection in the middle, `hang` answers never."""

    answer: Answer
    fault: str | None = None
    cut: bool = False
    hang: float | None = None


class Endpoint:
    """One vendor path as an ASGI application."""

    def __init__(self, world: World, vendor: Vendor, handler: Handler) -> None:
        self.world = world
        self.vendor = vendor
        self.handler = handler
        self.last_page: dict[str, Answer] = {}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        request = Request(scope, receive)
        call = await decoded(request)
        outcome = self.outcome(call)
        body = outcome.answer.encoded()
        self.world.log.append(logged(self.vendor.name, call, outcome, len(body)))
        if outcome.hang is not None:
            await wait_for_disconnect(receive, outcome.hang)
            await send_answer(send, Answer(b"", content_type="text/plain"), b"-", cut=True)
        else:
            await send_answer(send, outcome.answer, body, cut=outcome.cut)

    def outcome(self, call: Call) -> Outcome:
        text, faults, vendor = call.text(), self.world.faults, self.vendor
        if fault := faults.take(vendor.name, text, INSTEAD):
            return instead(vendor, fault)
        if self.world.throttled(vendor.name):
            return Outcome(vendor.failure("rate_limited", 429), "throttled")
        answer = self.handler(call)
        if answer.status != 200:
            return Outcome(answer)
        before, self.last_page[answer.series] = self.last_page.get(answer.series), answer
        names = []
        if answer.continues and before is not None and (fault := faults.take(vendor.name, text, PAGE)):
            answer = self.last_page[answer.series] = before
            names.append(fault.kind)
        for fault in faults.take_all(vendor.name, text, COLUMN):
            answer = spoiled(vendor, answer, fault)
            names.append(fault.kind)
        cut = faults.take(vendor.name, text, CUT)
        if cut is not None:
            names.append(cut.kind)
            if cut.kind == "truncated_json":
                whole = answer.encoded()
                answer = replace(answer, body=whole[: len(whole) * 2 // 3])
        return Outcome(answer, "+".join(names) or None, cut=cut is not None and cut.kind == "reset")


def instead(vendor: Vendor, fault: Fault) -> Outcome:
    """The answer given in place of the vendor's own."""
    match fault.kind:
        case "timeout":
            return Outcome(Answer(b"", status=0), fault.kind, hang=fault.seconds)
        case "html":
            return Outcome(Answer(HTML_PAGE, content_type="text/html; charset=utf-8"), fault.kind)
        case "rate_limited":
            answer = vendor.failure("rate_limited", 429)
            if fault.retry_after is not None:
                answer = replace(answer, headers={**answer.headers, "Retry-After": str(fault.retry_after)})
            return Outcome(answer, fault.kind)
        case "expired_token":
            return Outcome(vendor.failure("expired_token", 401), fault.kind)
        case _:
            return Outcome(vendor.failure("server_error", fault.status), fault.kind)


def spoiled(vendor: Vendor, answer: Answer, fault: Fault) -> Answer:
    body = answer.body
    if isinstance(body, bytes) and answer.content_type.startswith("application/json"):
        body = json.loads(body)
    return replace(answer, body=vendor.spoil(body, fault))


async def decoded(request: Request) -> Call:
    """The request as vendors read it, body included."""
    return Call(
        method=request.method,
        url=str(request.url.replace(query="")),
        path=request.url.path,
        query=tuple(request.query_params.multi_items()),
        headers={name.lower(): value for name, value in request.headers.items()},
        body=await request.body(),
        path_params={name: str(value) for name, value in request.path_params.items()},
    )


async def send_answer(send: Send, answer: Answer, body: bytes, *, cut: bool) -> None:
    """Send the answer; when cut, promise the whole length, send half and let the server close."""
    headers = {"content-type": answer.content_type, "content-length": str(len(body)), **answer.headers}
    if answer.status == 304:
        headers.pop("content-length")
    raw = [(name.lower().encode(), value.encode()) for name, value in headers.items()]
    await send({"type": "http.response.start", "status": answer.status, "headers": raw})
    if cut:
        await send({"type": "http.response.body", "body": body[: len(body) // 2], "more_body": True})
    else:
        await send({"type": "http.response.body", "body": body})


async def wait_for_disconnect(receive: Receive, seconds: float) -> None:
    async def gone() -> None:
        while (await receive())["type"] != "http.disconnect":
            pass

    with contextlib.suppress(TimeoutError):
        await asyncio.wait_for(gone(), seconds)


def logged(vendor: str, call: Call, outcome: Outcome, size: int) -> LoggedRequest:
    """A line of the request log; of a credential it tells only that it was there."""
    headers = {name: value for name, value in call.headers.items() if name in PLAIN_HEADERS}
    headers |= {name: "present" for name in call.headers if name in SECRET_HEADERS}
    return LoggedRequest(
        vendor=vendor,
        method=call.method,
        path=call.path,
        query="&".join(f"{name}={value}" for name, value in call.query),
        headers=headers,
        body=call.body.decode(errors="replace"),
        status=outcome.answer.status,
        bytes=size,
        fault=outcome.fault,
    )
