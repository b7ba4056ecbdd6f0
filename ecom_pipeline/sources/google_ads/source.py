"""Google Ads as a source: one account, read with a person's consent and the manager's developer token."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from datetime import timedelta
from functools import cached_property
from typing import Any, ClassVar

from pydantic import Field, SecretStr, field_validator

from ecom_pipeline.errors import AuthenticationError, EcomError
from ecom_pipeline.sources.contract import Finding, Row, Source, SourceSettings, Table, Window
from ecom_pipeline.sources.fields import Fields
from ecom_pipeline.sources.google_ads.report import CAMPAIGN_PERFORMANCE, parsed_stream, report_query
from ecom_pipeline.sources.google_auth import TOKEN_URL, GoogleToken, google_error, refresh_form
from ecom_pipeline.sources.http import HttpClient, Patience, subject

CHUNK_DAYS = 92
RETRY_DELAY = re.compile(r"(\d+(?:\.\d+)?)s")
TOKEN_PAGE = "Google Ads, manager account, Tools, API center"
ZONE_QUERY = "SELECT customer.id, customer.time_zone FROM customer LIMIT 1"


class GoogleAdsSettings(SourceSettings):
    """`customer_id` is the account with the campaigns, `login_customer_id` the manager account above it."""

    customer_id: str = Field(pattern=r"^\d{10}$", examples=['"123-456-7890"'])
    login_customer_id: str | None = Field(default=None, pattern=r"^\d{10}$", examples=['"123-456-7890"'])
    developer_token: SecretStr
    client_id: SecretStr
    client_secret: SecretStr
    refresh_token: SecretStr
    api_version: str = Field(default="v26", pattern=r"^v\d+$", examples=['"v26"'])
    base_url: str = "https://googleads.googleapis.com"
    token_url: str = TOKEN_URL

    @field_validator("customer_id", "login_customer_id", mode="before")
    @classmethod
    def _without_dashes(cls, value: Any) -> Any:
        return value.replace("-", "") if isinstance(value, str) else value


class GoogleAds(Source):
    """Campaigns' cost, clicks and conversions from one Google Ads account."""

    vendor = "google_ads"
    title = "Google Ads"
    family = "ads"
    credentials = (
        f"A developer token ({TOKEN_PAGE}) and an OAuth client's id and secret with a refresh token of a "
        "person with read-only access to the account (scope adwords; Google Ads, Admin, Access and security)."
    )
    Settings = GoogleAdsSettings
    tables = (CAMPAIGN_PERFORMANCE,)
    patience: ClassVar[Patience] = Patience()

    def fetch(self, table: Table, window: Window) -> Iterator[Row]:
        named = subject(self.name, table, window)
        with self._client(named) as http:
            first_day = window.first_day
            while first_day <= window.last_day:
                last_day = min(first_day + timedelta(days=CHUNK_DAYS - 1), window.last_day)
                yield from parsed_stream(self._search(http, report_query(first_day, last_day)), named)
                first_day = last_day + timedelta(days=1)

    def check(self) -> list[Finding]:
        try:
            with self._client(self.name) as http:
                answer = self._search(http, ZONE_QUERY)
            zone = Fields(answer[0]["results"][0], "result", self.name).inner("customer").text("timeZone")
        except AuthenticationError as error:
            return [self._refusal(error)]
        except EcomError as error:
            return [Finding(self.name, "error", f"{error.what} {error.why}", error.mend)]
        except (KeyError, IndexError, TypeError):
            detail = "The account does not tell its time zone."
            return [Finding(self.name, "error", detail, "Run the check again later.")]
        account = Finding(self.name, "ok", f"The account {self.settings.customer_id} can be read.")
        return [account, self._zone_finding(zone)]

    def _refusal(self, error: AuthenticationError) -> Finding:
        """Which of the three keys Google refuses, as far as its reasons tell."""
        if "DEVELOPER_TOKEN" in error.why:
            named, what = "developer token", "The developer token is refused."
            mend = f"Copy it from {TOKEN_PAGE}; a test token reads test accounts only."
        elif "PERMISSION" in error.why or "CUSTOMER" in error.why:
            named, what = "account", f"The account {self.settings.customer_id} cannot be read."
            mend = (
                "Give the person who consented read-only access (Google Ads, Admin, Access and security), "
                "and set login_customer_id to the manager account through which the access goes."
            )
        else:
            named, what, mend = "sign-in", "Google refuses the sign-in.", self.credentials
        return Finding(f"{self.name}, {named}", "error", f"{what} {error.why}", mend)

    def _zone_finding(self, zone: str) -> Finding:
        shops, named = self.context.time_zone, f"{self.name}, time zone"
        if zone == shops:
            return Finding(named, "ok", f"The account's days are the shop's: {shops}.")
        detail = f"The account's days are those of {zone}, the shop's those of {shops}."
        mend = "An account's time zone is fixed: expect small shifts of spend between neighbouring days."
        return Finding(named, "warning", detail, mend)

    def _search(self, http: HttpClient, query: str) -> Any:
        settings = self.settings
        path = f"{settings.api_version}/customers/{settings.customer_id}/googleAds:searchStream"
        return http.post_json(path, {"query": query})

    @cached_property
    def _token(self) -> GoogleToken:
        settings = self.settings
        form = refresh_form(settings.client_id, settings.client_secret, settings.refresh_token)
        return GoogleToken(
            settings.token_url,
            lambda _: form,
            now=self.context.now,
            subject=self.name,
            renewal=self.credentials,
            patience=self.patience,
        )

    def _client(self, named: str) -> HttpClient:
        settings = self.settings
        headers: dict[str, str | SecretStr] = {"developer-token": settings.developer_token}
        if settings.login_customer_id:
            headers["login-customer-id"] = settings.login_customer_id
        return HttpClient(
            settings.base_url,
            subject=named,
            credentials=self.credentials,
            headers=headers,
            authorize=self._token,
            secrets=[settings.client_id, settings.client_secret, settings.refresh_token],
            throttle=_throttled,
            explain=google_error,
            patience=self.patience,
        )


def _throttled(status: int, headers: Mapping[str, str], body: Any) -> float | None:
    """The delay a used-up quota asks for, deep in the error's details."""
    if status != 429:
        return None
    found = RETRY_DELAY.fullmatch(str(_retry_delay(body)))
    return float(found[1]) if found else None


def _retry_delay(body: Any) -> Any:
    try:
        (error,) = body if isinstance(body, list) else [body]
        return error["error"]["details"][0]["errors"][0]["details"]["quotaErrorDetails"]["retryDelay"]
    except (KeyError, IndexError, TypeError, ValueError):
        return None
