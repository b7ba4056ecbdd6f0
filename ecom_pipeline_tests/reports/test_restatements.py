"""What changed since the readers' last report: neither what they never had, nor what they were told already."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import duckdb
import pytest

from ecom_pipeline.kpis.definition import Kpi
from ecom_pipeline.reports import Told, compute_report
from ecom_pipeline.reports.report import Restatement
from ecom_pipeline_tests.reports.shop import SUNDAY, Story, make_request, make_shop

MONDAY = datetime(
    2026, 11, 16, 6, 0, tzinfo=UTC
)  # when the report before was computed: half an hour later than usual
LAST_TOLD = SUNDAY - timedelta(days=7)


@pytest.fixture
def shop(catalogue: dict[str, Kpi]) -> Iterator[duckdb.DuckDBPyConnection]:
    with make_shop(catalogue, Story(restates=False)) as made:
        yield made


def restate(
    shop: duckdb.DuckDBPyConnection, kpi: str, day: date, at: datetime, before: str | None, after: str | None
) -> None:
    shop.execute(
        "INSERT INTO kpi.restatements VALUES (?, ?, 'total', '', ?, ?, NULL, NULL, ?, 'boutique')",
        [kpi, day, before, after, at.replace(tzinfo=None)],
    )


def told(
    shop: duckdb.DuckDBPyConnection, catalogue: dict[str, Kpi], before: Told | None
) -> tuple[Restatement, ...]:
    return compute_report(shop, catalogue, make_request(told=before)).restatements


@pytest.mark.parametrize(
    ("minutes", "is_told"),
    [(-1, False), (1, True), (7 * 24 * 60 - 31, True)],
    ids=["before", "after", "today"],
)
def test_since_the_last_report_was_computed(
    shop: duckdb.DuckDBPyConnection, catalogue: dict[str, Kpi], minutes: int, is_told: bool
) -> None:
    restate(shop, "net_sales", LAST_TOLD, MONDAY + timedelta(minutes=minutes), "100", "90")
    found = told(shop, catalogue, Told(LAST_TOLD, MONDAY))
    assert [(one.kpi, one.before, one.after) for one in found] == (
        [("net_sales", Decimal(100), Decimal(90))] if is_told else []
    )


def test_after_two_weeks_without_a_report_both_are_looked_at(
    shop: duckdb.DuckDBPyConnection, catalogue: dict[str, Kpi]
) -> None:
    """Of the days readers had: what they never had is no restatement."""
    before = Told(LAST_TOLD - timedelta(days=14), MONDAY - timedelta(days=14))
    restate(shop, "net_sales", before.last_day, MONDAY - timedelta(days=10), "100", "90")
    restate(shop, "orders", before.last_day + timedelta(days=1), MONDAY - timedelta(days=3), "5", "4")
    assert [one.kpi for one in told(shop, catalogue, before)] == ["net_sales"]
    assert told(shop, catalogue, None) == (), "without a word about readers, a week"


@pytest.mark.parametrize(("before", "after"), [(None, "50"), ("50", None)])
def test_what_came_or_went_on_a_day_without_any_is_told_as_zero(
    shop: duckdb.DuckDBPyConnection, catalogue: dict[str, Kpi], before: str | None, after: str | None
) -> None:
    restate(shop, "net_sales", LAST_TOLD, MONDAY + timedelta(days=1), before, after)
    ((found),) = told(shop, catalogue, Told(LAST_TOLD, MONDAY))
    assert (found.before, found.after) == (Decimal(before or 0), Decimal(after or 0))


def test_a_ratio_that_was_none_has_no_from(
    shop: duckdb.DuckDBPyConnection, catalogue: dict[str, Kpi]
) -> None:
    restate(shop, "conversion_rate", LAST_TOLD, MONDAY + timedelta(days=1), None, "50")
    restate(shop, "cash_balance", LAST_TOLD, MONDAY + timedelta(days=1), None, "50")
    assert told(shop, catalogue, Told(LAST_TOLD, MONDAY)) == ()
