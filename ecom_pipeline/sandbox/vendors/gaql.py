"""The part of the Google Ads query language that reports use: SELECT, FROM, WHERE, ORDER BY, LIMIT."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

QUERY = re.compile(
    r"\s*SELECT\s+(?P<fields>.+?)\s+FROM\s+(?P<resource>\w+)"
    r"(?:\s+WHERE\s+(?P<where>.+?))?"
    r"(?:\s+ORDER\s+BY\s+(?P<order>.+?))?"
    r"(?:\s+LIMIT\s+(?P<limit>\d+))?"
    r"(?:\s+PARAMETERS\s+.+)?\s*",
    re.IGNORECASE | re.DOTALL,
)
CONDITION = re.compile(
    r"\s*(?P<field>[\w.]+)\s*(?:"
    r"BETWEEN\s+(?P<low>'[^']*'|\"[^\"]*\"|[\w.-]+)\s+AND\s+(?P<high>'[^']*'|\"[^\"]*\"|[\w.-]+)"
    r"|(?P<isin>(?:NOT\s+)?IN)\s*\((?P<list>[^)]*)\)"
    r"|DURING\s+(?P<during>\w+)"
    r"|(?P<op>!=|>=|<=|=|>|<)\s*(?P<value>'[^']*'|\"[^\"]*\"|[\w.-]+))\s*",
    re.IGNORECASE,
)
DATE_FIELD = "segments.date"
COMPARE: dict[str, Callable[[Any, Any], bool]] = {
    "=": lambda a, b: bool(a == b),
    "!=": lambda a, b: bool(a != b),
    ">": lambda a, b: bool(a > b),
    ">=": lambda a, b: bool(a >= b),
    "<": lambda a, b: bool(a < b),
    "<=": lambda a, b: bool(a <= b),
}


class QueryError(Exception):
    """The query is refused; `code` is a name of Google's QueryErrorEnum."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


@dataclass(frozen=True)
class Condition:
    """One test of the WHERE clause: the field's value against one, two or many operands."""

    field: str
    operator: str  # a comparison, BETWEEN, IN or NOT IN
    operands: tuple[str, ...]

    def holds(self, value: Any) -> bool:
        if value is None:
            return False
        wanted = [operand_as(type(value), operand) for operand in self.operands]
        if self.operator == "BETWEEN":
            return bool(wanted[0] <= value <= wanted[1])
        if self.operator in ("IN", "NOT IN"):
            return (value in wanted) == (self.operator == "IN")
        return COMPARE[self.operator](value, wanted[0])


@dataclass(frozen=True)
class Query:
    fields: tuple[str, ...]
    resource: str
    conditions: tuple[Condition, ...]
    order: tuple[tuple[str, bool], ...]  # field, descending
    limit: int | None


def parsed_query(text: str, resources: Mapping[str, frozenset[str]], today: date) -> Query:
    """The query, checked against the fields each resource allows. Raises QueryError."""
    found = QUERY.fullmatch(text)
    if not found:
        first = text.split(maxsplit=1)[0].upper() if text.strip() else ""
        raise QueryError("EXPECTED_FROM" if first == "SELECT" else "EXPECTED_SELECT", "Error in query.")
    resource = found["resource"].lower()
    if resource not in resources:
        raise QueryError("BAD_RESOURCE_TYPE_IN_FROM_CLAUSE", f"'{resource}' is not a resource served here.")
    fields = tuple(field.strip() for field in found["fields"].split(","))
    conditions = parsed_conditions(found["where"] or "", today)
    order = parsed_order(found["order"] or "")
    for field in (*fields, *(c.field for c in conditions), *(field for field, _ in order)):
        if field not in resources[resource]:
            raise QueryError("UNRECOGNIZED_FIELD", f"Unrecognized field in the query: '{field}'.")
    if len(set(fields)) != len(fields):
        raise QueryError("DUPLICATE_FIELD", "A field is selected twice.")
    dated = {c.operator for c in conditions if c.field == DATE_FIELD}
    finite = dated & {"BETWEEN", "="} or {">=", "<="} <= dated
    if (DATE_FIELD in fields or dated) and not finite:
        raise QueryError("EXPECTED_FILTERS_ON_DATE_RANGE", "segments.date needs a finite range in WHERE.")
    return Query(fields, resource, conditions, order, int(found["limit"]) if found["limit"] else None)


def parsed_conditions(text: str, today: date) -> tuple[Condition, ...]:
    """The conditions after WHERE, which must all hold."""
    conditions, at = [], 0
    while at < len(text):
        found = CONDITION.match(text, at)
        if not found:
            raise QueryError("UNEXPECTED_INPUT", f"Unexpected input near '{text[at : at + 20]}'.")
        conditions.append(parsed_condition(found, today))
        at = found.end()
        if at < len(text):
            joined = re.compile(r"AND\s+", re.IGNORECASE).match(text, at)
            if not joined:
                raise QueryError("EXPECTED_AND", "Conditions are joined by AND.")
            at = joined.end()
    return tuple(conditions)


def parsed_condition(found: re.Match[str], today: date) -> Condition:
    """One condition, its dates checked."""
    field = found["field"]
    if found["during"]:
        return Condition(field, "BETWEEN", during(found["during"].upper(), today))
    if found["low"]:
        condition = Condition(field, "BETWEEN", (unquoted(found["low"]), unquoted(found["high"])))
    elif found["isin"]:
        values = tuple(unquoted(value.strip()) for value in found["list"].split(","))
        condition = Condition(field, " ".join(found["isin"].upper().split()), values)
    else:
        condition = Condition(field, found["op"], (unquoted(found["value"]),))
    if field == DATE_FIELD:
        for operand in condition.operands:
            try:
                date.fromisoformat(operand)
            except ValueError:
                raise QueryError("INVALID_DATE_FORMAT", f"'{operand}' is not YYYY-MM-DD.") from None
    return condition


def during(name: str, today: date) -> tuple[str, str]:
    """First and last day of a named range, as of today."""
    yesterday = today - timedelta(days=1)
    ranges = {
        "TODAY": (today, today),
        "YESTERDAY": (yesterday, yesterday),
        "LAST_7_DAYS": (today - timedelta(days=7), yesterday),
        "LAST_14_DAYS": (today - timedelta(days=14), yesterday),
        "LAST_30_DAYS": (today - timedelta(days=30), yesterday),
    }
    if name not in ranges:
        raise QueryError("INVALID_VALUE_WITH_DURING_OPERATOR", f"'{name}' is not a date range served here.")
    first, last = ranges[name]
    return first.isoformat(), last.isoformat()


def parsed_order(text: str) -> tuple[tuple[str, bool], ...]:
    order = []
    for part in filter(None, (part.strip() for part in text.split(","))):
        field, _, direction = part.partition(" ")
        order.append((field, direction.strip().upper() == "DESC"))
    return tuple(order)


def operand_as(kind: type[Any], operand: str) -> Any:
    return operand.lower() == "true" if kind is bool else kind(operand)


def unquoted(text: str) -> str:
    return text[1:-1] if text[:1] in "'\"" else text
