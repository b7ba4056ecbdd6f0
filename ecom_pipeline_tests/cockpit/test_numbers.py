"""A cockpit's numbers: the report's for the same week, and `kpis.values`' for everything else."""

from __future__ import annotations

import dataclasses
from datetime import date, timedelta
from decimal import Decimal
from itertools import pairwise

import duckdb
import pytest

from ecom_pipeline.cockpit import Cockpit, compute_cockpit
from ecom_pipeline.cockpit.cockpit import OTHERS, Grain
from ecom_pipeline.cockpit.periods import DAY, GRAINS, MONTH, WEEK, last_days, shift_of
from ecom_pipeline.cockpit.reading import MOST_SEGMENTS
from ecom_pipeline.insights.questions.question import questions
from ecom_pipeline.kpis.definition import Kind, Kpi
from ecom_pipeline.kpis.values import TOTAL, Period, State, Value, period_bounds, read_period_values
from ecom_pipeline.periods import Rhythm
from ecom_pipeline.reports import Report, compute_report
from ecom_pipeline.reports.audience import make_audience
from ecom_pipeline_tests.cockpit.shops import make_cockpit, make_cockpit_request
from ecom_pipeline_tests.reports.shop import ESSENTIALS, SUNDAY, Story, make_request, make_shop

PERIODS = [(WEEK, Rhythm.WEEKLY), (MONTH, Rhythm.MONTHLY)]


def compare(cockpit: Cockpit, report: Report, name: str) -> None:
    """Every KPI's value, what it is compared with, target and band: the report's."""
    year = grain_of(name).year
    for key, figure in report.figures.items():
        series = cockpit.series[name][key]
        told = series.shift[0]
        assert cockpit.spans[name][told].last_day == figure.period.last_day, key
        assert series.total[told] == figure.current, key
        assert series.total[told + 1] == figure.previous, key
        assert series.total[told + year] == figure.previous_year, key
        assert series.band == figure.band, key
        assert series.targets[told] == figure.target, key


@pytest.mark.parametrize(("name", "rhythm"), PERIODS)
def test_every_value_is_the_reports(
    catalogue: dict[str, Kpi],
    troubled_shop: duckdb.DuckDBPyConnection,
    troubled: Cockpit,
    name: str,
    rhythm: Rhythm,
) -> None:
    last_day = troubled.spans[name][0].last_day
    report = compute_report(troubled_shop, catalogue, make_request(last_day, rhythm))
    compare(troubled, report, name)
    figures = report.figures.values()
    assert sum(figure.current.state is State.OK for figure in figures) > 30
    assert sum(figure.target is not None for figure in figures) >= 2
    assert sum(figure.band is not None for figure in figures) > 20


@pytest.mark.parametrize(("name", "rhythm"), PERIODS)
def test_what_matures_late_is_judged_by_as_long_a_past(
    catalogue: dict[str, Kpi], name: str, rhythm: Rhythm
) -> None:
    """In a shop of many years, the band of a KPI told five weeks late rests on as many weeks as the report's."""
    late = {
        key: catalogue[key].model_copy(update={"matures_after": days})
        for key, days in (("net_sales", 0), ("return_rate", 30), ("orders", 62))
    }
    connection = make_shop(late, Story(weeks=190, restates=False))
    cockpit = compute_cockpit(connection, late, make_cockpit_request(late))
    last_day = cockpit.spans[name][0].last_day
    compare(cockpit, compute_report(connection, late, make_request(last_day, rhythm, kpis=late)), name)
    assert all(series.band for series in cockpit.series[name].values())


def test_in_the_middle_of_a_week_the_newest_is_the_week_before(
    catalogue: dict[str, Kpi], troubled_shop: duckdb.DuckDBPyConnection
) -> None:
    wednesday = SUNDAY - timedelta(days=4)
    cockpit = compute_cockpit(troubled_shop, catalogue, make_cockpit_request(catalogue, newest_day=wednesday))
    report = compute_report(troubled_shop, catalogue, make_request(SUNDAY - timedelta(days=7)))
    compare(cockpit, report, WEEK)
    assert cockpit.spans[DAY][0].last_day == wednesday


