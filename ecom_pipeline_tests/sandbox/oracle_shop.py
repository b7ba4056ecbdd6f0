"""A hand for building small shops event by event, so that a test's expected figures can be done on paper."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

from ecom_pipeline.sandbox.events import (
    Agreement,
    AgreementKind,
    BalanceTransaction,
    Fulfillment,
    Order,
    Product,
    Restock,
    SaleLine,
    Shop,
    ShopCosts,
    Visit,
)
from ecom_pipeline.sandbox.oracle import Oracle

PARIS = ZoneInfo("Europe/Paris")
NO_COSTS = ShopCosts(fixed=(), marketing=(), logistics=())
TOTAL = ("total", "")


def paris(text: str, *, second_time: bool = False) -> datetime:
    """The UTC instant of a wall-clock time in Paris, such as "2026-10-19 10:00"."""
    local = datetime.fromisoformat(text).replace(tzinfo=PARIS, fold=int(second_time))
    return local.astimezone(UTC)


def article(product_id: int, title: str, unit_cost: str | None) -> Product:
    """A product with its cost in currency units."""
    cost = None if unit_cost is None else int(Decimal(unit_cost) * 10_000)
    return Product(
        product_id=product_id,
        variant_id=product_id,
        inventory_item_id=product_id,
        title=title,
        sku=title,
        price=0,
        vat_percent=Decimal(20),
        unit_cost=cost,
        created_at=datetime(2020, 1, 1, tzinfo=UTC),
    )


A = article(1, "A", "20")
B = article(2, "B", "8")
C = article(3, "C", None)
DIRECT, SEARCH_AD, E_MAIL = Visit(), Visit("google", "cpc"), Visit("crm", "email")
UNIT_PRICE = {"A": 5000, "B": 2000, "C": 1000}


def sold(product: Product, quantity: int = 1, *, gross: int | None = None, discount: int = 0) -> SaleLine:
    """Articles sold; the line item bears the product's id."""
    amount = UNIT_PRICE[product.title] * quantity if gross is None else gross
    return SaleLine("product", amount, discount, 0, quantity, product.product_id, product)


def taken_back(
    product: Product, quantity: int = 1, *, gross: int | None = None, discount: int = 0
) -> SaleLine:
    """Articles given back; amounts are told positive."""
    amount = UNIT_PRICE[product.title] * quantity if gross is None else gross
    return SaleLine("product", -amount, -discount, 0, -quantity, product.product_id, product)


def shipping(amount: int) -> SaleLine:
    return SaleLine("shipping", amount, 0, 0)


def goodwill(amount: int) -> SaleLine:
    return SaleLine("adjustment", -amount, 0, 0)


def gift_card(amount: int) -> SaleLine:
    return SaleLine("gift_card", amount, 0, 0, 1, 99)


def later(
    kind: AgreementKind, at: datetime, *lines: SaleLine, restocks: tuple[Restock, ...] = ()
) -> Agreement:
    """An agreement after the sale."""
    refund_id = 1 if kind in ("refund", "cancel") else None
    return Agreement(2, kind, at, lines, refund_id=refund_id, restocks=restocks)


def back_on_shelf(product: Product, quantity: int = 1) -> Restock:
    return Restock(product.product_id, quantity, restocked=True)


def shipped(*instants: datetime) -> tuple[Fulfillment, ...]:
    return tuple(Fulfillment(number, at, None) for number, at in enumerate(instants))


def balance(
    kind: Any, amount: int, fee: int, at: datetime, order_id: int | None = None
) -> BalanceTransaction:
    """A movement of the processor's balance, in cents."""
    return BalanceTransaction(f"txn_{at.isoformat()}", kind, kind, amount, fee, at, at, "ch_1", order_id)


@dataclass
class SmallShop:
    """A shop in Paris reporting EUR to which orders are added one by one."""

    first_day: date
    shop: Shop = field(init=False)

    def __post_init__(self) -> None:
        self.shop = Shop(
            seed=0,
            name="Small",
            domain="small.example",
            currency="EUR",
            time_zone="Europe/Paris",
            first_day=self.first_day,
            last_day=date(2030, 1, 1),
        )

    def order(self, at: datetime, *lines: SaleLine, email: str | None = None, **changes: Any) -> Order:
        """Add a sale, plain unless `changes` says otherwise; `after` are its later agreements."""
        order_id = changes.pop("order_id", len(self.shop.orders) + 1)
        plain: dict[str, Any] = {
            "order_id": order_id,
            "name": f"#{order_id}",
            "created_at": at,
            "currency": "EUR",
            "shop_rate": Decimal(1),
            "email": email,
            "customer": None,
            "country": "FR",
            "vat_percent": Decimal(20),
            "visit": Visit(),
            "device": "desktop",
            "discount_code": None,
            "test": False,
            "voided_at": None,
            "cancelled_at": None,
            "deleted_at": None,
            "gift_card_paid": 0,
            "agreements": (Agreement(1, "order", at, lines), *changes.pop("after", ())),
        }
        order = Order(**(plain | changes))
        self.shop.orders.append(order)
        return order

    def oracle(self, as_of: str, costs: ShopCosts = NO_COSTS, churn_window_days: int | None = None) -> Oracle:
        """What the oracle says when the vendors are asked at a wall-clock time in Paris."""
        return Oracle(self.shop, costs, paris(as_of), churn_window_days=churn_window_days)


def buys(small: SmallShop, email: str, *days: str, visit: Visit = DIRECT, country: str = "FR") -> None:
    """One article B (12 of margin) at noon of each day."""
    for day in days:
        small.order(paris(f"{day} 12:00"), sold(B), email=email, visit=visit, country=country)


def by_day(oracle: Oracle, kpi: str, dimension: str = "total", segment: str = "") -> dict[str, Any]:
    """Rows of one segment: ISO day to numerator, or to (numerator, denominator) when there is one."""
    rows = {}
    for (day, its_dimension, its_segment), (numerator, denominator) in sorted(oracle.compute(kpi).items()):
        if (its_dimension, its_segment) == (dimension, segment):
            rows[day.isoformat()] = numerator if denominator is None else (numerator, denominator)
    return rows


def on_day(oracle: Oracle, kpi: str, day: str) -> dict[tuple[str, str], Any]:
    """Rows of one day: (dimension, segment) to numerator, or to (numerator, denominator)."""
    return {
        (dimension, segment): value[0] if value[1] is None else value
        for (its_day, dimension, segment), value in oracle.compute(kpi).items()
        if its_day.isoformat() == day
    }


def over_period(oracle: Oracle, kpi: str, first_day: str, last_day: str) -> dict[tuple[str, str], Any]:
    """Rows of a period: (dimension, segment) to numerator, or to (numerator, denominator)."""
    period = oracle.compute_period(kpi, date.fromisoformat(first_day), date.fromisoformat(last_day))
    return {cut: value[0] if value[1] is None else value for cut, value in period.items()}


def nonzero(rows: dict[Any, Any]) -> dict[Any, Any]:
    """Rows where something is left: no 0 and no 0 over 0."""
    return {key: value for key, value in rows.items() if value not in (0, (0, 0))}
