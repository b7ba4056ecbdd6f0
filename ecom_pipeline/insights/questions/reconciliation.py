"""What is still open between orders, processors and the bank."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import duckdb

from ecom_pipeline.insights.questions.question import Answer, Column, Part

MOST_ROWS = 10
# What processors took in and did not pay out is one line each: their balance. A payout has four days to arrive.
_OPEN = """
WITH lines AS (
    SELECT stage, NULLIF(provider, 'none') AS provider, items, difference,
        CASE WHEN stage = 'payments to payouts' THEN 'with the processor'
             WHEN stage <> 'payouts to bank' THEN reason
             WHEN since_day + 4 >= $day THEN 'on its way'
             ELSE 'missing at the bank' END AS reason,
        CASE WHEN stage <> 'payments to payouts' THEN GREATEST($day - since_day, 0) END AS age_days
    FROM model.reconciliation
    WHERE reason NOT LIKE 'matched%' AND day <= $day
), sums AS (
    SELECT stage, reason, provider, CAST(SUM(items) AS DECIMAL(18, 0)) AS items, SUM(difference) AS amount,
        CAST(MAX(age_days) AS DECIMAL(18, 0)) AS oldest
    FROM lines
    GROUP BY stage, reason, provider
)
SELECT * FROM sums
WHERE amount <> 0
ORDER BY reason <> 'missing at the bank', ABS(amount) DESC, stage, reason, provider
"""


def answer(connection: duckdb.DuckDBPyConnection, last_day: date) -> Answer | None:
    """Each stage's differences by reason and provider, in the reporting currency, with the oldest item's age.

    A positive amount was expected and not found, a negative one found and not expected. The lines of a stage add up
    to its difference.
    """
    if connection.execute("SELECT 1 FROM model.reconciliation LIMIT 1").fetchone() is None:
        return None
    rows = connection.execute(_OPEN, {"day": last_day}).fetchall()
    amounts = {
        reason: sum((row[4] for row in rows if row[1] == reason), Decimal(0))
        for reason in {row[1] for row in rows}
    }
    lost = [row for row in rows if row[1] == "missing at the bank"]
    parts = {
        "lost": Part("money", amounts.get("missing at the bank", Decimal(0))),
        "oldest": Part("days", max((row[5] for row in lost if row[5] is not None), default=Decimal(0))),
        "on_its_way": Part("money", amounts.get("on its way", Decimal(0))),
        "balance": Part("money", amounts.get("with the processor", Decimal(0))),
    }
    return Answer(
        question="reconciliation",
        sentence="lost" if lost else "whole",
        parts=parts,
        columns=(
            Column("stage", "label"),
            Column("reason", "label"),
            Column("provider", "text"),
            Column("items", "count"),
            Column("amount", "money"),
            Column("oldest", "days"),
        ),
        rows=tuple(rows[:MOST_ROWS]),
        others=max(0, len(rows) - MOST_ROWS),
    )
