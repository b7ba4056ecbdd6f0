"""The two extension points: a source is a folder, a KPI a file, and a second shop a section of the settings.

The package is copied, one folder and two files are dropped in, nothing else is touched, and a fresh Python process
is asked what it knows.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import textwrap
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from ecom_pipeline.pipeline import Pipeline
from ecom_pipeline.settings import load_settings, missing_secrets
from ecom_pipeline.sources.pseudonym import pseudonym

from .conftest import REPOSITORY
from .simulation import Simulation, simulate

SOURCE = '''
"""Paid posts: a vendor nobody has heard of, whose whole client is this file."""

from datetime import UTC, date, datetime

from pydantic import SecretStr

from ecom_pipeline.sources.contract import Change, Column, Finding, Source, SourceSettings, Table, Type

POSTS = Table(
    name="posts",
    grain="One promoted post on one day.",
    change=Change.LOG,
    key=("id",),
    version="updated_at",
    columns=(
        Column("id", Type.STRING, required=True),
        Column("posted_on", Type.DATE, required=True),
        Column("cost", Type.DECIMAL, required=True),
        Column("updated_at", Type.TIMESTAMP, required=True),
    ),
    docs="Paid posts, Reports, Posts by day",
)


class PaidPostsSettings(SourceSettings):
    """One account."""

    key: SecretStr


class PaidPosts(Source):
    """Spend on promoted posts."""

    vendor = "paid_posts"
    title = "Paid posts"
    credentials = "A key from the account's settings."
    Settings = PaidPostsSettings
    tables = (POSTS,)

    def fetch(self, table, window):
        for day in window.days():
            yield {
                "id": day.isoformat(),
                "posted_on": day,
                "cost": "12.50",
                "updated_at": datetime(day.year, day.month, day.day, 12, tzinfo=UTC),
            }

    def check(self):
        return [Finding(self.name, "ok", "The posts can be read.")]
'''
MAPPING = """
/* ---
description: A promoted post's spend.
--- */
SELECT
  p._record AS _record, INSTANCE_NAME() AS platform, p.posted_on AS day, 'posts' AS campaign_id,
  'Promoted posts' AS campaign, 'Paid Social' AS channel, 'EUR' AS currency,
  CAST(p.cost AS DECIMAL(18, 4)) AS spend, 0 AS clicks, 0 AS impressions
FROM source.posts AS p
"""
KPI = """
/* ---
name: {fr: "Dépense par campagne", en: "Spend by campaign"}
definition: {fr: "Dépense publicitaire du jour.", en: "What advertising cost on the day, in words of its own."}
unit: money
kind: flow
good: neutral
dimensions: [channel]
measured_by: [ad_performance]
minimum: 0
--- */
SELECT a.day AS day, a.channel AS channel, a.spend AS numerator
FROM model.ad_performance AS a
JOIN run.days AS d ON d.day = a.day
"""
ASK = """
import json, sys
from datetime import date
from ecom_pipeline.pipeline import Pipeline
from ecom_pipeline.settings import load_settings
from ecom_pipeline.sources.registry import vendors

pipeline = Pipeline(load_settings(), clock=lambda: __import__("datetime").datetime(2026, 3, 9, 6, tzinfo=__import__("datetime").UTC))
catalog = pipeline.catalog
(posts,) = pipeline.tables("posts")
first, last = date(2026, 3, 2), date(2026, 3, 8)
load = pipeline.extract("posts", posts, first, last)
built = pipeline.compute(first, last)
pipeline.publish()
from ecom_pipeline.warehouse.connection import open_published
with open_published(pipeline.settings.published_file) as connection:
    values = connection.execute(
        "SELECT kpi, dimension, segment, CAST(SUM(numerator) AS VARCHAR) FROM kpi.daily "
        "WHERE kpi IN ('spend_by_campaign', 'reach_cost', 'ad_spend') GROUP BY ALL ORDER BY ALL"
    ).fetchall()
    states = dict(connection.execute("SELECT kpi, state FROM kpi.days WHERE day = '2026-03-08'").fetchall())

from ecom_pipeline.editions import Edition
from ecom_pipeline.periods import week_ending
from ecom_pipeline.reporting import render_edition
editions = {one: Edition(week_ending(last), "direction", one) for one in ("fr", "en")}
html = {one: render_edition(pipeline, edition).files.html.read_text() for one, edition in editions.items()}

import ecom_pipeline.definitions as definitions
graph = definitions.defs.resolve_asset_graph()
names = {key.to_user_string(): sorted(parent.to_user_string() for parent in graph.get(key).parent_keys)
         for key in graph.get_all_asset_keys()}
