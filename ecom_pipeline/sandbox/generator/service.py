"""Tickets at the service desks, and what customers thought of the answers."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from random import Random
from typing import Literal

from ecom_pipeline.sandbox.events import Order, Rating, Shop, Ticket
from ecom_pipeline.sandbox.generator.clock import Clock
from ecom_pipeline.sandbox.generator.streams import stream

Medium = Literal["email", "chat", "phone", "social", "web"]
_PER_ORDER = 0.04
_AFTER_TROUBLE = 0.16  # articles went back, the parcel was late
_BREAKS = ("Vase", "Photophore", "Diffuseur")  # and these are complained of more often
_LATE = timedelta(days=6)
_MEDIA: tuple[tuple[float, Medium], ...] = (
    (0.45, "email"), (0.70, "web"), (0.86, "chat"), (0.95, "phone"), (1.0, "social"),
)  # fmt: skip
_QUESTIONS = ("question", "delivery", "gift", "invoice", "product")
_COMPLAINTS = ("complaint", "damaged", "réclamation", "late")
_OPENS, _CLOSES = 9, 18
_FIRST_ID = {"zendesk": 35_101, "gorgias": 9_410_220}


def tell(shop: Shop, clock: Clock) -> None:
    """Add the facts to the shop."""
    rng = stream(shop.seed, "service")
    late = {
        one.order_id
        for one in shop.parcels
        if not one.is_return and one.delivered_at and one.delivered_at - one.handed_over_at > _LATE
    }
    made = [
        ticket
        for order in shop.orders
        if (ticket := _ticket(rng, clock, order, order.order_id in late)) is not None
    ]
    made.sort(key=lambda ticket: ticket.created_at)
    counts = dict(_FIRST_ID)
    for ticket in made:
        counts[ticket.desk] += 1
        numbered = replace(ticket, ticket_id=counts[ticket.desk])
        shop.tickets.append(numbered)
        if (rating := _rating(rng, clock, numbered, len(shop.ratings))) is not None:
            shop.ratings.append(rating)


def _ticket(rng: Random, clock: Clock, order: Order, is_late: bool) -> Ticket | None:
    trouble = is_late or len(order.agreements) > 1
    if order.test or rng.random() >= (_AFTER_TROUBLE if trouble else _PER_ORDER):
        return None
    since = order.agreements[-1].at if rng.random() < 0.5 else order.created_at
    created_at = (since + timedelta(days=rng.uniform(0.05, 9))).replace(
        second=rng.randint(0, 59), microsecond=0
    )
    if created_at >= clock.end:
        return None
    breaks = any(
        line.product and line.product.title.startswith(_BREAKS) for line in order.agreements[0].lines
    )
    complaint = rng.random() < (0.5 if trouble else 0.1) + (0.2 if breaks else 0)
    reply_at = None if rng.random() < 0.05 else _next_answer(rng, clock, created_at)
    solved_at = reply_at + timedelta(hours=rng.uniform(0.2, 60)) if reply_at and rng.random() < 0.9 else None
    deleted_at = None
    if rng.random() < 0.04:
        deleted_at = (solved_at or created_at) + timedelta(days=rng.uniform(3, 20))
    chance = rng.random()
    return Ticket(
        ticket_id=0,
        desk="zendesk" if rng.random() < 0.6 else "gorgias",
        created_at=created_at,
        channel=next(name for up_to, name in _MEDIA if chance < up_to),
        tags=(rng.choice(_COMPLAINTS if complaint else _QUESTIONS),),
        is_complaint=complaint,
        order_id=order.order_id if rng.random() < 0.85 else None,
        email=order.email,
        first_reply_at=_known(reply_at, clock),
        solved_at=_known(solved_at, clock),
        deleted_at=_known(deleted_at, clock),
    )


def _next_answer(rng: Random, clock: Clock, created_at: datetime) -> datetime:
    """Some whole minutes later, while somebody works."""
    answer = created_at + timedelta(minutes=int(rng.lognormvariate(4.6, 0.8)))
    day = clock.day_of(answer)
    while day.weekday() >= 6 or not clock.moment(day, _OPENS) <= answer < clock.moment(day, _CLOSES):
        if answer < clock.moment(day, _OPENS) and day.weekday() < 6:
            answer = clock.moment(day, _OPENS) + timedelta(minutes=rng.randint(0, 90))
        else:
            day += timedelta(days=1)
            answer = clock.moment(day, _OPENS) + timedelta(minutes=rng.randint(0, 90))
    return created_at + timedelta(minutes=int((answer - created_at).total_seconds() // 60))


def _known(at: datetime | None, clock: Clock) -> datetime | None:
    return at if at is not None and at < clock.end else None


def _rating(rng: Random, clock: Clock, ticket: Ticket, number: int) -> Rating | None:
    if ticket.solved_at is None or rng.random() >= 0.35:
        return None
    at = (ticket.solved_at + timedelta(hours=rng.uniform(7, 48))).replace(microsecond=0)
    if at >= clock.end:
        return None
    score = rng.choices((1, 2, 3, 4, 5), (2, 2, 2, 3, 4) if ticket.is_complaint else (1, 1, 2, 7, 16))[0]
    return Rating(7_700_100 + number, ticket.desk, ticket.ticket_id, at, score)
