"""Three shops of two kinds and two currencies, selling to the same people: one business, each shop its own figures."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import date, timedelta
from decimal import Decimal

import pytest

from ecom_pipeline.sandbox.events import GROUP
from ecom_pipeline.sandbox.generator import generate_shop
from ecom_pipeline.sandbox.oracle import Oracle
from ecom_pipeline.warehouse.checks import check_key
from ecom_pipeline.warehouse.connection import open_warehouse

from ..simulation import Simulation, simulate
from .test_changes import assert_as_if_built_anew, resend, telling


@pytest.fixture(scope="module")
def group(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Simulation]:
    with simulate(
        tmp_path_factory.mktemp("group"), seed=13, days=70, orders_per_day=14, business=GROUP
    ) as simulation:
        simulation.run()
        yield simulation


@pytest.fixture(scope="module")
def oracle(group: Simulation) -> Oracle:
    return group.oracle()


def figures(group: Simulation, kpi: str, dimension: str) -> dict[tuple[date, str], Decimal]:
    rows = group.query(
        "SELECT day, segment, numerator FROM kpi.daily WHERE kpi = ? AND dimension = ?", [kpi, dimension]
    )
    return {(day, segment): amount for day, segment, amount in rows if amount}


def test_the_same_people_buy_in_several_shops(group: Simulation) -> None:
    (shared,) = group.query(
        "SELECT COUNT(*) FROM (SELECT customer FROM model.orders WHERE customer IS NOT NULL "
        "GROUP BY customer HAVING COUNT(DISTINCT shop) > 1)"
    )
    assert shared[0] > 5
    (shops,) = group.query("SELECT COUNT(DISTINCT shop), COUNT(DISTINCT currency) FROM model.orders")
    assert shops[0] == 3 and shops[1] >= 2


def test_readers_can_tell_two_shops_of_one_vendor_apart(group: Simulation) -> None:
    titles = [title for (title,) in group.query("SELECT title FROM ops.sources ORDER BY source")]
    assert len(set(titles)) == len(titles)
    assert {"Shopify (shop)", "Shopify (shop_us)", "Stripe"} <= set(titles)


@pytest.mark.parametrize("kpi", ["orders", "net_sales", "gross_merchandise_value"])
def test_each_shops_figures_are_its_own(group: Simulation, oracle: Oracle, kpi: str) -> None:
    wanted = {
        (day, segment): numerator
        for (day, dimension, segment), (numerator, _) in oracle.compute(kpi).items()
        if dimension == "shop" and numerator
    }
    found = figures(group, kpi, "shop")
    assert {segment for _, segment in found} == {front.key for front in GROUP.storefronts}
    assert found == wanted


def test_a_customer_is_new_once_over_all_shops(group: Simulation) -> None:
    """Counted by hand: the first order that counts of each address, wherever it was placed."""
    new = sum(amount for amount in figures(group, "new_customers", "total").values())
    (people,) = group.query(
        "SELECT COUNT(DISTINCT customer) FROM model.orders WHERE customer IS NOT NULL AND NOT is_cancelled"
    )
    assert new == people[0]
    (by_shop,) = group.query(
        "SELECT COUNT(*) FROM (SELECT DISTINCT shop, customer FROM model.orders "
        "WHERE customer IS NOT NULL AND NOT is_cancelled)"
    )
    assert by_shop[0] > people[0], "counted shop by shop there would be more"


def test_who_came_back_in_another_shop_came_back(group: Simulation) -> None:
    rows = group.query(
        "SELECT COUNT(*) FROM model.customer_orders AS b JOIN model.customer_orders AS a "
        "ON a.customer = b.customer AND a.order_number = 1 AND a.dimension = 'total' "
        "WHERE b.dimension = 'total' AND b.order_number > 1 AND a.shop <> b.shop"
    )
    assert rows[0][0] > 3


def test_payments_find_their_order_whatever_the_shop(group: Simulation) -> None:
    """Each shop numbers its own orders; a charge must not meet another shop's order of the same number."""
    truth = {charge.charge_id: str(charge.order_id) for charge in group.shop.charges}
    country = {str(order.order_id): order.country for order in group.shop.orders}
    rows = group.query(
        "SELECT l.source_id, o.order_reference, o.country FROM mapped.payment_orders AS l "
        "JOIN model.orders AS o ON o.order_reference = l.order_reference"
    )
    assert len(rows) > 100
    for source_id, reference, found in rows:
        if source_id in truth:
            assert reference == truth[source_id] and found == country[reference]
    doubled = group.query(
        "SELECT order_reference FROM model.orders GROUP BY order_reference HAVING COUNT(*) > 1"
    )
    assert doubled == []


@dataclass
class SharedNumber:
    """A business in which an order of the second site bears the number of one of the first's."""

    read: Simulation
    order_id: int
    other_id: int
    charge_id: str


