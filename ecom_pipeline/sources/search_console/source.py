"""The Search Console as a source: one property, read by a service account."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import date, timedelta
from functools import cached_property
from typing import Any, ClassVar
from urllib.parse import quote

from pydantic import Field, SecretStr

from ecom_pipeline.errors import EcomError
from ecom_pipeline.sources.contract import Finding, Row, Source, SourceSettings, Table, Window
from ecom_pipeline.sources.fields import Fields
from ecom_pipeline.sources.google_auth import GoogleToken, ServiceAccount, google_error
from ecom_pipeline.sources.http import HttpClient, Patience, subject
from ecom_pipeline.sources.pagination import by_page_number
from ecom_pipeline.sources.search_console.results import SEARCH_RESULTS, parsed_rows, query_body

SCOPE = "https://www.googleapis.com/auth/webmasters.readonly"
PAGE_ROWS = 25_000
CHUNK_DAYS = 31
WAITS = {"quotaExceeded": 600.0, "rateLimitExceeded": 60.0, "userRateLimitExceeded": 60.0}
"""Seconds until a used-up limit is free again: the load of ten minutes, or the requests of one."""


class SearchConsoleSettings(SourceSettings):
    """`site_url` is the property as the Search Console writes it: an address with its final slash, or a domain."""

    site_url: str = Field(
        pattern=r"^(https?://.+/|sc-domain:.+)$",
        examples=['"https://www.shop.example/"', '"sc-domain:shop.example"'],
    )
    service_account_json: SecretStr
    base_url: str = "https://www.googleapis.com"
    token_url: str | None = None


class SearchConsole(Source):
    """Clicks, impressions and positions in Google's organic results for one property."""

    vendor = "search_console"
    title = "Google Search Console"
    family = "audience"
    credentials = (
        "The JSON key of a Google Cloud service account, in a project with the Google Search Console API enabled, "
        "whose address is a user of the property, Restricted will do "
        "(Search Console, Settings, Users and permissions)."
    )
    Settings = SearchConsoleSettings
    tables = (SEARCH_RESULTS,)
    patience: ClassVar[Patience] = Patience()

    def fetch(self, table: Table, window: Window) -> Iterator[Row]:
        named = subject(self.name, table, window)
        with self._client(named) as http:
            first_day = window.first_day
            while first_day <= window.last_day:
                last_day = min(first_day + timedelta(days=CHUNK_DAYS - 1), window.last_day)
                yield from self._rows(http, first_day, last_day, named)
                first_day = last_day + timedelta(days=1)

    def check(self) -> list[Finding]:
        try:
            with self._client(self.name) as http:
                permission = Fields(http.get_json(self._site), "site", self.name).text("permissionLevel")
        except EcomError as error:
            return [Finding(self.name, "error", f"{error.what} {error.why}", error.mend)]
        if permission == "siteUnverifiedUser":
            detail = f"The service account is no user of {self.settings.site_url}."
            return [Finding(self.name, "error", detail, self.credentials)]
        return [Finding(self.name, "ok", f"The property {self.settings.site_url} can be read.")]

    def _rows(self, http: HttpClient, first_day: date, last_day: date, named: str) -> Iterator[Row]:
        body = query_body(first_day, last_day, PAGE_ROWS)

        def page_from(start: int) -> tuple[list[Row], int]:
            answer = http.post_json(f"{self._site}/searchAnalytics/query", body | {"startRow": start})
            rows = parsed_rows(answer, named)
            return rows, start + len(rows)

        # How many rows there are is not told: the end is an answer without any.
        yield from by_page_number(page_from, named, first=0)

    @property
    def _site(self) -> str:
        return f"webmasters/v3/sites/{quote(self.settings.site_url, safe='')}"

    @cached_property
    def _token(self) -> GoogleToken:
        account = ServiceAccount.read(self.settings.service_account_json, self.name)
        if self.settings.token_url:
            account = ServiceAccount(account.email, account.key, self.settings.token_url)
        return GoogleToken(
            account.token_url,
            lambda now: account.form(SCOPE, now),
            now=self.context.now,
            subject=self.name,
            renewal=self.credentials,
            patience=self.patience,
        )

    def _client(self, named: str) -> HttpClient:
        return HttpClient(
            self.settings.base_url,
            subject=named,
            credentials=self.credentials,
            authorize=self._token,
            secrets=[self.settings.service_account_json],
            throttle=_throttled,
            explain=_explained,
            patience=self.patience,
        )


def _throttled(status: int, headers: Mapping[str, str], body: Any) -> float | None:
    """The wait a used-up limit asks for; it comes with 429 or, in the API's older manner, with 403."""
    waits = [WAITS[reason] for reason in _reasons(body) if reason in WAITS]
    return max(waits) if waits and status in (403, 429) else None


def _explained(body: Any) -> str:
    return ", ".join(filter(None, [google_error(body), *_reasons(body)]))


def _reasons(body: Any) -> list[str]:
    """The reasons of an error as this older API writes them."""
    try:
        return [str(one["reason"]) for one in body["error"]["errors"]]
    except (KeyError, TypeError):
        return []
