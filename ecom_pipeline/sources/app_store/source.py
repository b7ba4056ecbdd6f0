"""App Store Connect as a source: the daily sales reports of one developer account."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import date, timedelta
from typing import Any, ClassVar
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

from pydantic import Field, SecretStr

from ecom_pipeline.errors import EcomError
from ecom_pipeline.sources.app_store.report import INSTALLS, CutOffError, report_rows
from ecom_pipeline.sources.app_store.token import AppStoreToken
from ecom_pipeline.sources.contract import Finding, Row, Source, SourceSettings, Table, Window
from ecom_pipeline.sources.http import (
    HttpClient,
    Patience,
    RefusedError,
    TruncatedAnswerError,
    UnavailableError,
    subject,
)

PACIFIC = ZoneInfo("America/Los_Angeles")
MOST_READY_DAYS = 6
"""A later report would be missed by a KPI that shows its day after a week."""
MISSING, GONE = 404, 410
MENDS = {
    MISSING: "Run this window again later.",
    GONE: "Apple keeps daily reports for a year: read the days since then only.",
}
KEYS_PAGE = "App Store Connect, Users and Access, Integrations, App Store Connect API, Team Keys"
REPORT = {
    "filter[reportType]": "SALES",
    "filter[reportSubType]": "SUMMARY",
    "filter[frequency]": "DAILY",
    "filter[version]": "1_0",
}


class AppStoreSettings(SourceSettings):
    """`vendor_number` stands in App Store Connect under Payments and Financial Reports.

    The product types say what counts as a first download, a download again and an update. A day without sales and
    one whose report is not ready have the same status; `no_sales` is what Apple's words for the former hold. A report
    that is not there `ready_days` after its day is an error. `throttle_seconds` is how long to wait once the hour's
    requests are used up.
    """

    issuer_id: str = Field(min_length=1)
    key_id: SecretStr
    private_key: SecretStr
    vendor_number: str = Field(pattern=r"^\d+$", examples=['"85812345"'])
    first_download_types: tuple[str, ...] = ("1", "1F", "1T", "F1", "1E", "1EP", "1EU")
    redownload_types: tuple[str, ...] = ("3", "3F", "3T", "F3")
    update_types: tuple[str, ...] = ("7", "7F", "7T", "F7")
    no_sales: str = Field(default="no sales", min_length=1)
    ready_days: int = Field(default=3, ge=1, le=MOST_READY_DAYS)
    throttle_seconds: int = Field(default=300, ge=1)
    base_url: str = "https://api.appstoreconnect.apple.com"


class AppStore(Source):
    """Downloads of a developer's apps by country, day by day of Pacific time."""

    vendor = "app_store"
    title = "App Store Connect"
    family = "audience"
    credentials = (
        f"A team key with the role Sales only ({KEYS_PAGE}): the issuer id into the settings, the key id, and the "
        "content of its file (.p8) as the private key."
    )
    Settings = AppStoreSettings
    tables = (INSTALLS,)
    patience: ClassVar[Patience] = Patience()

    def fetch(self, table: Table, window: Window) -> Iterator[Row]:
        named = subject(self.name, table, window)
        with self._client(named) as http:
            for day in window.days():
                yield from self._rows(http, day, named)

    def check(self) -> list[Finding]:
        day = self._today() - timedelta(days=self.settings.ready_days)
        try:
            with self._client(self.name) as http:
                self._rows(http, day, self.name)
        except EcomError as error:
            return [Finding(self.name, "error", f"{error.what} {error.why}", error.mend)]
        return [Finding(self.name, "ok", f"Sales reports can be read; that of {day} was.")]

    def _rows(self, http: HttpClient, day: date, named: str) -> list[Row]:
        """The rows of one day; none when nobody loaded anything, or while its report may still come."""
        asked = REPORT | {
            "filter[vendorNumber]": self.settings.vendor_number, "filter[reportDate]": day.isoformat()
        }  # fmt: skip
        try:
            return report_rows(http.get_bytes(f"v1/salesReports?{urlencode(asked)}"), day, self._kinds, named)
        except RefusedError as error:
            if error.status not in MENDS:
                raise
            if error.status == MISSING and self._may_be_missing(day, error.why):
                return []
            raise UnavailableError(
                f"{named}: the App Store has no report of {day}.", why=error.why, mend=MENDS[error.status]
            ) from None
        except CutOffError:
            raise http.error(
                TruncatedAnswerError, f"the report of {day} was cut off.", why="Its archive is not whole.",
                mend="Run this window again.",
            ) from None  # fmt: skip

    def _may_be_missing(self, day: date, told: str) -> bool:
        is_awaited = self._today() - day <= timedelta(days=self.settings.ready_days)
        return self.settings.no_sales in told or is_awaited

    @property
    def _kinds(self) -> Mapping[str, frozenset[str]]:
        settings = self.settings
        return {
            "first_downloads": frozenset(settings.first_download_types),
            "redownloads": frozenset(settings.redownload_types),
            "updates": frozenset(settings.update_types),
        }

    def _today(self) -> date:
        """The App Store's own day."""
        return self.context.now().astimezone(PACIFIC).date()

    def _client(self, named: str) -> HttpClient:
        settings = self.settings

        def throttled(status: int, headers: Mapping[str, str], body: Any) -> float | None:
            return settings.throttle_seconds if status == 429 else None

        return HttpClient(
            settings.base_url,
            subject=named,
            credentials=self.credentials,
            headers={"Accept": "application/a-gzip, application/json"},
            authorize=AppStoreToken(
                settings.issuer_id, settings.key_id, settings.private_key, self.context.now, named
            ),
            secrets=[settings.private_key],
            throttle=throttled,
            explain=_explained,
            patience=self.patience,
        )


def _explained(body: Any) -> str:
    """Codes and details of Apple's errors: fixed sentences about the request, which holds nothing personal."""
    errors = body.get("errors") if isinstance(body, dict) else None
    if not isinstance(errors, list):
        return ""
    return "; ".join(
        f"{error.get('code', '')}: {error.get('detail', '')}" for error in errors if isinstance(error, dict)
    )
