"""Predicted lifetime value: what today's customers will contribute in the next year, and how sure that is.

Purchases to come (BG/NBD) times what each brings (gamma-gamma) times the share of sales that stayed as
contribution before marketing over the last year. Told with an interval, which holds the uncertainty of the fit,
and with a back-test: the same method, fitted half a year earlier, against what customers then really did.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from decimal import ROUND_HALF_UP, Decimal
from functools import partial

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from ecom_pipeline.insights.purchases import (
    FitError,
    Floats,
    Histories,
    PurchaseModel,
    expected_purchases,
    expected_spend,
    fit_purchases,
    fit_spend,
)

HORIZON = 365 / 7
HELD_OUT = timedelta(days=182)
LEAST_AGE = 52.0  # weeks the shop must have been known
LEAST_RETURNED = 100  # customers who bought twice
DRAWS = 60
LIKELY = (5, 95)  # percentiles of the interval
SCHEMA = pa.schema(
    [
        ("day", pa.date32()),
        ("dimension", pa.string()),
        ("segment", pa.string()),
        ("customers", pa.int64()),
        ("expected", pa.decimal128(18, 2)),
        ("low", pa.decimal128(18, 2)),
        ("high", pa.decimal128(18, 2)),
        ("foretold", pa.decimal128(18, 2)),
        ("happened", pa.int64()),
    ]
)


@dataclass(frozen=True)
class Moment:
    """The customers as known at the end of one Sunday, grouped by channel and history."""

    histories: Histories
    channels: list[str]
    amounts: Floats  # what each group's customers paid for their repeat purchases
    spend: tuple[Floats, Floats, Floats]  # frequency, amount of all repeat purchases, customers

    @property
    def is_telling(self) -> bool:
        """Whether the shop is old enough, and enough customers came back."""
        customers = self.histories.customers
        returned = float(customers[self.histories.frequency > 0].sum())
        return bool(len(customers)) and self.histories.age.max() >= LEAST_AGE and returned >= LEAST_RETURNED


def predict(rows: pa.Table, days: list[date]) -> pa.Table:
    """The model's rows for the days, from the query's groups; no rows for a week that cannot be told."""
    moments = _moments(rows.filter(pc.field("kind").isin(["history", "spend"])))
    shares = _shares(rows.filter(pc.field("kind").isin(["contribution", "net"])))
    found: list[dict[str, object]] = []
    told: dict[date, list[dict[str, object]]] = {}
    for day in days:
        week = day - timedelta(days=day.isoweekday() % 7)
        if week not in told:
            told[week] = _week(moments, shares.get(week), week)
        found += [{"day": day, **row} for row in told[week]]
    return pa.Table.from_pylist(found, schema=SCHEMA)


def _week(moments: dict[date, Moment], share: float | None, week: date) -> list[dict[str, object]]:
    now = moments.get(week)
    if now is None or share is None or not now.is_telling:
        return []
    try:
        model = fit_purchases(now.histories)
        value = _value_each(now) * share
    except FitError:
        return []
    foretold, happened = _backtest(moments.get(week - HELD_OUT), now)
    expected = partial(expected_purchases, histories=now.histories, horizon=HORIZON)
    weights = now.histories.customers * value
    likely = expected(np.exp(model.logs)) * weights
    drawn = np.array([expected(parameters) for parameters in _draws(model)]) * weights
    cuts = [("total", "", np.ones(len(now.channels), dtype=bool))]
    cuts += [
        ("channel", channel, np.array([one == channel for one in now.channels]))
        for channel in sorted(set(now.channels))
    ]
    return [
        {
            "dimension": dimension,
            "segment": segment,
            "customers": int(now.histories.customers[chosen].sum()),
            "expected": _money(float(likely[chosen].sum())),
            "low": _money(float(np.percentile(drawn[:, chosen].sum(axis=1), LIKELY[0]))),
            "high": _money(float(np.percentile(drawn[:, chosen].sum(axis=1), LIKELY[1]))),
            "foretold": _money(foretold) if dimension == "total" and foretold is not None else None,
            "happened": happened if dimension == "total" else None,
        }
        for dimension, segment, chosen in cuts
    ]


def _value_each(now: Moment) -> Floats:
    """What a future purchase of each group's customers is worth, in sales."""
    frequency, amount, customers = now.spend
    model = fit_spend(frequency, amount / frequency, customers)
    x = now.histories.frequency
    means = np.divide(now.amounts, x, out=np.zeros_like(x), where=x > 0)
    each = expected_spend(model, x, means, now.histories.customers)
    if not np.all(np.isfinite(each)):
        raise FitError("What customers spend varies too much to have a mean.")
    return each


def _backtest(then: Moment | None, now: Moment) -> tuple[float | None, int | None]:
    """Repeat purchases foretold half a year ago by those who were customers then, and those they made."""
    if then is None or not then.is_telling:
        return None, None
    weeks = HELD_OUT.days / 7
    try:
        model = fit_purchases(then.histories)
    except FitError:
        return None, None
    foretold = expected_purchases(np.exp(model.logs), then.histories, weeks) @ then.histories.customers
    known = now.histories.age >= weeks
    after = now.histories.frequency[known] @ now.histories.customers[known]
    before = then.histories.frequency @ then.histories.customers
    return float(foretold), round(float(after - before))


def _draws(model: PurchaseModel) -> Floats:
    return model.draw(np.random.default_rng(1), DRAWS)


def _moments(rows: pa.Table) -> dict[date, Moment]:
    """The groups by moment, sorted, so that sums of floats come out alike on every run."""
    columns = ("moment", "kind", "channel", "frequency", "recency", "age", "amount")
    rows = rows.sort_by([(column, "ascending") for column in columns])
    return {
        moment: _moment(rows.filter(pc.field("moment") == moment))
        for moment in rows["moment"].unique().to_pylist()
    }


def _moment(rows: pa.Table) -> Moment:
    histories = rows.filter(pc.field("kind") == "history")
    spend = rows.filter(pc.field("kind") == "spend")
    return Moment(
        Histories(
            _floats(histories, "frequency"),
            _floats(histories, "recency") / 7,
            _floats(histories, "age") / 7,
            _floats(histories, "customers"),
        ),
        histories["channel"].to_pylist(),
        _floats(histories, "amount"),
        (_floats(spend, "frequency"), _floats(spend, "amount"), _floats(spend, "customers")),
    )


def _floats(rows: pa.Table, name: str) -> Floats:
    floats: Floats = pc.cast(rows[name], pa.float64()).to_numpy()
    return floats


def _shares(rows: pa.Table) -> dict[date, float]:
    """Contribution before marketing in each unit of net sales, over the year up to each Sunday."""
    sums: dict[date, dict[str, Decimal]] = {}
    for row in rows.to_pylist():
        if row["amount"] is not None:
            sums.setdefault(row["moment"], {})[row["kind"]] = row["amount"]
    return {
        week: float(both["contribution"] / both["net"])
        for week, both in sums.items()
        if len(both) == 2 and both["net"] > 0
    }


def _money(amount: float) -> Decimal:
    return Decimal(repr(amount)).quantize(Decimal("0.01"), ROUND_HALF_UP)
