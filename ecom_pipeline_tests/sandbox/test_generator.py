"""The simulated shop must be the same everywhere and look like a real business."""

from __future__ import annotations

import hashlib
import subprocess
import sys
from collections import Counter, defaultdict
from datetime import UTC, date, timedelta
from decimal import Decimal

import pytest

from ecom_pipeline.sandbox import generator
from ecom_pipeline.sandbox.costs import SHOP_COSTS, shop_costs
from ecom_pipeline.sandbox.events import Shop
from ecom_pipeline.sandbox.generator import generate_shop
from ecom_pipeline.sandbox.generator.clock import (
    Clock,
)
from ecom_pipeline.sandbox.generator.streams import stream
from ecom_pipeline.sandbox.oracle import Oracle
from ecom_pipeline_tests.sandbox.generated import (
    LAST_DAY,
    agreements_of,
    assert_money_balances,
    end_of,
    sixty_weeks,
    twelve_days,
)


@pytest.fixture(scope="module", name="shop")
def _shop() -> Shop:
    return sixty_weeks()


@pytest.fixture(scope="module", name="small")
def _small() -> Shop:
    return twelve_days()


def _fingerprint(shop: Shop) -> str:
    return hashlib.sha256(repr(shop).encode()).hexdigest()


def test_same_arguments_give_the_same_shop_in_another_process(small: Shop) -> None:
    program = (
        "import hashlib; from datetime import date;"
        "from ecom_pipeline.sandbox.generator import generate_shop;"
        "s = generate_shop(3, date(2026, 3, 20), date(2026, 3, 31), 25.0);"
        "print(hashlib.sha256(repr(s).encode()).hexdigest())"
    )
    for hash_seed in ("1", "2"):
        answer = subprocess.run(
            [sys.executable, "-c", program],
            env={"PYTHONHASHSEED": hash_seed, "PYTHONPATH": ":".join(sys.path)},
            capture_output=True,
            text=True,
            check=True,
        )
        assert answer.stdout.strip() == _fingerprint(small)


def test_another_seed_gives_another_shop(small: Shop) -> None:
    other = generate_shop(4, small.first_day, small.last_day, 25.0)
    assert [order.created_at for order in other.orders] != [order.created_at for order in small.orders]


@pytest.mark.parametrize(
    ("first_day", "last_day", "orders_per_day"),
    [
        (date(2026, 6, 1), date(2026, 6, 10), 20.0),
        (date(2025, 1, 1), date(2026, 2, 28), 3.0),
        (date(2026, 10, 25), date(2026, 10, 25), 30.0),
        (date(2024, 2, 20), date(2024, 3, 5), 0.0),
    ],
)
def test_any_range_of_days_works(first_day: date, last_day: date, orders_per_day: float) -> None:
    shop = generate_shop(1, first_day, last_day, orders_per_day)
    expected = orders_per_day * ((last_day - first_day).days + 1)
    assert expected * 0.6 <= len(shop.orders) <= expected * 1.5
    assert_money_balances(shop)


