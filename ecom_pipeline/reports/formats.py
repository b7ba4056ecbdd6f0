"""How numbers and days are written in each language: the only place that turns a value into text.

Babel knows the conventions; this module knows its traps. A percent pattern must keep its sign unquoted to
multiply by 100; ISO weeks come from the calendar, not from a date pattern; a minus is U+2212, which does not
break from its number; values are rounded half away from zero first, as accountants do, because Babel rounds
half to even.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from decimal import ROUND_HALF_UP, Context, Decimal
from fractions import Fraction
from functools import cached_property
from zoneinfo import ZoneInfo

from babel import Locale
from babel.dates import format_date, format_datetime
from babel.numbers import format_currency, format_decimal, format_percent

from ecom_pipeline.insights.drivers import as_decimal
from ecom_pipeline.kpis.definition import Kpi, Unit

_LOCALES = {"fr": "fr_FR", "en": "en_GB"}
LANGUAGES = tuple(_LOCALES)
_WIDE = Context(prec=60)
_NARROW_SPACE, _NO_BREAK_SPACE, _MINUS = "\u202f", "\u00a0", "\u2212"
_CENTS_BELOW = Decimal(1000)
_UNITS = {
    "days": {"fr": "j", "en": "d"},
    "hours": {"fr": "h", "en": "h"},
    "months": {"fr": "mois", "en": "mo"},
    "points": {"fr": "pts", "en": "pts"},
    "stars": {"fr": "/ 5", "en": "/ 5"},
    "kilowatt_hours": {"fr": "kWh", "en": "kWh"},
    "kilograms_co2e": {"fr": "kgCO₂e", "en": "kgCO₂e"},
    "tonnes_co2e": {"fr": "tCO₂e", "en": "tCO₂e"},
}
_DIGITS = {
    "count": 0,
    "position": 1,
    "per_order": 2,
    "days": 0,
    "hours": 1,
    "months": 1,
    "points": 0,
    "stars": 2,
    "kilowatt_hours": 0,
    "kilograms_co2e": 2,
    "tonnes_co2e": 1,
}


@dataclass(frozen=True)
class Formats:
    """Writes values for readers of one language; money in one currency."""

    language: str
    currency: str

    @cached_property
    def locale(self) -> Locale:
        return Locale.parse(_LOCALES[self.language])

    def value(self, kpi: Kpi, amount: Decimal | Fraction, *, beside: Decimal | Fraction | None = None) -> str:
        """A KPI's value in its own unit."""
        return self.in_unit(kpi.unit, amount, beside=beside)

    def in_unit(
        self, unit: Unit, amount: Decimal | Fraction, *, beside: Decimal | Fraction | None = None
    ) -> str:
        """A value in a unit that KPIs have; in a column as exact as the largest, which stands beside it."""
        number = _decimal(amount)
        scale = number if beside is None else _decimal(beside)
        match unit:
            case "money":
                return self.money(number, digits=_money_digits(scale))
            case "percent":
                return self.percent(number, _percent_digits(scale))
            case "seconds":
                return self._seconds(number)
            case "multiple":
                return self.number(number, 2 if abs(scale) < 10 else 1) + _NARROW_SPACE + "×"
            case "count" | "position" | "per_order":
                return self.number(number, _DIGITS[unit])
            case _:
                sign = _UNITS[unit][self.language]
                return self.number(number, _DIGITS[unit]) + _NO_BREAK_SPACE + sign

    def limit(self, kpi: Kpi, amount: Decimal) -> str:
        """A limit or target: a value somebody chose, so without decimals it does not need."""
        if kpi.unit == "money" and amount == amount.to_integral_value():
            return self.money(amount, digits=0)
        if kpi.unit == "percent":
            digits = next((few for few in (0, 1) if _round(amount, few + 2) == amount), 2)
            return self.percent(amount, digits)
        if kpi.unit == "multiple" and amount == amount.to_integral_value():
            return self.number(amount, 0) + _NARROW_SPACE + "×"
        return self.value(kpi, amount)

    def money(self, amount: Decimal | Fraction, *, signed: bool = False, digits: int | None = None) -> str:
        """Money; cents only where they matter, below a thousand."""
        number = _decimal(amount)
        if digits is None:
            digits = _money_digits(number)
        pattern = self.locale.currency_formats["standard"].pattern
        pattern = pattern.replace("0.00", "0." + "0" * digits if digits else "0")
        rounded = _round(number, digits)
        text = format_currency(rounded, self.currency, pattern, self.locale, currency_digits=False)
        return _sign(text, rounded, signed)

    def percent(self, share: Decimal | Fraction, digits: int = 1, *, signed: bool = False) -> str:
        """A share as percent: 0.0234 is 2.3 %."""
        rounded = _round(_decimal(share), digits + 2)
        decimals = "." + "0" * digits if digits else ""
        space = "" if self.language == "en" else _NARROW_SPACE
        text = format_percent(rounded, f"#,##0{decimals}{space}%", self.locale, decimal_quantization=False)
        return _sign(text, rounded, signed)

    def points(self, share: Decimal | Fraction, *, beside: Decimal | Fraction | None = None) -> str:
        """A difference of two percentages, signed, in points."""
        number = _decimal(share) * 100
        scale = number if beside is None else _decimal(beside) * 100
        text = self.number(number, 2 if abs(scale) < 1 else 1, signed=True)
        return text + _NO_BREAK_SPACE + ("pt" if self.language == "fr" else "pp")

    def number(self, amount: Decimal | Fraction, digits: int, *, signed: bool = False) -> str:
        """A plain number with its thousands grouped."""
        rounded = _round(_decimal(amount), digits)
        pattern = "#,##0" + ("." + "0" * digits if digits else "")
        text = format_decimal(rounded, pattern, self.locale, decimal_quantization=False)
        return _sign(text, rounded, signed)

    def difference(
        self, kpi: Kpi, amount: Decimal | Fraction, *, beside: Decimal | Fraction | None = None
    ) -> str:
        """A part of a change in the KPI's own unit, signed; points for percentages."""
        number = _decimal(amount)
        if kpi.unit == "percent":
            return self.points(number, beside=beside)
        if kpi.unit == "money":
            digits = _money_digits(number if beside is None else _decimal(beside))
            return self.money(number, signed=True, digits=digits)
        text = self.value(kpi, number, beside=beside)
        return "+" + text if number > 0 and not _is_zero_text(text) else text

    def change(self, kpi: Kpi, now: Decimal, before: Decimal) -> str:
        """A change as readers expect it: points for percentages, relative otherwise.

        In the KPI's unit where a relative change means nothing, from zero, from below it or across it.
        """
        if kpi.unit == "percent":
            return self.points(now - before)
        if before <= 0 or now < 0:
            return self.difference(kpi, now - before, beside=max(abs(now), abs(before)))
        relative = (now - before) / before
        if abs(relative) >= 10:
            return self.number(now / before, 0) + _NARROW_SPACE + "×"
        return self.percent(relative, signed=True)

    def span(self, first_day: date, last_day: date) -> str:
        """A span of days: 16-22 November 2026, with what both days share said once."""
        last = format_date(last_day, "d MMMM y", locale=self.locale)
        if first_day.month == last_day.month:
            return f"{first_day.day}–{last}"
        pattern = "d MMMM" if first_day.year == last_day.year else "d MMMM y"
        return f"{format_date(first_day, pattern, locale=self.locale)} – {last}"

    def month(self, day: date) -> str:
        """The month of a day, with its year."""
        return format_date(day, "LLLL y", locale=self.locale)

    def day(self, day: date) -> str:
        """A day with its month in short, without the year."""
        return format_date(day, "d MMM", locale=self.locale)

    def dated(self, day: date) -> str:
        """A day with its month in short and its year."""
        return format_date(day, "d MMM y", locale=self.locale)

    def short_month(self, day: date) -> str:
        """A day's month in short, with its year."""
        return format_date(day, "MMM y", locale=self.locale)

    def weekday(self, day: date) -> str:
        return format_date(day, "EEE d", locale=self.locale)

    def instant(self, instant: datetime) -> str:
        """A UTC instant, to the minute."""
        between = " 'à'" if self.language == "fr" else ","
        pattern = f"d MMMM y{between} HH:mm 'UTC'"
        return format_datetime(instant, pattern, tzinfo=ZoneInfo("UTC"), locale=self.locale)

    def country(self, code: str) -> str | None:
        """A country's name from its two-letter code; None when it is not one."""
        name = self.locale.territories.get(code) if len(code) == 2 and code.isupper() else None
        return str(name) if name is not None else None

    def _seconds(self, number: Decimal) -> str:
        rounded = int(_round(number, 0))
        if abs(rounded) < 60:
            return self.number(Decimal(rounded), 0) + _NO_BREAK_SPACE + "s"
        minutes, seconds = divmod(abs(rounded), 60)
        sign = _MINUS if rounded < 0 else ""
        return f"{sign}{self.number(Decimal(minutes), 0)}{_NO_BREAK_SPACE}min{_NO_BREAK_SPACE}{seconds:02d}"


def _decimal(amount: Decimal | Fraction) -> Decimal:
    return as_decimal(amount) if isinstance(amount, Fraction) else amount


def _round(number: Decimal, digits: int) -> Decimal:
    rounded = number.quantize(Decimal(1).scaleb(-digits), ROUND_HALF_UP, context=_WIDE)
    return abs(rounded) if rounded == 0 else rounded


def _sign(text: str, rounded: Decimal, signed: bool) -> str:
    text = text.replace("-", _MINUS)
    return "+" + text if signed and rounded > 0 else text


def _money_digits(amount: Decimal) -> int:
    return 2 if abs(amount) < _CENTS_BELOW else 0


def _percent_digits(share: Decimal) -> int:
    # A conversion rate lives between 2 and 3 %: one decimal would hide a good week from a bad one.
    return 2 if abs(share) < Decimal("0.1") else 1


def _is_zero_text(text: str) -> bool:
    return not any(character in "123456789" for character in text)
