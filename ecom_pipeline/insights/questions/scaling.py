"""What one more euro of each channel brought: its marginal acquisition cost against what a customer is worth."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import ROUND_HALF_UP, Decimal
from typing import Any, NamedTuple

import duckdb
import numpy as np
import numpy.typing as npt

from ecom_pipeline.insights.questions.question import Answer, Column, Part, unmeasured_days

WEEKS = 52
LEAST_WEEKS = 26
RECENT_WEEKS = 4
LEAST_SPREAD = 0.1  # standard deviation of the logarithm of spend: below it, nothing was tried
LIKELY = 0.1  # the interval holds 90 %
Floats = npt.NDArray[np.float64]

_SPEND = """
SELECT CAST(DATE_TRUNC('week', m.day) AS DATE) AS week, m.channel AS channel, SUM(m.cost) AS cost
FROM model.marketing_costs AS m
WHERE m.day BETWEEN ? AND ?
GROUP BY CAST(DATE_TRUNC('week', m.day) AS DATE), m.channel
"""
_CUSTOMERS = """
SELECT CAST(DATE_TRUNC('week', o.day) AS DATE) AS week, o.first_channel AS channel, COUNT(*) AS customers
FROM model.customer_orders AS o
WHERE o.dimension = 'total' AND o.is_new AND o.day BETWEEN ? AND ?
GROUP BY CAST(DATE_TRUNC('week', o.day) AS DATE), o.first_channel
"""
_VALUES = """
SELECT d.segment AS channel, CAST(d.numerator / NULLIF(d.denominator, 0) AS DECIMAL(18, 2)) AS value
FROM kpi.daily AS d
JOIN kpi.days AS k ON k.kpi = d.kpi AND k.day = d.day AND k.state = 'complete'
WHERE d.kpi = 'lifetime_value' AND d.day = ? AND d.dimension IN ('total', 'channel')
"""


@dataclass(frozen=True)
class Response:
    """By how many percent new customers grow with one percent more spend, and the bounds of its 90 % interval."""

    middle: float
    low: float
    high: float


def answer(connection: duckdb.DuckDBPyConnection, last_day: date) -> Answer | None:
    """Each channel that cost something in the last four complete weeks, the one that moves most money first.

    Spend and costs are a week's mean of those four weeks; marginal cost and its interval come from the last 52 weeks.
    Weeks of which a day was not read are left out of both. None without any such spend.
    """
    last = last_day - timedelta(days=last_day.isoweekday() % 7)
    ((start,),) = connection.execute("SELECT MIN(history_start) FROM config.shop").fetchall()
    monday = start + timedelta(days=-start.weekday() % 7)
    first = max(last - timedelta(days=7 * WEEKS - 1), monday)
    every = [first + timedelta(days=7 * number) for number in range(((last - first).days + 1) // 7)]
    short = {
        day - timedelta(days=day.weekday())
        for day in unmeasured_days(connection, "customer_acquisition_cost", first, last)
    }
    weeks = [week for week in every if week not in short]
    if len(weeks) < RECENT_WEEKS:
        return None
    spend = _by_channel(connection.execute(_SPEND, [first, last]).fetchall(), weeks)
    customers = _by_channel(connection.execute(_CUSTOMERS, [first, last]).fetchall(), weeks)
    values: dict[str, Decimal] = dict(connection.execute(_VALUES, [last]).fetchall())
    unpaid = [customers[channel] for channel in customers if channel not in spend]
    demand: Floats = np.array(unpaid, dtype=np.float64).sum(axis=0) if unpaid else np.zeros(len(weeks))
    rows = [
        _row(channel, cost, customers.get(channel, [Decimal(0)] * len(weeks)), demand, values)
        for channel, cost in spend.items()
        if channel != "Unassigned" and sum(cost[-RECENT_WEEKS:]) > 0
    ]
    if not rows:
        return None
    rows.sort(key=lambda row: (_ORDER[row.advice], -row.weekly, row.channel))
    lead = rows[0]
    return Answer(
        question="scaling",
        sentence=_sentence(lead),
        parts={
            "channel": Part("text", lead.channel, "channel"),
            "marginal": Part("money", lead.marginal),
            "brought": Part("multiple", lead.brought),
            "left_out": Part("count", Decimal(len(every) - len(weeks))),
            "weeks": Part("count", Decimal(len(every))),
        },
        columns=(
            Column("channel", "text", "channel"),
            Column("spend", "money"),
            Column("average", "money"),
            Column("marginal", "money"),
            Column("low", "money"),
            Column("high", "money"),
            Column("value", "money"),
            Column("value_of", "label"),
            Column("brought", "multiple"),
            Column("advice", "label"),
        ),
        rows=tuple(rows),
        notes=("left_out",) if len(weeks) < len(every) else (),
    )


_ORDER = {"raise": 0, "lower": 1, "hold": 2, "unknown": 3}


class _Row(NamedTuple):
    channel: str
    weekly: Decimal
    average: Decimal | None
    marginal: Decimal | None
    low: Decimal | None
    high: Decimal | None
    value: Decimal | None
    value_of: str | None
    brought: Decimal | None
    advice: str


def _sentence(lead: _Row) -> str:
    """Which words tell the first channel; those of a value that is the whole shop's say so."""
    if lead.advice == "lower" and lead.marginal is None:
        return "nothing"  # more spend brings nobody: there is no cost of one more customer to tell
    return f"{lead.advice}_{lead.value_of}" if lead.advice in ("raise", "lower") else lead.advice


