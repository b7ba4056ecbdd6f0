"""Tickets find their orders, answers their tickets, and day by day it is the same as at once."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from typing import Any

from ecom_pipeline.sandbox.events import Shop, Ticket
from ecom_pipeline.sandbox.generator import generate_shop

from ..simulation import LAST_DAY, Simulation, reading, simulate

DAYS, DAILY = 49, 12
READ = ("shop", "helpdesk", "support")
BUSINESS = reading("helpdesk", "support")
MODELS = ("model.complaints", "model.ticket_ratings")
KPIS = ("complaint_rate", "customer_satisfaction", "first_response_time")
BUILT = ("model.orders", "model.logistics", *MODELS, *(f"kpi.{key}" for key in KPIS))


def made_shop() -> Shop:
    """A shop whose desks throw away complaints, one of them rated, and lose an order, six days before the end."""
    shop = generate_shop(17, LAST_DAY - timedelta(days=DAYS - 1), LAST_DAY, 14, BUSINESS)
    gone_at = datetime.combine(LAST_DAY - timedelta(days=6), time(12), UTC)
    rated = {(one.desk, one.ticket_id) for one in shop.ratings if one.at < gone_at}
    for victim in (
        next(one for one in shop.tickets if (one.desk, one.ticket_id) in rated and one.desk == "zendesk"),
        next(one for one in shop.tickets if (one.desk, one.ticket_id) in rated and one.desk == "gorgias"),
        next(one for one in named(shop) if (one.desk, one.ticket_id) not in rated),
    ):
        shop.tickets[shop.tickets.index(victim)] = replace(victim, deleted_at=gone_at)
    order_id = named(shop)[-1].order_id
    (order,) = [one for one in shop.orders if one.order_id == order_id]
    shop.orders[shop.orders.index(order)] = replace(order, deleted_at=gone_at)
    return shop


def named(shop: Shop) -> list[Ticket]:
    """Complaints that name an order, made well before the end."""
    early = datetime.combine(LAST_DAY - timedelta(days=12), time(12), UTC)
    return [
        one
        for one in shop.tickets
        if one.desk == "zendesk" and one.is_complaint and one.order_id and one.created_at < early
    ]


def rows(simulation: Simulation) -> dict[str, Any]:
    found = {name: simulation.query(f"SELECT * FROM {name} ORDER BY ALL") for name in MODELS}
    for key in KPIS:
        found[key] = simulation.query("SELECT * FROM kpi.daily WHERE kpi = ? ORDER BY ALL", [key])
    return found


def build(simulation: Simulation, first_day: date, last_day: date) -> None:
    simulation.pipeline.compute(first_day, last_day, names=BUILT)


def test_daily_runs_end_where_one_reading_does(tmp_path: Path) -> None:
    """Replies, answers and deletions come days after their tickets, and reach every day they concern."""
    with simulate(tmp_path / "once", seed=17, days=DAYS, orders_per_day=14, shop=made_shop()) as once:
        once.extract(sources=READ)
        build(once, once.shop.first_day, once.shop.last_day)
        wanted = rows(once)
    with simulate(tmp_path / "daily", seed=17, days=DAYS, orders_per_day=14, shop=made_shop()) as daily:
        first = daily.shop.last_day - timedelta(days=DAILY)
        daily.set_day(first)
        daily.extract(daily.shop.first_day, first, READ)
        build(daily, daily.shop.first_day, first)
        before = rows(daily)
        for back in reversed(range(DAILY)):
            day = daily.shop.last_day - timedelta(days=back)
            daily.set_day(day)
            daily.extract(day, day, READ)
            build(daily, day, day)
        (orders,) = [table for table in daily.pipeline.tables("shop") if table.name == "orders"]
        daily.pipeline.sweep("shop", orders, daily.shop.first_day, daily.shop.last_day)
        build(daily, day, day)  # not the history: days that are asked for are built whatever changed
        found = rows(daily)
    for name in wanted:
        assert wanted[name], name
        assert found[name] == wanted[name], name
    assert set(before["model.complaints"]) - set(found["model.complaints"]), "something was taken back"
    assert set(before["model.ticket_ratings"]) - set(found["model.ticket_ratings"])


def test_an_order_read_after_its_complaint_gives_it_its_channel(tmp_path: Path) -> None:
    with simulate(tmp_path, seed=17, days=DAYS, orders_per_day=14, shop=made_shop()) as simulation:
        simulation.extract(sources=("helpdesk", "support"))
        build(simulation, simulation.shop.first_day, simulation.shop.last_day)
        assert channels(simulation) == {"Unassigned"}
        simulation.extract(sources=("shop",))
        build(simulation, simulation.shop.last_day, simulation.shop.last_day)
        assert len(channels(simulation)) > 2


def channels(simulation: Simulation) -> set[str]:
    return {channel for (channel,) in simulation.query("SELECT DISTINCT channel FROM model.complaints")}


def test_a_number_used_twice_means_the_newest_order_before_the_ticket(tmp_path: Path) -> None:
    shop = made_shop()
    orders = {order.order_id: order for order in shop.orders}
    ticket = next(one for one in named(shop) if not one.deleted_at and one.order_id in orders)
    meant = orders[ticket.order_id or 0]
    older = next(one for one in shop.orders if one.created_at < meant.created_at)
    later = next(one for one in shop.orders if one.created_at > ticket.created_at)
    for other in (older, later):
        shop.orders[shop.orders.index(other)] = replace(other, name=meant.name)
    with simulate(tmp_path, seed=17, days=DAYS, orders_per_day=14, shop=shop) as simulation:
        simulation.extract(sources=READ)
        build(simulation, shop.first_day, shop.last_day)
        found = simulation.query(
            "SELECT c.order_day, o.order_id FROM model.complaints AS c JOIN mapped.orders AS o ON o.day = c.order_day "
            "WHERE c.ticket_id = ? AND o.order_number = ?",
            [str(ticket.ticket_id), meant.name],
        )
    assert (simulation_day(simulation, meant.created_at), str(meant.order_id)) in found


def simulation_day(simulation: Simulation, at: datetime) -> date:
    return simulation.oracle()._books.knowledge.local_day(at)
