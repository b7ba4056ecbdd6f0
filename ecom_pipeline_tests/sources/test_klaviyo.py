"""Klaviyo."""

from __future__ import annotations

from ..simulation import reading
from .contract_suite import Case, SourceContract


class TestContract(SourceContract):
    case = Case(
        "klaviyo", "crm", table="messages", column="conversion_value", where="campaigns?",
        small_pages=("ecom_pipeline.sources.klaviyo.source.PAGE",), page_rows=2,
    )  # fmt: skip
    business = reading("crm")
