"""The demo's stage: a simulated shop's vendors and a mail catcher, running, and a configuration that names them.

Everything lies under one folder. The shop is the same for the same day, so a second run reuses what the
first has read; on another day it is another shop, and the folder begins anew.
"""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import requests

from ecom_pipeline.errors import EcomError
from ecom_pipeline.files import replace_file
from ecom_pipeline.sandbox.configuration import sandbox_environment, sandbox_toml, write_configuration
from ecom_pipeline.sandbox.costs import shop_costs
from ecom_pipeline.sandbox.events import GROUP
from ecom_pipeline.sandbox.mail_catcher import run_mail_catcher
from ecom_pipeline.sandbox.twins import from_json

HOST = "127.0.0.1"
SEED = 7
ORDERS_PER_DAY = 100.0
WEEKS = 60
ZONE = ZoneInfo("Europe/Paris")
AUDIENCES = """
[audiences.direction]
[audiences.finance]
languages = ["fr"]
[audiences.marketing]
languages = ["en"]
"""
READY = "sandbox ready at "
STOP_SECONDS = 5
PLAN_FILE = "demo.json"
KEPT = ("sandbox.log",)  # what a new beginning leaves in the folder


@dataclass(frozen=True)
class DemoPlan:
    """Which shop is simulated and which days of it are read."""

    first_day: date
    last_day: date
    seed: int = SEED
    orders_per_day: float = ORDERS_PER_DAY

    def to_json(self) -> dict[str, Any]:
        return {
            "first_day": self.first_day.isoformat(),
            "last_day": self.last_day.isoformat(),
            "seed": self.seed,
            "orders_per_day": self.orders_per_day,
        }


def plan_for(now: datetime) -> DemoPlan:
    """The days from the Monday sixty weeks before this week's to yesterday, in the shop's time zone."""
    today = now.astimezone(ZONE).date()
    monday = today - timedelta(days=today.weekday())
    return DemoPlan(monday - timedelta(weeks=WEEKS), today - timedelta(days=1))


def vendors_clock(plan: DemoPlan, now: datetime) -> datetime:
    """When the simulated vendors answer: six in the morning after the last day, or now where that is earlier.

    A vendor whose clock runs ahead of its reader's would refuse what the reader may still ask.
    """
    return min(now, datetime.combine(plan.last_day + timedelta(days=1), time(6), ZONE))


def recorded_plan(folder: Path) -> DemoPlan | None:
    """The plan the folder was made for; None when there is none."""
    record = _record(folder)
    if not record:
        return None
    first, last = date.fromisoformat(record["first_day"]), date.fromisoformat(record["last_day"])
    return DemoPlan(first, last, record["seed"], record["orders_per_day"])


def is_finished(folder: Path, plan: DemoPlan) -> bool:
    """Whether a run of this very plan got to its end in the folder."""
    return recorded_plan(folder) == plan and bool(_record(folder).get("finished"))


def mark_finished(folder: Path) -> None:
    """Remember that everything of the plan is in the warehouse."""
    _write_record(folder, {**_record(folder), "finished": True})


def begin_anew(folder: Path) -> None:
    """Empty a folder that an earlier demo made.

    Raises:
        EcomError: the folder is something else's, or the demo's UI is still open on it.
    """
    if not folder.is_dir() or not any(folder.iterdir()):
        return
    if not (folder / PLAN_FILE).is_file():
        raise EcomError(
            f"{folder} is not empty and no demo made it.",
            mend="Name another folder: ecom-pipeline demo --folder FOLDER.",
        )
    if _database_runs(folder):
        raise EcomError(
            "The demo of an earlier day is still open in a UI or another run.",
            why=f"Its database in {folder} is running.",
            mend="Close it (Ctrl-C there) and run this again.",
        )
    for entry in folder.iterdir():
        if entry.is_dir():
            shutil.rmtree(entry)
        elif entry.name not in KEPT:
            entry.unlink()


