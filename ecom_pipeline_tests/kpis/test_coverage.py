"""How much of a value is known stands beside it: sampled visits, and a history that is not whole."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from datetime import date, timedelta
from decimal import Decimal

import duckdb
import pytest

from ecom_pipeline.kpis.definition import Kind, kpis
from ecom_pipeline.kpis.values import Period, State, Value, read_period_values
from ecom_pipeline.reports.formats import Formats
from ecom_pipeline.reports.notes import write_notes
from ecom_pipeline.reports.words import load_words
from ecom_pipeline.sandbox.vendors.ga4_report import count_events
from ecom_pipeline.warehouse.catalog import canonical_tables, read_models
from ecom_pipeline.warehouse.completeness import refresh_kpi_days
from ecom_pipeline.warehouse.connection import open_warehouse
from ecom_pipeline.warehouse.functions import Expansion
from ecom_pipeline.warehouse.rewrite import to_duckdb

from ..simulation import Simulation, simulate

DAYS = 35
BY_VISIT = sorted(
    key for key, kpi in kpis().items() if "model.web_traffic" in kpi.sql
)  # all that rests on what analytics counts
ALMOST = Decimal("0.0001")


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Simulation]:
    """Its analytics tool reads no more events of a day than those of its median day."""
    with simulate(tmp_path_factory.mktemp("sampled"), seed=3, days=DAYS, orders_per_day=6) as made:
        made.world.ga4_reads_at_most = sorted(events(made).values())[DAYS // 2]
        made.run()
        yield made


def events(simulation: Simulation) -> dict[date, int]:
    found: defaultdict[date, int] = defaultdict(int)
    for facts in simulation.shop.traffic:
        found[facts.day] += count_events([facts])
    return found


def shares(simulation: Simulation) -> dict[date, Decimal]:
    most = simulation.world.ga4_reads_at_most
    assert most is not None
    return {day: min(Decimal(1), Decimal(most) / number) for day, number in events(simulation).items()}


def totals(
    simulation: Simulation, keys: list[str], period: Period, days: list[date], least: str = "0.9"
) -> dict[tuple[str, date], Value]:
    with open_warehouse(simulation.warehouse) as connection:
        values = read_period_values(connection, [kpis()[key] for key in keys], period, days, Decimal(least))
    return {(value.kpi, value.last_day): value.current for value in values if value.dimension == "total"}


def test_there_are_whole_and_sampled_days(shop: Simulation) -> None:
    assert len(BY_VISIT) == 11
    assert {share < 1 for share in shares(shop).values()} == {True, False}


@pytest.mark.parametrize("key", BY_VISIT)
def test_what_was_read_of_each_day_stands_beside_the_value(shop: Simulation, key: str) -> None:
    told = shares(shop)
    for (_, day), value in totals(shop, [key], Period.DAY, list(told), "0").items():
        assert value.state is State.OK and value.coverage is not None, day
        assert abs(value.coverage - told[day]) < ALMOST, day


@pytest.mark.parametrize("key", BY_VISIT)
def test_a_sample_that_is_too_small_is_withheld(shop: Simulation, key: str) -> None:
    told = shares(shop)
    least = "0.97"
    for (_, day), value in totals(shop, [key], Period.DAY, list(told), least).items():
        if told[day] < Decimal(least) - ALMOST:
            assert (value.value, value.state) == (None, State.LOW_COVERAGE), day
        elif told[day] > Decimal(least) + ALMOST:
            assert value.state is State.OK, day


def test_a_week_is_covered_by_what_was_read_of_its_visits(shop: Simulation) -> None:
    told, last = shares(shop), shop.shop.last_day
    week = [last - timedelta(days=n) for n in range(7)]
    visits = dict(shop.query("SELECT day, SUM(sessions) FROM model.web_traffic GROUP BY day"))
    wanted = sum(visits[day] * told[day] for day in week) / sum(visits[day] for day in week)
    value = totals(shop, ["sessions"], Period.WEEK, [last], "0")["sessions", last]
    assert value.coverage is not None and abs(value.coverage - wanted) < ALMOST and wanted < 1
    notes = write_notes(load_words("fr"), Formats("fr", "EUR"), kpis()["sessions"], value)
    assert notes == [f"connu pour {Formats('fr', 'EUR').percent(value.coverage)}"]


def refresh(simulation: Simulation, complete_since: date | None) -> None:
    with open_warehouse(simulation.warehouse) as connection:
        refresh_kpi_days(connection, simulation.pipeline.catalog, simulation.shop.first_day, complete_since)


NEW = ["new_customers", "customer_acquisition_cost", "paid_acquisition_cost", "returning_customer_rate"]


def test_kpis_of_new_customers_are_known() -> None:
    """Those and no others read who is new, directly or by a window."""
    assert {key for key, kpi in kpis().items() if kpi.tells_new == 1} == set(NEW)
    assert {key: kpi.tells_new for key, kpi in kpis().items() if kpi.tells_new > 1} == {
        "ltv_to_cac": 365, "cac_payback_days": 454,
    }  # fmt: skip


@pytest.mark.parametrize("key", NEW)
def test_before_the_history_is_complete_nobody_is_new_and_no_zero_says_so(shop: Simulation, key: str) -> None:
    first = shop.shop.first_day + timedelta(days=20)
    refresh(shop, first)
    try:
        days = [first - timedelta(days=1), first]
        values = totals(shop, [key], Period.DAY, days)
        assert (values[key, days[0]].value, values[key, days[0]].state) == (None, State.NO_HISTORY)
        assert values[key, first].state is State.OK
        assert values[key, first].history_days in (None, 21) and not values[key, first].counts_old_as_new
        week = totals(shop, [key], Period.ROLLING_7, [first + timedelta(days=2)])[
            key, first + timedelta(days=2)
        ]
        as_of_a_day = kpis()[key].kind is Kind.WINDOW
        assert (week.state is State.OK) == as_of_a_day, "one day without takes the whole sum with it"
        whole = first + timedelta(days=6)
        assert totals(shop, [key], Period.ROLLING_7, [whole])[key, whole].state is State.OK
    finally:
        refresh(shop, None)


@pytest.mark.parametrize("key", NEW)
def test_without_a_word_about_the_history_its_first_year_says_what_it_cannot_know(
    shop: Simulation, key: str
) -> None:
    last = shop.shop.last_day
    value = totals(shop, [key], Period.WEEK, [last])[key, last]
    assert value.counts_old_as_new and value.history_days == DAYS
    notes = write_notes(load_words("en"), Formats("en", "EUR"), kpis()[key], value)
    assert f"counts older ones ({DAYS} d of history)" in notes
    refresh(shop, shop.shop.first_day)  # a shop that began with its history vouches for it
    try:
        value = totals(shop, [key], Period.WEEK, [last])[key, last]
        assert not value.counts_old_as_new
        assert value.history_days is None
    finally:
        refresh(shop, None)


def test_a_window_longer_than_the_history_says_so(shop: Simulation) -> None:
    last = shop.shop.last_day
    keys = ["repeat_purchase_rate", "days_between_orders", "returning_customer_rate", "net_sales"]
    values = totals(shop, keys, Period.WEEK, [last])
    assert [values[key, last].history_days for key in keys] == [DAYS, DAYS, DAYS, None]
    notes = write_notes(load_words("fr"), Formats("fr", "EUR"), kpis()[keys[0]], values[keys[0], last])
    assert notes == [f"{DAYS} jours d’historique sur 365"]


def test_what_needs_an_older_shop_says_so_instead_of_not_applicable(shop: Simulation) -> None:
    young = {key for key, kpi in kpis().items() if kpi.young_until > DAYS}
    assert {"lifetime_value", "ltv_to_cac", "runway_months", "predicted_lifetime_value"} <= young
    last = shop.shop.last_day
    for (key, _), value in totals(shop, sorted(young), Period.WEEK, [last]).items():
        assert (value.state, value.reason) == (State.NO_HISTORY, "the history is too short"), key


def test_a_rate_of_both_reports_is_covered_by_the_smaller_sample() -> None:
    """Visits read by 80 %, the path to purchase by 50 %, and a day whose tool says nothing of samples."""
    (model,) = [node for node in read_models() if node.name == "model.web_traffic"]
    columns = ", ".join(f"{name} {kind}" for name, kind in canonical_tables()["web_traffic"].columns.items())
    with duckdb.connect() as connection:
        connection.execute(
            f"""
            CREATE SCHEMA mapped; CREATE SCHEMA run;
            CREATE TABLE mapped.web_traffic ({columns});
            CREATE TABLE run.days AS SELECT UNNEST([DATE '2026-05-01', DATE '2026-05-02']) AS day;
            INSERT INTO mapped.web_traffic BY NAME
            SELECT * FROM (VALUES
                (DATE '2026-05-01', 'Direct', 100, NULL, NULL, 0.8), (DATE '2026-05-01', 'Email', 10, NULL, NULL, 0.8),
                (DATE '2026-05-01', 'Direct', NULL, 20, 4, 0.5),
                (DATE '2026-05-02', 'Direct', 100, NULL, NULL, NULL), (DATE '2026-05-02', 'Direct', NULL, 20, 4, NULL)
            ) AS t(day, channel, sessions, cart_sessions, purchase_sessions, read_share)
            """
        )
        rows = connection.execute(
            f"SELECT day, channel, sessions_read, path_sessions_read, cart_sessions_read "
            f"FROM ({to_duckdb(model.sql, Expansion('Europe/Paris'))}) ORDER BY day, channel"
        ).fetchall()
    assert rows == [
        (date(2026, 5, 1), "Direct", 80, 50, 10),
        (date(2026, 5, 1), "Email", 8, 5, 0),  # nobody added to a cart, as far as half of the events tell
        (date(2026, 5, 2), "Direct", 100, 100, 20),
    ]
