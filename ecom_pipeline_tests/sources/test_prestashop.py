from __future__ import annotations
from dataclasses import replace
from ecom_pipeline.sandbox.events import PAIR
from .contract_suite import Case, SourceContract


class TestContract(SourceContract):
    case = Case(
        "prestashop",
        "boutique",
        table="orders",
        column="date_upd",
        where="/api/orders?",
        small_pages=("ecom_pipeline.sources.prestashop.source.PAGE",),
        page_rows=1,
        paged_days=25,
    )
    business = replace(PAIR, sources=("boutique",))
