"""Not measured is not zero: of every KPI, whatever the reason nothing was measured."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta
from decimal import Decimal

import pytest

from ecom_pipeline.kpis.definition import Kind, Kpi, kpis
from ecom_pipeline.kpis.values import Period, State, Value, _Days, _Sums, make_value, read_period_values
from ecom_pipeline.pipeline import Pipeline
from ecom_pipeline.sandbox.events import GROUP
from ecom_pipeline.warehouse.completeness import refresh_kpi_days
from ecom_pipeline.warehouse.connection import open_warehouse

from ..simulation import Simulation, simulate

DAYS = 40
ABOUT_THE_RUN = {
    "data_freshness"
}  # a source that is not there is not late, one that failed is: zero is its value
EVERY = sorted(set(kpis()) - ABOUT_THE_RUN)
STATES = {State.MISSING, State.NO_HISTORY}


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Simulation]:
    with simulate(
        tmp_path_factory.mktemp("failing"), seed=5, days=DAYS, orders_per_day=3, business=GROUP
    ) as made:
        made.run()
        yield made


def totals(pipeline: Pipeline, period: Period, day: date) -> dict[str, Value]:
    with open_warehouse(pipeline.settings.warehouse_file) as connection:
        values = read_period_values(connection, list(kpis().values()), period, [day])
    return {value.kpi: value.current for value in values if value.dimension == "total"}


@pytest.fixture(scope="module")
def unconnected(shop: Simulation, tmp_path_factory: pytest.TempPathFactory) -> dict[Period, dict[str, Value]]:
    """A shop whose vendors are all still to be connected: only exchange rates are read."""
    folder = tmp_path_factory.mktemp("unconnected")
    settings = shop.pipeline.settings
    storage = settings.storage.model_copy(update={"folder": folder})
    alone = {"rates": settings.sources["rates"]}
    pipeline = Pipeline(
        settings.model_copy(update={"storage": storage, "sources": alone}), clock=shop.world.now
    )
    assert pipeline.settings.warehouse_file != shop.warehouse
    for table in pipeline.tables("rates"):
        pipeline.extract("rates", table, shop.shop.first_day, shop.shop.last_day)
    pipeline.compute(shop.shop.first_day, shop.shop.last_day)
    return {
        period: totals(pipeline, period, shop.shop.last_day)
        for period in (Period.DAY, Period.WEEK, Period.ROLLING_28)
    }


@pytest.mark.parametrize("key", EVERY)
def test_without_a_source(unconnected: dict[Period, dict[str, Value]], key: str) -> None:
    for period, values in unconnected.items():
        value = values[key]
        assert value.value is None and value.state is State.MISSING, (period, value)
        assert value.reason is not None and value.reason.startswith("no source feeds "), value


@pytest.fixture(scope="module")
def failed(shop: Simulation) -> dict[tuple[str, str], dict[str, tuple[str, str | None]]]:
    """What each KPI says of a day, when the extract of one vendor's table failed on it alone."""
    day = shop.shop.last_day - timedelta(days=3)
    found = {}
    catalog, start = shop.pipeline.catalog, shop.shop.first_day
    with open_warehouse(shop.warehouse) as connection:
        tables = connection.execute(
            "SELECT DISTINCT f.source, f.table_name FROM ops.feeds AS f JOIN ops.streams AS s USING (source, table_name) "
            "WHERE s.change <> 'snapshot' ORDER BY 1, 2"
        ).fetchall()
        for source, table in tables:
            where = "source = ? AND table_name = ? AND day = ?"
            kept = connection.execute(
                f"SELECT * FROM ops.loaded_days WHERE {where}", [source, table, day]
            ).fetchall()
            assert len(kept) == 1, (source, table)
            connection.execute(f"DELETE FROM ops.loaded_days WHERE {where}", [source, table, day])
            refresh_kpi_days(connection, catalog, start, None)
            rows = connection.execute(
                "SELECT kpi, state, reason FROM kpi.days WHERE day = ?", [day]
            ).fetchall()
            found[source, table] = {kpi: (state, reason) for kpi, state, reason in rows}
            connection.execute("INSERT INTO ops.loaded_days VALUES (?, ?, ?, ?, ?)", kept[0])
        refresh_kpi_days(connection, catalog, start, None)
    return found


