"""The cockpits in the graph: written anew each day once the day is published, one step for each audience."""

# No postponed annotations here: Dagster compares the annotation of `context` with its own classes.

from collections.abc import Iterator, Sequence

import dagster as dg

from ecom_pipeline.cockpits import RenderedCockpit, render_audience
from ecom_pipeline.editions import report_choices
from ecom_pipeline.errors import EcomError
from ecom_pipeline.orchestration.extracts import daily_freshness
from ecom_pipeline.orchestration.keys import DATA_TEAM, LANGUAGE_NAMES, PUBLISHED, cockpit_key, node_key
from ecom_pipeline.orchestration.partitions import daily_partitions, days_of
from ecom_pipeline.orchestration.progress import Progress, report_progress
from ecom_pipeline.pipeline import Pipeline
from ecom_pipeline.reporting import shop_audience


def cockpit_assets(pipeline: Pipeline) -> list[dg.AssetsDefinition]:
    """Every audience's cockpit, an asset for each of its languages."""
    return [_audience_assets(pipeline, name) for name in pipeline.settings.audiences]


def cockpit_keys(pipeline: Pipeline) -> list[dg.AssetKey]:
    """The keys of all cockpits."""
    return [cockpit_key(*one) for one in report_choices(pipeline.settings)]


def _audience_assets(pipeline: Pipeline, name: str) -> dg.AssetsDefinition:
    languages = pipeline.settings.audience_languages(name)

    @dg.multi_asset(
        name=f"cockpit_{name}",
        specs=[_spec(pipeline, name, language) for language in languages],
        partitions_def=daily_partitions(pipeline.settings),
        backfill_policy=dg.BackfillPolicy.single_run(),
        can_subset=True,
    )
    def cockpit(context: dg.AssetExecutionContext) -> Iterator[dg.MaterializeResult[None]]:
        last_day, newest = days_of(context)[1], pipeline.newest_day()
        wanted = [one for one in languages if cockpit_key(name, one) in context.selected_asset_keys]
        found = {one.language: one for one in _render(pipeline, name, wanted)} if last_day == newest else {}
        for language in wanted:
            key = cockpit_key(name, language)
            metadata = (
                _metadata(found[language])
                if language in found
                else {"not_rendered_because": dg.MetadataValue.text(f"the newest complete day is {newest}")}
            )
            # Of the last day alone: a range has as many materialisations as days.
            context.add_asset_metadata(metadata, asset_key=key, partition_key=last_day.isoformat())
            yield dg.MaterializeResult(asset_key=key)

    return cockpit


def _render(pipeline: Pipeline, name: str, languages: Sequence[str]) -> list[RenderedCockpit]:
    report_progress(Progress("cockpit", name, 0, 1))
    try:
        found = render_audience(pipeline, name, languages)
    except EcomError as error:
        raise dg.Failure(str(error), allow_retries=False) from error
    report_progress(Progress("cockpit", name, 1, 1))
    return found


def _spec(pipeline: Pipeline, name: str, language: str) -> dg.AssetSpec:
    audience = shop_audience(pipeline, name)
    nodes = [
        node for node in pipeline.catalog.kpi_nodes if node.kpi is not None and node.kpi.key in audience.kpis
    ]
    return dg.AssetSpec(
        cockpit_key(name, language),
        deps=[*(node_key(node) for node in nodes), PUBLISHED],
        description=f"The cockpit of {audience.title.en} in {LANGUAGE_NAMES[language]}: one HTML file with all "
        "its KPIs as of the newest complete day. Days of the past write none.",
        group_name="reports",
        kinds={"html"},
        owners=[DATA_TEAM],
        freshness_policy=daily_freshness(pipeline),
        skippable=True,
    )


def _metadata(one: RenderedCockpit) -> dict[str, dg.MetadataValue]:
    return {
        "path": dg.MetadataValue.path(one.file),
        "open": dg.MetadataValue.url(one.file.resolve().as_uri()),
        "kilobytes": dg.MetadataValue.float(round(one.size_bytes / 1000, 1)),
        "newest_day": dg.MetadataValue.text(one.newest_day.isoformat()),
        "kpis": dg.MetadataValue.int(one.kpis),
        "late_sources": dg.MetadataValue.int(one.late_sources),
    }
