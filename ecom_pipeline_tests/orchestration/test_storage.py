"""The embedded server: started by the first, left by the last, and what the event log keeps in it."""

# No postponed annotations here: Dagster compares the annotation of `context` with its own classes.

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator

import dagster as dg
import psutil  # type: ignore[import-untyped]
import pytest
import yaml
from sqlalchemy import create_engine, text

from ecom_pipeline.orchestration import storage
from ecom_pipeline.orchestration.console import QUIET, console
from ecom_pipeline.orchestration.instance import instance_configuration, open_instance, prepare_home
from ecom_pipeline.orchestration.keys import RANGE_END_TAG, RANGE_START_TAG
from ecom_pipeline.orchestration.storage import EVENT_ENVIRONMENT, psycopg2_url
from ecom_pipeline.settings import CONFIG_VARIABLE, DAGSTER_POSTGRES_VARIABLE, Settings, load_settings
from ecom_pipeline_tests.conftest import REPOSITORY

CLIENT = """
import sys, warnings
from pathlib import Path
from ecom_pipeline.orchestration.storage import start_postgres
from sqlalchemy import create_engine, text
with create_engine(start_postgres(Path(sys.argv[1]))).connect() as connection:
    print(connection.execute(text("SELECT 1")).scalar(), flush=True)
sys.stdin.read()
"""


@pytest.fixture(scope="module")
def settings(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    file = tmp_path_factory.mktemp("home") / "ecom.toml"
    file.write_text(
        '[shop]\nname = "A"\ntime_zone = "Europe/Paris"\ncurrency = "EUR"\nhistory_start = 2026-01-01\n[sources]\n'
    )
    return load_settings(file, {})


@pytest.fixture
def client(settings: Settings) -> Iterator[subprocess.Popen[str]]:
    """A process that uses the server until its input ends."""
    settings.folder.mkdir(parents=True, exist_ok=True)
    command = [sys.executable, "-c", CLIENT, str(settings.folder / "postgres")]
    pipe = subprocess.PIPE
    with subprocess.Popen(command, stdin=pipe, stdout=pipe, text=True, cwd=REPOSITORY) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "1\n"
        yield process
        process.kill()


def server_process(settings: Settings) -> psutil.Process:
    lines = (settings.folder / "postgres" / "postmaster.pid").read_text().splitlines()
    return psutil.Process(int(lines[0]))


def test_the_last_to_leave_stops_it_though_another_was_killed(
    settings: Settings, client: subprocess.Popen[str]
) -> None:
    server = server_process(settings)
    second = subprocess.Popen(
        client.args, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=REPOSITORY
    )  # fmt: skip
    assert second.stdout is not None
    assert second.stdout.readline() == "1\n"
    os.kill(second.pid, signal.SIGKILL)
    second.communicate()
    assert server.is_running()
    client.communicate()
    assert not (settings.folder / "postgres" / "postmaster.pid").exists()
    assert json.loads((settings.folder / "postgres" / ".handle_pids.json").read_text()) == []


def test_many_days_are_events_of_their_own_and_a_check_is_planned_once(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("DAGSTER_HOME", *EVENT_ENVIRONMENT):
        monkeypatch.setenv(name, "")  # is put back after the test, whatever it sets
        monkeypatch.delenv(name)
    days = dg.DailyPartitionsDefinition("2026-01-01")

    @dg.asset(
        partitions_def=days,
        check_specs=[dg.AssetCheckSpec("fine", asset="table")],
    )
    def table(context: dg.AssetExecutionContext) -> Iterator[dg.MaterializeResult[None]]:
        context.add_asset_metadata({"rows": 7}, partition_key=context.partition_key_range.end)
        yield dg.MaterializeResult(check_results=[dg.AssetCheckResult(passed=True)])

    definitions = dg.Definitions([table], jobs=[dg.define_asset_job("all")], loggers={"console": console})
    tags = {RANGE_START_TAG: "2026-01-01", RANGE_END_TAG: "2026-02-09"}
    with open_instance(settings) as instance:
        job = definitions.resolve_job_def("all")
        assert job.execute_in_process(instance=instance, tags=tags, run_config=QUIET).success
        key = dg.AssetKey("table")
        assert len(instance.get_materialized_partitions(key)) == 40
        newest = instance.get_latest_materialization_event(key)
        assert newest is not None
        assert newest.asset_materialization is not None
        assert newest.asset_materialization.partition == "2026-02-09"
        assert newest.asset_materialization.metadata["rows"].value == 7
        checks = instance.event_log_storage.get_asset_check_execution_history(
            dg.AssetCheckKey(key, "fine"), 100
        )
        assert [check.status.value for check in checks] == ["SUCCEEDED"]
        url = instance.event_log_storage.postgres_url  # type: ignore[attr-defined]
    with create_engine(url).connect() as connection:
        stored = connection.execute(text("SELECT COUNT(DISTINCT partition) FROM event_logs")).scalar()
        assert stored == 40
        assert connection.execute(text("SHOW synchronous_commit")).scalar() == "off"


def test_a_server_of_ones_own_may_be_named_in_dotenv(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("DAGSTER_HOME", DAGSTER_POSTGRES_VARIABLE, *EVENT_ENVIRONMENT):
        monkeypatch.setenv(name, "")  # is put back after the test, whatever it sets
        monkeypatch.delenv(name)
    prepare_home(settings)
    assert DAGSTER_POSTGRES_VARIABLE not in os.environ
    own = "postgresql://dagster:secret@db:5432/runs"
    dotenv = settings.file.with_name(".env")
    dotenv.write_text(f"{DAGSTER_POSTGRES_VARIABLE}={own}\n")
    named = load_settings(settings.file)
    monkeypatch.setenv(CONFIG_VARIABLE, str(settings.file))
    assert storage._server_of(None) == own, "as with the committed dagster.yaml, which names no folder"
    dotenv.unlink()
    home = prepare_home(named)
    assert os.environ[DAGSTER_POSTGRES_VARIABLE] == own
    assert "secret" not in (home / "dagster.yaml").read_text(), "an address with its password is in no file"
    monkeypatch.setenv(DAGSTER_POSTGRES_VARIABLE, "postgresql://other")
    prepare_home(named)
    assert os.environ[DAGSTER_POSTGRES_VARIABLE] == "postgresql://other", "the environment wins"


def test_the_committed_file_says_what_the_home_says(settings: Settings) -> None:
    committed = yaml.safe_load((REPOSITORY / "dagster.yaml").read_text())
    home = instance_configuration(settings.folder)
    home["storage"]["custom"]["config"] = {}
    assert committed == home


@pytest.mark.parametrize("scheme", ["postgres", "postgresql", "postgresql+psycopg2"])
def test_an_address_gets_the_driver_that_is_installed(scheme: str) -> None:
    assert (
        psycopg2_url(f"{scheme}://u:p@h/db?sslmode=require")
        == "postgresql+psycopg2://u:p@h/db?sslmode=require"
    )
