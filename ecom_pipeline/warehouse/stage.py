"""From the raw log to the canonical tables: only the records that changed, and the days they touch."""

from __future__ import annotations

import duckdb

from ecom_pipeline.errors import DefinitionError
from ecom_pipeline.sources.contract import Change
from ecom_pipeline.warehouse.catalog import Catalog, Mapping, Stream, canonical_tables
from ecom_pipeline.warehouse.changes import log_changes, record_changes
from ecom_pipeline.warehouse.functions import Expansion
from ecom_pipeline.warehouse.raw_log import newest, raw_table, transaction
from ecom_pipeline.warehouse.rewrite import columns_given, with_sources
from ecom_pipeline.warehouse.rows import fetch_row


def ensure_canonical(connection: duckdb.DuckDBPyConnection) -> None:
    """Create the canonical tables, and columns of theirs, that are not there yet."""
    present: dict[str, set[str]] = {}
    for name, column in connection.execute(
        "SELECT table_name, column_name FROM duckdb_columns() "
        "WHERE schema_name = 'mapped' AND database_name = CURRENT_DATABASE()"
    ).fetchall():
        present.setdefault(name, set()).add(column)
    for name, table in canonical_tables().items():
        if name not in present:
            connection.execute(f"CREATE TABLE mapped.{name} ({_declared(name)})")
            continue
        for column, kind in table.columns.items():
            if column not in present[name]:
                connection.execute(f"ALTER TABLE mapped.{name} ADD COLUMN {column} {kind}")


def _declared(canonical: str) -> str:
    columns = ", ".join(f"{column} {kind}" for column, kind in canonical_tables()[canonical].columns.items())
    return f"_source VARCHAR, _mapping VARCHAR, _record VARCHAR, {columns}"


def stage(connection: duckdb.DuckDBPyConnection, catalog: Catalog, time_zone: str) -> None:
    """Bring the canonical tables up to the raw log, stream by stream, each in one transaction.

    Rows of sources that are no longer configured are taken out.
    """
    ensure_canonical(connection)
    fingerprints = {
        (stream.source, stream.table.name): _fingerprint(stream, time_zone) for stream in catalog.streams
    }
    staged = _staged(connection)
    if any(fingerprints.get(stream) != fingerprint for stream, (_, fingerprint) in staged.items()):
        _remove_unconfigured(connection, catalog)
        staged = _staged(connection)
    loaded = {
        (source, table): load_id
        for source, table, load_id in connection.execute(
            "SELECT source, table_name, MAX(load_id) FROM ops.loads GROUP BY source, table_name"
        ).fetchall()
    }
    for stream in catalog.streams:
        key = (stream.source, stream.table.name)
        load_id, fingerprint = staged.get(key, (0, ""))
        watermark = load_id if fingerprint == fingerprints[key] else 0
        if stream.mappings and loaded.get(key, 0) > watermark:
            with transaction(connection):
                _stage_stream(connection, catalog, stream, time_zone, watermark)
                connection.execute(
                    "INSERT OR REPLACE INTO ops.staged VALUES (?, ?, ?, ?)",
                    [*key, loaded[key], fingerprints[key]],
                )
            if watermark == 0:  # a long history's rows would fill the memory
                for name in (
                    "rows_mapped",
                    "latest_rows",
                    *(f"latest_{c.name}" for c in stream.table.children),
                ):
                    connection.execute(f"DROP TABLE IF EXISTS {name}")


def _fingerprint(stream: Stream, time_zone: str) -> str:
    return "|".join((time_zone, *(f"{mapping.name}: {mapping.sql}" for mapping in stream.mappings)))


def _staged(connection: duckdb.DuckDBPyConnection) -> dict[tuple[str, str], tuple[int, str]]:
    """Of each stream that was ever staged the newest load, and by which mappings."""
    return {
        (source, table): (load_id, fingerprint)
        for source, table, load_id, fingerprint in connection.execute(
            "SELECT source, table_name, load_id, fingerprint FROM ops.staged"
        ).fetchall()
    }


def _stage_stream(
    connection: duckdb.DuckDBPyConnection, catalog: Catalog, stream: Stream, time_zone: str, watermark: int
) -> None:
    """Bring the rows of the records that loads after the watermark may have changed up to the raw log."""
    if not _find_changed(connection, stream, watermark):
        return
    replacements = _latest_tables(connection, stream, everything=watermark == 0)
    for mapping in stream.mappings:
        _apply(connection, catalog, stream, mapping, Expansion(time_zone, stream.source), replacements)


