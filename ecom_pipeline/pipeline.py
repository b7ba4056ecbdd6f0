"""The pipeline's steps without their orchestrator: extract, sweep, compute, publish.

Dagster's assets, the command line and the tests all call these, so that what is tested is what runs.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from functools import cached_property
from typing import Protocol

from pydantic import SecretStr

from ecom_pipeline.errors import ConfigurationError
from ecom_pipeline.kpis.definition import Kpi, kpis
from ecom_pipeline.settings import PSEUDONYM_VARIABLE, Settings, missing_secrets
from ecom_pipeline.sources.contract import Change, Source, SourceContext, Table, Window, local_midnight
from ecom_pipeline.sources.registry import vendors
from ecom_pipeline.warehouse.build import build, last_built_day
from ecom_pipeline.warehouse.catalog import Catalog, build_catalog
from ecom_pipeline.warehouse.changes import forget_changes
from ecom_pipeline.warehouse.completeness import refresh_kpi_days, refresh_source_days, write_wiring
from ecom_pipeline.warehouse.configuration import write_configuration
from ecom_pipeline.warehouse.connection import open_warehouse
from ecom_pipeline.warehouse.plan import BuildRequest, Built
from ecom_pipeline.warehouse.publish import publish
from ecom_pipeline.warehouse.raw_log import (
    LoadResult,
    last_loaded_day,
    load_table,
    restated_window,
    sweep_table,
)
from ecom_pipeline.warehouse.spool import Spool
from ecom_pipeline.warehouse.stage import stage

LONGEST_GAP = 31  # days a load makes good by itself; a longer outage is a backfill a person decides on


class Clock(Protocol):
    """Tells the present instant, timezone-aware."""

    def __call__(self) -> datetime: ...


def system_clock() -> datetime:
    """The machine's clock, in UTC."""
    return datetime.now(UTC)


