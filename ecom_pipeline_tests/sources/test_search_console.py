"""The Search Console: Pacific days, final ones only, positions that add up, countries of two letters."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
import requests
from pydantic import SecretStr, ValidationError

from ecom_pipeline.errors import SchemaError
from ecom_pipeline.pipeline import Pipeline
from ecom_pipeline.sandbox.events import SearchDay, Shop
from ecom_pipeline.sandbox.server import run_sandbox
from ecom_pipeline.sandbox.vendors import search_console as twin
from ecom_pipeline.sandbox.world import World
from ecom_pipeline.sources.http import Patience, ThrottledError
from ecom_pipeline.sources.search_console import SearchConsole
from ecom_pipeline.sources.search_console import source as module
from ecom_pipeline.sources.search_console.results import SEARCH_RESULTS, parsed_rows
from ecom_pipeline.sources.search_console.source import SearchConsoleSettings

from ..openapi import violations
from ..simulation import Simulation
from .contract_suite import Case, SourceContract
from .vendor_sandbox import NO_SLEEP, context_of, map_rows, raw_tables, small_shop, window_of

NOW = datetime(2026, 4, 1, 6, tzinfo=UTC)  # 23:00 of the day before in California
FINAL = date(2026, 3, 28)
FIRST, LAST = date(2026, 2, 1), date(2026, 3, 31)
WINDOW = window_of(FIRST, LAST)


class TestSearchConsole(SourceContract):
    """The common contract."""

    case = Case(
        "search_console",
        "search",
        "search_results",
        "position",
        where="/searchAnalytics/query",
        small_pages=("ecom_pipeline.sources.search_console.source.PAGE_ROWS",),
    )


def days() -> list[SearchDay]:
    found = []
    for n in range(59):
        for country in ("FR", "US", "??"):
            impressions = 70_001 + 13 * n if country == "FR" else 10 + n
            found.append(
                SearchDay(
                    FIRST + timedelta(days=n),
                    "mobile",
                    country,
                    5 + n,
                    impressions,
                    Decimal(impressions * 83 + n) / 10,
                )
            )
    return found


@pytest.fixture(scope="module")
def shop() -> Shop:
    shop = small_shop()
    shop.search = days()
    return shop


@pytest.fixture(scope="module")
def served(shop: Shop) -> Iterator[tuple[World, str]]:
    world = World(shop, NOW)
    with run_sandbox(world) as url:
        yield world, url


@pytest.fixture
def world(served: tuple[World, str]) -> Iterator[World]:
    world, _ = served
    world.log.clear()
    yield world
    world.faults.clear()
    world.missing_rights.clear()
    world.set_now(NOW)


@pytest.fixture
def console(served: tuple[World, str], world: World, monkeypatch: pytest.MonkeyPatch) -> SearchConsole:
    monkeypatch.setattr(SearchConsole, "patience", NO_SLEEP)
    settings = SearchConsoleSettings(
        site_url=twin.SITE,
        service_account_json=SecretStr(world.google_service_account_json(served[1])),
        base_url=f"{served[1]}/google",
        token_url=f"{served[1]}/google-oauth/token",
    )
    return SearchConsole("search", settings, context_of(world))


def fetched(console: SearchConsole) -> list[Any]:
    return list(console.fetch(SEARCH_RESULTS, WINDOW))


def test_what_is_final_comes_and_its_position_multiplies_back(console: SearchConsole, shop: Shop) -> None:
    connection = raw_tables({"search_results": (SEARCH_RESULTS, fetched(console))})
    (sql,) = SearchConsole.declared_mappings(console.settings).values()
    mapped = {(row["day"], row["device"], row["country"]): row for row in map_rows(connection, sql)}
    final = [one for one in shop.search if one.day <= FINAL]
    assert len(mapped) == len(final) < len(shop.search)
    for one in final:
        row = mapped[one.day, one.device, None if one.country == "??" else one.country]
        assert (row["clicks"], row["impressions"]) == (one.clicks, one.impressions)
        assert row["position_sum"] == one.position_sum
        assert row["property"] == "the_source"


def test_a_day_is_read_again_until_it_is_final(small_shop: Simulation) -> None:
    """Morning after morning: no day is left out, though none is final when it is first asked for."""
    days = [small_shop.shop.last_day - timedelta(days=back) for back in range(11, -1, -1)]
    pipeline: Pipeline = small_shop.pipeline
    (table,) = pipeline.tables("search")
    for day in days:
        small_shop.set_day(day)
        pipeline.extract("search", table, day, day)
    found = small_shop.query(
        "SELECT day, SUM(impressions) FROM raw.search__search_results WHERE NOT _deleted GROUP BY 1"
    )
    wanted: dict[date, int] = {}
    for one in small_shop.shop.search:
        if days[0] <= one.day <= days[-1] - timedelta(days=3):
            wanted[one.day] = wanted.get(one.day, 0) + one.impressions
    assert {day: int(count) for day, count in found if day >= days[0]} == wanted


def test_the_end_is_an_answer_without_rows(
    console: SearchConsole, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    calm = fetched(console)
    monkeypatch.setattr(module, "PAGE_ROWS", 31)
    world.log.clear()
    assert fetched(console) == calm
    bodies = [json.loads(entry.body) for entry in world.log if entry.vendor == "search_console"]
    assert [body["startRow"] for body in bodies[:4]] == [0, 31, 62, 93]
    assert {(body["dataState"], body["rowLimit"]) for body in bodies} == {("final", 31)}


def test_days_are_asked_for_as_they_are(console: SearchConsole, world: World) -> None:
    list(console.fetch(SEARCH_RESULTS, window_of(date(2026, 3, 8), date(2026, 3, 8))))
    body = json.loads(world.log[-1].body)
    assert (body["startDate"], body["endDate"]) == ("2026-03-08", "2026-03-08")


@pytest.mark.parametrize(
    ("alpha_3", "alpha_2"),
    [("fra", "FR"), ("gbr", "GB"), ("xkk", "XK"), ("zzz", None), ("abc", "ABC"), ("che", "CH")],
)
def test_countries_have_two_letters(alpha_3: str, alpha_2: str | None) -> None:
    (row,) = parsed_rows(answered(keys=["2026-03-01", "MOBILE", alpha_3]), "search")
    assert (row["country"], row["country_alpha_3"]) == (alpha_2, alpha_3)


def answered(**changed: Any) -> Any:
    row = {"keys": ["2026-03-01", "MOBILE", "fra"], "clicks": 2, "impressions": Decimal("3.0"), "position": 4}
    return {"rows": [row | changed]}


@pytest.mark.parametrize(
    "wrong",
    [
        {"keys": ["2026-03-01", "MOBILE"]},
        {"keys": ["1 March", "MOBILE", "fra"]},
        {"keys": ["2026-03-01", "MOBILE", 7]},
        {"clicks": "2"},
        {"impressions": Decimal("3.5")},
        {"position": None},
    ],
)
def test_rows_of_another_form_are_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(SchemaError, match="search"):
        parsed_rows(answered(**wrong), "search")


def test_a_used_up_quota_is_waited_for_though_it_comes_as_forbidden(
    console: SearchConsole, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    waits: list[float] = []
    monkeypatch.setattr(SearchConsole, "patience", Patience(sleep=waits.append))
    world.faults.arm("search_console", "rate_limited")
    assert fetched(console)
    assert waits == [600.0]
    world.faults.arm("search_console", "rate_limited", times=2)
    with pytest.raises(ThrottledError, match="search, search_results, 2026-02-01 to 2026-03-31"):
        fetched(console)


def test_check_names_what_is_missing(console: SearchConsole, world: World) -> None:
    assert [finding.state for finding in console.check()] == ["ok"]
    world.missing_rights.add(("search_console", "read"))
    (finding,) = console.check()
    assert (
        finding.state == "error" and "forbidden" in finding.detail and "Users and permissions" in finding.mend
    )


def test_a_property_is_named_as_google_names_it(console: SearchConsole) -> None:
    values = console.settings.model_dump()
    SearchConsoleSettings(**{**values, "site_url": "sc-domain:maison.example"})
    for wrong in ("maison.example", "https://maison.example"):
        with pytest.raises(ValidationError, match="site_url"):
            SearchConsoleSettings(**{**values, "site_url": wrong})


def test_requests_and_answers_are_as_specified(
    console: SearchConsole, world: World, served: tuple[World, str], shared: Path
) -> None:
    spec = json.loads((shared / "specs" / "google-discovery" / "webmasters.v3.json").read_text())
    fetched(console)
    (entry, *_) = (entry for entry in world.log if entry.vendor == "search_console")
    path = spec["resources"]["searchanalytics"]["methods"]["query"]["path"]
    assert entry.path == "/google/webmasters/v3/" + path.format(siteUrl=twin.SITE)
    asked = json.loads(entry.body)
    schemas = {name: openapi(schema) for name, schema in spec["schemas"].items()}
    assert list(violations(schemas, schemas["SearchAnalyticsQueryRequest"], asked)) == []
    token = next(token for token in reversed(world.google_tokens))
    url = f"{served[1]}/google/webmasters/v3/sites/{quote(twin.SITE, safe='')}/searchAnalytics/query"
    answer = requests.post(url, json=asked, headers={"Authorization": f"Bearer {token}"}, timeout=5).json()
    assert answer["rows"]
    assert list(violations(schemas, schemas["SearchAnalyticsQueryResponse"], answer)) == []
    assert module.SCOPE in spec["auth"]["oauth2"]["scopes"]


def openapi(schema: Any) -> Any:
    """A discovery document's schema with references as OpenAPI writes them."""
    if isinstance(schema, list):
        return [openapi(one) for one in schema]
    if not isinstance(schema, dict):
        return schema
    return {name: f"#/{one}" if name == "$ref" else openapi(one) for name, one in schema.items()}
