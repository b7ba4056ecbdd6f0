"""What is known of the shop at one instant: the events that had happened by then, and nothing else."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from ecom_pipeline.sandbox.events import Agreement, Fulfillment, Order, Shop
from ecom_pipeline.sandbox.oracle.channels import channel_of
from ecom_pipeline.sandbox.oracle.figures import UNKNOWN


@dataclass(frozen=True)
class KnownOrder:
    """A valid order, with the parts of it that had happened by the instant asked."""

    order: Order
    day: date
    segments: Mapping[str, str]  # channel, device, country, shop
    agreements: tuple[Agreement, ...]
    fulfillments: tuple[Fulfillment, ...]
    cancelled: bool
    email: str | None  # normalised; None: anonymous


class Knowledge:
    """Answers "had it happened, and on which local day?" as of an instant."""

    def __init__(self, shop: Shop, as_of: datetime) -> None:
        self._zone = ZoneInfo(shop.time_zone)
        self._as_of = as_of
        self._currencies = {front.key: front.currency for front in shop.business.storefronts}
        self.asked_day = self.local_day(as_of)
        self.as_of_day = self.asked_day - timedelta(days=1)

    def local_day(self, instant: datetime) -> date:
        """The shop's local day of an instant."""
        return instant.astimezone(self._zone).date()

    def currency_of(self, storefront: str) -> str:
        """The currency a storefront keeps its own books in."""
        return self._currencies[storefront]

    def happened(self, instant: datetime | None) -> bool:
        """Whether an instant is set and not later than the instant asked."""
        return instant is not None and instant <= self._as_of

    def exists(self, order: Order) -> bool:
        """Whether the platform shows the order at all and it is not a test."""
        return self.happened(order.created_at) and not self.happened(order.deleted_at) and not order.test

    def valid_order(self, order: Order) -> KnownOrder | None:
        """The order as known, or None when it does not count: test, deleted, voided, or without article."""
        if not self.exists(order) or self.happened(order.voided_at):
            return None
        agreements = sorted(
            (agreement for agreement in order.agreements if self.happened(agreement.at)),
            key=lambda agreement: (agreement.at, agreement.agreement_id),
        )
        if not agreements or all(line.kind != "product" for line in agreements[0].lines):
            return None
        return KnownOrder(
            order=order,
            day=self.local_day(order.created_at),
            segments={
                "channel": channel_of(order.visit),
                "device": order.device or UNKNOWN,
                "country": order.country or UNKNOWN,
                "shop": order.storefront,
            },
            agreements=tuple(agreements),
            fulfillments=tuple(one for one in order.fulfillments if self.happened(one.shipped_at)),
            cancelled=self.happened(order.cancelled_at),
            email=(order.email or "").strip().lower() or None,
        )
