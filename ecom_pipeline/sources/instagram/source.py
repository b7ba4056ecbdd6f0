"""Instagram as a source: one professional account, read through Meta's Graph API."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import date, timedelta
from typing import Any, ClassVar

from pydantic import Field, SecretStr

from ecom_pipeline.errors import EcomError
from ecom_pipeline.sources.contract import (
    Finding,
    Row,
    Source,
    SourceSettings,
    Table,
    Window,
    local_midnight,
)
from ecom_pipeline.sources.http import HttpClient, Patience, RefusedError, subject
from ecom_pipeline.sources.instagram.tables import (
    DAILY_INSIGHTS,
    PROFILE,
    REACH_28_DAYS,
    day_row,
    profile_row,
    series_rows,
)
from ecom_pipeline.sources.meta_graph import explained, recognized, wait_for_access

CHUNK_DAYS = 27  # with a day before and after it less than the 30 that Meta allows, on any calendar
ONE_DAY = timedelta(days=1)
SYSTEM_USERS = "Meta Business settings, Users, System users"


class InstagramMetrics(SourceSettings):
    """What Meta calls each figure today; it renames them now and then."""

    reach: str = "reach"
    impressions: str = "views"
    likes: str = "likes"
    comments: str = "comments"
    saves: str = "saved"
    shares: str = "shares"
    link_clicks: str = "link_clicks"


class InstagramSettings(SourceSettings):
    """`ig_user_id` is the number of the professional account in Meta's Graph API, not its name.

    `throttle_seconds` is how long to wait when Meta refuses for too many requests and does not say for how long.
    """

    ig_user_id: str = Field(pattern=r"^\d+$", examples=['"17841400000000000"'])
    access_token: SecretStr
    metrics: InstagramMetrics = InstagramMetrics()
    throttle_seconds: int = Field(default=60, ge=1)
    api_version: str = Field(default="v25.0", pattern=r"^v\d+\.\d+$", examples=['"v25.0"'])
    base_url: str = "https://graph.facebook.com"


class Instagram(Source):
    """Reach, views and reactions of one Instagram account, day by day, and its followers."""

    vendor = "instagram"
    title = "Instagram"
    family = "audience"
    credentials = (
        "A system user's access token with the permissions instagram_basic, instagram_manage_insights and "
        f"pages_read_engagement only ({SYSTEM_USERS}, Generate token), of a system user to whom the Instagram account "
        "and its page are assigned."
    )
    Settings = InstagramSettings
    tables = (DAILY_INSIGHTS, REACH_28_DAYS, PROFILE)
    patience: ClassVar[Patience] = Patience()

    def fetch(self, table: Table, window: Window) -> Iterator[Row]:
        named = subject(self.name, table, window)
        with self._client(named) as http:
            if table.name == PROFILE.name:
                yield profile_row(self._profile(http), named)
            elif table.name == REACH_28_DAYS.name:
                yield from self._reach(http, window, named)
            else:
                for day in window.days():
                    answer = self._totals(http, day, list(self._metrics.values()))
                    row = day_row(day, answer, self._metrics, named)
                    if row is not None:
                        yield row

    def check(self) -> list[Finding]:
        named = f"{self.name}, insights"
        try:
            with self._client(self.name) as http:
                profile_row(self._profile(http), self.name)
                profile = Finding(f"{self.name}, profile", "ok", "The number of followers can be read.")
                if refused := self._refused_metrics(http):
                    detail = f"Meta does not know, or does not tell, {', '.join(refused)} of this account."
                    mend = "Set metrics in the settings to what Meta's page on account insights names today."
                    return [profile, Finding(named, "error", detail, mend)]
                return [profile, Finding(named, "ok", "The account's insights can be read.")]
        except EcomError as error:
            return [Finding(self.name, "error", f"{error.what} {error.why}", error.mend)]

    def _refused_metrics(self, http: HttpClient) -> list[str]:
        """The metrics of the settings that Meta refuses; one of them spoils a whole request."""
        day = self.context.now().date() - 3 * ONE_DAY
        metrics = list(self._metrics.values())
        try:
            self._totals(http, day, metrics)
        except RefusedError:
            return [metric for metric in metrics if self._refuses(http, day, metric)] or metrics
        return []

    def _refuses(self, http: HttpClient, day: date, metric: str) -> bool:
        try:
            self._totals(http, day, [metric])
        except RefusedError:
            return True
        return False

    def _totals(self, http: HttpClient, day: date, metrics: list[str]) -> Any:
        since, until = (local_midnight(one, self.context.time_zone) for one in (day, day + ONE_DAY))
        params = {"metric": ",".join(metrics), "period": "day", "metric_type": "total_value"}
        bounds = {"since": int(since.timestamp()), "until": int(until.timestamp())}
        return http.get_json(f"{self._account}/insights", params | bounds)

    def _reach(self, http: HttpClient, window: Window, named: str) -> Iterator[Row]:
        """A day more is asked for at both ends: Meta's days are not the shop's."""
        first_day = window.first_day
        while first_day <= window.last_day:
            last_day = min(first_day + (CHUNK_DAYS - 1) * ONE_DAY, window.last_day)
            since = local_midnight(first_day - ONE_DAY, self.context.time_zone)
            until = min(local_midnight(last_day + 2 * ONE_DAY, self.context.time_zone), window.asked_at)
            params = {"metric": self._metrics["reach"], "period": "days_28", "metric_type": "time_series"}
            bounds = {"since": int(since.timestamp()), "until": int(until.timestamp())}
            answer = http.get_json(f"{self._account}/insights", params | bounds)
            rows = series_rows(answer, self.context.time_zone, named)
            yield from (row for row in rows if first_day <= row["day"] <= last_day)
            first_day = last_day + ONE_DAY

    def _profile(self, http: HttpClient) -> Any:
        return http.get_json(self._account, {"fields": "followers_count"})

    @property
    def _metrics(self) -> dict[str, str]:
        metrics: dict[str, str] = self.settings.metrics.model_dump()
        return metrics

    @property
    def _account(self) -> str:
        return f"{self.settings.api_version}/{self.settings.ig_user_id}"

    def _client(self, named: str) -> HttpClient:
        settings = self.settings

        def throttled(status: int, headers: Mapping[str, str], body: Any) -> float | None:
            return wait_for_access(status, headers, body, settings.throttle_seconds)

        return HttpClient(
            settings.base_url,
            subject=named,
            credentials=self.credentials,
            headers={"Authorization": SecretStr(f"Bearer {settings.access_token.get_secret_value()}")},
            secrets=[settings.access_token],
            throttle=throttled,
            explain=explained,
            recognize=recognized,
            patience=self.patience,
        )
