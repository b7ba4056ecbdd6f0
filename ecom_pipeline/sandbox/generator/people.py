"""The customers: how often each buys before dropping out, and the e-mail each one types.

Buying follows the assumptions of BG/NBD (exponential gaps with a gamma-distributed rate, a
beta-distributed chance of leaving after each order), so that a model built on them has something
true to find.
"""

from __future__ import annotations

from bisect import bisect
from dataclasses import dataclass
from itertools import accumulate
from random import Random

from ecom_pipeline.sandbox.events import Customer, Device
from ecom_pipeline.sandbox.generator.channels import draw_device
from ecom_pipeline.sandbox.generator.places import PLACES, Place
from ecom_pipeline.sandbox.generator.streams import VendorIds

_RATE_SHAPE = 1.1
_MEAN_GAP_DAYS = 80.0
_LEAVE_ALPHA, _LEAVE_BETA = 1.1, 1.0
_ACCOUNT_SHARE = 0.6
_WITHOUT_EMAIL = 0.015
_CANARY_EVERY = 25
_GIVEN = (
    "camille", "julie", "lea", "marc", "paul", "ines", "hugo", "chloe", "louis", "emma", "nathan",
    "sarah", "lucas", "manon", "theo", "alice", "jules", "clara", "antoine", "zoe", "sophie", "pierre",
    "anne", "laurent", "nadia", "karim", "isabelle", "yann", "claire", "olivier", "helene", "samir",
)  # fmt: skip
_FAMILY = (
    "moreau", "lefevre", "garnier", "faure", "rousseau", "blanc", "guerin", "boyer", "chevalier",
    "francois", "legrand", "gauthier", "perrin", "robin", "clement", "morin", "nicolas", "henry",
    "roussel", "mathieu", "benali", "masson", "marchand", "duval", "denis", "dumont", "lemaire", "noel",
    "meyer", "dufour",
)  # fmt: skip
_HOSTS = ("example.com", "example.org", "example.net")
_PLACE_UP_TO = tuple(accumulate(place.share for place in PLACES))


@dataclass(slots=True)
class Person:
    """One buyer. `orders` counts those placed so far."""

    email: str | None
    customer: Customer | None
    place: Place
    device: Device
    daily_rate: float
    leave_chance: float
    orders: int = 0

    def days_to_next_order(self, rng: Random) -> float | None:
        """Days until the next order; None: never again."""
        if self.email is None or rng.random() < self.leave_chance:
            return None
        return rng.expovariate(self.daily_rate)

    def typed_email(self, rng: Random) -> str | None:
        """The e-mail as typed this time: now and then in another case or with spaces around it."""
        if self.email is None:
            return None
        chance = rng.random()
        if chance < 0.03:
            return self.email.upper()
        if chance < 0.06:
            return self.email[0].upper() + self.email[1:]
        if chance < 0.075:
            return f" {self.email}"
        if chance < 0.09:
            return f"{self.email}  "
        return self.email

    def pick_device(self, rng: Random) -> Device:
        """Mostly the device the person prefers."""
        return self.device if rng.random() < 0.8 else draw_device(rng)


class People:
    """Brings new customers into the world."""

    def __init__(self, rng: Random, ids: VendorIds) -> None:
        self._rng = rng
        self._ids = ids
        self._count = 0
        self.customers: list[Customer] = []

    def arrive(self) -> Person:
        """Somebody who never bought here."""
        rng = self._rng
        place = PLACES[bisect(_PLACE_UP_TO, rng.random() * _PLACE_UP_TO[-1])]
        email = None if rng.random() < _WITHOUT_EMAIL else self._new_email()
        customer = None
        if email is not None and rng.random() < _ACCOUNT_SHARE:
            customer = Customer(self._ids.number("customer"), email, place.country)
            self.customers.append(customer)
        return Person(
            email=email,
            customer=customer,
            place=place,
            device=draw_device(rng),
            daily_rate=max(rng.gammavariate(_RATE_SHAPE, 1 / (_MEAN_GAP_DAYS * _RATE_SHAPE)), 1e-6),
            leave_chance=rng.betavariate(_LEAVE_ALPHA, _LEAVE_BETA),
        )

    def _new_email(self) -> str:
        rng = self._rng
        family = "canary" if self._count % _CANARY_EVERY == 0 else rng.choice(_FAMILY)
        self._count += 1
        separator = rng.choice((".", "_", ""))
        # The running number makes the address unique to one person.
        return f"{rng.choice(_GIVEN)}{separator}{family}{self._count}@{rng.choice(_HOSTS)}"
