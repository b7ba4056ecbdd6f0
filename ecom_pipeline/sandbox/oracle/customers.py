"""Customers: who bought when, who was new, and what each one brought.

A customer is an e-mail; an order without one, or wholly cancelled as far as is known, makes none.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from datetime import date
from decimal import Decimal
from typing import NamedTuple

from ecom_pipeline.sandbox.oracle.figures import Fact
from ecom_pipeline.sandbox.oracle.known import KnownOrder


class Purchase(NamedTuple):
    """An order that counts for its customer."""

    day: date
    email: str
    segments: Mapping[str, str]


class Gap(NamedTuple):
    """Days between two consecutive orders of a customer."""

    later_day: date
    days: int


def compute_purchases(orders: Iterable[KnownOrder]) -> list[Purchase]:
    """The orders that count for customers, in the order in which they were placed."""
    counted = [known for known in orders if known.email is not None and not known.cancelled]
    counted.sort(key=lambda known: (known.order.created_at, known.order.order_id))
    return [Purchase(known.day, known.email or "", known.segments) for known in counted]


def compute_first_purchases(purchases: Iterable[Purchase]) -> dict[str, Purchase]:
    """Each customer's first order."""
    first: dict[str, Purchase] = {}
    for purchase in purchases:
        first.setdefault(purchase.email, purchase)
    return first


def compute_gaps(purchases: Iterable[Purchase]) -> list[Gap]:
    """The gaps between consecutive orders of each customer; two orders on one day are 0 days apart."""
    last: dict[str, date] = {}
    gaps = []
    for purchase in purchases:
        if purchase.email in last:
            gaps.append(Gap(purchase.day, (purchase.day - last[purchase.email]).days))
        last[purchase.email] = purchase.day
    return gaps


def compute_earnings(
    contribution: Iterable[Fact], orders: Iterable[KnownOrder], first: Mapping[str, Purchase]
) -> dict[str, dict[int, Decimal]]:
    """What each customer brought before marketing, by days since the first order.

    All valid orders count, wholly cancelled ones too: their money nets out by itself. Days before
    the first order that counts have no age and are left out.
    """
    emails = {known.order.order_id: known.email for known in orders}
    earnings: dict[str, defaultdict[int, Decimal]] = {email: defaultdict(Decimal) for email in first}
    for fact in contribution:
        email = emails.get(fact.order_id) if fact.order_id is not None else None
        if email is not None and email in first and fact.day >= first[email].day:
            earnings[email][(fact.day - first[email].day).days] += fact.amount
    return {email: dict(by_age) for email, by_age in earnings.items()}
