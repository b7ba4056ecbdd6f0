"""Loyalty: who comes back, how often, how soon, and who no longer does."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping
from datetime import date, timedelta
from decimal import Decimal

from ecom_pipeline.sandbox.oracle.books import Books
from ecom_pipeline.sandbox.oracle.figures import (
    ONE,
    TOTAL,
    Cut,
    Kpi,
    Value,
    as_of_each_day,
    cuts,
    days_ending,
)

YEAR = 365
MONTH = 28
BY = ("channel", "country")


def _orders_of_buyers(books: Books, days: list[date]) -> dict[Cut, Counter[str]]:
    """How many orders each buyer placed on the days asked, counting a segment's orders only in it."""
    counts: defaultdict[Cut, Counter[str]] = defaultdict(Counter)
    for day in days:
        for purchase in books.purchases_by_day.get(day, ()):
            for cut in cuts(purchase.segments, BY):
                counts[cut][purchase.email] += 1
    return dict(counts)


def _repeat_purchase_rate(books: Books, day: date) -> Mapping[Cut, Value]:
    return {
        cut: (Decimal(sum(count > 1 for count in buyers.values())), Decimal(len(buyers)))
        for cut, buyers in _orders_of_buyers(books, days_ending(day, YEAR)).items()
    }


def _purchase_frequency(books: Books, day: date) -> Mapping[Cut, Value]:
    return {
        cut: (Decimal(buyers.total()), Decimal(len(buyers)))
        for cut, buyers in _orders_of_buyers(books, days_ending(day, YEAR)).items()
    }


def _returning_customer_rate(books: Books, day: date) -> Mapping[Cut, Value]:
    window = days_ending(day, MONTH)
    return {
        cut: (
            Decimal(sum(books.first_purchases[email].day < window[0] for email in buyers)),
            Decimal(len(buyers)),
        )
        for cut, buyers in _orders_of_buyers(books, window).items()
    }


def _churn_window(books: Books, day: date) -> int | None:
    """Days after which a customer is missed: as configured, or such that 80 % of known gaps are no longer."""
    if books.churn_window_days is not None:
        return books.churn_window_days
    gaps = sorted(gap.days for gap in books.gaps if gap.later_day < day.replace(day=1))
    for position, gap in enumerate(gaps, start=1):
        if 100 * position >= 80 * len(gaps):
            return max(gap, 1)
    return None


def _churn_rate(books: Books, day: date) -> Mapping[Cut, Value]:
    window = _churn_window(books, day)
    if window is None:
        return {}
    before = _orders_of_buyers(books, days_ending(day - timedelta(days=window), window))
    since = _orders_of_buyers(books, days_ending(day, window))
    return {
        cut: (Decimal(len(buyers.keys() - since.get(cut, Counter()).keys())), Decimal(len(buyers)))
        for cut, buyers in before.items()
    }


def _days_between_orders(books: Books, day: date) -> Mapping[Cut, Value]:
    """The median gap; of an even number of gaps, the mean of the two in the middle."""
    oldest = day - timedelta(days=YEAR - 1)
    gaps = sorted(gap.days for gap in books.gaps if oldest <= gap.later_day <= day)
    if not gaps:
        return {}
    middle_two = gaps[(len(gaps) - 1) // 2] + gaps[len(gaps) // 2]
    return {TOTAL: (Decimal(middle_two) / 2, ONE)}


KPIS: dict[str, Kpi] = {
    "repeat_purchase_rate": as_of_each_day("window", _repeat_purchase_rate),
    "returning_customer_rate": as_of_each_day("window", _returning_customer_rate),
    "churn_rate": as_of_each_day("window", _churn_rate),
    "purchase_frequency": as_of_each_day("window", _purchase_frequency),
    "days_between_orders": as_of_each_day("window", _days_between_orders),
}
