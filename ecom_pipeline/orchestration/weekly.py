"""The weekly report and its delivery as assets: two steps, because rendering again must not send again."""

# No postponed annotations here: Dagster compares the annotation of `context` with its own classes.

from collections.abc import Iterator
from datetime import timedelta

import dagster as dg

from ecom_pipeline.errors import EcomError
from ecom_pipeline.orchestration.keys import (
    BACKFILL_TAGS,
    DATA_TEAM,
    PUBLISHED,
    delivery_key,
    node_key,
    report_key,
)
from ecom_pipeline.orchestration.partitions import week_of, weekly_partitions
from ecom_pipeline.orchestration.progress import Progress, report_progress
from ecom_pipeline.pipeline import Pipeline, newest_complete_week
from ecom_pipeline.reporting import (
    WeekDelivery,
    deliver_week,
    render_week,
    report_files,
    week_name,
)
from ecom_pipeline.reports import WeeklyReport

WEEK_IS_WHOLE = "newest_day_is_measured"
WEEK_IS_RENDERED = "newest_week_is_rendered"
# A mail server that is down on Monday at seven is asked again at 7:15, 8:00, 9:45, 13:30 and 21:15.
MAIL_RETRIES = dg.RetryPolicy(max_retries=5, delay=15 * 60, backoff=dg.Backoff.EXPONENTIAL)
_LANGUAGES = {"fr": "French", "en": "English"}


def report_asset(pipeline: Pipeline, language: str) -> dg.AssetsDefinition:
    """The rendered report of one language, a week at a time."""
    key = report_key(language)

    @dg.asset(
        key=key,
        deps=[
            dg.AssetDep(parent, partition_mapping=dg.TimeWindowPartitionMapping())
            for parent in (*(node_key(node) for node in pipeline.catalog.kpi_nodes), PUBLISHED)
        ],
        description=f"The weekly report in {_LANGUAGES[language]}: PDF, HTML and the text of its mail.",
        group_name="reports",
        kinds={"pdf", "html"},
        owners=[DATA_TEAM],
        partitions_def=weekly_partitions(pipeline.settings),
        backfill_policy=dg.BackfillPolicy.multi_run(1),
        freshness_policy=weekly_freshness(pipeline),
        check_specs=[
            dg.AssetCheckSpec(WEEK_IS_WHOLE, asset=key, description="Nothing the report needs is missing."),
            dg.AssetCheckSpec(
                WEEK_IS_RENDERED, asset=key, description="The newest complete week has a report."
            ),
        ],
    )
    def weekly_report(context: dg.AssetExecutionContext) -> Iterator[dg.MaterializeResult[None]]:
        last_day = week_of(context.partition_key)
        rendered = render_week(pipeline, last_day, language)
        report_progress(Progress("report", f"{week_name(last_day)} {language}", 1, 1))
        yield dg.MaterializeResult(
            asset_key=key,
            metadata={
                "pdf": dg.MetadataValue.path(rendered.pdf),
                "open": dg.MetadataValue.url(rendered.pdf.resolve().as_uri()),
                "html": dg.MetadataValue.path(rendered.html),
                "subject": dg.MetadataValue.text(rendered.mail.subject),
                "missing_values": dg.MetadataValue.int(len(rendered.report.incomplete.kpis)),
                "late_sources": dg.MetadataValue.int(len(rendered.report.incomplete.sources)),
                "restated_kpis": dg.MetadataValue.int(rendered.report.restated_kpis),
            },
            check_results=[_is_whole(rendered.report), _is_rendered(pipeline, language)],
        )

    return weekly_report


def delivery_asset(
    pipeline: Pipeline, language: str, retries: dg.RetryPolicy | None = MAIL_RETRIES
) -> dg.AssetsDefinition:
    """The report in its readers' inboxes; recorded in the delivery ledger, once for each reader and week.

    Only what may succeed later is tried again.
    """

    @dg.asset(
        key=delivery_key(language),
        deps=[report_key(language)],
        description=f"The weekly report in {_LANGUAGES[language]}, sent to those who read it. Weeks of the "
        "past are rendered and never sent.",
        group_name="reports",
        kinds={"email"},
        owners=[DATA_TEAM],
        partitions_def=weekly_partitions(pipeline.settings),
        backfill_policy=dg.BackfillPolicy.multi_run(1),
        retry_policy=retries,
    )
    def weekly_delivery(context: dg.AssetExecutionContext) -> dg.MaterializeResult[None]:
        last_day = week_of(context.partition_key)
        if BACKFILL_TAGS & context.run.tags.keys():
            key = f"weekly/{week_name(last_day)}/{language}"
            return dg.MaterializeResult(
                metadata=_delivery_metadata(WeekDelivery(key, "it is part of a backfill"))
            )
        try:
            outcome = deliver_week(pipeline, last_day, language)
        except EcomError as error:  # something to mend: waiting for hours would only hide it
            raise dg.Failure(str(error), allow_retries=False) from error
        if outcome.undelivered:
            raise dg.Failure(
                f"{len(outcome.undelivered)} of {len(outcome.deliveries)} readers do not have the report.",
                metadata=_delivery_metadata(outcome),
                allow_retries=any(one.is_temporary for one in outcome.undelivered),
            )
        return dg.MaterializeResult(metadata=_delivery_metadata(outcome))

    return weekly_delivery


def weekly_freshness(pipeline: Pipeline) -> dg.FreshnessPolicy:
    """Made every week: by Monday noon, since that morning, shop time."""
    return dg.FreshnessPolicy.cron("0 12 * * 1", timedelta(hours=6), pipeline.settings.shop.time_zone)


def _is_whole(report: WeeklyReport) -> dg.AssetCheckResult:
    missing = report.incomplete
    return dg.AssetCheckResult(
        check_name=WEEK_IS_WHOLE,
        passed=not missing,
        severity=dg.AssetCheckSeverity.WARN,
        metadata={
            "late_sources": ", ".join(source.title for source in missing.sources) or "none",
            "missing_kpis": ", ".join(one.kpi for one in missing.kpis) or "none",
        },
    )


def _is_rendered(pipeline: Pipeline, language: str) -> dg.AssetCheckResult:
    newest = newest_complete_week(pipeline.newest_day())
    return dg.AssetCheckResult(
        check_name=WEEK_IS_RENDERED,
        passed=report_files(pipeline.settings, newest, language).pdf.is_file(),
        severity=dg.AssetCheckSeverity.WARN,
        metadata={"newest_complete_week": week_name(newest)},
    )


def _delivery_metadata(outcome: WeekDelivery) -> dict[str, dg.MetadataValue]:
    if outcome.not_sent_because:
        return {
            "report": dg.MetadataValue.text(outcome.report_key),
            "sent": dg.MetadataValue.int(0),
            "not_sent_because": dg.MetadataValue.text(outcome.not_sent_because),
        }
    lines = [f"- {one.display}: {one.explanation}" for one in outcome.deliveries]
    return {
        "report": dg.MetadataValue.text(outcome.report_key),
        "sent": dg.MetadataValue.int(len(outcome.deliveries) - len(outcome.undelivered)),
        "readers": dg.MetadataValue.md("\n".join(lines)),
    }
