"""How Stripe lists: which kinds there are, what each may be filtered by, and how a bad request is refused."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from ecom_pipeline.sandbox.endpoint import Answer
from ecom_pipeline.sandbox.vendors.stripe_objects import (
    Json,
    StripeObjects,
    of_stripe,
    payment_intent,
    payout_status,
    seconds,
)

MAX_LIMIT = 100
RANGE = re.compile(r"(created|arrival_date)(?:\[(gte?|lte?)\])?")
COMPARE: dict[str, Callable[[int, int], bool]] = {
    "": lambda at, bound: at == bound,
    "gt": lambda at, bound: at > bound,
    "gte": lambda at, bound: at >= bound,
    "lt": lambda at, bound: at < bound,
    "lte": lambda at, bound: at <= bound,
}


class Refused(Exception):
    """The request is answered with Stripe's error body."""

    def __init__(self, status: int, message: str, code: str | None = None, param: str | None = None) -> None:
        super().__init__(message)
        self.answer = error_answer(status, "invalid_request_error", message, code, param)


@dataclass(frozen=True)
class Resource:
    """One listed kind of object: its events oldest first, its filters, its shape."""

    name: str  # as in the path
    singular: str
    events: list[Any]
    event_id: Callable[[Any], str]
    render: Callable[[Any, datetime], Json]
    filters: Mapping[str, Callable[[Any, str, datetime], bool]]
    expandable: tuple[str, ...] = ()
    arrival: bool = False

    @property
    def right(self) -> str:
        """The restricted key's permission."""
        return f"rak_{self.singular}_read"


def resources(objects: StripeObjects) -> list[Resource]:
    """The five listed kinds, with the filters each allows."""
    shop = objects.shop

    def ordered(events: Iterable[Any], event_id: Callable[[Any], str]) -> list[Any]:
        return sorted(events, key=lambda event: (event.created_at, event_id(event)))

    def resource(name: str, events: Iterable[Any], id_field: str, **rest: Any) -> Resource:
        def event_id(event: Any) -> str:
            return str(getattr(event, id_field))

        singular = name.removesuffix("s")
        return Resource(
            name, singular, ordered(events, event_id), event_id, getattr(objects, singular), **rest
        )

    return [
        resource(
            "balance_transactions",
            of_stripe(shop.balance_transactions),
            "txn_id",
            filters={
                "type": lambda t, value, _: t.kind == value,
                "source": lambda t, value, _: t.source_id == value,
                "payout": lambda t, value, now: t.payout_id == value and objects.payout_made(value, now),
                "currency": lambda _, value, __: shop.currency.lower() == value,
            },
            expandable=("data.source",),
        ),
        resource(
            "charges",
            of_stripe(shop.charges),
            "charge_id",
            filters={
                "customer": lambda *_: False,
                "payment_intent": lambda c, value, _: payment_intent(c.charge_id) == value,
                "transfer_group": lambda *_: False,
            },
            expandable=("data.balance_transaction",),
        ),
        resource(
            "refunds",
            of_stripe(shop.card_refunds),
            "refund_id",
            filters={
                "charge": lambda r, value, _: r.charge_id == value,
                "payment_intent": lambda r, value, _: payment_intent(r.charge_id) == value,
            },
            expandable=("data.balance_transaction", "data.charge"),
        ),
        resource(
            "payouts",
            of_stripe(shop.payouts),
            "payout_id",
            filters={
                "status": lambda p, value, now: payout_status(p, now) == value,
                "destination": lambda p, value, now: objects.payout(p, now)["destination"] == value,
            },
            expandable=("data.balance_transaction",),
            arrival=True,
        ),
        resource(
            "disputes",
            of_stripe(shop.disputes),
            "dispute_id",
            filters={
                "charge": lambda d, value, _: d.charge_id == value,
                "payment_intent": lambda d, value, _: payment_intent(d.charge_id) == value,
            },
            expandable=("data.charge",),
        ),
    ]


def parameters(resource: Resource, query: Iterable[tuple[str, str]]) -> dict[str, Any]:
    """The query, checked. Raises Refused for what Stripe does not know or allow."""
    asked: dict[str, Any] = {"ranges": []}
    for name, value in query:
        ranged = RANGE.fullmatch(name)
        if ranged and (ranged[1] == "created" or resource.arrival):
            asked["ranges"].append((ranged[1], COMPARE[ranged[2] or ""], integer(name, value)))
        elif name == "limit":
            if not 1 <= integer(name, value) <= MAX_LIMIT:
                message = f"limit must be from 1 to {MAX_LIMIT}, not {value}"
                raise Refused(400, message, "parameter_invalid_integer", name)
            asked[name] = value
        elif name in ("expand[]", "expand[0]", "expand[1]"):
            if value not in resource.expandable:
                raise Refused(400, f"This property cannot be expanded ({value}).", None, "expand")
            asked["expand"] = [*asked.get("expand", ()), value]
        elif name in resource.filters or name in ("starting_after", "ending_before"):
            if not value:
                raise Refused(400, f"{name} must not be empty", "parameter_invalid_empty", name)
            asked[name] = value
        else:
            raise Refused(400, f"Received unknown parameter: {name}", "parameter_unknown", name)
    return asked


def integer(name: str, value: str) -> int:
    if not re.fullmatch(r"-?\d+", value):
        raise Refused(400, f"Invalid integer: {value}", "parameter_invalid_integer", name)
    return int(value)


def matching(
    resource: Resource, candidates: Iterable[Any], asked: Mapping[str, Any], now: datetime
) -> Iterable[Any]:
    """The candidates within the ranges and filters that were asked for."""
    filters = [(resource.filters[name], value) for name, value in asked.items() if name in resource.filters]
    for event in candidates:
        at = {"created": seconds(event.created_at)}
        if resource.arrival:
            at["arrival_date"] = resource.render(event, now)["arrival_date"]
        if all(compare(at[name], bound) for name, compare, bound in asked["ranges"]) and all(
            accepts(event, value, now) for accepts, value in filters
        ):
            yield event


def first(events: Iterable[Any], count: int) -> list[Any]:
    return [event for _, event in zip(range(count), events, strict=False)]


def error_answer(
    status: int, kind: str, message: str, code: str | None = None, param: str | None = None
) -> Answer:
    error = {"message": message, "type": kind}
    if code:
        error |= {"code": code, "doc_url": f"https://stripe.com/docs/error-codes/{code.replace('_', '-')}"}
    if param:
        error["param"] = param
    return Answer({"error": error}, status)
