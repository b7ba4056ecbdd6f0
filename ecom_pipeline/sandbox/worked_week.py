"""The worked week of the KPI catalogue as a shop: eleven orders whose every figure is known by hand.

Amounts are euro cents before tax unless the name says otherwise. Nothing is drawn by chance here.
"""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal
from zoneinfo import ZoneInfo

from ecom_pipeline.sandbox.events import (
    Agreement,
    AgreementKind,
    CardRefund,
    Charge,
    Customer,
    LineKind,
    Order,
    Product,
    Restock,
    SaleLine,
    Shop,
    Visit,
)

_PARIS = ZoneInfo("Europe/Paris")
_MONDAY, _SUNDAY = date(2026, 10, 19), date(2026, 10, 25)
_OPENED = datetime(2026, 9, 1, 8, 0, tzinfo=UTC)


def _paris(day: int, hour: int, minute: int = 0, fold: int = 0) -> datetime:
    return datetime(2026, 10, day, hour, minute, tzinfo=_PARIS, fold=fold).astimezone(UTC)


def _product(number: int, letter: str, price: int, unit_cost: int | None) -> Product:
    return Product(
        8_000 + number,
        8_100 + number,
        8_200 + number,
        f"Article {letter}",
        letter,
        price,
        Decimal(20),
        unit_cost,
        _OPENED,
    )


_A = _product(1, "A", 6000, 200_000)
_B = _product(2, "B", 2400, 80_000)
_C = _product(3, "C", 1200, None)


def _line(
    order: int, number: int, product: Product, quantity: int, gross: int, discount: int = 0, vat: int = 20
) -> SaleLine:
    """An article sold; negative quantity and gross when it comes back."""
    tax = (gross - discount) * vat // 100
    return SaleLine("product", gross, discount, tax, quantity, order * 10 + number, product)


def _other(
    kind: LineKind, gross: int, tax: int, quantity: int = 0, line_item_id: int | None = None
) -> SaleLine:
    return SaleLine(kind, gross, 0, tax, quantity, line_item_id)


def _agreement(
    agreement_id: int,
    kind: AgreementKind,
    at: datetime,
    *lines: SaleLine,
    restocks: tuple[Restock, ...] = (),
) -> Agreement:
    refund_id = agreement_id + 50_000 if kind in ("refund", "cancel") else None
    return Agreement(agreement_id, kind, at, lines, refund_id, restocks)


def _order(
    number: int,
    person: str | None,
    agreements: tuple[Agreement, ...],
    *,
    country: str = "FR",
    vat: int = 20,
    currency: str = "EUR",
    shop_rate: str = "1",
    code: str | None = None,
    test: bool = False,
    voided_at: datetime | None = None,
    cancelled_at: datetime | None = None,
    gift_card_paid: int = 0,
) -> Order:
    email = f"{person}@example.com" if person else None
    return Order(
        order_id=1000 + number,
        name=f"#O{number}",
        created_at=agreements[0].at,
        currency=currency,
        shop_rate=Decimal(shop_rate),
        email=email,
        customer=Customer(_CUSTOMER_ID[person], email, country) if person and email else None,
        country=country,
        vat_percent=Decimal(vat),
        visit=Visit(),
        device="desktop",
        discount_code=code,
        test=test,
        voided_at=voided_at,
        cancelled_at=cancelled_at,
        deleted_at=None,
        gift_card_paid=gift_card_paid,
        agreements=agreements,
    )


_CUSTOMER_ID = {
    name: 500 + number
    for number, name in enumerate(
        ("alice", "bob", "carol", "dave", "erin", "frank", "grace", "heidi", "tester")
    )
}