@dataclass
class Pipeline:
    """One configuration's sources, catalog and steps."""

    settings: Settings
    clock: Clock = system_clock

    @cached_property
    def sources(self) -> dict[str, Source]:
        """The configured sources by name."""
        key = self.settings.pseudonym_key or SecretStr("")
        context = SourceContext(self.settings.shop.time_zone, self.clock, key.get_secret_value().encode())
        return {
            name: vendors()[instance.vendor](name, instance.settings, context)
            for name, instance in self.settings.sources.items()
        }

    @cached_property
    def kpis(self) -> dict[str, Kpi]:
        return kpis()

    @cached_property
    def catalog(self) -> Catalog:
        has_none_of = self.settings.shop.has_none_of
        configured = ("influencers",) if self.settings.influencers else ()
        return build_catalog(self.sources.values(), self.kpis.values(), has_none_of, configured)

    def _titles(self) -> dict[str, str]:
        """What readers call each source: its vendor, and which one where there are several."""
        vendors = Counter(type(source).title for source in self.sources.values())
        return {
            name: f"{type(source).title} ({name})" if vendors[type(source).title] > 1 else type(source).title
            for name, source in self.sources.items()
        }

    def newest_day(self) -> date:
        """The last complete local day."""
        return self.clock().astimezone(self.settings.shop.zone).date() - timedelta(days=1)

    def window(self, first_day: date, last_day: date) -> Window:
        return Window(first_day, last_day, self.settings.shop.time_zone, self.clock())

    def tables(self, source: str) -> tuple[Table, ...]:
        """The tables of one source instance."""
        instance = self.sources[source]
        return type(instance).declared_tables(instance.settings)

    def extract(self, source: str, table: Table, first_day: date, last_day: date) -> LoadResult:
        """Read one table of one source for whole local days and load it, in one transaction.

        A snapshot is read only for days that reach the newest: today's state says nothing of the past. Any
        other table's window that reaches the newest day also takes in the days just before it that were
        missed, up to a month of them: a vendor's return fills its own gap.

        Raises:
            SourceError: the vendor could not be read; nothing was stored.
            ConfigurationError: a secret is missing.
        """
        self._require_secrets(source)
        asked = self.window(first_day, last_day)
        if table.change is Change.SNAPSHOT and not asked.reaches_newest:
            return LoadResult(0, 0, 0, 0, ())
        window = restated_window(table, self._with_missed_days(source, table, asked))
        with Spool(source, table, self.settings.folder / "spool") as spool:
            spool.write(self.sources[source].fetch(table, window))
            with open_warehouse(self.settings.warehouse_file) as connection:
                return load_table(connection, spool, window)

    def sweep(self, source: str, table: Table, first_day: date, last_day: date) -> LoadResult:
        """Find records created in these days that the vendor no longer holds."""
        self._require_secrets(source)
        window = self.window(first_day, last_day)
        keys = list(self.sources[source].fetch_keys(table, window))
        with open_warehouse(self.settings.warehouse_file) as connection:
            return sweep_table(connection, source, table, window, keys)

    def compute(
        self,
        first_day: date,
        last_day: date,
        names: Iterable[str] | None = None,
        on_built: Callable[[Built], None] | None = None,
    ) -> list[Built]:
        """Stage what was loaded, then build the named models and KPIs (all, by default) for these days.

        Days that late changes touch are rebuilt with them.
        """
        settings = self.settings
        start = settings.shop.history_start
        request = BuildRequest(first_day, last_day, start, settings.shop.time_zone, self.clock())
        nodes = self.catalog.nodes if names is None else self.catalog.select(names)
        with open_warehouse(settings.warehouse_file) as connection:
            until = max(last_day, last_built_day(connection) or last_day)
            write_configuration(connection, settings, until)
            write_wiring(connection, self.catalog, self._titles())
            stage(connection, self.catalog, settings.shop.time_zone)
            refresh_source_days(connection, start, until, self._day_ends(start, until))
            built = build(connection, nodes, request, on_built)
            refresh_kpi_days(
                connection, self.catalog, start, settings.shop.complete_since, {node.name for node in nodes}
            )
            forget_changes(connection, [node.name for node in self.catalog.nodes])
        return built

    def publish(self) -> int:
        """Replace the readers' copy; returns its size in bytes."""
        with open_warehouse(self.settings.warehouse_file) as connection:
            return publish(connection, self.settings.published_file)

    def _with_missed_days(self, source: str, table: Table, window: Window) -> Window:
        """The window, begun where the last load before it ended; what was never loaded is a backfill's.

        After a gap, days that the vendor could still restate when it began are read once more.
        """
        if table.change is Change.SNAPSHOT or not window.reaches_newest:
            return window
        with open_warehouse(self.settings.warehouse_file) as connection:
            last_loaded = last_loaded_day(connection, source, table, window.first_day)
        if last_loaded is None:
            return window
        first_missed = max(
            last_loaded + timedelta(days=1) - timedelta(days=max(0, table.restate_days - 1)),
            window.first_day - timedelta(days=LONGEST_GAP),
            self.settings.shop.history_start,
        )
        return replace(window, first_day=min(first_missed, window.first_day))

    def _day_ends(self, first_day: date, last_day: date) -> list[tuple[date, datetime]]:
        zone = self.settings.shop.time_zone
        days = range((last_day - first_day).days + 1)
        return [
            (day, local_midnight(day + timedelta(days=1), zone))
            for day in (first_day + timedelta(days=offset) for offset in days)
        ]

    def _require_secrets(self, source: str) -> None:
        absent = missing_secrets(self.settings.sources[source])
        if self.settings.pseudonym_key is None:
            absent.append(PSEUDONYM_VARIABLE)
        if absent:
            raise ConfigurationError(
                f"The source {source} lacks {', '.join(absent)}.",
                why="Secrets come from the environment or the .env file beside ecom.toml.",
                mend=f"Set {absent[0]} and run it again.",
            )
