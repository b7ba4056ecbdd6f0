"""Klaviyo as a source: one report of messages for a window, and every profile's consents, counted."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from datetime import date, datetime, time, timedelta
from typing import Any, ClassVar
from zoneinfo import ZoneInfo

from pydantic import Field, SecretStr

from ecom_pipeline.errors import AuthenticationError, EcomError
from ecom_pipeline.sources.contract import Finding, Row, Source, SourceSettings, Table, Window
from ecom_pipeline.sources.fields import Fields
from ecom_pipeline.sources.http import HttpClient, Patience, subject
from ecom_pipeline.sources.klaviyo.tables import (
    CONSENTS,
    GROUPS,
    MEDIA,
    MESSAGES,
    PROFILE_FIELDS,
    STATISTICS,
    consent_rows,
    message_row,
    sent_day,
)
from ecom_pipeline.sources.pagination import by_cursor

PAGE = 100
JSON_API = "application/vnd.api+json"
REPORTS = "api/campaign-values-reports"
LONGEST_TIMEFRAME = timedelta(days=364)  # a report covers a year at most
PART_DAYS = 300  # of a longer window; the rest of the year is left for what comes late
KEYS_PAGE = "Klaviyo, Settings, API keys, Create private API key"


class KlaviyoSettings(SourceSettings):
    """One account.

    `conversion_metric_id` is the metric whose events are conversions, the shop's Placed Order (Klaviyo,
    Analytics, Metrics: the id in its address); `currency` that of its values. `conversion_days` is how long
    after a message an order may still count for it (the account's attribution window): so far back messages
    are read again.
    """

    api_key: SecretStr
    conversion_metric_id: str = Field(min_length=1, examples=['"RESQ6t"'])
    currency: str = Field(pattern=r"^[A-Z]{3}$", examples=['"EUR"'])
    conversion_days: int = Field(default=30, ge=1, le=90)
    revision: str = Field(default="2026-07-15", pattern=r"^\d{4}-\d{2}-\d{2}$", examples=['"2026-07-15"'])
    base_url: str = "https://a.klaviyo.com"


class Klaviyo(Source):
    """Campaigns of one Klaviyo account, and how many people it may write to."""

    vendor = "klaviyo"
    title = "Klaviyo"
    family = "crm"
    credentials = f"A private API key with read access to campaigns and profiles ({KEYS_PAGE}, Custom)."
    Settings = KlaviyoSettings
    tables = (MESSAGES, CONSENTS)
    patience: ClassVar[Patience] = Patience()

    @classmethod
    def declared_tables(cls, settings: Any) -> tuple[Table, ...]:
        return replace(MESSAGES, restate_days=settings.conversion_days), CONSENTS

    def fetch(self, table: Table, window: Window) -> Iterator[Row]:
        named = subject(self.name, table, window)
        with self._client(named) as http:
            if table.name == CONSENTS.name:
                yield from consent_rows(self._profiles(http, named), window)
                return
            for part in _parts(window):
                yield from self._messages(http, part, named)

    def check(self) -> list[Finding]:
        now = self.context.now()
        attempts: dict[str, Callable[[HttpClient], Any]] = {
            "campaigns": lambda http: http.get_json(
                "api/campaigns", _campaigns_asked("email", False, now, 1)
            ),
            "profiles": lambda http: http.get_json("api/profiles", _profiles_asked(1)),
            "conversions": lambda http: http.post_json(
                REPORTS, self._report_asked(now - timedelta(days=1), now), headers={"Content-Type": JSON_API}
            ),
        }
        findings = []
        for what, attempt in attempts.items():
            named = f"{self.name}, {what}"
            try:
                with self._client(self.name) as http:
                    attempt(http)
            except AuthenticationError as error:
                findings.append(Finding(named, "error", f"{error.what} {error.why}", self.credentials))
            except EcomError as error:
                mend = "Check conversion_metric_id in ecom.toml." if what == "conversions" else error.mend
                findings.append(Finding(named, "error", f"{error.what} {error.why}", mend))
            else:
                findings.append(Finding(named, "ok", f"The account's {what} can be read."))
        return findings

    def _messages(self, http: HttpClient, window: Window, named: str) -> Iterator[Row]:
        """The messages sent in a window: those a report tells of, named by the campaigns' list."""
        results = self._results(http, window, named)
        for medium in MEDIA:
            for archived in (False, True):
                asked = _campaigns_asked(medium, archived, window.end_at, PAGE)
                for item in self._pages(http, "api/campaigns", asked, named):
                    campaign = Fields(item, "campaign", named)
                    day = sent_day(campaign, window.time_zone)
                    if day is None or not window.first_day <= day <= window.last_day:
                        continue
                    for result in results[campaign.text("id")]:
                        yield message_row(campaign, medium, day, result, self.settings.currency)

    def _results(self, http: HttpClient, window: Window, named: str) -> defaultdict[str, list[Fields]]:
        """What a report says of a window's messages, by campaign.

        Reports are few (225 a day), so one is made for all. It goes by the account's own days, of which the
        shop's may differ, and by when each person was written to, which may take hours: it begins a day
        earlier and ends now.
        """
        zone = ZoneInfo(window.time_zone)
        start = datetime.combine(window.first_day - timedelta(days=1), time(), zone)
        end = min(window.asked_at.astimezone(zone), start + LONGEST_TIMEFRAME)
        found: defaultdict[str, list[Fields]] = defaultdict(list)
        if start >= end:
            return found
        asked = self._report_asked(start, end)

        def page_at(following: str | None) -> tuple[list[Any], str | None]:
            answer = http.post_json(following or REPORTS, asked, headers={"Content-Type": JSON_API})
            report = Fields(answer, "report", named)
            data = report.inner("data").inner("attributes")
            return data.items("results"), _following(report)

        for item in by_cursor(page_at, named):
            result = Fields(item, "result", named)
            found[result.inner("groupings").text("campaign_id")].append(result)
        return found

    def _profiles(self, http: HttpClient, named: str) -> Iterator[Fields]:
        for item in self._pages(http, "api/profiles", _profiles_asked(PAGE), named):
            yield Fields(item, "profile", named)

    def _pages(self, http: HttpClient, path: str, asked: Mapping[str, Any], named: str) -> Iterator[Any]:
        def page_at(following: str | None) -> tuple[list[Any], str | None]:
            answer = http.get_json(following) if following else http.get_json(path, asked)
            page = Fields(answer, "answer", named)
            return page.items("data"), _following(page)

        return by_cursor(page_at, named)

    def _report_asked(self, start: datetime, end: datetime) -> dict[str, Any]:
        attributes = {
            "statistics": list(STATISTICS),
            "timeframe": {"start": _written(start), "end": _written(end)},
            "conversion_metric_id": self.settings.conversion_metric_id,
            "group_by": list(GROUPS),
        }
        return {"data": {"type": "campaign-values-report", "attributes": attributes}}

    def _client(self, named: str) -> HttpClient:
        key = self.settings.api_key
        return HttpClient(
            self.settings.base_url,
            subject=named,
            credentials=self.credentials,
            headers={
                "Authorization": SecretStr(f"Klaviyo-API-Key {key.get_secret_value()}"),
                "revision": self.settings.revision,
                "Accept": JSON_API,
            },
            secrets=[key],
            explain=_explained,
            patience=self.patience,
        )


def _parts(window: Window) -> Iterator[Window]:
    first: date = window.first_day
    while first <= window.last_day:
        last = min(first + timedelta(days=PART_DAYS - 1), window.last_day)
        yield replace(window, first_day=first, last_day=last)
        first = last + timedelta(days=1)


def _campaigns_asked(medium: str, archived: bool, before: datetime, size: int) -> dict[str, Any]:
    """Campaigns of a channel that were begun before an instant: when they are sent is no filter."""
    conditions = (
        f"equals(messages.channel,'{medium}')",
        f"equals(archived,{str(archived).lower()})",
        f"less-than(created_at,{before:%Y-%m-%dT%H:%M:%SZ})",
    )
    return {
        "filter": f"and({','.join(conditions)})",
        "fields[campaign]": "name,send_time",
        "sort": "created_at",
        "page[size]": size,
    }


def _profiles_asked(size: int) -> dict[str, Any]:
    return {
        "additional-fields[profile]": "subscriptions",
        "fields[profile]": ",".join(PROFILE_FIELDS),
        "sort": "created",
        "page[size]": size,
    }


def _following(page: Fields) -> str | None:
    """The address of the next page."""
    following = page.inner("links").item.get("next")
    return str(following) if following else None


def _written(at: datetime) -> str:
    return at.isoformat(timespec="seconds")


def _explained(body: Any) -> str:
    """Code and detail of Klaviyo's errors; they speak of the request, which holds nothing personal."""
    errors = body.get("errors") if isinstance(body, dict) else None
    if not isinstance(errors, list):
        return ""
    told = (error for error in errors if isinstance(error, dict))
    return "; ".join(f"{error.get('code', '')}: {error.get('detail', '')}" for error in told)
