"""Zendesk's Support API: the incremental export of tickets with their metrics, and satisfaction ratings.

The export runs by the time a ticket was last touched, from a start onwards, page after page by cursor; it keeps the
last minute back and tells of deleted tickets. Words and people are in it, for clients not to keep.
"""

from __future__ import annotations

import base64
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

from starlette.routing import BaseRoute

from ecom_pipeline.sandbox.endpoint import Answer, Call, FailureKind, Vendor, route
from ecom_pipeline.sandbox.events import Rating, Ticket
from ecom_pipeline.sandbox.twins import Instance
from ecom_pipeline.sandbox.world import PERSONAL_CANARY, World

EMAIL = "reporting@maison-lumen.example"
ORDER_FIELD = 360_001_234_567
MOST_A_PAGE = 1000
MINUTE = timedelta(minutes=1)
VIA = {"email": "email", "chat": "chat", "phone": "voice", "social": "facebook", "web": "web"}


def instances(world: World, url: str) -> list[Instance]:
    """The first of the two desks."""
    settings = {"email": EMAIL, "order_field_id": ORDER_FIELD, "base_url": f"{url}/zendesk"}
    return [Instance("helpdesk", "zendesk", settings, {"api_token": world.secrets["zendesk_api_token"]})]


def routes(world: World) -> list[BaseRoute]:
    """Zendesk's addresses in the sandbox."""
    api = Zendesk(world)
    vendor = Vendor("zendesk", failure)
    return [
        route(
            world, vendor, "/zendesk/api/v2/incremental/tickets/cursor", api.guarded("tickets", api.export)
        ),
        route(world, vendor, "/zendesk/api/v2/satisfaction_ratings", api.guarded("ratings", api.ratings)),
    ]


class Zendesk:
    """One account."""

    def __init__(self, world: World) -> None:
        self.world = world

    def guarded(self, right: str, handler: Callable[[Call], Answer]) -> Callable[[Call], Answer]:
        def answer(call: Call) -> Answer:
            pair = f"{EMAIL}/token:{self.world.secrets['zendesk_api_token']}"
            if call.headers.get("authorization") != f"Basic {base64.b64encode(pair.encode()).decode()}":
                return failure("expired_token", 401)
            if self.world.lacks("zendesk", right):
                return Answer(
                    {"error": {"title": "Forbidden", "message": "You do not have access to this page."}}, 403
                )
            if self.world.throttled("zendesk"):
                return failure("rate_limited", 429)
            return handler(call)

        return answer

    def export(self, call: Call) -> Answer:
        asked, now = dict(call.query), self.world.now()
        if set(asked) - {"start_time", "cursor", "include", "per_page"} or not {"start_time", "cursor"} & set(
            asked
        ):
            return refused("start_time or cursor is needed, and nothing else is known")
        size = min(int(asked.get("per_page", MOST_A_PAGE)), MOST_A_PAGE)
        if "cursor" in asked:
            since, last_id = (int(part) for part in base64.b64decode(asked["cursor"]).decode().split("|"))
        else:
            since, last_id = int(asked["start_time"]), -1
            if since > (now - MINUTE).timestamp():
                return refused("start_time is too recent")
        seen = [
            (int(touched_at(ticket, now).timestamp()), ticket)
            for ticket in self.world.shop.tickets
            if ticket.desk == "zendesk" and ticket.created_at <= now - MINUTE
        ]
        found = sorted(
            (
                (at, ticket)
                for at, ticket in seen
                if (at, ticket.ticket_id) > (since, last_id) and at <= now.timestamp() - 60
            ),
            key=lambda pair: (pair[0], pair[1].ticket_id),
        )
        page = found[:size]
        end = (page[-1][0], page[-1][1].ticket_id) if page else (since, last_id)
        cursor = base64.b64encode(f"{end[0]}|{end[1]}".encode()).decode()
        body: dict[str, Any] = {
            "tickets": [ticket_json(ticket, now) for _, ticket in page],
            "after_cursor": cursor,
            "after_url": f"{call.url}?cursor={cursor}",
            "before_cursor": None,
            "end_of_stream": len(found) <= size,
        }
        if "metric_sets" in asked.get("include", ""):
            body["metric_sets"] = [metrics_json(ticket, now) for _, ticket in page]
        return Answer(body, series="tickets", continues="cursor" in asked)

    def ratings(self, call: Call) -> Answer:
        asked, now = dict(call.query), self.world.now()
        if set(asked) - {"start_time", "end_time", "score", "page[size]", "page[after]"}:
            return refused("unknown parameter")
        size = min(int(asked.get("page[size]", "100")), 100)
        start, end = int(asked.get("start_time", 0)), int(asked.get("end_time", 10**11))
        found = sorted(
            (
                one
                for one in self.world.shop.ratings
                if one.desk == "zendesk" and one.at <= now and start <= int(one.at.timestamp()) <= end
            ),
            key=lambda one: one.rating_id,
        )
        offset = int(asked.get("page[after]", "0"))
        page = found[offset : offset + size]
        more = offset + size < len(found)
        meta = {"has_more": more, "after_cursor": str(offset + size) if more else None, "before_cursor": None}
        return Answer(
            {"satisfaction_ratings": [rating_json(one) for one in page], "meta": meta},
            series="ratings",
            continues=offset > 0,
        )


