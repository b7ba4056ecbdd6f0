"""TikTok Ads as a source: one advertiser, read with the token of an app it authorised."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from datetime import date, timedelta
from typing import Any, ClassVar

from pydantic import Field, SecretStr

from ecom_pipeline.errors import AuthenticationError, EcomError
from ecom_pipeline.sources.contract import Finding, Row, Source, SourceSettings, Table, Window
from ecom_pipeline.sources.fields import Fields
from ecom_pipeline.sources.http import HttpClient, Patience, subject
from ecom_pipeline.sources.pagination import by_offset
from ecom_pipeline.sources.tiktok_ads.report import (
    CAMPAIGN_REPORT,
    explained,
    is_throttled,
    parsed_page,
    recognized,
    report_params,
)

PAGE_ROWS = 1_000
CHUNK_DAYS = 30  # the longest range TikTok reports by day
API = "open_api/v1.3"


class TikTokAdsSettings(SourceSettings):
    """`advertiser_id` is the number of the advertising account.

    `payments_metric` and `payment_value_metric` are TikTok's names of what counts as a sale and of its value.
    `throttle_seconds` is how long to wait when there were too many requests in a minute: TikTok does not say.
    """

    advertiser_id: str = Field(pattern=r"^\d+$", examples=['"7012345678901234567"'])
    access_token: SecretStr
    payments_metric: str = Field(default="complete_payment", min_length=1)
    payment_value_metric: str = Field(default="total_complete_payment_rate", min_length=1)
    throttle_seconds: int = Field(default=300, ge=1)
    base_url: str = "https://business-api.tiktok.com"


class TikTokAds(Source):
    """Campaigns' cost, clicks and payments from one TikTok advertising account."""

    vendor = "tiktok_ads"
    title = "TikTok Ads"
    family = "ads"
    credentials = (
        "A long-term access token of an app with the scopes Reporting and Ad Account Management (read), "
        "authorised by the advertiser (TikTok API for Business, My apps, Advertiser authorization)."
    )
    Settings = TikTokAdsSettings
    tables = (CAMPAIGN_REPORT,)
    patience: ClassVar[Patience] = Patience()

    def fetch(self, table: Table, window: Window) -> Iterator[Row]:
        named = subject(self.name, table, window)
        with self._client(named) as http:
            currency = self._advertiser(http, named).text("currency")
            first_day = window.first_day
            while first_day <= window.last_day:
                last_day = min(first_day + timedelta(days=CHUNK_DAYS - 1), window.last_day)
                yield from self._rows(http, first_day, last_day, currency, named)
                first_day = last_day + timedelta(days=1)

    def check(self) -> list[Finding]:
        yesterday = self.context.now().date() - timedelta(days=1)
        findings = []
        try:
            with self._client(self.name) as http:
                advertiser = self._advertiser(http, self.name)
                findings += [
                    Finding(self.name, "ok", f"The advertiser {self.settings.advertiser_id} can be read."),
                    self._zone_finding(advertiser.text("timezone")),
                ]
                list(self._rows(http, yesterday, yesterday, advertiser.text("currency"), self.name))
        except EcomError as error:
            return [*findings, Finding(self.name, "error", f"{error.what} {error.why}", error.mend)]
        return [*findings, Finding(f"{self.name}, reporting", "ok", "Its reports can be read.")]

    def _zone_finding(self, zone: str) -> Finding:
        shops, named = self.context.time_zone, f"{self.name}, time zone"
        if zone == shops:
            return Finding(named, "ok", f"The advertiser's days are the shop's: {shops}.")
        detail = f"The advertiser's days are those of {zone}, the shop's those of {shops}."
        mend = "An advertiser's time zone is fixed: expect small shifts of spend between neighbouring days."
        return Finding(named, "warning", detail, mend)

    def _rows(
        self, http: HttpClient, first_day: date, last_day: date, currency: str, named: str
    ) -> Iterator[Row]:
        settings = self.settings
        payments, value = settings.payments_metric, settings.payment_value_metric
        metrics = ["campaign_name", "spend", "impressions", "clicks", payments, value]
        params = report_params(settings.advertiser_id, first_day, last_day, metrics, PAGE_ROWS)

        def page_from(offset: int) -> tuple[Sequence[Row], int]:
            place = {"page": offset // PAGE_ROWS + 1}
            # Without the slash at its end the address does not exist.
            answer = http.get_json(f"{API}/report/integrated/get/", params | place)
            return parsed_page(answer, currency, payments, value, named)

        yield from by_offset(page_from, named)

    def _advertiser(self, http: HttpClient, named: str) -> Fields:
        """Currency and time zone of the account; nothing else of it is asked for."""
        asked = {
            "advertiser_ids": json.dumps([self.settings.advertiser_id]),
            "fields": json.dumps(["advertiser_id", "currency", "timezone"]),
        }
        answer = http.get_json(f"{API}/advertiser/info/", asked)
        found = Fields(answer, "answer", named).inner("data").items("list")
        if not found:
            raise AuthenticationError(
                f"{named}: the advertiser {self.settings.advertiser_id} is not among those the token may read.",
                mend=self.credentials,
            )
        return Fields(found[0], "advertiser", named)

    def _client(self, named: str) -> HttpClient:
        settings = self.settings

        def throttled(status: int, headers: Mapping[str, str], body: Any) -> float | None:
            return settings.throttle_seconds if is_throttled(body) else None

        return HttpClient(
            settings.base_url,
            subject=named,
            credentials=self.credentials,
            headers={"Access-Token": settings.access_token},
            throttle=throttled,
            explain=explained,
            recognize=recognized,
            patience=self.patience,
        )
