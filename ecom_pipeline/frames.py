"""KPI values as pandas frames, for notebooks and spreadsheets.

Decimals stay decimals: columns are Arrow-backed, because pandas' own floats would lose the cents.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from decimal import Decimal

import duckdb
import pandas as pd
import pyarrow as pa

from ecom_pipeline.kpis.definition import Kpi
from ecom_pipeline.kpis.values import Period, read_period_values

_AMOUNT = pa.decimal128(38, 10)
_SMALLEST = Decimal(1).scaleb(-10)
_COLUMNS = {
    "kpi": pa.string(),
    "period": pa.string(),
    "first_day": pa.date32(),
    "last_day": pa.date32(),
    "dimension": pa.string(),
    "segment": pa.string(),
    "value": _AMOUNT,
    "previous": _AMOUNT,
    "previous_year": _AMOUNT,
    "coverage": _AMOUNT,
    "state": pa.string(),
}


def kpi_frame(
    connection: duckdb.DuckDBPyConnection, kpis: Sequence[Kpi], period: Period, last_days: Sequence[date]
) -> pd.DataFrame:
    """One row per KPI, period and segment; amounts are exact to ten decimals, absent ones are <NA>.

    `connection` is one to the published copy (`warehouse.connection.open_published`).
    """
    values = read_period_values(connection, kpis, period, last_days)
    rows = {
        "kpi": [value.kpi for value in values],
        "period": [value.period.value for value in values],
        "first_day": [value.first_day for value in values],
        "last_day": [value.last_day for value in values],
        "dimension": [value.dimension for value in values],
        "segment": [value.segment for value in values],
        "value": [_exact(value.current.value) for value in values],
        "previous": [_exact(value.previous.value) for value in values],
        "previous_year": [_exact(value.previous_year.value) for value in values],
        "coverage": [_exact(value.current.coverage) for value in values],
        "state": [value.current.state.value for value in values],
    }
    arrays = {name: pa.array(rows[name], kind) for name, kind in _COLUMNS.items()}
    frame: pd.DataFrame = pa.table(arrays).to_pandas(types_mapper=pd.ArrowDtype)
    return frame


def _exact(value: Decimal | None) -> Decimal | None:
    return None if value is None else value.quantize(_SMALLEST)