def touched_at(ticket: Ticket, now: datetime) -> datetime:
    """When something last happened to a ticket."""
    events = (ticket.created_at, ticket.first_reply_at, ticket.solved_at, ticket.deleted_at)
    return max(at for at in events if at is not None and at <= now)


def ticket_json(ticket: Ticket, now: datetime) -> dict[str, Any]:
    """A ticket as it stands, with the words and people clients must not keep."""
    deleted = ticket.deleted_at is not None and ticket.deleted_at <= now
    solved = ticket.solved_at is not None and ticket.solved_at <= now
    return {
        "id": ticket.ticket_id,
        "created_at": written(ticket.created_at),
        "updated_at": written(touched_at(ticket, now)),
        "generated_timestamp": int(touched_at(ticket, now).timestamp()),
        "status": "deleted" if deleted else "solved" if solved else "open",
        "via": {"channel": VIA[ticket.channel]},
        "tags": list(ticket.tags),
        "subject": f"{PERSONAL_CANARY} my candle",
        "description": f"{PERSONAL_CANARY} wrote this",
        "requester_id": 1,
        "custom_fields": [
            {"id": ORDER_FIELD, "value": None if ticket.order_id is None else str(ticket.order_id)},
            {"id": 1, "value": PERSONAL_CANARY},
        ],
    }


def metrics_json(ticket: Ticket, now: datetime) -> dict[str, Any]:
    """A ticket's metrics: minutes to the first reply, by the calendar and by business hours."""
    replied = ticket.first_reply_at is not None and ticket.first_reply_at <= now
    minutes = None
    if replied and ticket.first_reply_at is not None:
        minutes = int((ticket.first_reply_at - ticket.created_at).total_seconds() // 60)
    solved = ticket.solved_at if ticket.solved_at is not None and ticket.solved_at <= now else None
    return {
        "id": ticket.ticket_id * 10,
        "ticket_id": ticket.ticket_id,
        "reply_time_in_minutes": {"calendar": minutes, "business": minutes},
        "solved_at": written(solved) if solved else None,
        "created_at": written(ticket.created_at),
    }


def rating_json(rating: Rating) -> dict[str, Any]:
    """A rating; Zendesk knows good and bad only."""
    score = "good" if rating.score >= 4 else "bad"
    return {
        "id": rating.rating_id,
        "score": f"{score}_with_comment" if rating.score in (1, 5) else score,
        "ticket_id": rating.ticket_id,
        "comment": PERSONAL_CANARY,
        "created_at": written(rating.at),
        "updated_at": written(rating.at),
    }


def written(at: datetime) -> str:
    """As Zendesk writes instants."""
    return f"{at.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"


def refused(message: str) -> Answer:
    return Answer({"error": "InvalidValue", "description": message}, 422)


def failure(kind: FailureKind, status: int) -> Answer:
    """Failures in Zendesk's words."""
    if kind == "rate_limited":
        return Answer(
            {"error": "TooManyRequests", "description": "Allowed number of API requests exceeded"},
            429,
            {"Retry-After": "6"},
        )
    if kind == "expired_token":
        return Answer({"error": "Couldn't authenticate you"}, 401)
    return Answer({"error": "InternalError", "description": "Sorry"}, status)
