"""What every source promises, as tests that a vendor gets by one subclass.

    class TestShopify(SourceContract):
        case = Case("shopify", "shop", table="orders", column="createdAt")

The vendor's own facts (amounts, queries, filters) are tested beside it; here is only what the product counts on.
The source is the configured one, read over HTTP from the simulated vendor.
"""

from __future__ import annotations

import inspect
import logging
import traceback
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import date, timedelta
from itertools import chain
from pathlib import Path
from typing import Any, ClassVar

import pytest
from pydantic import SecretStr

from ecom_pipeline.errors import EcomError, SchemaError, SourceError
from ecom_pipeline.pipeline import Pipeline
from ecom_pipeline.sandbox.events import ONE_SHOP, Business
from ecom_pipeline.sandbox.faults import FOREVER, FaultKind
from ecom_pipeline.sandbox.world import PERSONAL_CANARY, SECRET_CANARY, World
from ecom_pipeline.settings import missing_secrets, secret_fields, secret_variable
from ecom_pipeline.sources.contract import Change, Row, Source, Table, Window
from ecom_pipeline.sources.retry import Patience
from ecom_pipeline.warehouse.catalog import source_streams
from ecom_pipeline.warehouse.connection import open_warehouse

from ..simulation import Simulation

PATIENCE = Patience(attempts=3, total_wait=1000, read_timeout=20)  # never waits really; see `pipeline`
PASSING: tuple[FaultKind, ...] = (
    "server_error",
    "rate_limited",
    "timeout",
    "reset",
    "truncated_json",
    "html",
)
SPAN = (date(2026, 10, 21), date(2026, 10, 29))  # summer time ends on the 25th, whose day has 25 hours


@dataclass(frozen=True)
class Case:
    """One vendor of the sandbox, as the suite needs to know it.

    `table` is the one that is spoiled, `column` a field of its answers as the vendor calls it, `where` a text
    of the requests for it. `small_pages` names what bounds a page, `page_rows` is a bound that makes many; nothing
    is named when the vendor does not page. `paged_days` is how long a window may be that is still read in pages.
    """

    vendor: str
    instance: str
    table: str
    column: str
    where: str = ""
    small_pages: tuple[str, ...] = ()
    page_rows: int = 5
    paged_days: int = 9
    cuts: bool = True  # its answers can be cut in the middle and still be told from whole ones


@dataclass
class Ticks:
    """The vendors' stopwatch: it moves when the client sleeps, so that what is throttled is free again."""

    seconds: float

    def __call__(self) -> float:
        return self.seconds

    def pass_by(self, seconds: float) -> None:
        self.seconds += seconds


