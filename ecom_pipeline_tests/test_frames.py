"""Frames hold what the warehouse holds, to the last decimal."""

from __future__ import annotations

from decimal import Decimal

from ecom_pipeline.frames import kpi_frame
from ecom_pipeline.kpis.definition import kpis
from ecom_pipeline.kpis.values import Period, read_period_values
from ecom_pipeline.warehouse.connection import open_published
from ecom_pipeline_tests.simulation import Simulation


def test_a_frame_holds_exact_values(small_shop: Simulation) -> None:
    small_shop.run()
    small_shop.pipeline.publish()
    wanted = [kpis()["net_sales"], kpis()["conversion_rate"], kpis()["lifetime_value"]]
    with open_published(small_shop.pipeline.settings.published_file) as connection:
        frame = kpi_frame(connection, wanted, Period.WEEK, [small_shop.shop.last_day])
        values = read_period_values(connection, wanted, Period.WEEK, [small_shop.shop.last_day])
    assert len(frame) == len(values) > 20
    totals = frame[frame["dimension"] == "total"].set_index("kpi")
    net_sales = next(value for value in values if value.kpi == "net_sales" and value.dimension == "total")
    assert isinstance(totals.loc["net_sales", "value"], Decimal)
    assert totals.loc["net_sales", "value"] == net_sales.current.value
    assert totals["value"].isna()["lifetime_value"]
    assert totals.loc["lifetime_value", "state"] == "no_history"
