"""Gorgias as a source: tickets and satisfaction surveys, read from the newest back to where the window begins.

The API has no filter by time and cannot leave words and people out; they pass through memory and go no further. A
ticket bears no time of its first reply: it is in the messages only, with all they say, and in statistics, as medians
of whole periods, which cannot be put together. So none is kept.
"""

from __future__ import annotations

import base64
from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
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
from ecom_pipeline.sources.pagination import by_cursor

PAGE = 100
MEDIA = {
    "email": "email",
    "contact_form": "web", "help-center": "web",
    "chat": "chat", "sms": "chat", "whatsapp": "chat",
    "phone": "phone", "aircall": "phone",
    "facebook": "social", "facebook-mention": "social", "facebook-messenger": "social",
    "instagram-comment": "social", "instagram-direct-message": "social", "instagram-mention": "social",
    "twitter": "social", "twitter-direct-message": "social",
}  # fmt: skip
KEYS_PAGE = "Gorgias, Settings, REST API"

TICKETS = Table(
    name="tickets",
    grain="One request of a customer, in its present state.",
    change=Change.LOG,
    key=("id",),
    version="updated_at",
    columns=(
        Column("id", Type.STRING, required=True),
        Column("status", Type.STRING, required=True),
        Column("medium", Type.STRING, required=True),
        Column("is_complaint", Type.BOOLEAN, required=True),
        Column("created_at", Type.TIMESTAMP, required=True),
        Column("updated_at", Type.TIMESTAMP, required=True),
        Column("solved_at", Type.TIMESTAMP),
        Column("is_trashed", Type.BOOLEAN, required=True),
        Column("is_spam", Type.BOOLEAN, required=True),
    ),
    docs="Gorgias REST API, List tickets: newest first by their last change, by cursor, with those in the trash; no "
    "filter by time.",
)
RATINGS = Table(
    name="ratings",
    grain="One answered survey of how the service was, one to five stars.",
    change=Change.LOG,
    key=("id",),
    version="scored_at",
    columns=(
        Column("id", Type.STRING, required=True),
        Column("ticket_id", Type.STRING, required=True),
        Column("score", Type.INTEGER, required=True),
        Column("scored_at", Type.TIMESTAMP, required=True),
    ),
    docs="Gorgias REST API, List satisfaction surveys: newest first; a survey may be answered days after it was sent.",
)


class GorgiasSettings(SourceSettings):
    """One account. `survey_days` is how long after it was sent a survey may still be answered."""

    email: str
    api_key: SecretStr
    base_url: str
    complaint_tags: tuple[str, ...] = COMPLAINT_TAGS
    survey_days: int = Field(default=30, ge=1, le=366)


class Gorgias(Source):
    """Tickets and satisfaction surveys of one Gorgias account."""

    vendor = "gorgias"
    title = "Gorgias"
    family = "service"
    credentials = f"An API key, shown under {KEYS_PAGE}, and the e-mail of the user it was made for, whose rights it has."
    Settings = GorgiasSettings
    tables = (TICKETS, RATINGS)
    patience: ClassVar[Patience] = Patience()

    def fetch(self, table: Table, window: Window) -> Iterator[Row]:
        named = subject(self.name, table, window)
        with self._client(named) as http:
            yield from (self._tickets if table.name == TICKETS.name else self._ratings)(http, window, named)

    def check(self) -> list[Finding]:
        found = []
        for what, path in (("tickets", "api/tickets"), ("surveys", "api/satisfaction-surveys")):
            try:
                with self._client(self.name) as http:
                    http.get_json(path, {"limit": 1})
            except EcomError as error:
                found.append(
                    Finding(f"{self.name}, {what}", "error", f"{error.what} {error.why}", error.mend)
                )
            else:
                found.append(Finding(f"{self.name}, {what}", "ok", f"{what.capitalize()} can be read."))
        return found

    def _tickets(self, http: HttpClient, window: Window, named: str) -> Iterator[Row]:
        for item in self._items(http, "api/tickets", "updated_datetime:desc", named):
            ticket = Fields(item, "ticket", named)
            updated_at = ticket.instant("updated_datetime")
            if updated_at < window.start_at:
                return
            if _within(updated_at, window):
                yield self._ticket(ticket, updated_at)

    def _ticket(self, ticket: Fields, updated_at: datetime) -> Row:
        tags = [Fields(tag, "tag", ticket.subject).text("name") for tag in ticket.items("tags")]
        return {
            "id": str(ticket.integer("id")),
            "status": ticket.text("status"),
            "medium": MEDIA.get(ticket.text("channel"), "other"),
            "is_complaint": is_complaint(tags, self.settings.complaint_tags),
            "created_at": ticket.instant("created_datetime"),
            "updated_at": updated_at,
            "solved_at": ticket.optional_instant("closed_datetime"),
            "is_trashed": ticket.optional_instant("trashed_datetime") is not None,
            "is_spam": ticket.value("spam") is True,
        }

    def _ratings(self, http: HttpClient, window: Window, named: str) -> Iterator[Row]:
        oldest = window.start_at - timedelta(days=self.settings.survey_days)
        for item in self._items(http, "api/satisfaction-surveys", "created_datetime:desc", named):
            survey = Fields(item, "survey", named)
            if survey.instant("created_datetime") < oldest:
                return
            scored_at = survey.optional_instant("scored_datetime")
            if scored_at is not None and _within(scored_at, window):
                yield {
                    "id": str(survey.integer("id")),
                    "ticket_id": str(survey.integer("ticket_id")),
                    "score": survey.integer("score"),
                    "scored_at": scored_at,
                }

    def _items(self, http: HttpClient, path: str, order: str, named: str) -> Iterator[Any]:
        def page_after(cursor: str | None) -> tuple[Sequence[Any], str | None]:
            params: dict[str, Any] = {"limit": PAGE, "order_by": order}
            answer = Fields(
                http.get_json(path, params | ({"cursor": cursor} if cursor else {})), "answer", named
            )
            return answer.items("data"), answer.inner("meta").optional_text("next_cursor")

        yield from by_cursor(page_after, named)

    def _client(self, named: str) -> HttpClient:
        key = self.settings.api_key
        basic = base64.b64encode(f"{self.settings.email}:{key.get_secret_value()}".encode()).decode()
        return HttpClient(
            self.settings.base_url,
            subject=named,
            credentials=self.credentials,
            headers={"Authorization": SecretStr(f"Basic {basic}")},
            secrets=[key, basic],
            patience=self.patience,
        )


def _within(at: datetime, window: Window) -> bool:
    return at >= window.start_at and (window.reaches_newest or at < window.end_at)
