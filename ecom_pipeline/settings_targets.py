"""What the shop aims at and how amounts are written in `ecom.toml`."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from itertools import pairwise
from typing import Annotated

from pydantic import AfterValidator, BeforeValidator, Field, model_validator
from pydantic_core import PydanticCustomError

from ecom_pipeline.settings_receivers import Section


def exact(value: object) -> object:
    """Money is written as text or a whole number: a TOML float has lost its cents before we see it."""
    if isinstance(value, float):
        raise PydanticCustomError(
            "inexact",
            "It is a bare decimal, which is not exact",
            {"mend": f'Write the amount in quotes: "{value}".'},
        )
    return value


Amount = Annotated[Decimal, BeforeValidator(exact), Field(ge=0, max_digits=16, decimal_places=4)]


class TargetSettings(Section):
    """What the shop wants of one KPI: a value whatever the period, or of a flow amounts by calendar period."""

    value: Decimal | None = None
    week: Amount | None = None
    month: Amount | None = None
    quarter: Amount | None = None
    year: Amount | None = None
    from_day: date | None = Field(default=None, alias="from")  # the first day it holds, and the last
    to_day: date | None = Field(default=None, alias="to")

    @property
    def amounts(self) -> dict[str, Decimal]:
        """The named periods' amounts, shortest first."""
        named = {"week": self.week, "month": self.month, "quarter": self.quarter, "year": self.year}
        return {name: amount for name, amount in named.items() if amount is not None}

    @model_validator(mode="after")
    def _says_one_thing(self) -> TargetSettings:
        if (self.value is None) == (not self.amounts):
            raise ValueError("it needs either a value or amounts by week, month, quarter or year")
        if self.from_day is not None and self.to_day is not None and self.to_day < self.from_day:
            raise ValueError("it ends before it begins, so it would never hold")
        return self


def _target_list(written: object) -> object:
    """`conversion_rate = 0.025`, `[targets.net_sales]` and `[[targets.net_sales]]` are all a list of targets."""
    if isinstance(written, dict):
        return [written]
    if isinstance(written, list):
        return written
    try:
        number = Decimal(str(written))
    except ArithmeticError:
        number = Decimal("NaN")
    if isinstance(written, bool) or not number.is_finite():
        mend = 'Write a number, or for a flow a section: [targets.net_sales] with month = "120000".'
        raise PydanticCustomError("no_target", "It is no number", {"mend": mend})
    return [{"value": number}]


def _never_two(targets: tuple[TargetSettings, ...]) -> tuple[TargetSettings, ...]:
    ordered = sorted(targets, key=lambda one: one.from_day or date.min)
    for one, after in pairwise(ordered):
        if one.to_day is None or after.from_day is None or after.from_day <= one.to_day:
            raise ValueError("two of its targets hold on the same day, and only one can be met")
    return tuple(ordered)


Targets = Annotated[
    tuple[TargetSettings, ...],
    BeforeValidator(_target_list),
    AfterValidator(_never_two),
]