@pytest.mark.parametrize("key", EVERY)
def test_on_a_day_whose_extract_failed(
    shop: Simulation, failed: dict[tuple[str, str], dict[str, tuple[str, str | None]]], key: str
) -> None:
    feeding = shop.query(
        "SELECT DISTINCT f.source, f.table_name, s.change FROM ops.needs AS n JOIN ops.feeds AS f USING (canonical) "
        "JOIN ops.streams AS s USING (source, table_name) WHERE n.kpi = ?",
        [key],
    )
    assert feeding, "every KPI names what it means nothing without"
    for source, table, change in feeding:
        if change == "snapshot":
            continue  # a state has no past: see the next test
        state, reason = failed[source, table][key]
        assert state == "missing" and reason is not None and f"{source}: {table}" in reason.split(", ")


@pytest.mark.parametrize("key", EVERY)
def test_on_a_day_on_which_nothing_was_read(shop: Simulation, key: str) -> None:
    """The morning's load is still to come for every vendor."""
    day = shop.shop.last_day + timedelta(days=1)
    for period in (Period.DAY, Period.ROLLING_7):
        value = totals_of_unread(shop)[period][key]
        assert value.value is None, (period, value)
        assert value.state in STATES, (period, value)
        assert value.state is State.NO_HISTORY or value.reason, (period, value, day)


_UNREAD: dict[int, dict[Period, dict[str, Value]]] = {}


def totals_of_unread(shop: Simulation) -> dict[Period, dict[str, Value]]:
    """The day after the last one read, computed all the same."""
    if id(shop) not in _UNREAD:
        day = shop.shop.last_day + timedelta(days=1)
        shop.compute(day, day)
        _UNREAD[id(shop)] = {
            period: totals(shop.pipeline, period, day) for period in (Period.DAY, Period.ROLLING_7)
        }
    return _UNREAD[id(shop)]


@pytest.mark.parametrize("key", sorted(kpis()))
def test_with_nothing_to_divide_by(key: str) -> None:
    kpi = kpis()[key]
    whole = _Days(complete=7, last_state="complete")
    if kpi.kind is Kind.FLOW:
        nothing = make_value(kpi, _Sums(), whole, 7, Decimal("0.9"))
        assert (nothing.value, nothing.state) == (Decimal(0), State.OK), (
            "it was measured, and nothing happened"
        )
        return
    for sums in (
        _Sums(),
        _Sums(denominator=Decimal(0)),
        _Sums(Decimal(0), Decimal(0)),
        _Sums(Decimal(5), Decimal(0)),
    ):
        value = make_value(kpi, sums, whole, 7, Decimal("0.9"))
        assert (value.value, value.state) == (None, State.UNDEFINED)


@pytest.mark.parametrize("key", sorted(key for key, kpi in kpis().items() if kpi.kind is Kind.RATIO))
def test_a_ratio_is_never_its_numerator(key: str) -> None:
    value = make_value(kpis()[key], _Sums(Decimal(5)), _Days(complete=7), 7, Decimal("0.9"))
    assert (value.value, value.state) == (None, State.UNDEFINED)


@pytest.mark.parametrize("state", ["missing", "immature", "no_history"])
@pytest.mark.parametrize("key", sorted(kpis()))
def test_sums_say_nothing_of_days_that_were_not_measured(key: str, state: str) -> None:
    """Whatever rows lie there: a missing day takes the whole period with it, of what is summed and of what is not."""
    kpi: Kpi = kpis()[key]
    days = _Days(last_state=state, complete=0 if state == "immature" else 6)
    setattr(days, state, 7 - days.complete)
    value = make_value(kpi, _Sums(Decimal(0), Decimal(4)), days, 7, Decimal("0.9"))
    assert (value.value, value.state) == (None, State(state))
