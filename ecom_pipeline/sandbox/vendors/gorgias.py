"""Gorgias' REST API: tickets and satisfaction surveys, newest first, page after page by cursor.

There is no filter by time. Whoever reads too fast gets 429 with Retry-after and how full the bucket is.
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
from ecom_pipeline.sandbox.vendors.zendesk import EMAIL, touched_at
from ecom_pipeline.sandbox.world import PERSONAL_CANARY, World

MOST_A_PAGE = 100
SENT_BEFORE = timedelta(hours=6)  # a survey is sent some hours before it is answered
CHANNELS = {"email": "email", "chat": "chat", "phone": "phone", "social": "instagram", "web": "contact_form"}


def instances(world: World, url: str) -> list[Instance]:
    """The second of the two desks."""
    settings = {"email": EMAIL, "base_url": f"{url}/gorgias"}
    return [Instance("support", "gorgias", settings, {"api_key": world.secrets["gorgias_api_key"]})]


def routes(world: World) -> list[BaseRoute]:
    """Gorgias' addresses in the sandbox."""
    api = Gorgias(world)
    vendor = Vendor("gorgias", failure)
    return [
        route(world, vendor, "/gorgias/api/tickets", api.guarded(api.tickets)),
        route(world, vendor, "/gorgias/api/satisfaction-surveys", api.guarded(api.surveys)),
    ]


class Gorgias:
    """One account."""

    def __init__(self, world: World) -> None:
        self.world = world

    def guarded(self, handler: Callable[[Call], Answer]) -> Callable[[Call], Answer]:
        def answer(call: Call) -> Answer:
            pair = f"{EMAIL}:{self.world.secrets['gorgias_api_key']}"
            if call.headers.get("authorization") != f"Basic {base64.b64encode(pair.encode()).decode()}":
                return failure("expired_token", 401)
            if self.world.throttled("gorgias"):
                return failure("rate_limited", 429)
            asked = dict(call.query)
            if set(asked) - {"limit", "cursor", "order_by"} or int(asked.get("limit", "30")) > MOST_A_PAGE:
                return Answer({"error": {"msg": "Invalid parameters"}}, 400)
            return handler(call)

        return answer

    def tickets(self, call: Call) -> Answer:
        now = self.world.now()
        found = sorted(
            (
                ticket
                for ticket in self.world.shop.tickets
                if ticket.desk == "gorgias"
                and ticket.created_at <= now
                and not (ticket.deleted_at is not None and ticket.deleted_at <= now)
            ),
            key=lambda ticket: (touched_at(ticket, now), ticket.ticket_id),
            reverse=True,
        )
        return page(call, [ticket_json(ticket, now) for ticket in found], "tickets")

    def surveys(self, call: Call) -> Answer:
        now = self.world.now()
        found = sorted(
            (one for one in self.world.shop.ratings if one.desk == "gorgias" and one.at - SENT_BEFORE <= now),
            key=lambda one: (one.at, one.rating_id),
            reverse=True,
        )
        return page(call, [survey_json(one, now) for one in found], "surveys")


def page(call: Call, items: list[dict[str, Any]], series: str) -> Answer:
    """One page of a list. The cursor names the item before, so that pages do not shift."""
    asked = dict(call.query)
    size, cursor = int(asked.get("limit", "30")), asked.get("cursor")
    ids = [str(item["id"]) for item in items]
    start = ids.index(base64.b64decode(cursor).decode()) + 1 if cursor else 0
    shown = items[start : start + size]
    more = start + size < len(items)
    following = base64.b64encode(str(shown[-1]["id"]).encode()).decode() if more else None
    body = {
        "data": shown,
        "object": "list",
        "uri": call.path,
        "meta": {"next_cursor": following, "prev_cursor": None},
    }
    return Answer(body, series=series, continues=cursor is not None)


def ticket_json(ticket: Ticket, now: datetime) -> dict[str, Any]:
    """A ticket as it stands, with the words and people clients must not keep."""
    solved = ticket.solved_at if ticket.solved_at is not None and ticket.solved_at <= now else None
    return {
        "id": ticket.ticket_id,
        "channel": CHANNELS[ticket.channel],
        "status": "closed" if solved else "open",
        "created_datetime": written(ticket.created_at),
        "updated_datetime": written(touched_at(ticket, now)),
        "closed_datetime": written(solved) if solved else None,
        "tags": [{"id": 1, "name": tag} for tag in ticket.tags],
        "subject": f"{PERSONAL_CANARY} my order",
        "customer": {"email": PERSONAL_CANARY, "name": PERSONAL_CANARY},
    }


def survey_json(rating: Rating, now: datetime) -> dict[str, Any]:
    """A survey that was sent, and its stars once it was answered."""
    answered = rating.at <= now
    return {
        "id": rating.rating_id,
        "ticket_id": rating.ticket_id,
        "score": rating.score if answered else None,
        "created_datetime": written(rating.at - SENT_BEFORE),
        "scored_datetime": written(rating.at) if answered else None,
        "body_text": PERSONAL_CANARY,
    }


def written(at: datetime) -> str:
    """As Gorgias writes instants."""
    return at.astimezone(UTC).isoformat()


def failure(kind: FailureKind, status: int) -> Answer:
    """Failures in Gorgias' words."""
    if kind == "rate_limited":
        headers = {"Retry-after": "20", "X-Gorgias-Account-Api-Call-Limit": "40/40"}
        return Answer({"error": {"msg": "Too many requests"}}, 429, headers)
    if kind == "expired_token":
        return Answer({"error": {"msg": "Authorization required"}}, 401)
    return Answer({"error": {"msg": "Internal error"}}, status)
