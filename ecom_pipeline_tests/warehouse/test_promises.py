"""The design's promises about a shop read whole: nothing lost, nothing doubled, all of it reconciled."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import duckdb
import pytest

from ecom_pipeline.kpis.definition import kpis
from ecom_pipeline.sandbox.events import Shop
from ecom_pipeline.warehouse.catalog import canonical_tables, read_models
from ecom_pipeline.warehouse.checks import check_key, check_net_sales, check_rates, check_values
from ecom_pipeline.warehouse.connection import open_warehouse
from ecom_pipeline_tests.simulation import Simulation, dump_tables, simulate


@pytest.fixture(scope="module")
def read_shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Simulation]:
    with simulate(tmp_path_factory.mktemp("promises"), seed=11, days=70, orders_per_day=6) as simulation:
        simulation.run()
        yield simulation


@pytest.fixture
def warehouse(read_shop: Simulation) -> Iterator[duckdb.DuckDBPyConnection]:
    with open_warehouse(read_shop.warehouse) as connection:
        yield connection


def column(connection: duckdb.DuckDBPyConnection, sql: str) -> list[Any]:
    return [row[0] for row in connection.execute(sql).fetchall()]


def held(simulation: Simulation) -> dict[str, list[str]]:
    """For each question to the warehouse: the ids (or their number) that the vendors hold now."""
    shop, now = simulation.shop, simulation.world.now()
    orders = [
        order
        for order in shop.orders
        if order.created_at <= now and (order.deleted_at is None or order.deleted_at > now)
    ]
    left = [checkout for checkout in shop.checkouts if checkout.created_at <= now]
    agreements = [agreement for order in orders for agreement in order.agreements if agreement.at <= now]
    return {
        "SELECT id FROM raw.shop__orders": [str(order.order_id) for order in orders],
        "SELECT order_id FROM mapped.orders": [str(order.order_id) for order in orders],
        "SELECT COUNT(*) FROM mapped.sale_lines": [str(sum(len(one.lines) for one in agreements))],
        "SELECT shipment_id FROM mapped.shipments": [
            str(parcel.fulfillment_id)
            for order in orders
            for parcel in order.fulfillments
            if parcel.shipped_at <= now
        ],
        "SELECT COUNT(*) FROM mapped.checkouts WHERE NOT is_completed": [
            str(sum(checkout.completed_at is None or checkout.completed_at > now for checkout in left))
        ],
        "SELECT payment_id FROM mapped.payments": [
            movement.txn_id for movement in shop.balance_transactions if movement.created_at <= now
        ],
        "SELECT payout_id FROM mapped.payouts": [
            payout.payout_id for payout in shop.payouts if payout.created_at <= now
        ],
        "SELECT dispute_id FROM mapped.disputes": [
            dispute.dispute_id for dispute in shop.disputes if dispute.created_at <= now
        ],
        "SELECT CONCAT(settled_at, '/', amount) FROM mapped.bank_transactions": [
            f"{movement.settled_at:%Y-%m-%d %H:%M:%S}/{Decimal(movement.amount) / 100:.2f}"
            for movement in shop.bank_transactions
            if movement.status == "completed" and movement.settled_at and movement.settled_at <= now
        ],
        "SELECT CONCAT(day, '/', campaign_id) FROM mapped.ad_performance": [
            f"{row.day}/{row.campaign_id}" for row in shop.ads if row.impressions or row.cost_micros
        ],
        "SELECT CONCAT(day, '/', currency) FROM mapped.fx_rates": [
            f"{day}/{currency}"
            for day, rates in shop.rates.items()
            for currency in rates
            if shop.first_day - timedelta(days=10) <= day <= shop.last_day  # the fixing a first day rests on
        ],
        "SELECT SUM(sessions) FROM mapped.web_traffic": [str(sum(row.sessions for row in shop.traffic))],
        "SELECT SUM(clicks) FROM mapped.search_positions": [
            str(sum(row.clicks for row in shop.search if row.day <= shop.last_day - timedelta(days=3)))
        ],  # of the days that are final
    }


def test_nothing_is_lost_and_nothing_made_up(
    read_shop: Simulation, warehouse: duckdb.DuckDBPyConnection
) -> None:
    for sql, wanted in held(read_shop).items():
        found = Counter(map(str, column(warehouse, sql)))
        today = read_shop.shop.last_day + timedelta(days=1)
        extra = {key for key in found - Counter(wanted) if not key.startswith(str(today))}
        assert not Counter(wanted) - found, sql
        assert not extra, sql


def test_nothing_is_doubled(warehouse: duckdb.DuckDBPyConnection) -> None:
    for name, table in canonical_tables().items():
        if table.key:
            assert check_key(warehouse, f"mapped.{name}", table.key).passed, name
    for node in read_models():
        assert check_key(warehouse, node.name, node.key).passed, node.name
    assert check_key(warehouse, "kpi.daily", ("kpi", "day", "dimension", "segment")).passed
    assert check_key(warehouse, "kpi.days", ("kpi", "day")).passed


def test_a_doubled_key_is_found(warehouse: duckdb.DuckDBPyConnection) -> None:
    warehouse.execute(
        "CREATE TEMP TABLE twice AS SELECT * FROM model.orders UNION ALL SELECT * FROM model.orders LIMIT 5000"
    )
    assert not check_key(warehouse, "twice", ("shop", "order_id")).passed


def test_gross_less_discounts_less_returns_is_net(
    read_shop: Simulation, warehouse: duckdb.DuckDBPyConnection
) -> None:
    assert check_net_sales(warehouse).passed
    assert check_rates(warehouse).passed
    rows = warehouse.execute(
        """SELECT day, shop, SUM(gross), SUM(discounts), SUM(returns), SUM(net) FROM model.daily_sales
           GROUP BY day, shop"""
    ).fetchall()
    truth = read_shop.oracle().order_facts()
    for day, _, gross, discounts, returns, net in rows:
        assert gross - discounts - returns == net
        facts = truth[day]
        assert (gross, discounts, returns, net) == (
            facts["gross"], facts["discounts"], facts["returns"], facts["net"],
        )  # fmt: skip
    assert sum(row[5] for row in rows) == sum(facts["net"] for facts in truth.values())


def test_values_lie_where_their_definition_allows(
    read_shop: Simulation, warehouse: duckdb.DuckDBPyConnection
) -> None:
    failed = [key for key, kpi in read_shop.pipeline.kpis.items() if not check_values(warehouse, kpi).passed]
    assert failed == []


def test_charges_are_what_the_orders_were_paid_by_card(
    read_shop: Simulation, warehouse: duckdb.DuckDBPyConnection
) -> None:
    """An order's charge is its total less what a gift card paid, in the currency of the shop."""
    rows = warehouse.execute(
        """
        SELECT o.order_id, MAX(p.amount)
        FROM mapped.orders AS o
        JOIN mapped.payment_orders AS l ON l.order_reference = o.order_reference
        JOIN mapped.payments AS p ON p.source_id = l.source_id AND p.type = 'charge'
        WHERE o.currency = 'EUR' GROUP BY o.order_id
        """
    ).fetchall()
    charged = dict(rows)
    paid = warehouse.execute(
        """
        SELECT l.order_id, SUM(l.gross - l.discount + l.tax) FROM mapped.sale_lines AS l
        JOIN mapped.orders AS o ON o.order_id = l.order_id
        WHERE l.action = 'sale' AND o.currency = 'EUR' GROUP BY l.order_id
        """
    ).fetchall()
    gift_cards = {str(order.order_id): Decimal(order.gift_card_paid) / 100 for order in read_shop.shop.orders}
    compared = [
        (charged[order_id], total - gift_cards[order_id]) for order_id, total in paid if order_id in charged
    ]
    assert len(compared) > 200
    assert all(one == other for one, other in compared)
    uncharged = {
        order_id for order_id, total in paid if order_id not in charged and total > gift_cards[order_id]
    }
    explained = {
        str(order.order_id) for order in read_shop.shop.orders if order.test or order.voided_at is not None
    }
    assert uncharged <= explained


