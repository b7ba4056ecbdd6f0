"""Dagster's event log on PostgreSQL, with two of its habits mended that a backfill of years would pay for.

It writes a batch of events as one statement with a parameter for every column of every event, which takes
longer to put together than to run. And in a run over many days it plans each asset check once for every day,
even checks that know no days, and evaluates it once: hundreds of rows for each check that stay planned for
ever. Both are exact no-ops for what is read back.
"""

from __future__ import annotations

from collections.abc import Sequence

from dagster import DagsterEventType
from dagster._core.definitions.asset_checks.asset_check_evaluation import AssetCheckEvaluationPlanned
from dagster._core.events.log import EventLogEntry
from dagster._core.storage.event_log import SqlEventLogStorageTable
from dagster_postgres.event_log import PostgresEventLogStorage
from dagster_shared.record import copy


class EventLog(PostgresEventLogStorage):
    """The event log of EmbeddedPostgresStorage."""

    def store_event_batch(self, events: Sequence[EventLogEntry]) -> None:
        kinds = {event.get_dagster_event().event_type for event in events}
        if kinds != {DagsterEventType.ASSET_MATERIALIZATION}:
            super().store_event_batch(events)
            return
        table = SqlEventLogStorageTable
        insert = table.insert().returning(table.c.id, sort_by_parameter_order=True)
        rows = [self._event_to_row(event) for event in events]
        with self._connect() as connection:
            ids = [row[0] for row in connection.execute(insert, rows)]
        with self.index_transaction() as connection:
            self._store_asset_event_tags(connection, events, ids)
            self._store_asset_event(connection, events[-1], ids[-1])

    def _store_asset_check_evaluation_planned(self, event: EventLogEntry, event_id: int | None) -> None:
        planned = event.get_dagster_event().event_specific_data
        assert isinstance(planned, AssetCheckEvaluationPlanned)
        if planned.partitions_subset is not None:
            whole = copy(planned, partitions_subset=None)
            dagster_event = event.get_dagster_event()._replace(event_specific_data=whole)
            event = event._replace(dagster_event=dagster_event)
        super()._store_asset_check_evaluation_planned(event, event_id)