checks = sorted(f"{key.asset_key.to_user_string()}:{key.name}" for key in graph.asset_check_keys)
groups = {key.to_user_string(): graph.get(key).group_name for key in graph.get_all_asset_keys()}
print(json.dumps({
    "package": str(__import__("ecom_pipeline").__file__),
    "vendors": list(vendors()), "kpis": list(pipeline.kpis), "families": [k.family for k in pipeline.kpis.values()],
    "lineage": [list(catalog.by_name["kpi.spend_by_campaign"].inputs), list(catalog.by_name["model.ad_performance"].inputs),
                [stream.source + "." + stream.table.name for stream in catalog.feeding("ad_performance")]],
    "stored": load.rows_stored, "values": values, "states": states, "html": html,
    "parents": names, "checks": checks, "groups": groups,
}))
"""
TOML = """
[shop]
name = "Extended"
time_zone = "Europe/Paris"
currency = "EUR"
history_start = 2026-03-01

[sources.posts]
vendor = "paid_posts"
"""


@dataclass
class Extended:
    """A copy of the package with a source and two KPIs dropped in, and what it told."""

    folder: Path
    told: dict[str, Any]

    def command(self, *arguments: str) -> str:
        """What `ecom-pipeline` prints, asked in the copy."""
        return ask(self.folder, "-c", "from ecom_pipeline.cli import main; main()", *arguments)


def ask(folder: Path, *arguments: str) -> str:
    environment = {
        name: value for name, value in os.environ.items() if not name.startswith(("ECOM_", "DAGSTER_"))
    } | {
        "PYTHONPATH": str(folder),
        "ECOM_CONFIG": str(folder / "ecom.toml"),
        "ECOM_POSTS_KEY": "a key for posts",
        "ECOM_PSEUDONYM_KEY": "a key for the tests of extension",
        "COLUMNS": "200",
        "DAGSTER_HOME": "",
    }
    done = subprocess.run(
        [sys.executable, *arguments], cwd=folder, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode in (0, 1), done.stderr
    assert "Traceback" not in done.stderr, done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def extended(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Extended]:
    folder = tmp_path_factory.mktemp("extended")
    package = folder / "ecom_pipeline"
    shutil.copytree(
        REPOSITORY / "ecom_pipeline", package, ignore=shutil.ignore_patterns("__pycache__", "*.pyc")
    )
    before = {file: file.read_bytes() for file in package.rglob("*") if file.is_file()}
    vendor = package / "sources" / "paid_posts"
    vendor.mkdir()
    (vendor / "__init__.py").write_text(SOURCE.lstrip())
    (vendor / "ad_performance.sql").write_text(MAPPING.lstrip())
    (package / "kpis" / "marketing" / "spend_by_campaign.sql").write_text(KPI.lstrip())
    (package / "kpis" / "awareness").mkdir()
    (package / "kpis" / "awareness" / "reach_cost.sql").write_text(
        KPI.lstrip()
        .replace("Spend by campaign", "Cost of reach")
        .replace("Dépense par campagne", "Coût de portée")
    )
    (folder / "ecom.toml").write_text(TOML)
    told = json.loads(ask(folder, "-c", textwrap.dedent(ASK)).splitlines()[-1])
    yield Extended(folder, told)
    assert all(file.read_bytes() == content for file, content in before.items()), "no other file was touched"


def test_the_copy_was_asked(extended: Extended) -> None:
    assert extended.told["package"].startswith(str(extended.folder))


def test_registry_and_catalog_know_them(extended: Extended) -> None:
    told = extended.told
    assert "paid_posts" in told["vendors"]
    assert {"spend_by_campaign", "reach_cost"} <= set(told["kpis"])
    assert told["families"][-1] == "awareness", "an unknown family comes after those that are known"
    kpi, model, streams = told["lineage"]
    assert "model.ad_performance" in kpi and "mapped.ad_performance" in model
    assert streams == ["posts.posts"]


def test_its_rows_travel_to_the_kpis(extended: Extended) -> None:
    assert extended.told["stored"] == 7
    values = {(kpi, dimension, segment): value for kpi, dimension, segment, value in extended.told["values"]}
    for kpi in ("spend_by_campaign", "reach_cost", "ad_spend"):
        assert values[kpi, "total", ""] == values[kpi, "channel", "Paid Social"] == "87.5000"
    states = extended.told["states"]
    assert states["spend_by_campaign"] == states["reach_cost"] == states["ad_spend"] == "complete"
    assert states["net_sales"] == "missing"


def test_dagster_shows_assets_lineage_and_checks(extended: Extended) -> None:
    parents, checks = extended.told["parents"], extended.told["checks"]
    assert "posts/posts" in parents["model/ad_performance"]
    assert "model/ad_performance" in parents["kpi/marketing/spend_by_campaign"]
    assert "model/ad_performance" in parents["kpi/awareness/reach_cost"]
    assert parents["posts/posts"] == []
    groups = extended.told["groups"]
    assert groups["posts/posts"] == "sources_other"
    assert groups["kpi/awareness/reach_cost"] != groups["kpi/marketing/spend_by_campaign"]
    checked = {check.split(":")[0] for check in checks}
    assert {"posts/posts", "model/ad_performance"} <= checked
    assert any(check.startswith("kpi/marketing/spend_by_campaign:") for check in checks)
    assert any(check.startswith("kpi/awareness/reach_cost:") for check in checks)


@pytest.mark.parametrize(
    ("language", "names"),
    [
        ("fr", ("Dépense par campagne", "Coût de portée", "Dépense publicitaire du jour.")),
        ("en", ("Spend by campaign", "Cost of reach", "in words of its own")),
    ],
)
def test_the_report_lists_them(extended: Extended, language: str, names: tuple[str, ...]) -> None:
    html = extended.told["html"][language]
    for name in names:
        assert name in html
    assert "Awareness" in html
    assert "Paid posts" in html, "the footer tells of every source"


def test_the_command_line_knows_them(extended: Extended) -> None:
    (source,) = json.loads(extended.command("source", "list", "--json"))
    assert (source["source"], source["vendor"]) == ("posts", "paid_posts")
    assert source["tables"][0]["rows_stored"] == 7
    listed = extended.command("kpi", "list")
    assert "spend_by_campaign" in listed and "reach_cost" in listed
    explained = " ".join(extended.command("kpi", "explain", "reach_cost").split())
    assert "in words of its own" in explained and "posts" in explained and "ad_performance" in explained
    doctor = json.loads(extended.command("doctor", "--json"))
    assert any(finding["detail"] == "The posts can be read." for finding in doctor["findings"])


def test_a_second_shop_is_a_section_of_the_settings(tmp_path: Path) -> None:
    with simulate(tmp_path, seed=11, days=14, orders_per_day=4) as simulation:
        pipeline = with_second_shop(simulation)
        first, last = simulation.shop.first_day, simulation.shop.last_day
        for source in ("shop", "outlet", "rates"):
            for table in pipeline.tables(source):
                pipeline.extract(source, table, first, last)
        pipeline.compute(first, last)
        simulation.pipeline = pipeline
        raw = {
            name
            for (name,) in simulation.query(
                "SELECT table_name FROM duckdb_tables() WHERE schema_name = 'raw'"
            )
        }
        assert {"shop__orders", "outlet__orders", "shop__sale_lines", "outlet__sale_lines"} <= raw
        rows = simulation.query(
            "SELECT shop, COUNT(*), COUNT(DISTINCT order_id) FROM mapped.orders GROUP BY shop"
        )
        counted = {shop: (n, distinct) for shop, n, distinct in rows}
        assert set(counted) == {"shop", "outlet"}
        assert counted["shop"] == counted["outlet"] and counted["shop"][0] > 0
        sales = dict(
            simulation.query(
                """SELECT segment, SUM(numerator) FROM kpi.daily
                   WHERE kpi = 'net_sales' AND dimension IN ('shop', 'total') GROUP BY segment"""
            )
        )
        assert sales["shop"] == sales["outlet"] > 0 and sales[""] == 2 * sales["shop"]
        check_shared_customers(simulation)


def with_second_shop(simulation: Simulation) -> Pipeline:
    """The same simulated shop read a second time, as another instance: only settings and secrets are added."""
    settings = simulation.pipeline.settings
    shop = settings.sources["shop"].settings.model_dump()
    text = settings.file.read_text(encoding="utf-8")
    settings.file.write_text(
        f'{text}\n[sources.outlet]\nvendor = "shopify"\ndomain = "{shop["domain"]}"\nbase_url = "{shop["base_url"]}"\n',
        encoding="utf-8",
    )
    dotenv = settings.file.parent / ".env"
    token = shop["access_token"].get_secret_value()
    dotenv.write_text(f"{dotenv.read_text(encoding='utf-8')}ECOM_OUTLET_ACCESS_TOKEN='{token}'\n")
    return Pipeline(load_settings(settings.file), clock=simulation.pipeline.clock)


def check_shared_customers(simulation: Simulation) -> None:
    """A person who buys in both shops is one customer, known by the same pseudonym."""
    people = dict(
        simulation.query(
            "SELECT customer, COUNT(DISTINCT shop) FROM mapped.orders WHERE customer IS NOT NULL GROUP BY customer"
        )
    )
    assert people and set(people.values()) == {2}
    key = simulation.pipeline.settings.pseudonym_key
    assert key is not None
    known = {
        pseudonym(order.email, key.get_secret_value().encode())
        for order in simulation.shop.orders
        if order.email
    }
    assert set(people) <= known
    ((new,),) = simulation.query(
        "SELECT SUM(numerator) FROM kpi.daily WHERE kpi = 'new_customers' AND dimension = 'total'"
    )
    ((buyers,),) = simulation.query(
        "SELECT COUNT(DISTINCT customer) FROM model.customer_orders WHERE dimension = 'total'"
    )
    assert new == buyers, "counted once, not once per shop"


def test_a_second_instance_keeps_its_own_secrets(tmp_path: Path) -> None:
    with simulate(tmp_path, seed=11, days=2, orders_per_day=2) as simulation:
        with_second_shop(simulation)
        file = simulation.pipeline.settings.file
        (file.parent / ".env").write_text("ECOM_SHOP_ACCESS_TOKEN='only the first shop has one'\n")
        sources = load_settings(file).sources
        assert missing_secrets(sources["shop"]) == []
        assert missing_secrets(sources["outlet"]) == ["ECOM_OUTLET_ACCESS_TOKEN"]