def _row(
    channel: str,
    cost: list[Decimal],
    customers: list[Decimal],
    demand: Floats,
    values: Mapping[str, Decimal],
) -> _Row:
    """Spend a week, average and marginal cost of a customer with its interval, their value and whose customers' it is,
    what a euro more brings, the advice.
    """
    value = values.get(channel, values.get(""))
    whose = None if value is None else "channel" if channel in values else "shop"
    spend, brought = sum(cost[-RECENT_WEEKS:]), sum(customers[-RECENT_WEEKS:])
    weekly = _cents(Decimal(spend) / RECENT_WEEKS)
    average = _cents(Decimal(spend) / brought) if brought else None
    response = fit_response(np.array(cost, dtype=np.float64), np.array(customers, dtype=np.float64), demand)
    if average is None or response is None:
        return _Row(channel, weekly, average, None, None, None, value, whose, None, "unknown")
    marginal = _over(average, response.middle)
    low, high = _over(average, response.high), _over(average, response.low)
    each = _cents(value / marginal) if value is not None and marginal else None
    return _Row(channel, weekly, average, marginal, low, high, value, whose, each, _advice(value, low, high))


def _advice(value: Decimal | None, low: Decimal | None, high: Decimal | None) -> str:
    """What the interval of the marginal cost allows to say; a bound of None is without limit."""
    if value is None:
        return "unknown"
    if high is not None and high < value:
        return "raise"
    if low is None or low > value:
        return "lower"
    return "hold" if high is not None else "unknown"


def fit_response(spend: Floats, customers: Floats, demand: Floats) -> Response | None:
    """How new customers follow spend, weeks of higher demand apart (told by the channels that cost nothing).

    A Poisson regression on the logarithm of spend whose errors take in more noise than Poisson's; None where too few
    weeks or too little variation cannot tell.
    """
    from statsmodels.genmod.families import Poisson  # noqa: PLC0415 - takes about a second
    from statsmodels.genmod.generalized_linear_model import GLM  # noqa: PLC0415

    used = spend > 0
    if used.sum() < LEAST_WEEKS or customers[used].sum() < LEAST_WEEKS:
        return None
    logs = np.log(spend[used])
    if logs.std() < LEAST_SPREAD:
        return None
    columns = [np.ones(len(logs)), logs - logs.mean()]
    around = np.log1p(demand[used])
    if around.std() > 0:
        columns.append(around - around.mean())
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        fit: Any = GLM(customers[used], np.column_stack(columns), family=Poisson()).fit(
            scale="X2", use_t=True
        )
        low, high = fit.conf_int(alpha=LIKELY)[1]
    middle = float(fit.params[1])
    if not fit.converged or not np.all(np.isfinite([middle, low, high])):
        return None
    return Response(middle, float(low), float(high))


def _by_channel(rows: list[Any], weeks: list[date]) -> dict[str, list[Decimal]]:
    """What each channel had in each of the weeks, zeros where it had nothing."""
    places = {week: place for place, week in enumerate(weeks)}
    found: dict[str, list[Decimal]] = {}
    for week, channel, amount in sorted(rows, key=lambda row: str(row[1])):
        if week in places:
            found.setdefault(channel, [Decimal(0)] * len(weeks))[places[week]] += Decimal(amount)
    return found


def _over(average: Decimal, response: float) -> Decimal | None:
    """What one more customer costs; None when more spend brings none."""
    return _cents(average / Decimal(repr(response))) if response > 0 else None


def _cents(amount: Decimal) -> Decimal:
    return amount.quantize(Decimal("0.01"), ROUND_HALF_UP)
