"""Influencers: their cost is marketing once, and an order that turns out to be theirs moves all its days."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal

import pytest

from ecom_pipeline.kpis.definition import kpis
from ecom_pipeline.sandbox.events import ONE_SHOP, Agreement, Order, Shop, Visit
from ecom_pipeline.sandbox.generator import generate_shop

from ..simulation import LAST_DAY, Simulation, simulate
from .built_shop import Key, Pair, differences, keyed

KEYS = ("influencer_sales", "influencer_cost", "customer_acquisition_cost", "contribution_margin")
NOON = datetime.combine(LAST_DAY, time(11), UTC)
DAYS = 42


def given_back_later(shop: Shop) -> Order:
    """An order of which something came back on a later day, before the last."""
    return next(
        order
        for order in shop.orders
        if not (order.test or order.voided_at or order.deleted_at or order.cancelled_at)
        and order.currency == "EUR"
        and any(
            one.kind == "refund" and order.created_at + timedelta(days=2) < one.at < NOON - timedelta(days=3)
            for one in order.agreements
        )
        and any(line.kind == "product" and line.gross > 0 for line in order.agreements[0].lines)
    )


def put(shop: Shop, order: Order) -> None:
    shop.orders[:] = [order if one.order_id == order.order_id else one for one in shop.orders]


@pytest.fixture(scope="module")
def told_late(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Simulation, date, set[date]]]:
    """Read with a partner's, and then an influencer's, tag of an order; gives the order's return day and what differed."""
    business = replace(ONE_SHOP, pays_influencers=True)
    shop = generate_shop(23, LAST_DAY - timedelta(days=DAYS - 1), LAST_DAY, 8, business)
    # Both links are of the affiliates' channel: nothing else of the order's lines changes.
    link = Visit(source="partenaires-deco", medium="affiliate", campaign="commission-8")
    order = replace(given_back_later(shop), visit=link, discount_code=None)
    put(shop, order)
    folder = tmp_path_factory.mktemp("told_late")
    with simulate(folder, seed=23, days=DAYS, orders_per_day=8, shop=shop, business=business) as simulation:
        simulation.set_day(LAST_DAY - timedelta(days=1))
        simulation.run(shop.first_day, LAST_DAY - timedelta(days=1))
        before = figures(simulation, "influencer_sales")
        more = Agreement(990_001, "edit", NOON, order.agreements[0].lines[:1])
        put(
            shop,
            replace(order, visit=replace(link, campaign="Lea-Decore"), agreements=(*order.agreements, more)),
        )
        # The simulated shop looks at its orders again when there are more of them.
        shop.orders.append(replace(order, order_id=order.order_id + 1, name="#0", test=True, created_at=NOON))
        simulation.set_day(LAST_DAY)
        simulation.extract(LAST_DAY, LAST_DAY)
        simulation.compute(LAST_DAY, LAST_DAY)
        after = figures(simulation, "influencer_sales")
        moved = {key[0] for key in before.keys() | after.keys() if before.get(key) != after.get(key)}
        (returned_at,) = [one.at for one in order.agreements if one.kind == "refund"][:1]
        yield simulation, returned_at.date(), moved


def figures(simulation: Simulation, key: str) -> dict[Key, Pair]:
    return keyed(
        simulation.query(
            "SELECT day, dimension, segment, numerator, denominator FROM kpi.daily WHERE kpi = ?", [key]
        )
    )


@pytest.mark.parametrize("key", KEYS)
def test_an_order_found_to_be_an_influencers_moves_all_its_days(
    told_late: tuple[Simulation, date, set[date]], key: str
) -> None:
    simulation, returned_on, moved = told_late
    assert returned_on in moved and LAST_DAY in moved and min(moved) < returned_on
    assert not differences(kpis()[key], simulation.oracle().compute(key), figures(simulation, key))


def test_what_influencers_cost_is_marketing_once_beside_the_affiliates(
    told_late: tuple[Simulation, date, set[date]],
) -> None:
    simulation, _, _ = told_late
    ((marketing,),) = simulation.query(
        "SELECT SUM(other_cost) FROM model.marketing_costs WHERE channel = 'Affiliates'"
    )
    ((affiliates,),) = simulation.query(
        "SELECT SUM(amount) FROM config.daily_costs WHERE kind = 'marketing' AND channel = 'Affiliates'"
    )
    costs = figures(simulation, "influencer_cost")
    total = sum((pair[0] or Decimal(0) for key, pair in costs.items() if key[1] == "total"), Decimal(0))
    assert total > 0 and marketing == affiliates + total
    by_name = {key[2] for key in costs if key[1] == "influencer"}
    assert by_name == {"Léa Décore", "Chez Inès"}, "who is no longer paid costs nothing"
