"""Predicted lifetime value: what today's customers will contribute in the next year, and how sure that is.

Purchases to come (BG/NBD) times what each brings (gamma-gamma) times the share of sales that stayed as
contribution before marketing over the last year. Told with an interval, which holds the uncertainty of the fit,
and with a back-test: the same method, fitted half a year earlier, against what customers then really did.
Customers whose repeat purchases were on average worth the same to a hundredth are one group of spenders.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from decimal import ROUND_HALF_UP, Decimal
from functools import cached_property, partial

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from ecom_pipeline.insights.purchases import (
    FitError,
    Floats,
    Histories,
    Places,
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
    """The customers as known at the end of one Sunday, grouped by history, and those of each channel."""

    histories: Histories
    channels: dict[str, Cut]
    spend: tuple[Floats, Floats, Floats]  # frequency, amount of all repeat purchases, customers

    @property
    def is_telling(self) -> bool:
        """Whether the shop is old enough, and enough customers came back."""
        customers = self.histories.customers
        returned = float(customers[self.histories.frequency > 0].sum())
        return bool(len(customers)) and self.histories.age.max() >= LEAST_AGE and returned >= LEAST_RETURNED

    @cached_property
    def purchases(self) -> PurchaseModel | None:
        """The fit of the moment, which this week's prediction and the back-test in half a year share."""
        try:
            return fit_purchases(self.histories)
        except FitError:
            return None


@dataclass(frozen=True)
class Cut:
    """The customers of one channel: which of the moment's histories they have, and what they spent again."""

    places: Places
    customers: Floats
    amounts: Floats


def predict(rows: pa.Table, days: list[date]) -> pa.Table:
    """The model's rows for the days, Sundays, from the query's groups; none for a week that cannot be told."""
    moments = _moments(rows)
    shares = _shares(rows.filter(pc.field("kind").isin(["contribution", "net"])))
    found = [{"day": day, **row} for day in days for row in _week(moments, shares.get(day), day)]
    return pa.Table.from_pylist(found, schema=SCHEMA)


def _week(moments: dict[date, Moment], share: float | None, week: date) -> list[dict[str, object]]:
    now = moments.get(week)
    if now is None or share is None or not now.is_telling or now.purchases is None:
        return []
    try:
        weights = {channel: values * share for channel, values in _values(now).items()}
    except FitError:
        return []
    expected = partial(expected_purchases, histories=now.histories, horizon=HORIZON)
    likely = expected(np.exp(now.purchases.logs))
    drawn = np.array([expected(parameters) for parameters in _draws(now.purchases)])
    total = np.sum(list(weights.values()), axis=0)
    everyone = float(now.histories.customers.sum())
    rows = [_told("total", "", everyone, (likely * total).sum(), (drawn * total).sum(axis=1))]
    rows += [
        _told("channel", channel, float(now.channels[channel].customers.sum()),
              (likely * weight).sum(), (drawn * weight).sum(axis=1))
        for channel, weight in sorted(weights.items())
    ]  # fmt: skip
    foretold, happened = _backtest(moments.get(week - HELD_OUT), now)
    rows[0] |= {"foretold": None if foretold is None else _money(foretold), "happened": happened}
    return rows


def _told(dimension: str, segment: str, customers: float, likely: float, drawn: Floats) -> dict[str, object]:
    low, high = (_money(float(np.percentile(drawn, percentile))) for percentile in LIKELY)
    return {
        "dimension": dimension, "segment": segment, "customers": round(customers),
        "expected": _money(float(likely)), "low": low, "high": high, "foretold": None, "happened": None,
    }  # fmt: skip


def _values(now: Moment) -> dict[str, Floats]:
    """What one more purchase by each history's customers is worth in sales, all of them together, by channel."""
    frequency, amount, customers = now.spend
    model = fit_spend(frequency, amount / (frequency * customers), customers)
    found = {}
    for channel, cut in now.channels.items():
        x = now.histories.frequency[cut.places]
        means = np.divide(cut.amounts, x, out=np.zeros_like(x), where=x > 0)
        each = expected_spend(model, x, means, cut.customers)
        if not np.all(np.isfinite(each)):
            raise FitError("What customers spend varies too much to have a mean.")
        found[channel] = _summed(cut.places, each * cut.customers, len(now.histories.customers))
    return found


def _backtest(then: Moment | None, now: Moment) -> tuple[float | None, int | None]:
    """Repeat purchases foretold half a year ago by those who were customers then, and those they made."""
    if then is None or not then.is_telling or then.purchases is None:
        return None, None
    weeks = HELD_OUT.days / 7
    foretold = (
        expected_purchases(np.exp(then.purchases.logs), then.histories, weeks) @ then.histories.customers
    )
    known = now.histories.age >= weeks
    after = now.histories.frequency[known] @ now.histories.customers[known]
    before = then.histories.frequency @ then.histories.customers
    return float(foretold), round(float(after - before))


def _draws(model: PurchaseModel) -> Floats:
    return model.draw(np.random.default_rng(1), DRAWS)


def _moments(rows: pa.Table) -> dict[date, Moment]:
    """The groups by moment; one after the other, as all of them at once may be most of the memory."""
    found = {}
    for moment in pc.unique(rows["moment"]):
        of_moment = rows.filter(pc.equal(rows["moment"], moment))
        grouped = of_moment.filter(pc.equal(of_moment["kind"], "history"))
        if len(grouped):
            spend = of_moment.filter(pc.equal(of_moment["kind"], "spend"))
            found[moment.as_py()] = _moment(grouped, spend)
    return found


def _moment(rows: pa.Table, spend: pa.Table) -> Moment:
    """The groups of a moment, sorted, so that sums of floats come out alike on every run."""
    named = rows["channel"].combine_chunks().dictionary_encode()
    names = np.array(named.dictionary.to_pylist(), dtype=object)
    rank = np.argsort(np.argsort(names))
    # One number for all that tells groups apart: sorting it is many times quicker than sorting columns.
    parts = [rows[name].to_numpy() for name in ("frequency", "recency", "age")]
    parts.append(rank[named.indices.to_numpy()])
    sizes = [int(part.max()) + 1 for part in parts]
    keys = np.ravel_multi_index(parts, sizes)
    order = np.argsort(keys)
    histories, places = np.unique(keys[order] // sizes[-1], return_inverse=True)
    frequency, recency, age = (part.astype(np.float64) for part in np.unravel_index(histories, sizes[:-1]))
    channel = parts[-1][order]
    customers, amounts = _floats(rows, "customers")[order], _floats(rows, "amount")[order]
    channels = {
        name: Cut(places[chosen], customers[chosen], amounts[chosen])
        for number, name in enumerate(sorted(names))
        for chosen in (channel == number,)
    }
    counted = _summed(places, customers, len(histories))
    return Moment(Histories(frequency, recency / 7, age / 7, counted), channels, _spend(spend))


def _spend(rows: pa.Table) -> tuple[Floats, Floats, Floats]:
    columns = [_floats(rows, name) for name in ("frequency", "amount", "customers")]
    order = np.lexsort(columns[::-1])
    frequency, amount, customers = (column[order] for column in columns)
    return frequency, amount, customers


def _summed(places: Places, weights: Floats, count: int) -> Floats:
    """The weights of each place added up."""
    return np.bincount(places, weights=weights, minlength=count).astype(np.float64)


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
