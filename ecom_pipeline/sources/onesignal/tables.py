"""OneSignal's two streams, and what is kept of a message: its figures, never its words."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from ecom_pipeline.sources.contract import Change, Column, Table, Type
from ecom_pipeline.sources.fields import Fields

KEPT = timedelta(days=30)  # OneSignal forgets what was sent through its API; until then people click
NO_PUSH = frozenset(("email", "sms"))

MESSAGES = Table(
    name="messages",
    grain="One push sent to many devices, with what came of it as of the last reading.",
    change=Change.LOG,
    key=("id",),
    version="as_of",
    columns=(
        Column("id", Type.STRING, required=True),
        Column("as_of", Type.TIMESTAMP, required=True),
        Column("name", Type.STRING),
        Column("sent_at", Type.TIMESTAMP, required=True),
        Column("successful", Type.INTEGER, required=True),
        Column("failed", Type.INTEGER, required=True),
        Column("errored", Type.INTEGER, required=True),
        Column("remaining", Type.INTEGER, required=True),
        Column("converted", Type.INTEGER, required=True),
    ),
    docs="OneSignal API, View messages, by time offset: devices a push was delivered to, failed on (no longer "
    "subscribed) or had an error on, and those that opened it (converted). Messages of journeys are not listed, "
    "those sent through the API for 30 days only: what was once read is kept, whatever a later reading lacks.",
)
APP = Table(
    name="app",
    grain="How many devices the app reaches, as seen on the morning after the day.",
    change=Change.SNAPSHOT,
    key=("app_id",),
    columns=(
        Column("app_id", Type.STRING, required=True),
        Column("devices", Type.INTEGER, required=True),
        Column("reachable", Type.INTEGER, required=True),
    ),
    docs="OneSignal API, View an app: players (all subscriptions there ever were) and messageable_players (those "
    "that can be written to). An app that also sends e-mails or SMS counts those subscriptions as well.",
)


def is_push(message: Fields) -> bool:
    """Whether a message went to devices: the same list holds e-mails and SMS."""
    stats = message.item.get("platform_delivery_stats")
    return not isinstance(stats, dict) or not stats or not NO_PUSH.issuperset(stats)


def message_row(message: Fields, asked_at: datetime) -> dict[str, Any]:
    """A push with its figures. They change as long as people click, and are taken to be final after a month."""
    sent_at = message.unix_time("send_after")
    return {
        "id": message.text("id"),
        "as_of": min(asked_at, sent_at + KEPT),
        "name": message.optional_text("name"),
        "sent_at": sent_at,
        **{
            name: message.integer(name)
            for name in ("successful", "failed", "errored", "remaining", "converted")
        },
    }


def app_row(app: Fields) -> dict[str, Any]:
    """How many devices can be reached, of how many."""
    return {
        "app_id": app.text("id"),
        "devices": app.integer("players"),
        "reachable": app.integer("messageable_players"),
    }
