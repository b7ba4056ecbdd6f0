"""Parcels as Sendcloud's reports show them: every documented column, as of an instant."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime

from ecom_pipeline.sandbox.events import Order, Parcel
from ecom_pipeline.sandbox.world import PERSONAL_CANARY

DIRECTIONS = ("incoming", "outgoing")
COUNTRY_NAMES = {
    "FR": "France", "BE": "Belgium", "DE": "Germany", "ES": "Spain", "IT": "Italy", "LU": "Luxembourg",
    "US": "United States", "GB": "United Kingdom", "CH": "Switzerland",
}  # fmt: skip


@dataclass(frozen=True)
class Seen:
    """A parcel as of an instant."""

    facts: Parcel
    order: Order
    integration_id: int
    integration_type: str
    now: datetime

    def reached(self, at: datetime | None) -> str:
        return written(at) if at is not None and at <= self.now else ""

    @property
    def status(self) -> str:
        if self.reached(self.facts.delivered_at):
            return "Delivered"
        return "En route to sorting center" if self.reached(self.facts.handed_over_at) else "Ready to send"

    @property
    def updated_at(self) -> datetime:
        steps = (self.facts.announced_at, self.facts.handed_over_at, self.facts.delivered_at)
        return max(at for at in steps if at is not None and at <= self.now)

    @property
    def order_number(self) -> str:
        """What the shop's integration imports: the number people see, which is no id at every platform."""
        return self.order.name if self.integration_type == "shopify" else str(self.order.order_id)


def sender(seen: Seen) -> str:
    return seen.facts.country if seen.facts.is_return else "FR"


def receiver(seen: Seen) -> str:
    return "FR" if seen.facts.is_return else seen.facts.country


COLUMNS: Mapping[str, Callable[[Seen], object]] = {
    "parcel_id": lambda s: s.facts.parcel_id,
    "direction": lambda s: DIRECTIONS[not s.facts.is_return],
    "carrier_code": lambda s: s.facts.carrier.lower().replace(" ", "_"),
    "carrier_name": lambda s: s.facts.carrier,
    "from_address_company_name": lambda s: f"{PERSONAL_CANARY} company" if s.facts.is_return else "Maison",
    "contract_id": lambda s: 7001,
    "contract_type": lambda s: "sendcloud",
    "from_address_city": lambda s: f"{PERSONAL_CANARY} city",
    "from_address_postal_code": lambda s: f"{PERSONAL_CANARY} postal code",
    "from_address_country_code": sender,
    "from_address_country_name": lambda s: COUNTRY_NAMES.get(sender(s), sender(s)),
    "to_address_city": lambda s: f"{PERSONAL_CANARY} city",
    "to_address_postal_code": lambda s: f"{PERSONAL_CANARY} postal code",
    "to_address_country_code": receiver,
    "to_address_country_name": lambda s: COUNTRY_NAMES.get(receiver(s), receiver(s)),
    "order_number": lambda s: s.order_number,
    "tracking_number": lambda s: f"{PERSONAL_CANARY}-{s.facts.parcel_id}",
    "announced_at": lambda s: s.reached(s.facts.announced_at),
    "shipped_at": lambda s: s.reached(s.facts.handed_over_at),
    "first_offer_at": lambda s: s.reached(s.facts.delivered_at),
    "delivered_at": lambda s: s.reached(s.facts.delivered_at),
    "shipping_option_code": lambda s: f"{s.facts.carrier.lower().replace(' ', '_')}:standard",
    "total_cost": lambda s: "",
    "status": lambda s: s.status,
    "sub_status": lambda s: "",
    "integration_id": lambda s: s.integration_id,
    "integration_type": lambda s: s.integration_type,
    "weight": lambda s: f"{s.facts.weight_grams / 1000:.3f}",
    "brand_id": lambda s: 1,
    "brand_name": lambda s: "Maison",
}


def written(at: datetime) -> str:
    return f"{at:%Y-%m-%dT%H:%M:%S}.{at.microsecond:06d}Z"
