"""The vendor's search syntax: `updated_at:>='2026-01-01T00:00:00Z' AND NOT test:true`.

As the vendor does, an unknown field or an unreadable value is not an error: the term is ignored and
a warning says so in `extensions.search`, so that a careless client reads everything.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, Literal
from zoneinfo import ZoneInfo

Predicate = Callable[[Any], bool]

TOKEN = re.compile(
    r"""\s*(?:(?P<sign>[()])|(?P<word>AND|OR|NOT)\b|(?P<minus>-)?(?P<name>\w+):
    (?P<op>>=|<=|>|<|=)?(?P<value>'[^']*'|"[^"]*"|[^\s()]+)|(?P<free>[^\s()]+))""",
    re.VERBOSE,
)
COMPARE: Mapping[str, Callable[[Any, Any], bool]] = {
    ">=": lambda a, b: a >= b,
    "<=": lambda a, b: a <= b,
    ">": lambda a, b: a > b,
    "<": lambda a, b: a < b,
    "=": lambda a, b: a == b,
}


@dataclass(frozen=True)
class SearchField:
    """How one name of the syntax reads an entry of the list."""

    kind: Literal["time", "id", "text", "bool"]
    read: Callable[[Any], Any]


@dataclass
class Search:
    """A parsed query: `matches(entry)`, and the warnings the vendor would give."""

    matches: Predicate
    warnings: list[dict[str, str]] = field(default_factory=list)


def parse(query: str, fields: Mapping[str, SearchField], zone: ZoneInfo) -> Search:
    """Read a query; days without a time are local days of the shop."""
    reader = _Reader(query, fields, zone)
    return Search(reader.either(), reader.warnings)


class _Reader:
    """Recursive descent: OR binds weakest, then AND (or nothing between terms), then NOT."""

    def __init__(self, query: str, fields: Mapping[str, SearchField], zone: ZoneInfo) -> None:
        self.tokens = [match.groupdict() for match in TOKEN.finditer(query)]
        self.at = 0
        self.fields = fields
        self.zone = zone
        self.warnings: list[dict[str, str]] = []

    def peek(self, kind: str, *values: str) -> bool:
        return self.at < len(self.tokens) and self.tokens[self.at][kind] in values

    def either(self) -> Predicate:
        parts = [self.both()]
        while self.peek("word", "OR"):
            self.at += 1
            parts.append(self.both())
        return parts[0] if len(parts) == 1 else lambda entry: any(part(entry) for part in parts)

    def both(self) -> Predicate:
        parts: list[Predicate] = []
        while self.at < len(self.tokens) and not self.peek("word", "OR") and not self.peek("sign", ")"):
            if self.peek("word", "AND"):
                self.at += 1
                continue
            parts.append(self.one())
        return parts[0] if len(parts) == 1 else lambda entry: all(part(entry) for part in parts)

    def one(self) -> Predicate:
        token = self.tokens[self.at]
        self.at += 1
        if token["word"] == "NOT" or token["minus"]:
            if token["minus"]:
                inner = self.term(token)
            else:
                inner = self.one() if self.at < len(self.tokens) else everything
            return inner if inner is everything else lambda entry: not inner(entry)
        if token["sign"] == "(":
            inner = self.either()
            self.at += int(self.peek("sign", ")"))
            return inner
        return self.term(token)

    def term(self, token: dict[str, str | None]) -> Predicate:
        name = token["name"]
        if name is None:
            return everything
        known = self.fields.get(name)
        if known is None:
            return self.warn(name, "Invalid search field for this query.", "invalid_field")
        text = (token["value"] or "").strip("'\"")
        try:
            return compared(known, token["op"], text, self.zone)
        except ValueError:
            return self.warn(name, f"Input `{text}` is not a valid {known.kind}.", "invalid_value")

    def warn(self, name: str, message: str, code: str) -> Predicate:
        self.warnings.append({"field": name, "message": message, "code": code})
        return everything


def everything(_: Any) -> bool:
    return True


def compared(known: SearchField, op: str | None, text: str, zone: ZoneInfo) -> Predicate:
    """One comparison. Raises ValueError when the text is no value of the field's kind."""
    read, compare = known.read, COMPARE[op or "="]
    if known.kind == "time":
        return compared_time(read, op, text, zone)
    if known.kind == "id":
        number = int(text.rpartition("/")[2])
        return lambda entry: compare(read(entry), number)
    if known.kind == "bool":
        if text.lower() not in ("true", "false"):
            raise ValueError(text)
        wanted = text.lower() == "true"
        return lambda entry: bool(read(entry)) is wanted
    lowered = text.lower()
    return lambda entry: lowered in ("any", str(read(entry)).lower())


def compared_time(read: Callable[[Any], Any], op: str | None, text: str, zone: ZoneInfo) -> Predicate:
    """Compare to the second; a day alone, without comparator, means the whole local day."""
    at = datetime.fromisoformat(text)
    at = (at.replace(tzinfo=zone) if at.tzinfo is None else at).astimezone(UTC).replace(microsecond=0)
    if op is None and len(text) == len("2026-01-01"):
        until = at + timedelta(days=1)
        return lambda entry: at <= read(entry) < until
    compare = COMPARE[op or "="]
    return lambda entry: compare(read(entry).replace(microsecond=0), at)
