"""What goes wrong in the last weeks, and must be found by whoever reads the numbers."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta

from ecom_pipeline.sandbox.events import Incident

MOBILE_LOSS = 0.35
CLICK_PRICE_RISE = 1.4
_LEAST_HISTORY = 84
_MOBILE_DAYS = 18
_CLICK_PRICE_DAYS = 14


@dataclass(frozen=True)
class Troubles:
    """When each incident is on."""

    first_day: date
    last_day: date

    @property
    def happen(self) -> bool:
        """A short history has no normal to fall from."""
        return (self.last_day - self.first_day).days + 1 >= _LEAST_HISTORY

    def mobile_broken(self, day: date) -> bool:
        """Whether buying on a telephone often fails on that day."""
        return self.happen and day > self.last_day - timedelta(days=_MOBILE_DAYS)

    def clicks_dear(self, day: date) -> bool:
        """Whether search clicks cost more on that day."""
        return self.happen and day > self.last_day - timedelta(days=_CLICK_PRICE_DAYS)

    def listed(self) -> list[Incident]:
        """The incidents as a report should tell them."""
        if not self.happen:
            return []
        return [
            Incident(
                "mobile_checkout",
                self.last_day - timedelta(days=_MOBILE_DAYS - 1),
                self.last_day,
                "Paying on a telephone often fails: 35 % fewer mobile orders, as many carts as before",
            ),
            Incident(
                "paid_search_click_price",
                self.last_day - timedelta(days=_CLICK_PRICE_DAYS - 1),
                self.last_day,
                "Clicks on search ads cost 40 % more, so a new customer of Paid Search costs more",
            ),
        ]
