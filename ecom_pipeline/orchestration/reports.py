"""Reports and their delivery as assets: two steps, because rendering again must not send again."""

# No postponed annotations here: Dagster compares the annotation of `context` with its own classes.

import base64
from collections.abc import Iterator
from datetime import timedelta

import dagster as dg

from ecom_pipeline.delivery import State
from ecom_pipeline.editions import Edition
from ecom_pipeline.errors import EcomError
from ecom_pipeline.orchestration.keys import (
    BACKFILL_TAGS,
    DATA_TEAM,
    LANGUAGE_NAMES,
    PUBLISHED,
    delivery_key,
    node_key,
    report_key,
)
from ecom_pipeline.orchestration.partitions import period_of, report_partitions
from ecom_pipeline.orchestration.progress import Progress, report_progress
from ecom_pipeline.periods import Rhythm, newest_complete
from ecom_pipeline.pipeline import Pipeline
from ecom_pipeline.reporting import (
    RenderedReport,
    ReportDelivery,
    deliver_edition,
    known_deliveries,
    readers,
    render_edition,
    report_files,
    shop_audience,
)
from ecom_pipeline.reports import Report, render_first_page

PERIOD_IS_WHOLE = "nothing_is_missing"
PERIOD_IS_RENDERED = "newest_period_is_rendered"
# A mail server that is down on Monday at seven is asked again at 7:15, 8:00, 9:45, 13:30 and 21:15.
MAIL_RETRIES = dg.RetryPolicy(max_retries=5, delay=15 * 60, backoff=dg.Backoff.EXPONENTIAL)
PICTURE_WIDTH = 520  # pixels: readable in the UI, small in its database


def report_asset(pipeline: Pipeline, rhythm: Rhythm, audience: str, language: str) -> dg.AssetsDefinition:
    """The rendered report of one audience in one language, a week or a month at a time."""
    key = report_key(rhythm, audience, language)
    title = shop_audience(pipeline, audience).title.en

    @dg.asset(
        key=key,
        deps=[
            dg.AssetDep(parent, partition_mapping=dg.TimeWindowPartitionMapping())
            for parent in (*_read_by(pipeline, audience), PUBLISHED)
        ],
        description=f"The {rhythm} report for {title} in {LANGUAGE_NAMES[language]}: PDF, HTML, the text of its mail.",
        group_name="reports",
        kinds={"pdf", "html"},
        owners=[DATA_TEAM],
        partitions_def=report_partitions(pipeline.settings, rhythm),
        backfill_policy=dg.BackfillPolicy.multi_run(1),
        freshness_policy=report_freshness(pipeline, rhythm),
        check_specs=[
            dg.AssetCheckSpec(PERIOD_IS_WHOLE, asset=key, description="Nothing the report needs is missing."),
            dg.AssetCheckSpec(
                PERIOD_IS_RENDERED,
                asset=key,
                description=f"The newest complete {rhythm.period.value} has a report.",
            ),
        ],
    )
    def rendered_report(context: dg.AssetExecutionContext) -> Iterator[dg.MaterializeResult[None]]:
        edition = Edition(period_of(rhythm, context.partition_key), audience, language)
        rendered = render_edition(pipeline, edition)
        report_progress(Progress("report", f"{edition.period.name} {audience} {language}", 1, 1))
        yield dg.MaterializeResult(
            asset_key=key,
            metadata=_report_metadata(pipeline, rendered),
            check_results=[_is_whole(rendered.report), _is_rendered(pipeline, edition)],
        )

    return rendered_report


def delivery_asset(
    pipeline: Pipeline,
    rhythm: Rhythm,
    audience: str,
    language: str,
    retries: dg.RetryPolicy | None = MAIL_RETRIES,
) -> dg.AssetsDefinition:
    """The report in its readers' inboxes; recorded in the delivery ledger, once for each reader and period.

    Only what may succeed later is tried again.
    """
    title = shop_audience(pipeline, audience).title.en

    @dg.asset(
        key=delivery_key(rhythm, audience, language),
        deps=[report_key(rhythm, audience, language)],
        description=f"The {rhythm} report for {title} in {LANGUAGE_NAMES[language]}, sent to those who read it. "
        "Those of the past are rendered and never sent.",
        group_name="reports",
        kinds={"email"},
        owners=[DATA_TEAM],
        partitions_def=report_partitions(pipeline.settings, rhythm),
        backfill_policy=dg.BackfillPolicy.multi_run(1),
        retry_policy=retries,
    )
    def report_delivery(context: dg.AssetExecutionContext) -> dg.MaterializeResult[None]:
        edition = Edition(period_of(rhythm, context.partition_key), audience, language)
        if BACKFILL_TAGS & context.run.tags.keys():
            held = ReportDelivery(edition.key, "it is part of a backfill")
            return dg.MaterializeResult(metadata=_delivery_metadata(pipeline, edition, held))
        try:
            outcome = deliver_edition(pipeline, edition)
        except EcomError as error:  # something to mend: waiting for hours would only hide it
            raise dg.Failure(str(error), allow_retries=False) from error
        metadata = _delivery_metadata(pipeline, edition, outcome)
        if outcome.undelivered:
            raise dg.Failure(
                f"{len(outcome.undelivered)} of {len(outcome.deliveries)} readers do not have the report.",
                metadata=metadata,
                allow_retries=any(one.is_temporary for one in outcome.undelivered),
            )
        return dg.MaterializeResult(metadata=metadata)

    return report_delivery


