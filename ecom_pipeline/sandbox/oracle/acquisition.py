"""Acquisition: what a new customer costs, brings, and how soon the one pays for the other."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from datetime import date, timedelta
from decimal import Decimal

from ecom_pipeline.sandbox.oracle.books import Books
from ecom_pipeline.sandbox.oracle.channels import PAID_CHANNELS
from ecom_pipeline.sandbox.oracle.customers import Purchase
from ecom_pipeline.sandbox.oracle.figures import (
    ONE,
    ZERO,
    Cut,
    Fact,
    Kpi,
    Value,
    as_of_each_day,
    cuts,
    days_ending,
    flow,
    ratio,
)

YEAR = 365
PAYBACK_LIMIT = 90
BY_ORDER = ("channel", "device", "country")
BY_CHANNEL = ("channel",)


def _new_paid_customers(books: Books) -> list[Fact]:
    return [fact for fact in books.new_customers if fact.segments["channel"] in PAID_CHANNELS]


def _cohorts(books: Books, first_day: date, last_day: date, by: tuple[str, ...]) -> dict[Cut, list[Purchase]]:
    """First orders of the days asked, by segment and in total."""
    cohorts: defaultdict[Cut, list[Purchase]] = defaultdict(list)
    for first in books.first_purchases.values():
        if first_day <= first.day <= last_day:
            for cut in cuts(first.segments, by):
                cohorts[cut].append(first)
    return dict(cohorts)


def _marketing_of(books: Books, days: Iterable[date], cut: Cut) -> Decimal:
    return sum((books.marketing_by_day.get((day, *cut), ZERO) for day in days), ZERO)


def _sum(amounts: Mapping[str, Mapping[int, Decimal]], customers: Iterable[Purchase], ages: int) -> Decimal:
    """What customers brought in the days of age 0 to `ages` - 1."""
    return sum(
        (amount for customer in customers for age, amount in amounts[customer.email].items() if age < ages),
        ZERO,
    )


def _lifetime_value(books: Books, day: date, by: tuple[str, ...]) -> dict[Cut, tuple[Decimal, Decimal]]:
    """Contribution of the first 365 days of customers who are 365 to 730 days old, over their number."""
    cohorts = _cohorts(books, day - timedelta(days=2 * YEAR), day - timedelta(days=YEAR), by)
    return {
        cut: (_sum(books.earnings, customers, YEAR), Decimal(len(customers)))
        for cut, customers in cohorts.items()
    }


def _lifetime_value_figures(books: Books, day: date) -> Mapping[Cut, Value]:
    return _lifetime_value(books, day, ("channel", "country"))


def _lifetime_value_known(books: Books, day: date) -> Mapping[Cut, Value]:
    """Of what those customers bought in their first 365 days, before discounts: with a known cost, and in all."""
    cohorts = _cohorts(
        books, day - timedelta(days=2 * YEAR), day - timedelta(days=YEAR), ("channel", "country")
    )
    return {
        cut: (_sum(books.bought_at_known_cost, customers, YEAR), _sum(books.bought, customers, YEAR))
        for cut, customers in cohorts.items()
    }


def _ltv_to_cac(books: Books, day: date) -> Mapping[Cut, Value]:
    """(earned / customers) / (marketing / new customers), kept as one exact fraction."""
    year = days_ending(day, YEAR)
    new = _cohorts(books, year[0], day, BY_CHANNEL)
    rows: dict[Cut, Value] = {}
    for cut, (earned, customers) in _lifetime_value(books, day, BY_CHANNEL).items():
        marketing = _marketing_of(books, year, cut)
        if marketing > 0:
            rows[cut] = (earned * len(new.get(cut, ())), customers * marketing)
    return rows


def _cac_payback_days(books: Books, day: date) -> Mapping[Cut, Value]:
    """The age at which a year's new customers, at least 90 days old, have paid for their marketing."""
    span = days_ending(day - timedelta(days=PAYBACK_LIMIT), YEAR)
    rows: dict[Cut, Value] = {}
    for cut, customers in _cohorts(books, span[0], span[-1], BY_CHANNEL).items():
        age = _age_at_payback(books, customers, _marketing_of(books, span, cut))
        if age is not None:
            rows[cut] = (Decimal(age), ONE)
    return rows


def _cac_payback_known(books: Books, day: date) -> Mapping[Cut, Value]:
    """Of what those who have paid for their marketing bought up to the limit: with a known cost, and in all."""
    span = days_ending(day - timedelta(days=PAYBACK_LIMIT), YEAR)
    cohorts = _cohorts(books, span[0], span[-1], BY_CHANNEL)
    ages = PAYBACK_LIMIT + 1
    return {
        cut: (_sum(books.bought_at_known_cost, cohorts[cut], ages), _sum(books.bought, cohorts[cut], ages))
        for cut in _cac_payback_days(books, day)
    }


def _age_at_payback(books: Books, customers: Iterable[Purchase], marketing: Decimal) -> int | None:
    """The first age at which what they brought covers what they cost; None when never or when free."""
    if marketing <= 0:
        return None
    by_age: defaultdict[int, Decimal] = defaultdict(Decimal)
    for customer in customers:
        for age, amount in books.earnings[customer.email].items():
            by_age[age] += amount
    earned = ZERO
    for age in range(PAYBACK_LIMIT + 1):
        earned += by_age[age]
        if earned >= marketing:
            return age
    return None


KPIS: dict[str, Kpi] = {
    "new_customers": flow(BY_ORDER, lambda books: books.new_customers),
    "customer_acquisition_cost": ratio(
        BY_CHANNEL, lambda books: books.marketing_cost, lambda books: books.new_customers
    ),
    "paid_acquisition_cost": ratio(BY_CHANNEL, lambda books: books.ad_spend, _new_paid_customers),
    "lifetime_value": as_of_each_day("window", _lifetime_value_figures),
    "ltv_to_cac": as_of_each_day("window", _ltv_to_cac),
    "cac_payback_days": as_of_each_day("window", _cac_payback_days),
}

COVERAGE: dict[str, Kpi] = {
    "lifetime_value": as_of_each_day("window", _lifetime_value_known),
    "cac_payback_days": as_of_each_day("window", _cac_payback_known),
}
