"""What an alert says: the one shape that webhooks receive as JSON, and that Slack and mail are written from.

The JSON schema of it is shipped as `alert.schema.json`, so that a scenario elsewhere can be built and checked
without this code. Amounts, shares and limits are decimals written as texts with a point, so that no reader rounds them; days are ISO dates of the
shop's time zone; instants are UTC. A receiver must ignore fields it does not know: more may come.
"""

from __future__ import annotations

import hashlib
import json
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Annotated, Any, Literal, get_args

from pydantic import BaseModel, ConfigDict, Field, PlainSerializer

SCHEMA_FILE = Path(__file__).with_name("alert.schema.json")

AlertKind = Literal["daily", "signals", "freshness", "failures"]
ALERT_KINDS: tuple[AlertKind, ...] = get_args(AlertKind)

# Never 1E+3, which spreadsheets take for a word.
Number = Annotated[
    Decimal,
    PlainSerializer(lambda number: format(number, "f"), return_type=str),
    Field(description="A decimal number as text, with a point"),
]


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True)


class AlertWords(_Part):
    """The alert in one language, ready to be read."""

    title: str
    lines: tuple[str, ...]


class AlertFigure(_Part):
    """A KPI on the day alone and over the seven days that end with it; null is not measured, never zero."""

    unit: str
    day_value: Number | None
    week_value: Number | None
    week_before: Number | None
    usual_low: Number | None = Field(description="Edge of what is usual over seven days")
    usual_high: Number | None = Field(description="Edge of what is usual over seven days")


class AlertSignal(_Part):
    """A KPI that went the wrong way over the seven days that end with the day."""

    kpi: str
    unit: str
    cause: Literal["unusual", "limit", "target"]
    value: Number
    limit: Number = Field(description="What was crossed: the edge of what is usual, limit or target")
    is_new: bool = Field(description="False when it was told in the seven days before")


class AlertCheck(_Part):
    """A check that an asset of the lineage graph did not pass."""

    asset: str
    check: str
    is_blocking: bool


class AlertRun(_Part):
    """A run that failed."""

    run_id: str
    job: str
    partition: str | None
    failed_steps: tuple[str, ...]


class Alert(_Part):
    """One alert. `id` is the same on every attempt: use it, or the header webhook-id, against duplicates."""

    schema_version: Literal[1] = 1
    id: str = Field(pattern=r"^alert/[a-z]+/[0-9a-zA-Z/-]+$")
    kind: AlertKind
    shop: str
    currency: str
    day: date = Field(description="The newest complete day when the alert was made")
    created_at: datetime
    words: dict[str, AlertWords] = Field(description="By language code")
    # By name and not in a list: a spreadsheet's column is bound to a name.
    figures: dict[str, AlertFigure] = Field(default={}, description="By KPI")
    signals: tuple[AlertSignal, ...] = ()
    checks: tuple[AlertCheck, ...] = ()
    run: AlertRun | None = None

    def in_language(self, language: str) -> AlertWords:
        """The words of the language, or of the first there are."""
        return self.words.get(language) or next(iter(self.words.values()))


def body_of(alert: Alert) -> bytes:
    """The JSON as it is sent, the same bytes whenever it is made."""
    return alert.model_dump_json().encode()


def body_hash(alert: Alert) -> str:
    return hashlib.sha256(body_of(alert)).hexdigest()


def alert_schema() -> dict[str, Any]:
    """The JSON schema of what is sent."""
    return Alert.model_json_schema(mode="serialization")


def write_schema() -> None:
    """Write the shipped schema anew, after a change of the shape."""
    text = json.dumps(alert_schema(), indent=2, ensure_ascii=False)
    SCHEMA_FILE.write_text(f"{text}\n", encoding="utf-8")
