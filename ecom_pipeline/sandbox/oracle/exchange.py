"""Exact money: the European Central Bank's rates and the two ways of rounding the definitions name."""

from __future__ import annotations

from bisect import bisect_right
from datetime import date
from decimal import ROUND_HALF_UP, Decimal
from fractions import Fraction

FOUR_PLACES = Decimal("0.0001")


def cents(amount: int) -> Decimal:
    """Cents as exact currency units."""
    return Decimal(amount).scaleb(-2)


def round_half_away(value: Fraction) -> int:
    """The nearest integer, a tie going away from zero."""
    floor = (abs(value) + Fraction(1, 2)).__floor__()
    return floor if value >= 0 else -floor


def round_to_four(value: Fraction) -> Decimal:
    """The value in currency units with four decimals, a tie going away from zero."""
    return Decimal(round_half_away(value * 10_000)).scaleb(-4)


def round_half_up_to_cents(value: Decimal) -> Decimal:
    return value.quantize(Decimal("0.01"), ROUND_HALF_UP)


class Exchange:
    """Turns cents of any currency into units of the reporting currency at a day's rate."""

    def __init__(self, rates: dict[date, dict[str, str]], reporting: str) -> None:
        self._rates = rates
        self._days = sorted(rates)
        self.reporting = reporting

    def convert(self, amount: int, currency: str, day: date) -> Decimal:
        """Currency units rounded half away from zero to cents; LookupError when no rate was published yet."""
        if currency == self.reporting:
            return cents(amount)
        per_euro, reporting_per_euro = self._per_euro(currency, day), self._per_euro(self.reporting, day)
        return cents(round_half_away(amount * reporting_per_euro / per_euro))

    def convert_exact(self, amount: Decimal, currency: str, day: date) -> Decimal:
        """The same for an amount in currency units with any decimals."""
        per_euro, reporting_per_euro = self._per_euro(currency, day), self._per_euro(self.reporting, day)
        return cents(round_half_away(Fraction(amount) * 100 * reporting_per_euro / per_euro))

    def _per_euro(self, currency: str, day: date) -> Fraction:
        if currency == "EUR":
            return Fraction(1)
        for published in reversed(self._days[: bisect_right(self._days, day)]):
            if currency in self._rates[published]:
                return Fraction(self._rates[published][currency])
        raise LookupError(f"no rate of {currency} published on or before {day}")
