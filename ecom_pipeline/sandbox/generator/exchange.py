"""The European Central Bank's reference rates: a random walk on business days, four decimals."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import ROUND_HALF_UP, Decimal
from random import Random

from ecom_pipeline.sandbox.generator.clock import ONE_DAY, is_business_day

_START = {"USD": 1.15, "GBP": 0.86, "CHF": 0.94, "PLN": 4.26, "JPY": 162.0}
_DAYS_BEFORE = 15
# What the processor keeps of a conversion, and how far the shop platform's own rate strays.
_PROCESSOR_SHARE = Decimal("0.98")
_PLATFORM_SHARE = Decimal("0.995")


def walk_rates(rng: Random, first_day: date, last_day: date) -> dict[date, dict[str, str]]:
    """1 EUR = x for each business day, from 15 days before the history on."""
    level = dict(_START)
    rates: dict[date, dict[str, str]] = {}
    day = first_day - timedelta(days=_DAYS_BEFORE)
    while day <= last_day:
        if is_business_day(day):
            for currency, start in _START.items():
                pull = 0.004 * (start - level[currency]) / start
                level[currency] *= 1 + pull + rng.gauss(0, 0.0042)
            rates[day] = {currency: f"{value:.4f}" for currency, value in level.items()}
        day += ONE_DAY
    return rates


class Exchange:
    """Converts with the last published rate on or before a day."""

    def __init__(self, rates: dict[date, dict[str, str]], last_day: date) -> None:
        self._by_day: dict[date, dict[str, Decimal]] = {}
        day, current = min(rates), {}
        while day <= last_day:
            if day in rates:
                current = {currency: Decimal(value) for currency, value in rates[day].items()}
            self._by_day[day] = current
            day += ONE_DAY

    def rate(self, currency: str, day: date) -> Decimal:
        """Units of a currency for one euro."""
        return Decimal(1) if currency == "EUR" else self._by_day[day][currency]

    def platform_rate(self, currency: str, day: date) -> Decimal:
        """Euros for one unit, as the shop platform has it; six decimals."""
        if currency == "EUR":
            return Decimal(1)
        return (_PLATFORM_SHARE / self._by_day[day][currency]).quantize(Decimal("0.000001"))

    def settle(self, amount: int, currency: str, day: date) -> int:
        """Euro cents the processor books for an amount in minor units."""
        if currency == "EUR":
            return amount
        exact = amount * _PROCESSOR_SHARE / self._by_day[day][currency]
        return int(exact.quantize(Decimal(1), ROUND_HALF_UP))