@contextmanager
def simulated_vendors(folder: Path, plan: DemoPlan) -> Iterator[Path]:
    """Have the plan's vendors and a mail server running; yields the `ecom.toml` that names them.

    Those that another process runs for the same folder are used as they are. Otherwise writes `ecom.toml`,
    `.env` and the ledgers; the ports of the last time are used again when they are free.

    Raises:
        EcomError: the simulated shop does not start.
    """
    folder = folder.resolve()
    record = _record(folder)
    if recorded_plan(folder) == plan and _answers(record.get("sandbox_port", 0)):
        yield folder / "ecom.toml"
        return
    imports = folder / "imports"
    imports.mkdir(parents=True, exist_ok=True)
    kept = record if recorded_plan(folder) == plan else {}
    _write_record(folder, {**kept, **plan.to_json()})
    with (
        _sandbox(folder, plan, _free_port(record.get("sandbox_port", 0))) as url,
        run_mail_catcher(folder / "mails", port=_free_port(record.get("mail_port", 0))) as mails,
    ):
        instances = from_json(requests.get(f"{url}/_sandbox/instances", timeout=10).json())
        costs = shop_costs(plan.orders_per_day, GROUP)
        toml = sandbox_toml(
            instances,
            costs,
            plan.first_day,
            imports,
            mails.port,
            ledgers=True,
            storefronts=GROUP.storefronts,
        )
        toml += AUDIENCES + '\n[storage]\nfolder = "."\n'
        config = write_configuration(folder, toml, sandbox_environment(instances))
        ports = {"sandbox_port": int(url.rsplit(":", 1)[1]), "mail_port": mails.port}
        _write_record(folder, {**_record(folder), **ports})
        yield config


@contextmanager
def _sandbox(folder: Path, plan: DemoPlan, port: int) -> Iterator[str]:
    """The simulated vendors in a process of their own; yields their base URL once they answer."""
    command = [
        sys.executable, "-m", "ecom_pipeline.sandbox",
        "--seed", str(plan.seed), "--first-day", str(plan.first_day), "--last-day", str(plan.last_day),
        "--orders-per-day", str(plan.orders_per_day), "--business", "group", "--port", str(port),
        "--ledgers", str(folder / "imports"), "--now", vendors_clock(plan, datetime.now(ZONE)).isoformat(),
    ]  # fmt: skip
    log = folder / "sandbox.log"
    with log.open("w", encoding="utf-8") as errors:
        process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=errors, text=True)
        try:
            yield _ready_at(process, log)
        finally:
            process.terminate()
            try:
                process.wait(STOP_SECONDS)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
            if process.stdout is not None:
                process.stdout.close()


def _ready_at(process: subprocess.Popen[str], log: Path) -> str:
    assert process.stdout is not None
    line = process.stdout.readline()
    if not line.startswith(READY):
        last = log.read_text(encoding="utf-8").strip().splitlines()[-1:] or ["it said nothing"]
        raise EcomError("The simulated shop did not start.", why=last[0], mend=f"Look into {log}.")
    return line.removeprefix(READY).split()[0]


def _answers(port: int) -> bool:
    try:
        return bool(port) and requests.get(f"http://{HOST}:{port}/_sandbox/health", timeout=2).ok
    except requests.RequestException:
        return False


def _free_port(wanted: int) -> int:
    """The wanted port when nothing listens there, else 0, which takes any."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, wanted))
        except OSError:
            return 0
    return wanted


def _database_runs(folder: Path) -> bool:
    file = folder / "postgres" / "postmaster.pid"
    if not file.is_file():
        return False
    try:
        os.kill(int(file.read_text(encoding="utf-8").split()[0]), 0)
    except (ProcessLookupError, ValueError, IndexError):
        return False
    except PermissionError:
        pass  # it runs, as another user
    return True


def _record(folder: Path) -> dict[str, Any]:
    file = folder / PLAN_FILE
    if not file.is_file():
        return {}
    record: dict[str, Any] = json.loads(file.read_text(encoding="utf-8"))
    return record


def _write_record(folder: Path, record: dict[str, Any]) -> None:
    replace_file(folder / PLAN_FILE, json.dumps(record, indent=1).encode())
