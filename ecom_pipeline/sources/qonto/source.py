"""Qonto as a source: login and secret key of one organisation, its transactions account by account."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, ClassVar

from pydantic import SecretStr

from ecom_pipeline.errors import AuthenticationError, EcomError, SourceError
from ecom_pipeline.sources.contract import Finding, Row, Source, SourceSettings, Table, Window
from ecom_pipeline.sources.fields import Fields
from ecom_pipeline.sources.http import HttpClient, Patience, subject
from ecom_pipeline.sources.pagination import by_page_number
from ecom_pipeline.sources.qonto.tables import BALANCES, TRANSACTIONS, balance_row, transaction_row

PAGE = 100
PASSES = 5
STATUSES = ("pending", "completed", "declined")  # asked for by name: the API shows completed ones only
KEYS_PAGE = "Qonto, Settings, Integrations and partnerships, API key"


class QontoSettings(SourceSettings):
    login: SecretStr
    secret_key: SecretStr
    base_url: str = "https://thirdparty.qonto.com"


class Qonto(Source):
    """Movements and balances of an organisation's bank accounts at Qonto."""

    vendor = "qonto"
    title = "Qonto"
    family = "bank"
    credentials = f"The organisation's login and secret key, shown under {KEYS_PAGE}."
    Settings = QontoSettings
    tables = (TRANSACTIONS, BALANCES)
    patience: ClassVar[Patience] = Patience()

    def fetch(self, table: Table, window: Window) -> Iterator[Row]:
        named = subject(self.name, table, window)
        with self._client(named) as http:
            for account in self._accounts(http, named):
                if table.name == BALANCES.name:
                    yield balance_row(account, self.context.now())
                else:
                    for bounds in _asked(window):
                        yield from self._transactions(http, account.text("id"), bounds, named)

    def check(self) -> list[Finding]:
        try:
            with self._client(self.name) as http:
                accounts = self._accounts(http, self.name)
                organisation = Finding(
                    f"{self.name}, organisation", "ok", f"{len(accounts)} bank accounts can be read."
                )
                for account in accounts[:1]:
                    self._page(http, {"bank_account_id": account.text("id"), "per_page": 1}, 1, self.name)
        except AuthenticationError as error:
            return [Finding(self.name, "error", f"{error.what} {error.why}", self.credentials)]
        except EcomError as error:
            return [Finding(self.name, "error", f"{error.what} {error.why}", error.mend)]
        if not accounts:
            detail, mend = "The organisation has no bank account.", f"Check whose key it is: {KEYS_PAGE}."
            return [Finding(f"{self.name}, organisation", "error", detail, mend)]
        return [organisation, Finding(f"{self.name}, transactions", "ok", "Transactions can be read.")]

    def _accounts(self, http: HttpClient, named: str) -> list[Fields]:
        organisation = Fields(http.get_json("v2/organization"), "answer", named).inner("organization")
        return [Fields(account, "bank account", named) for account in organisation.items("bank_accounts")]

    def _transactions(
        self, http: HttpClient, account_id: str, bounds: Mapping[str, str], named: str
    ) -> Iterator[Row]:
        """All transactions within bounds.

        Pages are counted from the newest: a transaction that changes meanwhile moves the others to later
        pages, where they are met twice. One that leaves the bounds moves them to earlier pages, past the
        reader; then fewer are announced, and everything is read again.
        """
        params = {
            "bank_account_id": account_id,
            "status[]": list(STATUSES),
            "sort_by": "updated_at:desc",
            "per_page": PAGE,
            **bounds,
        }
        for _ in range(PASSES):
            totals: list[int] = []

            def page_at(number: int, totals: list[int] = totals) -> tuple[Sequence[Any], int | None]:
                items, following, total = self._page(http, params, number, named)
                totals.append(total)
                return items, following

            for item in by_page_number(page_at, named):
                yield transaction_row(Fields(item, "transaction", named), account_id)
            if min(totals) == totals[0]:
                return
        raise SourceError(
            f"{named}: the list of transactions kept changing while it was read.",
            why=f"It was read {PASSES} times, and each time transactions left it.",
            mend="Run this window again later.",
        )

    def _page(
        self, http: HttpClient, params: Mapping[str, Any], number: int, named: str
    ) -> tuple[Sequence[Any], int | None, int]:
        answer = Fields(http.get_json("v2/transactions", {**params, "current_page": number}), "answer", named)
        meta = answer.inner("meta")
        following = None if meta.value("next_page") is None else meta.integer("next_page")
        return answer.items("transactions"), following, meta.integer("total_count")

    def _client(self, named: str) -> HttpClient:
        login, key = self.settings.login.get_secret_value(), self.settings.secret_key.get_secret_value()
        return HttpClient(
            self.settings.base_url,
            subject=named,
            credentials=self.credentials,
            headers={"Authorization": SecretStr(f"{login}:{key}")},
            secrets=[self.settings.login, self.settings.secret_key],
            explain=_explained,
            patience=self.patience,
        )


def _asked(window: Window) -> list[dict[str, str]]:
    """The filters that together find what was touched in the window; bounds are inclusive at Qonto."""
    start_at = _written(window.start_at)
    if window.reaches_newest:
        return [{"updated_at_from": start_at}]
    last = _written(window.end_at - timedelta(milliseconds=1))
    return [
        {"updated_at_from": start_at, "updated_at_to": last},
        {"settled_at_from": start_at, "settled_at_to": last},
    ]


def _written(instant: datetime) -> str:
    return f"{instant:%Y-%m-%dT%H:%M:%S}.{instant.microsecond // 1000:03d}Z"


def _explained(body: Any) -> str:
    """The codes of Qonto's errors; their details may quote what was asked."""
    errors = body.get("errors") if isinstance(body, dict) else None
    if not isinstance(errors, list):
        return ""
    return ", ".join(str(error.get("code", "")) for error in errors if isinstance(error, dict))
