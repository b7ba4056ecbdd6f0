"""However a record changes, building what it touches ends where building everything anew would."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace as with_changes
from datetime import UTC, date, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from ecom_pipeline.sources.contract import Change, Table, Window
from ecom_pipeline.warehouse.build import build
from ecom_pipeline.warehouse.catalog import Catalog
from ecom_pipeline.warehouse.connection import open_warehouse
from ecom_pipeline.warehouse.plan import BuildRequest
from ecom_pipeline.warehouse.raw_log import load_table, newest, raw_table
from ecom_pipeline.warehouse.spool import Spool
from ecom_pipeline_tests.simulation import Simulation, dump_tables, reading, simulate

Row = dict[str, Any]
Tables = dict[str, list[tuple[Any, ...]]]
NAMING = ("model.orders", "model.deliveries", "model.delivery_times", "model.complaints")


@pytest.fixture(scope="module")
def computed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Simulation, Path]]:
    with simulate(tmp_path_factory.mktemp("changes"), seed=17, days=45, orders_per_day=5) as simulation:
        simulation.run()
        kept = simulation.warehouse.with_suffix(".kept")
        shutil.copy(simulation.warehouse, kept)
        yield simulation, kept


@pytest.fixture
def shop(computed: tuple[Simulation, Path]) -> Simulation:
    """The same six weeks again for every test."""
    simulation, kept = computed
    shutil.copy(kept, simulation.warehouse)
    return simulation


def told(simulation: Simulation, table: Table, source: str) -> list[Row]:
    """The living rows of a raw table with their children, as the vendor would send them."""
    with open_warehouse(simulation.warehouse) as connection:

        def read(name: str, sql: str) -> list[Row]:
            found = connection.execute(sql)
            names = [column[0] for column in found.description]
            return [dict(zip(names, row, strict=True)) for row in found.fetchall()]

        is_log = table.change is Change.LOG
        rows = read(table.name, newest(source, table) if is_log else f"FROM {raw_table(source, table.name)}")
        for child in table.children:
            lines: dict[tuple[str, int], list[Row]] = {}
            for line in read(child.name, f"FROM {raw_table(source, child.name)}"):
                lines.setdefault((line["_record"], line["_load_id"]), []).append(aware(line))
            for row in rows:
                row[child.name] = lines.get((row["_record"], row["_load_id"]), [])
    return [aware(row) for row in rows if not row["_deleted"]]


def aware(row: Row) -> Row:
    return {
        name: value.replace(tzinfo=UTC) if hasattr(value, "tzinfo") else value for name, value in row.items()
    }


def resend(
    simulation: Simulation,
    source: str,
    name: str,
    which: Callable[[Row], bool],
    change: Callable[[Row], None],
) -> Row:
    """Let the vendor tell the first record of a kind otherwise; returns it as it was."""
    table = next(table for table in simulation.pipeline.tables(source) if table.name == name)
    rows = told(simulation, table, source)
    chosen = next(row for row in rows if which(row))
    before = dict(chosen)
    change(chosen)
    asked_at = simulation.world.now() + timedelta(minutes=1)
    if table.version is not None:
        chosen[table.version] = asked_at
        rows = [chosen]
    window = Window(simulation.shop.first_day, simulation.shop.last_day, simulation.shop.time_zone, asked_at)
    with Spool(source, table, simulation.warehouse.parent) as spool:
        spool.write(rows)
        with open_warehouse(simulation.warehouse) as connection:
            load_table(connection, spool, window)
    return before


def telling(**columns: Any) -> Callable[[Row], None]:
    return lambda row: row.update(columns)


def tables_of(simulation: Simulation) -> Tables:
    with open_warehouse(simulation.warehouse) as connection:
        found = dump_tables(connection, ("mapped", "model", "kpi"))
    found.pop("kpi.restatements")
    return found


def followed(simulation: Simulation) -> list[str]:
    """All models, and the KPIs to which changes travel from other days; the others follow theirs day by day."""
    return [node.name for node in simulation.pipeline.catalog.nodes if node.kpi is None or node.touches]


def assert_as_if_built_anew(simulation: Simulation, built: Sequence[str] = ()) -> Tables:
    """Compute the newest day only, compare with forgetting all that was built."""
    last, names = simulation.shop.last_day, list(built or followed(simulation))
    simulation.pipeline.compute(last, last, names)
    found = tables_of(simulation)
    with open_warehouse(simulation.warehouse) as connection:
        connection.execute("DELETE FROM ops.built WHERE LIST_CONTAINS(?, node)", [names])
    simulation.pipeline.compute(simulation.shop.first_day, last, names)
    wanted = tables_of(simulation)
    for name in wanted:
        assert found[name] == wanted[name], name
    return found


def has_refund(row: Row) -> bool:
    counts = not row["is_test"] and row["financial_status"] != "VOIDED" and row["cancelled_at"] is None
    return counts and any(line["action"] == "refund" for line in row["sale_lines"])


def is_returning(simulation: Simulation) -> set[str]:
    rows = simulation.query("SELECT customer FROM model.orders GROUP BY customer HAVING COUNT(*) > 1")
    return {customer for (customer,) in rows if customer is not None}


def keep_first_line(row: Row) -> None:
    row["sale_lines"] = row["sale_lines"][:1]


def cancel_parcels(row: Row) -> None:
    for parcel in row["fulfillments"]:
        parcel["status"] = "CANCELLED"


def rename(row: Row) -> None:
    for line in row["sale_lines"]:
        if line["title"] is not None:
            line["title"] = "Un autre nom"
            line["happened_at"] += timedelta(days=60)


CHANGES: dict[str, tuple[Callable[[Row], bool], Callable[[Row], None]]] = {
    "another country": (has_refund, lambda row: row.update(country="ES")),
    "another channel": (has_refund, lambda row: row.update(utm_source="newsletter", utm_medium="email")),
    "no customer any more": (has_refund, lambda row: row.update(customer=None)),
    "another customer": (has_refund, lambda row: row.update(customer="f" * 32)),
    "turned out a test": (has_refund, lambda row: row.update(is_test=True)),
    "voided": (has_refund, lambda row: row.update(financial_status="VOIDED")),
    "voided no more": (
        lambda row: row["financial_status"] == "VOIDED", lambda row: row.update(financial_status="PAID"),
    ),
    "its refund never was": (has_refund, keep_first_line),
    "parcels called off": (lambda row: bool(row["fulfillments"]), cancel_parcels),
    "another day": (has_refund, lambda row: row.update(created_at=row["created_at"] - timedelta(days=3))),
    "articles renamed": (lambda row: bool(row["restocks"]), rename),
    "nothing left of it": (has_refund, lambda row: row.update(sale_lines=[], restocks=[], fulfillments=[])),
}  # fmt: skip


@pytest.mark.parametrize("change", CHANGES)
def test_an_order_told_otherwise(shop: Simulation, change: str) -> None:
    which, act = CHANGES[change]
    before = tables_of(shop)
    resend(shop, "shop", "orders", which, act)
    assert assert_as_if_built_anew(shop) != before


def test_the_first_of_two_parcels_is_called_off(shop: Simulation) -> None:
    """The second then is the one with which the order counts as shipped."""
    until = shop.world.now() - timedelta(days=10)

    def send_another(row: Row) -> None:
        (parcel,) = row["fulfillments"]
        another = {
            **parcel,
            "id": f"{parcel['id']}-2",
            "created_at": parcel["created_at"] + timedelta(days=3),
        }
        row["fulfillments"].append(another)

    def call_off_the_first(row: Row) -> None:
        row["fulfillments"][0]["status"] = "CANCELLED"

    sent = resend(
        shop, "shop", "orders",
        lambda row: len(row["fulfillments"]) == 1 and row["fulfillments"][0]["created_at"] < until,
        send_another,
    )  # fmt: skip
    counted = "SELECT day, shipped_orders FROM model.logistics WHERE sent_order_id = ? ORDER BY day"
    assert_as_if_built_anew(shop)
    (first, one), (second, none) = shop.query(counted, [sent["id"]])
    assert (one, none, second) == (1, 0, first + timedelta(days=3))
    resend(shop, "shop", "orders", lambda row: row["id"] == sent["id"], call_off_the_first)
    assert_as_if_built_anew(shop)
    assert shop.query(counted, [sent["id"]]) == [(second, 1)]


def test_the_first_order_of_a_customer_who_came_back(shop: Simulation) -> None:
    customers = is_returning(shop)
    before = tables_of(shop)
    resend(
        shop, "shop", "orders",
        lambda row: row["customer"] in customers,
        lambda row: row.update(cancelled_at=shop.world.now()),
    )  # fmt: skip
    assert assert_as_if_built_anew(shop) != before


def test_an_older_order_makes_a_customer_of_one_who_had_cancelled(shop: Simulation) -> None:
    """Until it arrives nothing the customer paid or cost belongs to anybody's lifetime value."""
    once = shop.query("SELECT customer FROM model.orders GROUP BY customer HAVING COUNT(*) = 1")
    customers = {customer for (customer,) in once if customer is not None}
    cancelled = resend(
        shop, "shop", "orders",
        lambda row: has_refund(row) and row["customer"] in customers,
        lambda row: row.update(cancelled_at=shop.world.now()),
    )  # fmt: skip
    shop.compute(shop.shop.last_day, shop.shop.last_day)
    older = cancelled["created_at"] - timedelta(days=3)
    resend(
        shop, "shop", "orders",
        lambda row: row["created_at"] < older and not row["is_test"] and row["cancelled_at"] is None,
        lambda row: row.update(customer=cancelled["customer"]),
    )  # fmt: skip
    assert_as_if_built_anew(shop)


