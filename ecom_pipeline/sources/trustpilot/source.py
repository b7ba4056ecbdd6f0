"""Trustpilot as a source: reviews of one business unit by the day they were written.

The last month is read again each time, because reviews change and vanish.
"""

from __future__ import annotations

import base64
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import timedelta
from typing import Any, ClassVar
from zoneinfo import ZoneInfo

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
TOKEN_PATH = "v1/oauth/oauth-business-users-for-applications/accesstoken"
KEYS_PAGE = "Trustpilot Business, Integrations, Developers, APIs"
SECOND = timedelta(seconds=1)

REVIEWS = Table(
    name="reviews",
    grain="One review of the shop, with its stars.",
    change=Change.RESTATED,
    key=("id",),
    day="day",
    restate_days=31,
    columns=(
        Column("day", Type.DATE, required=True),
        Column("id", Type.STRING, required=True),
        Column("created_at", Type.TIMESTAMP, required=True),
        Column("stars", Type.INTEGER, required=True),
        Column("is_verified", Type.BOOLEAN, required=True),
        Column("status", Type.STRING, required=True),
    ),
    docs="Trustpilot API v1, Private reviews of a business unit: by the time they were written, by page.",
)


class TrustpilotSettings(SourceSettings):
    """One business unit."""

    business_unit_id: str
    api_key: SecretStr
    api_secret: SecretStr
    base_url: str = "https://api.trustpilot.com"


class Trustpilot(Source):
    """Reviews of the shop at Trustpilot."""

    vendor = "trustpilot"
    title = "Trustpilot"
    family = "service"
    credentials = f"API key and secret of an application made under {KEYS_PAGE}; the business unit's id stands there too."
    Settings = TrustpilotSettings
    tables = (REVIEWS,)
    patience: ClassVar[Patience] = Patience()

    def fetch(self, table: Table, window: Window) -> Iterator[Row]:
        named = subject(self.name, table, window)
        # Times are of whole seconds, and both bounds are included.
        params = {
            "startDateTime": f"{window.start_at:%Y-%m-%dT%H:%M:%S}",
            "endDateTime": f"{window.end_at - SECOND:%Y-%m-%dT%H:%M:%S}",
            "orderBy": "createdat.asc",
            "perPage": PAGE,
        }
        with self._client(named) as http:

            def page_at(number: int) -> tuple[Sequence[Any], int | None]:
                answer = Fields(http.get_json(self._path(), {**params, "page": number}), "answer", named)
                links = [Fields(link, "link", named).text("rel") for link in answer.items("links")]
                return answer.items("reviews"), number + 1 if "next-page" in links else None

            for item in by_page_number(page_at, named):
                review = Fields(item, "review", named)
                created_at = review.instant("createdAt")
                yield {
                    "day": created_at.astimezone(ZoneInfo(self.context.time_zone)).date(),
                    "id": review.text("id"),
                    "created_at": created_at,
                    "stars": review.integer("stars"),
                    "is_verified": review.boolean("isVerified"),
                    "status": review.text("status"),
                }

    def check(self) -> list[Finding]:
        try:
            with self._client(self.name) as http:
                http.get_json(self._path(), {"perPage": 1})
        except EcomError as error:
            return [Finding(self.name, "error", f"{error.what} {error.why}", error.mend)]
        return [Finding(self.name, "ok", "Reviews can be read.")]

    def _path(self) -> str:
        return f"v1/private/business-units/{self.settings.business_unit_id}/reviews"

    def _client(self, named: str) -> HttpClient:
        settings = self.settings
        return HttpClient(
            settings.base_url,
            subject=named,
            credentials=self.credentials,
            authorize=self._sign_in(named),
            secrets=[settings.api_key, settings.api_secret],
            patience=self.patience,
        )

    def _sign_in(self, named: str) -> Callable[[bool], Mapping[str, str]]:
        settings = self.settings
        pair = f"{settings.api_key.get_secret_value()}:{settings.api_secret.get_secret_value()}"
        basic = base64.b64encode(pair.encode()).decode()

        def authorize(_: bool) -> Mapping[str, str]:
            with HttpClient(
                settings.base_url,
                subject=f"{named}, signing in",
                credentials=self.credentials,
                headers={"Authorization": SecretStr(f"Basic {basic}")},
                secrets=[settings.api_key, settings.api_secret, basic],
                patience=self.patience,
            ) as http:
                answer = http.post_json(TOKEN_PATH, form={"grant_type": "client_credentials"})
            return {"Authorization": f"Bearer {Fields(answer, 'token', named).text('access_token')}"}

        return authorize
