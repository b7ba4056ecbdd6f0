"""BG/NBD and gamma-gamma: published results, recovered parameters, and what no data can tell."""

from __future__ import annotations

import csv
import math
from pathlib import Path

import numpy as np
import pytest

from ecom_pipeline.insights.purchases import (
    FitError,
    Floats,
    Histories,
    SpendModel,
    _log_likelihood,
    expected_purchases,
    expected_spend,
    fit_purchases,
    fit_spend,
)

CDNOW = np.array([0.243, 4.414, 0.793, 2.426])  # Fader, Hardie and Lee (2005), r, alpha, a, b


@pytest.fixture(scope="module")
def cdnow(shared: Path) -> Histories:
    with (shared / "data" / "cdnow" / "cdnow_customers_summary.csv").open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    frequency, recency, age = (
        np.array([float(row[name]) for row in rows]) for name in ("frequency", "recency", "T")
    )
    return Histories(frequency, recency, age, np.ones(len(rows)))


def simulated(
    count: int, weeks: float, parameters: tuple[float, ...], more: float = 0
) -> tuple[Histories, Floats]:
    """Customers who truly follow the model, and what each buys in the weeks after."""
    r, alpha, a, b = parameters
    rng = np.random.default_rng(7)
    age = rng.integers(10, int(weeks), count).astype(float)
    rate, leaving = rng.gamma(r, 1 / alpha, count), rng.beta(a, b, count)
    frequency, recency, later = np.zeros(count), np.zeros(count), np.zeros(count)
    at, alive = np.zeros(count), np.ones(count, dtype=bool)
    while alive.any():
        at = np.where(alive, at + rng.exponential(1 / np.maximum(rate, 1e-12)), at)
        known, coming = alive & (at <= age), alive & (at > age) & (at <= age + more)
        frequency[known] += 1
        recency[known] = at[known]
        later[coming] += 1
        alive = (known | coming) & (rng.random(count) > leaving)
    return Histories(frequency, recency, age, np.ones(count)), later


def grouped(histories: Histories) -> Histories:
    columns = np.stack([histories.frequency, histories.recency, histories.age])
    keys, counts = np.unique(columns, axis=1, return_counts=True)
    return Histories(keys[0], keys[1], keys[2], counts.astype(float))


def test_cdnow_as_published(cdnow: Histories) -> None:
    model = fit_purchases(cdnow)
    assert np.round([model.r, model.alpha, model.a, model.b], 3) == pytest.approx(CDNOW, abs=0.001)
    assert model.log_likelihood == pytest.approx(-9582.4, abs=0.05)


def test_what_a_published_customer_will_buy() -> None:
    """Two repeat purchases, the last in week 30.43 of 38.86: 1.226 more in 39 weeks."""
    one = Histories(*(np.array([value]) for value in (2.0, 30.43, 38.86, 1.0)))
    assert expected_purchases(CDNOW, one, 39.0)[0] == pytest.approx(1.226, abs=0.001)


def test_grouped_customers_give_the_same_model(cdnow: Histories) -> None:
    alone, together = fit_purchases(cdnow), fit_purchases(grouped(cdnow))
    assert len(grouped(cdnow).customers) < len(cdnow.customers)
    assert together.logs == pytest.approx(alone.logs, abs=1e-5)
    assert together.log_likelihood == pytest.approx(alone.log_likelihood)


def test_parameters_are_found_again_within_their_uncertainty() -> None:
    truth = (0.6, 9.0, 0.9, 2.5)
    histories, _ = simulated(60_000, 100, truth)
    model = fit_purchases(histories)
    errors = np.sqrt(np.diag(model.covariance))
    assert np.all(np.abs(model.logs - np.log(truth)) < 4 * errors)
    assert np.all(errors < 0.1)


