"""Zendesk's Support API: the incremental export of tickets with their metrics, and satisfaction ratings.

The export runs by the time a ticket was last touched, by people or by the system, from a start onwards, page after page
by cursor; it keeps the last minute back and tells of deleted tickets. A rating is made when it is asked for and changes
when it is given. Words and people are in both, for clients not to keep.
"""

from __future__ import annotations

import base64
from collections.abc import Callable, Mapping
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
MOST_RATINGS = 100
MINUTE = timedelta(minutes=1)
SENT_BEFORE = timedelta(hours=6)  # a survey is sent some hours before it is answered
SYSTEM_AFTER = timedelta(
    minutes=90
)  # the system's own change of a solved ticket, of which updated_at knows nothing
EXPORT_PARAMETERS = frozenset(("start_time", "cursor", "include", "per_page"))
RATINGS_PARAMETERS = frozenset(("start_time", "end_time", "score", "page[size]", "page[after]"))
SCORES = (None, "offered", "received")  # as far as they are simulated
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
        self.order_names = {order.order_id: order.name for order in world.shop.orders}

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
        """The tickets touched since a start, or after a cursor."""
        asked, now = dict(call.query), self.world.now()
        until = now - MINUTE
        try:
            place = started(asked)
            size = number(asked, "per_page", MOST_A_PAGE, MOST_A_PAGE)
        except ValueError:
            return refused("start_time or cursor is needed, and nothing unknown")
        if "cursor" not in asked and place[0] > until.timestamp():
            return refused("Too recent start_time. Use a start_time older than 1 minute")
        places = {
            (int(generated_at(ticket, now).timestamp()), ticket.ticket_id): ticket
            for ticket in self.world.shop.tickets
            if ticket.desk == "zendesk" and ticket.created_at <= now
        }
        found = sorted(one for one in places if one > place and one[0] <= until.timestamp())
        page = found[:size]
        cursor = base64.b64encode("|".join(map(str, page[-1] if page else place)).encode()).decode()
        body: dict[str, Any] = {
            "tickets": [ticket_json(places[one], now, self.order_names) for one in page],
            "after_cursor": cursor,
            "after_url": f"{call.url}?cursor={cursor}",
            "before_cursor": None,
            "before_url": None,
            "end_of_stream": len(found) <= size,
        }
        if "metric_sets" in asked.get("include", ""):
            body["metric_sets"] = [metrics_json(places[one], now) for one in page]
        return Answer(body, series="tickets", continues="cursor" in asked)

    def ratings(self, call: Call) -> Answer:
        """The ratings made in a span, in the order they were made."""
        asked, now = dict(call.query), self.world.now()
        try:
            if set(asked) - RATINGS_PARAMETERS or asked.get("score") not in SCORES:
                raise ValueError
            size = number(asked, "page[size]", MOST_RATINGS, MOST_RATINGS)
            start, end = int(asked.get("start_time", 0)), int(asked.get("end_time", 10**11))
            offset = int(asked.get("page[after]", 0))
        except ValueError:
            return refused("unknown parameter or value")
        wanted = asked.get("score")
        made = [
            rating_json(one, now)
            for one in sorted(self.world.shop.ratings, key=lambda one: one.rating_id)
            if one.desk == "zendesk" and one.at - SENT_BEFORE <= now
            and start <= int((one.at - SENT_BEFORE).timestamp()) <= end
        ]  # fmt: skip
        found = [
            one for one in made if wanted is None or (one["score"] == "offered") == (wanted == "offered")
        ]
        more = offset + size < len(found)
        meta = {"has_more": more, "after_cursor": str(offset + size) if more else None, "before_cursor": None}
        return Answer(
            {"satisfaction_ratings": found[offset : offset + size], "meta": meta},
            series="ratings",
            continues=offset > 0,
        )


def started(asked: Mapping[str, str]) -> tuple[int, int]:
    """Where an export begins: the second and the ticket after which. Raises ValueError."""
    if set(asked) - EXPORT_PARAMETERS or not {"start_time", "cursor"} & set(asked):
        raise ValueError
    if "cursor" not in asked:
        return int(asked["start_time"]), -1
    since, last_id = base64.b64decode(asked["cursor"], validate=True).decode().split("|")
    return int(since), int(last_id)


def number(asked: Mapping[str, str], name: str, default: int, most: int) -> int:
    """A page's size. Raises ValueError."""
    size = int(asked.get(name, default))
    if not 1 <= size <= most:
        raise ValueError
    return size


def touched_at(ticket: Ticket, now: datetime) -> datetime:
    """When something last happened to a ticket."""
    events = (ticket.created_at, ticket.first_reply_at, ticket.solved_at, ticket.deleted_at)
    return max(at for at in events if at is not None and at <= now)


def generated_at(ticket: Ticket, now: datetime) -> datetime:
    """When people or the system last touched a ticket."""
    touched = touched_at(ticket, now)
    solved = ticket.solved_at
    if solved is None or solved + SYSTEM_AFTER > now:
        return touched
    return max(touched, solved + SYSTEM_AFTER)


def ticket_json(ticket: Ticket, now: datetime, order_names: Mapping[int, str]) -> dict[str, Any]:
    """A ticket as it stands, with the words and people clients must not keep."""
    deleted = ticket.deleted_at is not None and ticket.deleted_at <= now
    solved = ticket.solved_at is not None and ticket.solved_at <= now
    return {
        "id": ticket.ticket_id,
        "created_at": written(ticket.created_at),
        "updated_at": written(touched_at(ticket, now)),
        "generated_timestamp": int(generated_at(ticket, now).timestamp()),
        "status": "deleted" if deleted else "solved" if solved else "open",
        "via": {"channel": VIA[ticket.channel]},
        "type": "incident" if ticket.is_complaint else "question",
        "tags": list(ticket.tags),
        "subject": f"{PERSONAL_CANARY} my candle",
        "description": f"{PERSONAL_CANARY} wrote this",
        "requester_id": 1,
        "custom_fields": [
            {"id": ORDER_FIELD, "value": order_names.get(ticket.order_id or 0)},
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


def rating_json(rating: Rating, now: datetime) -> dict[str, Any]:
    """A rating that was asked for, and given by now or not; Zendesk knows good and bad only."""
    score = "good" if rating.score >= 4 else "bad"
    given = rating.at <= now
    return {
        "id": rating.rating_id,
        "score": (f"{score}_with_comment" if rating.score in (1, 5) else score) if given else "offered",
        "ticket_id": rating.ticket_id,
        "comment": PERSONAL_CANARY if given else None,
        "created_at": written(rating.at - SENT_BEFORE),
        "updated_at": written(rating.at if given else rating.at - SENT_BEFORE),
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
