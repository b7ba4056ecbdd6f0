"""How Klaviyo is asked: its filters, its sparse fieldsets and its cursors."""

from __future__ import annotations

import base64
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import urlencode

from ecom_pipeline.sandbox.endpoint import Answer, Call
from ecom_pipeline.sandbox.world import digest

CONDITION = re.compile(r"([a-z-]+)\(([a-z_.]+),((?:'[^']*'|\"[^\"]*\"|[^,()'\"]+))\)")
COMPARED: Mapping[str, Callable[[Any, Any], bool]] = {
    "equals": lambda value, asked: bool(value == asked),
    "greater-or-equal": lambda value, asked: bool(value >= asked),
    "greater-than": lambda value, asked: bool(value > asked),
    "less-or-equal": lambda value, asked: bool(value <= asked),
    "less-than": lambda value, asked: bool(value < asked),
}
TIMES = tuple(operator for operator in COMPARED if operator != "equals")


class Refused(Exception):
    """The request is answered with one of Klaviyo's errors."""

    def __init__(self, status: int, code: str, title: str, detail: str, **source: str) -> None:
        super().__init__(detail)
        self.answer = error_answer(status, code, title, detail, **source)


@dataclass(frozen=True)
class Condition:
    """One condition of a filter, its value read as the field's type."""

    operator: str
    field: str
    value: Any

    def holds(self, attributes: Mapping[str, Any]) -> bool:
        value = attributes[self.field]
        if isinstance(self.value, datetime):
            value = None if value is None else datetime.fromisoformat(value)
        return value is not None and COMPARED[self.operator](value, self.value)


def read_filter(text: str | None, allowed: Mapping[str, tuple[str, ...]]) -> list[Condition]:
    """The conditions of a filter, all of which must hold: `a(..)`, `a(..),b(..)` or `and(a(..),b(..))`.

    `allowed` names the operators of each field. Raises Refused.
    """
    if not text:
        return []
    inner = text[4:-1] if text.startswith("and(") and text.endswith(")") else text
    found = list(CONDITION.finditer(inner))
    if ",".join(one.group() for one in found) != inner:
        raise invalid("Invalid filter provided.", parameter="filter")
    return [_condition(one[1], one[2], one[3], allowed) for one in found]


def _condition(operator: str, field: str, written: str, allowed: Mapping[str, tuple[str, ...]]) -> Condition:
    if operator not in allowed.get(field, ()):
        raise invalid(f"'{operator}' is no filter for '{field}'.", parameter="filter")
    quoted = written[0] in "'\""
    if operator in TIMES:
        try:
            return Condition(operator, field, datetime.fromisoformat(written))
        except ValueError:
            raise invalid(f"'{field}' takes a datetime without quotes.", parameter="filter") from None
    if field == "archived":
        if written not in ("true", "false"):
            raise invalid("'archived' takes true or false.", parameter="filter")
        return Condition(operator, field, written == "true")
    if not quoted:
        raise invalid(f"'{field}' takes a text in quotes.", parameter="filter")
    return Condition(operator, field, written[1:-1])


def parameters(query: Iterable[tuple[str, str]], allowed: Iterable[str]) -> dict[str, str]:
    """The query by name. Raises Refused for a parameter the endpoint does not know."""
    known, found = set(allowed), dict(query)
    for name in found:
        if name not in known:
            raise invalid(f"'{name}' is not an allowed query parameter.", parameter=name)
    return found


def sparse(attributes: Mapping[str, Any], asked: str | None, known: Iterable[str]) -> dict[str, Any]:
    """The attributes asked for, by their dotted paths; all of them when nothing is asked. Raises Refused."""
    if asked is None:
        return dict(attributes)
    wanted, paths = asked.split(","), set(known)
    for path in wanted:
        if path not in paths:
            raise invalid(f"'{path}' is no field.", parameter="fields")
    return _kept(attributes, wanted)


def dotted(attributes: Mapping[str, Any], under: str = "") -> Iterator[str]:
    """The path of every attribute, and of those within it."""
    for name, value in attributes.items():
        yield under + name
        if isinstance(value, dict):
            yield from dotted(value, f"{under}{name}.")


def _kept(attributes: Mapping[str, Any], wanted: list[str]) -> dict[str, Any]:
    kept: dict[str, Any] = {}
    for name, value in attributes.items():
        below = [path.removeprefix(f"{name}.") for path in wanted if path.startswith(f"{name}.")]
        if name in wanted:
            kept[name] = value
        elif below:
            kept[name] = _kept(value, below) if isinstance(value, dict) else value
    return kept


def page_of(query: Mapping[str, str], default: int, most: int) -> tuple[int, int]:
    """Where the page begins and how long it may be. Raises Refused."""
    size = query.get("page[size]", str(default))
    if not size.isdigit() or not 1 <= int(size) <= most:
        raise invalid(f"Page size must be an integer between 1 and {most}.", parameter="page[size]")
    return cursor_start(query.get("page[cursor]")), int(size)


def page_answer(call: Call, page: list[Any], start: int, size: int, total: int) -> Answer:
    """A page with the address of the next one."""

    def address(at: int) -> str:
        pairs = [pair for pair in call.query if pair[0] != "page[cursor]"]
        return f"{call.url}?{urlencode([*pairs, ('page[cursor]', cursor_at(at))])}"

    links = {"self": f"{call.url}?{urlencode(call.query)}"}
    if start + size < total:
        links["next"] = address(start + size)
    if start:
        links["prev"] = address(max(start - size, 0))
    series = digest(0, *(pair for pair in call.query if pair[0] != "page[cursor]"))
    return Answer({"data": page, "links": links}, series=series, continues=start > 0)


def cursor_start(cursor: str | None) -> int:
    if not cursor:
        return 0
    try:
        return int(base64.urlsafe_b64decode(cursor).decode().removeprefix("next::"))
    except ValueError:
        raise invalid("Invalid cursor provided.", parameter="page[cursor]") from None


def cursor_at(start: int) -> str:
    return base64.urlsafe_b64encode(f"next::{start}".encode()).decode()


def invalid(detail: str, **source: str) -> Refused:
    return Refused(400, "invalid", "Invalid input.", detail, **source)


def error_answer(status: int, code: str, title: str, detail: str, **source: str) -> Answer:
    """An error in the form of JSON:API; `source` says which parameter or which part of the body is meant."""
    error: dict[str, Any] = {
        "id": "7f1f3b5e-9d9f-4c7a-8a86-3f6f2a3f1c55",
        "status": status,
        "code": code,
        "title": title,
        "detail": detail,
        "source": source or {"pointer": "/data/"},
    }
    return Answer({"errors": [error]}, status, content_type="application/vnd.api+json")
