"""Where Dagster remembers: its home under the data folder, made from the settings each time it is needed."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import dagster as dg
import yaml

from ecom_pipeline.files import replace_file
from ecom_pipeline.orchestration.storage import DATABASE_FOLDER, speed_up_events
from ecom_pipeline.settings import DAGSTER_POSTGRES_VARIABLE, Settings

TERMINAL_CONFIGURATION = "terminal.yaml"
# Capturing a step's output takes two processes for each step and the terminal from whoever started the run.
_NO_CAPTURE = {
    "compute_logs": {
        "module": "dagster._core.storage.noop_compute_log_manager",
        "class": "NoOpComputeLogManager",
    }
}
# A connection of its own for every event would take longer than the event.
_CONNECTION_SECONDS = 3600


def prepare_home(settings: Settings) -> Path:
    """Write `dagster.yaml` under the data folder and make it the home of this process and its children."""
    home = settings.folder / "dagster"
    home.mkdir(parents=True, exist_ok=True)
    configuration = instance_configuration(settings.folder)
    _write(home / "dagster.yaml", configuration)
    _write(home / TERMINAL_CONFIGURATION, configuration | _NO_CAPTURE)
    os.environ["DAGSTER_HOME"] = str(home)
    _name_own_server(settings)
    speed_up_events()
    return home


def _name_own_server(settings: Settings) -> None:
    # Dagster's processes read the environment only, and the address may stand in .env.
    url = settings.dagster_postgres_url
    if url is not None and not os.environ.get(DAGSTER_POSTGRES_VARIABLE):
        os.environ[DAGSTER_POSTGRES_VARIABLE] = url.get_secret_value()


@contextmanager
def open_instance(settings: Settings) -> Iterator[dg.DagsterInstance]:
    """The instance, for a process that runs assets itself: connections kept, the terminal left alone."""
    home = prepare_home(settings)
    with dg.DagsterInstance.from_config(str(home), TERMINAL_CONFIGURATION) as instance:
        instance.optimize_for_webserver(
            statement_timeout=_CONNECTION_SECONDS * 1000, pool_recycle=_CONNECTION_SECONDS, max_overflow=4
        )
        yield instance


def instance_configuration(folder: Path) -> dict[str, Any]:
    """What `dagster.yaml` says for a data folder."""
    return {
        "storage": {
            "custom": {
                "module": "ecom_pipeline.orchestration.storage",
                "class": "EmbeddedPostgresStorage",
                "config": {"folder": str(folder / DATABASE_FOLDER)},
            }
        },
        "telemetry": {"enabled": False},
        "nux": {"enabled": False},
        "python_logs": {"python_log_level": "INFO"},
        "concurrency": {
            "pools": {"granularity": "op", "default_limit": 1},
            "runs": {"max_concurrent_runs": 3},
        },
        "run_monitoring": {
            "enabled": True,
            "start_timeout_seconds": 180,
            "free_slots_after_run_end_seconds": 60,
        },
        "run_retries": {"enabled": True, "retry_on_asset_or_op_failure": False},
    }


def _write(file: Path, configuration: Mapping[str, Any]) -> None:
    text = yaml.safe_dump(dict(configuration), sort_keys=False)
    if not file.is_file() or file.read_text(encoding="utf-8") != text:
        replace_file(file, text.encode())
