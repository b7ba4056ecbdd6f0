"""Ready tables: files of the shop's people that need no description."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path

import pytest
from pydantic import ValidationError
from typer.testing import CliRunner

from ecom_pipeline.cli import app
from ecom_pipeline.sandbox.events import ONE_SHOP
from ecom_pipeline.sandbox.generator import generate_shop
from ecom_pipeline.sandbox.ledgers import COLUMNS, LEDGERS, write_ledgers
from ecom_pipeline.sources.contract import SourceContext
from ecom_pipeline.sources.files import Files
from ecom_pipeline.sources.files.settings import FilesSettings, ready_tables
from ecom_pipeline.warehouse.catalog import canonical_tables

from ..simulation import reading, simulate
from .vendor_sandbox import KEY, NOW, TIME_ZONE, window_of

SPAN = (date(2026, 1, 1), date(2026, 3, 31))


def test_each_feeds_a_canonical_table_and_the_simulated_shop_fills_all_but_the_banks() -> None:
    assert set(ready_tables()) - set(LEDGERS) == {"bank_statement", "bank_balances"}
    for table in ready_tables().values():
        assert table.grain and table.maps and set(table.maps) <= set(canonical_tables())


@pytest.mark.parametrize("name", LEDGERS)
def test_its_template_is_its_header(name: str) -> None:
    answer = CliRunner().invoke(app, ["source", "template", name])
    assert answer.exit_code == 0, answer.output
    assert answer.output.strip() == ",".join(COLUMNS[name])


def test_an_unknown_template_is_answered_with_those_there_are() -> None:
    answer = CliRunner().invoke(app, ["source", "template", "gas"])
    assert answer.exit_code != 0


@pytest.mark.parametrize("name", LEDGERS)
def test_the_shops_files_are_read(tmp_path: Path, name: str) -> None:
    shop = generate_shop(4, *SPAN, 2.0)
    write_ledgers(shop, tmp_path, datetime(2026, 4, 1, 5, tzinfo=UTC))
    source = Files(
        "ledgers", FilesSettings(folder=tmp_path, ready=(name,)), SourceContext(TIME_ZONE, lambda: NOW, KEY)
    )
    (table,) = Files.declared_tables(source.settings)
    rows = list(source.fetch(table, window_of(*SPAN)))
    lines = (tmp_path / f"{name}.csv").read_text(encoding="utf-8").splitlines()
    assert len(rows) == len(lines) - 1 > 0


def test_own_tables_stand_beside_and_above_ready_ones(tmp_path: Path) -> None:
    own = {"path": "*.csv", "columns": {"a": "A"}}
    settings = FilesSettings.model_validate(
        {"folder": tmp_path, "ready": ["waste", "energy"], "tables": {"waste": own, "mine": own}}
    )
    assert list(settings.all_tables) == ["waste", "energy", "mine"]
    assert settings.all_tables["waste"].path == "*.csv"


@pytest.mark.parametrize("settings", [{"ready": ["gas"]}, {}])
def test_settings_without_a_known_table_are_refused(tmp_path: Path, settings: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        FilesSettings.model_validate({"folder": tmp_path, **settings})


def test_a_bill_over_many_days_is_spread_and_adds_up(tmp_path: Path) -> None:
    business = reading("ledgers", "factors")
    assert not ONE_SHOP.reads("ledgers")
    with simulate(tmp_path, seed=5, days=70, orders_per_day=1, business=business) as simulation:
        simulation.run()
        told = simulation.query(
            "SELECT activity_id, SUM(quantity), COUNT(DISTINCT day), MIN(day), MAX(day) FROM model.activities "
            "WHERE kind = 'energy' GROUP BY activity_id"
        )
        bills = [one for one in simulation.shop.activities if one.kind == "energy"]
        assert sorted((total, days, first, last) for _, total, days, first, last in told) == sorted(
            (Decimal(one.quantity), (one.last_day - one.day).days + 1, one.day, one.last_day) for one in bills
        )
        assert max((one.last_day - one.day).days for one in bills) > 20