@pytest.mark.parametrize("time_zone", ["Pacific/Auckland", "America/New_York", "Asia/Kolkata"])
def test_any_time_zone_works(time_zone: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(generator, "TIME_ZONE", time_zone)
    shop = generate_shop(1, date(2026, 3, 25), date(2026, 4, 7), 20.0)
    assert shop.time_zone == time_zone
    clock = Clock(time_zone, shop.first_day, shop.last_day)
    assert {clock.day_of(order.created_at) for order in shop.orders} == set(clock.days())
    assert_money_balances(shop)


@pytest.mark.parametrize(("day", "hours"), [(date(2026, 10, 25), 25), (date(2026, 3, 29), 23)])
def test_people_buy_all_day_long_when_the_clock_changes(day: date, hours: int) -> None:
    clock = Clock("Europe/Paris", day, day)
    rng = stream(1, "test")
    moments = [clock.shopping_moment(day, rng) for _ in range(4000)]
    assert (clock.end - clock.start).total_seconds() == hours * 3600
    assert {int((moment - clock.start).total_seconds() // 3600) for moment in moments} == set(range(hours))


def test_a_history_cannot_end_before_it_begins() -> None:
    with pytest.raises(ValueError, match="must not end"):
        generate_shop(1, date(2026, 2, 1), date(2026, 1, 31))


def test_nothing_happens_after_the_last_day(shop: Shop, small: Shop) -> None:
    for one in (shop, small):
        end, start = end_of(one), Clock(one.time_zone, one.first_day, one.last_day).start
        instants = [agreement.at for _, agreement in agreements_of(one)]
        for order in one.orders:
            instants += [f.shipped_at for f in order.fulfillments]
            instants += [f.delivered_at for f in order.fulfillments if f.delivered_at]
            instants += [at for at in (order.voided_at, order.cancelled_at, order.deleted_at) if at]
            assert order.created_at == order.agreements[0].at
        instants += [txn.created_at for txn in one.balance_transactions]
        instants += [charge.created_at for charge in one.charges]
        instants += [payout.created_at for payout in one.payouts]
        instants += [dispute.closed_at for dispute in one.disputes if dispute.closed_at]
        instants += [txn.emitted_at for txn in one.bank_transactions]
        instants += [txn.settled_at for txn in one.bank_transactions if txn.settled_at]
        instants += [checkout.created_at for checkout in one.checkouts]
        assert start <= min(instants)
        assert max(instants) < end
        assert all(instant.tzinfo is UTC for instant in instants)


def test_every_kind_of_trouble_is_there(shop: Shop) -> None:
    kinds = Counter(agreement.kind for _, agreement in agreements_of(shop))
    assert set(kinds) == {"order", "edit", "refund", "cancel"}
    line_kinds = Counter(line.kind for _, agreement in agreements_of(shop) for line in agreement.lines)
    assert set(line_kinds) == {"product", "gift_card", "shipping", "adjustment", "tip"}
    edits = [line for _, a in agreements_of(shop) if a.kind == "edit" for line in a.lines]
    assert {line.quantity > 0 for line in edits} == {True, False}
    assert {restock.restocked for _, a in agreements_of(shop) for restock in a.restocks} == {True, False}
    orders = shop.orders
    assert any(order.test for order in orders)
    assert any(order.voided_at for order in orders)
    assert any(order.deleted_at and not order.cancelled_at for order in orders)
    assert any(order.deleted_at and order.cancelled_at for order in orders)
    shipped_first = [
        order.fulfillments[0].shipped_at < order.cancelled_at
        for order in orders
        if order.cancelled_at and order.fulfillments
    ]
    assert any(shipped_first)
    assert any(order.cancelled_at and not order.fulfillments for order in orders)
    assert any(
        agreement.at > order.created_at + timedelta(days=21) and agreement.kind in ("refund", "edit")
        for order, agreement in agreements_of(shop)
    )
    assert {dispute.won for dispute in shop.disputes} == {True, False}
    assert {order.currency for order in orders} == {"EUR", "USD", "GBP", "CHF"}
    assert {order.country for order in orders} == {"FR", "BE", "DE", "ES", "IT", "LU", "US", "GB", "CH"}


def test_emails_are_reserved_unique_to_a_person_and_carry_the_canary(small: Shop, shop: Shop) -> None:
    for one in (small, shop):
        typed = [order.email for order in one.orders if order.email]
        assert all(
            email.strip().lower().endswith(("@example.com", "@example.org", "@example.net"))
            for email in typed
        )
        assert any("canary" in email.lower() for email in typed)
    typed = [order.email for order in shop.orders if order.email]
    assert any(email != email.strip() for email in typed)
    assert any(email.strip() != email.strip().lower() for email in typed)
    without = sum(order.email is None for order in shop.orders) / len(shop.orders)
    assert 0.002 < without < 0.02
    accounts = {customer.email: customer for customer in shop.customers}
    assert len(accounts) == len(shop.customers)
    for order in shop.orders:
        if order.customer and order.email:
            assert accounts[order.email.strip().lower()] is order.customer
    assert any(order.customer is None and order.email for order in shop.orders)


def test_an_article_out_of_stock_sells_nothing_for_a_while(shop: Shop) -> None:
    sold: defaultdict[int, list[date]] = defaultdict(list)
    for _, agreement in agreements_of(shop):
        for line in agreement.lines:
            if line.product and line.quantity > 0:
                sold[line.product.product_id].append(agreement.at.date())
    ordinary = max(sold.values(), key=len)
    gaps = [
        max((later - earlier).days for earlier, later in zip(sorted(days), sorted(days)[1:], strict=False))
        for days in sold.values()
        if len(days) > len(ordinary) / 3
    ]
    assert max(gaps) >= 7


def test_funnels_narrow(shop: Shop) -> None:
    for row in shop.traffic:
        assert row.sessions >= row.engaged_sessions >= row.cart_sessions >= row.checkout_sessions
        assert row.checkout_sessions >= row.purchase_sessions >= 0
        assert row.sessions > 0 and row.engagement_seconds >= 0
    keys = [(row.day, row.channel, row.device, row.country) for row in shop.traffic]
    assert len(set(keys)) == len(keys)


def test_purchases_are_the_orders_less_those_who_refused_to_be_measured(shop: Shop) -> None:
    measured = sum(row.purchase_sessions for row in shop.traffic)
    real = sum(not order.test for order in shop.orders)
    assert 0.90 < measured / real < 0.94


def test_ads_are_whole_cents_and_clicks_are_seen(shop: Shop) -> None:
    for row in shop.ads:
        assert row.cost_micros % 10_000 == 0
        assert row.impressions >= row.clicks
        assert row.impressions >= row.top_impressions >= row.absolute_top_impressions
        assert row.conversions == row.conversions.quantize(Decimal("0.01"))
        assert row.conversion_value == row.conversion_value.quantize(Decimal("0.01"))
        assert row.channel_type == "SEARCH" or row.top_impressions == 0


def test_the_incident_is_in_the_numbers(shop: Shop) -> None:
    keys = {incident.key for incident in shop.incidents}
    assert {"mobile_checkout", "paid_search_click_price"} <= keys
    broken = next(incident for incident in shop.incidents if incident.key == "mobile_checkout")

    def rate(first: date, last: date, over: str) -> float:
        rows = [row for row in shop.traffic if row.device == "mobile" and first <= row.day <= last]
        return float(sum(getattr(row, over) for row in rows) / sum(row.sessions for row in rows))

    before = (broken.first_day - timedelta(days=56), broken.first_day - timedelta(days=1))
    during = (broken.first_day, broken.last_day)
    assert 0.5 < rate(*during, "purchase_sessions") / rate(*before, "purchase_sessions") < 0.8
    assert 0.93 < rate(*during, "cart_sessions") / rate(*before, "cart_sessions") < 1.07

    def click_price(first: date, last: date) -> float:
        rows = [row for row in shop.ads if row.channel_type == "SEARCH" and first <= row.day <= last]
        return sum(row.cost_micros for row in rows) / sum(row.clicks for row in rows)

    dear = next(incident for incident in shop.incidents if incident.key == "paid_search_click_price")
    rise = click_price(dear.first_day, dear.last_day) / click_price(*before)
    assert 1.3 < rise < 1.5
    assert generate_shop(1, date(2026, 5, 1), date(2026, 5, 31), 5.0).incidents == []


def test_seasons_show(shop: Shop) -> None:
    per_day = Counter(order.created_at.date() for order in shop.orders)
    assert per_day[date(2025, 11, 28)] > 1.5 * per_day[date(2025, 11, 18)]
    august = sum(per_day[date(2026, 8, day)] for day in range(1, 29))
    december = sum(per_day[date(2025, 12, day)] for day in range(1, 29))
    assert december > 1.3 * august


def test_the_business_is_believable(shop: Shop) -> None:
    valid = [o for o in shop.orders if not (o.test or o.voided_at or o.deleted_at)]
    sold = [
        (line, order)
        for order in valid
        for line in order.agreements[0].lines
        if line.kind == "product" and order.currency == "EUR"
    ]
    gross = sum(line.gross for line, _ in sold)
    net = sum(line.gross - line.discount for line, _ in sold)
    basket = net / sum(o.currency == "EUR" for o in valid) / 100
    assert 58 < basket < 73
    known = [line for line, _ in sold if line.product and line.product.unit_cost is not None]
    cost = sum(line.quantity * (line.product.unit_cost or 0) for line in known if line.product) / 100
    known_net = sum(line.gross - line.discount for line in known)
    assert 0.57 < 1 - cost / known_net < 0.65
    assert 0.95 < sum(line.gross for line in known) / gross < 1
    sessions = sum(row.sessions for row in shop.traffic)
    assert 0.02 < sum(row.purchase_sessions for row in shop.traffic) / sessions < 0.03
    mobile = sum(row.sessions for row in shop.traffic if row.device == "mobile")
    assert 0.57 < mobile / sessions < 0.67
    carts = sum(row.cart_sessions for row in shop.traffic)
    assert 0.66 < 1 - sum(row.purchase_sessions for row in shop.traffic) / carts < 0.75
    value = sum(row.conversion_value for row in shop.ads)
    assert 3 < value * 1_000_000 / sum(row.cost_micros for row in shop.ads) < 5


def test_customers_come_back_as_in_a_real_shop(shop: Shop) -> None:
    since = LAST_DAY - timedelta(days=364)
    orders: Counter[str] = Counter()
    for order in shop.orders:
        if (
            order.email
            and not (order.test or order.cancelled_at or order.deleted_at)
            and order.created_at.date() >= since
        ):
            orders[order.email.strip().lower()] += 1
    repeat = sum(count > 1 for count in orders.values()) / len(orders)
    assert 0.25 < repeat < 0.34


def test_profit_and_acquisition_are_those_of_a_healthy_young_shop(shop: Shop) -> None:
    before = min(incident.first_day for incident in shop.incidents if incident.key == "mobile_checkout")
    last = before - timedelta(days=1)
    oracle = Oracle(shop, shop_costs(24.0), end_of(shop) + timedelta(hours=4))

    def of_the_year(kpi: str) -> Decimal:
        numerator, denominator = oracle.compute_period(kpi, last - timedelta(days=364), last)["total", ""]
        assert denominator
        return numerator / denominator

    assert 17 < of_the_year("customer_acquisition_cost") < 25
    assert Decimal("2.8") < of_the_year("ltv_to_cac") < 4
    assert Decimal("0.01") < of_the_year("net_margin_rate") < Decimal("0.11")
    assert of_the_year("contribution_margin_per_order") > 15
    assert Decimal("0.03") < of_the_year("return_rate") < Decimal("0.09")
    gap, _ = oracle.compute_period("payout_gap", shop.first_day, shop.last_day)["total", ""]
    assert gap > 0


def test_costs_cover_every_country_the_shop_ships_to() -> None:
    countries = {rate.country for rate in SHOP_COSTS.logistics}
    assert {"FR", "BE", "DE", "ES", "IT", "US", "GB", "*"} <= countries
    assert {cost.channel for cost in SHOP_COSTS.marketing} >= {None, "Email", "Affiliates"}
    assert all(cost.channel is None for cost in SHOP_COSTS.fixed)
