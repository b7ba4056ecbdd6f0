"""How often customers will buy again, and for how much: BG/NBD and gamma-gamma, fitted on grouped customers.

BG/NBD (Fader, Hardie and Lee, "Counting Your Customers" the Easy Way, Marketing Science 24, 2005): while
active a customer buys at a rate of their own (gamma-distributed over customers), and after each purchase
leaves for good with a chance of their own (beta-distributed). Gamma-gamma (Fader and Hardie, 2013): what a
customer spends per purchase varies around a mean of their own, independent of how often they buy.

Customers with the same history are one row with a count, and what depends on one part of a history is computed
once for each value it has, so a million customers fit in seconds. Times are in one unit throughout (weeks, say);
the parameters bear it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.optimize import minimize
from scipy.special import betaln, digamma, gammaln, hyp2f1

from ecom_pipeline.errors import EcomError

Floats = npt.NDArray[np.float64]
Places = npt.NDArray[np.intp]


class FitError(EcomError):
    """The customers' histories do not determine a model."""


@dataclass(frozen=True)
class Histories:
    """Groups of customers who bought alike, as arrays of one length.

    frequency: repeat purchases (the first apart); recency: from the first purchase to the last; age: from
    the first purchase to now; customers: how many.
    """

    frequency: Floats
    recency: Floats
    age: Floats
    customers: Floats

    @cached_property
    def frequencies(self) -> tuple[Floats, Places]:
        """The frequencies there are, and which of them each group has; so for the next ones."""
        return np.unique(self.frequency, return_inverse=True)

    @cached_property
    def recencies(self) -> tuple[Floats, Places]:
        return np.unique(self.recency, return_inverse=True)

    @cached_property
    def ages(self) -> tuple[Floats, Places]:
        return np.unique(self.age, return_inverse=True)

    @cached_property
    def frequencies_at_ages(self) -> tuple[Floats, Floats, Places]:
        """The pairs of frequency and age there are, and which of them each group has."""
        counts, of_count = self.frequencies
        ages, of_age = self.ages
        pairs, of_pair = np.unique(of_count * len(ages) + of_age, return_inverse=True)
        return counts[pairs // len(ages)], ages[pairs % len(ages)], of_pair


@dataclass(frozen=True)
class PurchaseModel:
    """A fitted BG/NBD: rate ~ gamma(r, alpha), chance of leaving ~ beta(a, b).

    `covariance` is that of the logarithms of r, alpha, a and b, from the curvature of the likelihood.
    """

    r: float
    alpha: float
    a: float
    b: float
    log_likelihood: float
    covariance: Floats

    @property
    def logs(self) -> Floats:
        return np.log([self.r, self.alpha, self.a, self.b])

    def draw(self, rng: np.random.Generator, count: int) -> Floats:
        """Parameters as likely as the data leave them, one set (r, alpha, a, b) a row."""
        drawn: Floats = np.exp(rng.multivariate_normal(self.logs, self.covariance, size=count))
        return drawn


@dataclass(frozen=True)
class SpendModel:
    """A fitted gamma-gamma: value per purchase ~ gamma(p, nu), nu ~ gamma(q, gamma)."""

    p: float
    q: float
    gamma: float


def fit_purchases(histories: Histories) -> PurchaseModel:
    """The most likely BG/NBD.

    Raises:
        FitError: nobody bought twice, or the likelihood has no peak.
    """
    if not (histories.customers[histories.frequency > 0].sum() > 0):
        raise FitError("Nobody bought twice, so nothing tells when customers come back.")
    # In units of the mean age the parameters are of one size, which the search likes.
    unit = float(np.average(histories.age, weights=histories.customers)) or 1.0
    scaled = Histories(
        histories.frequency, histories.recency / unit, histories.age / unit, histories.customers
    )
    total = float(scaled.customers.sum())

    def badness(logs: Floats) -> tuple[float, Floats]:
        likelihood, gradient = _log_likelihood(np.exp(logs), scaled)
        return -likelihood / total, -gradient / total

    found = _search(badness, np.zeros(4))
    r, alpha, a, b = np.exp(found)
    curvature = _curvature(badness, found) * total
    likelihood = _log_likelihood(np.array([r, alpha * unit, a, b]), histories)[0]
    return PurchaseModel(r, alpha * unit, a, b, likelihood, _inverse(curvature))


def expected_purchases(parameters: Floats, histories: Histories, horizon: float) -> Floats:
    """Purchases one customer of each group will make within the horizon; parameters are r, alpha, a, b."""
    r, alpha, a, b = parameters
    if abs(a - 1) < 1e-6:
        a += 2e-6  # the formula has a removable pole there
    x, age, places = histories.frequencies_at_ages
    shrunk = ((alpha + age) / (alpha + age + horizon)) ** (r + x)
    bought = 1 - shrunk * hyp2f1(r + x, b + x, a + b + x - 1, horizon / (alpha + age + horizon))
    active = ((a + b + x - 1) / (a - 1) * bought)[places]
    x, tx, age = histories.frequency, histories.recency, histories.age
    odds = np.where(x > 0, a / np.maximum(b + x - 1, 1e-12) * ((alpha + age) / (alpha + tx)) ** (r + x), 0.0)
    expected: Floats = active / (1 + odds)
    return expected


def fit_spend(frequency: Floats, mean_value: Floats, customers: Floats) -> SpendModel:
    """The most likely gamma-gamma of customers who bought again; `mean_value` is per repeat purchase, above 0.

    Raises:
        FitError: there are too few, or their values have no spread to learn from.
    """
    used = (frequency > 0) & (mean_value > 0)
    x, m, n = frequency[used], mean_value[used], customers[used]
    if n.sum() < 10:
        raise FitError("Fewer than ten customers bought again, so nothing tells what they spend.")
    unit = float(np.average(m, weights=n))
    m = m / unit
    total = float(n.sum())

    def badness(logs: Floats) -> tuple[float, Floats]:
        p, q, v = np.exp(logs)
        one = (
            gammaln(p * x + q) - gammaln(p * x) - gammaln(q) + q * np.log(v)
            + (p * x - 1) * np.log(m) + p * x * np.log(x) - (p * x + q) * np.log(x * m + v)
        )  # fmt: skip
        by_p = x * (digamma(p * x + q) - digamma(p * x) + np.log(m) + np.log(x) - np.log(x * m + v))
        by_q = digamma(p * x + q) - digamma(q) + np.log(v) - np.log(x * m + v)
        by_v = q / v - (p * x + q) / (x * m + v)
        slope = np.array([p * _sum(n, by_p), q * _sum(n, by_q), v * _sum(n, by_v)])
        return -_sum(n, one) / total, -slope / total

    p, q, v = np.exp(_search(badness, np.log([2.0, 3.0, 2.0])))
    return SpendModel(float(p), float(q), float(v * unit))


def expected_spend(model: SpendModel, frequency: Floats, value_sum: Floats, customers: Floats) -> Floats:
    """Mean value per future purchase of each group, whose customers' mean values add up to `value_sum`.

    It is linear in a customer's own mean, so a group needs their sum only. A customer without a repeat
    purchase is expected to spend what customers spend. NaN where the model has no mean (q at most 1).
    """
    if model.q <= 1:
        return np.full_like(frequency, np.nan)
    weight = model.p * frequency + model.q - 1
    mean: Floats = model.p * (model.gamma + frequency * value_sum / customers) / weight
    return mean


def _log_likelihood(parameters: Floats, histories: Histories) -> tuple[float, Floats]:
    """The log-likelihood and its slope along the logarithms of the parameters."""
    r, alpha, a, b = parameters
    n = histories.customers
    x, of_x = histories.frequencies
    log_age, log_recency, by_age, by_recency = _time_terms(alpha, histories)
    odds = np.maximum(b + x - 1, 1e-300)
    stays = -(r + x)[of_x] * log_age
    leaves = np.where(x > 0, np.log(a) - np.log(odds), -np.inf)[of_x] - (r + x)[of_x] * log_recency
    either = np.logaddexp(stays, leaves)
    bought = gammaln(r + x) - gammaln(r) + r * np.log(alpha) + betaln(a, b + x) - betaln(a, b)
    left = np.exp(leaves - either)
    stayed = 1 - left
    by_r = (digamma(r + x) - digamma(r) + np.log(alpha))[of_x] - stayed * log_age - left * log_recency
    by_alpha = r / alpha - (r + x)[of_x] * (stayed * by_age + left * by_recency)
    by_a = (digamma(a + b) - digamma(a + b + x))[of_x] + left / a
    by_b = (digamma(b + x) - digamma(a + b + x) - digamma(b) + digamma(a + b))[of_x]
    by_b = by_b - left * np.where(x > 0, 1 / odds, 0.0)[of_x]
    slope = np.array([r * _sum(n, by_r), alpha * _sum(n, by_alpha), a * _sum(n, by_a), b * _sum(n, by_b)])
    return _sum(n, bought[of_x] + either), slope


def _time_terms(alpha: float, histories: Histories) -> tuple[Floats, Floats, Floats, Floats]:
    """log(alpha + age), log(alpha + recency) and their slopes along alpha, for each group."""
    ages, of_age = histories.ages
    recencies, of_recency = histories.recencies
    return (
        np.log(alpha + ages)[of_age], np.log(alpha + recencies)[of_recency],
        (1 / (alpha + ages))[of_age], (1 / (alpha + recencies))[of_recency],
    )  # fmt: skip


def _sum(weights: Floats, values: Floats) -> float:
    """Their scalar product; not `@`, which wakes threads that cost more than they help."""
    return float((weights * values).sum())


def _search(badness: Callable[[Floats], tuple[float, Floats]], start: Floats) -> Floats:
    with np.errstate(all="ignore"):
        found: Any = minimize(badness, start, jac=True, method="L-BFGS-B", bounds=[(-12.0, 12.0)] * len(start),
            options={"maxiter": 500, "ftol": 1e-12, "gtol": 1e-8})  # fmt: skip
    if not np.all(np.isfinite(found.x)) or np.any(np.abs(found.x) > 11.9):
        raise FitError("The customers' histories fit no single model: the likelihood has no peak.")
    best: Floats = found.x
    return best


def _curvature(badness: Callable[[Floats], tuple[float, Floats]], at: Floats) -> Floats:
    """Second derivatives from differences of the slope."""
    step = 1e-4
    rows = []
    for one in range(len(at)):
        moved = np.zeros_like(at)
        moved[one] = step
        rows.append((badness(at + moved)[1] - badness(at - moved)[1]) / (2 * step))
    matrix = np.array(rows)
    both: Floats = (matrix + matrix.T) / 2
    return both


def _inverse(curvature: Floats) -> Floats:
    values, vectors = np.linalg.eigh(curvature)
    if values.min() <= 0:
        raise FitError("The customers' histories fit no single model: the likelihood is flat.")
    inverse: Floats = (vectors / values) @ vectors.T
    return inverse
