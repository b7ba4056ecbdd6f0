"""Models, KPIs and the published copy as assets: one step for all models, one for each family of KPIs."""

# No postponed annotations here: Dagster compares the annotation of `context` with its own classes.

from collections.abc import Iterator, Sequence
from datetime import date

import dagster as dg
from dagster_duckdb import DuckDBResource

from ecom_pipeline.orchestration.checks import check_kpis, check_models, kpi_check_specs, model_check_specs
from ecom_pipeline.orchestration.extracts import daily_freshness
from ecom_pipeline.orchestration.keys import (
    COMPUTING_POOL,
    DATA_TEAM,
    PUBLISHED,
    TEAMS,
    extract_key,
    node_key,
)
from ecom_pipeline.orchestration.metadata import count_rows, kpi_metadata, sql_block, stored_columns
from ecom_pipeline.orchestration.partitions import daily_partitions, days_of
from ecom_pipeline.orchestration.progress import Progress, report_progress
from ecom_pipeline.pipeline import Pipeline
from ecom_pipeline.warehouse.catalog import Catalog, Node
from ecom_pipeline.warehouse.connection import open_warehouse
from ecom_pipeline.warehouse.plan import Built

OPENS_FOR_READERS = "opens_for_readers"

_Outcome = dg.MaterializeResult[None] | dg.AssetCheckResult


def model_assets(pipeline: Pipeline) -> dg.AssetsDefinition:
    """All models, built in one step for any range of days."""
    nodes = pipeline.catalog.models

    @dg.multi_asset(
        name="models",
        specs=[_spec(pipeline, node) for node in nodes],
        check_specs=model_check_specs(nodes),
        partitions_def=daily_partitions(pipeline.settings),
        backfill_policy=dg.BackfillPolicy.single_run(),
        can_subset=True,
        pool=COMPUTING_POOL,
    )
    def models(context: dg.AssetExecutionContext) -> Iterator[_Outcome]:
        wanted = _wanted(context, nodes)
        built = _compute(context, pipeline, wanted)
        newest = context.partition_key_range.end
        with open_warehouse(pipeline.settings.warehouse_file) as connection:
            results = list(_selected(context, check_models(connection, wanted)))
            # A step that fails after its outputs does not hold back the steps that read them: when a check
            # fails there must be no output.
            for node in wanted if all(result.passed for result in results) else ():
                metadata = {
                    **_counts(built[node.name]),
                    "dagster/row_count": dg.MetadataValue.int(count_rows(connection, node)),
                    "dagster/column_schema": stored_columns(connection, node),
                }
                context.add_asset_metadata(metadata, asset_key=node_key(node), partition_key=newest)
                yield dg.MaterializeResult(asset_key=node_key(node))
            yield from results

    return models


def kpi_assets(pipeline: Pipeline, family: str) -> dg.AssetsDefinition:
    """All KPIs of a family, computed in one step for any range of days."""
    nodes = [node for node in pipeline.catalog.kpi_nodes if node.kpi and node.kpi.family == family]

    @dg.multi_asset(
        name=f"kpis_{family}",
        specs=[_spec(pipeline, node) for node in nodes],
        check_specs=kpi_check_specs(nodes, pipeline.catalog),
        partitions_def=daily_partitions(pipeline.settings),
        backfill_policy=dg.BackfillPolicy.single_run(),
        can_subset=True,
        pool=COMPUTING_POOL,
    )
    def kpis(context: dg.AssetExecutionContext) -> Iterator[_Outcome]:
        wanted = _wanted(context, nodes)
        built = _compute(context, pipeline, wanted)
        _, last_day = days_of(context)
        with open_warehouse(pipeline.settings.warehouse_file) as connection:
            chosen = [node.kpi for node in wanted if node.kpi]
            values = kpi_metadata(connection, chosen, last_day, pipeline.settings.shop)
            for node in wanted:
                metadata = {**values[node.name.removeprefix("kpi.")], **_counts(built[node.name])}
                context.add_asset_metadata(
                    metadata, asset_key=node_key(node), partition_key=last_day.isoformat()
                )
                yield dg.MaterializeResult(asset_key=node_key(node))
            yield from _selected(
                context, check_kpis(connection, wanted, pipeline.catalog, pipeline.newest_day())
            )

    return kpis


def published_asset(pipeline: Pipeline) -> dg.AssetsDefinition:
    """The copy of the warehouse that reports, notebooks and BI tools read."""

    @dg.asset(
        key=PUBLISHED,
        deps=[*(node_key(node) for node in _last_nodes(pipeline.catalog))],
        description="The readers' copy of models, KPIs and ledgers, replaced as a whole after each run.",
        group_name="published",
        kinds={"duckdb"},
        owners=[DATA_TEAM],
        partitions_def=daily_partitions(pipeline.settings),
        backfill_policy=dg.BackfillPolicy.single_run(),
        freshness_policy=daily_freshness(pipeline),
        pool=COMPUTING_POOL,
        check_specs=[
            dg.AssetCheckSpec(
                OPENS_FOR_READERS,
                asset=PUBLISHED,
                description="The copy opens read-only and holds the newest day.",
            )
        ],
    )
    def published(context: dg.AssetExecutionContext, readers: DuckDBResource) -> Iterator[_Outcome]:
        report_progress(Progress("publish", "published copy", 0, 1))
        size = pipeline.publish()
        metadata = {
            "path": dg.MetadataValue.path(pipeline.settings.published_file),
            "megabytes": dg.MetadataValue.float(round(size / 1e6, 2)),
        }
        context.add_asset_metadata(metadata, partition_key=context.partition_key_range.end)
        report_progress(Progress("publish", "published copy", 1, 1))
        yield dg.MaterializeResult(asset_key=PUBLISHED)
        yield _check_readers(readers, days_of(context)[1])

    return published


