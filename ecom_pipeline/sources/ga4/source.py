"""GA4 as a source: a service account that may read one property, reports in pages."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import date, timedelta
from functools import cached_property
from typing import Any, ClassVar

from pydantic import Field, SecretStr

from ecom_pipeline.errors import EcomError, SourceError
from ecom_pipeline.sources.contract import Finding, Row, Source, SourceSettings, Table, Window
from ecom_pipeline.sources.ga4.reports import REPORTS, TRAFFIC, Page, Report, parsed_page, read_share
from ecom_pipeline.sources.google_auth import GoogleToken, ServiceAccount, google_error
from ecom_pipeline.sources.http import HttpClient, Patience, subject
from ecom_pipeline.sources.pagination import by_offset

SCOPE = "https://www.googleapis.com/auth/analytics.readonly"
PAGE_ROWS = 100_000
CHUNK_DAYS = 31


class Ga4Settings(SourceSettings):
    """`property_id` is the number under Admin, Property details; `token_url` is the key file's by default."""

    property_id: str = Field(pattern=r"^\d+$", examples=['"123456789"'])
    service_account_json: SecretStr
    base_url: str = "https://analyticsdata.googleapis.com"
    token_url: str | None = None


class Ga4(Source):
    """Sessions and steps to purchase from a Google Analytics 4 property."""

    vendor = "ga4"
    title = "Google Analytics 4"
    family = "audience"
    credentials = (
        "The JSON key of a Google Cloud service account, in a project with the Google Analytics Data API "
        "enabled, whose address has the role Viewer on the property "
        "(Google Analytics, Admin, Property access management)."
    )
    Settings = Ga4Settings
    tables = tuple(report.table for report in REPORTS)
    patience: ClassVar[Patience] = Patience()

    def fetch(self, table: Table, window: Window) -> Iterator[Row]:
        report = next(report for report in REPORTS if report.table.name == table.name)
        named = subject(self.name, table, window)
        with self._client(named) as http:
            first_day = window.first_day
            while first_day <= window.last_day:
                last_day = min(first_day + timedelta(days=CHUNK_DAYS - 1), window.last_day)
                yield from self._rows(http, report, (first_day, last_day), named)
                first_day = last_day + timedelta(days=1)

    def check(self) -> list[Finding]:
        try:
            with self._client(self.name) as http:
                yesterday = self.context.now().date() - timedelta(days=1)
                body = TRAFFIC.body(yesterday, yesterday) | {"limit": "1"}
                answer = http.post_json(self._path, body)
        except EcomError as error:
            return [Finding(self.name, "error", f"{error.what} {error.why}", error.mend)]
        metadata = (answer.get("metadata") or {}) if isinstance(answer, dict) else {}
        reached = Finding(self.name, "ok", f"The property {self.settings.property_id} can be read.")
        return [reached, self._zone_finding(metadata.get("timeZone")), *self._gap_findings(metadata)]

    def _gap_findings(self, metadata: Mapping[str, Any]) -> Iterator[Finding]:
        """What of yesterday Google estimated or withheld, each with what can be done about it."""
        share = read_share(metadata, self.name)
        if share < 1:
            detail = f"Google made yesterday's report from {share:.0%} of its events; the rest is estimated."
            mend = "Fewer events a day (Admin, Events), or a property of Analytics 360. Coverage is told beside the values."
            yield Finding(f"{self.name}, sampling", "warning", detail, mend)
        if metadata.get("subjectToThresholding"):
            detail = "Google may withhold segments with few people, so that totals can be too small."
            mend = "Google Analytics, Admin, Reporting identity: choose Device-based."
            yield Finding(f"{self.name}, thresholds", "warning", detail, mend)

    def _zone_finding(self, zone: Any) -> Finding:
        shops = self.context.time_zone
        if zone == shops:
            return Finding(f"{self.name}, time zone", "ok", f"The property's days are the shop's: {shops}.")
        detail = f"The property's days are those of {zone}, the shop's those of {shops}."
        mend = "Google Analytics, Admin, Property details: set the reporting time zone to the shop's."
        return Finding(f"{self.name}, time zone", "warning", detail, mend)

    def _rows(self, http: HttpClient, report: Report, days: tuple[date, date], named: str) -> Iterator[Row]:
        """Rows of the days, asked in halves as long as Google reads but a sample of their events."""
        first_day, last_day = days
        body = report.body(first_day, last_day)
        announced: set[int] = set()

        def read_page(offset: int) -> Page:
            place = {"offset": str(offset), "limit": str(PAGE_ROWS)}
            page = parsed_page(http.post_json(self._path, body | place), report, named)
            announced.add(page.total)
            return page

        first = read_page(0)
        if first.read_share < 1 and first_day < last_day:
            middle = first_day + (last_day - first_day) // 2
            yield from self._rows(http, report, (first_day, middle), named)
            yield from self._rows(http, report, (middle + timedelta(days=1), last_day), named)
            return
        pages = {0: first}

        def page_from(offset: int) -> tuple[Sequence[Row], int]:
            page = pages.pop(offset, None) or read_page(offset)
            return page.rows, page.total

        yield from by_offset(page_from, named)
        if len(announced) > 1:
            raise SourceError(
                f"{named}: the report changed while it was read.",
                why="Google announced different numbers of rows on its pages.",
                mend="Run this window again.",
            )

    @property
    def _path(self) -> str:
        return f"v1beta/properties/{self.settings.property_id}:runReport"

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
            explain=google_error,
            patience=self.patience,
        )
