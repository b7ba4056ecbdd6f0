"""Turns what stands in a file's cell into a typed value, or says what is wrong with it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime
from decimal import ROUND_HALF_UP, Decimal, InvalidOperation
from functools import lru_cache
from typing import Any
from zoneinfo import ZoneInfo

from ecom_pipeline.sources.files.settings import FileColumn, FileTable
from ecom_pipeline.sources.processors import named_processor
from ecom_pipeline.sources.pseudonym import pseudonym

Convert = Callable[[Any], Any]
KEPT_PSEUDONYMS = 50_000
SHOWN_CHARACTERS = 40
DECIMALS = 6
SMALLEST = Decimal(1).scaleb(-DECIMALS)
LARGEST = Decimal(10) ** 12
LARGEST_INTEGER = 10**18
TRUE = frozenset(("true", "1", "yes", "y", "oui", "vrai"))
FALSE = frozenset(("false", "0", "no", "n", "non", "faux"))
SPACES = str.maketrans("", "", " \N{NO-BREAK SPACE}\N{NARROW NO-BREAK SPACE}")


class CellError(Exception):
    """A cell that is not what its column holds, in words for the person who has to mend it."""


class _Unfit(Exception):
    """What a value should have been, and how to mend it."""

    def __init__(self, expected: str, mend: str = "") -> None:
        super().__init__(expected)
        self.expected = expected
        self.mend = f" ({mend})" if mend else ""


def converter(name: str, column: FileColumn, table: FileTable, zone: ZoneInfo, key: bytes) -> Convert:
    """The function that converts the cells of the column `name`. It gives None for an empty one.

    Raises (the function): CellError.
    """
    convert, required = _of_type(column, table, zone, key), column.required

    def checked(cell: Any) -> Any:
        if isinstance(cell, str):
            cell = cell.strip() or None
        try:
            value = None if cell is None else convert(cell)
            if value is None and required:
                raise _Unfit("a value: the column is required")
        except _Unfit as unfit:
            text = f"column {name}: {_shown(cell)} is not {unfit.expected}{unfit.mend}"
            raise CellError(text) from None
        return value

    return checked


def _shown(cell: Any) -> str:
    """The cell as an error shows it: shortened, and hidden when it may be an e-mail address."""
    text = "an empty cell" if cell is None else repr(str(cell)[:SHOWN_CHARACTERS])
    return "a cell with an @" if "@" in text else text


def _of_type(column: FileColumn, table: FileTable, zone: ZoneInfo, key: bytes) -> Convert:
    match column.type:
        case "text":
            return _text_converter(column, key)
        case "integer":
            return lambda cell: _integer(_number(cell, table))
        case "decimal":
            return lambda cell: _decimal(_number(cell, table))
        case "boolean":
            return _boolean
        case "processor":
            return lambda cell: named_processor(_text(cell))
        case "date":
            return lambda cell: _date(cell, column.format)
        case _:
            return lambda cell: _instant(cell, column.format, zone)


def _text_converter(column: FileColumn, key: bytes) -> Convert:
    values = column.values
    if values is not None:
        return lambda cell: _translated(_text(cell), values)
    if column.pseudonymise:
        hidden = lru_cache(KEPT_PSEUDONYMS)(lambda text: pseudonym(text, key))
        return lambda cell: hidden(_text(cell))
    return _text


def _text(cell: Any) -> str:
    """Numbers as people write them: what pandas made 17850.0 of an identifier is 17850 again."""
    if isinstance(cell, float) and cell.is_integer():
        return str(int(cell))
    return cell if isinstance(cell, str) else str(cell)


def _translated(text: str, values: dict[str, str]) -> str | None:
    if text not in values:
        raise _Unfit("one of the column's values", 'add it to values (with "" for unknown)')
    return values[text] or None


def _number(cell: Any, table: FileTable) -> Decimal:
    if isinstance(cell, bool):
        raise _Unfit("a number")
    if isinstance(cell, int | Decimal):
        return Decimal(cell)
    # A double's shortest text is the number that was recorded: 2.55, not 2.5499999999999998.
    text = repr(cell) if isinstance(cell, float) else str(cell)
    if isinstance(cell, str):
        if table.thousands:
            text = text.translate(SPACES).replace(table.thousands, "")
        if table.decimal == ",":
            # Without this, a point that stands for thousands would be taken for the decimal one.
            text = text.replace(".", "?").replace(",", ".")
    try:
        number = Decimal(text)
    except InvalidOperation:
        mend = "see decimal and thousands of the table" if any(mark in text for mark in ",.?' ") else ""
        raise _Unfit("a number", mend) from None
    if not number.is_finite():
        raise _Unfit("a number")
    return number


def _decimal(number: Decimal) -> Decimal:
    """As the raw log keeps numbers: 18 digits, six of them decimals; further ones are rounded away."""
    exponent = number.as_tuple().exponent
    if isinstance(exponent, int) and exponent < -DECIMALS:
        number = number.quantize(SMALLEST, ROUND_HALF_UP)
    if abs(number) >= LARGEST:
        raise _Unfit("a number below a million million")
    return number


def _integer(number: Decimal) -> int:
    if number != number.to_integral_value():
        raise _Unfit("a whole number", "give the column the type decimal")
    if abs(number) > LARGEST_INTEGER:
        raise _Unfit("a whole number of at most 18 digits", "give an identifier the type text")
    return int(number)


def _boolean(cell: Any) -> bool:
    if isinstance(cell, bool):
        return cell
    text = str(cell).lower()
    if text not in TRUE | FALSE:
        raise _Unfit("true or false")
    return text in TRUE


def _date(cell: Any, form: str | None) -> date:
    if isinstance(cell, datetime):
        return cell.date()
    if isinstance(cell, date):
        return cell
    try:
        if form is None:
            return date.fromisoformat(str(cell))
        return datetime.strptime(str(cell), form).replace(tzinfo=UTC).date()
    except ValueError:
        raise _Unfit(f"a date like {form or '2026-12-31'}", "set format for the column") from None


def _instant(cell: Any, form: str | None, zone: ZoneInfo) -> datetime:
    """The instant in UTC; a time without a zone is one of `zone`."""
    try:
        if isinstance(cell, datetime):
            at = cell
        elif form is None:
            at = datetime.fromisoformat(str(cell))
        elif "%z" in form:
            at = datetime.strptime(str(cell), form).astimezone(UTC)
        else:
            at = datetime.strptime(str(cell), form).replace(tzinfo=zone)
    except ValueError:
        expected = f"a time like {form or '2026-12-31 23:59:59'}"
        raise _Unfit(expected, "set format for the column") from None
    return (at if at.tzinfo else at.replace(tzinfo=zone)).astimezone(UTC)
