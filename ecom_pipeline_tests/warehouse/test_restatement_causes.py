"""Why a value already told is different now: another definition, other settings, a source's late rows."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from decimal import Decimal

import pytest

from ecom_pipeline.pipeline import Pipeline
from ecom_pipeline.settings import MonthlyCost
from ecom_pipeline_tests.simulation import Simulation, simulate

CAUSES = "SELECT DISTINCT kpi, cause FROM kpi.restatements ORDER BY kpi, cause"


@pytest.fixture
def told(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Simulation]:
    """Two weeks that readers know."""
    with simulate(tmp_path_factory.mktemp("told"), seed=19, days=14, orders_per_day=5) as simulation:
        simulation.run()
        assert simulation.query(CAUSES) == []
        yield simulation


def computed_by(simulation: Simulation, pipeline: Pipeline, *names: str) -> None:
    """Compute the newest day as a run of the next morning would."""
    last = simulation.shop.last_day
    pipeline.compute(last, last, names or None)


def test_another_definition_is_the_cause_of_all_it_changes(told: Simulation) -> None:
    pipeline = Pipeline(told.pipeline.settings, clock=told.pipeline.clock)
    orders = pipeline.kpis["orders"]
    doubled = orders.model_copy(
        update={"sql": orders.sql.replace("s.orders AS", "s.orders * 2 AS"), "since": 2}
    )
    assert doubled.sql != orders.sql
    pipeline.__dict__["kpis"] = {**pipeline.kpis, "orders": doubled}
    before = dict(
        told.query("SELECT day, numerator FROM kpi.daily WHERE kpi = 'orders' AND dimension = 'total'")
    )
    computed_by(told, pipeline)
    assert told.query(CAUSES) == [("orders", "definition")]
    rows = told.query(
        "SELECT day, numerator_before, numerator_after FROM kpi.restatements WHERE dimension = 'total' ORDER BY day"
    )
    assert rows == [(day, count, 2 * count) for day, count in sorted(before.items())]
    computed_by(told, pipeline)
    assert len(told.query("SELECT 1 FROM kpi.restatements WHERE dimension = 'total'")) == len(rows), (
        "told once"
    )


def test_the_same_values_under_another_text_are_no_news(told: Simulation) -> None:
    pipeline = Pipeline(told.pipeline.settings, clock=told.pipeline.clock)
    orders = pipeline.kpis["orders"]
    pipeline.__dict__["kpis"] = {
        **pipeline.kpis,
        "orders": orders.model_copy(update={"sql": orders.sql.replace("s.orders AS", "s.orders + 0 AS")}),
    }
    computed_by(told, pipeline)
    assert told.query(CAUSES) == []


def test_settings_are_the_cause_of_what_they_change(told: Simulation) -> None:
    settings = told.pipeline.settings
    rent = MonthlyCost(name="rent", monthly=Decimal(900), first_day=told.shop.first_day)
    costs = settings.costs.model_copy(update={"fixed": (*settings.costs.fixed, rent)})
    pipeline = Pipeline(settings.model_copy(update={"costs": costs}), clock=told.pipeline.clock)
    computed_by(told, pipeline)
    assert told.query(CAUSES) == [("net_margin_rate", "ecom.toml")]


def test_late_rows_name_their_source(told: Simulation) -> None:
    """A day later the platform tells that an older day's clicks cost more."""
    shop, last = told.shop, told.shop.last_day
    late = last - timedelta(days=3)
    for place, ad in enumerate(shop.ads):
        if ad.platform == "google_ads" and ad.day == late:
            shop.ads[place] = type(ad)(**{**vars(ad), "cost_micros": ad.cost_micros + 1_000_000})
    told.extract(last, last, ["ads"])
    computed_by(told, told.pipeline)
    causes = dict(told.query(CAUSES))
    assert causes["ad_spend"] == causes["contribution_margin"] == "ads"
    assert set(causes.values()) == {"ads"}
    days = told.query("SELECT DISTINCT day FROM kpi.restatements WHERE kpi = 'ad_spend'")
    assert days == [(late,)]
