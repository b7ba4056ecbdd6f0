"""The raw log keeps the newest of what vendors said, once, and never an older answer over a newer one."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

import duckdb
import pytest

from ecom_pipeline.sources.contract import Table
from ecom_pipeline.warehouse.raw_log import restated_window, sweep_table

from .toy import ARTICLES, MONDAY, ORDERS, STOCK, VISITS, at, lines_of, living, load, order, window

Connection = duckdb.DuckDBPyConnection
TUESDAY = MONDAY + timedelta(days=1)


def visits(day: Any, page: str, count: int) -> dict[str, Any]:
    return {"day": day, "page": page, "visits": count}


@pytest.mark.parametrize(
    ("table", "rows"),
    [
        (ORDERS, [order("a", at(9), "3", "4"), order("b", at(10), "5")]),
        (VISITS, [visits(MONDAY, "/", 3), visits(MONDAY, "/cart", 1)]),
        (STOCK, [{"id": "x", "level": 3}]),
        (ARTICLES, [{"id": "x", "title": "Vase"}]),
    ],
)
def test_loading_the_same_answer_twice_changes_nothing(
    connection: Connection, tmp_path: Path, table: Table, rows: list[Any]
) -> None:
    def content() -> list[tuple[Any, ...]]:
        return connection.execute(
            f"SELECT * EXCLUDE (_load_id) FROM raw.toy__{table.name} ORDER BY ALL"
        ).fetchall()

    load(connection, tmp_path, table, rows, window())
    before = content()
    assert len(before) == len(rows)
    load(connection, tmp_path, table, rows, window())
    assert content() == before


def test_the_newest_version_wins_whatever_the_order_of_arrival(
    connection: Connection, tmp_path: Path
) -> None:
    newer, older = order("a", at(12), "7"), order("a", at(9), "3", "4")
    load(connection, tmp_path, ORDERS, [newer], window())
    result = load(connection, tmp_path, ORDERS, [older], window())
    assert result.rows_stored == 1
    assert living(connection, ORDERS, ["id", "CAST(amount AS INTEGER)"]) == [("a", 7)]
    assert lines_of(connection) == [("a-0", 7)]


def test_of_duplicates_in_one_answer_the_newest_is_kept(connection: Connection, tmp_path: Path) -> None:
    rows = [
        order("a", at(9), "3"),
        order("a", at(12), "7", "8"),
        order("a", at(11), "5"),
        order("b", at(9), "1"),
    ]
    result = load(connection, tmp_path, ORDERS, rows, window())
    assert (result.rows_read, result.rows_stored) == (4, 2)
    assert lines_of(connection) == [("a-0", 7), ("a-1", 8), ("b-0", 1)]


def test_a_record_that_changes_back_without_a_new_update_time(connection: Connection, tmp_path: Path) -> None:
    for amount in ("3", "4", "3"):
        load(connection, tmp_path, ORDERS, [order("a", at(9), amount)], window())
    assert lines_of(connection) == [("a-0", 3)]


def test_a_line_that_an_edit_removed_is_gone(connection: Connection, tmp_path: Path) -> None:
    load(connection, tmp_path, ORDERS, [order("a", at(9), "3", "4")], window())
    load(connection, tmp_path, ORDERS, [order("a", at(12), "3")], window())
    assert lines_of(connection) == [("a-0", 3)]


def test_a_row_delivered_twice_of_a_day_that_is_replaced(connection: Connection, tmp_path: Path) -> None:
    rows = [visits(MONDAY, "/", 3), visits(MONDAY, "/", 3), visits(MONDAY, "/cart", 1)]
    assert load(connection, tmp_path, VISITS, rows, window()).rows_stored == 2


def test_restated_days_are_replaced_and_an_emptied_day_vanishes(
    connection: Connection, tmp_path: Path
) -> None:
    load(connection, tmp_path, VISITS, [visits(MONDAY, "/", 3), visits(TUESDAY, "/", 4)], window(days=2))
    load(connection, tmp_path, VISITS, [visits(TUESDAY, "/", 5)], window(days=2))
    rows = connection.execute("SELECT day, visits FROM raw.toy__visits").fetchall()
    assert rows == [(TUESDAY, 5)]


def test_rows_outside_the_window_are_not_taken(connection: Connection, tmp_path: Path) -> None:
    result = load(connection, tmp_path, VISITS, [visits(MONDAY, "/", 3), visits(TUESDAY, "/", 4)], window())
    assert result.rows_stored == 1


def test_an_older_answer_never_replaces_restated_days(connection: Connection, tmp_path: Path) -> None:
    load(connection, tmp_path, VISITS, [visits(MONDAY, "/", 9)], window(asked_at=at(12, day=TUESDAY)))
    late = window(MONDAY - timedelta(days=1), 2, asked_at=at(7, day=TUESDAY))
    rows = [visits(MONDAY - timedelta(days=1), "/", 1), visits(MONDAY, "/", 3)]
    load(connection, tmp_path, VISITS, rows, late)
    found = connection.execute("SELECT day, visits FROM raw.toy__visits ORDER BY day").fetchall()
    assert found == [(MONDAY - timedelta(days=1), 1), (MONDAY, 9)]


def test_an_older_answer_never_replaces_a_snapshot(connection: Connection, tmp_path: Path) -> None:
    load(connection, tmp_path, STOCK, [{"id": "x", "level": 9}], window(asked_at=at(12, day=TUESDAY)))
    load(connection, tmp_path, STOCK, [{"id": "x", "level": 3}], window(asked_at=at(7, day=TUESDAY)))
    assert connection.execute("SELECT level FROM raw.toy__stock").fetchall() == [(9,)]


def test_an_older_answer_never_replaces_a_table_read_whole(connection: Connection, tmp_path: Path) -> None:
    new, old = window(asked_at=at(12, day=TUESDAY)), window(asked_at=at(7, day=TUESDAY))
    load(connection, tmp_path, ARTICLES, [{"id": "x", "title": "Vase"}], new)
    load(connection, tmp_path, ARTICLES, [{"id": "x", "title": "Pot"}, {"id": "y", "title": "Bol"}], old)
    assert living(connection, ARTICLES, ["id", "title"]) == [("x", "Vase")]


def test_a_snapshot_is_of_the_newest_day_only(connection: Connection, tmp_path: Path) -> None:
    asked = window(MONDAY - timedelta(days=30), 10, asked_at=at(6, day=TUESDAY))
    load(connection, tmp_path, STOCK, [{"id": "x", "level": 3}], asked)
    assert connection.execute("SELECT snapshot_day, level FROM raw.toy__stock").fetchall() == [(MONDAY, 3)]
    assert connection.execute("SELECT day FROM ops.loaded_days").fetchall() == [(MONDAY,)]
    assert connection.execute("SELECT first_day, last_day FROM ops.loads").fetchall() == [(MONDAY, MONDAY)]


def test_what_vanished_from_a_whole_table_is_gone_and_may_return(
    connection: Connection, tmp_path: Path
) -> None:
    both = [{"id": "x", "title": "Vase"}, {"id": "y", "title": "Bol"}]
    load(connection, tmp_path, ARTICLES, both, window())
    assert load(connection, tmp_path, ARTICLES, both[:1], window()).rows_removed == 1
    assert living(connection, ARTICLES, ["id"]) == [("x",)]
    load(connection, tmp_path, ARTICLES, both, window())
    assert living(connection, ARTICLES, ["id"]) == [("x",), ("y",)]


def test_a_sweep_takes_only_what_was_created_in_its_days(connection: Connection, tmp_path: Path) -> None:
    rows = [
        order("a", at(9), "3"),
        order("b", at(9), "4"),
        order("old", at(9), "5", created_at=at(9, day=MONDAY - timedelta(days=9))),
    ]
    load(connection, tmp_path, ORDERS, rows, window())
    assert sweep_table(connection, "toy", ORDERS, window(), ["a"]).rows_stored == 1
    assert lines_of(connection) == [("a-0", 3), ("old-0", 5)]
    assert sweep_table(connection, "toy", ORDERS, window(), ["a"]).rows_stored == 0
    sweep_table(connection, "toy", ORDERS, window(), ["a", "b"])
    assert lines_of(connection) == [("a-0", 3), ("b-0", 4), ("old-0", 5)]


def test_a_swept_record_that_was_touched_later_lives(connection: Connection, tmp_path: Path) -> None:
    load(connection, tmp_path, ORDERS, [order("a", at(9), "3")], window())
    sweep_table(connection, "toy", ORDERS, window(), [])
    load(connection, tmp_path, ORDERS, [order("a", at(9), "3")], window())  # the answer from before the sweep
    assert lines_of(connection) == []
    load(connection, tmp_path, ORDERS, [order("a", at(9, day=TUESDAY), "3")], window(TUESDAY))
    assert lines_of(connection) == [("a-0", 3)]


def test_a_new_column_of_the_vendor_is_reported_once(connection: Connection, tmp_path: Path) -> None:
    plain = visits(MONDAY, "/", 3)
    wider = {**plain, "bounces": 1}
    results = [load(connection, tmp_path, VISITS, [row], window()) for row in (plain, wider, wider)]
    assert [result.new_columns for result in results] == [(), ("bounces",), ()]


def test_days_are_marked_as_read_up_to_the_newest_complete_one(
    connection: Connection, tmp_path: Path
) -> None:
    load(connection, tmp_path, VISITS, [], window(MONDAY, 5, asked_at=at(6, day=MONDAY + timedelta(days=3))))
    days = [day for (day,) in connection.execute("SELECT day FROM ops.loaded_days ORDER BY day").fetchall()]
    assert days == [MONDAY, TUESDAY, MONDAY + timedelta(days=2)]


@pytest.mark.parametrize(
    ("first", "last", "asked", "begins"),
    [(10, 10, 11, 8), (1, 10, 11, 1), (1, 3, 11, 1), (9, 9, 11, 8), (1, 12, 11, 1)],
)
def test_a_run_reads_the_days_a_vendor_may_still_restate(
    first: int, last: int, asked: int, begins: int
) -> None:
    days = [MONDAY + timedelta(days=n) for n in range(20)]
    wanted = window(days[first], last - first + 1, asked_at=at(6, day=days[asked]))
    widened = restated_window(VISITS, wanted)
    assert (widened.first_day, widened.last_day) == (days[begins], days[last])
    assert restated_window(ORDERS, wanted) == wanted
