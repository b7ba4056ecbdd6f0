"""Stripe as a source: a restricted key, five lists, newest first."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date, datetime
from typing import Any, ClassVar
from zoneinfo import ZoneInfo

from pydantic import SecretStr

from ecom_pipeline.errors import AuthenticationError, EcomError, SchemaError
from ecom_pipeline.sources.contract import Finding, Row, Source, SourceSettings, Table, Window
from ecom_pipeline.sources.fields import Fields
from ecom_pipeline.sources.http import HttpClient, Patience, subject
from ecom_pipeline.sources.pagination import starting_after
from ecom_pipeline.sources.stripe.tables import STREAMS, Stream, created_row

PAGE = 100
KEYS_PAGE = "Stripe Dashboard, Developers, API keys"


class StripeSettings(SourceSettings):
    """`account` is a connected account's id, for platforms only.

    `order_metadata` is the metadata key under which the shop writes its order on a charge.
    """

    api_key: SecretStr
    account: str | None = None
    order_metadata: str = "order_id"
    api_version: str = "2026-10-28.endive"
    base_url: str = "https://api.stripe.com"


class Stripe(Source):
    """Payments, fees, refunds, payouts and disputes from Stripe."""

    vendor = "stripe"
    title = "Stripe"
    family = "payments"
    credentials = (
        "A restricted key (rk_…) with Read on Balance transactions, Charges, Refunds, Payouts and Disputes, "
        f"made under {KEYS_PAGE}."
    )
    Settings = StripeSettings
    tables = tuple(stream.table for stream in STREAMS)
    patience: ClassVar[Patience] = Patience()

    def fetch(self, table: Table, window: Window) -> Iterator[Row]:
        stream = next(stream for stream in STREAMS if stream.table.name == table.name)
        named = subject(self.name, table, window)
        created = {
            "created[gte]": int(window.start_at.timestamp()),
            "created[lt]": int(window.end_at.timestamp()),
        }
        with self._client(named) as http:

            def page_after(last: str | None) -> tuple[Sequence[Any], bool]:
                return self._page(http, stream, created | ({"starting_after": last} if last else {}), named)

            for item in starting_after(page_after, lambda item: str(item["id"]), named):
                fields = Fields(item, table.name, named)
                yield created_row(fields, self.settings.order_metadata, self._local_day, stream)

    def check(self) -> list[Finding]:
        findings = []
        key = self.settings.api_key.get_secret_value()
        if key.startswith("sk_"):
            detail = "The key is a secret key: it may move money."
            findings.append(Finding(self.name, "warning", detail, f"Use instead: {self.credentials}"))
        with self._client(self.name) as http:
            for stream in STREAMS:
                finding, goes_on = self._try(http, stream)
                findings.append(finding)
                if not goes_on:
                    break
        return findings

    def _try(self, http: HttpClient, stream: Stream) -> tuple[Finding, bool]:
        """What one cheap request for the stream tells, and whether the others are worth trying."""
        named = f"{self.name}, {stream.table.name}"
        try:
            self._page(http, stream, {"limit": 1}, named)
        except AuthenticationError as error:
            if "status 403" not in error.why:
                detail = f"The key is refused. {error.why}"
                return Finding(self.name, "error", detail, self.credentials), False
            mend = f"Edit the key ({KEYS_PAGE}) and give it Read on {stream.right}."
            return Finding(named, "error", f"The key lacks the right to read {stream.right}.", mend), True
        except EcomError as error:
            return Finding(named, "error", f"{error.what} {error.why}", error.mend), True
        return Finding(named, "ok", f"{stream.right} can be read."), True

    def _page(
        self, http: HttpClient, stream: Stream, params: dict[str, Any], named: str
    ) -> tuple[Sequence[Any], bool]:
        expand = {"expand[]": list(stream.expand)} if stream.expand else {}
        answer = Fields(http.get_json(stream.path, {"limit": PAGE, **params, **expand}), "list", named)
        items = answer.items("data")
        if not all(isinstance(item, dict) and isinstance(item.get("id"), str) for item in items):
            what = f"{named}: the vendor sent an object without an id."
            raise SchemaError(what, why="Stripe changed its API.", mend="Nothing was stored of this table.")
        return items, answer.boolean("has_more")

    def _client(self, named: str) -> HttpClient:
        settings = self.settings
        headers = {"Stripe-Version": settings.api_version}
        if settings.account:
            headers["Stripe-Account"] = settings.account
        key = settings.api_key.get_secret_value()
        return HttpClient(
            settings.base_url,
            subject=named,
            credentials=self.credentials,
            headers={**headers, "Authorization": SecretStr(f"Bearer {key}")},
            secrets=[settings.api_key],
            explain=_explained,
            patience=self.patience,
        )

    def _local_day(self, instant: datetime) -> date:
        return instant.astimezone(ZoneInfo(self.context.time_zone)).date()


def _explained(body: Any) -> str:
    """Type, code and parameter of Stripe's error; its message quotes parts of keys and addresses."""
    error = body.get("error") if isinstance(body, dict) else None
    if not isinstance(error, dict):
        return ""
    return ", ".join(str(error[name]) for name in ("type", "code", "param") if error.get(name))
