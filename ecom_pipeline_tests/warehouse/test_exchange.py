"""Exchange rates hold from the first day of the history on, whatever day that is."""

from __future__ import annotations

from datetime import date
from pathlib import Path

from ecom_pipeline_tests.simulation import simulate


def test_a_history_that_begins_on_a_weekend_has_rates_from_its_first_day(tmp_path: Path) -> None:
    saturday = date(2026, 10, 31)
    with simulate(tmp_path, seed=5, days=9, orders_per_day=1, last_day=date(2026, 11, 8)) as simulation:
        assert simulation.shop.first_day == saturday
        simulation.run()
        rates = simulation.query("SELECT day, rate FROM model.fx_rates WHERE currency = 'USD' ORDER BY day")
    published = {day: rate["USD"] for day, rate in simulation.shop.rates.items() if day < saturday}
    assert rates[0][0] == saturday
    assert f"{rates[0][1]:.4f}" == published[max(published)]


def test_a_snapshot_is_not_asked_for_days_that_are_over(tmp_path: Path) -> None:
    with simulate(tmp_path, seed=5, days=9, orders_per_day=1, last_day=date(2026, 11, 8)) as simulation:
        (variants,) = [table for table in simulation.pipeline.tables("shop") if table.name == "variants"]
        result = simulation.pipeline.extract("shop", variants, date(2026, 11, 1), date(2026, 11, 4))
    assert (result.load_id, result.rows_read) == (0, 0)
    assert not [request for request in simulation.world.log if request.vendor == "shopify"]
