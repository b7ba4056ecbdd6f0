"""Sendcloud as a source: reports of parcels, ordered, waited for and fetched."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any, ClassVar, Literal
from zoneinfo import ZoneInfo

from pydantic import Field, SecretStr

from ecom_pipeline.errors import EcomError, SourceError
from ecom_pipeline.sources.contract import Finding, Row, Source, SourceSettings, Table, Window
from ecom_pipeline.sources.failures import RefusedError
from ecom_pipeline.sources.fields import Fields
from ecom_pipeline.sources.http import HttpClient, Patience, subject
from ecom_pipeline.sources.sendcloud.distances import BY_AIR, is_by_air, kilometres_to
from ecom_pipeline.sources.sendcloud.tables import (
    DIRECTIONS,
    PARCELS,
    REPORT_FIELDS,
    own_columns,
    read_report,
)

REPORTS = "api/v3/reporting/parcels"
UNDER_WAY = ("queued", "generating")
FIRST_POLL, LONGEST_POLL, LONGEST_WAIT = 0.25, 10.0, 900.0
KEYS_PAGE = "Sendcloud, Settings, Integrations, Sendcloud API"


class SendcloudSettings(SourceSettings):
    """One account.

    `integrations` says which of the shops in `ecom.toml` each of the account's integrations is, by its number:
    order numbers are unique within one shop only. `delivery_days` is how long a parcel may be on its way: so
    far back parcels are read again. `kilometres` and `by_air` replace the distances from a warehouse near Paris.
    """

    public_key: SecretStr
    secret_key: SecretStr
    integrations: dict[str, str] = Field(default={}, examples=['{ "12345" = "shop" }'])
    delivery_days: int = Field(default=45, ge=1, le=366)
    weight_unit: Literal["kg", "g"] = "kg"
    kilometres: dict[str, int] = Field(default={}, examples=["{ DE = 700 }"])
    by_air: tuple[str, ...] = BY_AIR
    base_url: str = "https://panel.sendcloud.sc"


class Sendcloud(Source):
    """Parcels of one Sendcloud account: when they left, when they arrived, who carried them."""

    vendor = "sendcloud"
    title = "Sendcloud"
    family = "logistics"
    credentials = (
        f"The public and the secret key of an API integration, shown under {KEYS_PAGE}; the account's plan must "
        "include reporting."
    )
    Settings = SendcloudSettings
    tables = (PARCELS,)
    patience: ClassVar[Patience] = Patience()

    @classmethod
    def declared_tables(cls, settings: Any) -> tuple[Table, ...]:
        return (replace(PARCELS, restate_days=settings.delivery_days),)

    def fetch(self, table: Table, window: Window) -> Iterator[Row]:
        named = subject(self.name, table, window)
        with self._client(named) as http:
            for direction in DIRECTIONS:
                yield from self._parcels(http, direction, window, named)

    def check(self) -> list[Finding]:
        now = self.context.now()
        try:
            with self._client(self.name) as http:
                self._order(http, DIRECTIONS[0], now - timedelta(days=1), now)
        except EcomError as error:
            return [Finding(self.name, "error", f"{error.what} {error.why}", error.mend)]
        return [Finding(self.name, "ok", "Reports of parcels can be made.")]

    def _parcels(self, http: HttpClient, direction: str, window: Window, named: str) -> Iterator[Row]:
        """The window's parcels; a window with too many for one report is read in halves."""
        try:
            report = self._order(http, direction, window.start_at, window.end_at)
        except RefusedError as error:
            if error.status != 400 or "row limit" not in error.why or window.first_day == window.last_day:
                raise
            middle = window.first_day + (window.last_day - window.first_day) / 2
            for half in (
                replace(window, last_day=middle),
                replace(window, first_day=middle + timedelta(days=1)),
            ):
                yield from self._parcels(http, direction, half, named)
            return
        content = http.get_bytes(self._finished(http, report.text("id"), named))
        for item in read_report(content, named):
            row = self._row(item)
            # The report's bounds are both inclusive: the next day's first instant is not ours.
            if window.first_day <= row["day"] <= window.last_day:
                yield row

    def _row(self, item: Fields) -> dict[str, Any]:
        row = own_columns(item, self.settings.weight_unit)
        settings, country = self.settings, row["country"]
        integration = item.optional_text("integration_id")
        return row | {
            "day": row["announced_at"].astimezone(ZoneInfo(self.context.time_zone)).date(),
            "shop": settings.integrations.get(integration),
            "kilometres": kilometres_to(country, settings.kilometres),
            "by_air": is_by_air(country, settings.kilometres, settings.by_air),
        }

    def _order(self, http: HttpClient, direction: str, start_at: datetime, end_at: datetime) -> Fields:
        """Order a report. Ordering it twice makes two and harms nothing."""
        filters = {
            "announced_after": _written(start_at),
            "announced_before": _written(end_at),
            "direction": direction,
        }
        answer = http.post_json(REPORTS, {"fields": list(REPORT_FIELDS), "filters": filters})
        return Fields(answer, "report", http.subject)

    def _finished(self, http: HttpClient, report_id: str, named: str) -> str:
        """The address of the report's file, as soon as it is there."""
        waited, pause = 0.0, FIRST_POLL
        while True:
            report = Fields(http.get_json(f"{REPORTS}/{report_id}"), "report", named)
            status = report.text("status")
            if status == "ready":
                return report.text("url")
            if status not in UNDER_WAY or waited >= LONGEST_WAIT:
                raise SourceError(
                    f"{named}: Sendcloud made no report.",
                    why=f"After {waited:.0f} seconds its state is {status}.",
                    mend="Run this window again later.",
                )
            http.pause(pause)
            waited += pause
            pause = min(2 * pause, LONGEST_POLL)

    def _client(self, named: str) -> HttpClient:
        public, secret = self.settings.public_key, self.settings.secret_key
        pair = f"{public.get_secret_value()}:{secret.get_secret_value()}"
        token = base64.b64encode(pair.encode()).decode()
        return HttpClient(
            self.settings.base_url,
            subject=named,
            credentials=self.credentials,
            headers={"Authorization": SecretStr(f"Basic {token}")},
            secrets=[public, secret, token],
            explain=_explained,
            patience=self.patience,
        )


def _written(at: datetime) -> str:
    return f"{at:%Y-%m-%dT%H:%M:%SZ}"


def _explained(body: Any) -> str:
    """Code and detail of Sendcloud's errors; they speak of the request, which holds nothing personal."""
    errors = body.get("errors") if isinstance(body, dict) else None
    if not isinstance(errors, list):
        return ""
    told = (error for error in errors if isinstance(error, dict))
    return "; ".join(f"{error.get('code', '')}: {error.get('detail', '')}" for error in told)
