"""The product's own SQL functions: the one place where engines differ.

Model, mapping and KPI files are written in a portable subset plus the functions below, which are
expanded into plain SQL of the target engine before a query runs:

- LOCAL_DAY(ts): the shop's local day of a UTC timestamp; LOCAL_DAY(ts, zone): that of a time zone in a column.
- INSTANCE_NAME(): the name of the source instance a mapping runs for.
- TO_REPORTING(amount, rate, reporting_rate): an amount in a currency of which one euro buys `rate`, in the
  reporting currency of which one euro buys `reporting_rate`, rounded half away from zero to cents.
  Amounts have at most four decimals and rates six, so the quotient is computed on whole numbers, exactly.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

import sqlglot
from sqlglot import expressions as exp


@dataclass(frozen=True)
class Expansion:
    """What the functions need to know about the shop and, in mappings, the source."""

    time_zone: str
    instance: str | None = None


_TO_REPORTING = """
CAST(CAST(
    SIGN({amount})
    * ((CAST(ABS({amount}) * 10000 AS HUGEINT) * CAST({reporting} * 1000000 AS HUGEINT) * 2
        + CAST({rate} * 1000000 AS HUGEINT) * 100)
       // (CAST({rate} * 1000000 AS HUGEINT) * 200))
AS DECIMAL(18, 0)) * CAST(0.01 AS DECIMAL(3, 2)) AS DECIMAL(18, 2))
"""

_LOCAL_DAY = {
    "duckdb": "CAST(TIMEZONE({zone}, TIMEZONE('UTC', {ts})) AS DATE)",
    "spark": "TO_DATE(FROM_UTC_TIMESTAMP({ts}, {zone}))",
}


_NAMES = re.compile(r"\b(LOCAL_DAY|INSTANCE_NAME|TO_REPORTING)\s*\(", re.IGNORECASE)


def has_own_functions(sql: str) -> bool:
    """Whether a query may call any of the product's own functions."""
    return _NAMES.search(sql) is not None


def expand(tree: exp.Expr, expansion: Expansion, engine: str = "duckdb") -> exp.Expr:
    """Replace the product's own functions in a parsed query, which is changed, by plain SQL."""

    def replace(node: exp.Expr) -> exp.Expr:
        if not isinstance(node, exp.Anonymous):
            return node
        name = str(node.this).upper()
        arguments = [argument.sql(dialect="duckdb") for argument in node.expressions]
        if name == "LOCAL_DAY":
            zone = arguments[1] if len(arguments) > 1 else f"'{expansion.time_zone}'"
            sql = _LOCAL_DAY[engine].format(zone=zone, ts=arguments[0])
            return sqlglot.parse_one(sql, dialect=engine)
        if name == "INSTANCE_NAME":
            return exp.Literal.string(expansion.instance or "")
        if name == "TO_REPORTING":
            amount, rate, reporting = arguments
            sql = _TO_REPORTING.format(amount=amount, rate=rate, reporting=reporting)
            return sqlglot.parse_one(sql, dialect="duckdb")
        return node

    return tree.transform(replace, copy=False)
