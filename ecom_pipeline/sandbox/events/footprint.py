"""What moves, burns and is thrown away, and the people who work: parcels, activities, workforce, gifts."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Literal


@dataclass(frozen=True)
class Parcel:
    """A parcel as the carriers' platform knows it."""

    parcel_id: int
    order_id: int
    announced_at: datetime
    handed_over_at: datetime
    delivered_at: datetime | None
    carrier: str
    country: str
    weight_grams: int
    is_return: bool


@dataclass(frozen=True)
class Activity:
    """An amount of something that is used or thrown away, on a day or evenly over the days up to the last."""

    day: date
    last_day: date
    kind: Literal["energy", "hosting", "packaging", "waste", "material"]
    activity: str  # the emission factor it is counted with, e.g. electricity_fr
    quantity: Decimal
    unit: str
    site: str
    is_sustainable: bool | None  # recycled waste, sustainable material; None where it means nothing


@dataclass(frozen=True)
class Headcount:
    """How many of a declared group work in the shop on a day, and how many of them lead."""

    day: date
    dimension: str
    group: str
    headcount: int
    managers: int


@dataclass(frozen=True)
class Contribution:
    """Money and hours given to others."""

    contribution_id: str
    day: date
    amount: int  # cents
    currency: str
    hours: Decimal
    beneficiary: str
