"""The ECB as a source: no credentials, one file with all days since 1999."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from typing import ClassVar

from ecom_pipeline.errors import EcomError
from ecom_pipeline.sources.contract import (
    Change,
    Column,
    Finding,
    Row,
    Source,
    SourceSettings,
    Table,
    Type,
    Window,
)
from ecom_pipeline.sources.ecb.rates import parsed_rates
from ecom_pipeline.sources.http import HttpClient, Patience, subject

HISTORY = "stats/eurofxref/eurofxref-hist.zip"

RATES = Table(
    name="rates",
    grain="One currency on one day of fixing: how much of it one euro was worth.",
    change=Change.RESTATED,
    key=("day", "currency"),
    day="day",
    restate_days=7,
    lead_days=10,  # a history that begins on a holiday needs the fixing before it
    columns=(
        Column("day", Type.DATE, required=True),
        Column("currency", Type.STRING, required=True),
        Column("rate", Type.DECIMAL, required=True),
    ),
    docs="ECB, Euro foreign exchange reference rates: history since 1999 as a zipped CSV, "
    "set about 16:00 in Frankfurt on each TARGET business day.",
)


class EcbSettings(SourceSettings):
    base_url: str = "https://www.ecb.europa.eu"


class Ecb(Source):
    """Euro reference rates of the European Central Bank."""

    vendor = "ecb"
    title = "European Central Bank"
    family = "reference"
    credentials = "None: the rates are public."
    Settings = EcbSettings
    tables = (RATES,)
    patience: ClassVar[Patience] = Patience()

    def fetch(self, table: Table, window: Window) -> Iterator[Row]:
        named = subject(self.name, table, window)
        yield from parsed_rates(self._history(named), window.first_day, window.last_day, named)

    def check(self) -> list[Finding]:
        try:
            rows = parsed_rates(self._history(self.name), date.min, date.max, self.name)
            newest = max(row["day"] for row in rows)
        except ValueError:
            return [Finding(self.name, "error", "The rates' file is empty.", "Try again later.")]
        except EcomError as error:
            return [Finding(self.name, "error", f"{error.what} {error.why}", error.mend)]
        return [Finding(self.name, "ok", f"Rates can be read; the newest are of {newest}.")]

    def _history(self, named: str) -> bytes:
        base_url = self.settings.base_url
        with HttpClient(
            base_url, subject=named, credentials=self.credentials, patience=self.patience
        ) as http:
            return http.get_bytes(HISTORY)
