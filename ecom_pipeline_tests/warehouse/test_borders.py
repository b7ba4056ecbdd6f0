"""Where a shop's history, currencies and sources end: what lies outside is told, or counted where it belongs."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from pathlib import Path

import pytest

from ecom_pipeline.errors import ConfigurationError
from ecom_pipeline.pipeline import Pipeline
from ecom_pipeline.settings import Settings
from ecom_pipeline.warehouse.checks import check_rates
from ecom_pipeline.warehouse.connection import open_warehouse
from ecom_pipeline_tests.simulation import Simulation, reading, simulate


def with_shop(simulation: Simulation, folder: Path, **changes: object) -> Pipeline:
    """A second pipeline on the same shop, its own warehouse, some of the shop's settings changed."""
    old = simulation.pipeline.settings
    values = {name: getattr(old, name) for name in Settings.model_fields}
    values["shop"] = old.shop.model_copy(update=changes)
    values["storage"] = old.storage.model_copy(update={"folder": folder})
    return Pipeline(Settings.model_construct(**values), clock=simulation.world.now)


def run(simulation: Simulation, pipeline: Pipeline) -> None:
    first, last = pipeline.settings.shop.history_start, simulation.shop.last_day
    for source in pipeline.sources:
        for table in pipeline.tables(source):
            pipeline.extract(source, table, first, last)
    pipeline.compute(first, last)


def test_what_is_given_back_for_orders_older_than_the_history_counts(tmp_path: Path) -> None:
    with simulate(tmp_path, seed=17, days=70, orders_per_day=6) as simulation:
        simulation.run()
        start = simulation.shop.first_day + timedelta(days=40)
        returns = "SELECT SUM(returns) FROM model.sale_lines WHERE day >= ?"
        ((whole,),) = simulation.query(returns, [start])
        ((recent,),) = simulation.query(f"{returns} AND order_day >= ?", [start, start])
        assert recent < whole
        short = with_shop(simulation, tmp_path / "short", history_start=start)
        run(simulation, short)
        with open_warehouse(short.settings.warehouse_file) as connection:
            rows = connection.execute("SELECT SUM(returns), MIN(day) FROM model.sale_lines").fetchall()
    assert rows == [(whole, start)]


def test_customers_from_before_the_complete_history_have_no_lifetime_value(tmp_path: Path) -> None:
    with simulate(tmp_path, seed=17, days=430, orders_per_day=1) as simulation:
        late = simulation.shop.first_day + timedelta(days=30)
        pipeline = with_shop(simulation, tmp_path / "late", complete_since=late)
        run(simulation, pipeline)
        with open_warehouse(pipeline.settings.warehouse_file) as connection:
            ((first_cohort,),) = connection.execute("SELECT MIN(day) FROM model.cohorts").fetchall()
            ((first_new,),) = connection.execute(
                "SELECT MIN(day) FROM kpi.daily WHERE kpi = 'new_customers'"
            ).fetchall()
    assert first_cohort == first_new >= late


@pytest.fixture
def with_an_odd_currency(small_shop: Simulation) -> Simulation:
    """A shop that once sold in dirhams, for which there is no reference rate."""
    small_shop.extract()
    day = small_shop.shop.first_day + timedelta(days=20)
    with open_warehouse(small_shop.warehouse) as connection:
        connection.execute(
            "UPDATE raw.shop__sale_lines SET currency = 'MAD' WHERE _record = "
            "(SELECT MIN(_record) FROM raw.shop__orders WHERE CAST(created_at AS DATE) = ?)",
            [day],
        )
    small_shop.compute()
    return small_shop


def test_one_currency_without_a_rate_withholds_its_days_and_no_others(
    with_an_odd_currency: Simulation,
) -> None:
    simulation = with_an_odd_currency
    days = {
        day for (day,) in simulation.query("SELECT DISTINCT day FROM model.sale_lines WHERE currency = 'MAD'")
    }
    states = simulation.query("SELECT day, state, reason FROM kpi.days WHERE kpi = 'net_sales'")
    assert days
    assert {day for day, state, _ in states if state == "missing"} == days
    assert {reason for _, state, reason in states if state == "missing"} == {
        "sale_lines in a currency without a rate"
    }
    sessions = simulation.query("SELECT DISTINCT state FROM kpi.days WHERE kpi = 'sessions'")
    assert sessions == [("complete",)]
    with open_warehouse(simulation.warehouse) as connection:
        check = check_rates(connection)
    assert not check.passed
    assert set(check.details) == {"MAD"}


def test_a_gift_in_a_currency_without_a_rate_is_no_gift_of_nothing(tmp_path: Path) -> None:
    with simulate(
        tmp_path, seed=6, days=70, orders_per_day=1, business=reading("ledgers", "rates")
    ) as simulation:
        simulation.extract(sources=("ledgers", "rates"))
        ((day,),) = simulation.query("SELECT MAX(given_on) FROM raw.ledgers__contributions WHERE amount > 0")
        with open_warehouse(simulation.warehouse) as connection:
            connection.execute(
                "UPDATE raw.ledgers__contributions SET currency = 'MAD' WHERE given_on = ?", [day]
            )
        first, last = simulation.shop.first_day, simulation.shop.last_day
        simulation.pipeline.compute(first, last, ["model.fx_rates", "kpi.community_contribution"])
        states = simulation.query(
            "SELECT day, reason FROM kpi.days WHERE kpi = 'community_contribution' AND state <> 'complete'"
        )
    assert states == [(day, "contributions in a currency without a rate")]


def test_what_a_shop_has_nothing_of_is_zero_and_not_missing(small_shop: Simulation, tmp_path: Path) -> None:
    without_ads = with_shop(small_shop, tmp_path / "quiet", has_none_of=("ad_performance",))
    without_ads.settings.sources.pop("ads")
    run(small_shop, without_ads)
    with open_warehouse(without_ads.settings.warehouse_file) as connection:
        states = connection.execute(
            "SELECT DISTINCT kpi, state FROM kpi.days WHERE kpi IN ('net_margin_rate', 'roas') ORDER BY 1"
        ).fetchall()
        ((marketing,),) = connection.execute("SELECT SUM(ad_spend) FROM model.marketing_costs").fetchall()
    assert ("net_margin_rate", "complete") in states
    assert ("net_margin_rate", "missing") not in states
    assert marketing == Decimal(0)


def test_a_misspelled_table_the_shop_has_nothing_of_is_refused(
    small_shop: Simulation, tmp_path: Path
) -> None:
    with pytest.raises(ConfigurationError, match="ad_performanc") as refused:
        _ = with_shop(small_shop, tmp_path, has_none_of=("ad_performanc",)).catalog
    assert "ad_performance" in refused.value.mend
