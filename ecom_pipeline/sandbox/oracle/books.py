"""The shop's books as known at one instant: each kind of fact, computed once and read by every family."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection
from datetime import date, datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from functools import cached_property

from ecom_pipeline.sandbox.events import (
    AdDay,
    BalanceTransaction,
    Influencer,
    Shop,
    ShopCosts,
    TrafficDay,
)
from ecom_pipeline.sandbox.oracle.customers import (
    Gap,
    Purchase,
    compute_earnings,
    compute_first_purchases,
    compute_gaps,
    compute_purchases,
)
from ecom_pipeline.sandbox.oracle.exchange import Exchange, cents, round_to_four
from ecom_pipeline.sandbox.oracle.figures import ONE, Fact, Key, minus, sum_facts
from ecom_pipeline.sandbox.oracle.known import Knowledge, KnownOrder
from ecom_pipeline.sandbox.oracle.ledger import LedgerLine, compute_cost_of_goods, compute_lines
from ecom_pipeline.sandbox.oracle.spending import (
    AFFILIATES,
    brought_by,
    compute_ad_spend,
    compute_influencer_fees,
    compute_logistics,
    compute_monthly_costs,
    compute_payment_fees,
    compute_shipped_orders,
)
from ecom_pipeline.sandbox.oracle.treasury import Treasury


class Books:
    """Facts in the reporting currency, which is the shop's; amounts are positive in their own sense."""

    def __init__(
        self,
        shop: Shop,
        costs: ShopCosts,
        as_of: datetime,
        churn_window_days: int | None,
        snapshot_days: Collection[date] | None = None,
    ) -> None:
        self.shop = shop
        self.costs = costs
        self.churn_window_days = churn_window_days
        self.knowledge = Knowledge(shop, as_of)
        self.first_day = shop.first_day
        self.as_of_day = self.knowledge.as_of_day
        self.snapshot_days = frozenset((self.as_of_day,) if snapshot_days is None else snapshot_days)

    @cached_property
    def days(self) -> list[date]:
        """The days reported, in order."""
        count = (self.as_of_day - self.first_day).days + 1
        return [self.first_day + timedelta(days=i) for i in range(count)]

    @cached_property
    def valid_orders(self) -> list[KnownOrder]:
        known = (self.knowledge.valid_order(order) for order in self.shop.orders)
        return [order for order in known if order is not None]

    @cached_property
    def lines(self) -> list[LedgerLine]:
        return list(compute_lines(self.valid_orders, self.knowledge, self.exchange))

    @cached_property
    def exchange(self) -> Exchange:
        return Exchange(self.shop.rates, self.shop.currency)

    @cached_property
    def orders(self) -> list[Fact]:
        return [Fact(known.day, known.segments, ONE, known.order.order_id) for known in self.valid_orders]

    @cached_property
    def gross(self) -> list[Fact]:
        return [line.fact(line.gross) for line in self.lines if line.sold]

    @cached_property
    def discounts(self) -> list[Fact]:
        return [line.fact(line.discount) for line in self.lines if line.sold]

    @cached_property
    def units(self) -> list[Fact]:
        return [line.fact(Decimal(line.quantity)) for line in self.lines if line.sold]

    @cached_property
    def returns(self) -> list[Fact]:
        return [line.fact(line.discount - line.gross) for line in self.lines if line.given_back]

    @cached_property
    def net(self) -> list[Fact]:
        return self.gross + minus(self.discounts) + minus(self.returns)

    @cached_property
    def shipping_income(self) -> list[Fact]:
        return [line.fact(line.gross - line.discount) for line in self.lines if line.kind == "shipping"]

    @cached_property
    def cost_of_goods(self) -> list[Fact]:
        return list(compute_cost_of_goods(self.valid_orders, self.lines, self.knowledge, self.exchange))

    @cached_property
    def logistics(self) -> list[Fact]:
        return list(compute_logistics(self.valid_orders, self.costs.logistics, self.knowledge))

    @cached_property
    def shipped_orders(self) -> list[Fact]:
        return list(compute_shipped_orders(self.valid_orders, self.knowledge))

    @cached_property
    def balance_transactions(self) -> list[BalanceTransaction]:
        return [one for one in self.shop.balance_transactions if self.knowledge.happened(one.created_at)]

    @cached_property
    def payment_fees(self) -> list[Fact]:
        orders = {known.order.order_id: known for known in self.valid_orders}
        return list(compute_payment_fees(self.balance_transactions, orders, self.knowledge))

    @cached_property
    def captured(self) -> list[Fact]:
        charges = (one for one in self.balance_transactions if one.kind == "charge")
        return [Fact(self.knowledge.local_day(one.created_at), {}, cents(one.amount)) for one in charges]

    @cached_property
    def ads(self) -> list[AdDay]:
        return [ad for ad in self.shop.ads if ad.day <= self.as_of_day]

    @cached_property
    def ad_spend(self) -> list[Fact]:
        return list(compute_ad_spend(self.ads))

    @cached_property
    def marketing_cost(self) -> list[Fact]:
        monthly = compute_monthly_costs(self.costs.marketing, self.first_day, self.as_of_day)
        return [*self.ad_spend, *monthly, *self.influencer_cost]

    @cached_property
    def influenced_lines(self) -> list[tuple[Influencer, LedgerLine]]:
        """The articles sold and given back of the orders influencers brought."""
        owners = {
            (known.order.storefront, known.order.order_id): brought_by(known, self.costs.influencers)
            for known in self.valid_orders
        }
        pairs = [
            (owners[line.known.order.storefront, line.known.order.order_id], line) for line in self.lines
        ]
        return [(one, line) for one, line in pairs if one is not None and (line.sold or line.given_back)]

    @cached_property
    def influencer_sales(self) -> list[Fact]:
        return [
            Fact(line.day, {"influencer": one.name}, line.gross - line.discount)
            for one, line in self.influenced_lines
        ]

    @cached_property
    def influencer_cost(self) -> list[Fact]:
        """Fees, and the commission on each line, which a return takes back."""
        fees = compute_influencer_fees(self.costs.influencers, self.first_day, self.as_of_day)
        commissions = (
            Fact(
                line.day,
                {"channel": AFFILIATES, "influencer": one.name},
                round_to_four(Fraction(line.gross - line.discount) * one.commission_percent / 100),
            )
            for one, line in self.influenced_lines
        )
        return [*fees, *commissions]

    @cached_property
    def marketing_by_day(self) -> dict[Key, Decimal]:
        return sum_facts(self, self.marketing_cost, ("channel",))

    @cached_property
    def fixed_costs(self) -> list[Fact]:
        return list(compute_monthly_costs(self.costs.fixed, self.first_day, self.as_of_day))

    @cached_property
    def contribution_before_marketing(self) -> list[Fact]:
        """Signed: what sales bring after goods, logistics and payment."""
        income = self.net + self.shipping_income
        return income + minus(self.cost_of_goods) + minus(self.logistics) + minus(self.payment_fees)

    @cached_property
    def contribution(self) -> list[Fact]:
        return self.contribution_before_marketing + minus(self.marketing_cost)

    @cached_property
    def treasury(self) -> Treasury:
        return Treasury(self.shop, self.knowledge)

    @cached_property
    def purchases(self) -> list[Purchase]:
        return compute_purchases(self.valid_orders)

    @cached_property
    def purchases_by_day(self) -> dict[date, list[Purchase]]:
        by_day: defaultdict[date, list[Purchase]] = defaultdict(list)
        for purchase in self.purchases:
            by_day[purchase.day].append(purchase)
        return dict(by_day)

    @cached_property
    def first_purchases(self) -> dict[str, Purchase]:
        return compute_first_purchases(self.purchases)

    @cached_property
    def new_customers(self) -> list[Fact]:
        return [Fact(first.day, first.segments, ONE) for first in self.first_purchases.values()]

    @cached_property
    def gaps(self) -> list[Gap]:
        return compute_gaps(self.purchases)

    @cached_property
    def earnings(self) -> dict[str, dict[int, Decimal]]:
        return compute_earnings(self.contribution_before_marketing, self.valid_orders, self.first_purchases)

    @cached_property
    def bought(self) -> dict[str, dict[int, Decimal]]:
        """What each customer bought before discounts, by days since the first order."""
        return compute_earnings(self.gross, self.valid_orders, self.first_purchases)

    @cached_property
    def bought_at_known_cost(self) -> dict[str, dict[int, Decimal]]:
        facts = [line.fact(line.gross) for line in self.lines if line.sold and line.cost_known]
        return compute_earnings(facts, self.valid_orders, self.first_purchases)

    @cached_property
    def traffic(self) -> list[TrafficDay]:
        return [one for one in self.shop.traffic if one.day <= self.as_of_day]

    @cached_property
    def sessions(self) -> list[Fact]:
        return [Fact(one.day, traffic_segments(one), Decimal(one.sessions)) for one in self.traffic]


def traffic_segments(traffic: TrafficDay) -> dict[str, str]:
    """The segments of a day's web traffic."""
    return {"channel": traffic.channel, "device": traffic.device, "country": traffic.country}