@pytest.fixture(scope="module")
def named(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Simulation]:
    """A shop whose parcels and complaints name its orders by their numbers."""
    folder, business = tmp_path_factory.mktemp("named"), reading("parcels", "helpdesk")
    with simulate(folder, seed=17, days=49, orders_per_day=14, business=business) as simulation:
        simulation.extract(sources=("shop", "parcels", "helpdesk"))
        simulation.pipeline.compute(simulation.shop.first_day, simulation.shop.last_day, NAMING)
        yield simulation


@pytest.mark.parametrize(
    ("model", "key", "named_by", "named_at"),
    [
        ("deliveries", "parcel_id", "parcels", "announced_at"),
        ("complaints", "ticket_id", "tickets", "created_at"),
    ],
)
def test_a_number_is_that_of_the_newest_order_that_bears_it(
    named: Simulation, model: str, key: str, named_by: str, named_at: str
) -> None:
    """What names an older order turns to a newer one that comes to bear its number, and turns back."""
    one, number, day, other, kept = named.query(
        f"SELECT n.{key}, n.order_number, m.order_day, b.order_id, b.order_number "
        f"FROM model.{model} AS m JOIN mapped.{named_by} AS n ON n.{key} = m.{key} "
        f"JOIN mapped.orders AS b ON b.day > m.order_day AND b.ordered_at < n.{named_at} AND NOT b.is_test "
        "WHERE m.order_day > DATE '1900-01-01' AND b.day <> m.day ORDER BY ALL LIMIT 1"
    )[0]
    for borne in (number, kept):
        resend(
            named, "shop", "orders",
            lambda row: str(row["id"]) == other,
            telling(name=borne),
        )  # fmt: skip
        assert_as_if_built_anew(named, NAMING)
        found = named.query(f"SELECT order_day FROM model.{model} WHERE {key} = ?", [one])
        assert (found == [(day,)]) == (borne == kept)


