"""Which report its readers had before this one: the newest that went out to them, however long it was in coming."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from ecom_pipeline.editions import Edition
from ecom_pipeline.periods import Rhythm, newest_complete
from ecom_pipeline.reporting import _told_before, report_files
from ecom_pipeline.reports import Told
from ecom_pipeline_tests.simulation import Simulation

MONDAY = datetime(2026, 11, 16, 6, 30, tzinfo=UTC)


def send(simulation: Simulation, edition: Edition, at: datetime) -> None:
    file = report_files(simulation.pipeline.settings, edition).sent
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(json.dumps({"computed_at": at.isoformat(), "values": {}}), encoding="utf-8")


def test_the_newest_report_that_went_out_to_the_same_readers(small_shop: Simulation) -> None:
    settings = small_shop.pipeline.settings
    period = newest_complete(Rhythm.WEEKLY, small_shop.newest_day())
    edition = Edition(period, "direction", "fr")
    assert _told_before(settings, edition) is None
    send(small_shop, edition, MONDAY)
    send(small_shop, replace(edition, period=period.back(1), language="en"), MONDAY - timedelta(days=7))
    send(small_shop, replace(edition, period=period.back(1), audience="finance"), MONDAY - timedelta(days=7))
    assert _told_before(settings, edition) is None, "neither this period's own nor what others had"
    for back in (3, 2):
        send(small_shop, replace(edition, period=period.back(back)), MONDAY - timedelta(days=7 * back))
        wanted = Told(period.back(back).last_day, MONDAY - timedelta(days=7 * back))
        assert _told_before(settings, edition) == wanted