@pytest.mark.parametrize("grain", GRAINS, ids=lambda grain: grain.key)
def test_values_of_every_period_and_segment_are_those_of_the_one_reader(
    catalogue: dict[str, Kpi], troubled_shop: duckdb.DuckDBPyConnection, troubled: Cockpit, grain: Grain
) -> None:
    """The small copies that are read say what the whole tables say."""
    ends = last_days(grain, SUNDAY)
    places = [0, grain.cut - 1, grain.shown - 1]
    read = read_period_values(
        troubled_shop, list(catalogue.values()), grain.period, sorted({ends[place] for place in places})
    )
    segments = 0
    for one in read:
        place = ends.index(one.last_day)
        series = troubled.series[grain.key][one.kpi]
        cut = (one.dimension, one.segment)
        if cut != TOTAL:
            newest = series.shift[0]
            if cut not in series.values or not newest <= place < newest + grain.cut:
                continue
            segments += 1
        expected = (one.current, one.previous, one.previous_year)
        values = series.values[cut]
        assert (values[place], values[place + 1], values[place + grain.year]) == expected, (one.kpi, cut)
    assert segments > 100


def test_what_is_not_listed_is_summed_where_it_adds_up(troubled: Cockpit, catalogue: dict[str, Kpi]) -> None:
    cut_by_product = [key for key, kpi in catalogue.items() if "product" in kpi.dimensions]
    assert cut_by_product
    for key in cut_by_product:
        series = troubled.series[WEEK][key]
        listed = {cut: values for cut, values in series.values.items() if cut[0] == "product"}
        assert ("product", OTHERS) in listed
        assert len(listed) == MOST_SEGMENTS + 1
        assert troubled.others[key, "product"] == 30 - MOST_SEGMENTS
        place = series.shift[0]
        whole = series.total[place]
        assert whole is not None and whole.state is State.OK
        assert sum_of(listed.values(), place) == whole.numerator


def sum_of(cuts: object, place: int) -> Decimal:
    values: list[Value] = [values[place] for values in cuts]  # type: ignore[attr-defined]
    return sum((one.numerator or Decimal(0) for one in values), Decimal(0))


def test_segments_that_overlap_have_no_rest(
    catalogue: dict[str, Kpi], troubled_shop: duckdb.DuckDBPyConnection
) -> None:
    """Customers of two products are one customer: the rest of the products is no number."""
    shop = duckdb.connect()
    shop.execute("CREATE SCHEMA kpi; CREATE SCHEMA ops")
    for table in ("kpi.daily", "kpi.days", "ops.sources", "ops.source_days"):
        shop.register("incoming", troubled_shop.sql(f"FROM {table}").to_arrow_table())
        shop.execute(f"CREATE TABLE {table} AS FROM incoming")
        shop.unregister("incoming")
    shop.execute(
        "UPDATE kpi.daily SET numerator = numerator + 1 WHERE kpi = 'net_sales' AND dimension = 'product'"
    )
    cockpit = compute_cockpit(shop, {"net_sales": catalogue["net_sales"]}, make_cockpit_request(catalogue))
    listed = [cut for cut in cockpit.series[WEEK]["net_sales"].values if cut[0] == "product"]
    assert len(listed) == MOST_SEGMENTS
    assert ("product", OTHERS) not in listed
    assert ("net_sales", "product") not in cockpit.others


def test_the_largest_segments_are_listed(troubled: Cockpit, troubled_shop: duckdb.DuckDBPyConnection) -> None:
    largest = troubled_shop.execute(
        """
        SELECT segment FROM kpi.daily WHERE kpi = 'net_sales' AND dimension = 'product' AND day > ?
        GROUP BY segment ORDER BY SUM(numerator) DESC LIMIT ?
        """,
        [SUNDAY - timedelta(days=91), MOST_SEGMENTS],
    ).fetchall()
    listed = {cut[1] for cut in troubled.series[WEEK]["net_sales"].values if cut[0] == "product"} - {OTHERS}
    assert listed == {segment for (segment,) in largest}


def test_an_audience_reads_its_own_kpis_in_its_own_order(catalogue: dict[str, Kpi]) -> None:
    audience = make_audience(
        "marketing", {"kpis": ("ad_spend", "sessions")}, ESSENTIALS, catalogue, questions()
    )
    cockpit = make_cockpit(catalogue, audience=audience)
    assert tuple(cockpit.kpis) == audience.kpis
    assert audience.kpis[:2] == ("ad_spend", "sessions")


def test_a_shop_of_three_weeks_has_what_it_has(catalogue: dict[str, Kpi]) -> None:
    cockpit = make_cockpit(catalogue, Story(weeks=3, restates=False), targets={})
    sales = cockpit.series[WEEK]["net_sales"]
    states = [value.state for value in sales.total if value is not None]
    assert states[:3] == [State.OK] * 3
    assert set(states[3:]) == {State.NO_HISTORY}
    assert sales.band is None
    assert not cockpit.progress


