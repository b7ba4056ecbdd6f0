"""PayPal as a source: an app of the merchant's own, its movements day by day and its disputes."""

from __future__ import annotations

import base64
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import date, datetime, timedelta
from itertools import chain, islice
from typing import Any, ClassVar, Literal
from urllib.parse import parse_qsl, urlsplit
from zoneinfo import ZoneInfo

from pydantic import SecretStr

from ecom_pipeline.errors import EcomError
from ecom_pipeline.sources.contract import Finding, Row, Source, SourceSettings, Table, Window
from ecom_pipeline.sources.failures import Failure, TooMuchAskedError
from ecom_pipeline.sources.fields import Fields
from ecom_pipeline.sources.http import HttpClient, Patience, subject
from ecom_pipeline.sources.pagination import by_cursor, by_page_number
from ecom_pipeline.sources.paypal.tables import DISPUTES, TRANSACTIONS, dispute_row, transaction_row

PAGE = 500
DISPUTES_PAGE = 50
LONGEST = 31  # days of one search
SECOND = timedelta(seconds=1)
SHORTEST = timedelta(minutes=1)  # a shorter search that still finds too much is not worth halving
REMEMBERED = timedelta(days=180) - timedelta(
    hours=1
)  # disputes updated before are not listed; the hour is for clocks
TOO_LARGE = "RESULTSET_TOO_LARGE"
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
    family = "payments"
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
            yield from self._between(http, part.start_at, part.end_at - SECOND, named)
            first = last + timedelta(days=1)

    def _between(self, http: HttpClient, start_at: datetime, end_at: datetime, named: str) -> Iterator[Row]:
        """The movements begun between two instants; where they are too many to list, each half by itself."""
        params = {
            "start_date": _written(start_at),
            "end_date": _written(end_at),
            "fields": "transaction_info",
            "balance_affecting_records_only": "Y",
            "page_size": PAGE,
        }

        def page_at(number: int) -> tuple[Sequence[Any], int | None]:
            answer = Fields(
                http.get_json("v1/reporting/transactions", {**params, "page": number}), "answer", named
            )
            more = number < answer.integer("total_pages")
            return answer.items("transaction_details"), number + 1 if more else None

        found = by_page_number(page_at, named)
        try:
            begun = list(islice(found, 1))
        except TooMuchAskedError:
            if end_at - start_at < SHORTEST:
                raise
            middle = start_at + timedelta(seconds=(end_at - start_at) // SECOND // 2)
            yield from self._between(http, start_at, middle, named)
            yield from self._between(http, middle + SECOND, end_at, named)
            return
        for item in chain(begun, found):
            yield transaction_row(Fields(item, "transaction", named), self.settings.order_field, self._day_of)

    def _disputes(self, http: HttpClient, window: Window, named: str) -> Iterator[Row]:
        oldest = window.asked_at - REMEMBERED
        if window.end_at <= oldest:
            return
        params: dict[str, Any] = {
            "update_time_after": _written(max(window.start_at, oldest)),
            "page_size": DISPUTES_PAGE,
        }
        if not window.reaches_newest:
            params["update_time_before"] = _written(window.end_at - SECOND)

        def page_after(query: str | None) -> tuple[Sequence[Any], str | None]:
            asked = params if query is None else dict(parse_qsl(query))
            answer = Fields(http.get_json("v1/customer/disputes", asked), "answer", named)
            return answer.items("items"), _next_query(answer)

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
            recognize=_recognized,
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


def _next_query(answer: Fields) -> str | None:
    """What to ask for the next page: PayPal tells it in a link, by a token or by a number."""
    for link in answer.items("links"):
        told = Fields(link, "link", answer.subject)
        if told.text("rel") == "next":
            return urlsplit(told.text("href")).query or None
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


def _recognized(status: int, body: Any) -> Failure | None:
    """A search that found more than may be listed is refused like a wrong one; only its name tells."""
    if isinstance(body, dict) and body.get("name") == TOO_LARGE:
        return Failure(TooMuchAskedError, TOO_LARGE, again=False, status=status)
    return None
