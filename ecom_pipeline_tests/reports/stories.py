"""The shops a report is looked at with: in trouble, quiet, young, half blind, long-winded and enormous."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

from ecom_pipeline.insights.actions import Shown
from ecom_pipeline.insights.questions.question import questions
from ecom_pipeline.insights.signals import Cause
from ecom_pipeline.insights.targets import Span, Target
from ecom_pipeline.kpis.definition import Kpi
from ecom_pipeline.periods import Rhythm
from ecom_pipeline.reports import Report, compute_report
from ecom_pipeline.reports.audience import make_audience
from ecom_pipeline_tests.reports.shop import ESSENTIALS, SUNDAY, Story, lengthen, make_request, make_shop

_SHOWN = tuple(
    Shown(SUNDAY - timedelta(weeks=2), key, Cause.UNUSUAL, SUNDAY - timedelta(weeks=2), value, edge)
    for key, value, edge in (
        ("customer_acquisition_cost", Decimal("47.20"), Decimal("33.00")),
        ("average_order_value", Decimal("71.10"), Decimal("84.00")),
    )
)


@dataclass(frozen=True)
class Case:
    """A shop's story with what is asked of its report."""

    story: Story
    request: dict[str, Any] = field(default_factory=dict)
    audience: str | None = None

    def compute(self, catalogue: dict[str, Kpi]) -> Report:
        request = dict(self.request)
        if self.audience:
            request["audience"] = make_audience(self.audience, {}, ESSENTIALS, catalogue, questions())
        return compute_report(
            make_shop(catalogue, self.story), catalogue, make_request(kpis=catalogue, **request)
        )


CASES = {
    "trouble": Case(Story(mobile_breaks=True, campaign_burns=True, fixed_costs=2600), {"shown": _SHOWN}),
    "quiet": Case(Story(restates=False)),
    "young": Case(Story(weeks=3, restates=False), {"targets": {}}),
    "half_missing": Case(Story(lost=("web", "pub", "banque"))),
    "long_names": Case(
        Story(weeks=28, long_names=True, all_paid=True, campaign_burns=True, mobile_breaks=True),
        {"shop_name": lengthen("Maison Lumière"), "shown": _SHOWN},
    ),
    "nine_digits": Case(
        Story(size=4200.0, fixed_costs=9000, all_paid=True, campaign_burns=True),
        {
            "essentials": (*ESSENTIALS, "net_sales", "net_cash_flow", "contribution_margin"),
            "targets": {"net_sales": (Target(amounts={Span.WEEK: Decimal("250000000")}),)},
        },
    ),
    "monthly": Case(
        Story(weeks=115, mobile_breaks=True), {"last_day": date(2026, 10, 31), "rhythm": Rhythm.MONTHLY}
    ),
    "finance": Case(Story(fixed_costs=2600), audience="finance"),
    "service": Case(Story(), audience="service"),
}