def test_targets_of_any_period_are_its_days_shares(catalogue: dict[str, Kpi], troubled: Cockpit) -> None:
    month = next(grain for grain in GRAINS if grain.period is Period.MONTH)
    days = (period_bounds(Period.MONTH, date(2026, 10, 1))[1] - date(2026, 10, 1)).days + 1
    assert troubled.series[month.key]["net_sales"].targets[0] == pytest.approx(Decimal(60000) / 7 * days)
    assert troubled.series[DAY]["net_sales"].targets[0] == pytest.approx(Decimal(60000) / 7)
    assert set(troubled.series[DAY]["conversion_rate"].targets) == {Decimal("0.026")}
    assert catalogue["net_sales"].kind is Kind.FLOW


def test_the_month_so_far_is_told_of_flows_with_a_target(troubled: Cockpit) -> None:
    assert set(troubled.progress) == {"net_sales"}
    assert troubled.progress["net_sales"].until == SUNDAY


class TestShift:
    """What needs a week or more to mature, and any flow, is told of the newest period that is old enough."""

    @pytest.mark.parametrize(
        ("key", "matures_after", "weeks"),
        [
            *(("average_order_value", *one) for one in ((0, 0), (6, 0), (7, 1), (8, 2), (14, 2), (30, 5))),
            *(("net_sales", *one) for one in ((0, 0), (1, 1), (7, 1), (8, 2))),
        ],
    )
    def test_weeks_as_in_the_report(
        self, catalogue: dict[str, Kpi], key: str, matures_after: int, weeks: int
    ) -> None:
        kpi = catalogue[key].model_copy(update={"matures_after": matures_after})
        shift = shift_of(kpi, grain_of(WEEK))
        assert shift[: weeks + 1] == tuple(range(weeks, -1, -1))
        assert set(shift[weeks:]) == {0}

    def test_days(self, catalogue: dict[str, Kpi]) -> None:
        kpi = catalogue["net_sales"].model_copy(update={"matures_after": 10})
        assert shift_of(kpi, grain_of(DAY))[:12] == (*range(10, -1, -1), 0)
        kpi = catalogue["net_sales"].model_copy(update={"matures_after": 2})
        assert set(shift_of(kpi, grain_of(DAY))) == {0}, "a young day is itself called too recent"


def test_places_are_whole_periods_without_a_gap(troubled: Cockpit) -> None:
    for grain in GRAINS:
        spans = troubled.spans[grain.key]
        for later, earlier in pairwise(spans[: grain.shown + 1]):
            assert earlier.last_day == later.first_day - timedelta(days=1)
        lengths = {(span.last_day - span.first_day).days + 1 for span in spans}
        assert lengths <= {DAY: {1}, WEEK: {7}, "four_weeks": {28}, "month": {28, 29, 30, 31}}[grain.key]
        year = spans[grain.year]
        assert (spans[0].last_day - year.last_day).days in (364, 365, 366)


def test_unconnected_kpis_are_those_nothing_is_known_of(catalogue: dict[str, Kpi]) -> None:
    story = Story(weeks=20)  # too young for what rests on a year
    cockpit = make_cockpit(catalogue, story, targets={})
    assert "lifetime_value" in cockpit.not_connected
    assert "net_sales" not in cockpit.not_connected


def test_a_cockpit_leaves_the_readers_copy_as_it_was(
    catalogue: dict[str, Kpi], troubled_shop: duckdb.DuckDBPyConnection
) -> None:
    before = troubled_shop.execute("SELECT table_name FROM duckdb_tables() ORDER BY 1").fetchall()
    compute_cockpit(troubled_shop, catalogue, make_cockpit_request(catalogue))
    assert troubled_shop.execute("SELECT table_name FROM duckdb_tables() ORDER BY 1").fetchall() == before


def grain_of(key: str) -> Grain:
    return next(grain for grain in GRAINS if grain.key == key)


def test_the_same_tables_make_the_same_cockpit(
    catalogue: dict[str, Kpi], troubled_shop: duckdb.DuckDBPyConnection, troubled: Cockpit
) -> None:
    again = compute_cockpit(troubled_shop, catalogue, make_cockpit_request(catalogue))
    assert dataclasses.asdict(again.request) == dataclasses.asdict(troubled.request)
    assert again == troubled
