"""Where Dagster remembers: its home under the data folder, made from the settings each time it is needed."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import yaml

from ecom_pipeline.orchestration.storage import DATABASE_FOLDER, speed_up_events
from ecom_pipeline.settings import Settings


def prepare_home(settings: Settings) -> Path:
    """Write `dagster.yaml` under the data folder and make it the home of this process and its children."""
    home = settings.folder / "dagster"
    home.mkdir(parents=True, exist_ok=True)
    text = yaml.safe_dump(instance_configuration(settings.folder), sort_keys=False)
    file = home / "dagster.yaml"
    if not file.is_file() or file.read_text(encoding="utf-8") != text:
        beside = file.with_name(f".{file.name}.{os.getpid()}")
        beside.write_text(text, encoding="utf-8")
        beside.replace(file)
    os.environ["DAGSTER_HOME"] = str(home)
    speed_up_events()
    return home


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
        "concurrency": {"pools": {"granularity": "op", "default_limit": 1}},
        "run_monitoring": {
            "enabled": True,
            "start_timeout_seconds": 180,
            "free_slots_after_run_end_seconds": 60,
        },
        "run_retries": {"enabled": True, "retry_on_asset_or_op_failure": False},
    }
