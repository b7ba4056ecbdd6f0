"""One configuration's lineage graph, jobs and timetable, put together from the folders."""

from __future__ import annotations

import warnings

import dagster as dg

from ecom_pipeline.editions import report_choices
from ecom_pipeline.orchestration.alerts import alert_assets
from ecom_pipeline.orchestration.cockpit import cockpit_assets
from ecom_pipeline.orchestration.computing import (
    families,
    kpi_assets,
    model_assets,
    published_asset,
    readers_resource,
)
from ecom_pipeline.orchestration.console import console
from ecom_pipeline.orchestration.extracts import RETRIES, extract_assets
from ecom_pipeline.orchestration.jobs import make_timetable
from ecom_pipeline.orchestration.reports import MAIL_RETRIES, delivery_asset, report_asset
from ecom_pipeline.periods import Rhythm
from ecom_pipeline.pipeline import Pipeline


def build_definitions(
    pipeline: Pipeline,
    retries: dg.RetryPolicy = RETRIES,
    mail_retries: dg.RetryPolicy | None = MAIL_RETRIES,
) -> dg.Definitions:
    """Everything Dagster shows and runs; reads no secret and opens no connection.

    `retries` are the extracts', `mail_retries` the delivery's: None where someone waits at a terminal.

    Raises:
        DefinitionError: a source, model or KPI file cannot be understood.
    """
    with warnings.catch_warnings():
        # Backfill policies and pools are marked beta; nothing else of Dagster does what they do.
        warnings.simplefilter("ignore", dg.BetaWarning)
        warnings.simplefilter("ignore", dg.PreviewWarning)
        return _assemble(pipeline, retries, mail_retries)


def _assemble(
    pipeline: Pipeline, retries: dg.RetryPolicy, mail_retries: dg.RetryPolicy | None
) -> dg.Definitions:
    chosen = [(rhythm, *one) for rhythm in Rhythm for one in report_choices(pipeline.settings)]
    timetable = make_timetable(pipeline)
    return dg.Definitions(
        assets=[
            *(extract_assets(pipeline, source, retries) for source in pipeline.sources),
            model_assets(pipeline),
            *(kpi_assets(pipeline, family) for family in families(pipeline.catalog)),
            published_asset(pipeline),
            *alert_assets(pipeline),
            *cockpit_assets(pipeline),
            *(report_asset(pipeline, *one) for one in chosen),
            *(delivery_asset(pipeline, *one, mail_retries) for one in chosen),
        ],
        jobs=timetable.jobs,
        schedules=timetable.schedules,
        sensors=timetable.sensors,
        resources={"readers": readers_resource(pipeline)},
        executor=dg.in_process_executor,
        loggers={"console": console},
    )