def test_expected_purchases_are_those_that_come() -> None:
    truth = (0.6, 9.0, 0.9, 2.5)
    histories, later = simulated(60_000, 100, truth, more=52)
    expected = expected_purchases(np.array(truth), histories, 52.0)
    assert expected.sum() == pytest.approx(later.sum(), rel=0.03)
    often = histories.frequency >= 3
    assert expected[often].sum() == pytest.approx(later[often].sum(), rel=0.05)


def test_nothing_breaks_where_the_formula_has_a_pole() -> None:
    histories, _ = simulated(500, 60, (0.6, 9.0, 0.9, 2.5))
    below, at, above = (
        expected_purchases(np.array([0.6, 9.0, a, 2.5]), histories, 52.0) for a in (0.999, 1.0, 1.001)
    )
    assert np.all((at > np.minimum(below, above) - 1e-9) & (at < np.maximum(below, above) + 1e-9))


def test_the_slope_is_the_slope() -> None:
    histories, _ = simulated(300, 60, (0.6, 9.0, 0.9, 2.5))
    at = np.log([0.5, 8.0, 0.8, 2.0])
    _, slope = _log_likelihood(np.exp(at), histories)
    for one in range(4):
        step = np.zeros(4)
        step[one] = 1e-6
        up, down = (_log_likelihood(np.exp(at + side * step), histories)[0] for side in (1, -1))
        assert slope[one] == pytest.approx((up - down) / 2e-6, rel=1e-4)


def beta(p: float, q: float) -> float:
    return math.gamma(p) * math.gamma(q) / math.gamma(p + q)


def test_the_likelihood_is_that_of_the_paper() -> None:
    """One customer, in the paper's own terms, with plain gamma functions."""
    r, alpha, a, b, x, tx, age = 0.5, 8.0, 0.8, 2.0, 3, 20.0, 30.0
    shared = math.gamma(r + x) * alpha**r / math.gamma(r)
    stays = beta(a, b + x) / beta(a, b) * shared / (alpha + age) ** (r + x)
    leaves = beta(a + 1, b + x - 1) / beta(a, b) * shared / (alpha + tx) ** (r + x)
    one = Histories(*(np.array([float(value)]) for value in (x, tx, age, 1)))
    assert _log_likelihood(np.array([r, alpha, a, b]), one)[0] == pytest.approx(math.log(stays + leaves))


def test_spending_is_found_again() -> None:
    p, q, gamma = 6.0, 4.0, 90.0
    rng = np.random.default_rng(3)
    frequency = rng.integers(1, 6, 20_000).astype(float)
    nu = rng.gamma(q, 1 / gamma, len(frequency))
    mean = rng.gamma(p * frequency) / nu / frequency
    model = fit_spend(frequency, mean, np.ones(len(frequency)))
    assert [model.p, model.q, model.gamma] == pytest.approx([p, q, gamma], rel=0.15)
    each = expected_spend(model, frequency, mean, np.ones(len(frequency)))
    assert each.mean() == pytest.approx((p / nu).mean(), rel=0.03)
    nobody = expected_spend(model, np.zeros(1), np.zeros(1), np.ones(1))
    assert nobody[0] == pytest.approx(p * gamma / (q - 1), rel=0.05)


def test_a_groups_spending_needs_the_sum_of_its_means_only() -> None:
    frequency, mean = np.array([2.0, 2.0, 2.0]), np.array([10.0, 40.0, 70.0])
    model = SpendModel(p=6.25, q=3.74, gamma=15.44)
    alone = expected_spend(model, frequency, mean, np.ones(3)).sum()
    together = expected_spend(model, np.array([2.0]), np.array([mean.sum()]), np.array([3.0]))[0] * 3
    assert together == pytest.approx(alone)


def test_who_never_came_back_tells_nothing() -> None:
    once = Histories(np.zeros(50), np.zeros(50), np.full(50, 30.0), np.ones(50))
    with pytest.raises(FitError, match="Nobody bought twice"):
        fit_purchases(once)
    with pytest.raises(FitError, match="Fewer than ten"):
        fit_spend(np.ones(3), np.full(3, 20.0), np.ones(3))
