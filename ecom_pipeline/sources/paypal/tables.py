"""PayPal's two streams. Who pays is in parts of the answer that are not asked for."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime
from decimal import Decimal, InvalidOperation

from ecom_pipeline.sources.contract import Change, Column, Row, Table, Type
from ecom_pipeline.sources.fields import Fields

TRANSACTIONS = Table(
    name="transactions",
    grain="One movement of the account's balance: a payment, a refund, a withdrawal to the bank, a fee, a dispute.",
    change=Change.RESTATED,
    key=("transaction_id", "event_code"),
    day="day",
    restate_days=14,
    columns=(
        Column("day", Type.DATE, required=True),
        Column("transaction_id", Type.STRING, required=True),
        Column("event_code", Type.STRING, required=True),
        Column("status", Type.STRING, required=True),
        Column("initiated_at", Type.TIMESTAMP, required=True),
        Column("amount", Type.DECIMAL, required=True),
        Column("fee", Type.DECIMAL, required=True),
        Column("currency", Type.STRING, required=True),
        Column("order_reference", Type.STRING),
        Column("reference_id", Type.STRING),
    ),
    docs="PayPal Transaction Search API v1: movements by the day they were begun, signed, fees negative, told apart by "
    "event codes; they appear up to three hours late.",
)
DISPUTES = Table(
    name="disputes",
    grain="One payment that its buyer contests, in its present state.",
    change=Change.LOG,
    key=("dispute_id",),
    version="updated_at",
    columns=(
        Column("dispute_id", Type.STRING, required=True),
        Column("created_at", Type.TIMESTAMP, required=True),
        Column("updated_at", Type.TIMESTAMP, required=True),
        Column("amount", Type.DECIMAL, required=True),
        Column("currency", Type.STRING, required=True),
        Column("status", Type.STRING, required=True),
        Column("reason", Type.STRING),
    ),
    docs="PayPal Disputes API v1, List disputes: those updated in the last 180 days.",
)


def transaction_row(item: Fields, order_field: str, day_of: Callable[[datetime], date]) -> Row:
    """The row of one movement; its fee is what PayPal keeps, positive when it does."""
    info = item.inner("transaction_info")
    money = info.inner("transaction_amount")
    initiated_at = info.instant("transaction_initiation_date")
    fee = info.inner("fee_amount") if info.item.get("fee_amount") else None
    return {
        "day": day_of(initiated_at),
        "transaction_id": info.text("transaction_id"),
        "event_code": info.text("transaction_event_code"),
        "status": info.text("transaction_status"),
        "initiated_at": initiated_at,
        "amount": amount(money),
        "fee": -amount(fee) if fee else Decimal(0),
        "currency": money.text("currency_code"),
        "order_reference": info.item.get(order_field),
        "reference_id": info.item.get("paypal_reference_id"),
    }


def dispute_row(item: Fields) -> Row:
    """The row of one dispute."""
    money = item.inner("dispute_amount")
    return {
        "dispute_id": item.text("dispute_id"),
        "created_at": item.instant("create_time"),
        "updated_at": item.instant("update_time"),
        "amount": amount(money),
        "currency": money.text("currency_code"),
        "status": item.text("status"),
        "reason": item.optional_text("reason"),
    }


def amount(money: Fields) -> Decimal:
    """Money, which comes as text."""
    text = money.text("value")
    try:
        return Decimal(text)
    except InvalidOperation:
        raise money.error("the field value", "is no amount", text) from None
