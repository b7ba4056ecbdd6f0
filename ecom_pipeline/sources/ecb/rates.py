"""Reads the ECB's history file: a zip of one CSV, newest day first, one column per currency.

Every line ends with a comma, and N/A stands where a currency has no rate on that day: it was not yet
published, or is no more. Days without a fixing (weekends, TARGET holidays) have no line.
"""

from __future__ import annotations

import csv
import io
import re
import zipfile
from collections.abc import Iterator
from datetime import date
from decimal import Decimal
from typing import Any

from ecom_pipeline.errors import SchemaError

NO_RATE = frozenset(("N/A", ""))
RATE = re.compile(r"\d+(\.\d+)?")
MEND = "Nothing was stored of it. If the next run says the same, look for a newer version of the product."


def parsed_rates(content: bytes, first_day: date, last_day: date, subject: str) -> Iterator[dict[str, Any]]:
    """The rates of the days from `first_day` to `last_day`, one row per day and currency: 1 EUR = rate.

    Raises:
        SchemaError: the file is not the ECB's, or holds something that is no day or no rate.
    """
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive, archive.open(archive.namelist()[0]) as file:
            yield from _rates(csv.reader(io.TextIOWrapper(file, "ascii")), first_day, last_day, subject)
    except (zipfile.BadZipFile, IndexError, EOFError, UnicodeDecodeError) as error:
        raise SchemaError(
            f"{subject}: the rates' file cannot be read.", why=type(error).__name__, mend=MEND
        ) from None


def _rates(
    lines: Iterator[list[str]], first_day: date, last_day: date, subject: str
) -> Iterator[dict[str, Any]]:
    header = [name.strip() for name in next(lines, [])]
    if header[:1] != ["Date"] or "USD" not in header:
        raise SchemaError(
            f"{subject}: the rates' file has no columns Date and USD.", why="Its form changed.", mend=MEND
        )
    for number, cells in enumerate(lines, 2):
        if len(cells) != len(header):
            why = f"{len(cells)} cells under {len(header)} columns."
            raise SchemaError(f"{subject}: line {number} of the rates' file is broken.", why=why, mend=MEND)
        day = _day(cells[0], number, subject)
        if first_day <= day <= last_day:
            for currency, text in zip(header[1:], cells[1:], strict=True):
                if currency and text.strip() not in NO_RATE:
                    rate = _rate(text.strip(), currency, day, subject)
                    yield {"day": day, "currency": currency, "rate": rate}


def _day(text: str, number: int, subject: str) -> date:
    try:
        return date.fromisoformat(text.strip())
    except ValueError:
        what = f"{subject}: line {number} of the rates' file begins with {text[:20]!r}, which is no day."
        raise SchemaError(what, why="Its form changed.", mend=MEND) from None


def _rate(text: str, currency: str, day: date, subject: str) -> Decimal:
    if not RATE.fullmatch(text) or not Decimal(text):
        what = f"{subject}: the rate of {currency} on {day} is {text[:20]!r}, which is no rate."
        raise SchemaError(what, why="The column changed its meaning.", mend=MEND)
    return Decimal(text)
