"""Loyalty: a handful of customers who come back, or do not, followed by hand."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal

from .oracle_shop import E_MAIL, SEARCH_AD, TOTAL, SmallShop, buys, by_day, nonzero, on_day, over_period

FIRST = date(2026, 1, 1)


def test_repeat_purchases_and_frequency_over_365_days() -> None:
    small = SmallShop(date(2025, 1, 1))
    buys(small, "alice@example.com", "2025-01-01", "2025-03-01", visit=SEARCH_AD)
    buys(small, "alice@example.com", "2025-04-01", country="BE", visit=E_MAIL)
    buys(small, "bob@example.com", "2025-02-01", visit=E_MAIL)
    oracle = small.oracle("2026-04-10 06:00")
    assert by_day(oracle, "repeat_purchase_rate")["2025-02-28"] == (0, 2)
    assert on_day(oracle, "repeat_purchase_rate", "2025-12-31") == {
        TOTAL: (1, 2),
        ("channel", "Paid Search"): (1, 1),
        ("channel", "Email"): (0, 2),
        ("country", "FR"): (1, 2),
        ("country", "BE"): (0, 1),
    }
    assert on_day(oracle, "purchase_frequency", "2025-12-31") == {
        TOTAL: (4, 2),
        ("channel", "Paid Search"): (2, 1),
        ("channel", "Email"): (2, 2),
        ("country", "FR"): (3, 2),
        ("country", "BE"): (1, 1),
    }
    assert by_day(oracle, "purchase_frequency")["2026-01-01"] == (3, 2)  # 1 January 2025 has left
    assert max(by_day(oracle, "repeat_purchase_rate")) == "2026-03-31"
    assert over_period(oracle, "purchase_frequency", "2025-01-01", "2025-12-31")[TOTAL] == (4, 2)


def test_a_returning_buyer_came_first_before_the_28_days() -> None:
    small = SmallShop(FIRST)
    buys(small, "alice@example.com", "2026-01-01", visit=SEARCH_AD)
    buys(small, "alice@example.com", "2026-01-28", visit=E_MAIL)
    oracle = small.oracle("2026-02-26 06:00")
    rows = by_day(oracle, "returning_customer_rate")
    assert rows["2026-01-28"] == (0, 1)
    assert rows["2026-01-29"] == (1, 1)
    assert max(rows) == "2026-02-24"
    assert on_day(oracle, "returning_customer_rate", "2026-01-29") == {
        TOTAL: (1, 1),
        ("channel", "Email"): (1, 1),
        ("country", "FR"): (1, 1),
    }


def test_churn_with_a_configured_window() -> None:
    small = SmallShop(FIRST)
    buys(small, "alice@example.com", "2026-01-01")
    buys(small, "bob@example.com", "2026-01-05")
    buys(small, "alice@example.com", "2026-01-15", country="BE")
    oracle = small.oracle("2026-02-10 06:00", churn_window_days=10)
    rows = by_day(oracle, "churn_rate")
    assert rows["2026-01-15"] == (1, 2)  # active from 27 December to 5 January; since: Alice
    assert rows["2026-01-14"] == (1, 1)  # active up to 4 January: Alice; her return is not yet there
    assert rows["2026-01-20"] == (1, 2)
    assert rows["2026-01-21"] == (1, 1)  # 1 January has left
    assert rows["2026-01-25"] == (1, 1)  # Alice again, active on the 15th
    assert max(rows) == "2026-02-03"
    assert on_day(oracle, "churn_rate", "2026-01-20") == {
        TOTAL: (1, 2),
        ("channel", "Direct"): (1, 2),
        ("country", "FR"): (2, 2),
    }


def test_the_churn_window_covers_four_gaps_in_five_known_before_the_month() -> None:
    small = SmallShop(date(2025, 12, 1))
    for number, gap in enumerate((1, 2, 3, 4)):
        start = date(2026, 1, 10)
        buys(small, f"{number}@example.com", start.isoformat(), (start + timedelta(days=gap)).isoformat())
    buys(small, "slow@example.com", "2025-12-01", "2026-01-20")
    buys(small, "once@example.com", "2026-01-29")
    buys(small, "once@example.com", "2026-02-20")  # a gap of the current month changes nothing yet
    rows = by_day(small.oracle("2026-03-01 06:00"), "churn_rate")
    # four days: active between d - 7 and d - 4, absent since
    assert rows == {
        **{f"2026-02-0{day}": (1, 1) for day in range(2, 6)},
        **{f"2026-02-{day}": (1, 1) for day in range(24, 28)},
    }


def test_a_gap_that_ends_on_the_first_of_a_month_counts_from_the_next_month_on() -> None:
    small = SmallShop(FIRST)
    buys(small, "a@example.com", "2026-01-30", "2026-02-01")
    rows = by_day(small.oracle("2026-03-10 06:00"), "churn_rate")
    assert rows == {}  # in February no gap is known; in March two days are, and nobody was active then
    buys(small, "b@example.com", "2026-02-27")
    assert by_day(small.oracle("2026-03-10 06:00"), "churn_rate") == {
        "2026-03-01": (1, 1),
        "2026-03-02": (1, 1),
    }


def test_orders_of_one_day_are_no_days_apart_and_the_churn_window_is_one_day_at_least() -> None:
    small = SmallShop(FIRST)
    buys(small, "a@example.com", "2026-01-31", "2026-01-31")
    oracle = small.oracle("2026-02-05 06:00")
    assert by_day(oracle, "churn_rate") == {"2026-02-01": (1, 1)}
    assert by_day(oracle, "days_between_orders")["2026-01-31"] == (0, 1)


def test_the_median_gap_of_a_year() -> None:
    small = SmallShop(date(2025, 1, 1))
    buys(small, "a@example.com", "2025-01-01", "2025-01-11", "2025-02-01")  # 10 and 21
    buys(small, "b@example.com", "2025-01-01", "2025-03-01")  # 59
    rows = by_day(small.oracle("2026-03-10 06:00"), "days_between_orders")
    assert min(rows) == "2025-01-11"
    assert rows["2025-01-31"] == (10, 1)
    assert rows["2025-02-01"] == (Decimal("15.5"), 1)
    assert rows["2025-03-01"] == rows["2026-01-10"] == (21, 1)
    assert rows["2026-01-11"] == (40, 1)  # 10 has left; (21 + 59) / 2
    assert max(rows) == "2026-02-28"


def test_anonymous_orders_make_no_customer_anywhere() -> None:
    small = SmallShop(FIRST)
    buys(small, "   ", "2026-01-02", "2026-01-10")
    oracle = small.oracle("2026-02-10 06:00", churn_window_days=3)
    assert nonzero(by_day(oracle, "orders")) == {"2026-01-02": 1, "2026-01-10": 1}
    for kpi in ("new_customers", "repeat_purchase_rate", "returning_customer_rate", "churn_rate"):
        assert oracle.compute(kpi) == {}
