"""What one more euro brings: known responses are found again, and what cannot be told is not told."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import duckdb
import numpy as np
import pytest

from ecom_pipeline.insights.questions import scaling
from ecom_pipeline.insights.questions.question import Answer, Part
from ecom_pipeline.insights.questions.scaling import Floats, fit_response
from ecom_pipeline.reports.answers import write_answer

LAST = date(2026, 6, 28)  # a Sunday
FIRST = LAST - timedelta(days=52 * 7 - 1)


def weeks_of(
    seed: int, response: float, *, noise: float = 0.0, season: float = 0.0
) -> tuple[Floats, Floats, Floats]:
    """Spend, new customers and free demand of 52 weeks whose response to spend is known.

    `noise` is the spread of what else moves customers; with a season, spend follows the demand that brings customers.
    """
    random = np.random.default_rng(seed)
    demand = np.exp(season * np.sin(np.arange(52) / 52 * 2 * np.pi))
    spend = 1000 * demand * np.exp(random.normal(0, 0.35, 52))
    expected = 40 * (spend / 1000) ** response * demand * np.exp(random.normal(0, noise, 52))
    return spend, random.poisson(expected).astype(float), random.poisson(200 * demand).astype(float)


@pytest.mark.parametrize(("response", "noise"), [(0.6, 0.0), (0.6, 0.2), (0.9, 0.1), (0.3, 0.1)])
def test_the_interval_holds_the_truth_as_often_as_it_says(response: float, noise: float) -> None:
    held, middles = 0, []
    for seed in range(120):
        found = fit_response(*weeks_of(seed, response, noise=noise))
        assert found is not None
        held += found.low <= response <= found.high
        middles.append(found.middle)
    assert 0.83 <= held / 120 <= 0.97, "90 %, give or take what 120 trials allow"
    assert abs(np.mean(middles) - response) < 0.03


def test_a_season_is_not_taken_for_the_work_of_spend() -> None:
    """Spend and customers rise together at Christmas: without the free channels' demand, spend would take the credit."""
    told, naive = [], []
    for seed in range(40):
        spend, customers, demand = weeks_of(seed, 0.3, season=0.6)
        told.append(fit_response(spend, customers, demand))
        naive.append(fit_response(spend, customers, np.zeros(52)))
    assert abs(np.mean([one.middle for one in told if one]) - 0.3) < 0.05
    assert np.mean([one.middle for one in naive if one]) > 0.6


def test_what_was_never_tried_cannot_be_told() -> None:
    spend, customers, demand = weeks_of(1, 0.6)
    assert fit_response(np.full(52, 1000.0), customers, demand) is None, "spend that never moved"
    assert fit_response(spend[:25], customers[:25], demand[:25]) is None, "too few weeks"
    assert fit_response(spend, np.zeros(52), demand) is None, "nobody came"


@pytest.fixture
def shop() -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect() as connection:
        connection.execute(
            f"""
            CREATE SCHEMA model; CREATE SCHEMA config; CREATE SCHEMA kpi;
            CREATE TABLE config.shop AS SELECT DATE '{FIRST}' AS history_start;
            CREATE TABLE model.marketing_costs (day DATE, channel VARCHAR, cost DECIMAL(18, 4));
            CREATE TABLE model.customer_orders (day DATE, dimension VARCHAR, is_new BOOLEAN, first_channel VARCHAR);
            CREATE TABLE kpi.daily (kpi VARCHAR, day DATE, dimension VARCHAR, segment VARCHAR,
                numerator DECIMAL(18, 4), denominator DECIMAL(18, 4));
            CREATE TABLE kpi.days AS SELECT 'lifetime_value' AS kpi, DATE '{LAST}' AS day, 'complete' AS state
            UNION ALL SELECT 'customer_acquisition_cost', DATE '{FIRST}' + CAST(d.range AS INTEGER), 'complete'
            FROM RANGE({52 * 7}) AS d;
            """
        )
        yield connection


def fill(
    connection: duckdb.DuckDBPyConnection, channel: str, spend: Floats, customers: Floats, value: int | None
) -> None:
    for week, (cost, came) in enumerate(zip(spend, customers, strict=True)):
        day = FIRST + timedelta(days=7 * week + week % 7)
        connection.execute(
            "INSERT INTO model.marketing_costs VALUES (?, ?, ?)", [day, channel, Decimal(round(cost))]
        )
        connection.execute(
            "INSERT INTO model.customer_orders SELECT ?, 'total', TRUE, ? FROM RANGE(?)",
            [day, channel, int(came)],
        )
    if value is not None:
        connection.execute(
            "INSERT INTO kpi.daily VALUES ('lifetime_value', ?, 'channel', ?, ?, 10)",
            [LAST, channel, value * 10],
        )


def asked_of(connection: duckdb.DuckDBPyConnection) -> Answer:
    found = scaling.answer(connection, LAST + timedelta(days=3))
    assert found is not None
    return found


