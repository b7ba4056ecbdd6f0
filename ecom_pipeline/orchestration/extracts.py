"""Every vendor table as an asset; one step per source, so that a vendor is signed in to and retried once."""

# No postponed annotations here: Dagster compares the annotation of `context` with its own classes.

from collections.abc import Iterator, Mapping, Sequence
from datetime import timedelta

import dagster as dg

from ecom_pipeline.errors import AuthenticationError, EcomError, SchemaError, SourceError
from ecom_pipeline.orchestration.checks import DAY_IS_COMPLETE, as_result, check_table_day
from ecom_pipeline.orchestration.keys import DATA_TEAM, extract_key, source_group
from ecom_pipeline.orchestration.metadata import table_columns
from ecom_pipeline.orchestration.partitions import daily_partitions, days_of
from ecom_pipeline.orchestration.progress import Progress, report_progress
from ecom_pipeline.pipeline import Pipeline
from ecom_pipeline.sources.contract import Table
from ecom_pipeline.warehouse.connection import open_warehouse
from ecom_pipeline.warehouse.raw_log import LoadResult

CHUNK_DAYS = 92
RETRIES = dg.RetryPolicy(max_retries=2, delay=20, backoff=dg.Backoff.EXPONENTIAL, jitter=dg.Jitter.PLUS_MINUS)

_Outcome = dg.MaterializeResult[None] | dg.AssetCheckResult


def extract_assets(pipeline: Pipeline, source: str, retries: dg.RetryPolicy = RETRIES) -> dg.AssetsDefinition:
    """All tables of one source; each is stored for itself, and one that fails leaves the others stored."""
    tables = {extract_key(source, table.name): table for table in pipeline.tables(source)}

    @dg.multi_asset(
        name=f"extract_{source}",
        specs=[_spec(pipeline, source, table) for table in tables.values()],
        check_specs=[
            dg.AssetCheckSpec(DAY_IS_COMPLETE, asset=key, description="The newest complete day was read.")
            for key in tables
        ],
        partitions_def=daily_partitions(pipeline.settings),
        backfill_policy=dg.BackfillPolicy.multi_run(CHUNK_DAYS),
        can_subset=True,
        retry_policy=retries,
    )
    def extract(context: dg.AssetExecutionContext) -> Iterator[_Outcome]:
        wanted = context.selected_asset_keys - _stored_before(context)
        failed: dict[Table, Exception] = {}
        for number, (key, table) in enumerate(tables.items()):
            report_progress(Progress("extract", f"{source}.{table.name}", number, len(tables)))
            if key in wanted:
                yield from _extract_table(context, pipeline, source, table, failed)
        yield from _check_days(
            context, pipeline, source, [table for key, table in tables.items() if key in wanted]
        )
        if failed:
            raise _failure(source, failed, len(wanted))

    return extract


def _extract_table(
    context: dg.AssetExecutionContext,
    pipeline: Pipeline,
    source: str,
    table: Table,
    failed: dict[Table, Exception],
) -> Iterator[dg.MaterializeResult[None]]:
    key, (first_day, last_day) = extract_key(source, table.name), days_of(context)
    try:
        loaded = pipeline.extract(source, table, first_day, last_day)
    except Exception as error:  # what stops one table must not stop the others
        failed[table] = error
        context.log.error(f"{source}: {table.name} was not read for {first_day} to {last_day}. {error}")
    else:
        if loaded.new_columns:
            context.log.warning(f"{source}: {table.name} has new columns: {', '.join(loaded.new_columns)}")
        context.add_asset_metadata(_metadata(loaded), asset_key=key, partition_key=last_day.isoformat())
        yield dg.MaterializeResult(asset_key=key)


def _check_days(
    context: dg.AssetExecutionContext, pipeline: Pipeline, source: str, tables: Sequence[Table]
) -> Iterator[dg.AssetCheckResult]:
    with open_warehouse(pipeline.settings.warehouse_file) as connection:
        for table in tables:
            key = extract_key(source, table.name)
            if dg.AssetCheckKey(key, DAY_IS_COMPLETE) in context.selected_asset_check_keys:
                result = check_table_day(connection, source, table.name, pipeline.newest_day())
                yield as_result(result, key, warn=True)


def _stored_before(context: dg.AssetExecutionContext) -> set[dg.AssetKey]:
    """What an earlier attempt of this very step has stored already."""
    if context.retry_number == 0:
        return set()
    records = context.instance.get_records_for_run(
        context.run.run_id, of_type=dg.DagsterEventType.ASSET_MATERIALIZATION
    ).records
    keys = (record.event_log_entry.asset_materialization for record in records)
    return {event.asset_key for event in keys if event is not None}


def _failure(source: str, failed: Mapping[Table, Exception], asked: int) -> dg.Failure:
    names = ", ".join(table.name for table in failed)
    again = [
        error
        for error in failed.values()
        if isinstance(error, SourceError) and not isinstance(error, AuthenticationError | SchemaError)
    ]
    failure = dg.Failure(
        f"{source}: {len(failed)} of {asked} tables could not be read: {names}. The others are stored.",
        metadata={table.name: dg.MetadataValue.text(str(error)) for table, error in failed.items()},
        allow_retries=bool(again),
    )
    unforeseen = next((error for error in failed.values() if not isinstance(error, EcomError)), None)
    if unforeseen is not None:
        failure.__cause__ = unforeseen
    return failure


def _spec(pipeline: Pipeline, source: str, table: Table) -> dg.AssetSpec:
    vendor = type(pipeline.sources[source])
    return dg.AssetSpec(
        extract_key(source, table.name),
        description=f"{vendor.title}: {table.grain.rstrip('.')}. {table.docs}",
        group_name=source_group(vendor.family),
        kinds={vendor.vendor, "duckdb"},
        owners=[DATA_TEAM],
        metadata={
            "dagster/column_schema": table_columns(table),
            "dagster/table_name": f"raw.{source}__{table.name}",
            "changes": table.change.value,
            "key": ", ".join(table.key),
        },
        freshness_policy=daily_freshness(pipeline),
        skippable=True,
    )


def daily_freshness(pipeline: Pipeline) -> dg.FreshnessPolicy:
    """Made every day: by ten in the morning, since five, shop time."""
    return dg.FreshnessPolicy.cron("0 10 * * *", timedelta(hours=5), pipeline.settings.shop.time_zone)


def _metadata(loaded: LoadResult) -> dict[str, dg.MetadataValue]:
    found: dict[str, dg.MetadataValue] = {
        "rows_read": dg.MetadataValue.int(loaded.rows_read),
        "rows_stored": dg.MetadataValue.int(loaded.rows_stored),
        "rows_removed": dg.MetadataValue.int(loaded.rows_removed),
        "load": dg.MetadataValue.int(loaded.load_id),
    }
    if loaded.new_columns:
        found["new_columns"] = dg.MetadataValue.text(", ".join(loaded.new_columns))
    return found
