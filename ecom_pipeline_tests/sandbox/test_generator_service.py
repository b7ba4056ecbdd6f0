"""Tickets follow what went wrong with orders, are answered while somebody works, and some are rated."""

from __future__ import annotations

from collections import Counter
from datetime import timedelta
from zoneinfo import ZoneInfo

from ecom_pipeline.sandbox.events import Ticket

from .generated import end_of, sixty_weeks


def rate(tickets: list[Ticket], orders: int) -> float:
    return sum(ticket.is_complaint for ticket in tickets) / orders


def test_about_six_tickets_come_of_a_hundred_orders_to_both_desks_by_all_media() -> None:
    shop = sixty_weeks()
    assert 0.04 < len(shop.tickets) / len(shop.orders) < 0.08
    desks = Counter(ticket.desk for ticket in shop.tickets)
    assert desks["zendesk"] > desks["gorgias"] > 150
    assert {ticket.channel for ticket in shop.tickets} == {"email", "chat", "phone", "social", "web"}
    for desk in desks:
        numbers = [ticket.ticket_id for ticket in shop.tickets if ticket.desk == desk]
        assert numbers == sorted(set(numbers))


def test_orders_that_went_wrong_are_complained_of_more_often() -> None:
    shop = sixty_weeks()
    late = {
        one.order_id
        for one in shop.parcels
        if not one.is_return
        and one.delivered_at
        and one.delivered_at - one.handed_over_at > timedelta(days=6)
    }
    refunded = {order.order_id for order in shop.orders if len(order.agreements) > 1}
    fine = {order.order_id for order in shop.orders} - late - refunded

    def complaints(orders: set[int]) -> float:
        return rate([ticket for ticket in shop.tickets if ticket.order_id in orders], len(orders))

    assert complaints(late) > 2 * complaints(fine) > 0
    assert complaints(refunded) > 2 * complaints(fine)


def test_answers_come_while_somebody_works_and_some_never() -> None:
    shop = sixty_weeks()
    replies = [ticket.first_reply_at for ticket in shop.tickets if ticket.first_reply_at]
    local = [reply.astimezone(ZoneInfo(shop.time_zone)) for reply in replies]
    # Whole minutes after the ticket, so that a reply may fall up to a minute before the desk opens.
    assert all((8, 59) <= (at.hour, at.minute) < (18, 0) and at.weekday() < 6 for at in local)
    assert 0 < len(shop.tickets) - len(replies) < len(shop.tickets) / 5


def test_a_ticket_moves_forward_in_time_and_nothing_is_after_the_history() -> None:
    shop = sixty_weeks()
    placed_at = {order.order_id: order.created_at for order in shop.orders}
    for ticket in shop.tickets:
        told = (ticket.created_at, ticket.first_reply_at, ticket.solved_at, ticket.deleted_at)
        moments = [at for at in told if at is not None]
        assert moments == sorted(moments) and moments[-1] < end_of(shop)
        assert ticket.order_id is None or placed_at[ticket.order_id] < ticket.created_at
    assert any(ticket.deleted_at for ticket in shop.tickets)
    assert any(ticket.order_id is None for ticket in shop.tickets)


def test_about_a_third_of_the_solved_is_rated_and_complaints_are_rated_worse() -> None:
    shop = sixty_weeks()
    tickets = {(ticket.desk, ticket.ticket_id): ticket for ticket in shop.tickets}
    solved = sum(ticket.solved_at is not None for ticket in shop.tickets)
    assert 0.25 < len(shop.ratings) / solved < 0.45
    scores: dict[bool, list[int]] = {True: [], False: []}
    for rating in shop.ratings:
        ticket = tickets[rating.desk, rating.ticket_id]
        assert ticket.solved_at is not None and ticket.solved_at < rating.at < end_of(shop)
        scores[ticket.is_complaint].append(rating.score)
    assert sum(scores[True]) / len(scores[True]) < sum(scores[False]) / len(scores[False])
