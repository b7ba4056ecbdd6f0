"""PayPal as a source: an app of the merchant's own, its movements day by day and its disputes."""

from __future__ import annotations

import base64
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import date, datetime, timedelta
from typing import Any, ClassVar, Literal
from urllib.parse import parse_qs, urlsplit
from zoneinfo import ZoneInfo

from pydantic import SecretStr

from ecom_pipeline.errors import EcomError
from ecom_pipeline.sources.contract import Finding, Row, Source, SourceSettings, Table, Window
from ecom_pipeline.sources.fields import Fields
from ecom_pipeline.sources.http import HttpClient, Patience, subject
from ecom_pipeline.sources.pagination import by_cursor, by_page_number
from ecom_pipeline.sources.paypal.tables import DISPUTES, TRANSACTIONS, dispute_row, transaction_row

PAGE = 500
DISPUTES_PAGE = 50
LONGEST = 31  # days of one search
SECOND = timedelta(seconds=1)
APPS_PAGE = "developer.paypal.com, Apps & Credentials, Live"


class PayPalSettings(SourceSettings):
    """One account. `order_field` is where the shop writes its order's number; plugins differ."""

    client_id: SecretStr
    client_secret: SecretStr
    order_field: Literal["invoice_id", "custom_field"] = "invoice_id"
    base_url: str = "https://api-m.paypal.com"


class PayPal(Source):
    """Movements of the balance and disputes of one PayPal account."""

    vendor = "paypal"
    title = "PayPal"
    credentials = (
        f"Client ID and secret of a live REST app with Transaction search and Customer disputes ticked and no other "
        f"feature, under {APPS_PAGE}."
    )
    Settings = PayPalSettings
    tables = (TRANSACTIONS, DISPUTES)
    patience: ClassVar[Patience] = Patience()

    def fetch(self, table: Table, window: Window) -> Iterator[Row]:
        named = subject(self.name, table, window)
        with self._client(named) as http:
            if table.name == DISPUTES.name:
                yield from self._disputes(http, window, named)
            else:
                yield from self._transactions(http, window, named)

    def check(self) -> list[Finding]:
        now = self.context.now()
        asked = {"start_date": _written(now - timedelta(days=1)), "end_date": _written(now), "page_size": 1}
        found = []
        for path, params, what in (
            ("v1/reporting/transactions", asked, "Transactions"),
            ("v1/customer/disputes", {"page_size": 1}, "Disputes"),
        ):
            name = f"{self.name}, {what.lower()}"
            try:
                with self._client(self.name) as http:
                    http.get_json(path, params)
            except EcomError as error:
                found.append(Finding(name, "error", f"{error.what} {error.why}", error.mend))
            else:
                found.append(Finding(name, "ok", f"{what} can be read."))
        return found

    def _transactions(self, http: HttpClient, window: Window, named: str) -> Iterator[Row]:
        first = window.first_day
        while first <= window.last_day:
            last = min(first + timedelta(days=LONGEST - 2), window.last_day)  # a day of 25 hours must fit
            part = Window(first, last, window.time_zone, window.asked_at)
            # Both bounds are included, and times are of whole seconds.
            params = {
                "start_date": _written(part.start_at),
                "end_date": _written(part.end_at - SECOND),
                "fields": "transaction_info",
                "balance_affecting_records_only": "Y",
                "page_size": PAGE,
            }

            def page_at(number: int, params: Mapping[str, Any] = params) -> tuple[Sequence[Any], int | None]:
                answer = Fields(
                    http.get_json("v1/reporting/transactions", {**params, "page": number}), "answer", named
                )
                more = number < answer.integer("total_pages")
                return answer.items("transaction_details"), number + 1 if more else None

            for item in by_page_number(page_at, named):
                yield transaction_row(
                    Fields(item, "transaction", named), self.settings.order_field, self._day_of
                )
            first = last + timedelta(days=1)

    def _disputes(self, http: HttpClient, window: Window, named: str) -> Iterator[Row]:
        params: dict[str, Any] = {"update_time_after": _written(window.start_at), "page_size": DISPUTES_PAGE}
        if not window.reaches_newest:
            params["update_time_before"] = _written(window.end_at - SECOND)

        def page_after(token: str | None) -> tuple[Sequence[Any], str | None]:
            asked = params if token is None else {**params, "next_page_token": token}
            answer = Fields(http.get_json("v1/customer/disputes", asked), "answer", named)
            return answer.items("items"), _next_token(answer)

        for item in by_cursor(page_after, named):
            yield dispute_row(Fields(item, "dispute", named))

    def _day_of(self, at: datetime) -> date:
        return at.astimezone(ZoneInfo(self.context.time_zone)).date()

    def _client(self, named: str) -> HttpClient:
        settings = self.settings
        return HttpClient(
            settings.base_url,
            subject=named,
            credentials=self.credentials,
            authorize=self._sign_in(named),
            secrets=[settings.client_id, settings.client_secret],
            explain=_explained,
            patience=self.patience,
        )

    def _sign_in(self, named: str) -> Callable[[bool], Mapping[str, str]]:
        settings = self.settings
        pair = f"{settings.client_id.get_secret_value()}:{settings.client_secret.get_secret_value()}"
        basic = base64.b64encode(pair.encode()).decode()

        def authorize(_: bool) -> Mapping[str, str]:
            with HttpClient(
                settings.base_url,
                subject=f"{named}, signing in",
                credentials=self.credentials,
                headers={"Authorization": SecretStr(f"Basic {basic}")},
                secrets=[settings.client_id, settings.client_secret, basic],
                explain=_explained,
                patience=self.patience,
            ) as http:
                answer = http.post_json("v1/oauth2/token", form={"grant_type": "client_credentials"})
            return {"Authorization": f"Bearer {Fields(answer, 'token', named).text('access_token')}"}

        return authorize


def _next_token(answer: Fields) -> str | None:
    """The cursor of the next page, which PayPal hides in a link."""
    for link in answer.items("links"):
        told = Fields(link, "link", answer.subject)
        if told.text("rel") == "next":
            tokens = parse_qs(urlsplit(told.text("href")).query).get("next_page_token")
            return tokens[0] if tokens else None
    return None


def _written(at: datetime) -> str:
    return f"{at:%Y-%m-%dT%H:%M:%SZ}"


def _explained(body: Any) -> str:
    """Name and issues of PayPal's errors; their messages may quote what was asked."""
    if not isinstance(body, dict):
        return ""
    details = body.get("details") or ()
    issues = [str(one.get("issue", "")) for one in details if isinstance(one, dict)]
    return ", ".join(filter(None, [str(body.get("name") or body.get("error") or ""), *issues]))
