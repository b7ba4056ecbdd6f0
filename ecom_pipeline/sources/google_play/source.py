"""Google Play as a source: the statistics the Play Console leaves in a bucket, read by a service account."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from functools import cached_property
from typing import Any, ClassVar
from urllib.parse import quote
from zoneinfo import ZoneInfo

from pydantic import Field, SecretStr

from ecom_pipeline.errors import EcomError
from ecom_pipeline.sources.contract import Finding, Row, Source, SourceSettings, Table, Window
from ecom_pipeline.sources.fields import Fields
from ecom_pipeline.sources.google_auth import GoogleToken, ServiceAccount, google_error
from ecom_pipeline.sources.google_play.report import INSTALLS, CutOffError, report_rows
from ecom_pipeline.sources.http import HttpClient, Patience, TruncatedAnswerError, UnavailableError, subject
from ecom_pipeline.sources.pagination import by_cursor

SCOPE = "https://www.googleapis.com/auth/devstorage.read_only"
PACIFIC = ZoneInfo("America/Los_Angeles")
MOST_READY_DAYS = 6
"""A day counted later would be missed by a KPI that shows it after a week."""
PAGE = 1_000
BUCKETS = "Play Console, Download reports, Statistics: Copy Cloud Storage URI"


class GooglePlayColumns(SourceSettings):
    """What the file calls each figure today."""

    day: str = "Date"
    app: str = "Package Name"
    first_installs: str = "Daily User Installs"
    install_events: str = "Install events"
    updates: str = "Update events"
    active_devices: str = "Active Device Installs"


class GooglePlaySettings(SourceSettings):
    """`bucket` is the part of the Cloud Storage URI after gs://, `packages` the apps.

    A day that is not in its file `ready_days` after it is an error, since no day is no zero.
    """

    bucket: str = Field(
        pattern=r"^pubsite_prod_\w+$",
        description="It is no bucket of the Play Console",
        examples=['"pubsite_prod_rev_01234567890123456789"'],
    )
    packages: tuple[str, ...] = Field(min_length=1, examples=['["com.example.shop"]'])
    service_account_json: SecretStr
    columns: GooglePlayColumns = GooglePlayColumns()
    ready_days: int = Field(default=4, ge=1, le=MOST_READY_DAYS)
    base_url: str = "https://storage.googleapis.com"
    token_url: str | None = None


@dataclass(frozen=True)
class _File:
    """One app's file of a month (its first day)."""

    month: date
    name: str
    size: int


class GooglePlay(Source):
    """Installs of the shop's apps and the devices they are on, day by day of Pacific time."""

    vendor = "google_play"
    title = "Google Play"
    family = "audience"
    credentials = (
        "The JSON key of a Google Cloud service account whose address is a user in the Play Console with the "
        "permission View app information and download bulk reports (read-only), for the whole account "
        f"(Play Console, Users and permissions). The bucket's name is shown there too: {BUCKETS}."
    )
    Settings = GooglePlaySettings
    tables = (INSTALLS,)
    patience: ClassVar[Patience] = Patience()

    def fetch(self, table: Table, window: Window) -> Iterator[Row]:
        named = subject(self.name, table, window)
        with self._client(named) as http:
            for package in self.settings.packages:
                yield from self._rows(http, package, window, named)

    def check(self) -> list[Finding]:
        findings = []
        try:
            with self._client(self.name) as http:
                for package in self.settings.packages:
                    files = list(self._files(http, package, self.name))
                    findings.append(self._finding(package, files))
                    if files:
                        self._read(http, files[-1], self.name)
        except EcomError as error:
            return [Finding(self.name, "error", f"{error.what} {error.why}", error.mend)]
        return findings

    def _finding(self, package: str, files: list[_File]) -> Finding:
        named = f"{self.name}, {package}"
        if not files:
            mend = f"Compare packages and bucket with the Play Console ({BUCKETS})."
            return Finding(
                named, "error", f"The bucket {self.settings.bucket} has no file of installs.", mend
            )
        return Finding(named, "ok", f"Statistics can be read; the newest file is of {files[-1].month:%Y-%m}.")

    def _rows(self, http: HttpClient, package: str, window: Window, named: str) -> Iterator[Row]:
        files = list(self._files(http, package, named))
        newest = date.min
        for file in files:
            if window.first_day.replace(day=1) <= file.month <= window.last_day:
                rows = self._read(http, file, named)
                newest = max([newest, *(row["day"] for row in rows)])
                yield from (row for row in rows if window.first_day <= row["day"] <= window.last_day)
        if files and files[-1].month <= window.last_day:
            self._demand(newest, window, named)

    def _demand(self, newest: date, window: Window, named: str) -> None:
        """Refuse a window whose last days should have been counted by now and are not."""
        overdue = self.context.now().astimezone(PACIFIC).date() - timedelta(days=self.settings.ready_days + 1)
        wanted = min(overdue, window.last_day)
        if wanted >= window.first_day and newest < wanted:
            raise UnavailableError(
                f"{named}: Google Play has not counted {wanted} yet.",
                why=f"Its files end before, {self.settings.ready_days} days after that day.",
                mend="Run this window again later; if Google is often so late, set ready_days to as much as "
                f"{MOST_READY_DAYS} in the settings.",
            )

    def _files(self, http: HttpClient, package: str, named: str) -> Iterator[_File]:
        """The app's files for all countries, oldest first: they are listed by name."""
        prefix = f"stats/installs/installs_{package}_"
        form = re.compile(rf"{re.escape(prefix)}(\d{{4}})(\d\d)_overview\.csv")
        asked = {"prefix": prefix, "maxResults": PAGE, "fields": "items(name,size),nextPageToken"}

        def page_after(token: str | None) -> tuple[list[Any], str | None]:
            answer = Fields(
                http.get_json(self._objects, asked | ({"pageToken": token} if token else {})), "list", named
            )
            items = answer.items("items") if "items" in answer.item else []
            return items, answer.text("nextPageToken") if "nextPageToken" in answer.item else None

        for item in by_cursor(page_after, named):
            file = Fields(item, "object", named)
            if found := form.fullmatch(file.text("name")):
                yield _File(date(int(found[1]), int(found[2]), 1), file.text("name"), file.integer("size"))

    def _read(self, http: HttpClient, file: _File, named: str) -> list[Row]:
        content = http.get_bytes(f"{self._objects}/{quote(file.name, safe='')}?alt=media")
        try:
            return report_rows(content, file.size, self.settings.columns.model_dump(), named)
        except CutOffError:
            raise http.error(
                TruncatedAnswerError, f"the file of {file.month:%Y-%m} was cut off.",
                why=f"{len(content)} of {file.size} bytes came.", mend="Run this window again.",
            ) from None  # fmt: skip

    @property
    def _objects(self) -> str:
        return f"storage/v1/b/{self.settings.bucket}/o"

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
