"""OneSignal."""

from __future__ import annotations

from ..simulation import reading
from .contract_suite import Case, SourceContract


class TestContract(SourceContract):
    case = Case(
        "onesignal", "push", table="messages", column="converted", where="notifications?",
        small_pages=("ecom_pipeline.sources.onesignal.source.PAGE",), page_rows=1,
    )  # fmt: skip
    business = reading("push")