def report_freshness(pipeline: Pipeline, rhythm: Rhythm) -> dg.FreshnessPolicy:
    """Made every week by Monday noon, or every month by noon of the first, since that morning, shop time."""
    cron = "0 12 * * 1" if rhythm is Rhythm.WEEKLY else "0 12 1 * *"
    return dg.FreshnessPolicy.cron(cron, timedelta(hours=6), pipeline.settings.shop.time_zone)


def _read_by(pipeline: Pipeline, audience: str) -> list[dg.AssetKey]:
    read = set(shop_audience(pipeline, audience).kpis)
    return [node_key(node) for node in pipeline.catalog.kpi_nodes if node.kpi and node.kpi.key in read]


def _is_whole(report: Report) -> dg.AssetCheckResult:
    missing = report.incomplete
    return dg.AssetCheckResult(
        check_name=PERIOD_IS_WHOLE,
        passed=not missing,
        severity=dg.AssetCheckSeverity.WARN,
        metadata={
            "late_sources": ", ".join(source.title for source in missing.sources) or "none",
            "missing_kpis": ", ".join(one.kpi for one in missing.kpis) or "none",
        },
    )


def _is_rendered(pipeline: Pipeline, edition: Edition) -> dg.AssetCheckResult:
    newest = newest_complete(edition.period.rhythm, pipeline.newest_day())
    files = report_files(pipeline.settings, Edition(newest, edition.audience, edition.language))
    return dg.AssetCheckResult(
        check_name=PERIOD_IS_RENDERED,
        passed=files.pdf.is_file(),
        severity=dg.AssetCheckSeverity.WARN,
        metadata={f"newest_complete_{newest.rhythm.period.value}": newest.name},
    )


def _report_metadata(pipeline: Pipeline, rendered: RenderedReport) -> dict[str, dg.MetadataValue]:
    report, files = rendered.report, rendered.files
    return {
        "first_page": _picture(rendered),
        "pdf": dg.MetadataValue.path(files.pdf),
        "open": dg.MetadataValue.url(files.pdf.resolve().as_uri()),
        "html": dg.MetadataValue.path(files.html),
        "subject": dg.MetadataValue.text(rendered.mail.subject),
        "readers_when_rendered": _readers(pipeline, rendered.edition),
        "sources": _freshness(report),
        "missing_values": dg.MetadataValue.int(len(report.incomplete.kpis)),
        "late_sources": dg.MetadataValue.int(len(report.incomplete.sources)),
        "restated_kpis": dg.MetadataValue.int(report.restated_kpis),
    }


def _picture(rendered: RenderedReport) -> dg.MarkdownMetadataValue:
    encoded = base64.b64encode(render_first_page(rendered.files.pdf, PICTURE_WIDTH)).decode("ascii")
    return dg.MetadataValue.md(f"![First page](data:image/png;base64,{encoded})")


def _readers(pipeline: Pipeline, edition: Edition) -> dg.MarkdownMetadataValue:
    """Who receives the report, masked, and what became of it so far."""
    mail = pipeline.settings.mail
    found = known_deliveries(pipeline.settings, edition)
    if not found and mail is not None:
        found = [(person.display, "not sent") for person in readers(mail, edition)]
    lines = [f"| {reader} | {state} |" for reader, state in found]
    return dg.MetadataValue.md("\n".join(["| reader | state |", "|---|---|", *lines]) if lines else "nobody")


def _freshness(report: Report) -> dg.MarkdownMetadataValue:
    """How fresh what the report used is: each source's days and its last load."""
    days = report.period.days
    lines = [
        f"| {source.title} | {days - len(source.missing_days)} of {days} | {source.days_on_time} of {days} | "
        f"{f'{source.loaded_at:%Y-%m-%d %H:%M} UTC' if source.loaded_at else 'never'} |"
        for source in report.quality.sources
    ]
    head = ["| source | complete days | on time | last load |", "|---|---|---|---|"]
    return dg.MetadataValue.md("\n".join([*head, *lines]))


def _delivery_metadata(
    pipeline: Pipeline, edition: Edition, outcome: ReportDelivery
) -> dict[str, dg.MetadataValue]:
    found: dict[str, dg.MetadataValue] = {
        "report": dg.MetadataValue.text(outcome.report_key),
        "pdf": dg.MetadataValue.path(report_files(pipeline.settings, edition).pdf),
        "sent": dg.MetadataValue.int(
            sum(one.is_sent and not one.was_sent_before for one in outcome.deliveries)
        ),
        "sent_before": dg.MetadataValue.int(sum(one.was_sent_before for one in outcome.deliveries)),
        "suppressed": dg.MetadataValue.int(sum(one.state is State.SUPPRESSED for one in outcome.deliveries)),
    }
    if outcome.not_sent_because:
        return found | {"not_sent_because": dg.MetadataValue.text(outcome.not_sent_because)}
    lines = [f"- {one.display}: {one.explanation}" for one in outcome.deliveries]
    return found | {"readers": dg.MetadataValue.md("\n".join(lines))}
