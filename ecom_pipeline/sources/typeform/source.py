"""Typeform as a source: the number people answered to one question of one form, and nothing they wrote.

The API cannot leave words and traces out; they pass through memory and go no further.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import timedelta
from typing import Any, ClassVar
from zoneinfo import ZoneInfo

from pydantic import SecretStr

from ecom_pipeline.errors import EcomError
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
from ecom_pipeline.sources.pagination import starting_after

PAGE = 1000
TOKENS_PAGE = "Typeform, Account, Personal tokens"
SECOND = timedelta(seconds=1)

ANSWERS = Table(
    name="answers",
    grain="One answer to how likely somebody is to recommend the shop, 0 to 10.",
    change=Change.RESTATED,
    key=("answer_id",),
    day="day",
    restate_days=3,
    columns=(
        Column("day", Type.DATE, required=True),
        Column("answer_id", Type.STRING, required=True),
        Column("answered_at", Type.TIMESTAMP, required=True),
        Column("score", Type.INTEGER, required=True),
    ),
    docs="Typeform Responses API: completed responses of one form, newest first; the last half hour may be absent.",
)


class TypeformSettings(SourceSettings):
    """One form. `question_ref` is the reference of the question asked with a scale from 0 to 10."""

    form_id: str
    question_ref: str
    access_token: SecretStr
    base_url: str = "https://api.typeform.com"


class Typeform(Source):
    """Answers to the recommendation question of one form."""

    vendor = "typeform"
    title = "Typeform"
    family = "service"
    credentials = f"A personal token with the scope responses:read alone, made under {TOKENS_PAGE}."
    Settings = TypeformSettings
    tables = (ANSWERS,)
    patience: ClassVar[Patience] = Patience()

    def fetch(self, table: Table, window: Window) -> Iterator[Row]:
        named = subject(self.name, table, window)
        params: dict[str, Any] = {
            "since": f"{window.start_at:%Y-%m-%dT%H:%M:%SZ}",
            "until": f"{window.end_at - SECOND:%Y-%m-%dT%H:%M:%SZ}",
            "completed": "true",
            "page_size": PAGE,
        }
        with self._client(named) as http:

            def page_after(token: str | None) -> tuple[Sequence[Any], bool]:
                asked = params if token is None else {**params, "before": token}
                page = Fields(http.get_json(self._path(), asked), "answer", named).items("items")
                return page, len(page) == PAGE

            for item in starting_after(
                page_after, lambda item: Fields(item, "response", named).text("token"), named
            ):
                yield from self._rows(Fields(item, "response", named))

    def check(self) -> list[Finding]:
        try:
            with self._client(self.name) as http:
                http.get_json(self._path(), {"page_size": 1})
        except EcomError as error:
            return [Finding(self.name, "error", f"{error.what} {error.why}", error.mend)]
        return [Finding(self.name, "ok", "Responses can be read.")]

    def _rows(self, response: Fields) -> Iterator[Row]:
        """The row of a response that answers the question; others answer other questions."""
        for item in response.items("answers"):
            answer = Fields(item, "answer", response.subject)
            if answer.inner("field").text("ref") == self.settings.question_ref:
                answered_at = response.instant("submitted_at")
                yield {
                    "day": answered_at.astimezone(ZoneInfo(self.context.time_zone)).date(),
                    "answer_id": response.text("token"),
                    "answered_at": answered_at,
                    "score": answer.integer("number"),
                }

    def _path(self) -> str:
        return f"forms/{self.settings.form_id}/responses"

    def _client(self, named: str) -> HttpClient:
        token = self.settings.access_token
        return HttpClient(
            self.settings.base_url,
            subject=named,
            credentials=self.credentials,
            headers={"Authorization": SecretStr(f"Bearer {token.get_secret_value()}")},
            secrets=[token],
            patience=self.patience,
        )
