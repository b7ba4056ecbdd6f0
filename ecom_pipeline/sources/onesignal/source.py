"""OneSignal as a source: one app, its messages from an instant on, and its reach today."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Any, ClassVar

from pydantic import Field, SecretStr

from ecom_pipeline.errors import AuthenticationError, EcomError
from ecom_pipeline.sources.contract import Finding, Row, Source, SourceSettings, Table, Window
from ecom_pipeline.sources.fields import Fields
from ecom_pipeline.sources.http import HttpClient, Patience, subject
from ecom_pipeline.sources.onesignal.tables import APP, KEPT, MESSAGES, app_row, is_push, message_row
from ecom_pipeline.sources.pagination import by_cursor

PAGE = 50
APP_KEYS = "OneSignal, the app's Settings, Keys & IDs"
ORGANIZATION_KEYS = "OneSignal, Organizations, Keys & IDs"


class OneSignalSettings(SourceSettings):
    """One app. How many devices it reaches is told to a key of the organisation only."""

    app_id: str = Field(min_length=1, examples=['"8250eaf6-1a58-489e-b136-7c74a864b434"'])
    api_key: SecretStr
    organization_api_key: SecretStr
    base_url: str = "https://api.onesignal.com"


class OneSignal(Source):
    """Pushes of one OneSignal app, and how many devices they reach."""

    vendor = "onesignal"
    title = "OneSignal"
    family = "crm"
    credentials = (
        f"A key of the app for its messages ({APP_KEYS}) and a key of the organisation for the app's reach "
        f"({ORGANIZATION_KEYS}); OneSignal has no keys that may only read, so restrict both to this machine's address."
    )
    Settings = OneSignalSettings
    tables = (MESSAGES, APP)
    patience: ClassVar[Patience] = Patience()

    def fetch(self, table: Table, window: Window) -> Iterator[Row]:
        named = subject(self.name, table, window)
        if table.name == APP.name:
            yield app_row(self._app(named))
        else:
            yield from self._messages(window, named)

    def check(self) -> list[Finding]:
        findings = []
        for what, keys in (("messages", APP_KEYS), ("reach", ORGANIZATION_KEYS)):
            named = f"{self.name}, {what}"
            try:
                if what == "reach":
                    app_row(self._app(self.name))
                else:
                    with self._client(self.settings.api_key, self.name) as http:
                        http.get_json("notifications", {"app_id": self.settings.app_id, "limit": 1})
            except AuthenticationError as error:
                mend = f"Copy the key of {self.settings.app_id} from {keys}."
                findings.append(Finding(named, "error", f"{error.what} {error.why}", mend))
            except EcomError as error:
                findings.append(Finding(named, "error", f"{error.what} {error.why}", error.mend))
            else:
                findings.append(Finding(named, "ok", f"The app's {what} can be read."))
        return findings

    def _app(self, named: str) -> Fields:
        with self._client(self.settings.organization_api_key, named) as http:
            return Fields(http.get_json(f"apps/{self.settings.app_id}"), "app", named)

    def _messages(self, window: Window, named: str) -> Iterator[Row]:
        """The pushes whose figures may have changed in the window: those sent in it, or up to a month before."""
        begin = window.start_at - KEPT - timedelta(seconds=1)  # the instant asked for is left out
        asked = {"app_id": self.settings.app_id, "limit": PAGE}
        with self._client(self.settings.api_key, named) as http:

            def page_at(token: str | None) -> tuple[list[Any], str | None]:
                offset = {"time_offset": token or f"{begin:%Y-%m-%dT%H:%M:%S}.000Z"}
                answer = Fields(http.get_json("notifications", asked | offset), "answer", named)
                page = answer.items("notifications")
                return page, str(answer.value("next_time_offset")) if page else None

            until = window.asked_at if window.reaches_newest else window.end_at
            for item in by_cursor(page_at, named):
                message = Fields(item, "message", named)
                if message.unix_time("send_after") >= until:
                    return
                if is_push(message) and not message.boolean("canceled"):
                    yield message_row(message, window.asked_at)

    def _client(self, key: SecretStr, named: str) -> HttpClient:
        return HttpClient(
            self.settings.base_url,
            subject=named,
            credentials=self.credentials,
            headers={"Authorization": SecretStr(f"Key {key.get_secret_value()}")},
            secrets=[key],
            explain=_explained,
            patience=self.patience,
        )


def _explained(body: Any) -> str:
    """OneSignal's errors: sentences about the request, which holds nothing personal."""
    errors = body.get("errors") if isinstance(body, dict) else None
    return "; ".join(str(error) for error in errors) if isinstance(errors, list) else ""
