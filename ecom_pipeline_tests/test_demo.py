"""The demo: which days it simulates, what it reuses, and a small one from its vendors to the received mails."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
import requests
from typer.testing import CliRunner

from ecom_pipeline import demo
from ecom_pipeline.cli import app
from ecom_pipeline.commands import showing
from ecom_pipeline.demo import (
    ZONE,
    DemoPlan,
    begin_anew,
    is_finished,
    mark_finished,
    plan_for,
    recorded_plan,
    simulated_vendors,
    vendors_clock,
)
from ecom_pipeline.errors import EcomError
from ecom_pipeline.pipeline import system_clock
from ecom_pipeline.sandbox.world import PERSONAL_CANARY, SECRET_CANARY
from ecom_pipeline.settings import load_settings

SMALL = DemoPlan(date(2026, 11, 2), date(2026, 11, 15), orders_per_day=2.0)


@pytest.fixture(autouse=True)
def clean_environment(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A demo points this process to its configuration; other tests must not find it."""
    for name in ("ECOM_CONFIG", "DAGSTER_HOME"):
        monkeypatch.setenv(name, os.environ.get(name, ""))
    yield
    for name in ("ECOM_CONFIG", "DAGSTER_HOME"):
        if not os.environ.get(name):
            monkeypatch.delenv(name)


@pytest.mark.parametrize(
    ("now", "first", "last"),
    [
        (datetime(2026, 11, 18, 12, tzinfo=UTC), date(2025, 9, 22), date(2026, 11, 17)),
        (datetime(2026, 11, 16, 12, tzinfo=UTC), date(2025, 9, 22), date(2026, 11, 15)),  # a Monday
        (
            datetime(2026, 11, 15, 22, 59, tzinfo=UTC),
            date(2025, 9, 15),
            date(2026, 11, 14),
        ),  # Sunday in Paris
        (datetime(2026, 11, 15, 23, 1, tzinfo=UTC), date(2025, 9, 22), date(2026, 11, 15)),  # Monday there
    ],
)
def test_sixty_whole_weeks_up_to_yesterday(now: datetime, first: date, last: date) -> None:
    plan = plan_for(now)
    assert (plan.first_day, plan.last_day) == (first, last)
    assert first.isoweekday() == 1


@pytest.mark.parametrize(("hour", "expected"), [(2, 2), (9, 6)])
def test_the_vendors_clock_never_runs_ahead_of_the_readers(hour: int, expected: int) -> None:
    now = datetime(2026, 11, 27, hour, tzinfo=ZONE)
    assert vendors_clock(plan_for(now), now) == datetime(2026, 11, 27, expected, tzinfo=ZONE)


class TestFolder:
    def test_a_finished_plan_is_recognised(self, tmp_path: Path) -> None:
        with simulated_vendors(tmp_path, SMALL):
            assert recorded_plan(tmp_path) == SMALL
            assert not is_finished(tmp_path, SMALL)
        mark_finished(tmp_path)
        assert is_finished(tmp_path, SMALL)
        later = DemoPlan(SMALL.first_day, SMALL.last_day + timedelta(days=1), orders_per_day=2.0)
        assert not is_finished(tmp_path, later)

    def test_another_day_begins_anew(self, tmp_path: Path) -> None:
        (tmp_path / "demo.json").write_text('{"first_day": "2026-01-05", "last_day": "2026-02-01"}')
        (tmp_path / "warehouse.duckdb").write_text("")
        (tmp_path / "mails").mkdir()
        begin_anew(tmp_path)
        assert list(tmp_path.iterdir()) == []

    def test_nothing_else_is_ever_emptied(self, tmp_path: Path) -> None:
        (tmp_path / "thesis.txt").write_text("years of work")
        with pytest.raises(EcomError, match="no demo made it"):
            begin_anew(tmp_path)
        assert (tmp_path / "thesis.txt").read_text() == "years of work"

    def test_an_open_demo_is_left_alone(self, tmp_path: Path) -> None:
        (tmp_path / "demo.json").write_text("{}")
        (tmp_path / "postgres").mkdir()
        (tmp_path / "postgres" / "postmaster.pid").write_text(f"{os.getpid()}\n/somewhere\n")
        with pytest.raises(EcomError, match="still open"):
            begin_anew(tmp_path)

    def test_a_database_that_was_killed_is_no_obstacle(self, tmp_path: Path) -> None:
        (tmp_path / "demo.json").write_text("{}")
        (tmp_path / "postgres").mkdir()
        (tmp_path / "postgres" / "postmaster.pid").write_text("999999999\n/somewhere\n")
        begin_anew(tmp_path)
        assert not (tmp_path / "postgres").exists()


class TestVendors:
    def test_they_are_shared_and_keep_their_ports(self, tmp_path: Path) -> None:
        with simulated_vendors(tmp_path, SMALL) as config:
            first = load_settings(config)
            secrets = (tmp_path / ".env").read_text()
            with simulated_vendors(tmp_path, SMALL) as again:
                assert again == config
            assert (tmp_path / ".env").read_text() == secrets
            url = first.sources["bank"].settings.base_url.removesuffix("/qonto")  # type: ignore[attr-defined]
            assert requests.get(f"{url}/_sandbox/health", timeout=5).json()["shop"] == first.shop.name
        with pytest.raises(requests.ConnectionError):
            requests.get(f"{url}/_sandbox/health", timeout=5)
        with simulated_vendors(tmp_path, SMALL) as config:
            second = load_settings(config)
        assert second.sources["bank"].settings == first.sources["bank"].settings
        assert second.mail == first.mail
        assert first.folder == tmp_path.resolve()

    def test_secrets_are_for_the_owner_alone(self, tmp_path: Path) -> None:
        with simulated_vendors(tmp_path, SMALL):
            assert (tmp_path / ".env").stat().st_mode & 0o077 == 0
            assert SECRET_CANARY not in (tmp_path / "ecom.toml").read_text()

    def test_a_shop_that_does_not_start_is_told(self, tmp_path: Path) -> None:
        backwards = DemoPlan(SMALL.last_day, SMALL.first_day)
        with pytest.raises(EcomError, match="did not start"), simulated_vendors(tmp_path, backwards):
            pass


def test_a_small_demo_twice(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Everything but the size: vendors over HTTP, runs in Dagster, reports in two languages, received mails."""
    plan = plan_for(system_clock())
    monday = plan.last_day - timedelta(days=plan.last_day.weekday())
    small = DemoPlan(monday - timedelta(weeks=3), plan.last_day, orders_per_day=3.0)
    monkeypatch.setattr(showing, "plan_for", lambda _: small)
    monkeypatch.setattr(demo, "SEED", 3)
    folder = tmp_path / "demo"
    outputs = []
    for _ in range(2):
        result = CliRunner().invoke(app, ["demo", "--folder", str(folder)])
        assert result.exit_code == 0, result.output
        outputs.append(" ".join(result.output.split()))
    first, second = outputs
    for words in (
        "Conversion rate",
        "Cash balance",
        "weekly_direction_fr.pdf",
        "weekly_direction_en.pdf",
        "sent on",
        "ui --config",
    ):
        assert words in first
    assert re.search(r"Done in \d+ s", first)
    assert "was read before" not in first
    assert "was read before" in second
    assert sorted(path.name for path in (folder / "mails").glob("*.eml")) == ["0001.eml", "0002.eml"]
    assert len(list((folder / "mails").glob("*.pdf"))) == 2
    for output in outputs:
        assert SECRET_CANARY not in output
        assert PERSONAL_CANARY not in output
