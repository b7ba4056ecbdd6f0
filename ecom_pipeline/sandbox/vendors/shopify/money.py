"""Money as the API tells it: a bag of the same amount in the shop's and in the buyer's currency.

A bag is a pair `(minor units in the buyer's currency, Exchange)`, a single amount a pair
`(minor units, currency)`: plain tuples, because a bulk result holds millions of them.
"""

from __future__ import annotations

from bisect import bisect_right
from datetime import date
from decimal import Decimal
from functools import lru_cache

Bag = tuple[int, "Exchange"]
Amount = tuple[int, str]

EXPONENTS = {"JPY": 0, "KRW": 0, "CLP": 0, "VND": 0, "ISK": 0, "KWD": 3, "BHD": 3, "TND": 3}


class Exchange:
    """The platform's own rate between a buyer's currency and the shop's, frozen on the order."""

    __slots__ = ("currency", "denominator", "numerator", "shop_currency")

    def __init__(self, currency: str, shop_currency: str, rate: Decimal) -> None:
        self.currency = currency
        self.shop_currency = shop_currency
        scaled = rate.scaleb(EXPONENTS.get(shop_currency, 2) - EXPONENTS.get(currency, 2))
        self.numerator, self.denominator = scaled.as_integer_ratio()

    def to_shop(self, amount: int) -> int:
        """The amount in the shop's minor units, each amount rounded half up by itself."""
        if self.currency == self.shop_currency:
            return amount
        twice = 2 * abs(amount) * self.numerator + self.denominator
        rounded = twice // (2 * self.denominator)
        return rounded if amount >= 0 else -rounded


@lru_cache(maxsize=4096)
def exchange(currency: str, shop_currency: str, rate: Decimal) -> Exchange:
    return Exchange(currency, shop_currency, rate)


@lru_cache(maxsize=200_000)
def amount_text(minor: int, currency: str) -> str:
    """A decimal string with at least one decimal and no trailing zeros, e.g. "-19.9" or "20.0"."""
    return scaled_text(minor, EXPONENTS.get(currency, 2))


def scaled_text(value: int, exponent: int) -> str:
    if exponent == 0:
        return f"{value}.0"
    whole, part = divmod(abs(value), 10**exponent)
    decimals = f"{part:0{exponent}d}".rstrip("0") or "0"
    return f"{'-' if value < 0 else ''}{whole}.{decimals}"


def euro_rate(rates: dict[date, dict[str, str]], currency: str, shop_currency: str, day: date) -> Decimal:
    """Shop currency per unit of `currency` at the newest published rates up to `day`; 1 where unknown."""
    if currency == shop_currency or not rates:
        return Decimal(1)
    days = _days(tuple(rates))
    published = rates[days[max(bisect_right(days, day) - 1, 0)]]
    per_euro = {"EUR": "1"} | published
    if currency not in per_euro or shop_currency not in per_euro:
        return Decimal(1)
    return (Decimal(per_euro[shop_currency]) / Decimal(per_euro[currency])).quantize(Decimal("0.00000001"))


@lru_cache(maxsize=8)
def _days(days: tuple[date, ...]) -> list[date]:
    return sorted(days)
