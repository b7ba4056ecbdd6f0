"""Zendesk as a source: the incremental export of tickets, and satisfaction ratings.

Of a ticket's words and people nothing is kept; whether it is a complaint is decided by its tags and its type on
arrival. The API cannot leave the words out, so they pass through memory and go no further.
"""

from __future__ import annotations

import base64
from collections.abc import Iterator, Mapping, Sequence
from datetime import timedelta
from typing import Any, ClassVar

from pydantic import Field, SecretStr

from ecom_pipeline.errors import EcomError
from ecom_pipeline.sources.complaints import COMPLAINT_TAGS, is_complaint
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
from ecom_pipeline.sources.pagination import PagingError, by_cursor

PAGE = 1000
RATINGS_PAGE = 100
EXPORT = "api/v2/incremental/tickets/cursor"
RATINGS_PATH = "api/v2/satisfaction_ratings"
SECOND = timedelta(seconds=1)
MEDIA = {
    "email": "email",
    "web": "web", "web_widget": "web", "help_center": "web",
    "chat": "chat", "native_messaging": "chat", "sms": "chat", "whatsapp": "chat", "line": "chat",
    "voice": "phone",
    "facebook": "social", "twitter": "social", "instagram_dm": "social",
}  # fmt: skip
TOKENS_PAGE = "Zendesk, Admin Center, Apps and integrations, APIs, Zendesk API"

TICKETS = Table(
    name="tickets",
    grain="One request of a customer, in its present state.",
    change=Change.LOG,
    key=("id",),
    version="touched_at",
    columns=(
        Column("id", Type.STRING, required=True),
        Column("status", Type.STRING, required=True),
        Column("medium", Type.STRING, required=True),
        Column("is_complaint", Type.BOOLEAN, required=True),
        Column("created_at", Type.TIMESTAMP, required=True),
        Column("touched_at", Type.TIMESTAMP, required=True),
        Column("solved_at", Type.TIMESTAMP),
        Column("first_reply_minutes", Type.INTEGER),
        Column("order_number", Type.STRING),
    ),
    docs="Zendesk Support API, Incremental ticket export by cursor, with metric sets: by generated_timestamp, which "
    "the system's own changes move too, unlike updated_at; deleted tickets included, the last minute left out.",
)
RATINGS = Table(
    name="ratings",
    grain="One answer to how the service was: good or bad.",
    change=Change.LOG,
    key=("id",),
    version="updated_at",
    columns=(
        Column("id", Type.STRING, required=True),
        Column("ticket_id", Type.STRING, required=True),
        Column("is_good", Type.BOOLEAN, required=True),
        Column("updated_at", Type.TIMESTAMP, required=True),
    ),
    docs="Zendesk Support API, Satisfaction ratings: good or bad, with or without a comment, which is not kept. "
    "start_time and end_time are about when a rating was made, which may be when it was asked for.",
)


class ZendeskSettings(SourceSettings):
    """One account.

    `order_field_id` is the ticket field that holds an order's number as customers know it, when there is one.
    `complaint_tags` may name ticket types too. `survey_days` is how long after it was sent a survey may still
    be answered.
    """

    email: str
    api_token: SecretStr
    base_url: str
    order_field_id: int | None = None
    complaint_tags: tuple[str, ...] = COMPLAINT_TAGS
    survey_days: int = Field(default=30, ge=1, le=366)


