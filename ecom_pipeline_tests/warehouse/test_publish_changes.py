"""The readers' copy is brought up to date by what changed, and is always what copying everything would give."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import duckdb
import pytest

from ecom_pipeline.warehouse import changes
from ecom_pipeline.warehouse.connection import open_published, open_warehouse
from ecom_pipeline.warehouse.publish import PUBLISHED_SCHEMAS, publish
from ecom_pipeline_tests.simulation import Simulation, dump_tables, simulate

DAYS, LATER = 40, 5


class Listening:
    """A connection that keeps what was said to it."""

    def __init__(self, connection: duckdb.DuckDBPyConnection) -> None:
        self._connection = connection
        self.said: list[str] = []

    def execute(self, sql: str, *rest: Any) -> duckdb.DuckDBPyConnection:
        self.said.append(sql)
        return self._connection.execute(sql, *rest)


@pytest.fixture(scope="module")
def grown(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Simulation, Path]]:
    """A shop some days before its newest, published."""
    with simulate(tmp_path_factory.mktemp("grown"), seed=19, days=DAYS, orders_per_day=8) as simulation:
        until = simulation.shop.last_day - timedelta(days=LATER)
        simulation.set_day(until)
        simulation.run(simulation.shop.first_day, until)
        simulation.pipeline.publish()
        kept = simulation.warehouse.with_suffix(".kept")
        shutil.copy(simulation.warehouse, kept)
        shutil.copy(published(simulation), published(simulation).with_suffix(".kept"))
        yield simulation, kept


@pytest.fixture
def shop(grown: tuple[Simulation, Path]) -> Simulation:
    """The same shop, warehouse and copy again for every test."""
    simulation, kept = grown
    shutil.copy(kept, simulation.warehouse)
    shutil.copy(published(simulation).with_suffix(".kept"), published(simulation))
    simulation.set_day(simulation.shop.last_day - timedelta(days=LATER))
    return simulation


def published(simulation: Simulation) -> Path:
    return simulation.pipeline.settings.published_file


def one_day_more(simulation: Simulation) -> None:
    day = simulation.newest_day() + timedelta(days=1)
    simulation.set_day(day)
    simulation.run(day, day)


def publish_again(simulation: Simulation) -> list[str]:
    """What was said to bring the copy up to date, once it is seen to be what the warehouse holds."""
    with open_warehouse(simulation.warehouse) as connection:
        listening = Listening(connection)
        publish(listening, published(simulation))  # type: ignore[arg-type]
        wanted = dump_tables(connection, PUBLISHED_SCHEMAS)
    with open_published(published(simulation)) as reader:
        found = dump_tables(reader, PUBLISHED_SCHEMAS)
    assert found.keys() == wanted.keys() and wanted
    for name, rows in wanted.items():
        assert found[name] == rows, name
    return listening.said


def written_whole(said: list[str]) -> bool:
    return any(one.startswith("CREATE TABLE published.model.") for one in said)


def test_day_after_day_the_copy_is_the_warehouse(shop: Simulation) -> None:
    changed = 0
    for _ in range(LATER):
        one_day_more(shop)
        said = publish_again(shop)
        assert not written_whole(said)
        changed += sum(one.startswith('INSERT INTO published.model."') for one in said)
    assert changed > LATER * 5


def test_without_a_change_no_model_is_touched(shop: Simulation) -> None:
    said = publish_again(shop)
    assert not any(".model." in one for one in said)


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE ops.built SET fingerprint = 'another' WHERE node = 'model.orders'",
        "ALTER TABLE model.orders ADD COLUMN one_more INTEGER",
    ],
)
def test_a_table_under_a_new_definition_is_copied_whole(shop: Simulation, change: str) -> None:
    shop.query(change)
    whole = [one for one in publish_again(shop) if one.startswith("CREATE TABLE published.model.")]
    assert len(whole) == 1 and '"orders"' in whole[0]


def broken(file: Path) -> None:
    file.write_bytes(file.read_bytes()[: file.stat().st_size // 2])


def no_database(file: Path) -> None:
    file.write_text("not a database" * 1000, encoding="utf-8")


def of_before(file: Path) -> None:
    shutil.copy(file.with_suffix(".kept"), file)


@pytest.mark.parametrize("spoil", [broken, no_database, of_before])
def test_a_copy_that_is_not_the_last_one_is_replaced_as_a_whole(
    shop: Simulation, spoil: Callable[[Path], None]
) -> None:
    one_day_more(shop)
    publish_again(shop)
    spoil(published(shop))
    one_day_more(shop)
    assert written_whole(publish_again(shop))


def test_a_publication_that_died_is_made_up_for(shop: Simulation, monkeypatch: pytest.MonkeyPatch) -> None:
    one_day_more(shop)

    def die(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr("ecom_pipeline.warehouse.publish.os.replace", die)
        with pytest.raises(KeyboardInterrupt):
            publish_again(shop)
    one_day_more(shop)
    assert written_whole(publish_again(shop))


def test_what_the_copy_does_not_know_yet_is_not_forgotten(
    shop: Simulation, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(changes, "LONG_LOG", 0)
    one_day_more(shop)
    one_day_more(shop)
    assert not written_whole(publish_again(shop))
    before = shop.query("SELECT COUNT(*) FROM ops.changes")[0][0]
    one_day_more(shop)
    assert shop.query("SELECT COUNT(*) FROM ops.changes")[0][0] < before
    assert not written_whole(publish_again(shop))