@pytest.fixture(scope="module")
def shared_number(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SharedNumber]:
    last_day = date(2026, 11, 15)
    shop = generate_shop(13, last_day - timedelta(days=13), last_day, 14, GROUP)
    paid = {charge.order_id: charge.charge_id for charge in shop.charges if charge.processor == "stripe"}
    there = [one for one in shop.orders if one.order_id in paid and one.deleted_at is None]
    ours = next(one for one in there if one.storefront == "shop")
    other = next(one for one in there[::-1] if one.storefront == "atelier")
    shop.orders[shop.orders.index(other)] = replace(other, name=str(ours.order_id))
    folder = tmp_path_factory.mktemp("shared")
    with simulate(folder, seed=13, days=14, orders_per_day=14, shop=shop) as simulation:
        simulation.run()
        yield SharedNumber(simulation, ours.order_id, other.order_id, paid[ours.order_id])


def test_a_number_two_shops_share_pays_for_neither(shared_number: SharedNumber) -> None:
    """Two sites may count alike; then a payment is of one of two orders, and nothing tells of which."""
    rows = shared_number.read.query(
        "SELECT order_day, customer, channel, country FROM model.payments "
        "WHERE type = 'charge' AND source_id = ?",
        [shared_number.charge_id],
    )
    assert rows == [(None, None, "Unassigned", "unknown")]
    (known,) = shared_number.read.query(
        "SELECT COUNT(*) FROM model.payments WHERE order_day > DATE '2026-01-01'"
    )
    assert known[0] > 50


def test_a_number_that_comes_to_be_shared_lets_go_of_the_older_payment(shared_number: SharedNumber) -> None:
    """An order of another day and shop changes what a payment of long ago is of, and changes it back."""
    read, charge = shared_number.read, shared_number.charge_id
    for number, is_known in (("another", True), (str(shared_number.order_id), False)):
        resend(
            read, "atelier", "orders",
            lambda row: row["id"] == str(shared_number.other_id),
            telling(number=number),
        )  # fmt: skip
        assert_as_if_built_anew(read)
        ((day,),) = read.query(
            "SELECT order_day FROM model.payments WHERE type = 'charge' AND source_id = ?", [charge]
        )
        assert (day is not None) == is_known


def test_each_shops_margin_is_its_own(group: Simulation, oracle: Oracle) -> None:
    rows = group.query(
        "SELECT day, shop, SUM(CASE WHEN is_known THEN gross - discounts - returns ELSE 0 END - cost) "
        "FROM model.sale_lines WHERE kind <> 'shipping' GROUP BY day, shop"
    )
    books = oracle._books
    wanted: defaultdict[tuple[date, str], Decimal] = defaultdict(Decimal)
    for line in books.lines:
        if (line.sold or line.given_back) and line.cost_known:
            fact = line.fact(line.gross - line.discount)
            wanted[fact.day, fact.segments["shop"]] += fact.amount
    for fact in books.cost_of_goods:
        wanted[fact.day, fact.segments["shop"]] -= fact.amount
    found = {(day, shop): amount for day, shop, amount in rows if amount}
    assert found == {key: amount for key, amount in wanted.items() if amount}
    assert {shop for _, shop in found} == {front.key for front in GROUP.storefronts}


@pytest.mark.parametrize("kpi", ["new_customers", "returning_customer_rate", "repeat_purchase_rate"])
def test_new_and_repeat_are_counted_once(group: Simulation, oracle: Oracle, kpi: str) -> None:
    """Over all shops at once, as the oracle knows the people, not the shops' own customers."""
    wanted = {
        day: figure for (day, dimension, _), figure in oracle.compute(kpi).items() if dimension == "total"
    }
    rows = group.query(
        "SELECT day, numerator, denominator FROM kpi.daily WHERE kpi = ? AND dimension = 'total'", [kpi]
    )
    found = {day: (numerator, denominator) for day, numerator, denominator in rows}
    assert found and {day: wanted[day] for day in found} == found


def test_costs_in_dollars_are_converted(group: Simulation, oracle: Oracle) -> None:
    (cost,) = group.query("SELECT SUM(cost) FROM model.sale_lines WHERE shop = 'shop_us'")
    books = oracle._books
    assert cost[0] == sum(fact.amount for fact in books.cost_of_goods if fact.segments["shop"] == "shop_us")
    assert cost[0] > 0


def test_every_key_holds(group: Simulation) -> None:
    """What Dagster checks of each model, on three shops at once."""
    with open_warehouse(group.warehouse) as connection:
        broken = {
            node.name: found
            for node in group.pipeline.catalog.models
            if not (found := check_key(connection, node.name, node.key)).passed
        }
    assert broken == {}
