"""Stripe's five streams: what is kept of each object, and how it becomes a row.

Stripe offers no filter on updates, so every stream is read again for as long as its objects still change:
a balance transaction until it is available, a dispute until the bank has decided. Nothing about the payer is
kept: no name, address, e-mail or card.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any

from ecom_pipeline.sources.contract import Change, Column, Table, Type
from ecom_pipeline.sources.fields import Fields
from ecom_pipeline.sources.stripe.currency import major

LocalDay = Callable[[datetime], date]


def _table(name: str, grain: str, restate_days: int, docs: str, *columns: Column) -> Table:
    common = (
        Column("id", Type.STRING, required=True),
        Column("day", Type.DATE, required=True),
        Column("created_at", Type.TIMESTAMP, required=True),
        Column("amount", Type.DECIMAL, required=True),
        Column("currency", Type.STRING, required=True),
    )
    return Table(
        name=name,
        grain=grain,
        change=Change.RESTATED,
        key=("id",),
        day="day",
        restate_days=restate_days,
        columns=(*common, *columns),
        docs=docs,
    )


BALANCE_TRANSACTIONS = _table(
    "balance_transactions",
    "One movement of the Stripe balance, in the settlement currency; net = amount - fee.",
    14,
    "Stripe API, Balance Transactions: every movement of money into or out of the balance, with its fees.",
    Column("available_at", Type.TIMESTAMP, required=True),
    Column("type", Type.STRING, required=True),
    Column("reporting_category", Type.STRING),
    Column("status", Type.STRING),
    Column("fee", Type.DECIMAL, required=True),
    Column("net", Type.DECIMAL, required=True),
    Column("source_id", Type.STRING),
)
CHARGES = _table(
    "charges",
    "One attempt to take money from a buyer, in the currency the buyer paid.",
    14,
    "Stripe API, Charges: one payment; the shop's order is in its metadata.",
    Column("status", Type.STRING, required=True),
    Column("is_captured", Type.BOOLEAN, required=True),
    Column("amount_refunded", Type.DECIMAL),
    Column("order_reference", Type.STRING),
)
REFUNDS = _table(
    "refunds",
    "One repayment of a charge, in the currency the buyer paid; amount is positive.",
    30,
    "Stripe API, Refunds: money given back on a charge, which may fail days later.",
    Column("status", Type.STRING),
    Column("charge_id", Type.STRING),
    Column("order_reference", Type.STRING),
)
PAYOUTS = _table(
    "payouts",
    "One transfer from the Stripe balance to the shop's bank account; amount is positive.",
    30,
    "Stripe API, Payouts: transfers to the bank, with the day of expected arrival.",
    Column("arrival_day", Type.DATE, required=True),
    Column("status", Type.STRING, required=True),
)
DISPUTES = _table(
    "disputes",
    "One charge that the buyer's bank questions, in the currency the buyer paid.",
    120,
    "Stripe API, Disputes: chargebacks and inquiries with their state, decided after weeks or months.",
    Column("status", Type.STRING, required=True),
    Column("reason", Type.STRING),
    Column("charge_id", Type.STRING),
    Column("order_reference", Type.STRING),
)


@dataclass(frozen=True)
class Stream:
    """How a table is asked for and read."""

    table: Table
    path: str
    right: str  # as the Dashboard names the restricted key's permission
    row: Callable[[Fields, str], dict[str, Any]]
    expand: tuple[str, ...] = ()


def created_row(item: Fields, order_key: str, local_day: LocalDay, stream: Stream) -> dict[str, Any]:
    """The row of one object. Raises SchemaError when it is not as Stripe documents it."""
    created_at = item.unix_time("created")
    currency = item.text("currency").upper()
    return {
        "id": item.text("id"),
        "day": local_day(created_at),
        "created_at": created_at,
        "amount": major(item.integer("amount"), currency),
        "currency": currency,
        **stream.row(item, order_key),
    }


def _balance_transaction(item: Fields, order_key: str) -> dict[str, Any]:
    currency = item.text("currency")
    return {
        "available_at": item.unix_time("available_on"),
        "type": item.text("type"),
        "reporting_category": item.optional_text("reporting_category"),
        "status": item.optional_text("status"),
        "fee": major(item.integer("fee"), currency),
        "net": major(item.integer("net"), currency),
        "source_id": item.optional_text("source"),
    }


def _charge(item: Fields, order_key: str) -> dict[str, Any]:
    return {
        "status": item.text("status"),
        "is_captured": item.boolean("captured"),
        "amount_refunded": major(item.integer("amount_refunded"), item.text("currency")),
        "order_reference": _order_reference(item, order_key),
    }


def _refund(item: Fields, order_key: str) -> dict[str, Any]:
    status = item.optional_text("status")
    return {"status": status, **_of_charge(item, order_key)}


def _payout(item: Fields, order_key: str) -> dict[str, Any]:
    # A day, given as its midnight in UTC: in another zone it would slip to the day before.
    arrival_day = item.unix_time("arrival_date").astimezone(UTC).date()
    return {"arrival_day": arrival_day, "status": item.text("status")}


def _dispute(item: Fields, order_key: str) -> dict[str, Any]:
    return {
        "status": item.text("status"),
        "reason": item.optional_text("reason"),
        **_of_charge(item, order_key),
    }


def _of_charge(item: Fields, order_key: str) -> dict[str, Any]:
    """The charge behind a refund or dispute, expanded, and the order either of the two names."""
    own = _order_reference(item, order_key)
    if not isinstance(item.value("charge"), dict):
        return {"charge_id": item.optional_text("charge"), "order_reference": own}
    charge = item.inner("charge")
    return {"charge_id": charge.text("id"), "order_reference": own or _order_reference(charge, order_key)}


def _order_reference(item: Fields, order_key: str) -> str | None:
    metadata = item.value("metadata")
    found = metadata.get(order_key) if isinstance(metadata, dict) else None
    return str(found) if found else None


STREAMS = (
    Stream(BALANCE_TRANSACTIONS, "v1/balance_transactions", "Balance transactions", _balance_transaction),
    Stream(CHARGES, "v1/charges", "Charges", _charge),
    Stream(REFUNDS, "v1/refunds", "Refunds", _refund, ("data.charge",)),
    Stream(PAYOUTS, "v1/payouts", "Payouts", _payout),
    Stream(DISPUTES, "v1/disputes", "Disputes", _dispute, ("data.charge",)),
)
