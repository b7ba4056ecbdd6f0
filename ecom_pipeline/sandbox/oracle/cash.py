"""Cash: what the bank holds, what moved, what is on its way, and how long it lasts."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from datetime import date
from decimal import Decimal

from ecom_pipeline.sandbox.oracle.books import Books
from ecom_pipeline.sandbox.oracle.figures import (
    TOTAL,
    ZERO,
    Cut,
    Kpi,
    Value,
    as_of_each_day,
    cuts,
    days_ending,
    flow,
)

RUNWAY_DAYS = 90
RUNWAY_MONTHS = 3


def _balance(books: Books, day: date) -> dict[Cut, Decimal]:
    """The closing balance of each account and of all."""
    balances: defaultdict[Cut, Decimal] = defaultdict(Decimal)
    for account, opening in books.treasury.opening.items():
        for cut in cuts({"account": account}, ("account",)):
            balances[cut] += opening
    for booking in books.treasury.bookings:
        if booking.day <= day:
            for cut in cuts({"account": booking.account}, ("account",)):
                balances[cut] += booking.amount
    return dict(balances)


def _cash_balance(books: Books, day: date) -> Mapping[Cut, Value]:
    return {cut: (balance, None) for cut, balance in _balance(books, day).items()}


def _cash_in_transit(books: Books, day: date) -> Mapping[Cut, Value]:
    """What the processor holds, and payouts that have left it without having reached the bank."""
    treasury = books.treasury
    if not treasury.movements and not treasury.transits:
        return {}
    held = sum((net for moved_day, net in treasury.movements if moved_day <= day), ZERO)
    travelling = sum(
        (
            transit.amount
            for transit in treasury.transits
            if transit.left_day <= day and (transit.booked_day is None or transit.booked_day > day)
        ),
        ZERO,
    )
    return {TOTAL: (held + travelling, None)}


def _runway_months(books: Books, day: date) -> Mapping[Cut, Value]:
    """Cash over the mean monthly outflow of 90 days; none while money comes in or history is short."""
    window = days_ending(day, RUNWAY_DAYS)
    if window[0] < books.first_day:
        return {}
    outflow = -sum((fact.amount for fact in books.treasury.flows if window[0] <= fact.day <= day), ZERO)
    if outflow <= 0:
        return {}
    return {TOTAL: (RUNWAY_MONTHS * _balance(books, day)[TOTAL], outflow)}


KPIS: dict[str, Kpi] = {
    "cash_balance": as_of_each_day("snapshot", _cash_balance),
    "net_cash_flow": flow(("category",), lambda books: books.treasury.flows),
    "cash_in_transit": as_of_each_day("snapshot", _cash_in_transit),
    "runway_months": as_of_each_day("window", _runway_months),
    "payout_gap": flow((), lambda books: books.treasury.gaps),
}
