"""What is kept of a statement: its booked movements and its closing balances.

Names, references and remittance texts are not kept, and neither is an account's number: accounts are told apart by
its keyed hash, and people by its country and last four digits.
"""

from __future__ import annotations

from datetime import timedelta

from ecom_pipeline.sources.camt053.reading import Movement, Statement
from ecom_pipeline.sources.contract import Change, Column, Row, Table, Type, local_midnight
from ecom_pipeline.sources.pseudonym import pseudonym

RESTATE_DAYS = 31
CATEGORIES = {
    "ICDT": "transfer",
    "RCDT": "transfer",
    "IRCT": "transfer",
    "RRCT": "transfer",
    "IDDT": "direct_debit",
    "RDDT": "direct_debit",
    "CCRD": "card",
    "MCRD": "card",
}
"""Families of the bank transaction code in the words of the other banks; both sides of a transfer bear one name."""

MOVEMENTS = Table(
    name="movements",
    grain="One booked movement of a bank account, signed; of a batch, what a payment processor paid stands apart.",
    change=Change.RESTATED,
    key=("movement_id",),
    day="day",
    restate_days=RESTATE_DAYS,
    columns=(
        Column("movement_id", Type.STRING, required=True),
        Column("account_id", Type.STRING, required=True),
        Column("day", Type.DATE, required=True),
        Column("booked_at", Type.TIMESTAMP, required=True),
        Column("amount", Type.DECIMAL, required=True),
        Column("currency", Type.STRING, required=True),
        Column("category", Type.STRING),
        Column("processor", Type.STRING),
    ),
    docs="ISO 20022, BankToCustomerStatement (camt.053.001.02 and later), Ntry: amounts unsigned with a direction "
    "beside them; booked entries only.",
)
BALANCES = Table(
    name="balances",
    grain="The closing booked balance of one bank account on the last day of a statement.",
    change=Change.RESTATED,
    key=("account_id", "day"),
    day="day",
    restate_days=RESTATE_DAYS,
    columns=(
        Column("account_id", Type.STRING, required=True),
        Column("account", Type.STRING, required=True),
        Column("day", Type.DATE, required=True),
        Column("observed_at", Type.TIMESTAMP, required=True),
        Column("balance", Type.DECIMAL, required=True),
        Column("currency", Type.STRING, required=True),
    ),
    docs="ISO 20022, BankToCustomerStatement (camt.053.001.02 and later), Bal of type CLBD.",
)


def movement_row(movement: Movement, statement: Statement, place: str, key: bytes) -> Row:
    """The row of one movement; `place` is where it stands among the statements of its account's day."""
    account_id = pseudonym(statement.account, key)
    return {
        "movement_id": f"{account_id}/{statement.closing_day}/{place}",
        "account_id": account_id,
        "day": movement.day,
        "booked_at": movement.booked_at,
        "amount": movement.amount,
        "currency": movement.currency,
        "category": CATEGORIES.get(movement.family or ""),
        "processor": movement.processor,
    }


def balance_row(statement: Statement, time_zone: str, key: bytes) -> Row:
    """The row of a statement's closing balance, as of the last second of its day."""
    return {
        "account_id": pseudonym(statement.account, key),
        "account": shown(statement.account),
        "day": statement.closing_day,
        "observed_at": local_midnight(statement.closing_day + timedelta(days=1), time_zone)
        - timedelta(seconds=1),
        "balance": statement.closing,
        "currency": statement.currency,
    }


def shown(account: str) -> str:
    """An account as people may see it."""
    return f"{account[:2]}…{account[-4:]}"
