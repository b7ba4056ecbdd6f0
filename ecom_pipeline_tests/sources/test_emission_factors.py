"""Emission factors: the table shipped with the product, and a shop's own over it."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest

from ecom_pipeline.errors import SchemaError, SourceError
from ecom_pipeline.sources.contract import SourceContext
from ecom_pipeline.sources.emission_factors import EmissionFactors
from ecom_pipeline.sources.emission_factors.source import FACTORS, EmissionFactorsSettings

from .vendor_sandbox import KEY, NOW, TIME_ZONE, map_rows, raw_tables, window_of

WINDOW = window_of(date(2026, 3, 1), date(2026, 3, 31))
HEADER = "activity,valid_from,unit,kgco2e,scope,year,source\n"


def factors_with(own: Path | None = None) -> EmissionFactors:
    context = SourceContext(TIME_ZONE, lambda: NOW, KEY)
    return EmissionFactors("factors", EmissionFactorsSettings(own_file=own), context)


def own_file(folder: Path, lines: str, header: str = HEADER) -> Path:
    file = folder / "own.csv"
    file.write_text(header + lines, encoding="utf-8")
    return file


def test_every_shipped_factor_says_where_it_is_published() -> None:
    rows = list(factors_with().fetch(FACTORS, WINDOW))
    assert len({row["factor_id"] for row in rows}) == len(rows) > 5
    for row in rows:
        assert row["kgco2e"] > 0 and row["scope"] in (1, 2, 3) and 2000 < row["year"] <= NOW.year
        assert "annexe" in row["source"] or "factors 20" in row["source"] or row["source"].startswith("As ")
    known = {row["activity"] for row in rows}
    for row in rows:
        if row["source"].startswith("As "):
            assert row["source"].removeprefix("As ") in known


def test_derived_factors_follow_from_what_their_source_states() -> None:
    """Litres per kilometre times kilograms per litre, by the tonnes on board."""
    rows = {row["activity"]: row["kgco2e"] for row in factors_with().fetch(FACTORS, WINDOW)}
    diesel = Decimal("3.07")
    places = Decimal("0.000001")
    assert rows["parcel_road"] == (Decimal("0.270") * diesel / Decimal("2.50")).quantize(places)
    assert rows["parcel_van"] == (Decimal("0.160") * diesel / Decimal("0.46")).quantize(places)


def test_own_factors_replace_and_add(tmp_path: Path) -> None:
    own = own_file(
        tmp_path,
        "parcel_road,2012-10-01,tkm,0.1,3,2026,Carrier's own report\n"
        "parcel_road,2026-01-01,tkm,0.09,3,2026,Carrier's own report\n"
        "cargo_bike,2024-01-01,tkm,0,3,2024,Carrier's own report\n",
    )
    shipped = {row["factor_id"]: row for row in factors_with().fetch(FACTORS, WINDOW)}
    rows = {row["factor_id"]: row for row in factors_with(own).fetch(FACTORS, WINDOW)}
    assert rows["parcel_road 2012-10-01"]["kgco2e"] == Decimal("0.1")
    assert rows["cargo_bike 2024-01-01"]["kgco2e"] == 0
    assert rows.keys() - shipped.keys() == {"parcel_road 2026-01-01", "cargo_bike 2024-01-01"}
    unchanged = shipped.keys() - {"parcel_road 2012-10-01"}
    assert all(rows[name] == shipped[name] for name in unchanged)


@pytest.mark.parametrize(
    "line",
    [
        "x,2026-13-01,kg,1,3,2026,Somebody",
        "x,2026-01-01,kg,-1,3,2026,Somebody",
        "x,2026-01-01,kg,much,3,2026,Somebody",
        "x,2026-01-01,kg,NaN,3,2026,Somebody",
        "x,2026-01-01,kg,1,4,2026,Somebody",
        "x,2026-01-01,kg,1,3,2026,",
        "x,2026-01-01,kg",
    ],
)
def test_a_line_that_is_no_factor_stops_the_table(tmp_path: Path, line: str) -> None:
    source = factors_with(own_file(tmp_path, f"y,2026-01-01,kg,1,3,2026,Somebody\n{line}\n"))
    with pytest.raises(SchemaError, match=r"factors, factors, .* line 3 of the file own.csv") as caught:
        list(source.fetch(FACTORS, WINDOW))
    assert caught.value.mend
    (finding,) = source.check()
    assert finding.state == "error" and finding.mend


def test_a_missing_column_is_named(tmp_path: Path) -> None:
    source = factors_with(own_file(tmp_path, "", HEADER.replace("scope,", "")))
    with pytest.raises(SchemaError, match="lacks the column scope"):
        list(source.fetch(FACTORS, WINDOW))


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="cannot be read"):
        list(factors_with(tmp_path / "none.csv").fetch(FACTORS, WINDOW))


def test_check_counts_and_dates_them() -> None:
    (finding,) = factors_with().check()
    rows = list(factors_with().fetch(FACTORS, WINDOW))
    assert finding.state == "ok" and f"{len(rows)} factors" in finding.detail


def test_mapping_keeps_source_and_year() -> None:
    rows = list(factors_with().fetch(FACTORS, WINDOW))
    mapped = map_rows(
        raw_tables({"factors": (FACTORS, rows)}),
        EmissionFactors.declared_mappings(EmissionFactorsSettings())["emission_factors"],
    )
    told = {
        (row["activity"], row["valid_from"]): (row["kgco2e"], row["source"], row["year"]) for row in mapped
    }
    assert told == {
        (row["activity"], row["valid_from"]): (row["kgco2e"], row["source"], row["year"]) for row in rows
    }
