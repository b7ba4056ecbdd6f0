"""What selling costs besides the goods: logistics, payment fees, advertising and monthly costs."""

from __future__ import annotations

from calendar import monthrange
from collections.abc import Iterable, Iterator
from datetime import date, timedelta
from decimal import Decimal
from fractions import Fraction

from ecom_pipeline.sandbox.events import (
    AdDay,
    BalanceTransaction,
    Influencer,
    LogisticsRate,
    MonthlyCost,
)
from ecom_pipeline.sandbox.oracle.channels import AD_ACCOUNTS, AD_CHANNELS
from ecom_pipeline.sandbox.oracle.exchange import cents, round_to_four
from ecom_pipeline.sandbox.oracle.figures import UNASSIGNED, UNKNOWN, Fact
from ecom_pipeline.sandbox.oracle.known import Knowledge, KnownOrder

AFFILIATES = "Affiliates"


def compute_logistics(
    orders: list[KnownOrder], rates: tuple[LogisticsRate, ...], knowledge: Knowledge
) -> Iterator[Fact]:
    """One outward cost for each parcel, one return freight for each refund or cancellation restocking."""
    by_country = {rate.country: rate for rate in rates}
    for known in orders:
        rate = by_country.get(known.order.country) or by_country.get("*")
        if rate is None:
            continue
        order_id = known.order.order_id
        outward = cents(rate.shipping + rate.fulfilment + rate.packaging)
        for parcel in known.fulfillments:
            yield Fact(knowledge.local_day(parcel.shipped_at), known.segments, outward, order_id)
        for agreement in known.agreements:
            came_back = any(one.restocked and one.quantity > 0 for one in agreement.restocks)
            shipped = any(parcel.shipped_at < agreement.at for parcel in known.fulfillments)
            if agreement.kind in ("refund", "cancel") and came_back and shipped:
                day = knowledge.local_day(agreement.at)
                yield Fact(day, known.segments, cents(rate.return_freight), order_id)


def compute_shipped_orders(orders: list[KnownOrder], knowledge: Knowledge) -> Iterator[Fact]:
    """One for each order, on the day of its first parcel."""
    for known in orders:
        if known.fulfillments:
            first = min(parcel.shipped_at for parcel in known.fulfillments)
            yield Fact(knowledge.local_day(first), known.segments, Decimal(1))


def compute_payment_fees(
    transactions: Iterable[BalanceTransaction], orders: dict[int, KnownOrder], knowledge: Knowledge
) -> Iterator[Fact]:
    """The fee of every movement, and the amount of those that are fees themselves."""
    for one in transactions:
        known = orders.get(one.order_id) if one.order_id is not None else None
        segments = known.segments if known else {"channel": UNASSIGNED, "country": UNKNOWN}
        amount = one.fee - (one.amount if one.kind == "stripe_fee" else 0)
        order_id = known.order.order_id if known else None
        yield Fact(knowledge.local_day(one.created_at), segments, cents(amount), order_id)


def compute_ad_spend(ads: Iterable[AdDay]) -> Iterator[Fact]:
    """Spend by campaign and channel; millionths are rounded to four decimals, campaign by campaign."""
    for ad in ads:
        yield Fact(ad.day, ad_segments(ad), round_to_four(Fraction(ad.cost_micros, 1_000_000)))


def ad_segments(ad: AdDay) -> dict[str, str]:
    """The segments of a campaign, told with its account: it has no country and no device."""
    named = f"{AD_ACCOUNTS[ad.platform]}: {ad.campaign_name}"
    return {"channel": AD_CHANNELS[ad.channel_type], "campaign": named}


def brought_by(known: KnownOrder, influencers: Iterable[Influencer]) -> Influencer | None:
    """Whose order it is, while her agreement lasted: the code's before the link's, in any spelling."""
    running = [
        one
        for one in influencers
        if one.first_day <= known.day and (one.last_day is None or known.day <= one.last_day)
    ]
    code = (known.order.discount_code or "").strip().lower()
    tag = (known.order.visit.campaign or "").strip().lower()
    by_code = [one for one in running if one.code.lower() == code]
    by_link = [one for one in running if one.utm_campaign.lower() == tag]
    return next(iter(by_code + by_link), None)


def compute_influencer_fees(
    influencers: Iterable[Influencer], first_day: date, last_day: date
) -> Iterator[Fact]:
    """Each influencer's monthly fee by day, as any monthly cost, under the channel of the affiliates."""
    for one in influencers:
        fee = MonthlyCost(one.name, one.monthly_fee, one.first_day, one.last_day, AFFILIATES)
        for fact in compute_monthly_costs([fee], first_day, last_day):
            yield fact._replace(segments={**fact.segments, "influencer": one.name})


def compute_monthly_costs(monthly: Iterable[MonthlyCost], first_day: date, last_day: date) -> Iterator[Fact]:
    """A month's cost over the days of its calendar month, each day rounded half up to four decimals."""
    for cost in monthly:
        day = max(first_day, cost.first_day)
        end = last_day if cost.last_day is None else min(last_day, cost.last_day)
        while day <= end:
            days_in_month = monthrange(day.year, day.month)[1]
            daily = round_to_four(Fraction(cost.amount, 100 * days_in_month))
            yield Fact(day, {"channel": cost.channel or UNASSIGNED}, daily)
            day += timedelta(days=1)
