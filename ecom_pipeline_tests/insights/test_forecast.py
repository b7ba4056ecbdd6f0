"""Where a period will end, foretold at its middle, against what a simulated shop then really did."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal

import duckdb
import pytest

from ecom_pipeline.insights.targets import SHAPE_DAYS, Span, Target, compute_progress, span_bounds
from ecom_pipeline.kpis.definition import Kpi
from ecom_pipeline.reports.reading import read_progress
from ecom_pipeline.sandbox.__main__ import morning_after
from ecom_pipeline.sandbox.costs import shop_costs
from ecom_pipeline.sandbox.generator import generate_shop
from ecom_pipeline.sandbox.oracle import Oracle
from ecom_pipeline_tests.reports.catalogue import make_catalogue
from ecom_pipeline_tests.reports.shop import SUNDAY, make_shop

FIRST, LAST = date(2026, 1, 1), date(2026, 9, 30)  # quarters that are over before the sales of November
TARGETS = (
    Target(
        amounts={
            Span.WEEK: Decimal(7_000), Span.MONTH: Decimal(31_000), Span.QUARTER: Decimal(90_000),
            Span.YEAR: Decimal(365_000),
        }
    ),
)  # fmt: skip


def daily_orders(seed: int) -> dict[date, Decimal | None]:
    shop = generate_shop(seed, FIRST, LAST, 40)
    oracle = Oracle(shop, shop_costs(40, shop.business), morning_after(LAST, shop.time_zone))
    days: dict[date, Decimal | None] = {
        FIRST + timedelta(days=at): Decimal(0) for at in range((LAST - FIRST).days + 1)
    }
    days |= {key[0]: pair[0] for key, pair in oracle.compute("orders").items() if key[1:] == ("total", "")}
    return days


@pytest.mark.parametrize("seed", [3, 4, 5])
def test_a_shops_months_and_quarters_end_near_where_they_were_foretold(seed: int) -> None:
    """A tenth of a month's orders, and a seventh of a quarter's, is what seasons add to the same weekdays' means."""
    days = daily_orders(seed)
    for span, until, most in (
        (Span.WEEK, date(2026, 5, 14), 0.15),
        (Span.MONTH, date(2026, 4, 15), 0.10),
        (Span.MONTH, date(2026, 6, 15), 0.10),
        (Span.QUARTER, date(2026, 5, 15), 0.15),
        (Span.QUARTER, date(2026, 8, 14), 0.15),
    ):
        first, last = span_bounds(span, until)
        known = {day: amount for day, amount in days.items() if day <= until}
        progress = compute_progress(known, TARGETS, span, until)
        assert progress is not None and progress.forecast is not None
        truth = sum(
            (days[first + timedelta(days=at)] or Decimal(0) for at in range((last - first).days + 1)),
            Decimal(0),
        )
        error = float(progress.forecast / truth) - 1
        assert abs(error) < most, (span, until, error)
        over = compute_progress(days, TARGETS, span, last)
        assert over is not None and over.forecast == over.actual == truth and over.due == over.target


@pytest.mark.parametrize("span", Span)
def test_every_period_a_target_may_name_has_its_standing(span: Span) -> None:
    """Read from the KPI's days: what was reached, what was due by then, and where it ends."""
    catalogue: dict[str, Kpi] = make_catalogue()
    shop: duckdb.DuckDBPyConnection = make_shop(catalogue)
    until = SUNDAY - timedelta(days=4)
    first, last = span_bounds(span, until)
    progress = read_progress(shop, catalogue["net_sales"], TARGETS, span, until)
    assert progress is not None
    ((reached,),) = shop.execute(
        "SELECT SUM(numerator) FROM kpi.daily WHERE kpi = 'net_sales' AND dimension = 'total' AND day BETWEEN ? AND ?",
        [first, until],
    ).fetchall()
    ((four_weeks,),) = shop.execute(
        "SELECT SUM(numerator) FROM kpi.daily WHERE kpi = 'net_sales' AND dimension = 'total' AND day BETWEEN ? AND ?",
        [SUNDAY - timedelta(days=7 + SHAPE_DAYS - 1), SUNDAY - timedelta(days=7)],
    ).fetchall()
    length, over = (last - first).days + 1, (until - first).days + 1
    assert progress.actual == reached and progress.target == TARGETS[0].amounts[span]
    assert progress.due * length == progress.target * over
    assert progress.attainment == progress.actual / progress.due
    assert progress.forecast is not None
    whole_weeks = (length - over) // 7 * 7 / Decimal(SHAPE_DAYS)
    rest = progress.forecast - progress.actual
    assert rest >= four_weeks * whole_weeks * Decimal("0.999")
    assert progress.expected_attainment == progress.forecast / progress.target
