"""The tables of the delivery ledger, and what each version of the product added to them."""

from __future__ import annotations

import sqlite3

from ecom_pipeline.delivery.entry import MAX_POSSIBLE_COPIES
from ecom_pipeline.delivery.errors import DeliveryError

_DELIVERIES = f"""
CREATE TABLE ledger_key (fingerprint TEXT NOT NULL);
CREATE TABLE deliveries (
    report_key      TEXT NOT NULL,
    recipient_hash  TEXT NOT NULL,
    edition         INTEGER NOT NULL CHECK (edition >= 1),
    display         TEXT NOT NULL,
    state           TEXT NOT NULL
                    CHECK (state IN ('planned', 'sending', 'sent', 'retry', 'failed', 'uncertain')),
    attempts        INTEGER NOT NULL DEFAULT 0,
    possible_copies INTEGER NOT NULL DEFAULT 0 CHECK (possible_copies BETWEEN 0 AND {MAX_POSSIBLE_COPIES}),
    completing      INTEGER NOT NULL DEFAULT 0 CHECK (completing IN (0, 1)),
    pdf_sha256      TEXT NOT NULL,
    stage           TEXT,
    reply_code      INTEGER,
    reply_words     TEXT,
    refuses_everyone INTEGER NOT NULL DEFAULT 0,
    planned_at      TEXT NOT NULL,
    changed_at      TEXT NOT NULL,
    sent_at         TEXT,
    PRIMARY KEY (report_key, recipient_hash, edition)
);
"""
# allowed_at is set when a person lifted the suppression: what happened before it does not suppress again.
_SUPPRESSIONS = """
CREATE TABLE suppressions (
    recipient_hash TEXT PRIMARY KEY,
    display        TEXT NOT NULL,
    reason         TEXT NOT NULL CHECK (reason IN ('bounced', 'unsubscribed')),
    detail         TEXT NOT NULL,
    since          TEXT NOT NULL,
    allowed_at     TEXT
);
CREATE TABLE inbox_positions (
    inbox_hash   TEXT PRIMARY KEY,
    uid_validity INTEGER NOT NULL,
    last_uid     INTEGER NOT NULL
);
"""
_ADDED_BY_VERSION = (_DELIVERIES, _SUPPRESSIONS)
SCHEMA_VERSION = len(_ADDED_BY_VERSION)


def bring_up_to_date(db: sqlite3.Connection, name: str) -> int:
    """The version the file had, 0 for a new one; it has all tables then. Belongs into a transaction.

    Raises:
        DeliveryError: a newer version of the product wrote it.
    """
    found: int = db.execute("PRAGMA user_version").fetchone()[0]
    if not 0 <= found <= SCHEMA_VERSION:
        raise DeliveryError(
            f"The delivery ledger {name} cannot be opened",
            f"its format is {found}, this version knows {SCHEMA_VERSION}",
            "Use the version of the product that wrote it",
        )
    for added in _ADDED_BY_VERSION[found:]:
        for statement in added.split(";"):
            db.execute(statement)
    db.execute(f"PRAGMA user_version = {SCHEMA_VERSION}")
    return found
