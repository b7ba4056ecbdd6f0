"""The countries the shop sells to: VAT, currency, shipping, delivery and how readily they buy."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal


@dataclass(frozen=True)
class Place:
    """One country. Amounts are euro cents excluding VAT."""

    country: str
    share: float  # of new customers
    currency: str
    vat: int  # percent; 0 where the parcel leaves the Union
    shipping: int
    free_from: int  # basket from which shipping costs nothing
    delivery_days: int  # business days, typically
    conversion: float  # against France

    @property
    def vat_percent(self) -> Decimal:
        return Decimal(self.vat)

    @property
    def in_eea(self) -> bool:
        return self.country not in {"US", "GB", "CH"}


PLACES = (
    Place("FR", 0.750, "EUR", 20, 400, 6500, 2, 1.00),
    Place("BE", 0.060, "EUR", 21, 600, 8000, 2, 0.95),
    Place("DE", 0.050, "EUR", 19, 750, 10000, 3, 0.80),
    Place("ES", 0.035, "EUR", 21, 750, 10000, 3, 0.75),
    Place("IT", 0.035, "EUR", 22, 750, 10000, 3, 0.75),
    Place("LU", 0.010, "EUR", 17, 600, 8000, 2, 0.95),
    Place("US", 0.025, "USD", 0, 1500, 20000, 7, 0.55),
    Place("GB", 0.025, "GBP", 0, 1200, 20000, 5, 0.65),
    Place("CH", 0.010, "CHF", 0, 1200, 20000, 4, 0.80),
)
PLACE_BY_COUNTRY = {place.country: place for place in PLACES}
