"""Every vendor of the sandbox held to the common contract; a new one gets it by one more subclass, anywhere."""

from __future__ import annotations

import ast
from pathlib import Path

from ecom_pipeline.sources.registry import vendors

from .contract_suite import Case, SourceContract


class TestShopify(SourceContract):
    case = Case(
        "shopify", "shop", "orders", "createdAt", where="graphql",
        small_pages=(
            "ecom_pipeline.sources.shopify.queries.MOST_PER_PAGE",
            "ecom_pipeline.sources.shopify.graphql.MOST_PER_PAGE",
        ),
        page_rows=3, paged_days=2,
    )  # fmt: skip


class TestStripe(SourceContract):
    case = Case(
        "stripe", "stripe", "balance_transactions", "created", where="balance_transactions",
        small_pages=("ecom_pipeline.sources.stripe.source.PAGE",), page_rows=5,
    )  # fmt: skip


class TestGa4(SourceContract):
    case = Case(
        "ga4", "analytics", "traffic", "sessions", where="runReport",
        small_pages=("ecom_pipeline.sources.ga4.source.PAGE_ROWS",), page_rows=20,
    )  # fmt: skip


class TestGoogleAds(SourceContract):
    case = Case("google_ads", "ads", "campaign_performance", "date")


class TestQonto(SourceContract):
    case = Case(
        "qonto", "bank", "transactions", "amount_cents", where="transactions",
        small_pages=("ecom_pipeline.sources.qonto.source.PAGE",), page_rows=2,
    )  # fmt: skip


class TestEcb(SourceContract):
    case = Case("ecb", "rates", "rates", "Date", cuts=False)


def test_every_vendor_is_held_to_the_contract() -> None:
    """Found in the tests' text, so that a vendor's own file may hold its subclass."""
    held = set()
    for file in Path(__file__).parent.glob("test_*.py"):
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "Case":
                held.add(ast.literal_eval(node.args[0]))
    # What lies in files no vendor serves: their tests stand in files of their own.
    assert held == {name for name, kind in vendors().items() if "base_url" in kind.Settings.model_fields}
