"""The mailbox that reports come from, read every hour: returned reports and requests to receive none.

Without `[mail.inbox]` in the settings there is none of it.
"""

# No postponed annotations here: Dagster compares the annotation of `context` with its own classes.

from collections.abc import Iterable

import dagster as dg

from ecom_pipeline.delivery import InboxReading
from ecom_pipeline.errors import EcomError
from ecom_pipeline.pipeline import Pipeline
from ecom_pipeline.readers import read_mailbox

READ_MAILBOX = "read_mailbox"
# Before the hour, so that Monday's report at seven knows of it.
MAILBOX_CRON = "50 * * * *"


def mailbox_jobs(pipeline: Pipeline) -> list[dg.JobDefinition]:
    """The job that reads the mailbox; none when no mailbox is configured."""
    mail = pipeline.settings.mail
    if mail is None or mail.inbox is None:
        return []

    @dg.op(
        description="Heeds notices of reports that came back and requests to receive no more.",
        out=dg.Out(dg.Nothing),
    )
    def read(context: dg.OpExecutionContext) -> None:
        try:
            found = read_mailbox(pipeline)
        except EcomError as error:
            raise dg.Failure(str(error), allow_retries=False) from error
        context.add_output_metadata(_metadata(found))

    @dg.job(
        name=READ_MAILBOX,
        description="Reads the mailbox that reports come from; whoever unsubscribed or is gone gets no later one.",
        executor_def=dg.in_process_executor,
    )
    def read_mailbox_job() -> None:
        read()

    return [read_mailbox_job]


def mailbox_schedules(pipeline: Pipeline, jobs: Iterable[dg.JobDefinition]) -> list[dg.ScheduleDefinition]:
    """What starts the reading."""
    return [
        dg.ScheduleDefinition(
            name="hourly_mailbox",
            job=job,
            cron_schedule=MAILBOX_CRON,
            execution_timezone=pipeline.settings.shop.time_zone,
            description="Looks for returned reports and requests to receive none, ten minutes before the hour.",
            default_status=dg.DefaultScheduleStatus.RUNNING,
        )
        for job in jobs
    ]


def _metadata(found: InboxReading) -> dict[str, dg.MetadataValue]:
    metadata: dict[str, dg.MetadataValue] = {"messages": dg.MetadataValue.int(found.messages)}
    for name, lines in (
        ("bounced", found.bounced),
        ("unsubscribed", found.unsubscribed),
        ("returned_for_now", found.returned),
    ):
        if lines:
            metadata[name] = dg.MetadataValue.md("\n".join(f"- {line}" for line in lines))
    if found.unknown:
        metadata["about_nobody_here"] = dg.MetadataValue.int(found.unknown)
    return metadata