class Zendesk(Source):
    """Tickets and satisfaction ratings of one Zendesk account."""

    vendor = "zendesk"
    title = "Zendesk"
    family = "service"
    credentials = f"An API token under {TOKENS_PAGE}, and the e-mail of an administrator: Zendesk lets nobody else export."
    Settings = ZendeskSettings
    tables = (TICKETS, RATINGS)
    patience: ClassVar[Patience] = Patience()

    def fetch(self, table: Table, window: Window) -> Iterator[Row]:
        named = subject(self.name, table, window)
        with self._client(named) as http:
            yield from (self._tickets if table.name == TICKETS.name else self._ratings)(http, window, named)

    def check(self) -> list[Finding]:
        since = int((self.context.now() - timedelta(days=1)).timestamp())
        found = []
        for what, path, params in (
            ("tickets", EXPORT, {"start_time": since, "per_page": 1}),
            ("ratings", RATINGS_PATH, {"start_time": since}),
        ):
            try:
                with self._client(self.name) as http:
                    http.get_json(path, params)
            except EcomError as error:
                found.append(
                    Finding(f"{self.name}, {what}", "error", f"{error.what} {error.why}", error.mend)
                )
            else:
                found.append(Finding(f"{self.name}, {what}", "ok", f"{what.capitalize()} can be read."))
        return found

    def _tickets(self, http: HttpClient, window: Window, named: str) -> Iterator[Row]:
        """What was touched in the window. The export has no end: it is left at the first later ticket."""
        start = int((window.start_at - SECOND).timestamp())
        end_at = None if window.reaches_newest else window.end_at
        cursor: str | None = None
        seen: set[str] = set()
        while True:
            asked: dict[str, Any] = {"start_time": start} if cursor is None else {"cursor": cursor}
            answer = Fields(
                http.get_json(EXPORT, asked | {"include": "metric_sets", "per_page": PAGE}), "answer", named
            )
            metrics = _by_ticket(answer)
            for item in answer.items("tickets"):
                row = self._ticket(Fields(item, "ticket", named), metrics)
                if end_at is not None and row["touched_at"] >= end_at:
                    return
                if row["touched_at"] >= window.start_at:
                    yield row
            if answer.boolean("end_of_stream"):
                return
            cursor = answer.text("after_cursor")
            if cursor in seen:
                raise PagingError(named, f"After {len(seen)} pages a cursor came back that had been used.")
            seen.add(cursor)

    def _ticket(self, ticket: Fields, metrics: Mapping[int, Fields]) -> dict[str, Any]:
        number = ticket.integer("id")
        metric = metrics.get(number)
        reply = metric.inner("reply_time_in_minutes") if metric else None
        fields = [Fields(one, "custom field", ticket.subject) for one in ticket.items("custom_fields")]
        wanted = self.settings.order_field_id
        orders = [one.value("value") for one in fields if wanted is not None and one.integer("id") == wanted]
        return {
            "id": str(number),
            "status": ticket.text("status"),
            "medium": MEDIA.get(ticket.inner("via").text("channel"), "other"),
            "is_complaint": is_complaint(
                [*ticket.items("tags"), ticket.optional_text("type") or ""], self.settings.complaint_tags
            ),
            "created_at": ticket.instant("created_at"),
            "touched_at": ticket.unix_time("generated_timestamp"),
            "solved_at": metric.optional_instant("solved_at") if metric else None,
            "first_reply_minutes": reply.integer("calendar")
            if reply and reply.value("calendar") is not None
            else None,
            "order_number": str(orders[0]).strip() if orders and orders[0] else None,
        }

    def _ratings(self, http: HttpClient, window: Window, named: str) -> Iterator[Row]:
        """What was answered in the window; it may have been asked for some days before."""
        asked_since = window.start_at - timedelta(days=self.settings.survey_days)
        params: dict[str, Any] = {
            "start_time": int(asked_since.timestamp()),
            "page[size]": RATINGS_PAGE,
            "score": "received",
        }
        if not window.reaches_newest:
            params["end_time"] = int((window.end_at - SECOND).timestamp())

        def page_after(cursor: str | None) -> tuple[Sequence[Any], str | None]:
            asked = params if cursor is None else {**params, "page[after]": cursor}
            answer = Fields(http.get_json(RATINGS_PATH, asked), "answer", named)
            meta = answer.inner("meta")
            return answer.items("satisfaction_ratings"), meta.text("after_cursor") if meta.boolean(
                "has_more"
            ) else None

        for item in by_cursor(page_after, named):
            rating = Fields(item, "rating", named)
            score, updated_at = rating.text("score"), rating.instant("updated_at")
            within = window.start_at <= updated_at and (window.reaches_newest or updated_at < window.end_at)
            if within and score.startswith(("good", "bad")):
                yield {
                    "id": str(rating.integer("id")),
                    "ticket_id": str(rating.integer("ticket_id")),
                    "is_good": score.startswith("good"),
                    "updated_at": updated_at,
                }

    def _client(self, named: str) -> HttpClient:
        token = self.settings.api_token
        pair = f"{self.settings.email}/token:{token.get_secret_value()}"
        basic = base64.b64encode(pair.encode()).decode()
        return HttpClient(
            self.settings.base_url,
            subject=named,
            credentials=self.credentials,
            headers={"Authorization": SecretStr(f"Basic {basic}")},
            secrets=[token, basic],
            explain=_explained,
            patience=self.patience,
        )


def _by_ticket(answer: Fields) -> dict[int, Fields]:
    metrics = [Fields(item, "metric set", answer.subject) for item in answer.items("metric_sets")]
    return {metric.integer("ticket_id"): metric for metric in metrics}


def _explained(body: Any) -> str:
    """The name of Zendesk's error; its description may quote what was asked."""
    error = body.get("error") if isinstance(body, dict) else None
    return str(error.get("title", "")) if isinstance(error, dict) else str(error or "")
