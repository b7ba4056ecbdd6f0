"""What is open between orders, processors and the bank: nothing left out, the lost payout first."""

from __future__ import annotations

from collections import defaultdict
from decimal import Decimal

import duckdb
import pytest

from ecom_pipeline.insights.questions import reconciliation
from ecom_pipeline_tests.simulation import Simulation


def test_the_lost_payout_leads_with_its_amount_and_age(
    asked: Simulation, warehouse: duckdb.DuckDBPyConnection
) -> None:
    incident = next(one for one in asked.shop.incidents if one.key == "payout_lost")
    lost = next(
        one
        for one in asked.shop.payouts
        if one.processor == "stripe" and one.arrival_day == incident.first_day
    )
    answer = reconciliation.answer(warehouse, asked.shop.last_day)
    assert answer is not None and answer.sentence == "lost"
    age = Decimal((asked.shop.last_day - lost.arrival_day).days)
    amount = Decimal(lost.amount) / 100
    assert answer.rows[0] == ("payouts to bank", "missing at the bank", "stripe", Decimal(1), amount, age)
    assert (answer.parts["lost"].value, answer.parts["oldest"].value) == (amount, age)


def test_every_stage_adds_up_to_its_difference(
    asked: Simulation, warehouse: duckdb.DuckDBPyConnection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reconciliation, "MOST_ROWS", 1000)
    answer = reconciliation.answer(warehouse, asked.shop.last_day)
    assert answer is not None and not answer.others
    told: dict[object, Decimal] = defaultdict(Decimal)
    for stage, _, _, _, amount, _ in answer.rows:
        assert isinstance(amount, Decimal)
        told[stage] += amount
    wanted: dict[object, Decimal] = defaultdict(Decimal)
    for stage, expected, found in warehouse.execute(
        "SELECT stage, expected, found FROM model.reconciliation"
    ).fetchall():
        wanted[stage] += expected - found
    assert told == wanted and len(told) == 3


def test_what_processors_hold_is_their_balance(
    asked: Simulation, warehouse: duckdb.DuckDBPyConnection
) -> None:
    answer = reconciliation.answer(warehouse, asked.shop.last_day)
    assert answer is not None
    held: dict[str, int] = defaultdict(int)
    for one in asked.shop.balance_transactions:
        if one.created_at <= asked.world.now():
            held[one.processor] += one.net
    found = {row[2]: row[4] for row in answer.rows if row[1] == "with the processor"}
    assert found == {processor: Decimal(cents) / 100 for processor, cents in held.items() if cents}


def test_what_came_after_the_day_is_not_told(asked: Simulation, warehouse: duckdb.DuckDBPyConnection) -> None:
    first = reconciliation.answer(warehouse, asked.shop.first_day)
    assert first is not None
    assert first.sentence == "whole"
    assert not any(row[1] == "missing at the bank" for row in first.rows)
