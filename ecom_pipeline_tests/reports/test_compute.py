"""What a report says equals what the tables hold, recomputed here in plain SQL."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal
from fractions import Fraction

import duckdb
import pytest

from ecom_pipeline.insights.signals import Cause
from ecom_pipeline.kpis.definition import Kpi, kpis
from ecom_pipeline.kpis.values import State
from ecom_pipeline.reports import Report, compute_report
from ecom_pipeline_tests.reports.shop import ESSENTIALS, SUNDAY, Story, make_request, make_shop


def _sums(shop: duckdb.DuckDBPyConnection, kpi: str, last_day: date) -> tuple[Decimal, Decimal]:
    row = shop.execute(
        "SELECT SUM(numerator), SUM(denominator) FROM kpi.daily "
        "WHERE kpi = ? AND dimension = 'total' AND day BETWEEN ? AND ?",
        [kpi, last_day - timedelta(days=6), last_day],
    ).fetchone()
    assert row is not None
    return row[0], row[1]


def test_week_and_comparisons(troubled: Report, troubled_shop: duckdb.DuckDBPyConnection) -> None:
    assert (troubled.period.name, *troubled.period.bounds) == ("2026-W47", date(2026, 11, 16), SUNDAY)
    figure = troubled.figures["average_order_value"]
    for value, weeks_back in ((figure.current, 0), (figure.previous, 1), (figure.previous_year, 52)):
        numerator, denominator = _sums(
            troubled_shop, "average_order_value", SUNDAY - weeks_back * timedelta(days=7)
        )
        assert value.value == numerator / denominator


def test_the_26_weeks_end_with_this_one(troubled: Report, troubled_shop: duckdb.DuckDBPyConnection) -> None:
    weeks = troubled.figures["net_sales"].history
    assert len(weeks) == 26
    for index, value in enumerate(weeks):
        assert value == _sums(troubled_shop, "net_sales", SUNDAY - (25 - index) * timedelta(days=7))[0]


def test_the_headline_is_the_essential_that_left_its_range_furthest(troubled: Report) -> None:
    assert troubled.headline is not None
    assert (troubled.headline.kpi, troubled.headline.cause) == ("customer_acquisition_cost", Cause.UNUSUAL)
    assert troubled.explanation is not None
    main = troubled.explanation.drivers.main
    assert main is not None and main.segment == "Paid Social"


def test_the_explanation_of_the_report_adds_up(troubled: Report) -> None:
    assert troubled.explanation is not None
    figure, drivers = troubled.figures[troubled.explanation.kpi], troubled.explanation.drivers
    assert figure.current.numerator and figure.current.denominator
    assert figure.previous.numerator and figure.previous.denominator
    change = Fraction(figure.current.numerator) / Fraction(figure.current.denominator) - Fraction(
        figure.previous.numerator
    ) / Fraction(figure.previous.denominator)
    assert sum(driver.mix + driver.rate for driver in drivers.drivers) == change


def test_a_trouble_that_began_earlier_is_compared_with_the_weeks_before(catalogue: dict[str, Kpi]) -> None:
    shop = make_shop(catalogue, Story(mobile_breaks=True))
    # Last week was as bad as this one, so the week before explains nothing.
    shop.execute(
        """
        DELETE FROM kpi.daily WHERE kpi = 'conversion_rate' AND day BETWEEN DATE '2026-11-09' AND DATE '2026-11-15';
        INSERT INTO kpi.daily SELECT * REPLACE (day - 7 AS day)
        FROM kpi.daily WHERE kpi = 'conversion_rate' AND day > DATE '2026-11-15'
        """
    )
    report = compute_report(shop, catalogue, make_request())
    assert report.explanation is not None
    assert (report.explanation.kpi, report.explanation.basis) == ("conversion_rate", "four_weeks")
    numerator, denominator = _four_weeks(shop)
    assert report.explanation.drivers.before == Fraction(numerator) / Fraction(denominator)


def _four_weeks(shop: duckdb.DuckDBPyConnection) -> tuple[Decimal, Decimal]:
    row = shop.execute(
        "SELECT SUM(numerator), SUM(denominator) FROM kpi.daily WHERE kpi = 'conversion_rate' "
        "AND dimension = 'total' AND day BETWEEN DATE '2026-10-19' AND DATE '2026-11-15'"
    ).fetchone()
    assert row is not None
    return row[0], row[1]


def test_a_usual_week_raises_nothing(usual: Report) -> None:
    assert usual.headline is None
    assert usual.explanation is not None and usual.explanation.kpi == "net_sales"
    assert [
        decision.signal.cause for decision in usual.decisions if decision.signal.cause is Cause.UNUSUAL
    ] == []


def test_decisions_are_at_most_three_with_an_action(troubled: Report) -> None:
    assert [decision.signal.kpi for decision in troubled.decisions][:2] == [
        "customer_acquisition_cost",
        "conversion_rate",
    ]
    assert len(troubled.decisions) <= 3
    assert all(troubled.definitions[decision.signal.kpi].action for decision in troubled.decisions)


def test_the_bridge_of_the_report_ends_where_the_kpis_do(troubled: Report) -> None:
    changes = sum(step.amount for step in (troubled.bridge or ()) if step.kind == "change")
    first, last = (troubled.bridge or ())[0], (troubled.bridge or ())[-1]
    assert first.amount + changes == last.amount == troubled.figures["net_margin_rate"].current.numerator


def test_channels_are_those_that_cost_money(troubled: Report) -> None:
    assert [channel.channel for channel in (troubled.channels or ())] == [
        "Paid Social",
        "Paid Search",
        "Cross-network",
        None,
    ]
    spend = sum(
        (channel.values["ad_spend"].value or Decimal(0) for channel in (troubled.channels or ())[:-1]),
        Decimal(0),
    )
    assert spend == (troubled.channels or ())[-1].values["ad_spend"].value


def test_shared_costs_stand_last_and_are_never_cut(catalogue: dict[str, Kpi]) -> None:
    names = (*(f"Canal {number}" for number in range(6)), "Unassigned")
    shop = make_shop(catalogue, Story(weeks=2, segment_names=names, all_paid=True))
    listed = [channel.channel for channel in (compute_report(shop, catalogue, make_request()).channels or ())]
    assert listed == [*names, None]
    # An eighth channel that costs more than the shared cost.
    shop.execute(
        "INSERT INTO kpi.daily SELECT * REPLACE ('Canal 9' AS segment) "
        "FROM kpi.daily WHERE dimension = 'channel' AND segment = 'Canal 0'"
    )
    listed = [channel.channel for channel in (compute_report(shop, catalogue, make_request()).channels or ())]
    assert (len(listed), listed[-2:], "Canal 9" in listed) == (8, ["Unassigned", None], True)


@pytest.mark.parametrize(("size", "headline"), [("3", None), ("4", "net_sales")])
def test_a_kpi_that_is_no_essential_makes_the_headline_only_from_afar(
    size: str, headline: str | None, catalogue: dict[str, Kpi]
) -> None:
    shop = make_shop(catalogue)
    band = compute_report(shop, catalogue, make_request()).figures["net_sales"].band
    assert band is not None
    shop.execute(
        "UPDATE kpi.daily SET numerator = ? WHERE kpi = 'net_sales' AND dimension = 'total' AND day > ?",
        [(band.middle - Decimal(size) * band.scale) / 7, SUNDAY - timedelta(days=7)],
    )
    report = compute_report(shop, catalogue, make_request())
    assert (report.headline.kpi if report.headline else None) == headline


def test_any_payout_gap_is_news_after_weeks_without_one() -> None:
    own = {key: kpis()[key] for key in (*ESSENTIALS, "net_sales", "payout_gap")}
    shop = make_shop(own, Story(weeks=12))
    assert compute_report(shop, own, make_request(kpis=own)).headline is None
    shop.execute("UPDATE kpi.daily SET numerator = 50 WHERE kpi = 'payout_gap' AND day = ?", [SUNDAY])
    report = compute_report(shop, own, make_request(kpis=own))
    assert report.headline is not None and report.headline.kpi == "payout_gap"


def test_breakdowns_add_up_to_their_kpi(troubled: Report) -> None:
    for section in troubled.sections:
        for breakdown in section.breakdowns:
            listed = sum((line.current or Decimal(0) for line in breakdown.lines), Decimal(0))
            assert listed == troubled.figures[breakdown.kpi].current.value, breakdown.dimension


def test_every_kpi_has_its_place_in_one_section(troubled: Report, catalogue: dict[str, Kpi]) -> None:
    assert sorted(key for section in troubled.sections for key in section.kpis) == sorted(catalogue)
    assert [section.kpis[0] for section in troubled.sections] == [
        "net_sales", "contribution_margin", "new_customers", "sessions", "ad_spend", "data_freshness",
    ]  # fmt: skip


def test_a_kpi_that_matures_slowly_shows_its_newest_mature_week(troubled: Report) -> None:
    figure = troubled.figures["return_rate"]
    assert figure.period.last_day == SUNDAY - timedelta(days=35)
    assert figure.current.state is State.OK and figure.current.days_provisional == 0
    assert troubled.figures["checkout_abandonment_rate"].current.days_provisional == 1


def test_a_flow_with_young_days_is_not_compared_with_whole_weeks(
    catalogue: dict[str, Kpi], troubled: Report
) -> None:
    """Five days of seven would look like a fall by two sevenths: the week before is told instead."""
    slow = catalogue | {"orders": catalogue["orders"].model_copy(update={"matures_after": 2})}
    figure = compute_report(make_shop(slow), slow, make_request(kpis=slow)).figures["orders"]
    assert figure.period.last_day == SUNDAY - timedelta(days=7)
    assert figure.current.days_provisional == figure.previous.days_provisional == 0
    assert troubled.figures["orders"].period.last_day == SUNDAY


def test_restatements_tell_first_and_last_of_days_already_reported(troubled: Report) -> None:
    net, order_value = troubled.restatements
    assert (net.kpi, net.days, net.first_day, net.last_day) == (
        "net_sales",
        2,
        date(2026, 10, 28),
        date(2026, 11, 3),
    )
    assert (net.before, net.after) == (Decimal("16402.6"), Decimal("16220.1"))
    assert (order_value.before, order_value.after) == (Decimal(8912) / 104, Decimal(8802) / 103)


def test_missing_days_are_told_with_source_and_kpis(incomplete: Report) -> None:
    (source,) = incomplete.incomplete.sources
    assert (source.source, source.missing_days) == ("web", (date(2026, 11, 19), date(2026, 11, 20)))
    assert {one.kpi for one in incomplete.incomplete.kpis} == {
        "sessions", "conversion_rate", "bounce_rate", "revenue_per_session", "average_session_duration",
    }  # fmt: skip
    assert incomplete.incomplete.kpis[0].reason == "web: web_rows"
    assert incomplete.figures["sessions"].current.value is None


def test_a_day_nobody_recorded_is_missing(catalogue: dict[str, Kpi]) -> None:
    shop = make_shop(catalogue, Story(weeks=3))
    shop.execute("DELETE FROM ops.source_days WHERE source = 'banque' AND day = ?", [SUNDAY])
    report = compute_report(shop, catalogue, make_request())
    assert [(source.source, source.missing_days) for source in report.incomplete.sources] == [
        ("banque", (SUNDAY,))
    ]


def test_a_kpi_nothing_ever_fed_is_not_connected_and_no_alarm(catalogue: dict[str, Kpi]) -> None:
    shop = make_shop(catalogue, Story(weeks=10))
    shop.execute(
        "UPDATE kpi.days SET state = 'missing', reason = 'no source feeds bank' WHERE kpi = 'cash_balance'"
    )
    report = compute_report(shop, catalogue, make_request())
    assert not report.incomplete
    assert report.quality.not_connected == ("cash_balance",)


def test_a_whole_week_lacks_nothing(usual: Report, young: Report) -> None:
    assert not usual.incomplete
    assert not young.incomplete


def test_low_coverage_withholds_the_value(catalogue: dict[str, Kpi]) -> None:
    shop = make_shop(catalogue, Story(weeks=3))
    report = compute_report(shop, catalogue, make_request(minimum_coverage=Decimal("0.99")))
    margin = report.figures["gross_margin_rate"].current
    assert (margin.state, margin.value, margin.coverage) == (State.LOW_COVERAGE, None, Decimal("0.97"))


def test_a_young_shop_has_no_year_and_no_range(young: Report) -> None:
    figure = young.figures["conversion_rate"]
    assert (figure.band, figure.previous_year.state) == (None, State.NO_HISTORY)
    assert figure.current.state is State.OK
    assert young.figures["lifetime_value"].current.state is State.UNDEFINED
    assert young.headline is None


def test_unknown_essentials_are_left_out(catalogue: dict[str, Kpi]) -> None:
    report = compute_report(
        make_shop(catalogue, Story(weeks=2)), catalogue, make_request(essentials=("orders", "nothing"))
    )
    assert report.audience.essentials == ("orders",)


def test_a_week_ends_on_a_sunday(catalogue: dict[str, Kpi], troubled_shop: duckdb.DuckDBPyConnection) -> None:
    with pytest.raises(ValueError, match="not a Sunday"):
        compute_report(troubled_shop, catalogue, make_request(SUNDAY - timedelta(days=1)))


def test_an_empty_warehouse_still_makes_a_report(catalogue: dict[str, Kpi]) -> None:
    shop = make_shop(catalogue, Story(weeks=1, restates=False))
    for table in ("kpi.daily", "kpi.days", "ops.sources", "ops.source_days"):
        shop.execute(f"DELETE FROM {table}")
    report = compute_report(shop, catalogue, make_request())
    assert all(figure.current.state is State.NO_HISTORY for figure in report.figures.values())
    assert report.audience.essentials == ESSENTIALS
    assert report.is_empty


def test_a_week_that_was_lost_is_not_empty(catalogue: dict[str, Kpi]) -> None:
    shop = make_shop(catalogue, Story(weeks=12))
    for table in ("kpi.daily", "kpi.days", "ops.source_days"):
        shop.execute(f"DELETE FROM {table} WHERE day > ?", [SUNDAY - timedelta(days=7)])
    report = compute_report(shop, catalogue, make_request())
    assert report.incomplete and not report.is_empty


def test_the_numbers_are_json_without_loss(troubled: Report) -> None:
    numbers = json.loads(troubled.to_json())
    assert (
        Decimal(numbers["figures"]["net_sales"]["current"]["value"])
        == troubled.figures["net_sales"].current.value
    )
    assert "sql" not in numbers["definitions"]["net_sales"]
    assert troubled.to_json() == replace(troubled).to_json()
