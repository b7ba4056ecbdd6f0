"""Qonto's two streams, and what is kept of a transaction.

A transaction's label, note and reference may name a person, and so do its initiator and card: none is kept.
What reconciliation needs of the label, whether it names a payment processor, is worked out on arrival. An
account's number (IBAN) is not kept either.
"""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import Any

from ecom_pipeline.errors import SchemaError
from ecom_pipeline.sources.contract import Change, Column, Table, Type
from ecom_pipeline.sources.fields import Fields
from ecom_pipeline.sources.processors import named_processor

SIGN = {"credit": 1, "debit": -1}

TRANSACTIONS = Table(
    name="transactions",
    grain="One movement of a bank account, signed, in its present state: pending, completed or declined.",
    change=Change.LOG,
    key=("id",),
    version="updated_at",
    columns=(
        Column("id", Type.STRING, required=True),
        Column("bank_account_id", Type.STRING, required=True),
        Column("status", Type.STRING, required=True),
        Column("operation_type", Type.STRING),
        Column("category", Type.STRING),
        Column("processor", Type.STRING),
        Column("amount", Type.DECIMAL, required=True),
        Column("currency", Type.STRING, required=True),
        Column("settled_at", Type.TIMESTAMP),
        Column("emitted_at", Type.TIMESTAMP),
        Column("updated_at", Type.TIMESTAMP, required=True),
    ),
    docs="Qonto Business API v2, List transactions: movements of an account; amounts in cents and unsigned, "
    "with a side (credit or debit) beside them.",
)
BALANCES = Table(
    name="balances",
    grain="One bank account with its booked balance at the instant of asking.",
    change=Change.SNAPSHOT,
    key=("account_id",),
    columns=(
        Column("account_id", Type.STRING, required=True),
        Column("account", Type.STRING),
        Column("currency", Type.STRING, required=True),
        Column("balance", Type.DECIMAL, required=True),
        Column("observed_at", Type.TIMESTAMP, required=True),
    ),
    docs="Qonto Business API v2, Retrieve the organization: its bank accounts with their balances.",
)


def transaction_row(item: Fields, account_id: str) -> dict[str, Any]:
    """The row of one transaction of an account. Raises SchemaError when it is not as documented."""
    side = item.text("side")
    if side not in SIGN:
        raise SchemaError(
            f"{item.subject}: a transaction's side is neither credit nor debit.",
            why="Qonto changed its API.",
            mend="Nothing was stored of this table. Look for a newer version of the product.",
        )
    return {
        "id": item.text("id"),
        "bank_account_id": account_id,
        "status": item.text("status"),
        "operation_type": item.optional_text("operation_type"),
        "category": item.optional_text("category"),
        "processor": named_processor(item.optional_text("label")),
        "amount": Decimal(SIGN[side] * item.integer("amount_cents")).scaleb(-2),
        "currency": item.text("currency"),
        "settled_at": item.optional_instant("settled_at"),
        "emitted_at": item.optional_instant("emitted_at"),
        "updated_at": item.instant("updated_at"),
    }


def balance_row(account: Fields, observed_at: datetime) -> dict[str, Any]:
    """The row of one account. Raises SchemaError when it is not as documented."""
    return {
        "account_id": account.text("id"),
        "account": account.optional_text("name"),
        "currency": account.text("currency"),
        "balance": Decimal(account.integer("balance_cents")).scaleb(-2),
        "observed_at": observed_at,
    }
