"""Customer satisfaction and service: complaints, good answers, and how fast the first one came."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from datetime import date, timedelta
from decimal import Decimal

from ecom_pipeline.sandbox.events import Rating, Ticket
from ecom_pipeline.sandbox.oracle.books import Books
from ecom_pipeline.sandbox.oracle.figures import (
    ONE,
    TOTAL,
    UNASSIGNED,
    UNKNOWN,
    ZERO,
    Cut,
    Fact,
    Figures,
    Kpi,
    ratio,
)

WINDOW = timedelta(days=27)


def _tickets(books: Books) -> Iterator[tuple[date, Ticket]]:
    """The requests there are by now, on the day they were made."""
    for ticket in books.shop.tickets:
        if books.knowledge.happened(ticket.created_at) and not books.knowledge.happened(ticket.deleted_at):
            yield books.knowledge.local_day(ticket.created_at), ticket


def _complaint_rate(books: Books) -> Figures:
    channels = {known.order.order_id: known.segments["channel"] for known in books.valid_orders}
    facts = []
    for day, ticket in _tickets(books):
        if ticket.is_complaint:
            # The second desk names no order.
            named = ticket.order_id if ticket.desk == "zendesk" else None
            facts.append((day, UNASSIGNED if named is None else channels.get(named, UNASSIGNED), ONE, ZERO))
    facts += [(fact.day, fact.segments["channel"], ZERO, fact.amount) for fact in books.shipped_orders]
    figures: Figures = {}
    for day in books.days:
        sums: defaultdict[Cut, list[Decimal]] = defaultdict(lambda: [ZERO, ZERO])
        for at, channel, complaints, shipped in facts:
            if day - WINDOW <= at <= day:
                for cut in (TOTAL, ("channel", channel)):
                    sums[cut][0] += complaints
                    sums[cut][1] += shipped
        for cut, (complaints, shipped) in sums.items():
            figures[day, *cut] = (complaints, shipped)
    return figures


def _answers(books: Books) -> Iterator[tuple[Rating, Fact]]:
    media = {(ticket.desk, ticket.ticket_id): ticket.channel for _, ticket in _tickets(books)}
    for rating in books.shop.ratings:
        if books.knowledge.happened(rating.at):
            medium = media.get((rating.desk, rating.ticket_id), UNKNOWN)
            yield rating, Fact(books.knowledge.local_day(rating.at), {"medium": medium}, ONE)


def _first_response(books: Books) -> Figures:
    """Twice the median in minutes over 120, so that it stays a whole number."""
    told = [
        (day, ticket.channel, int((ticket.first_reply_at - ticket.created_at).total_seconds() // 60))
        for day, ticket in _tickets(books)
        if ticket.desk == "zendesk"
        and ticket.first_reply_at
        and books.knowledge.happened(ticket.first_reply_at)
    ]
    figures: Figures = {}
    for day in books.days:
        waits: defaultdict[Cut, list[int]] = defaultdict(list)
        for at, medium, minutes in told:
            if day - WINDOW <= at <= day:
                waits[TOTAL].append(minutes)
                waits["medium", medium].append(minutes)
        for cut, minutes_of in waits.items():
            ordered, half = sorted(minutes_of), len(minutes_of) // 2
            twice = 2 * ordered[half] if len(ordered) % 2 else ordered[half - 1] + ordered[half]
            figures[day, *cut] = (Decimal(twice), Decimal(120))
    return figures


KPIS: dict[str, Kpi] = {
    "complaint_rate": Kpi("window", _complaint_rate),
    "customer_satisfaction": ratio(
        ("medium",),
        lambda books: [fact for rating, fact in _answers(books) if rating.score >= 4],
        lambda books: [fact for _, fact in _answers(books)],
    ),
    "first_response_time": Kpi("window", _first_response),
}
