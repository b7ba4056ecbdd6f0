"""Judge.me as a source: every product review, read whole, because nothing tells which were changed or taken away.

Its token travels in the query; the product's HTTP module neither logs nor shows queries.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, ClassVar

from pydantic import SecretStr

from ecom_pipeline.errors import EcomError
from ecom_pipeline.sources.contract import (
    Change,
    Column,
    Finding,
    Row,
    Source,
    SourceSettings,
    Table,
    Type,
    Window,
)
from ecom_pipeline.sources.fields import Fields
from ecom_pipeline.sources.http import HttpClient, Patience, subject
from ecom_pipeline.sources.pagination import by_page_number

PAGE = 100
PATH = "api/v1/reviews"
KEYS_PAGE = "Judge.me, Settings, Integrations, View API tokens"

REVIEWS = Table(
    name="reviews",
    grain="One review of a product, with its stars and whether the shop shows it.",
    change=Change.FULL,
    key=("id",),
    columns=(
        Column("id", Type.STRING, required=True),
        Column("created_at", Type.TIMESTAMP, required=True),
        Column("product_id", Type.STRING),
        Column("product", Type.STRING),
        Column("stars", Type.INTEGER, required=True),
        Column("is_shown", Type.BOOLEAN, required=True),
        Column("is_verified", Type.BOOLEAN, required=True),
    ),
    docs="Judge.me API v1, List reviews: newest first, by page; no filter tells which were changed.",
)


class JudgeMeSettings(SourceSettings):
    """One shop's account; `shop_domain` is the one Judge.me knows the shop by."""

    shop_domain: str
    api_token: SecretStr
    base_url: str = "https://judge.me"


class JudgeMe(Source):
    """Product reviews collected by Judge.me."""

    vendor = "judgeme"
    title = "Judge.me"
    family = "service"
    credentials = f"The private API token, shown under {KEYS_PAGE}; Judge.me has no token that may only read."
    Settings = JudgeMeSettings
    tables = (REVIEWS,)
    patience: ClassVar[Patience] = Patience()

    def fetch(self, table: Table, window: Window) -> Iterator[Row]:
        named = subject(self.name, table, window)
        seen: set[int] = set()
        with self._client(named) as http:

            def page_at(number: int) -> tuple[Sequence[Any], int | None]:
                answer = Fields(http.get_json(PATH, self._asked(number, PAGE)), "answer", named)
                page = answer.items("reviews")
                return page, number + 1 if len(page) == PAGE else None

            for item in by_page_number(page_at, named):
                review = Fields(item, "review", named)
                number = review.integer("id")
                if number not in seen:  # a new review moves the others on to the next page
                    seen.add(number)
                    yield self._row(review, number)

    def check(self) -> list[Finding]:
        try:
            with self._client(self.name) as http:
                http.get_json(PATH, self._asked(1, 1))
        except EcomError as error:
            return [Finding(self.name, "error", f"{error.what} {error.why}", error.mend)]
        return [Finding(self.name, "ok", "Reviews can be read.")]

    def _asked(self, number: int, size: int) -> dict[str, Any]:
        token = self.settings.api_token.get_secret_value()
        return {
            "shop_domain": self.settings.shop_domain,
            "api_token": token,
            "page": number,
            "per_page": size,
        }

    def _row(self, review: Fields, number: int) -> Row:
        product = review.value("product_external_id")
        return {
            "id": str(number),
            "created_at": review.instant("created_at"),
            "product_id": None if product is None else str(product),
            "product": review.optional_text("product_title"),
            "stars": review.integer("rating"),
            "is_shown": review.boolean("published") and not review.boolean("hidden"),
            "is_verified": review.text("verified") == "verified_purchase",
        }

    def _client(self, named: str) -> HttpClient:
        settings = self.settings
        return HttpClient(
            settings.base_url,
            subject=named,
            credentials=self.credentials,
            secrets=[settings.api_token],
            patience=self.patience,
        )