def test_payouts_are_the_sums_of_their_movements(
    read_shop: Simulation, warehouse: duckdb.DuckDBPyConnection
) -> None:
    movements = "SELECT payment_id, net FROM mapped.payments WHERE type <> 'payout'"
    net = dict(warehouse.execute(movements).fetchall())
    cents: dict[str, Decimal] = {}
    for movement in read_shop.shop.balance_transactions:
        if movement.payout_id and movement.txn_id in net:
            cents[movement.payout_id] = cents.get(movement.payout_id, Decimal(0)) + net[movement.txn_id]
    payouts = dict(warehouse.execute("SELECT payout_id, amount FROM mapped.payouts").fetchall())
    assert len(payouts) > 30
    assert payouts == {payout: cents[payout] for payout in payouts}


def test_the_bank_got_every_payout_but_the_lost_one(
    read_shop: Simulation, warehouse: duckdb.DuckDBPyConnection
) -> None:
    now = read_shop.world.now()
    settled = {
        movement.transaction_id
        for movement in read_shop.shop.bank_transactions
        if movement.settled_at is not None and movement.settled_at <= now
    }
    truth = {
        payout.payout_id
        for payout in read_shop.shop.payouts
        if payout.created_at <= now and payout.bank_transaction_id not in settled
    }
    open_payouts = set(column(warehouse, "SELECT payout_id FROM model.payouts WHERE credited_day IS NULL"))
    assert open_payouts == truth
    lost = {
        payout_id
        for payout_id, arrival_day in warehouse.execute(
            "SELECT payout_id, arrival_day FROM model.payouts WHERE credited_day IS NULL"
        ).fetchall()
        if arrival_day <= read_shop.shop.last_day - timedelta(days=5)
    }
    assert len(lost) == 1
    gaps = warehouse.execute(
        "SELECT day, numerator FROM kpi.daily WHERE kpi = 'payout_gap' AND numerator <> 0 ORDER BY day"
    ).fetchall()
    assert [amount for _, amount in gaps] == column(
        warehouse,
        f"""SELECT SUM(amount) FROM model.payouts WHERE credited_day IS NULL
            AND arrival_day <= DATE '{read_shop.shop.last_day}' GROUP BY arrival_day ORDER BY arrival_day""",
    )


