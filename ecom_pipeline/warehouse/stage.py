"""From the raw log to the canonical tables: only the records that changed, and the days they touch."""

from __future__ import annotations

import duckdb

from ecom_pipeline.errors import DefinitionError
from ecom_pipeline.sources.contract import Change
from ecom_pipeline.warehouse.catalog import Catalog, Mapping, Stream, canonical_tables
from ecom_pipeline.warehouse.changes import log_changes, name_source, record_changes
from ecom_pipeline.warehouse.functions import Expansion
from ecom_pipeline.warehouse.raw_log import newest, raw_table, transaction
from ecom_pipeline.warehouse.rewrite import with_sources
from ecom_pipeline.warehouse.rows import fetch_row


def ensure_canonical(connection: duckdb.DuckDBPyConnection) -> None:
    """Create the canonical tables that are not there yet."""
    for name, table in canonical_tables().items():
        connection.execute(f"CREATE TABLE IF NOT EXISTS mapped.{name} ({_declared(name)})")
        present = {row[0] for row in connection.execute(f"DESCRIBE mapped.{name}").fetchall()}
        for column, kind in table.columns.items():
            if column not in present:
                connection.execute(f"ALTER TABLE mapped.{name} ADD COLUMN {column} {kind}")


def _declared(canonical: str) -> str:
    columns = ", ".join(f"{column} {kind}" for column, kind in canonical_tables()[canonical].columns.items())
    return f"_source VARCHAR, _mapping VARCHAR, _record VARCHAR, {columns}"


def stage(connection: duckdb.DuckDBPyConnection, catalog: Catalog, time_zone: str) -> None:
    """Bring the canonical tables up to the raw log, stream by stream, each in one transaction.

    Rows of sources that are no longer configured are taken out.
    """
    ensure_canonical(connection)
    if not _is_as_staged(connection, catalog, time_zone):
        _remove_unconfigured(connection, catalog)
    for stream in catalog.streams:
        if stream.mappings and _is_loaded(connection, stream):
            _stage_stream(connection, catalog, stream, time_zone)


def _fingerprint(stream: Stream, time_zone: str) -> str:
    return "|".join((time_zone, *(f"{mapping.name}: {mapping.sql}" for mapping in stream.mappings)))


def _is_as_staged(connection: duckdb.DuckDBPyConnection, catalog: Catalog, time_zone: str) -> bool:
    """Whether all that was ever staged came from what is configured now, by the same mappings."""
    configured = {
        (stream.source, stream.table.name): _fingerprint(stream, time_zone) for stream in catalog.streams
    }
    staged = connection.execute("SELECT source, table_name, fingerprint FROM ops.staged").fetchall()
    return all(configured.get((source, table)) == fingerprint for source, table, fingerprint in staged)


def _stage_stream(
    connection: duckdb.DuckDBPyConnection, catalog: Catalog, stream: Stream, time_zone: str
) -> None:
    fingerprint = _fingerprint(stream, time_zone)
    row = fetch_row(
        connection,
        "SELECT load_id, fingerprint FROM ops.staged WHERE source = ? AND table_name = ?",
        [stream.source, stream.table.name],
    )
    watermark = row[0] if row and row[1] == fingerprint else 0
    newest_load = fetch_row(
        connection,
        "SELECT COALESCE(MAX(load_id), 0) FROM ops.loads WHERE source = ? AND table_name = ?",
        [stream.source, stream.table.name],
    )
    assert newest_load is not None
    if newest_load[0] <= watermark:
        return
    with transaction(connection):
        _find_changed(connection, stream, watermark)
        replacements = _latest_tables(connection, stream, everything=watermark == 0)
        for mapping in stream.mappings:
            changes = _apply(connection, stream, mapping, Expansion(time_zone, stream.source), replacements)
            watched = catalog.watched(changes)
            columns = ", ".join(canonical_tables()[mapping.canonical].columns)
            after = f"(SELECT {columns} FROM rows_mapped)"
            if record_changes(connection, changes, "rows_before", after, watched):
                name_source(connection, changes, stream.source)
        connection.execute(
            "INSERT OR REPLACE INTO ops.staged VALUES (?, ?, ?, ?)",
            [stream.source, stream.table.name, newest_load[0], fingerprint],
        )
    for name in {"rows_mapped", *replacements.values()}:  # a long history's would fill the memory
        connection.execute(f"DROP TABLE IF EXISTS {name}")


def _find_changed(connection: duckdb.DuckDBPyConnection, stream: Stream, watermark: int) -> None:
    """run.records: keys (or days) that a load newer than the watermark may have changed."""
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
    connection.execute(f"CREATE OR REPLACE TEMP TABLE changed_records AS {sql}", parameters)


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
    stream: Stream,
    mapping: Mapping,
    expansion: Expansion,
    replacements: dict[str, str],
) -> str:
    """Replace the changed records' rows in one canonical table: rows_before, rows_mapped; gives its name."""
    target = f"mapped.{mapping.canonical}"
    own = f"_source = '{stream.source}' AND _mapping = '{mapping.name}'"
    columns = list(canonical_tables()[mapping.canonical].columns)
    query = with_sources(mapping.sql, expansion, replacements)
    given = [row[0] for row in connection.execute(f"DESCRIBE {query}").fetchall()]
    unknown = sorted(set(given) - set(columns) - {"_record"})
    if unknown or "_record" not in given:
        raise DefinitionError(
            f"{stream.vendor}/{mapping.name}.sql gives {', '.join(unknown) or 'no _record'}.",
            mend=f"A mapping gives _record and columns of {mapping.canonical}: {', '.join(columns)}.",
        )
    named, mine = ", ".join(columns), f"{own} AND _record IN (SELECT _record FROM changed_records)"
    connection.execute(
        f"CREATE OR REPLACE TEMP TABLE rows_before AS SELECT {named} FROM {target} WHERE {mine}"
    )
    if fetch_row(connection, "SELECT 1 FROM rows_before LIMIT 1") is not None:
        connection.execute(f"DELETE FROM {target} WHERE {mine}")
    # In a table of the same columns first: what was stored is then compared without looking for it.
    connection.execute(f"CREATE OR REPLACE TEMP TABLE rows_mapped ({_declared(mapping.canonical)})")
    connection.execute(
        f"INSERT INTO rows_mapped BY NAME SELECT '{stream.source}' AS _source, '{mapping.name}' AS _mapping, "
        f"{', '.join(given)} FROM ({query})"
    )
    connection.execute(f"INSERT INTO {target} BY NAME SELECT * FROM rows_mapped")
    return target


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


def _is_loaded(connection: duckdb.DuckDBPyConnection, stream: Stream) -> bool:
    row = fetch_row(
        connection,
        "SELECT 1 FROM ops.loads WHERE source = ? AND table_name = ? LIMIT 1",
        [stream.source, stream.table.name],
    )
    return row is not None
