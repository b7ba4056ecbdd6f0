"""A bank read from files, statements in CAMT.053 or CSVs: cash and payouts as the shop's events say."""

from __future__ import annotations

import csv
import re
from collections.abc import Callable, Iterator
from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import pytest
from dotenv import dotenv_values

from ecom_pipeline.pipeline import Pipeline
from ecom_pipeline.sandbox.events import Shop
from ecom_pipeline.sandbox.world import PERSONAL_CANARY
from ecom_pipeline.settings import load_settings
from ecom_pipeline.warehouse.connection import open_warehouse

from ..simulation import Simulation, dump_tables, simulate
from ..sources.camt_statements import document, statements_of

SECTION = re.compile(r"\[sources\.bank\]\n.*?\n\n", re.DOTALL)


def write_statements(shop: Shop, folder: Path) -> str:
    """A CAMT.053 file of both accounts for each day; returns the settings of the source."""
    told = statements_of(shop)
    for day in {one.day for one in told}:
        text = document(*(one for one in told if one.day == day))
        (folder / f"{day}.xml").write_text(text, encoding="utf-8")
    return 'vendor = "camt053"'


def write_csvs(shop: Shop, folder: Path) -> str:
    """A file of all movements and one of the last balances; returns the settings of the source."""
    told = statements_of(shop)
    with (folder / "bank-statement.csv").open("w", encoding="utf-8", newline="") as file:
        lines = csv.writer(file)
        lines.writerow(("Date", "Account", "Amount", "Currency", "Label"))
        for one in told:
            for entry in one.entries:
                label = f"{PERSONAL_CANARY} {entry.text}"
                lines.writerow((entry.day, one.account[-4:], entry.amount, entry.currency, label))
    with (folder / "bank-balances.csv").open("w", encoding="utf-8", newline="") as file:
        lines = csv.writer(file)
        lines.writerow(("Date", "Account", "Balance", "Currency"))
        last = {one.account: one for one in told}
        lines.writerows((one.day, one.account[-4:], one.closing, one.currency) for one in last.values())
    return 'vendor = "files"\nready = ["bank_statement", "bank_balances"]'


@pytest.fixture(scope="module", params=[write_statements, write_csvs])
def read(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Simulation]:
    """The simulated shop, its bank read from files instead of over HTTP."""
    write: Callable[[Shop, Path], str] = request.param
    folder = tmp_path_factory.mktemp("bank")
    with simulate(folder, seed=31, days=60, orders_per_day=12) as simulation:
        statements, file = folder / "statements", folder / "ecom.toml"
        statements.mkdir()
        settings = write(simulation.shop, statements)
        section = f'[sources.bank]\n{settings}\nfolder = "{statements}"\n\n'
        text, times = SECTION.subn(lambda _: section, file.read_text(encoding="utf-8"))
        assert times == 1
        file.write_text(text, encoding="utf-8")
        environment = {name: value or "" for name, value in dotenv_values(folder / ".env").items()}
        pipeline = Pipeline(load_settings(file, environment), clock=simulation.world.now)
        changed = replace(simulation, pipeline=pipeline)
        changed.run()
        yield changed


@pytest.mark.parametrize("kpi", ["cash_balance", "net_cash_flow", "payout_gap", "cash_in_transit"])
def test_money_is_as_the_events_say(read: Simulation, kpi: str) -> None:
    rows = read.query("SELECT day, numerator FROM kpi.daily WHERE kpi = ? AND dimension = 'total'", [kpi])
    wanted = {
        day: amount
        for (day, dimension, _), (amount, _) in read.oracle().compute(kpi).items()
        if dimension == "total" and amount
    }
    assert wanted and {day: amount for day, amount in rows if amount} == wanted


def test_read_twice_is_read_once_and_nobody_is_kept(read: Simulation) -> None:
    with open_warehouse(read.warehouse) as connection:
        before = {name: rows for name, rows in dump_tables(connection, ("raw",)).items() if "bank" in name}
    read.extract(sources=["bank"])
    with open_warehouse(read.warehouse) as connection:
        after = {name: rows for name, rows in dump_tables(connection, ("raw",)).items() if "bank" in name}
    assert len(before) == 2 and all(before.values())
    assert {name: len(rows) for name, rows in after.items()} == {
        name: len(rows) for name, rows in before.items()
    }
    kept = repr(after)
    assert PERSONAL_CANARY not in kept and "STRIPE PAYMENTS" not in kept
    assert not any(account.iban in kept for account in read.shop.bank_accounts)


def test_payouts_find_their_credits(read: Simulation) -> None:
    (row,) = read.query("SELECT COUNT(*), SUM(amount) FROM model.payouts WHERE credited_day IS NOT NULL")
    credited = [one for one in read.shop.payouts if one.bank_transaction_id is not None]
    assert row == (len(credited), Decimal(sum(one.amount for one in credited)) / 100)
