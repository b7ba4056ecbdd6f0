"""A shop at Shopify and one on PrestaShop, selling to the same people: each its own figures, as they truly were."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator
from datetime import date
from decimal import Decimal

import pytest

from ecom_pipeline.sandbox.events import BOUTIQUE, PAIR
from ecom_pipeline.sandbox.oracle import Oracle
from ecom_pipeline.warehouse.checks import check_key
from ecom_pipeline.warehouse.connection import open_warehouse

from ..simulation import Simulation, simulate


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Simulation]:
    with simulate(
        tmp_path_factory.mktemp("pair"), seed=13, days=70, orders_per_day=14, business=PAIR
    ) as simulation:
        simulation.run()
        yield simulation


@pytest.fixture(scope="module")
def oracle(pair: Simulation) -> Oracle:
    return pair.oracle()


def figures(pair: Simulation, kpi: str, dimension: str) -> dict[tuple[date, str], Decimal]:
    rows = pair.query(
        "SELECT day, segment, numerator FROM kpi.daily WHERE kpi = ? AND dimension = ?", [kpi, dimension]
    )
    return {(day, segment): amount for day, segment, amount in rows if amount}


@pytest.mark.parametrize("dimension", ["shop", "country"])
@pytest.mark.parametrize(
    "kpi", ["orders", "net_sales", "gross_merchandise_value", "discount_rate", "units_per_order"]
)
def test_each_shops_figures_are_as_they_truly_were(
    pair: Simulation, oracle: Oracle, kpi: str, dimension: str
) -> None:
    wanted = {
        (day, segment): numerator
        for (day, of, segment), (numerator, _) in oracle.compute(kpi).items()
        if of == dimension and numerator
    }
    found = figures(pair, kpi, dimension)
    if dimension == "shop":
        assert {segment for _, segment in found} == {front.key for front in PAIR.storefronts}
    assert found == wanted


@pytest.mark.parametrize("kpi", ["new_customers", "returning_customer_rate", "repeat_purchase_rate"])
def test_a_customer_is_one_over_both_shops(pair: Simulation, oracle: Oracle, kpi: str) -> None:
    (shared,) = pair.query(
        "SELECT COUNT(*) FROM (SELECT customer FROM model.orders WHERE customer IS NOT NULL "
        "GROUP BY customer HAVING COUNT(DISTINCT shop) > 1)"
    )
    assert shared[0] > 5
    wanted = {
        day: figure for (day, dimension, _), figure in oracle.compute(kpi).items() if dimension == "total"
    }
    rows = pair.query(
        "SELECT day, numerator, denominator FROM kpi.daily WHERE kpi = ? AND dimension = 'total'", [kpi]
    )
    found = {day: (numerator, denominator) for day, numerator, denominator in rows}
    assert found and {day: wanted[day] for day in found} == found


def test_costs_are_those_of_the_articles_sold_and_not_back_on_the_shelf(
    pair: Simulation, oracle: Oracle
) -> None:
    rows = pair.query(
        "SELECT day, SUM(cost) FROM model.sale_lines WHERE shop = ? GROUP BY day", [BOUTIQUE.key]
    )
    wanted: defaultdict[date, Decimal] = defaultdict(Decimal)
    for fact in oracle._books.cost_of_goods:
        if fact.segments["shop"] == BOUTIQUE.key:
            wanted[fact.day] += fact.amount
    assert {day: cost for day, cost in rows if cost} == {day: cost for day, cost in wanted.items() if cost}
    assert len(wanted) > 20


def test_what_both_shops_have_on_the_shelf_is_read(pair: Simulation) -> None:
    rows = pair.query("SELECT shop, product_id, on_hand FROM mapped.stock_levels")
    newest = [stock for stock in pair.shop.stock if stock.day == pair.newest_day()]
    wanted = Counter((stock.product.storefront, stock.on_hand) for stock in newest)
    assert Counter((shop, on_hand) for shop, _, on_hand in rows) == wanted
    assert {shop for shop, _ in wanted} == {front.key for front in PAIR.storefronts}


def test_a_shop_that_notes_no_visit_leaves_its_channel_open(pair: Simulation) -> None:
    """Not told is not the same as typed in by hand."""
    rows = pair.query("SELECT DISTINCT channel, device FROM model.orders WHERE shop = ?", [BOUTIQUE.key])
    assert rows == [("Unassigned", "unknown")]


def test_every_key_holds(pair: Simulation) -> None:
    with open_warehouse(pair.warehouse) as connection:
        broken = {
            node.name: found
            for node in pair.pipeline.catalog.models
            if not (found := check_key(connection, node.name, node.key)).passed
        }
    assert broken == {}
