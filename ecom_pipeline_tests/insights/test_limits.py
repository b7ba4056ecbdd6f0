"""Every limit of the catalogue is a signal once a value is beyond it, and no sooner."""

from __future__ import annotations

from decimal import Decimal

import pytest

from ecom_pipeline.insights.signals import Cause, compute_limit
from ecom_pipeline.kpis.definition import Kpi, kpis
from ecom_pipeline.kpis.values import State, Value

STEP = Decimal("0.0001")


def edges(kpi: Kpi) -> list[tuple[Decimal, Decimal]]:
    """Each limit with a value just on its bad side; of a usual range only the side that is bad counts."""
    limit = kpi.reference
    if limit is None:
        return []
    found = []
    if limit.at_least is not None:
        found.append((limit.at_least, limit.at_least - STEP))
    if limit.at_most is not None:
        found.append((limit.at_most, limit.at_most + STEP))
    if limit.between is not None:
        low, high = limit.between
        found.append((low, low - STEP) if kpi.good == "up" else (high, high + STEP))
    return found


LIMITED = sorted(key for key, kpi in kpis().items() if edges(kpi))


def test_the_limits_the_catalogue_names_are_there() -> None:
    assert {
        "ltv_to_cac", "repeat_purchase_rate", "contribution_margin", "contribution_margin_per_order", "marketing_roi",
        "conversion_rate", "data_freshness",
    } == set(LIMITED)  # fmt: skip


@pytest.mark.parametrize("key", LIMITED)
def test_beyond_it_is_a_signal_and_at_it_is_none(key: str) -> None:
    kpi = kpis()[key]
    for limit, beyond in edges(kpi):
        signal = compute_limit(kpi, beyond)
        assert signal is not None and (signal.kpi, signal.cause, signal.limit) == (key, Cause.LIMIT, limit)
        assert compute_limit(kpi, limit) is None
        assert compute_limit(kpi, None) is None, "what was not measured crosses nothing"


@pytest.mark.parametrize(
    ("days", "is_judged"), [(60, False), (364, False), (365, True), (400, True), (None, True)]
)
def test_a_window_its_history_does_not_fill_is_held_against_no_limit(
    days: int | None, is_judged: bool
) -> None:
    """In two months nobody bought twice in a year; lifetime value looks two years back and has its cohorts after one."""
    value = Value(Decimal("0.1"), State.OK, history_days=days)
    for key in ("repeat_purchase_rate", "ltv_to_cac"):
        kpi = kpis()[key]
        assert (compute_limit(kpi, value.against_limits(kpi)) is not None) is is_judged
