"""Fills the tables a report reads with a shop's synthetic weeks; each trouble can be switched on."""

from __future__ import annotations

import random
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from math import sin

import duckdb
import pyarrow as pa

from ecom_pipeline.insights.questions.question import questions
from ecom_pipeline.insights.targets import Span, Target
from ecom_pipeline.kpis.definition import Kind, Kpi
from ecom_pipeline.periods import ReportPeriod, Rhythm
from ecom_pipeline.reports import ReportRequest
from ecom_pipeline.reports.audience import EVERYBODY, Audience, make_audience
from ecom_pipeline_tests.reports.catalogue import make_catalogue

SUNDAY = date(2026, 11, 22)
ESSENTIALS = (
    "conversion_rate",
    "customer_acquisition_cost",
    "ltv_to_cac",
    "lifetime_value",
    "average_order_value",
    "net_margin_rate",
    "cash_balance",
)
SEGMENTS = {
    "channel": (
        ("Paid Search", 30), ("Organic Search", 24), ("Direct", 17), ("Paid Social", 12), ("Email", 9),
        ("Cross-network", 5), ("Unassigned", 3),
    ),
    "device": (("mobile", 62), ("desktop", 33), ("tablet", 5)),
    "country": (("FR", 71), ("BE", 12), ("DE", 9), ("US", 5), ("unknown", 3)),
    "product": tuple((f"Produit {number:02d}", 40 // number + 1) for number in range(1, 31)),
    "campaign": (("Marque", 30), ("Soldes d'automne", 28), ("Génériques", 25), ("Remarketing", 17)),
    "category": (("Ventes", 50), ("Fournisseurs", 30), ("Salaires", 20)),
    "account": (("Compte courant", 70), ("Compte épargne", 30)),
    "carrier": (("Colissimo", 55), ("Mondial Relay", 30), ("DPD", 15)),
    "scope": (("1", 5), ("2", 15), ("3", 80)),
    "site": (("Entrepôt", 70), ("Bureau", 30)),
    "group": (("femmes", 60), ("hommes", 40)),
    "shop": (("lumiere.example", 80), ("lumiere-b2b.example", 20)),
    "source": (("boutique", 1), ("paiements", 1), ("web", 1), ("pub", 1), ("banque", 1)),
}  # fmt: skip
SOURCES = {
    "boutique": "Boutique en ligne (Shopify)",
    "paiements": "Paiements (Stripe)",
    "web": "Mesure d'audience (GA4)",
    "pub": "Publicité (Google Ads)",
    "banque": "Banque (Qonto)",
}
_FED = {
    "web": {"sessions", "conversion_rate", "bounce_rate", "revenue_per_session", "average_session_duration"},
    "pub": {"ad_spend", "roas", "ad_click_through_rate", "customer_acquisition_cost", "ltv_to_cac", "cac_payback_days",
            "marketing_roi", "marketing_efficiency_ratio", "average_position", "new_customers"},
    "banque": {"cash_balance", "net_cash_flow", "payout_gap", "runway_months", "net_margin_rate"},
}  # fmt: skip
_ANY = (("un", 60), ("deux", 40))  # of dimensions nothing here is about
_PAID = ("Paid Search", "Paid Social", "Cross-network")


@dataclass(frozen=True)
class Story:
    """What is out of the ordinary in a shop."""

    weeks: int = 60
    size: float = 1.0
    mobile_breaks: bool = False  # conversion on mobile halves in the last week
    campaign_burns: bool = False  # the CAC of Paid Social trebles in the last week
    web_is_missing: bool = False  # analytics has no Thursday and no Friday
    fixed_costs: int = 1200
    segment_names: tuple[str, ...] = ()  # replace channels
    restates: bool = True
    all_paid: bool = False  # every channel costs money
    lost: tuple[str, ...] = ()  # sources that have nothing of the last week
    long_names: bool = False  # whatever people may name has 80 characters


def lengthen(name: str, *, spaced: bool = True) -> str:
    """The name made 80 characters long, as products are named; or as campaigns are, without a space."""
    others = "édition limitée automne-hiver, coton biologique, coupe droite, coloris bleu nuit" * 2
    long = f"{name}, {others}"[:80]
    return long if spaced else re.sub(r"\W+", "_", long).ljust(80, "x")


def make_request(
    last_day: date = SUNDAY,
    rhythm: Rhythm = Rhythm.WEEKLY,
    essentials: tuple[str, ...] = ESSENTIALS,
    kpis: Mapping[str, Kpi] | None = None,
    audience: Audience | None = None,
    **changes: object,
) -> ReportRequest:
    """The usual request, with some parts changed; its audience reads all KPIs unless another is given."""
    usual: dict[str, object] = {
        "shop_name": "Maison Lumière",
        "currency": "EUR",
        "period": ReportPeriod(rhythm, last_day),
        "audience": audience
        or make_audience(EVERYBODY, {}, essentials, kpis or make_catalogue(), questions()),
        "targets": {
            "conversion_rate": (Target(Decimal("0.026")),),
            "net_sales": (Target(amounts={Span.WEEK: Decimal("60000")}),),
        },
        "minimum_coverage": Decimal("0.9"),
        "generated_at": datetime(2026, 11, 23, 5, 30, tzinfo=UTC),
    }
    return ReportRequest(**(usual | changes))  # type: ignore[arg-type]


def make_shop(kpis: dict[str, Kpi], story: Story = Story()) -> duckdb.DuckDBPyConnection:
    """A database in memory with everything the report reads."""
    connection = duckdb.connect()
    connection.execute(_TABLES)
    days = [SUNDAY - timedelta(days=back) for back in range(story.weeks * 7)]
    rows = [row for kpi in kpis.values() for day in days for row in _rows(kpi, day, story)]
    columns = ("kpi", "day", "dimension", "segment", "numerator", "denominator", "covered", "coverable")
    table = pa.table(
        {name: list(values) for name, values in zip(columns, zip(*rows, strict=True), strict=True)}
    )
    connection.register("incoming", table)
    connection.execute(
        """
        INSERT INTO kpi.daily BY NAME
        SELECT kpi, day, dimension, segment, CAST(numerator AS DECIMAL(34,0)) * 0.0001 AS numerator,
               CAST(denominator AS DECIMAL(34,0)) * 0.0001 AS denominator, covered, coverable
        FROM incoming
        """
    )
    connection.unregister("incoming")
    _fill_days(connection, kpis, days, story)
    _fill_sources(connection, days, story)
    if story.restates:
        connection.execute(_RESTATEMENTS)
    return connection


def _rows(kpi: Kpi, day: date, story: Story) -> list[tuple[object, ...]]:
    chance = random.Random(f"{kpi.key} {day}")
    pulse = random.Random(f"{day}").uniform(0.93, 1.07)  # shared by all KPIs of the day
    season = 1 + 0.08 * sin(day.toordinal() / 58)
    numerator, denominator = _total(kpi, pulse * season * story.size, chance, story)
    if numerator is None:
        return []
    covered, coverable = (97, 100) if kpi.key == "gross_margin_rate" else (None, None)
    rows: list[tuple[object, ...]] = []
    # A trouble is made in one segment first: the total follows it, and so do the other cuts.
    for dimension in sorted(kpi.dimensions, key=lambda one: not _is_troubled(kpi.key, one, day, story)):
        cut = _cut(kpi.key, dimension, day, numerator, denominator, chance, story)
        rows += [(kpi.key, day, dimension, name, n, d, covered, coverable) for name, n, d in cut]
        numerator = sum(one[1] for one in cut)
    rows.append((kpi.key, day, "total", "", numerator, denominator, covered, coverable))
    return rows


def _total(kpi: Kpi, size: float, chance: random.Random, story: Story) -> tuple[int | None, int | None]:
    """Numerator and denominator of a usual day, in ten-thousandths."""
    key, noise = kpi.key, chance.uniform(0.97, 1.03)
    is_flow = kpi.kind in (Kind.FLOW, Kind.SNAPSHOT)
    young = story.weeks < 55
    euros = {
        "gross_merchandise_value": (9200, None), "net_sales": (8200, None), "orders": (104, None),
        "average_order_value": (8900, 104), "conversion_rate": (98, 4000), "discount_rate": (480, 9200),
        "revenue_per_session": (8200, 4000), "units_per_order": (198, 104), "contribution_margin": (2160, None),
        "contribution_margin_per_order": (2160, 104), "gross_margin_rate": (4400, 8000),
        "logistics_cost_per_order": (620, 101), "net_cash_flow": (640, None),
        "net_margin_rate": (2160 - story.fixed_costs, 8200), "payment_fee_rate": (150, 9800),
        "payout_gap": (0, None), "return_rate": (520, 8600), "customer_acquisition_cost": (1490, 48),
        "new_customers": (48, None), "average_session_duration": (520000, 4000), "bounce_rate": (1720, 4000),
        "cart_abandonment_rate": (230, 328), "checkout_abandonment_rate": (61, 158), "sessions": (4000, None),
        "ad_click_through_rate": (900, 41000), "ad_spend": (1080, None), "average_position": (58000, 6100),
        "marketing_efficiency_ratio": (8200, 1490), "marketing_roi": (2160, 1490), "roas": (4100, 1080),
        "data_freshness": (5, 5), "cash_balance": (184000, None), "cash_in_transit": (14800, None),
        "runway_months": (552000, 71000), "cac_payback_days": (41, 1), "churn_rate": (2300, 5200),
        "lifetime_value": (612000, 6900), "ltv_to_cac": (612000 * 48, 6900 * 1490 * 9 // 10),
        "repeat_purchase_rate": (4650, 15100),
    }  # fmt: skip
    if young and key in ("lifetime_value", "ltv_to_cac", "runway_months", "cac_payback_days"):
        return None, None
    numerator, denominator = euros.get(key, (1700, None if is_flow else 5300))
    steady = key in ("data_freshness", "cac_payback_days")
    scale = 1.0 if steady else size
    whole = key in ("orders", "new_customers", "sessions", "data_freshness", "cac_payback_days")
    top = numerator * scale * (1.0 if steady else noise)
    return (
        round(top) * 10_000 if whole else round(top * 10_000),
        None if denominator is None else round(denominator * scale) * 10_000,
    )


def _cut(
    key: str,
    dimension: str,
    day: date,
    numerator: int,
    denominator: int | None,
    chance: random.Random,
    story: Story,
) -> list[tuple[str, int, int | None]]:
    segments = SEGMENTS.get(dimension, _ANY)
    if story.long_names and dimension not in ("device", "country", "scope", "medium", "store", "network"):
        segments = tuple(
            (lengthen(name, spaced=dimension != "campaign"), weight) for name, weight in segments
        )
    if dimension == "channel":
        if (
            key in ("ad_spend", "roas", "ad_click_through_rate", "customer_acquisition_cost")
            and not story.all_paid
        ):
            segments = tuple((name, weight) for name, weight in segments if name.startswith(_PAID))
        names = dict(zip([name for name, _ in SEGMENTS["channel"]], story.segment_names, strict=False))
        segments = tuple((names.get(name, name), weight) for name, weight in segments)
    tops = _share(numerator, [weight * chance.uniform(0.93, 1.07) for _, weight in segments])
    bottoms = _share(denominator, [weight for _, weight in segments]) if denominator is not None else None
    troubled = (
        [name for name, _ in SEGMENTS[dimension]].index("Paid Social") if dimension == "channel" else -1
    )
    troubled = troubled if story.all_paid else min(troubled, 1)
    cut = []
    for index, (name, _) in enumerate(segments):
        top = tops[index]
        if _is_troubled(key, dimension, day, story):
            if key == "conversion_rate" and name == "mobile":
                top = top * 55 // 100
            if key == "customer_acquisition_cost" and index == troubled:
                top *= 3
        cut.append((name, top, bottoms[index] if bottoms else None))
    return cut


def _is_troubled(key: str, dimension: str, day: date, story: Story) -> bool:
    return (SUNDAY - day).days < 7 and (
        (story.mobile_breaks and (key, dimension) == ("conversion_rate", "device"))
        or (story.campaign_burns and (key, dimension) == ("customer_acquisition_cost", "channel"))
    )


def _share(amount: int, weights: list[float]) -> list[int]:
    parts = [int(amount * weight / sum(weights)) for weight in weights]
    return [amount - sum(parts[1:]), *parts[1:]]


def _fill_days(
    connection: duckdb.DuckDBPyConnection, kpis: dict[str, Kpi], days: list[date], story: Story
) -> None:
    rows = []
    for kpi in kpis.values():
        for day in days:
            state, reason = "complete", None
            if (SUNDAY - day).days < kpi.matures_after:
                state = "immature"
            for source, fed in _FED.items():
                if kpi.key in fed and _is_lost(source, day, story):
                    state, reason = "missing", f"{source}: {source}_rows"
            rows.append((kpi.key, day, state, reason))
    columns = dict(
        zip(("kpi", "day", "state", "reason"), (list(c) for c in zip(*rows, strict=True)), strict=True)
    )
    connection.register("incoming", pa.table(columns))
    connection.execute("INSERT INTO kpi.days SELECT * FROM incoming")
    connection.unregister("incoming")


def _is_lost(source: str, day: date, story: Story) -> bool:
    back = (SUNDAY - day).days
    return (story.web_is_missing and source == "web" and back in (2, 3)) or (
        source in story.lost and back < 7
    )


def _fill_sources(connection: duckdb.DuckDBPyConnection, days: list[date], story: Story) -> None:
    for source, title in SOURCES.items():
        shown = lengthen(title) if story.long_names else title
        connection.execute("INSERT INTO ops.sources VALUES (?, 'vendor', ?)", [source, shown])
        for day in days[:60]:
            lost = _is_lost(source, day, story)
            loaded = (
                None
                if lost
                else datetime.combine(day + timedelta(days=1), datetime.min.time()).replace(hour=4)
            )
            connection.execute(
                "INSERT INTO ops.source_days VALUES (?, ?, ?, ?, ?)",
                [source, day, not lost, not lost, loaded],
            )


_TABLES = """
CREATE SCHEMA kpi;
CREATE SCHEMA ops;
CREATE TABLE kpi.daily (
    kpi VARCHAR, day DATE, dimension VARCHAR, segment VARCHAR, numerator DECIMAL(38,4),
    denominator DECIMAL(38,4), covered DECIMAL(38,4), coverable DECIMAL(38,4),
    low DECIMAL(38,4), high DECIMAL(38,4));
CREATE TABLE kpi.days (kpi VARCHAR, day DATE, state VARCHAR, reason VARCHAR);
CREATE TABLE kpi.restatements (
    kpi VARCHAR, day DATE, dimension VARCHAR, segment VARCHAR,
    numerator_before DECIMAL(38,4), numerator_after DECIMAL(38,4),
    denominator_before DECIMAL(38,4), denominator_after DECIMAL(38,4), changed_at TIMESTAMP, cause VARCHAR);
CREATE TABLE ops.sources (source VARCHAR, vendor VARCHAR, title VARCHAR);
CREATE TABLE ops.source_days (
    source VARCHAR, day DATE, is_complete BOOLEAN, is_on_time BOOLEAN, loaded_at TIMESTAMP);
"""

_RESTATEMENTS = """
INSERT INTO kpi.restatements VALUES
('net_sales', '2026-11-03', 'total', '', 8412.5000, 8302.5000, NULL, NULL, '2026-11-18 04:00:00', 'boutique'),
('net_sales', '2026-11-03', 'total', '', 8302.5000, 8290.0000, NULL, NULL, '2026-11-20 04:00:00', 'boutique, paiements'),
('net_sales', '2026-10-28', 'total', '', 7990.1000, 7930.1000, NULL, NULL, '2026-11-20 04:00:00', 'boutique'),
('net_sales', '2026-10-28', 'channel', 'Direct', 990.1000, 930.1000, NULL, NULL, '2026-11-20 04:00:00', 'boutique'),
('average_order_value', '2026-11-03', 'total', '', 8912.0000, 8802.0000, 104.0000, 103.0000, '2026-11-18 04:00:00', 'definition'),
('net_sales', '2026-11-19', 'total', '', 8000.0000, 7000.0000, NULL, NULL, '2026-11-20 04:00:00', 'boutique'),
('orders', '2026-09-01', 'total', '', 99.0000, 98.0000, NULL, NULL, '2026-11-02 04:00:00', 'boutique');
"""
