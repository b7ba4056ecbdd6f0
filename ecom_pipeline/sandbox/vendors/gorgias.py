"""Gorgias' REST API: tickets and satisfaction surveys, newest first, page after page by cursor.

There is no filter by time, and what was thrown away is told of with the time of it. Whoever reads too fast gets 429
with Retry-after and how full the bucket is.
"""

from __future__ import annotations

import base64
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from starlette.routing import BaseRoute

from ecom_pipeline.sandbox.endpoint import Answer, Call, FailureKind, Vendor, route
from ecom_pipeline.sandbox.events import Rating, Ticket
from ecom_pipeline.sandbox.twins import Instance
from ecom_pipeline.sandbox.vendors.zendesk import EMAIL, SENT_BEFORE, touched_at
from ecom_pipeline.sandbox.world import PERSONAL_CANARY, World

MOST_A_PAGE = 100
CREATED = "created_datetime"
TIMES = (CREATED, "updated_datetime")
CHANNELS = {
    "email": "email",
    "chat": "chat",
    "phone": "phone",
    "social": "instagram-comment",
    "web": "contact_form",
}


def instances(world: World, url: str) -> list[Instance]:
    """The second of the two desks."""
    settings = {"email": EMAIL, "base_url": f"{url}/gorgias"}
    return [Instance("support", "gorgias", settings, {"api_key": world.secrets["gorgias_api_key"]})]


def routes(world: World) -> list[BaseRoute]:
    """Gorgias' addresses in the sandbox."""
    api = Gorgias(world)
    vendor = Vendor("gorgias", failure)
    return [
        route(world, vendor, "/gorgias/api/tickets", api.guarded("tickets", api.tickets)),
        route(world, vendor, "/gorgias/api/satisfaction-surveys", api.guarded("surveys", api.surveys)),
    ]


class Gorgias:
    """One account."""

    def __init__(self, world: World) -> None:
        self.world = world

    def guarded(self, right: str, handler: Callable[[Call], Answer]) -> Callable[[Call], Answer]:
        def answer(call: Call) -> Answer:
            pair = f"{EMAIL}:{self.world.secrets['gorgias_api_key']}"
            if call.headers.get("authorization") != f"Basic {base64.b64encode(pair.encode()).decode()}":
                return failure("expired_token", 401)
            if self.world.lacks("gorgias", right):
                return Answer({"error": {"msg": "You do not have the right permissions"}}, 403)
            if self.world.throttled("gorgias"):
                return failure("rate_limited", 429)
            try:
                return handler(call)
            except ValueError as error:
                return Answer({"error": {"msg": f"Invalid parameters: {error}"}}, 400)

        return answer

    def tickets(self, call: Call) -> Answer:
        """All tickets, with those in the trash unless they are not wanted."""
        asked, now = dict(call.query), self.world.now()
        order = asked.get("order_by", f"{CREATED}:desc")
        if set(asked) - {"limit", "cursor", "order_by", "trashed"} or order.partition(":")[0] not in TIMES:
            raise ValueError("unknown parameter or order")
        found = [
            ticket_json(ticket, now)
            for ticket in self.world.shop.tickets
            if ticket.desk == "gorgias" and ticket.created_at <= now
        ]
        if asked.get("trashed") == "false":
            found = [ticket for ticket in found if ticket["trashed_datetime"] is None]
        return page(call, found, order, "tickets")

    def surveys(self, call: Call) -> Answer:
        """All surveys that were sent."""
        asked, now = dict(call.query), self.world.now()
        order = asked.get("order_by", f"{CREATED}:desc")
        if set(asked) - {"limit", "cursor", "order_by"} or order.partition(":")[0] != CREATED:
            raise ValueError("unknown parameter or order")
        found = [
            survey_json(one, now)
            for one in self.world.shop.ratings
            if one.desk == "gorgias" and one.at - SENT_BEFORE <= now
        ]
        return page(call, found, order, "surveys")


def page(call: Call, items: list[dict[str, Any]], order: str, series: str) -> Answer:
    """One page of a list. The cursor is a place in the order, so that it holds when items move. Raises ValueError."""
    asked = dict(call.query)
    column, _, direction = order.partition(":")
    size = int(asked.get("limit", "30"))
    if direction not in ("asc", "desc") or not 1 <= size <= MOST_A_PAGE:
        raise ValueError("order_by or limit")
    places = {(item[column], item["id"]): item for item in items}
    left = sorted(places, reverse=direction == "desc")
    if "cursor" in asked:
        at, _, last_id = base64.b64decode(asked["cursor"], validate=True).decode().partition("|")
        place = (at, int(last_id))
        left = [one for one in left if (one < place if direction == "desc" else one > place)]
    shown = left[:size]
    following = None
    if len(left) > size:
        at, last_id = shown[-1]
        following = base64.b64encode(f"{at}|{last_id}".encode()).decode()
    body = {
        "data": [places[one] for one in shown],
        "object": "list",
        "uri": call.path,
        "meta": {"next_cursor": following, "prev_cursor": None},
    }
    return Answer(body, series=series, continues="cursor" in asked)


def ticket_json(ticket: Ticket, now: datetime) -> dict[str, Any]:
    """A ticket as it stands, with the words and people clients must not keep."""
    trashed = ticket.deleted_at if ticket.deleted_at is not None and ticket.deleted_at <= now else None
    solved = ticket.solved_at if ticket.solved_at is not None and ticket.solved_at <= now else None
    return {
        "id": ticket.ticket_id,
        "channel": CHANNELS[ticket.channel],
        "status": "closed" if solved else "open",
        "created_datetime": written(ticket.created_at),
        "updated_datetime": written(touched_at(ticket, now)),
        "closed_datetime": written(solved) if solved else None,
        "trashed_datetime": written(trashed) if trashed else None,
        "spam": False,
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
