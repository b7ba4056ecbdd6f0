"""Which segments moved a KPI, in parts that add up to the change exactly.

A flow's change is the sum of its segments' changes. A ratio changes for two reasons that ask for different
answers: segments became better or worse (rate), or the weight moved between good and bad segments (mix).
Both are computed with fractions, so nothing is left over and nothing is hidden in an "interaction".
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction


@dataclass(frozen=True)
class Parts:
    """A segment's numerator and denominator in one period; a flow has no denominator."""

    numerator: Fraction
    denominator: Fraction | None = None


@dataclass(frozen=True)
class Driver:
    """What one segment did to the total, in the KPI's unit. `before`, `after` are the segment's own values."""

    segment: str
    before: Fraction | None
    after: Fraction | None
    mix: Fraction
    rate: Fraction
    weight: Fraction  # share of the total before

    @property
    def effect(self) -> Fraction:
        return self.mix + self.rate


@dataclass(frozen=True)
class Drivers:
    """A change split by one dimension, largest effects first."""

    dimension: str
    before: Fraction
    after: Fraction
    drivers: tuple[Driver, ...]
    is_ratio: bool

    @property
    def change(self) -> Fraction:
        return self.after - self.before

    @property
    def main(self) -> Driver | None:
        """The segment whose effect is the change, give or take half; None where others did as much or undid it."""
        first = max(self.drivers, key=lambda driver: abs(driver.effect), default=None)
        if first is None or self.change == 0:
            return None
        return first if 2 * abs(first.effect - self.change) <= abs(self.change) else None

    @property
    def largest(self) -> Fraction:
        """The size of the largest of the change and its parts: all are told as exactly as that one."""
        return max(abs(part) for part in (self.change, *(driver.effect for driver in self.drivers)))

    @property
    def concentration(self) -> Fraction:
        """How much more of the change one segment explains than its size would; 0 when all moved alike."""
        if self.change == 0:
            return Fraction(0)
        return max(
            (driver.effect / self.change - driver.weight for driver in self.drivers), default=Fraction(0)
        )


Segments = Mapping[str, Parts]


def compute_drivers(
    dimension: str, before: Segments, after: Segments, total_before: Parts, total_after: Parts
) -> Drivers | None:
    """Split the change of the total; None where segments overlap and so cannot add up, or a total is undefined."""
    if not (_adds_up(before, total_before) and _adds_up(after, total_after)):
        return None
    is_ratio = total_before.denominator is not None and total_after.denominator is not None
    if is_ratio and (total_before.denominator == 0 or total_after.denominator == 0):
        return None
    absent = Parts(Fraction(0), Fraction(0) if is_ratio else None)
    split = _split_ratio if is_ratio else _split_flow
    drivers = [
        split(name, before.get(name, absent), after.get(name, absent), total_before, total_after)
        for name in sorted({*before, *after})
    ]
    drivers.sort(key=lambda driver: (-abs(driver.effect), driver.segment))
    return Drivers(dimension, _value(total_before), _value(total_after), tuple(drivers), is_ratio)


def choose_drivers(candidates: Sequence[Drivers | None]) -> Drivers | None:
    """The split that says most: the one where a segment explains more than its size."""
    found = [drivers for drivers in candidates if drivers is not None and len(drivers.drivers) > 1]
    return max(found, key=lambda drivers: drivers.concentration, default=None)


def fold_drivers(drivers: Sequence[Driver], keep: int, others: str) -> list[Driver]:
    """The largest `keep` drivers and one that sums the rest, so that the list still adds up."""
    if len(drivers) <= keep + 1:
        return list(drivers)
    rest = drivers[keep:]
    folded = Driver(
        others, None, None,
        sum((one.mix for one in rest), Fraction(0)),
        sum((one.rate for one in rest), Fraction(0)),
        sum((one.weight for one in rest), Fraction(0)),
    )  # fmt: skip
    return [*drivers[:keep], folded]


def as_decimal(fraction: Fraction) -> Decimal:
    """A fraction as a decimal of 28 digits, for printing."""
    return Decimal(fraction.numerator) / Decimal(fraction.denominator)


def _value(parts: Parts) -> Fraction:
    return parts.numerator / parts.denominator if parts.denominator is not None else parts.numerator


def _own_value(parts: Parts) -> Fraction | None:
    return parts.numerator / parts.denominator if parts.denominator else None


def _adds_up(segments: Segments, total: Parts) -> bool:
    numerators = sum((parts.numerator for parts in segments.values()), Fraction(0))
    denominators = sum((parts.denominator or Fraction(0) for parts in segments.values()), Fraction(0))
    return numerators == total.numerator and denominators == (total.denominator or Fraction(0))


def _split_flow(name: str, before: Parts, after: Parts, total_before: Parts, _: Parts) -> Driver:
    weight = before.numerator / total_before.numerator if total_before.numerator else Fraction(0)
    return Driver(
        name, before.numerator, after.numerator, Fraction(0), after.numerator - before.numerator, weight
    )


def _split_ratio(name: str, before: Parts, after: Parts, total_before: Parts, total_after: Parts) -> Driver:
    assert total_before.denominator and total_after.denominator
    assert before.denominator is not None and after.denominator is not None
    weight_before = before.denominator / total_before.denominator
    weight_after = after.denominator / total_after.denominator
    middle = (_value(total_before) + _value(total_after)) / 2
    # Measured from the middle of the totals, so that weight gained by an average segment counts for nothing.
    effect = (
        after.numerator / total_after.denominator
        - before.numerator / total_before.denominator
        - middle * (weight_after - weight_before)
    )
    value_before, value_after = _own_value(before), _own_value(after)
    if value_before is not None and value_after is not None:
        rate = (weight_before + weight_after) / 2 * (value_after - value_before)
    elif value_before is None and value_after is None:
        rate = effect  # an amount without a denominator, such as a fee of a channel without customers
    else:
        rate = Fraction(0)  # the segment appeared or vanished: its weight moved, not its rate
    return Driver(name, value_before, value_after, effect - rate, rate, weight_before)
