"""A day the network tells nothing of is no day without impressions: a week of it is withheld, with its coverage."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, timedelta
from decimal import Decimal

from ecom_pipeline.kpis.definition import kpis
from ecom_pipeline.kpis.values import Period, State, period_bounds, read_period_values

from .built_shop import BuiltShop

KEY = "social_impressions"


def value_of(made: BuiltShop, last_day: date, minimum: str) -> tuple[State, Decimal | None, Decimal | None]:
    values = read_period_values(
        made.connection, [kpis()[KEY]], Period.WEEK, [last_day], minimum_coverage=Decimal(minimum)
    )
    (total,) = [one.current for one in values if one.dimension == "total"]
    return total.state, total.value, total.coverage


def test_a_silent_day_lowers_the_coverage_of_its_week(built: Callable[[str], BuiltShop]) -> None:
    made = built("fourteen months")
    told = {key[0]: pair[0] for key, pair in made.oracle.compute(KEY).items() if key[1] == "total"}
    silent = next(day for day in made.days()[14:] if day not in told)
    first, last = period_bounds(Period.WEEK, silent)
    seen = sum(told[first + timedelta(days=n)] for n in range(7) if first + timedelta(days=n) != silent)
    assert value_of(made, last, "0.8") == (State.OK, seen, Decimal(6) / 7)
    state, value, _ = value_of(made, last, "0.9")
    assert (state, value) == (State.LOW_COVERAGE, None)
    assert value_of(made, last - timedelta(days=7), "0.9")[2] == 1
