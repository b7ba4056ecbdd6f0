"""Opening the warehouse: one writer at a time, waiting its turn patiently, closing whatever happens.

DuckDB admits a single writing process and no reader beside it. Writers therefore keep their turns
short; readers use the published copy (see `publish`).
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import duckdb

from ecom_pipeline.errors import EcomError

PATIENCE_SECONDS = 600.0


@contextmanager
def open_warehouse(
    file: Path,
    *,
    patience_seconds: float = PATIENCE_SECONDS,
    sleep: Callable[[float], None] = time.sleep,
) -> Iterator[duckdb.DuckDBPyConnection]:
    """A writing connection to the warehouse, with its schemas and ledgers in place.

    Raises:
        EcomError: another process kept the file longer than the patience.
    """
    file.parent.mkdir(parents=True, exist_ok=True)
    connection = _connect(file, patience_seconds, sleep)
    try:
        prepare(connection)
        yield connection
    finally:
        connection.close()


@contextmanager
def open_published(file: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    """A reading connection to the published copy.

    Raises:
        EcomError: nothing has been published yet.
    """
    if not file.is_file():
        raise EcomError(
            "There is no published warehouse yet.",
            why=f"{file} does not exist.",
            mend="Run the pipeline once: ecom-pipeline backfill --from … --to …",
        )
    connection = duckdb.connect(str(file), read_only=True)
    try:
        connection.execute("SET TimeZone = 'UTC'")
        yield connection
    finally:
        connection.close()


def _connect(
    file: Path, patience_seconds: float, sleep: Callable[[float], None]
) -> duckdb.DuckDBPyConnection:
    waited, pause = 0.0, 0.05
    while True:
        try:
            return duckdb.connect(str(file))
        except duckdb.IOException as error:
            if "lock" not in str(error).lower():
                raise EcomError(f"The warehouse {file} cannot be opened.", why=str(error)) from None
            if waited >= patience_seconds:
                raise EcomError(
                    f"The warehouse {file} stayed locked for {patience_seconds:.0f} s.",
                    why="Another process is writing to it, or a program has it open.",
                    mend="Wait for the other run, or close the program; readers should open the published copy.",
                ) from None
            sleep(pause)
            waited += pause
            pause = min(pause * 1.5, 2.0)


def prepare(connection: duckdb.DuckDBPyConnection) -> None:
    """Create schemas and ledgers that are not there yet."""
    connection.execute("SET TimeZone = 'UTC'")
    # Not the engine's 80 %: the orchestrator, its database and what is computed in Python live beside it.
    connection.execute("SET memory_limit = '50%'")
    # Keys packed before a join hide from it which blocks of a long table it need not read.
    connection.execute("SET disabled_optimizers = 'compressed_materialization'")
    # What a run changed is written into the tables when the file is closed, not again and again on the way.
    connection.execute("SET checkpoint_threshold = '1GB'")
    connection.execute(_SCHEMA)


_SCHEMA = """
CREATE SCHEMA IF NOT EXISTS raw;
CREATE SCHEMA IF NOT EXISTS mapped;
CREATE SCHEMA IF NOT EXISTS model;
CREATE SCHEMA IF NOT EXISTS kpi;
CREATE SCHEMA IF NOT EXISTS config;
CREATE SCHEMA IF NOT EXISTS ops;
CREATE SCHEMA IF NOT EXISTS run;
CREATE TABLE IF NOT EXISTS ops.loads (
    load_id BIGINT PRIMARY KEY, source VARCHAR NOT NULL, table_name VARCHAR NOT NULL,
    kind VARCHAR NOT NULL, first_day DATE NOT NULL, last_day DATE NOT NULL, asked_at TIMESTAMP NOT NULL,
    rows_read BIGINT NOT NULL, rows_stored BIGINT NOT NULL, rows_removed BIGINT NOT NULL,
    columns_seen VARCHAR NOT NULL
);
CREATE TABLE IF NOT EXISTS ops.loaded_days (
    source VARCHAR NOT NULL, table_name VARCHAR NOT NULL, day DATE NOT NULL,
    first_loaded_at TIMESTAMP NOT NULL, loaded_at TIMESTAMP NOT NULL,
    PRIMARY KEY (source, table_name, day)
);
CREATE TABLE IF NOT EXISTS ops.returned (
    source VARCHAR NOT NULL, table_name VARCHAR NOT NULL, _record VARCHAR NOT NULL, load_id BIGINT NOT NULL
);
CREATE TABLE IF NOT EXISTS ops.staged (
    source VARCHAR NOT NULL, table_name VARCHAR NOT NULL, load_id BIGINT NOT NULL,
    fingerprint VARCHAR NOT NULL, PRIMARY KEY (source, table_name)
);
CREATE SEQUENCE IF NOT EXISTS ops.change_sequence;
CREATE TABLE IF NOT EXISTS ops.changes (sequence BIGINT NOT NULL, node VARCHAR NOT NULL, day DATE);
CREATE TABLE IF NOT EXISTS ops.built (
    node VARCHAR PRIMARY KEY, sequence BIGINT NOT NULL, fingerprint VARCHAR NOT NULL, as_of DATE NOT NULL
);
CREATE TABLE IF NOT EXISTS ops.published (sequence BIGINT NOT NULL);
CREATE TABLE IF NOT EXISTS ops.sources (source VARCHAR PRIMARY KEY, vendor VARCHAR, title VARCHAR);
CREATE TABLE IF NOT EXISTS ops.source_days (
    source VARCHAR, day DATE, is_complete BOOLEAN, is_on_time BOOLEAN, loaded_at TIMESTAMP
);
CREATE TABLE IF NOT EXISTS ops.streams (source VARCHAR, table_name VARCHAR, change VARCHAR);
CREATE TABLE IF NOT EXISTS ops.feeds (canonical VARCHAR, source VARCHAR, table_name VARCHAR);
CREATE TABLE IF NOT EXISTS ops.needs (kpi VARCHAR, canonical VARCHAR);
CREATE TABLE IF NOT EXISTS kpi.daily (
    kpi VARCHAR NOT NULL, day DATE NOT NULL, dimension VARCHAR NOT NULL, segment VARCHAR NOT NULL,
    numerator DECIMAL(38, 4), denominator DECIMAL(38, 4), covered DECIMAL(38, 4), coverable DECIMAL(38, 4),
    low DECIMAL(38, 4), high DECIMAL(38, 4)
);
CREATE TABLE IF NOT EXISTS kpi.days (kpi VARCHAR NOT NULL, day DATE NOT NULL, state VARCHAR NOT NULL, reason VARCHAR);
CREATE TABLE IF NOT EXISTS kpi.restatements (
    kpi VARCHAR NOT NULL, day DATE NOT NULL, dimension VARCHAR NOT NULL, segment VARCHAR NOT NULL,
    numerator_before DECIMAL(38, 4), numerator_after DECIMAL(38, 4),
    denominator_before DECIMAL(38, 4), denominator_after DECIMAL(38, 4), changed_at TIMESTAMP NOT NULL, cause VARCHAR
);
ALTER TABLE kpi.restatements ADD COLUMN IF NOT EXISTS cause VARCHAR;
ALTER TABLE kpi.daily ADD COLUMN IF NOT EXISTS low DECIMAL(38, 4);
ALTER TABLE kpi.daily ADD COLUMN IF NOT EXISTS high DECIMAL(38, 4);
CREATE TABLE IF NOT EXISTS ops.origins (kpi VARCHAR, origin VARCHAR);
"""