def readers_resource(pipeline: Pipeline) -> DuckDBResource:
    """The published copy for assets and checks of the data team's own: take it as the resource `readers`."""
    return DuckDBResource(
        database=str(pipeline.settings.published_file), connection_config={"access_mode": "READ_ONLY"}
    )


def _check_readers(readers: DuckDBResource, last_day: date) -> dg.AssetCheckResult:
    with readers.get_connection() as connection:
        try:
            (newest,) = connection.execute("SELECT MAX(day) FROM kpi.days").fetchall()[0]
        finally:
            connection.close()  # the resource leaves it open when anything fails
    return dg.AssetCheckResult(
        asset_key=PUBLISHED, check_name=OPENS_FOR_READERS, passed=newest is not None and newest >= last_day,
        metadata={"newest_day": str(newest)},
    )  # fmt: skip


def families(catalog: Catalog) -> list[str]:
    """The KPI families in reading order."""
    return list(dict.fromkeys(node.kpi.family for node in catalog.kpi_nodes if node.kpi is not None))


def _wanted(context: dg.AssetExecutionContext, nodes: Sequence[Node]) -> list[Node]:
    return [node for node in nodes if node_key(node) in context.selected_asset_keys]


def _compute(
    context: dg.AssetExecutionContext, pipeline: Pipeline, nodes: Sequence[Node]
) -> dict[str, Built]:
    first_day, last_day = days_of(context)
    done: dict[str, Built] = {}

    def remember(built: Built) -> None:
        done[built.node] = built
        report_progress(Progress("compute", built.node, len(done), len(nodes)))

    pipeline.compute(first_day, last_day, [node.name for node in nodes], remember)
    changed = sum(built.days_changed for built in done.values())
    restated = sum(built.restated for built in done.values())
    context.log.info(f"{len(done)} tables built for {first_day} to {last_day}: {changed} table days changed")
    if restated:
        context.log.info(f"{restated} values that were known before are different now")
    return done


def _selected(
    context: dg.AssetExecutionContext, results: Iterator[dg.AssetCheckResult]
) -> Iterator[dg.AssetCheckResult]:
    chosen = context.selected_asset_check_keys
    for result in results:
        assert result.asset_key is not None
        assert result.check_name is not None
        if dg.AssetCheckKey(result.asset_key, result.check_name) in chosen:
            yield result


def _counts(built: Built) -> dict[str, dg.MetadataValue]:
    return {
        "days_built": dg.MetadataValue.int(built.days_built),
        "days_changed": dg.MetadataValue.int(built.days_changed),
        "values_restated": dg.MetadataValue.int(built.restated),
    }


def _spec(pipeline: Pipeline, node: Node) -> dg.AssetSpec:
    metadata: dict[str, object] = {"sql": sql_block(node.sql), "grain": node.grain}
    family = node.kpi.family if node.kpi else None
    if node.kpi is not None:
        metadata |= {
            "definition": node.kpi.definition.en,
            "definition_fr": node.kpi.definition.fr,
            "unit": node.kpi.unit,
            "kind": node.kpi.kind.value,
            "dimensions": ", ".join(node.kpi.dimensions) or "none",
            "definition_since": node.kpi.since,
        }
    else:
        metadata["dagster/table_name"] = node.name
    return dg.AssetSpec(
        node_key(node),
        deps=_inputs(pipeline.catalog, node),
        description=f"{node.kpi.name.en}. {node.description}" if node.kpi else node.description,
        group_name=family or "models",
        kinds={"duckdb", "sql"},
        owners=[TEAMS.get(family, f"team:{family}") if family else DATA_TEAM],
        metadata=metadata,
        code_version=node.fingerprint,
        freshness_policy=daily_freshness(pipeline),
        skippable=True,
    )


def _inputs(catalog: Catalog, node: Node) -> list[dg.AssetKey]:
    """The assets a query reads: models, and the vendor tables behind mapped ones."""
    found: dict[dg.AssetKey, None] = {}
    for name in node.inputs:
        schema, table = name.split(".")
        if name in catalog.by_name:
            found[node_key(catalog.by_name[name])] = None
        elif schema == "mapped":
            found |= {extract_key(s.source, s.table.name): None for s in catalog.feeding(table)}
        elif name == "ops.source_days":
            found |= {extract_key(s.source, s.table.name): None for s in catalog.streams}
    return list(found)


def _last_nodes(catalog: Catalog) -> list[Node]:
    read = {name for node in catalog.nodes for name in node.inputs}
    return [node for node in catalog.nodes if node.kpi is not None or node.name not in read]