def gap_days(simulation: Simulation) -> dict[date, Decimal]:
    return dict(
        simulation.query("SELECT day, numerator FROM kpi.daily WHERE kpi = 'payout_gap' AND numerator <> 0")
    )


@pytest.mark.parametrize("change", ["canceled", "moved"])
def test_a_payout_told_otherwise_leaves_no_gap_behind(shop: Simulation, change: str) -> None:
    lost = shop.query(
        "SELECT payout_id, arrival_day FROM model.payouts WHERE credited_day IS NULL ORDER BY arrival_day LIMIT 1"
    )
    payout_id, arrival_day = lost[0]
    assert arrival_day in gap_days(shop)
    moved = arrival_day + timedelta(days=2)
    update = {"status": "canceled"} if change == "canceled" else {"arrival_day": moved}
    resend(shop, "stripe", "payouts", lambda row: row["id"] == payout_id, lambda row: row.update(update))
    assert_as_if_built_anew(shop)
    assert arrival_day not in gap_days(shop)
    assert (moved in gap_days(shop)) == (change == "moved")


@pytest.mark.parametrize(
    ("table", "change"),
    [
        ("charges", {"order_reference": None}),
        ("balance_transactions", {"fee": Decimal("0.01")}),
        ("balance_transactions", {"source_id": None}),
    ],
)
def test_a_payment_told_otherwise(shop: Simulation, table: str, change: Row) -> None:
    refunded = {
        row[0]
        for row in shop.query("SELECT charge_id FROM mapped.payment_orders WHERE charge_id IS NOT NULL")
    }
    before = tables_of(shop)
    resend(
        shop, "stripe", table,
        lambda row: row["id"] in refunded or row.get("source_id") in refunded,
        lambda row: row.update(change),
    )  # fmt: skip
    assert assert_as_if_built_anew(shop) != before


def test_days_that_a_new_definition_empties_are_emptied_below(shop: Simulation) -> None:
    last, first = shop.shop.last_day, shop.shop.first_day
    catalog: Catalog = shop.pipeline.catalog
    orders = catalog.by_name["model.orders"]
    fewer = with_changes(orders, sql=f"{orders.sql} AND p.day <> DATE '{last - timedelta(days=5)}'")
    below = [catalog.by_name[name] for name in ("model.sale_lines", "model.daily_sales", "kpi.orders")]
    request = BuildRequest(last, last, first, shop.shop.time_zone, shop.world.now())
    with open_warehouse(shop.warehouse) as connection:
        build(connection, [fewer, *below], request)
        days = connection.execute(
            "SELECT DISTINCT day FROM kpi.daily WHERE kpi = 'orders' AND numerator > 0"
        ).fetchall()
    assert {(first + timedelta(days=n),) for n in range(45)} - set(days) == {(last - timedelta(days=5),)}


def test_a_late_rate_reaches_what_was_sold_until_the_next(shop: Simulation) -> None:
    before = tables_of(shop)
    resend(
        shop, "rates", "rates",
        lambda row: row["currency"] == "GBP" and row["day"] > shop.shop.first_day + timedelta(days=5),
        lambda row: row.update(rate=Decimal("0.5")),
    )  # fmt: skip
    assert assert_as_if_built_anew(shop)["model.fx_rates"] != before["model.fx_rates"]
