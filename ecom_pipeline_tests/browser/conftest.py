"""A small shop, the UI that `ecom-pipeline ui` opens on it, and Debian's Chromium looking at it."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias, TypeVar

import pytest
import requests

from ecom_pipeline.demo import ZONE
from ecom_pipeline.orchestration.backfill import run_backfill
from ecom_pipeline.settings import CONFIG_VARIABLE, webhook_variable
from ecom_pipeline_tests.delivery.webhook_catcher import WebhookCatcher, run_webhook_catcher
from ecom_pipeline_tests.simulation import Simulation, simulate

if TYPE_CHECKING:
    from playwright.sync_api import Page, Playwright

REPOSITORY = Path(__file__).resolve().parents[2]
CHROMIUM = Path("/usr/bin/chromium")
CHROMIUM_ARGUMENTS = [
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
]  # fmt: skip
LIMIT_SECONDS = 600.0  # for a backfill on a busy machine
PAGE_SECONDS = 120.0  # for anything to appear on a page, beside a backfill on a busy machine
DAYS = 18  # any eighteen days but the last three hold a whole week
DAYS_LEFT = 3  # for the backfill that the UI starts
WEBHOOK = """
[[webhooks]]
name = "sheet"
kinds = ["daily"]
"""
SIGNING_KEY = "a signing key of more than sixteen characters"
OPEN_UI = "from ecom_pipeline.cli import main; main()"

T = TypeVar("T")
StartPlaywright: TypeAlias = "Callable[[], AbstractContextManager[Playwright]]"


@dataclass
class Ui:
    """The running UI and the shop behind it."""

    url: str
    simulation: Simulation
    process: subprocess.Popen[bytes]
    log: Path
    hooks: WebhookCatcher
    assets: list[list[str]] = field(default_factory=list)

    @property
    def seeded_until(self) -> date:
        """The last day that is filled before the UI opens."""
        return self.simulation.shop.last_day - timedelta(days=DAYS_LEFT)

    def query(self, graphql: str, **variables: Any) -> Any:
        """Ask the API that the UI's own pages ask."""
        answer = requests.post(
            f"{self.url}/graphql", json={"query": graphql, "variables": variables}, timeout=60
        )
        answer.raise_for_status()
        body = answer.json()
        assert "errors" not in body, body["errors"]
        return body["data"]

    def until(self, condition: Callable[[], T | None], what: str) -> T:
        """Ask until there is an answer, as long as the UI runs."""
        end = time.monotonic() + LIMIT_SECONDS
        while time.monotonic() < end:
            found = condition()
            if found is not None:
                return found
            with suppress(subprocess.TimeoutExpired):
                self.process.wait(0.25)
                break
        pytest.fail(f"{what}: not within {LIMIT_SECONDS:.0f} s, or the UI ended.\n{self.complaints()}")

    def complaints(self) -> str:
        """The last things it said that are more than an event of a run."""
        lines = self.log.read_text(encoding="utf-8", errors="replace").splitlines()
        return "\n".join([line for line in lines if " - DEBUG - " not in line][-40:])


@pytest.fixture(scope="module")
def sync_playwright() -> StartPlaywright:
    """What starts the browser; skips where there is none, before anything else is done."""
    if not CHROMIUM.is_file():
        pytest.skip(f"needs Debian's Chromium at {CHROMIUM}: apt install chromium")
    playwright = pytest.importorskip(
        "playwright.sync_api", reason="needs the Python package playwright: pip install '.[dev]'"
    )
    start: StartPlaywright = playwright.sync_playwright
    return start


@pytest.fixture(scope="module")
def page(ui: Ui, sync_playwright: StartPlaywright) -> Iterator[Page]:
    """One tab, tall enough for the whole of a page: the graph draws only what is in view.

    It comes after the UI and its backfill: Dagster cannot run while Playwright's event loop does in the thread.
    """
    with sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=str(CHROMIUM), args=CHROMIUM_ARGUMENTS)
        tab = browser.new_page(viewport={"width": 1600, "height": 7000})
        tab.set_default_timeout(PAGE_SECONDS * 1000)
        yield tab
        browser.close()


@pytest.fixture(scope="module")
def ui(sync_playwright: StartPlaywright, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ui]:
    """The UI on a shop whose last three days are still to be read. Without a browser there is none."""
    folder = tmp_path_factory.mktemp("ui")
    yesterday = datetime.now(ZONE).date() - timedelta(days=1)  # the UI goes by the machine's own clock
    with (
        simulate(folder, seed=7, days=DAYS, orders_per_day=3, last_day=yesterday) as simulation,
        run_webhook_catcher() as hooks,
        pytest.MonkeyPatch.context() as environment,
    ):
        pipeline = simulation.pipeline
        environment.setenv(CONFIG_VARIABLE, str(pipeline.settings.file))
        environment.setenv("DAGSTER_HOME", "")  # a backfill sets it; this puts it back
        environment.setenv("PYTHONPATH", str(REPOSITORY), prepend=os.pathsep)
        seeded_until = simulation.shop.last_day - timedelta(days=DAYS_LEFT)
        outcome = run_backfill(pipeline, simulation.shop.first_day, seeded_until, reports="none")
        assert outcome.ok, outcome.failed
        with pipeline.settings.file.open("a", encoding="utf-8") as file:
            file.write(WEBHOOK)
        environment.setenv(webhook_variable("sheet", "url"), hooks.url)
        environment.setenv(webhook_variable("sheet", "signing_key"), SIGNING_KEY)
        with _opened(simulation, folder, hooks) as ui:
            yield ui


@contextmanager
def _opened(simulation: Simulation, folder: Path, hooks: WebhookCatcher) -> Iterator[Ui]:
    port, log = _free_port(), folder / "ui.log"
    with log.open("wb") as output:
        process = subprocess.Popen(
            [sys.executable, "-c", OPEN_UI, "ui", "--port", str(port)],
            cwd=folder, stdout=output, stderr=output, start_new_session=True,
        )  # fmt: skip
    ui = Ui(f"http://127.0.0.1:{port}", simulation, process, log, hooks)
    try:
        ui.assets = ui.until(lambda: _assets(ui), "the UI opens")
        yield ui
    finally:
        _end(process)


def _assets(ui: Ui) -> list[list[str]] | None:
    """The keys of all assets, once the UI answers and has loaded them."""
    try:
        nodes = ui.query("{ assetNodes { assetKey { path } } }")["assetNodes"]
    except requests.RequestException:
        return None
    return [node["assetKey"]["path"] for node in nodes] or None


def _end(process: subprocess.Popen[bytes]) -> None:
    """Ctrl-C, and what is still there after a while is ended in earnest."""
    for ending in (signal.SIGINT, signal.SIGTERM, signal.SIGKILL):
        with suppress(ProcessLookupError):
            os.killpg(process.pid, ending)
        with suppress(subprocess.TimeoutExpired):
            process.wait(20)
            return


def _free_port() -> int:
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