def test_running_twice_changes_nothing(read_shop: Simulation) -> None:
    schemas = ("raw", "mapped", "model", "kpi", "config", "run")

    def dump() -> dict[str, list[tuple[Any, ...]]]:
        with open_warehouse(read_shop.warehouse) as connection:
            tables = dump_tables(connection, schemas)
            ledgers = {
                "staged": "SELECT * FROM ops.staged ORDER BY ALL",
                "built": "SELECT * EXCLUDE (sequence) FROM ops.built ORDER BY ALL",
                "days": "SELECT * FROM ops.loaded_days ORDER BY ALL",
                "freshness": "SELECT * FROM ops.source_days ORDER BY ALL",
                "returned": "SELECT * FROM ops.returned ORDER BY ALL",
                "changes": "SELECT MAX(sequence) FROM ops.changes",  # nothing new to take into account
            }
            return tables | {name: connection.execute(sql).fetchall() for name, sql in ledgers.items()}

    def without_loads(tables: dict[str, list[tuple[Any, ...]]]) -> dict[str, Any]:
        """Restated tables and snapshots are replaced by a new load of the same content."""
        return {
            name: rows for name, rows in tables.items() if not name.startswith("raw.") and name != "staged"
        }

    before = dump()
    read_shop.compute()
    assert dump() == before
    read_shop.run()
    assert without_loads(dump()) == without_loads(before)
    logs = (
        "raw.shop__orders",
        "raw.shop__sale_lines",
        "raw.bank__transactions",
        "raw.shop__abandoned_checkouts",
    )
    after = dump()
    assert all(after[name] == before[name] for name in logs)


def days_of(shop: Shop) -> list[date]:
    return [shop.first_day + timedelta(days=n) for n in range((shop.last_day - shop.first_day).days + 1)]


SNAPSHOTS = (
    "mapped.products", "mapped.bank_balances", "mapped.stock_levels", "model.stock_days", "model.stock_windows",
    "kpi.restatements",
)  # fmt: skip
"""What depends on when one looked."""


def test_a_backfill_equals_the_daily_runs(tmp_path_factory: pytest.TempPathFactory) -> None:
    """A month at once, then day after day with the clock moving, against one backfill at the end."""
    dumps = []
    kept = ("mapped", "model", "kpi")
    for daily in (True, False):
        with simulate(tmp_path_factory.mktemp("runs"), seed=12, days=40, orders_per_day=5) as simulation:
            days = days_of(simulation.shop)
            if daily:
                simulation.set_day(days[-9])
                simulation.run(last_day=days[-9])
                for day in days[-8:]:
                    simulation.set_day(day)
                    simulation.run(day, day)
                swept = next(table for table in simulation.pipeline.tables("shop") if table.swept)
                simulation.pipeline.sweep("shop", swept, days[0], days[-1])
                simulation.compute(days[-1], days[-1])
                assert simulation.query("SELECT COUNT(*) FROM kpi.restatements")[0][0] > 0
            else:
                simulation.run()
            with open_warehouse(simulation.warehouse) as connection:
                tables = dump_tables(connection, kept)
            for snapshot in SNAPSHOTS:
                tables.pop(snapshot)
            for name in ("kpi.daily", "kpi.days"):
                tables[name] = [row for row in tables[name] if not kpis()[row[0]].snapshots]
            first = simulation.shop.first_day
            tables["mapped.fx_rates"] = [row for row in tables["mapped.fx_rates"] if row[3] >= first]
            dumps.append(tables)
    one, other = dumps
    assert one.keys() == other.keys()
    for name in one:
        assert one[name] == other[name], name


def test_the_order_of_building_does_not_matter(
    read_shop: Simulation, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """Chunks of a history, the newest first and each computed by itself, end as one backfill does."""
    shop = replace(read_shop.shop)
    with simulate(
        tmp_path_factory.mktemp("chunks"), seed=11, days=70, orders_per_day=6, shop=shop
    ) as chunked:
        days = days_of(shop)
        for first, last in ((days[45], days[69]), (days[0], days[20]), (days[21], days[44])):
            chunked.run(first, last)
        with open_warehouse(chunked.warehouse) as connection:
            found = dump_tables(connection, ("mapped", "model", "kpi"))
    with open_warehouse(read_shop.warehouse) as connection:
        wanted = dump_tables(connection, ("mapped", "model", "kpi"))
    found.pop("kpi.restatements")
    wanted.pop("kpi.restatements")
    found["mapped.fx_rates"] = [row for row in found["mapped.fx_rates"] if row[3] >= shop.first_day]
    wanted["mapped.fx_rates"] = [row for row in wanted["mapped.fx_rates"] if row[3] >= shop.first_day]
    for name in wanted:
        assert found[name] == wanted[name], name
