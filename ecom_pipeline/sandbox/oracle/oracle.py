"""The independent oracle: every KPI, computed from what really happened and from the definitions alone.

It shares no code with the pipeline and uses plain loops over days where the pipeline uses SQL, so
that an agreement of both is evidence. It sees the truth (e-mails, costs, what a bank credit pays)
directly; only time is veiled, by the instant at which the vendors are asked.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection
from datetime import date, datetime
from decimal import Decimal

from ecom_pipeline.sandbox.events import Shop, ShopCosts
from ecom_pipeline.sandbox.oracle import (
    acquisition,
    cash,
    loyalty,
    marketing,
    mobile,
    opinions,
    profit,
    sales,
    service,
    social,
    stock,
    subscribers,
    sustainability,
    website,
)
from ecom_pipeline.sandbox.oracle.books import Books
from ecom_pipeline.sandbox.oracle.figures import TOTAL, Figures, Kpi, Value, sum_facts

KPIS: dict[str, Kpi] = {
    **sales.KPIS,
    **profit.KPIS,
    **cash.KPIS,
    **acquisition.KPIS,
    **loyalty.KPIS,
    **website.KPIS,
    **marketing.KPIS,
    **stock.KPIS,
    **service.KPIS,
    **opinions.KPIS,
    **mobile.KPIS,
    **subscribers.KPIS,
    **social.KPIS,
    **sustainability.KPIS,
}


class Oracle:
    """What every KPI of the shop must be when the vendors are asked at `as_of`.

    The days reported run from the shop's first day to the as-of day, the last complete local day
    before `as_of`. Events later than `as_of` have not happened. The reporting currency is the shop's.
    What has no past (stock, followers) was looked at on the mornings after `snapshot_days`, or only now.
    """

    def __init__(
        self,
        shop: Shop,
        costs: ShopCosts,
        as_of: datetime,
        churn_window_days: int | None = None,
        snapshot_days: Collection[date] | None = None,
    ) -> None:
        self._books = Books(shop, costs, as_of, churn_window_days, snapshot_days)
        self._computed: dict[str, Figures] = {}

    @property
    def as_of_day(self) -> date:
        """The last day reported."""
        return self._books.as_of_day

    def kpis(self) -> tuple[str, ...]:
        """The names of all KPIs it computes."""
        return tuple(KPIS)

    def kind(self, kpi: str) -> str:
        """How the KPI adds up: flow, ratio, snapshot or window; KeyError for an unknown name."""
        return KPIS[kpi].kind

    def compute(self, kpi: str) -> Figures:
        """Numerator and denominator by (day, dimension, segment); the total is ("total", "").

        Money is in currency units, exact; the denominator of a flow or snapshot is None. A flow
        without a row is 0, a ratio without one is 0 over 0. KeyError for an unknown name.
        """
        if kpi not in self._computed:
            self._computed[kpi] = KPIS[kpi].compute(self._books)
        return dict(self._computed[kpi])

    def compute_coverage(self, kpi: str) -> Figures:
        """The known part over the whole of what is counted; KeyError for a KPI that is always complete."""
        return (profit.COVERAGE | acquisition.COVERAGE | stock.COVERAGE)[kpi].compute(self._books)

    def compute_interval(self, kpi: str) -> Figures:
        """The lower and upper end of the likely range of each value; nothing for a KPI that tells none."""
        told = opinions.INTERVALS.get(kpi)
        return told(self._books) if told else {}

    def compute_period(self, kpi: str, first_day: date, last_day: date) -> dict[tuple[str, str], Value]:
        """The KPI of a period by (dimension, segment): sums of flows and ratios, or the last day."""
        figures = self.compute(kpi)
        if self.kind(kpi) in ("snapshot", "window"):
            return {
                (dimension, segment): value
                for (day, dimension, segment), value in figures.items()
                if day == last_day
            }
        numerators: defaultdict[tuple[str, str], Decimal] = defaultdict(Decimal)
        denominators: defaultdict[tuple[str, str], Decimal] = defaultdict(Decimal)
        for (day, dimension, segment), (numerator, denominator) in figures.items():
            if first_day <= day <= last_day:
                numerators[dimension, segment] += numerator
                denominators[dimension, segment] += denominator or Decimal(0)
        is_flow = self.kind(kpi) == "flow"
        return {cut: (sum_, None if is_flow else denominators[cut]) for cut, sum_ in numerators.items()}

    def order_facts(self) -> dict[date, dict[str, Decimal]]:
        """The totals of each day from which sales are made, for checks: gross, discounts, returns, net …"""
        books = self._books
        parts = {
            "gross": books.gross,
            "discounts": books.discounts,
            "returns": books.returns,
            "net": books.net,
            "shipping_income": books.shipping_income,
            "cost_of_goods": books.cost_of_goods,
            "logistics": books.logistics,
            "payment_fees": books.payment_fees,
            "marketing_cost": books.marketing_cost,
            "fixed_costs": books.fixed_costs,
        }
        days: dict[date, dict[str, Decimal]] = {day: dict.fromkeys(parts, Decimal(0)) for day in books.days}
        for name, facts in parts.items():
            for (day, *cut), amount in sum_facts(books, facts, ()).items():
                if tuple(cut) == TOTAL:
                    days[day][name] = amount
        return days
