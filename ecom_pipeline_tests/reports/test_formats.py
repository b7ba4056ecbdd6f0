"""Numbers and days are written as readers of each language write them."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal
from fractions import Fraction

import pytest

from ecom_pipeline.kpis.definition import Kpi
from ecom_pipeline.reports.formats import Formats

FR, EN = Formats("fr", "EUR"), Formats("en", "EUR")


@pytest.mark.parametrize(
    ("amount", "french", "english"),
    [
        ("1234567.50", "1\u202f234\u202f568\u00a0€", "€1,234,568"),
        ("-1234.5", "\u22121\u202f235\u00a0€", "\u2212€1,235"),
        ("999.995", "1\u202f000,00\u00a0€", "€1,000.00"),
        ("0.005", "0,01\u00a0€", "€0.01"),
        ("-0.004", "0,00\u00a0€", "€0.00"),
        ("146990838.12", "146\u202f990\u202f838\u00a0€", "€146,990,838"),
    ],
)
def test_money(amount: str, french: str, english: str) -> None:
    assert FR.money(Decimal(amount)) == french
    assert EN.money(Decimal(amount)) == english


def test_money_in_another_currency() -> None:
    assert Formats("en", "USD").money(Decimal("12.5")) == "US$12.50"


@pytest.mark.parametrize(
    ("share", "french", "english"),
    [
        ("0.02345", "2,3\u202f%", "2.3%"),
        ("1.2", "120,0\u202f%", "120.0%"),
        ("-0.0005", "\u22120,1\u202f%", "\u22120.1%"),  # half away from zero, not half to even
        ("-0.0004", "0,0\u202f%", "0.0%"),
    ],
)
def test_percent(share: str, french: str, english: str) -> None:
    assert FR.percent(Decimal(share)) == french
    assert EN.percent(Decimal(share)) == english


def test_a_small_rate_keeps_two_decimals(catalogue: dict[str, Kpi]) -> None:
    assert FR.value(catalogue["conversion_rate"], Decimal("0.02478")) == "2,48\u202f%"
    assert FR.value(catalogue["cart_abandonment_rate"], Decimal("0.7012")) == "70,1\u202f%"


@pytest.mark.parametrize(
    ("kpi", "amount", "french", "english"),
    [
        ("orders", "1868138", "1\u202f868\u202f138", "1,868,138"),
        ("ltv_to_cac", "3.456", "3,46\u202f×", "3.46\u202f×"),
        ("average_session_duration", "129.4", "2\u00a0min\u00a009", "2\u00a0min\u00a009"),
        ("average_session_duration", "42", "42\u00a0s", "42\u00a0s"),
        ("cac_payback_days", "41", "41\u00a0j", "41\u00a0d"),
        ("runway_months", "7.96", "8,0\u00a0mois", "8.0\u00a0mo"),
        ("units_per_order", "1.875", "1,88", "1.88"),
        ("average_position", "9.45", "9,5", "9.5"),
    ],
)
def test_units(catalogue: dict[str, Kpi], kpi: str, amount: str, french: str, english: str) -> None:
    assert FR.value(catalogue[kpi], Decimal(amount)) == french
    assert EN.value(catalogue[kpi], Decimal(amount)) == english


def test_a_change_is_in_points_for_percentages_and_relative_otherwise(catalogue: dict[str, Kpi]) -> None:
    conversion, sales = catalogue["conversion_rate"], catalogue["net_sales"]
    assert FR.change(conversion, Decimal("0.0177"), Decimal("0.0247")) == "\u22120,70\u00a0pt"
    assert EN.change(conversion, Decimal("0.0247"), Decimal("0.0177")) == "+0.70\u00a0pp"
    assert FR.change(sales, Decimal(97), Decimal(100)) == "\u22123,0\u202f%"
    assert EN.change(sales, Decimal(100), Decimal(100)) == "0.0%"


def test_a_change_from_below_zero_is_an_amount(catalogue: dict[str, Kpi]) -> None:
    cash = catalogue["net_cash_flow"]
    assert FR.change(cash, Decimal(50), Decimal(-100)) == "+150,00\u00a0€"
    assert FR.change(cash, Decimal(-50), Decimal(100)) == "\u2212150,00\u00a0€"
    assert FR.change(cash, Decimal(50), Decimal(0)) == "+50,00\u00a0€"


def test_a_limit_shows_no_decimals_it_does_not_need(catalogue: dict[str, Kpi]) -> None:
    assert FR.limit(catalogue["ltv_to_cac"], Decimal(3)) == "3\u202f×"
    assert FR.limit(catalogue["repeat_purchase_rate"], Decimal("0.3")) == "30\u202f%"
    assert FR.limit(catalogue["conversion_rate"], Decimal("0.026")) == "2,6\u202f%"
    assert FR.limit(catalogue["contribution_margin"], Decimal(0)) == "0\u00a0€"
    assert FR.limit(catalogue["average_order_value"], Decimal("79.9")) == "79,90\u00a0€"


def test_exact_fractions_are_written_too() -> None:
    assert FR.number(Fraction(2, 3), 2) == "0,67"


def test_weeks_say_what_their_days_share_once() -> None:
    assert FR.span(date(2026, 11, 16), date(2026, 11, 22)) == "16–22 novembre 2026"
    assert EN.span(date(2026, 11, 30), date(2026, 12, 6)) == "30 November – 6 December 2026"
    assert FR.span(date(2026, 12, 28), date(2027, 1, 3)) == "28 décembre 2026 – 3 janvier 2027"


def test_instants_and_countries() -> None:
    assert EN.instant(datetime(2026, 11, 23, 5, 30, tzinfo=UTC)) == "23 November 2026, 05:30 UTC"
    assert FR.country("DE") == "Allemagne"
    assert FR.country("unknown") is None
    assert FR.country("Paris") is None