def _orders() -> list[Order]:
    void, cancel = _paris(23, 15), _paris(24, 11)
    return [
        _order(1, "alice", (
            _agreement(1, "order", _paris(19, 10), _line(1, 1, _A, 1, 5000), _line(1, 2, _B, 1, 2000),
                       _other("shipping", 400, 80)),
            _agreement(101, "refund", _paris(25, 10), _line(1, 2, _B, -1, -2000),
                       restocks=(Restock(12, 1, True),)))),
        _order(2, "bob", (
            _agreement(2, "order", _paris(20, 23, 30), _line(2, 1, _A, 2, 10_000, 1000)),
            _agreement(102, "refund", _paris(25, 11), _other("adjustment", -500, -100))), code="MOINS10"),
        _order(3, "alice", (_agreement(3, "order", _paris(21, 0, 30), _line(3, 1, _B, 1, 2000)),)),
        _order(4, None, (_agreement(4, "order", _paris(21, 12), _line(4, 1, _C, 1, 1000)),)),
        _order(5, "carol", (_agreement(5, "order", _paris(22, 9), _other("gift_card", 5000, 0, 1, 51)),)),
        _order(6, "dave", (_agreement(6, "order", _paris(22, 18), _line(6, 1, _A, 1, 5000)),),
               gift_card_paid=5000),
        _order(7, "tester", (_agreement(7, "order", _paris(23, 9), _line(7, 1, _A, 1, 5000)),), test=True),
        _order(8, "erin", (
            _agreement(8, "order", _paris(23, 10), _line(8, 1, _A, 1, 5000)),
            _agreement(108, "cancel", void, _line(8, 1, _A, -1, -5000), restocks=(Restock(81, 1, True),))),
            voided_at=void, cancelled_at=void),
        _order(9, "frank", (
            _agreement(9, "order", _paris(23, 14), _line(9, 1, _A, 1, 5000), _line(9, 2, _B, 2, 4000)),
            _agreement(109, "cancel", cancel, _line(9, 1, _A, -1, -5000), _line(9, 2, _B, -2, -4000),
                       restocks=(Restock(91, 1, True), Restock(92, 2, True)))), cancelled_at=cancel),
        _order(10, "grace", (_agreement(10, "order", _paris(24, 16), _line(10, 1, _A, 1, 5800, 0, 0)),),
               country="US", vat=0, currency="USD", shop_rate="0.862069"),
        _order(11, "heidi", (
            _agreement(11, "order", _paris(25, 2, 30, fold=1), _line(11, 1, _A, 1, 5000, 0, 21)),),
            country="BE", vat=21),
    ]  # fmt: skip


def _charges(orders: list[Order]) -> list[Charge]:
    """Whoever pays by card does so with the order; dollars settle at Friday's rate."""
    charges = []
    for order in orders:
        paid = sum(line.paid for line in order.agreements[0].lines) - order.gift_card_paid
        if order.test or order.voided_at:
            continue
        settled = 5000 if order.currency == "USD" else paid
        charge_id = f"ch_week{order.order_id}"
        charges.append(
            Charge(charge_id, order.order_id, paid, order.currency, order.created_at, True, settled)
        )
    return charges


def _card_refunds(orders: list[Order]) -> list[CardRefund]:
    refunds = []
    for order in orders:
        for agreement in order.agreements[1:]:
            amount = -sum(line.paid for line in agreement.lines)
            if not order.voided_at:
                refund_id = f"re_week{agreement.agreement_id}"
                charge_id = f"ch_week{order.order_id}"
                refunds.append(
                    CardRefund(
                        refund_id,
                        charge_id,
                        order.order_id,
                        agreement.agreement_id,
                        amount,
                        order.currency,
                        agreement.at,
                        amount,
                    )
                )
    return refunds


def worked_week_shop() -> Shop:
    """The catalogue's shop, from Monday 19 to Sunday 25 October 2026; complete, nothing before it."""
    orders = _orders()
    shop = Shop(0, "Worked week", "worked-week.myshopify.com", "EUR", "Europe/Paris", _MONDAY, _SUNDAY)
    shop.products = [_A, _B, _C]
    shop.customers = list({o.customer.customer_id: o.customer for o in orders if o.customer}.values())
    shop.orders = orders
    shop.charges = _charges(orders)
    shop.card_refunds = _card_refunds(orders)
    usd = ("1.1500", "1.1550", "1.1580", "1.1610", "1.1590", "1.1600")
    days = (16, 19, 20, 21, 22, 23)
    shop.rates = {
        date(2026, 10, day): {
            "USD": rate,
            "GBP": "0.8700",
            "CHF": "0.9400",
            "PLN": "4.2600",
            "JPY": "172.0000",
        }
        for day, rate in zip(days, usd, strict=True)
    }
    return shop
