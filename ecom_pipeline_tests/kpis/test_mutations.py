"""A wrong KPI does not pass: every systematic mutation of its query makes it differ from the oracle."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

import duckdb
import pytest
import sqlglot
from sqlglot import expressions as exp

from ecom_pipeline.errors import DefinitionError
from ecom_pipeline.kpis.definition import Kpi, kpis
from ecom_pipeline.warehouse.functions import Expansion
from ecom_pipeline.warehouse.kpi_rows import kpi_rows
from ecom_pipeline.warehouse.rewrite import to_duckdb

from .built_shop import JUDGED, BuiltShop, Key, Pair, differences, keyed

Mutant = tuple[str, exp.Expression]
COMPARISONS: dict[type[exp.Expression], type[exp.Expression]] = {
    exp.EQ: exp.NEQ, exp.NEQ: exp.EQ, exp.GT: exp.LT, exp.LT: exp.GT, exp.GTE: exp.LT, exp.LTE: exp.GT,
}  # fmt: skip
ARITHMETIC: dict[type[exp.Expression], type[exp.Expression]] = {exp.Add: exp.Sub, exp.Sub: exp.Add}
MEASURES = ("numerator", "denominator")


def swap_measures(tree: exp.Expression) -> Iterator[Mutant]:
    """What counts becomes what it is divided by."""
    if all(alias in {node.alias for node in tree.find_all(exp.Alias)} for alias in MEASURES):
        for node in tree.find_all(exp.Alias):
            if node.alias in MEASURES:
                node.set("alias", exp.to_identifier(MEASURES[1 - MEASURES.index(node.alias)]))
        yield "numerator and denominator swapped", tree


def change_arithmetic(tree: exp.Expression) -> Iterator[Mutant]:
    yield from _replaced(tree, ARITHMETIC, "of arithmetic")


def change_comparisons(tree: exp.Expression) -> Iterator[Mutant]:
    yield from _replaced(tree, COMPARISONS, "compared otherwise")


def double_the_numerator(tree: exp.Expression) -> Iterator[Mutant]:
    for node in tree.find_all(exp.Alias):
        if node.alias == "numerator" and not node.this.is_number:
            node.set("this", exp.Mul(this=exp.Paren(this=node.this.copy()), expression=exp.Literal.number(2)))
            yield "numerator doubled", tree
            return


def drop_conditions(tree: exp.Expression) -> Iterator[Mutant]:
    wheres = list(tree.find_all(exp.Where))
    for number in range(len(wheres)):
        copy = tree.copy()
        where = list(copy.find_all(exp.Where))[number]
        text = where.this.sql(dialect="duckdb")
        where.pop()
        yield f"without WHERE {text}", copy


def lengthen_intervals(tree: exp.Expression) -> Iterator[Mutant]:
    for number, interval in enumerate(tree.find_all(exp.Interval)):
        copy = tree.copy()
        changed = list(copy.find_all(exp.Interval))[number]
        changed.set("this", exp.Literal.string(str(int(interval.this.name) + 40)))
        yield f"{interval.sql(dialect='duckdb')} lengthened", copy


OPERATORS: tuple[Callable[[exp.Expression], Iterator[Mutant]], ...] = (
    swap_measures, change_arithmetic, change_comparisons, double_the_numerator, drop_conditions, lengthen_intervals,
)  # fmt: skip


def _replaced(
    tree: exp.Expression, by: dict[type[exp.Expression], type[exp.Expression]], what: str
) -> Iterator[Mutant]:
    """Each operator outside of join conditions on the day replaced, one at a time."""
    sites = [node for node in tree.find_all(*by) if not _joins_days(node)]
    for number, site in enumerate(sites):
        copy = tree.copy()
        node = [node for node in copy.find_all(*by) if not _joins_days(node)][number]
        node.replace(by[type(node)](this=node.this.copy(), expression=node.expression.copy()))
        yield f"{what}: {site.sql(dialect='duckdb')}", copy


def _joins_days(node: exp.Expression) -> bool:
    """`JOIN run.days AS d ON d.day = x.day`: which days, not which value; the engine filters them again."""
    return isinstance(node, exp.EQ) and isinstance(node.parent, exp.Join) and node.this.name == "day"


def mutants(kpi: Kpi) -> list[Mutant]:
    tree = sqlglot.parse_one(kpi.sql, dialect="duckdb")
    assert isinstance(tree, exp.Expression)
    return [mutant for operator in OPERATORS for mutant in operator(tree.copy())]


# Mutations that change nothing, and why.
NEITHER_SOLD_NOR_GIVEN_BACK = "shipping lines and restocks have no gross, discounts or returns"
OUTSIDE = (
    "only bounds what is read: what lies outside is added and taken away before, or after, the days built"
)
COUNTED_OFTEN = "no count is so old"
EQUIVALENT: dict[str, dict[str, str]] = {
    "cac_payback_days": {
        "of arithmetic: b.last_day - INTERVAL '90' DAY": OUTSIDE,
        "of arithmetic: b.last_day - INTERVAL '454' DAY": OUTSIDE,
        "INTERVAL '454' DAY lengthened": OUTSIDE,
    },
    "ltv_to_cac": {"without WHERE c.dimension IN ('total', 'channel')": "no spending has a country to join"},
    "carbon_per_order": {
        "without WHERE NOT p.is_return AND NOT p.order_number IS NULL": "a return follows the parcel it returns"
    },
    "management_diversity": {"INTERVAL '400' DAY lengthened": COUNTED_OFTEN},
    "workforce_diversity": {"INTERVAL '400' DAY lengthened": COUNTED_OFTEN},
    "churn_rate": {"without WHERE NOT w.days IS NULL": "the join on days drops them as well"},
    "gross_merchandise_value": {"without WHERE l.kind = 'product'": NEITHER_SOLD_NOR_GIVEN_BACK},
    "net_sales": {"without WHERE l.kind IN ('product', 'adjustment')": NEITHER_SOLD_NOR_GIVEN_BACK},
    "net_cash_flow": {
        "without WHERE NOT c.is_own_transfer": "both ends of a transfer bear one category, and here one day"
    },
    "purchase_frequency": {"without WHERE a.buyers_365 > 0": "the model has no other rows"},
    "repeat_purchase_rate": {"without WHERE a.buyers_365 > 0": "the model has no other rows"},
}
OLD_SHOP, FEW = (
    ("cac_payback_days", "churn_rate", "lifetime_value", "ltv_to_cac"),
    60,
)  # look back far, and take long


def run(shop: BuiltShop, kpi: Kpi, sql: str) -> dict[Key, Pair]:
    """The rows a query would give the KPI on the days tried."""
    query = kpi_rows(kpi, to_duckdb(sql, Expansion("Europe/Paris")))
    rows = shop.connection.execute(f"SELECT * EXCLUDE (covered, coverable) FROM ({query})").fetchall()
    found = keyed([row[:5] for row in rows])
    return found | ranges({row[:3]: row[5:] for row in rows if row[5] is not None or row[6] is not None})


def ranges(told: Mapping[Key, Pair]) -> dict[Key, Pair]:
    """Likely ranges, to be compared beside the values they belong to."""
    return {(day, f"{dimension}, range", segment): pair for (day, dimension, segment), pair in told.items()}


@pytest.mark.parametrize("key", JUDGED)
def test_mutations_are_found(built: Callable[[str], BuiltShop], key: str) -> None:
    shop, kpi = built("two years" if key in OLD_SHOP else "fourteen months"), kpis()[key]
    days = sorted(shop.complete_days(key))
    if key in OLD_SHOP:
        days = days[:: len(days) // FEW]
    shop.connection.execute("CREATE OR REPLACE TABLE run.days AS SELECT UNNEST(?::DATE[]) AS day", [days])
    told = shop.oracle.compute(key) | ranges(shop.oracle.compute_interval(key))
    wanted = {cut: pair for cut, pair in told.items() if cut[0] in set(days)}
    assert not differences(kpi, wanted, run(shop, kpi, kpi.sql))
    tried, survivors = 0, []
    for what, tree in mutants(kpi):
        tried += 1
        try:
            found = run(shop, kpi, tree.sql(dialect="duckdb"))
        except (duckdb.Error, DefinitionError, AssertionError):
            continue  # it does not even run, or gives a segment twice
        if not differences(kpi, wanted, found):
            survivors.append(what)
    assert tried > 0
    assert sorted(set(survivors)) == sorted(EQUIVALENT.get(key, {}))
