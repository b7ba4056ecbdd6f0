"""Queries keep to the portable subset, and the product's own functions mean what they promise."""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction
from importlib.resources import files

import duckdb
import pytest
import sqlglot
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlglot import expressions as exp

from ecom_pipeline.kpis.definition import kpis
from ecom_pipeline.warehouse.catalog import read_models
from ecom_pipeline.warehouse.functions import Expansion
from ecom_pipeline.warehouse.header import split_header
from ecom_pipeline.warehouse.rewrite import to_duckdb, to_engine, with_sources

EXPANSION = Expansion("Europe/Paris", "shop")
OWN_FUNCTIONS = {"LOCAL_DAY", "INSTANCE_NAME", "TO_REPORTING"}
ALLOWED = {
    "ABS", "CAST", "COALESCE", "CONCAT", "COUNT", "CURRENT_DATE", "DATEDIFF", "DATE_TRUNC", "EXISTS", "FIRST_VALUE", "FLOOR",
    "GREATEST", "LAG", "LEAD", "LEAST", "LENGTH", "LOWER", "MAX", "MIN", "NULLIF", "ROW_NUMBER", "SQRT", "SUM",
    "TIMESTAMP_TRUNC", "TRIM", "CASE", "IF", "AND", "OR",
}  # fmt: skip


def mapping_queries() -> dict[str, str]:
    found = {}
    for folder in files("ecom_pipeline.sources").iterdir():
        if folder.is_dir() and not folder.name.startswith("_"):
            for file in folder.iterdir():
                if file.name.endswith(".sql"):
                    name = f"sources/{folder.name}/{file.name}"
                    found[name] = split_header(file.read_text(encoding="utf-8"), name)[1]
    return found


QUERIES = {
    **mapping_queries(),
    **{node.name: node.sql for node in read_models()},
    **{f"kpi.{key}": kpi.sql for key, kpi in kpis().items()},
}


def test_all_three_kinds_are_looked_at() -> None:
    assert len(mapping_queries()) > 10
    assert len(QUERIES) > 70


@pytest.mark.parametrize("name", QUERIES)
def test_only_functions_that_every_engine_has(name: str) -> None:
    tree = sqlglot.parse_one(QUERIES[name], dialect="duckdb")
    used = {
        (str(node.this) if isinstance(node, exp.Anonymous) else node.sql_name()).upper()
        for node in tree.find_all(exp.Func)
    }
    assert used <= ALLOWED | OWN_FUNCTIONS


@pytest.mark.parametrize("name", QUERIES)
def test_every_query_reaches_another_engine(name: str) -> None:
    for sql, dialect in (
        (to_duckdb(QUERIES[name], EXPANSION), "duckdb"),
        (to_engine(QUERIES[name], EXPANSION, "spark"), "spark"),
    ):
        tree = sqlglot.parse_one(sql, dialect=dialect)
        assert not {str(node.this).upper() for node in tree.find_all(exp.Anonymous)} & OWN_FUNCTIONS
        assert not any(function in sql.upper() for function in OWN_FUNCTIONS)
    assert "HUGEINT" not in to_engine(QUERIES[name], EXPANSION, "spark").upper()


@pytest.mark.parametrize("name", QUERIES)
def test_groups_are_of_input_columns(name: str) -> None:
    """A bare name in GROUP BY is an output column for one engine and an input column for another."""
    tree = sqlglot.parse_one(QUERIES[name], dialect="duckdb")
    for select in tree.find_all(exp.Select):
        group = select.args.get("group")
        if group is None:
            continue
        bare = {c.name for c in group.find_all(exp.Column) if not c.table}
        assert not bare


def test_sources_are_put_in_place() -> None:
    sql = with_sources(
        "SELECT r.day FROM source.rates AS r, source.rates", EXPANSION, {"rates": "latest_rows"}
    )
    assert sql.count("latest_rows") == 2
    assert "source" not in sql


@pytest.mark.parametrize(
    ("instant", "day"),
    [
        ("2026-10-24 21:59:59", "2026-10-24"),
        ("2026-10-24 22:00:00", "2026-10-25"),
        ("2026-10-25 00:30:00", "2026-10-25"),  # 02:30 summer time
        ("2026-10-25 01:30:00", "2026-10-25"),  # 02:30 again, winter time
        ("2026-10-25 22:59:59", "2026-10-25"),
        ("2026-10-25 23:00:00", "2026-10-26"),
        ("2026-03-29 00:59:59", "2026-03-29"),
        ("2026-03-29 21:59:59", "2026-03-29"),
        ("2026-03-29 22:00:00", "2026-03-30"),
    ],
)
def test_local_days_when_the_clock_changes(
    connection: duckdb.DuckDBPyConnection, instant: str, day: str
) -> None:
    sql = to_duckdb(f"SELECT CAST(LOCAL_DAY(TIMESTAMP '{instant}') AS VARCHAR)", EXPANSION)
    assert connection.execute(sql).fetchone() == (day,)


CENTS = st.integers(-(10**13), 10**13).map(lambda n: Decimal(n) / 100)
HUNDREDTH_CENTS = st.integers(-(10**13), 10**13).map(lambda n: Decimal(n) / 10_000)
RATES = st.integers(1, 10**11).map(lambda n: Decimal(n) / 1_000_000)


def rounded_half_away(amount: Fraction) -> Decimal:
    cents = int(abs(amount) * 100 + Fraction(1, 2))
    return Decimal(cents if amount >= 0 else -cents) / 100


def convert(kind: str, amount: Decimal, rate: Decimal, reporting: Decimal) -> Decimal:
    literals = (
        f"CAST('{amount}' AS {kind}), CAST('{rate}' AS DECIMAL(18, 6)), CAST('{reporting}' AS DECIMAL(18, 6))"
    )
    with duckdb.connect() as memory:
        row = memory.execute(to_duckdb(f"SELECT TO_REPORTING({literals})", EXPANSION)).fetchone()
    assert row is not None
    assert isinstance(row[0], Decimal)
    return row[0]


@settings(max_examples=60, deadline=None)
@given(CENTS, RATES)
def test_conversion_to_euros_is_exact(amount: Decimal, rate: Decimal) -> None:
    wanted = Fraction(amount) / Fraction(rate)
    if abs(wanted) < 10**15:
        assert convert("DECIMAL(18, 2)", amount, rate, Decimal(1)) == rounded_half_away(wanted)


@settings(max_examples=60, deadline=None)
@given(HUNDREDTH_CENTS, RATES, RATES)
def test_conversion_between_any_two_currencies_is_exact(
    amount: Decimal, rate: Decimal, reporting: Decimal
) -> None:
    wanted = Fraction(amount) * Fraction(reporting) / Fraction(rate)
    if abs(wanted) < 10**15:
        assert convert("DECIMAL(18, 4)", amount, rate, reporting) == rounded_half_away(wanted)


def test_halves_are_rounded_away_from_zero() -> None:
    for amount, wanted in (("0.01", "0.01"), ("-0.01", "-0.01"), ("0.03", "0.02"), ("-0.03", "-0.02")):
        assert convert("DECIMAL(18, 2)", Decimal(amount), Decimal(2), Decimal(1)) == Decimal(wanted)
