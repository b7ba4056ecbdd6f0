"""The ECB's twin: the file's odd form, publication at four in the afternoon, conditional requests."""

from __future__ import annotations

import io
import zipfile
from datetime import UTC, date, datetime

import pytest
import requests

from ecom_pipeline.sandbox.events import Shop
from ecom_pipeline.sandbox.vendors.ecb import history_csv
from ecom_pipeline.sandbox.world import World

PATH = "/ecb/stats/eurofxref/eurofxref-hist.zip"


def lines(answer: requests.Response) -> list[str]:
    with zipfile.ZipFile(io.BytesIO(answer.content)) as archive:
        assert archive.namelist() == ["eurofxref-hist.csv"]
        return archive.read("eurofxref-hist.csv").decode().splitlines()


def test_newest_first_with_trailing_comma(base_url: str, shop: Shop) -> None:
    header, *rows = lines(requests.get(base_url + PATH, timeout=5))
    assert header.startswith("Date,") and header.endswith(",")
    assert all(row.endswith(",") for row in rows)
    days = [date.fromisoformat(row.split(",")[0]) for row in rows]
    assert days == sorted(shop.rates, reverse=True)
    column = header.split(",").index("USD")
    assert rows[0].split(",")[column] == shop.rates[days[0]]["USD"]


def test_absent_currency_is_na() -> None:
    text = history_csv({date(2026, 1, 2): {"USD": "1.1"}, date(2026, 1, 5): {"USD": "1.2", "GBP": "0.8"}})
    assert text == "Date,USD,GBP,\n2026-01-05,1.2,0.8,\n2026-01-02,1.1,N/A,\n"


def test_rates_of_a_day_appear_in_its_afternoon(base_url: str, world: World) -> None:
    newest = []
    for minute in (datetime(2026, 2, 10, 14, 59, tzinfo=UTC), datetime(2026, 2, 10, 15, 0, tzinfo=UTC)):
        world.set_now(minute)
        newest.append(lines(requests.get(base_url + PATH, timeout=5))[1].split(",")[0])
    assert newest == ["2026-02-09", "2026-02-10"]


def test_not_modified_until_new_rates_come(base_url: str, world: World) -> None:
    world.set_now(datetime(2026, 2, 10, 12, tzinfo=UTC))
    since = requests.get(base_url + PATH, timeout=5).headers["Last-Modified"]
    again = requests.get(base_url + PATH, headers={"If-Modified-Since": since}, timeout=5)
    assert (again.status_code, again.content) == (304, b"")
    world.set_now(datetime(2026, 2, 10, 16, tzinfo=UTC))
    assert requests.get(base_url + PATH, headers={"If-Modified-Since": since}, timeout=5).status_code == 200


@pytest.mark.parametrize("kind", ["missing_column", "retyped_column", "extra_column"])
def test_column_faults_reach_the_csv(base_url: str, world: World, kind: str) -> None:
    column = "XAU" if kind == "extra_column" else "USD"
    world.faults.arm("ecb", kind, column=column, beside="USD")  # type: ignore[arg-type]
    header, first, *_ = lines(requests.get(base_url + PATH, timeout=5))
    names, values = header.split(","), first.split(",")
    assert len(names) == len(values)
    assert (column in names) == (kind != "missing_column")
    if kind == "retyped_column":
        assert values[names.index("USD")] == "about one"
