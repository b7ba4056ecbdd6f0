"""Reads the fields of a vendor's JSON object by name and type, and names the one that is missing or retyped.

A value that has to be computed with (an amount in cents, a time in seconds) cannot wait for the raw log's
own check of types. Values are never quoted: they may be about a person.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from ecom_pipeline.errors import SchemaError

INTEGER = re.compile(r"-?\d+")
NUMBER = re.compile(r"-?\d+(\.\d+)?")


class Fields:
    """One object of a vendor. `kind` names it in errors, `subject` what was being read.

    Raises:
        SchemaError: from every method, when the field is absent or bears another type.
    """

    def __init__(self, item: Any, kind: str, subject: str) -> None:
        self.kind = kind
        self.subject = subject
        if not isinstance(item, dict):
            raise self.error("the answer", "is no object", item)
        self.item: dict[str, Any] = item

    def text(self, name: str) -> str:
        value = self.value(name)
        if not isinstance(value, str):
            raise self.error(f"the field {name}", "is no text", value)
        return value

    def optional_text(self, name: str) -> str | None:
        return None if self.value(name) is None else self.text(name)

    def integer(self, name: str) -> int:
        """A whole number; vendors send large ones as text."""
        value = self.value(name)
        if isinstance(value, int) and not isinstance(value, bool):
            return value
        if isinstance(value, str) and INTEGER.fullmatch(value):
            return int(value)
        raise self.error(f"the field {name}", "is no whole number", value)

    def number(self, name: str) -> Decimal:
        value = self.value(name)
        if isinstance(value, int | Decimal) and not isinstance(value, bool):
            return Decimal(value)
        raise self.error(f"the field {name}", "is no number", value)

    def written_number(self, name: str) -> Decimal:
        """A number sent as text, so that it keeps its decimals."""
        value = self.text(name)
        if NUMBER.fullmatch(value):
            return Decimal(value)
        raise self.error(f"the field {name}", "is no number", value)

    def boolean(self, name: str) -> bool:
        value = self.value(name)
        if not isinstance(value, bool):
            raise self.error(f"the field {name}", "is neither true nor false", value)
        return value

    def unix_time(self, name: str) -> datetime:
        """Seconds since 1970 as an instant in UTC."""
        return datetime.fromtimestamp(self.integer(name), UTC)

    def instant(self, name: str) -> datetime:
        """An ISO 8601 time with its zone as an instant in UTC."""
        text = self.text(name)
        try:
            found = datetime.fromisoformat(text)
        except ValueError:
            raise self.error(f"the field {name}", "is no time", text) from None
        if found.tzinfo is None:
            raise self.error(f"the field {name}", "is a time without a zone", text)
        return found.astimezone(UTC)

    def optional_instant(self, name: str) -> datetime | None:
        return None if self.value(name) is None else self.instant(name)

    def inner(self, name: str) -> Fields:
        """The object in a field, for reading its own fields."""
        return Fields(self.value(name), f"{self.kind}.{name}", self.subject)

    def items(self, name: str) -> list[Any]:
        """The list in a field."""
        value = self.value(name)
        if not isinstance(value, list):
            raise self.error(f"the field {name}", "is no list", value)
        return value

    def value(self, name: str) -> Any:
        """The field's value, whatever its type."""
        if name not in self.item:
            raise SchemaError(
                f"{self.subject}: the vendor's answer lacks the field {name} of {self.kind}.",
                why="The vendor changed its API, or the settings name an API version that lacks it.",
                mend="Nothing was stored of this table. Look for a newer version of the product.",
            )
        return self.item[name]

    def error(self, what: str, how: str, value: Any) -> SchemaError:
        return SchemaError(
            f"{self.subject}: {what} of {self.kind} {how}.",
            why=f"It came as {type(value).__name__}: the vendor changed its API.",
            mend="Nothing was stored of this table. Look for a newer version of the product.",
        )
