"""`ecom.toml` as tables: what queries may know of the shop, with a change log entry when it changes."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import ROUND_HALF_UP, Decimal

import duckdb
import pyarrow as pa

from ecom_pipeline.settings import MonthlyCost, Settings
from ecom_pipeline.warehouse.raw_log import transaction
from ecom_pipeline.warehouse.rows import columns_of, fetch_row

INFLUENCER_CHANNEL = "Affiliates"  # of the default channel groups the one of people paid for sales they bring
_CENT_HUNDREDTH = Decimal("0.0001")


def write_configuration(connection: duckdb.DuckDBPyConnection, settings: Settings, last_day: date) -> None:
    """Bring the config tables up to the settings, monthly costs prorated by day until the last day.

    config.shop and config.coverage: one row. config.daily_costs: kind 'fixed', 'marketing' or 'influencer' (fees, by name),
    amounts in the reporting currency. config.logistics_rates: country '*' for every other one.
    config.stock: one row. config.platforms: shops whose own reports keep other days. config.influencers: one row a code or utm_campaign, in small letters.
    """
    shop = settings.shop
    _replace(
        connection,
        "shop",
        pa.table(
            {
                "currency": [shop.currency],
                "complete_since": pa.array([shop.complete_since or shop.history_start], pa.date32()),
                "history_start": pa.array([shop.history_start], pa.date32()),
                "churn_window_days": pa.array([shop.churn_window_days], pa.int32()),
            }
        ),
    )
    # A table of its own: what may be shown changes no table, so nothing is built again for it.
    least = pa.array([shop.minimum_coverage], pa.decimal128(18, 4))
    _replace(connection, "coverage", pa.table({"minimum_coverage": least}))
    _replace(connection, "stock", pa.table({"restocking_days": pa.array([shop.restocking_days], pa.int32())}))
    zones = shop.platform_time_zones
    _replace(
        connection,
        "platforms",
        pa.table(
            {
                "shop": pa.array(list(zones), pa.string()),
                "time_zone": pa.array(list(zones.values()), pa.string()),
            }
        ),
    )
    rates = settings.costs.logistics
    money = pa.decimal128(18, 4)
    _replace(
        connection,
        "logistics_rates",
        pa.table(
            {
                "country": pa.array([rate.country for rate in rates], pa.string()),
                "per_shipment": pa.array(
                    [rate.shipping + rate.fulfilment + rate.packaging for rate in rates], money
                ),
                "return_freight": pa.array([rate.return_freight for rate in rates], money),
            }
        ),
    )
    _replace_influencers(connection, settings)
    _replace_daily_costs(connection, settings, last_day)


def daily_share(cost: MonthlyCost, day: date) -> Decimal:
    """A monthly cost's share of one day: the month's amount by its days, rounded to four decimals."""
    first = day.replace(day=1)
    days_in_month = ((first + timedelta(days=32)).replace(day=1) - first).days
    return (cost.monthly / days_in_month).quantize(_CENT_HUNDREDTH, ROUND_HALF_UP)


def _replace_daily_costs(connection: duckdb.DuckDBPyConnection, settings: Settings, last_day: date) -> None:
    rows: list[tuple[date, str, str, str | None, Decimal]] = []
    for kind, costs in (
        ("fixed", settings.costs.fixed),
        ("marketing", settings.costs.marketing),
        ("influencer", _fees(settings)),
    ):
        for cost in costs:
            day = max(cost.first_day, settings.shop.history_start)
            while day <= min(cost.last_day or last_day, last_day):
                rows.append((day, kind, cost.name, cost.channel, daily_share(cost, day)))
                day += timedelta(days=1)
    columns = list(zip(*rows, strict=True)) if rows else [()] * 5
    _replace(
        connection,
        "daily_costs",
        pa.table(
            {
                "day": pa.array(columns[0], pa.date32()),
                "kind": pa.array(columns[1], pa.string()),
                "name": pa.array(columns[2], pa.string()),
                "channel": pa.array(columns[3], pa.string()),
                "amount": pa.array(columns[4], pa.decimal128(18, 4)),
            }
        ),
    )


def _fees(settings: Settings) -> tuple[MonthlyCost, ...]:
    """What influencers are paid each month, whatever they bring."""
    return tuple(
        MonthlyCost(
            name=one.name, monthly=one.monthly_fee, first_day=one.first_day, last_day=one.last_day,
            channel=INFLUENCER_CHANNEL,
        )
        for one in settings.influencers
        if one.monthly_fee
    )  # fmt: skip


def _replace_influencers(connection: duckdb.DuckDBPyConnection, settings: Settings) -> None:
    tags = [
        (one, kind, tag)
        for one in settings.influencers
        for kind, found in (("code", one.codes), ("utm_campaign", one.utm_campaigns))
        for tag in found
    ]
    _replace(
        connection,
        "influencers",
        pa.table(
            {
                "name": pa.array([one.name for one, _, _ in tags], pa.string()),
                "kind": pa.array([kind for _, kind, _ in tags], pa.string()),
                "tag": pa.array([tag for _, _, tag in tags], pa.string()),
                "first_day": pa.array([one.first_day for one, _, _ in tags], pa.date32()),
                "last_day": pa.array([one.last_day for one, _, _ in tags], pa.date32()),
                "commission": pa.array(
                    [one.commission_percent / 100 for one, _, _ in tags], pa.decimal128(18, 4)
                ),
            }
        ),
    )


def _replace(connection: duckdb.DuckDBPyConnection, name: str, content: pa.Table) -> None:
    table = f"config.{name}"
    if columns_of(connection, table) and connection.sql(f"FROM {table}").to_arrow_table().equals(content):
        return
    connection.register("new_content", content)
    try:
        with transaction(connection):
            connection.execute(f"CREATE TABLE IF NOT EXISTS {table} AS SELECT * FROM new_content LIMIT 0")
            day = "day" if "day" in content.column_names else "CAST(NULL AS DATE)"
            changed = fetch_row(
                connection,
                f"""
                INSERT INTO ops.changes
                SELECT s.sequence, '{table}', d.day FROM (
                    SELECT DISTINCT {day} AS day FROM (
                        (SELECT * FROM {table} EXCEPT ALL SELECT * FROM new_content)
                        UNION ALL (SELECT * FROM new_content EXCEPT ALL SELECT * FROM {table}))) AS d,
                    (SELECT NEXTVAL('ops.change_sequence') AS sequence) AS s
                """,
            )
            if changed is not None and changed[0]:
                connection.execute(f"DELETE FROM {table}")
                connection.execute(f"INSERT INTO {table} SELECT * FROM new_content")
    finally:
        connection.unregister("new_content")
