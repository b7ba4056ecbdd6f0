"""Turns a file's query into the statement that runs: our functions expanded, inputs put in place."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache

import sqlglot
from sqlglot import expressions as exp

from ecom_pipeline.warehouse.functions import Expansion, expand, has_own_functions


@lru_cache(maxsize=1024)
def parsed(sql: str) -> exp.Expr:
    """A query's tree, for reading: whoever changes it takes a copy."""
    return sqlglot.parse_one(sql, dialect="duckdb")


@lru_cache(maxsize=1024)
def to_duckdb(sql: str, expansion: Expansion) -> str:
    """The query in DuckDB's SQL, in which files are written but for our functions."""
    if not has_own_functions(sql):
        return sql
    return expand(parsed(sql).copy(), expansion).sql(dialect="duckdb")


def to_engine(sql: str, expansion: Expansion, engine: str) -> str:
    """The query transpiled for another engine, our functions expanded for it."""
    return expand(parsed(sql).copy(), expansion, engine).sql(dialect=engine)


def with_sources(sql: str, expansion: Expansion, replace: Mapping[str, str]) -> str:
    """A mapping's query with each `source.<table>` replaced by the given table name."""

    def swap(node: exp.Expr) -> exp.Expr:
        if isinstance(node, exp.Table) and node.db == "source":
            table = exp.to_table(replace[node.name], dialect="duckdb")
            if node.alias:
                table.set("alias", exp.TableAlias(this=exp.to_identifier(node.alias)))
            else:
                table.set("alias", exp.TableAlias(this=exp.to_identifier(node.name)))
            return table
        return node

    tree = expand(parsed(sql).copy(), expansion)
    return tree.transform(swap, copy=False).sql(dialect="duckdb")


def columns_given(sql: str) -> list[str]:
    """The names of a query's columns, as they stand in it."""
    query = parsed(sql)
    assert isinstance(query, exp.Query)
    return list(query.named_selects)


def columns_read(sql: str) -> set[str]:
    """The names of the columns an expression reads."""
    return {column.name for column in parsed(sql).find_all(exp.Column)}
