"""Meta Ads as a source: one ad account, read with a system user's token."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import date, timedelta
from typing import Any, ClassVar, Literal

from pydantic import Field, SecretStr, field_validator

from ecom_pipeline.errors import EcomError
from ecom_pipeline.sources.contract import Finding, Row, Source, SourceSettings, Table, Window
from ecom_pipeline.sources.failures import TooMuchAskedError
from ecom_pipeline.sources.fields import Fields
from ecom_pipeline.sources.http import HttpClient, Patience, subject
from ecom_pipeline.sources.meta_ads.insights import (
    CAMPAIGN_INSIGHTS,
    action_types,
    parsed_row,
    report_params,
)
from ecom_pipeline.sources.meta_graph import explained, is_nearly_used_up, recognized, wait_for_access
from ecom_pipeline.sources.pagination import by_cursor

PAGE_ROWS = 500
CHUNK_DAYS = 31
CHECKED_DAYS = 28
ACCESS = "Meta Business settings, Users, System users"


class MetaAdsSettings(SourceSettings):
    """`ad_account_id` is the number after "act_".

    `purchase_action` is the one way of counting purchases that is taken; `attribution_windows` names the click
    window and the view window within which Meta attributes them. `throttle_seconds` is how long to wait when
    Meta refuses for too many requests and does not say for how long.
    """

    ad_account_id: str = Field(pattern=r"^\d+$", examples=['"1234567890"'])
    access_token: SecretStr
    purchase_action: str = Field(default="omni_purchase", min_length=1)
    attribution_windows: tuple[Literal["1d_click", "7d_click", "28d_click", "1d_view"], ...] = Field(
        default=("7d_click", "1d_view"), min_length=1
    )
    throttle_seconds: int = Field(default=60, ge=1)
    api_version: str = Field(default="v25.0", pattern=r"^v\d+\.\d+$", examples=['"v25.0"'])
    base_url: str = "https://graph.facebook.com"

    @field_validator("ad_account_id", mode="before")
    @classmethod
    def _without_prefix(cls, value: Any) -> Any:
        return value.removeprefix("act_") if isinstance(value, str) else value

    @field_validator("attribution_windows")
    @classmethod
    def _no_overlap(cls, windows: tuple[str, ...]) -> tuple[str, ...]:
        kinds = [window.split("_")[1] for window in windows]
        if len(kinds) != len(set(kinds)):
            raise ValueError("a longer window holds the shorter: name one of clicks and one of views at most")
        return windows


class MetaAds(Source):
    """Campaigns' cost, clicks and purchases from one Meta ad account."""

    vendor = "meta_ads"
    title = "Meta Ads"
    family = "ads"
    credentials = (
        f"A system user's access token with the permission ads_read only ({ACCESS}, Generate token), of a system "
        "user to whom the ad account is assigned with View performance."
    )
    Settings = MetaAdsSettings
    tables = (CAMPAIGN_INSIGHTS,)
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
                account = Fields(
                    http.get_json(self._account, {"fields": "currency,timezone_name"}), "account", self.name
                )
                return [
                    Finding(self.name, "ok", f"The ad account {self.settings.ad_account_id} can be read."),
                    self._zone_finding(account.text("timezone_name")),
                    self._purchase_finding(http),
                ]
        except EcomError as error:
            return [Finding(self.name, "error", f"{error.what} {error.why}", error.mend)]

    def _zone_finding(self, zone: str) -> Finding:
        shops, named = self.context.time_zone, f"{self.name}, time zone"
        if zone == shops:
            return Finding(named, "ok", f"The ad account's days are the shop's: {shops}.")
        detail = f"The ad account's days are those of {zone}, the shop's those of {shops}."
        mend = "An ad account's time zone is fixed: expect small shifts of spend between neighbouring days."
        return Finding(named, "warning", detail, mend)

    def _purchase_finding(self, http: HttpClient) -> Finding:
        """Whether the action type of the settings is among those the account counts."""
        last_day = self.context.now().date() - timedelta(days=1)
        first_day = last_day - timedelta(days=CHECKED_DAYS - 1)
        params = self._params(first_day, last_day) | {"level": "account", "fields": "actions"}
        params |= {"time_increment": "all_days"}
        del params["filtering"]
        answer = Fields(http.get_json(f"{self._account}/insights", params), "insights", self.name)
        kinds = {kind for item in answer.items("data") for kind in action_types(item, self.name)}
        chosen, named = self.settings.purchase_action, f"{self.name}, purchases"
        others = sorted(kind for kind in kinds if "purchase" in kind)
        if chosen in kinds or not others:
            return Finding(named, "ok", f"Purchases are counted as {chosen}.")
        detail = f"The account counts no {chosen} in {CHECKED_DAYS} days, but {', '.join(others)}."
        return Finding(named, "warning", detail, "Set purchase_action to the one of them that is yours.")

    def _rows(self, http: HttpClient, first_day: date, last_day: date, named: str) -> Iterator[Row]:
        """The rows of some days; asked for in halves when Meta cannot compute them at once."""
        given: set[tuple[Any, Any]] = set()
        try:
            for row in by_cursor(lambda after: self._page(http, first_day, last_day, after, named), named):
                given.add((row["day"], row["campaign_id"]))
                yield row
            return
        except TooMuchAskedError:
            if first_day == last_day:
                raise
        middle = first_day + (last_day - first_day) // 2
        for half in ((first_day, middle), (middle + timedelta(days=1), last_day)):
            for row in self._rows(http, *half, named):
                if (row["day"], row["campaign_id"]) not in given:
                    yield row

    def _page(
        self, http: HttpClient, first_day: date, last_day: date, after: str | None, named: str
    ) -> tuple[list[Row], str | None]:
        settings = self.settings
        place = {"after": after} if after else {}
        answer, headers = http.get_page(
            f"{self._account}/insights", self._params(first_day, last_day) | place
        )
        page = Fields(answer, "insights", named)
        rows = [
            parsed_row(item, settings.purchase_action, settings.attribution_windows, named)
            for item in page.items("data")
        ]
        following = _following(page)
        if following is not None and is_nearly_used_up(headers):
            http.pause(settings.throttle_seconds)
        return rows, following

    def _params(self, first_day: date, last_day: date) -> dict[str, str | int]:
        return report_params(first_day, last_day, self.settings.attribution_windows, PAGE_ROWS)

    @property
    def _account(self) -> str:
        return f"{self.settings.api_version}/act_{self.settings.ad_account_id}"

    def _client(self, named: str) -> HttpClient:
        settings = self.settings
        token = SecretStr(f"Bearer {settings.access_token.get_secret_value()}")

        def throttled(status: int, headers: Mapping[str, str], body: Any) -> float | None:
            return wait_for_access(status, headers, body, settings.throttle_seconds)

        return HttpClient(
            settings.base_url,
            subject=named,
            credentials=self.credentials,
            headers={"Authorization": token},
            secrets=[settings.access_token],
            throttle=throttled,
            explain=explained,
            recognize=recognized,
            patience=self.patience,
        )


def _following(page: Fields) -> str | None:
    """The cursor of the next page. Its ready-made address is never used: it holds the token."""
    if "next" not in (page.item.get("paging") or {}):
        return None
    return page.inner("paging").inner("cursors").text("after")
