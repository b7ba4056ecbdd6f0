"""What a vendor's answer may not be: every misfit stops the table, and nothing of it is stored."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import pytest

from ecom_pipeline.errors import SchemaError

from .toy import MONDAY, ORDERS, VISITS, at, load, order, window

GOOD = {**order("a", at(9), "3"), "note": "ignored"}


def without(name: str) -> dict[str, Any]:
    return {key: value for key, value in GOOD.items() if key != name}


def with_line(**changes: Any) -> dict[str, Any]:
    return {**GOOD, "lines": [{"id": "a-0", "amount": "3", **changes}]}


@pytest.mark.parametrize(
    ("row", "named"),
    [
        (without("amount"), "toy.orders: column amount is missing"),
        (without("lines"), "toy.orders: column lines is missing"),
        ({**GOOD, "lines": [{"id": "a-0"}]}, "toy.lines: column amount is missing"),
        ({**GOOD, "id": None}, "toy.orders: column id is empty"),
        ({**GOOD, "amount": 3.1}, "toy.orders: column amount is not decimal"),
        ({**GOOD, "amount": "three"}, "toy.orders: column amount is not decimal"),
        ({**GOOD, "amount": True}, "toy.orders: column amount is not decimal"),
        ({**GOOD, "amount": {"value": "3"}}, "toy.orders: column amount is not decimal"),
        (with_line(amount=3.1), "toy.lines: column amount is not decimal"),
        ({**GOOD, "id": 7}, "toy.orders: column id is not string"),
        ({**GOOD, "updated_at": "2026-03-02T09:00:00"}, "toy.orders: column updated_at is not timestamp"),
        (
            {**GOOD, "updated_at": at(9).replace(tzinfo=None)},
            "toy.orders: column updated_at is not timestamp",
        ),
        ({**GOOD, "updated_at": 1_700_000_000}, "toy.orders: column updated_at is not timestamp"),
    ],
)
def test_a_misfit_is_named_and_nothing_is_stored(
    connection: duckdb.DuckDBPyConnection, tmp_path: Path, row: dict[str, Any], named: str
) -> None:
    folder = tmp_path / "spool"
    load(connection, folder, ORDERS, [GOOD], window())
    before = connection.execute("SELECT * FROM raw.toy__orders").fetchall()
    with pytest.raises(SchemaError, match=named) as caught:
        load(connection, folder, ORDERS, [order("b", at(9), "4"), row], window())
    assert caught.value.mend
    assert connection.execute("SELECT * FROM raw.toy__orders").fetchall() == before
    assert connection.execute("SELECT COUNT(*) FROM ops.loads").fetchone() == (1,)
    assert list(folder.iterdir()) == []


@pytest.mark.parametrize(
    ("row", "named"),
    [
        ({"day": MONDAY, "page": "/", "visits": "3"}, "column visits is not integer"),
        ({"day": MONDAY, "page": "/", "visits": 3.0}, "column visits is not integer"),
        ({"day": MONDAY, "page": "/", "visits": True}, "column visits is not integer"),
        ({"day": at(9), "page": "/", "visits": 3}, "column day is not date"),
        ({"day": "yesterday", "page": "/", "visits": 3}, "column day is not date"),
    ],
)
def test_numbers_and_days_are_not_guessed(
    connection: duckdb.DuckDBPyConnection, tmp_path: Path, row: dict[str, Any], named: str
) -> None:
    with pytest.raises(SchemaError, match=named):
        load(connection, tmp_path, VISITS, [row], window())


def test_money_and_instants_arrive_exactly(connection: duckdb.DuckDBPyConnection, tmp_path: Path) -> None:
    row = {**GOOD, "amount": "123456789012.345678", "updated_at": "2026-10-25T02:30:00+01:00"}
    load(connection, tmp_path, ORDERS, [row], window())
    found = connection.execute("SELECT amount, updated_at FROM raw.toy__orders").fetchone()
    expected = datetime(2026, 10, 25, 1, 30, tzinfo=UTC).replace(tzinfo=None)
    assert found == (Decimal("123456789012.345678"), expected)
