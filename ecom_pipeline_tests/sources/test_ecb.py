"""The ECB's file as it is published, as the sandbox serves it, and as it must not be."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Iterator
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from ecom_pipeline.errors import SchemaError, SourceError
from ecom_pipeline.sandbox.server import run_sandbox
from ecom_pipeline.sandbox.world import World
from ecom_pipeline.sources.ecb import Ecb
from ecom_pipeline.sources.ecb.rates import parsed_rates
from ecom_pipeline.sources.ecb.source import RATES, EcbSettings

from .vendor_sandbox import (
    NO_SLEEP,
    context_of,
    map_rows,
    raw_tables,
    small_shop,
    window_of,
    world_of,
)

WINDOW = window_of(date(2026, 3, 2), date(2026, 3, 8))


@pytest.fixture
def world() -> World:
    shop = small_shop()
    shop.rates = {
        date(2026, 2, 27): {"USD": "1.10"},
        date(2026, 3, 2): {"USD": "1.1172", "JPY": "175.68"},
        date(2026, 3, 6): {"USD": "1.2", "ISK": "136"},
        date(2026, 3, 9): {"USD": "1.3"},
    }
    return world_of(shop)


@pytest.fixture
def ecb(world: World, monkeypatch: pytest.MonkeyPatch) -> Iterator[Ecb]:
    monkeypatch.setattr(Ecb, "patience", NO_SLEEP)
    with run_sandbox(world) as url:
        yield Ecb("ecb", EcbSettings(base_url=f"{url}/ecb"), context_of(world))


def zipped(text: str) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("eurofxref-hist.csv", text)
    return buffer.getvalue()


def read(text: str) -> list[dict[str, Any]]:
    return list(parsed_rates(zipped(text), date(1999, 1, 1), date(2099, 1, 1), "ecb, rates"))


def test_fetches_the_days_of_the_window_only(ecb: Ecb) -> None:
    rows = sorted((row["day"], row["currency"], row["rate"]) for row in ecb.fetch(RATES, WINDOW))
    assert rows == [
        (date(2026, 3, 2), "JPY", Decimal("175.68")),
        (date(2026, 3, 2), "USD", Decimal("1.1172")),
        (date(2026, 3, 6), "ISK", Decimal("136")),
        (date(2026, 3, 6), "USD", Decimal("1.2")),
    ]


def test_published_file_is_read_whole(shared: Path) -> None:
    content = (shared / "data" / "eurofxref-hist.zip").read_bytes()
    rows = list(parsed_rates(content, date(1999, 1, 1), date(2026, 12, 31), "ecb"))
    assert len({row["day"] for row in rows}) == 7126
    newest = {row["currency"]: row["rate"] for row in rows if row["day"] == date(2026, 10, 30)}
    assert newest["USD"] == Decimal("1.1172")
    assert newest["ISK"] == Decimal("136")
    assert "BGN" not in newest and "" not in newest
    assert max(row["day"] for row in rows if row["currency"] == "RUB") == date(2022, 3, 1)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "no columns Date and USD"),
        ("Day,USD,\n2026-03-02,1.1,\n", "no columns Date and USD"),
        ("Date,USD,\n2026-03-02,1.1\n", "line 2"),
        ("Date,USD,\n2/3/2026,1.1,\n", "'2/3/2026'"),
        ("Date,USD,\n2026-03-02,about one,\n", "'about one'"),
        ("Date,USD,\n2026-03-02,0,\n", "USD on 2026-03-02"),
        ("Date,USD,\n2026-03-02,-1.5,\n", "USD on 2026-03-02"),
    ],
)
def test_wrong_file_is_named(text: str, said: str) -> None:
    with pytest.raises(SchemaError) as caught:
        read(text)
    assert said in str(caught.value)
    assert caught.value.mend


@pytest.mark.parametrize(
    "content",
    [b"", b"<html></html>", zipped("Date,USD,\n")[:30]],
    ids=["empty", "a page", "cut off"],  # an archive's bytes hold the time it was made at
)
def test_what_is_no_zip_is_refused(content: bytes) -> None:
    with pytest.raises(SchemaError, match="cannot be read"):
        list(parsed_rates(content, date.min, date.max, "ecb"))


def test_no_rate_that_day_is_no_row() -> None:
    assert [row["currency"] for row in read("Date,USD,BGN,\n2026-03-02,1.1,N/A,\n")] == ["USD"]


def test_passing_failures_are_outlasted(ecb: Ecb, world: World) -> None:
    world.faults.arm("ecb", "server_error", times=2)
    world.faults.arm("ecb", "reset")
    assert len(list(ecb.fetch(RATES, WINDOW))) == 4


def test_web_page_instead_of_the_file_names_source_and_window(ecb: Ecb, world: World) -> None:
    world.faults.arm("ecb", "html", times=20)
    with pytest.raises(SourceError) as caught:
        list(ecb.fetch(RATES, WINDOW))
    assert "ecb, rates, 2026-03-02 to 2026-03-08" in str(caught.value)


def test_retyped_column_stops_the_table(ecb: Ecb, world: World) -> None:
    world.faults.arm("ecb", "retyped_column", column="USD")
    with pytest.raises(SchemaError, match="rate of USD"):
        list(ecb.fetch(RATES, WINDOW))


def test_check_tells_the_newest_day(ecb: Ecb, world: World) -> None:
    assert [(finding.state, "2026-03-09" in finding.detail) for finding in ecb.check()] == [("ok", True)]
    world.faults.arm("ecb", "server_error", times=50, status=503)
    assert [finding.state for finding in ecb.check()] == ["error"]


def test_mapping_runs(ecb: Ecb) -> None:
    connection = raw_tables({"rates": (RATES, ecb.fetch(RATES, WINDOW))})
    mapped = map_rows(connection, Ecb.declared_mappings(ecb.settings)["fx_rates"])
    assert {**mapped[0], "_record": ""} == {
        "_record": "",
        "day": date(2026, 3, 6),
        "currency": "USD",
        "rate": Decimal("1.200000"),
    }
    assert len(mapped) == 4