def _find_changed(connection: duckdb.DuckDBPyConnection, stream: Stream, watermark: int) -> bool:
    """changed_records: keys (or days) that a load newer than the watermark may have changed; whether there are any."""
    name = raw_table(stream.source, stream.table.name)
    if watermark == 0:
        mapped = "".join(
            f" UNION SELECT _record FROM mapped.{mapping.canonical} "
            f"WHERE _source = '{stream.source}' AND _mapping = '{mapping.name}'"
            for mapping in stream.mappings
        )
        sql, parameters = f"SELECT DISTINCT _record FROM {name}{mapped}", []
    elif stream.table.change in (Change.LOG, Change.FULL):
        sql = f"""SELECT DISTINCT _record FROM {name} WHERE _load_id > ?
                  UNION SELECT _record FROM ops.returned WHERE source = ? AND table_name = ? AND load_id > ?"""
        parameters = [watermark, stream.source, stream.table.name, watermark]
    else:
        sql = """SELECT DISTINCT CAST(CAST(d.day AS DATE) AS VARCHAR) AS _record
                 FROM ops.loads AS l, GENERATE_SERIES(l.first_day, l.last_day, INTERVAL 1 DAY) AS d(day)
                 WHERE l.source = ? AND l.table_name = ? AND l.load_id > ?"""
        parameters = [stream.source, stream.table.name, watermark]
    row = fetch_row(connection, f"CREATE OR REPLACE TEMP TABLE changed_records AS {sql}", parameters)
    return row != (0,)


def _latest_tables(
    connection: duckdb.DuckDBPyConnection, stream: Stream, *, everything: bool
) -> dict[str, str]:
    """Temporary tables with the newest living version of the changed records, children beside them."""
    name = raw_table(stream.source, stream.table.name)
    changed = "" if everything else "WHERE _record IN (SELECT _record FROM changed_records)"
    if stream.table.change in (Change.LOG, Change.FULL):
        query = newest(stream.source, stream.table).replace(f"FROM {name})", f"FROM {name} {changed})")
        query = f"SELECT * FROM ({query}) WHERE NOT _deleted"
    else:
        query = f"SELECT * FROM {name} {changed}"
    tables = {stream.table.name: "latest_rows"}
    connection.execute(f"CREATE OR REPLACE TEMP TABLE latest_rows AS {query}")
    for child in stream.table.children:
        tables[child.name] = f"latest_{child.name}"
        connection.execute(
            f"""CREATE OR REPLACE TEMP TABLE {tables[child.name]} AS
                SELECT c.* FROM {raw_table(stream.source, child.name)} AS c
                JOIN latest_rows AS p ON p._record = c._record AND p._load_id = c._load_id"""
        )
    return tables


def _apply(
    connection: duckdb.DuckDBPyConnection,
    catalog: Catalog,
    stream: Stream,
    mapping: Mapping,
    expansion: Expansion,
    replacements: dict[str, str],
) -> None:
    """Replace the changed records' rows in one canonical table, unless they come out as they were."""
    target = f"mapped.{mapping.canonical}"
    columns = ["_record", *canonical_tables()[mapping.canonical].columns]
    given = columns_given(mapping.sql)
    unknown = sorted(set(given) - set(columns))
    if unknown or "_record" not in given:
        raise DefinitionError(
            f"{stream.vendor}/{mapping.name}.sql gives {', '.join(unknown) or 'no _record'}.",
            mend=f"A mapping gives columns of {mapping.canonical}: {', '.join(columns)}.",
        )
    own = f"_source = '{stream.source}' AND _mapping = '{mapping.name}'"
    mine = f"{own} AND _record IN (SELECT _record FROM changed_records)"
    connection.execute(
        f"CREATE OR REPLACE TEMP TABLE rows_before AS SELECT {', '.join(columns)} FROM {target} WHERE {mine}"
    )
    # In a table of the same columns first: what was stored is then compared without looking for it.
    connection.execute(f"CREATE OR REPLACE TEMP TABLE rows_mapped ({_declared(mapping.canonical)})")
    connection.execute(
        f"INSERT INTO rows_mapped BY NAME SELECT '{stream.source}' AS _source, '{mapping.name}' AS _mapping, "
        f"{', '.join(given)} FROM ({with_sources(mapping.sql, expansion, replacements)})"
    )
    after = f"(SELECT {', '.join(columns)} FROM rows_mapped)"
    record_changes(connection, target, "rows_before", after, catalog.watched(target), stream.source)
    if fetch_row(connection, "SELECT 1 FROM rows_changed LIMIT 1") is not None:
        connection.execute(f"DELETE FROM {target} WHERE {mine}")
        connection.execute(f"INSERT INTO {target} BY NAME SELECT * FROM rows_mapped ORDER BY day")


def _remove_unconfigured(connection: duckdb.DuckDBPyConnection, catalog: Catalog) -> None:
    configured = [
        f"{stream.source}/{mapping.name}" for stream in catalog.streams for mapping in stream.mappings
    ]
    # All in one: what was staged is the only trace of what may still stand in a canonical table.
    with transaction(connection):
        for name in canonical_tables():
            stale = connection.execute(
                f"SELECT DISTINCT _source, _mapping FROM mapped.{name} WHERE NOT LIST_CONTAINS(?, _source || '/' || _mapping)",
                [configured],
            ).fetchall()
            for source, mapping in stale:
                own = f"mapped.{name} WHERE _source = '{source}' AND _mapping = '{mapping}'"
                for column in catalog.watched(f"mapped.{name}"):
                    days = f"SELECT DISTINCT {column} AS day FROM {own}"
                    log_changes(connection, f"mapped.{name}@{column}", days)
                log_changes(connection, f"mapped.{name}", f"SELECT DISTINCT day FROM {own}")
                connection.execute(f"DELETE FROM {own}")
                connection.execute("DELETE FROM ops.staged WHERE source = ?", [source])