class SourceContract:
    """The tests. Each begins with no fault armed and an empty warehouse."""

    case: ClassVar[Case]
    business: ClassVar[Business] = ONE_SHOP  # which must read the case's instance
    orders_per_day: ClassVar[float] = 6  # more for a vendor that hears of few of them

    @pytest.fixture
    def pipeline(
        self, contract_simulation: Simulation, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> Iterator[Pipeline]:
        made = contract_simulation.pipeline
        ticks = contract_simulation.world.ticks
        assert isinstance(ticks, Ticks)
        patience = replace(PATIENCE, sleep=ticks.pass_by)
        monkeypatch.setattr(type(made.sources[self.case.instance]), "patience", patience)
        storage = made.settings.storage.model_copy(update={"folder": tmp_path})
        yield Pipeline(made.settings.model_copy(update={"storage": storage}), made.clock)
        contract_simulation.world.faults.clear()

    @pytest.fixture
    def world(self, contract_simulation: Simulation) -> World:
        contract_simulation.world.log.clear()
        return contract_simulation.world

    @pytest.fixture
    def source(self, pipeline: Pipeline) -> Source:
        return pipeline.sources[self.case.instance]

    @pytest.fixture
    def table(self, pipeline: Pipeline) -> Table:
        return next(table for table in pipeline.tables(self.case.instance) if table.name == self.case.table)

    def test_it_declares_what_people_need(self, source: Source, pipeline: Pipeline) -> None:
        kind = type(source)
        assert kind.vendor == self.case.vendor and kind.title and kind.credentials
        for stream in source_streams(source):
            assert stream.table.grain and stream.table.docs
            assert stream.mappings, f"{stream.table.name} feeds nothing"
        assert self.case.table in {table.name for table in pipeline.tables(self.case.instance)}

    def test_its_secrets_are_typed_named_and_never_shown(self, source: Source, pipeline: Pipeline) -> None:
        instance = pipeline.settings.sources[self.case.instance]
        fields = secret_fields(type(source).Settings)
        assert missing_secrets(instance) == []
        assert SECRET_CANARY not in f"{instance!r}{source.settings!r}{source!r}"
        empty = {field: SecretStr("") for field in fields}
        bare = instance.model_copy(update={"settings": instance.settings.model_copy(update=empty)})
        assert missing_secrets(bare) == [secret_variable(self.case.instance, field) for field in fields]

    def test_check_of_good_credentials(self, source: Source) -> None:
        findings = source.check()
        assert findings and {finding.state for finding in findings} == {"ok"}

    def test_check_of_refused_credentials(self, source: Source, pipeline: Pipeline) -> None:
        fields = secret_fields(type(source).Settings)
        if not fields:
            pytest.skip("the source is public")
        for field in fields:
            wrong = source.settings.model_copy(update={field: SecretStr(f"{SECRET_CANARY}-wrong-{field}")})
            findings = type(source)(source.name, wrong, source.context).check()
            errors = [finding for finding in findings if finding.state == "error"]
            assert errors and all(finding.detail and finding.mend for finding in errors), field
            assert SECRET_CANARY not in repr(findings)

    def test_check_of_expired_credentials_and_a_vendor_out_of_order(
        self, source: Source, world: World
    ) -> None:
        kinds: tuple[FaultKind, ...] = ("expired_token", "server_error", "html")
        for kind in kinds:
            world.faults.clear()
            world.faults.arm(self.case.vendor, kind, times=FOREVER)
            findings = source.check()
            errors = [finding for finding in findings if finding.state == "error"]
            assert errors and all(finding.detail and finding.mend for finding in errors), kind
            assert SECRET_CANARY not in repr(findings)

    def test_every_table_is_read_typed_and_keyed_and_twice_is_once(self, pipeline: Pipeline) -> None:
        for table in pipeline.tables(self.case.instance):
            first = pipeline.extract(self.case.instance, table, *days_for(pipeline, table))
            before = raw_rows(pipeline, self.case.instance, table)
            again = pipeline.extract(self.case.instance, table, *days_for(pipeline, table))
            assert raw_rows(pipeline, self.case.instance, table) == before, table.name
            assert first.rows_read == again.rows_read and again.new_columns == ()
            if table.change in (Change.LOG, Change.FULL):
                assert again.rows_stored == 0
            if table.name == self.case.table:
                assert first.rows_stored > 0 and before, "the suite needs rows"
            keys = raw_keys(pipeline, self.case.instance, table)
            assert len(keys) == len(set(keys)), f"the key of {table.name} is not unique"

    def test_days_and_a_span_agree(self, source: Source, pipeline: Pipeline) -> None:
        for table in pipeline.tables(self.case.instance):
            if table.change in (Change.SNAPSHOT, Change.FULL):
                continue
            whole = window_of(pipeline, *SPAN)
            together = keyed(table, source.fetch(table, whole))
            apart: dict[Any, Any] = {}
            for day in whole.days():
                apart |= keyed(table, source.fetch(table, window_of(pipeline, day, day)))
            assert apart == together, table.name

    def test_an_empty_window_is_read_and_empty(self, source: Source, pipeline: Pipeline) -> None:
        # Before the shop began; no rates are fixed on a weekend either.
        saturday, sunday = date(2025, 6, 7), date(2025, 6, 8)
        for table in pipeline.tables(self.case.instance):
            if table.change in (Change.SNAPSHOT, Change.FULL):
                continue
            assert list(source.fetch(table, window_of(pipeline, saturday, sunday))) == []
            pipeline.extract(self.case.instance, table, saturday, sunday)
            with open_warehouse(pipeline.settings.warehouse_file) as connection:
                days = connection.execute(
                    "SELECT day FROM ops.loaded_days WHERE table_name = ? AND day BETWEEN ? AND ? ORDER BY day",
                    [table.name, saturday, sunday],
                ).fetchall()
            assert days == [(saturday,), (sunday,)], "measured, and nothing there: not the same as missing"

    @pytest.mark.parametrize("kind", PASSING)
    def test_a_passing_fault_loses_nothing(
        self, source: Source, table: Table, pipeline: Pipeline, world: World, kind: FaultKind
    ) -> None:
        if not self.case.cuts and kind == "truncated_json":
            pytest.skip("a cut answer cannot be told from a broken one; it is named at once")
        expected = list(source.fetch(table, window_of(pipeline, *SPAN)))
        if kind == "timeout":
            be_patient(source, read_timeout=0.5)
        world.faults.arm(self.case.vendor, kind, where=self.case.where)
        assert list(source.fetch(table, window_of(pipeline, *SPAN))) == expected
        assert world.faults.pending() == [], "the fault did not happen"

    @pytest.mark.parametrize("kind", [*PASSING, "expired_token"])
    def test_a_lasting_fault_is_named_and_nothing_is_stored(
        self, source: Source, table: Table, pipeline: Pipeline, world: World, kind: FaultKind
    ) -> None:
        be_patient(source, attempts=1, read_timeout=0.05 if kind == "timeout" else 20)
        world.faults.arm(self.case.vendor, kind, where=self.case.where, times=FOREVER)
        with refused(pipeline, self.case.instance, table) as error:
            pipeline.extract(self.case.instance, table, *SPAN)
        assert_named(error[0], self.case.instance, table)

    @pytest.mark.parametrize("kind", ["missing_column", "retyped_column"])
    def test_a_changed_column_is_a_schema_error_and_nothing_is_stored(
        self, table: Table, pipeline: Pipeline, world: World, kind: FaultKind
    ) -> None:
        pipeline.extract(self.case.instance, table, *SPAN)
        before = raw_rows(pipeline, self.case.instance, table)
        world.faults.arm(self.case.vendor, kind, column=self.case.column, times=FOREVER)
        with pytest.raises(SchemaError) as caught:
            pipeline.extract(self.case.instance, table, *SPAN)
        assert caught.value.mend
        assert_named(caught.value, self.case.instance, table, table_only=True)
        assert raw_rows(pipeline, self.case.instance, table) == before

    def test_small_pages_hold_the_same_rows_and_the_first_comes_before_the_last_page(
        self,
        source: Source,
        table: Table,
        pipeline: Pipeline,
        world: World,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        window = self.paged_window(pipeline)
        expected = keyed(table, source.fetch(table, window))
        self.make_pages_small(monkeypatch)
        world.log.clear()
        rows = source.fetch(table, window)
        first: Row = next(rows)
        pages_before = len(asked(world, self.case))
        assert keyed(table, chain([first], rows)) == expected
        assert len(asked(world, self.case)) >= pages_before + 2, (
            "rows come while pages are still to be asked for"
        )

    @pytest.mark.parametrize("kind", ["repeated_page", "looping_cursor"])
    def test_pages_that_go_in_circles_are_named_and_nothing_is_stored(
        self, table: Table, pipeline: Pipeline, world: World, monkeypatch: pytest.MonkeyPatch, kind: FaultKind
    ) -> None:
        window = self.paged_window(pipeline)
        self.make_pages_small(monkeypatch)
        world.faults.arm(self.case.vendor, kind, where=self.case.where)
        with refused(pipeline, self.case.instance, table) as error:
            pipeline.extract(self.case.instance, table, window.first_day, window.last_day)
        assert_named(error[0], self.case.instance, table)

    def test_fetch_is_lazy(self, source: Source, table: Table, pipeline: Pipeline, world: World) -> None:
        rows = source.fetch(table, window_of(pipeline, *SPAN))
        assert inspect.isgenerator(rows)
        assert world.log == [], "no request before the first row is wanted"
        next(rows)
        rows.close()

    def test_what_vanished_is_found_by_a_sweep(
        self, pipeline: Pipeline, contract_simulation: Simulation
    ) -> None:
        shop = contract_simulation.shop
        swept = [table for table in pipeline.tables(self.case.instance) if table.swept]
        for table in pipeline.tables(self.case.instance):
            if table not in swept:
                with pytest.raises(NotImplementedError):
                    list(pipeline.sources[self.case.instance].fetch_keys(table, window_of(pipeline, *SPAN)))
        if not swept:
            pytest.skip("nothing vanishes at this vendor without a trace")
        (table,) = swept
        history = (shop.first_day, shop.last_day)
        pipeline.extract(self.case.instance, table, *history)
        assert pipeline.sweep(self.case.instance, table, *history).rows_stored == 0
        own = [order for order in shop.orders if order.storefront == self.case.instance]
        at = shop.orders.index(next(order for order in own if order.deleted_at is None))
        victim = shop.orders.pop(at)
        try:
            assert pipeline.sweep(self.case.instance, table, *history).rows_stored == 1
            assert pipeline.sweep(self.case.instance, table, *history).rows_stored == 0, "once"
        finally:
            shop.orders.insert(at, victim)
        assert deleted_rows(pipeline, self.case.instance, table) == 1
        pipeline.sweep(self.case.instance, table, *history)
        assert deleted_rows(pipeline, self.case.instance, table) == 0, "what is there again is there again"

    def test_nothing_personal_and_no_secret_is_stored_or_logged(
        self, pipeline: Pipeline, contract_simulation: Simulation, caplog: pytest.LogCaptureFixture
    ) -> None:
        known = people(contract_simulation)
        with caplog.at_level(logging.DEBUG):
            for table in pipeline.tables(self.case.instance):
                pipeline.extract(self.case.instance, table, *days_for(pipeline, table))
        everything = "\n".join(
            repr(raw_rows(pipeline, self.case.instance, table))
            for table in pipeline.tables(self.case.instance)
        )
        for text in (everything, caplog.text):
            assert SECRET_CANARY not in text and PERSONAL_CANARY not in text
            assert not [email for email in known if email in text]
        assert not list((pipeline.settings.folder / "spool").iterdir()), "the spool is cleared away"

    def make_pages_small(self, monkeypatch: pytest.MonkeyPatch) -> None:
        if not self.case.small_pages:
            pytest.skip("the vendor does not page")
        for name in self.case.small_pages:
            monkeypatch.setattr(name, self.case.page_rows)

    def paged_window(self, pipeline: Pipeline) -> Window:
        return window_of(pipeline, SPAN[0], SPAN[0] + timedelta(days=self.case.paged_days - 1))


def be_patient(source: Source, **changed: Any) -> None:
    """Change the vendor's patience until the test ends."""
    kind: Any = type(source)
    kind.patience = replace(kind.patience, **changed)


def window_of(pipeline: Pipeline, first_day: date, last_day: date) -> Window:
    return pipeline.window(first_day, last_day)


def days_for(pipeline: Pipeline, table: Table) -> tuple[date, date]:
    """Days on which the table can be read: of a snapshot there is only today's state."""
    newest = pipeline.newest_day()
    return (newest, newest) if table.change is Change.SNAPSHOT else SPAN


def keyed(table: Table, rows: Iterable[Row]) -> dict[Any, Any]:
    """Rows by key. Two windows may both tell of a record; they must tell the same."""
    return {tuple(row[name] for name in table.key): row for row in rows}


def raw_rows(pipeline: Pipeline, source: str, table: Table) -> list[tuple[Any, ...]]:
    """What the raw log holds of a table and its children, which load wrote it left aside."""
    found: list[tuple[Any, ...]] = []
    with open_warehouse(pipeline.settings.warehouse_file) as connection:
        for name in (table.name, *(child.name for child in table.children)):
            rows = connection.execute(f'SELECT * EXCLUDE (_load_id) FROM raw."{source}__{name}"').fetchall()
            found.extend(sorted(rows, key=repr))
    return found


def raw_keys(pipeline: Pipeline, source: str, table: Table) -> list[tuple[Any, ...]]:
    columns = [*table.key, *filter(None, (table.version,))]
    columns += ["snapshot_day"] if table.change is Change.SNAPSHOT else []
    with open_warehouse(pipeline.settings.warehouse_file) as connection:
        return connection.execute(f'SELECT {", ".join(columns)} FROM raw."{source}__{table.name}"').fetchall()


@contextmanager
def refused(pipeline: Pipeline, source: str, table: Table) -> Iterator[list[EcomError]]:
    """The block ends with a source's error, and the warehouse knows nothing of the load."""
    told: list[EcomError] = []
    with pytest.raises(SourceError) as caught:
        yield told
    told.append(caught.value)
    if pipeline.settings.warehouse_file.exists():
        with open_warehouse(pipeline.settings.warehouse_file) as connection:
            assert connection.execute("SELECT COUNT(*) FROM ops.loads").fetchall() == [(0,)]
            assert connection.execute("SELECT COUNT(*) FROM ops.loaded_days").fetchall() == [(0,)]


def assert_named(error: EcomError, source: str, table: Table, *, table_only: bool = False) -> None:
    """The error says which source, table and window, why and what to do, and nothing it must not."""
    assert source in error.what
    children = [child.name for child in table.children]
    if table_only:
        assert any(name in error.what for name in (table.name, *children))
    else:
        assert f"{source}, {table.name}, " in error.what, error.what
    assert error.why and error.mend
    told = "".join(traceback.format_exception(error)) + repr(error) + repr(error.__context__)
    assert SECRET_CANARY not in told and PERSONAL_CANARY not in told and "@" not in error.what


def asked(world: World, case: Case) -> list[Any]:
    return [entry for entry in world.log if entry.vendor == case.vendor and case.where in entry_text(entry)]


def entry_text(entry: Any) -> str:
    return f"{entry.path}?{entry.query} {entry.body}"


def deleted_rows(pipeline: Pipeline, source: str, table: Table) -> int:
    with open_warehouse(pipeline.settings.warehouse_file) as connection:
        rows = connection.execute(
            f'SELECT COUNT(*) FROM raw."{source}__{table.name}" WHERE _deleted'
        ).fetchall()
        return int(rows[0][0])


def people(simulation: Simulation) -> set[str]:
    """Every customer's e-mail address, as it was typed and as the shop knows it."""
    orders = simulation.shop.orders
    typed = {order.email.strip() for order in orders if order.email}
    known = {order.customer.email for order in orders if order.customer}
    return typed | known | {email.lower() for email in typed}
