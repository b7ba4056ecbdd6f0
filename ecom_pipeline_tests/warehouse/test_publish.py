"""Readers see a whole copy or the one before; writers wait for their turn."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import duckdb
import pytest

from ecom_pipeline.errors import EcomError
from ecom_pipeline.warehouse.connection import open_published, open_warehouse
from ecom_pipeline.warehouse.publish import PUBLISHED_SCHEMAS, publish

HOLD = """
import sys, duckdb
connection = duckdb.connect(sys.argv[1])
print("held", flush=True)
sys.stdin.read()
"""


class Breaking:
    """A connection that fails on the statement containing a text."""

    def __init__(self, connection: duckdb.DuckDBPyConnection, text: str) -> None:
        self._connection, self._text = connection, text

    def execute(self, sql: str, *rest: object) -> duckdb.DuckDBPyConnection:
        if self._text in sql:
            raise OSError("no space left")
        return self._connection.execute(sql, *rest)


@pytest.fixture
def filled(connection: duckdb.DuckDBPyConnection) -> duckdb.DuckDBPyConnection:
    connection.execute("CREATE TABLE model.orders AS SELECT 1 AS version")
    connection.execute("CREATE TABLE raw.shop__orders AS SELECT 1 AS version")
    return connection


def version(file: Path) -> int:
    with open_published(file) as reader:
        row = reader.execute("SELECT version FROM model.orders").fetchone()
    assert row is not None
    return int(row[0])


def test_the_copy_holds_models_kpis_and_ledgers_only(
    filled: duckdb.DuckDBPyConnection, tmp_path: Path
) -> None:
    file = tmp_path / "published" / "copy.duckdb"
    assert publish(filled, file) == file.stat().st_size
    with open_published(file) as reader:
        schemas = {row[0] for row in reader.execute("SELECT schema_name FROM duckdb_tables()").fetchall()}
        with pytest.raises(duckdb.Error, match="read-only"):
            reader.execute("CREATE TABLE model.x (y INTEGER)")
    assert schemas <= set(PUBLISHED_SCHEMAS)
    assert {"model", "kpi", "ops"} <= schemas


def test_a_reader_keeps_the_copy_it_opened(filled: duckdb.DuckDBPyConnection, tmp_path: Path) -> None:
    file = tmp_path / "copy.duckdb"
    publish(filled, file)
    with open_published(file) as reader:
        filled.execute("UPDATE model.orders SET version = 2")
        publish(filled, file)
        assert reader.execute("SELECT version FROM model.orders").fetchone() == (1,)
    assert version(file) == 2


@pytest.mark.parametrize("text", ["ATTACH", "EXISTS published.kpi", "published.model", "DETACH"])
def test_a_publication_that_fails_leaves_the_copy_before(
    filled: duckdb.DuckDBPyConnection, tmp_path: Path, text: str
) -> None:
    file = tmp_path / "copy.duckdb"
    publish(filled, file)
    filled.execute("UPDATE model.orders SET version = 2")
    with pytest.raises(OSError, match="no space"):
        publish(Breaking(filled, text), file)  # type: ignore[arg-type]
    assert version(file) == 1
    if text != "DETACH":
        publish(filled, file)
        assert version(file) == 2
        assert [entry.name for entry in tmp_path.glob("*.new*")] == []


def test_without_a_copy_the_reader_is_told_what_to_do(tmp_path: Path) -> None:
    with (
        pytest.raises(EcomError, match="no published warehouse") as caught,
        open_published(tmp_path / "none"),
    ):
        pass
    assert "backfill" in caught.value.mend


def hold(file: Path) -> subprocess.Popen[str]:
    """Another process that has the warehouse open."""
    process = subprocess.Popen(
        [sys.executable, "-c", HOLD, str(file)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "held\n"
    return process


def release(process: subprocess.Popen[str]) -> None:
    os.kill(process.pid, signal.SIGKILL)
    process.communicate()


def test_a_writer_waits_until_the_other_is_done(tmp_path: Path) -> None:
    file = tmp_path / "warehouse.duckdb"
    other, pauses = hold(file), []

    def sleep(seconds: float) -> None:
        pauses.append(seconds)
        if len(pauses) == 3:
            release(other)

    with open_warehouse(file, sleep=sleep) as connection:
        assert connection.execute("SELECT COUNT(*) FROM ops.loads").fetchone() == (0,)
    assert len(pauses) >= 3


def test_patience_ends_with_a_clear_word(tmp_path: Path) -> None:
    file = tmp_path / "warehouse.duckdb"
    pauses: list[float] = []
    other = hold(file)
    try:
        with (
            pytest.raises(EcomError, match="stayed locked for 10 s") as caught,
            open_warehouse(file, patience_seconds=10, sleep=pauses.append),
        ):
            pass
    finally:
        release(other)
    assert 10 <= sum(pauses) < 13
    assert "published copy" in caught.value.mend


def test_the_connection_is_closed_when_the_work_fails(tmp_path: Path) -> None:
    file = tmp_path / "warehouse.duckdb"
    with pytest.raises(RuntimeError), open_warehouse(file):
        raise RuntimeError
    release(hold(file))  # another process could not open it otherwise


def test_a_file_that_is_no_warehouse_is_named(tmp_path: Path) -> None:
    file = tmp_path / "warehouse.duckdb"
    file.write_text("not a database" * 1000)
    with pytest.raises((EcomError, duckdb.Error), match=r"warehouse\.duckdb"), open_warehouse(file):
        pass
