"""A shop with receivers and a published warehouse of two KPIs, written by hand."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import duckdb
import pyarrow as pa
import pytest

from ecom_pipeline.pipeline import Pipeline
from ecom_pipeline.settings import load_settings
from ecom_pipeline.warehouse.connection import prepare

from ..delivery.webhook_catcher import WebhookCatcher, run_webhook_catcher

TODAY = date(2026, 11, 24)
WEEKS = 40
SIGNING_KEY = "a signing key of the test"
CONFIGURATION = """
[shop]
name = "Maison Test"
time_zone = "Europe/Paris"
currency = "EUR"
history_start = 2026-01-01
[sources.rates]
vendor = "ecb"
[report]
essentials = ["conversion_rate"]
[[webhooks]]
name = "sheet"
kinds = ["daily", "signals", "freshness", "failures"]
"""


@dataclass
class Told:
    """A pipeline whose clock a test moves, and what its webhook received."""

    pipeline: Pipeline
    hooks: WebhookCatcher
    now: datetime


@pytest.fixture
def told(tmp_path: Path) -> Iterator[Told]:
    with run_webhook_catcher() as hooks:
        file = tmp_path / "ecom.toml"
        file.write_text(CONFIGURATION, encoding="utf-8")
        environment = {
            "ECOM_PSEUDONYM_KEY": "a pseudonym key long enough",
            "ECOM_WEBHOOK_SHEET_URL": hooks.url,
            "ECOM_WEBHOOK_SHEET_SIGNING_KEY": SIGNING_KEY,
        }
        now = datetime(TODAY.year, TODAY.month, TODAY.day, 6, 30, tzinfo=UTC)
        told = Told(Pipeline(load_settings(file, environment)), hooks, now)
        told.pipeline.clock = lambda: told.now
        yield told


def publish(pipeline: Pipeline, last_day: date, bad_days: int, *, orders_on_a_bad_day: int = 10) -> None:
    """Forty weeks of 30 orders of 33 EUR in 1,000 visits a day, more or less; fewer orders on the last days."""
    file = pipeline.settings.published_file
    file.parent.mkdir(parents=True, exist_ok=True)
    file.unlink(missing_ok=True)
    with duckdb.connect(str(file)) as connection:
        prepare(connection)
        days = [last_day - timedelta(days=back) for back in range(WEEKS * 7)]
        orders = [
            orders_on_a_bad_day if back < bad_days else 30 + day.toordinal() % 5 - 2
            for back, day in enumerate(days)
        ]
        table = pa.table({"day": days, "orders": orders})
        connection.register("history", table)
        for kpi, numerator, denominator in (
            ("conversion_rate", "orders", "1000"),
            ("net_sales", "orders * 33", "NULL"),
        ):
            connection.execute(f"INSERT INTO kpi.days SELECT '{kpi}', day, 'complete', NULL FROM history")
            connection.execute(
                f"""INSERT INTO kpi.daily
                    SELECT '{kpi}', day, 'total', '', {numerator}, {denominator}, NULL, NULL, NULL, NULL FROM history"""
            )