def test_channels_are_advised_by_what_the_next_customer_costs_and_is_worth(
    shop: duckdb.DuckDBPyConnection,
) -> None:
    spend, customers, _ = weeks_of(5, 0.8)
    fill(shop, "Paid Search", spend, customers, 200)  # an average customer costs about 25, the next about 31
    fill(shop, "Display", spend, customers, 12)
    fill(shop, "Paid Social", spend, customers, 32)
    fill(shop, "Affiliates", np.full(52, 500.0), customers, 200)
    fill(shop, "Email", spend, customers, None)
    rows: dict[Any, tuple[Any, ...]] = {row[0]: row for row in asked_of(shop).rows}
    assert {channel: row[-1] for channel, row in rows.items()} == {
        "Paid Search": "raise", "Display": "lower", "Paid Social": "hold", "Affiliates": "unknown", "Email": "unknown",
    }  # fmt: skip
    _, weekly, average, marginal, low, high, value, whose, brought, _ = rows["Paid Search"]
    assert (value, whose) == (200, "channel")
    recent = Decimal(sum(round(cost) for cost in spend[-4:]))
    assert weekly == (recent / 4).quantize(Decimal("0.01"))
    assert average == (recent / int(customers[-4:].sum())).quantize(Decimal("0.01"))
    assert low < average / Decimal("0.8") < high
    assert average < marginal
    assert brought == (200 / marginal).quantize(Decimal("0.01"))
    assert asked_of(shop).sentence == "raise_channel"
    assert asked_of(shop).parts["channel"].value == "Paid Search"


def test_spend_that_brings_nobody_has_no_cost_of_one_more(shop: duckdb.DuckDBPyConnection) -> None:
    spend, customers, _ = weeks_of(5, -0.8)
    fill(shop, "Display", spend, customers, 200)
    told = asked_of(shop)
    assert (told.rows[0][3], told.rows[0][-1]) == (None, "lower")
    assert told.sentence == "nothing"


def test_the_value_of_all_customers_stands_in_for_a_young_channels(shop: duckdb.DuckDBPyConnection) -> None:
    spend, customers, _ = weeks_of(5, 0.8)
    fill(shop, "Paid Search", spend, customers, None)
    shop.execute("INSERT INTO kpi.daily VALUES ('lifetime_value', ?, 'total', '', 2000, 10)", [LAST])
    told = asked_of(shop)
    first: tuple[Any, ...] = told.rows[0]
    assert first[-4:-2] == (200, "shop")
    assert (told.rows[0][-1], told.sentence) == ("raise", "raise_shop")
    for language, said in (("fr", "toute la boutique"), ("en", "the whole shop")):
        assert said in write_answer(told, language, "EUR").sentence
    shop.execute("UPDATE kpi.days SET state = 'immature' WHERE kpi = 'lifetime_value'")
    assert asked_of(shop).rows[0][-4:] == (None, None, None, "unknown")


def test_weeks_with_a_day_that_was_not_read_are_left_out_and_this_is_said(
    shop: duckdb.DuckDBPyConnection,
) -> None:
    """Orders of those weeks are missing, and spend stands there as ever: counted, they would bend the response."""
    spend, customers, _ = weeks_of(5, 0.8)
    broken = np.isin(np.arange(52), (20, 21, 22, 50))
    fill(shop, "Paid Search", spend, np.where(broken, 0, customers), 200)
    assert asked_of(shop).notes == ()
    for week in (20, 21, 22, 50):
        shop.execute(
            "UPDATE kpi.days SET state = 'missing' WHERE kpi = 'customer_acquisition_cost' AND day = ?",
            [FIRST + timedelta(days=7 * week + 6)],
        )
    told = asked_of(shop)
    assert told.notes == ("left_out",)
    assert told.parts["left_out"] == Part("count", Decimal(4))
    assert told.parts["weeks"] == Part("count", Decimal(52))
    row: tuple[Any, ...] = told.rows[0]
    _, weekly, average, marginal, *_ = row
    kept = [place for place in range(52) if not broken[place]][-4:]
    cost = Decimal(sum(round(spend[place]) for place in kept))
    assert weekly == (cost / 4).quantize(Decimal("0.01"))
    assert average == (cost / int(customers[kept].sum())).quantize(Decimal("0.01"))
    fitted = fit_response(spend[~broken].round(), customers[~broken], np.zeros(48))
    assert fitted is not None
    assert marginal == (average / Decimal(repr(fitted.middle))).quantize(Decimal("0.01"))


def test_costs_that_no_channel_bears_and_channels_that_stopped_are_not_told(
    shop: duckdb.DuckDBPyConnection,
) -> None:
    spend, customers, _ = weeks_of(5, 0.8)
    stopped = np.where(np.arange(52) < 48, spend, 0.0)
    fill(shop, "Unassigned", spend, customers, 200)
    fill(shop, "Display", stopped, customers, 200)
    assert scaling.answer(shop, LAST) is None
