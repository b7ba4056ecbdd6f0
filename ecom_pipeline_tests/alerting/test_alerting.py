"""From the published warehouse, and from runs, to what a webhook receives: each thing once."""

from __future__ import annotations

import json
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from typer.testing import CliRunner

from ecom_pipeline.alerting import (
    RunFindings,
    alerts_are_due,
    find_webhook_problems,
    make_sample,
    record_day,
    record_run,
    send_alerts,
    send_sample,
)
from ecom_pipeline.cli import app
from ecom_pipeline.delivery import AlertCheck, AlertRun, State, Verdict
from ecom_pipeline.errors import ConfigurationError, EcomError
from ecom_pipeline.pipeline import Pipeline
from ecom_pipeline.settings import load_settings

from ..delivery.webhook_catcher import answer
from .conftest import CONFIGURATION, SIGNING_KEY, TODAY, Told, publish

YESTERDAY = TODAY - timedelta(days=1)


def received(told: Told) -> list[dict[str, Any]]:
    """Send what is due; all that has arrived so far."""
    send_alerts(told.pipeline)
    return [json.loads(caught.body) for caught in told.hooks.caught]


def next_day(told: Told, bad_days: int) -> list[dict[str, Any]]:
    """A day later, its alerts made and sent: those that are new."""
    told.now += timedelta(days=1)
    before = len(told.hooks.caught)
    publish(told.pipeline, told.pipeline.newest_day(), bad_days)
    record_day(told.pipeline, told.pipeline.newest_day())
    return received(told)[before:]


def test_the_day_has_its_figures_and_its_seven_days(told: Told) -> None:
    publish(told.pipeline, YESTERDAY, bad_days=3)
    record_day(told.pipeline, YESTERDAY)
    daily = received(told)[0]
    assert (daily["kind"], daily["day"], daily["id"]) == ("daily", "2026-11-23", "alert/daily/2026-11-23")
    figures = daily["figures"]
    assert list(figures) == ["net_sales", "conversion_rate"]
    usual = [30 + (YESTERDAY - timedelta(days=back)).toordinal() % 5 - 2 for back in range(14)]
    orders = 3 * 10 + sum(usual[3:7])
    assert Decimal(figures["net_sales"]["day_value"]) == 330
    assert Decimal(figures["net_sales"]["week_value"]) == orders * 33
    assert Decimal(figures["net_sales"]["week_before"]) == sum(usual[7:]) * 33
    assert float(figures["conversion_rate"]["week_value"]) == pytest.approx(orders / 7000)
    assert float(figures["conversion_rate"]["usual_low"]) > orders / 7000
    assert set(daily["words"]) == {"fr", "en"}


def test_what_breaks_on_a_thursday_is_told_on_that_weeks_days_once(told: Told) -> None:
    publish(told.pipeline, YESTERDAY, bad_days=0)
    assert record_day(told.pipeline, YESTERDAY).made == ("alert/daily/2026-11-23",)
    assert [one["signals"] for one in received(told)] == [[]], "a quiet day is no signal"
    told_on = []
    for bad_days in range(1, 12):
        for alert in next_day(told, bad_days):
            told_on += [bad_days] if alert["kind"] == "signals" else []
            if alert["kind"] == "signals":
                (signal,) = [one for one in alert["signals"] if one["kpi"] == "conversion_rate"]
                assert signal["is_new"]
                assert signal["cause"] in ("unusual", "limit")
    assert len(told_on) == 2, "once, and once more while it lasts after seven days"
    assert told_on[0] <= 3 and told_on[1] == told_on[0] + 7


def test_the_daily_figures_say_which_signals_were_told(told: Told) -> None:
    publish(told.pipeline, YESTERDAY, bad_days=4)
    record_day(told.pipeline, YESTERDAY)
    first = [one["is_new"] for one in received(told)[0]["signals"]]
    assert first and all(first)
    (daily,) = next_day(told, bad_days=5)
    assert [one["is_new"] for one in daily["signals"]] == [False] * len(first)


def test_making_a_days_alerts_again_makes_none_and_restated_numbers_are_not_sent_twice(told: Told) -> None:
    publish(told.pipeline, YESTERDAY, bad_days=4)
    assert len(record_day(told.pipeline, YESTERDAY).made) == 2
    before = received(told)
    publish(told.pipeline, YESTERDAY, bad_days=4, orders_on_a_bad_day=9)
    assert record_day(told.pipeline, YESTERDAY).made == ()
    assert received(told) == before


@pytest.mark.parametrize("days_back", [2, 3, 300])
def test_a_day_of_the_past_gives_rise_to_none(told: Told, days_back: int) -> None:
    publish(told.pipeline, YESTERDAY, bad_days=4)
    found = record_day(told.pipeline, TODAY - timedelta(days=days_back))
    assert found.made == () and "2026-11-23" in found.not_made_because
    assert received(told) == []


def test_before_anything_is_published_it_says_so(told: Told) -> None:
    with pytest.raises(EcomError, match="published"):
        record_day(told.pipeline, YESTERDAY)


def test_a_failed_run_is_told_once_with_its_steps(told: Told) -> None:
    run = AlertRun(run_id="run-1", job="extract", partition="2026-11-23", failed_steps=("extract_shop",))
    findings = RunFindings("run-1", run)
    assert record_run(told.pipeline, findings) == ("alert/failures/run-1",)
    assert record_run(told.pipeline, findings) == ()
    (alert,) = received(told)
    assert alert["kind"] == "failures" and alert["run"]["failed_steps"] == ["extract_shop"]
    assert alert["words"]["en"]["title"] == "Maison Test: the run extract failed"
    assert "failed: extract_shop" in alert["words"]["en"]["lines"]


ORDERS = AlertCheck(asset="shop/orders", check="newest_day_is_complete", is_blocking=False)
SALES = AlertCheck(asset="kpi/sales/net_sales", check="newest_day_is_measured", is_blocking=False)
BOOKS = AlertCheck(asset="model/daily_sales", check="net_sales_reconcile", is_blocking=True)


def test_missing_data_is_told_once_a_day_and_only_what_is_new(told: Told) -> None:
    record_run(told.pipeline, RunFindings("run-1", stale=(ORDERS,)))
    record_run(told.pipeline, RunFindings("run-2", stale=(ORDERS, SALES)))
    record_run(told.pipeline, RunFindings("run-3", stale=(ORDERS, SALES)))
    assert [[one["asset"] for one in alert["checks"]] for alert in received(told)] == [
        ["shop/orders"],
        ["kpi/sales/net_sales"],
    ]
    told.now += timedelta(days=1)
    record_run(told.pipeline, RunFindings("run-4", stale=(ORDERS,)))
    assert [alert["day"] for alert in received(told)] == ["2026-11-23", "2026-11-23", "2026-11-24"]


def test_a_failed_check_is_a_failure_and_missing_data_is_not(told: Told) -> None:
    record_run(told.pipeline, RunFindings("run-1", stale=(ORDERS,), failed=(BOOKS,)))
    assert {alert["kind"]: alert["checks"][0]["asset"] for alert in received(told)} == {
        "freshness": "shop/orders",
        "failures": "model/daily_sales",
    }


def test_a_check_that_goes_on_failing_is_told_again_after_seven_days(told: Told) -> None:
    told_on = []
    for day in range(15):
        if record_run(told.pipeline, RunFindings(f"run-{day}", failed=(BOOKS,))):
            told_on.append(day)
        told.now += timedelta(days=1)
    assert told_on == [0, 7, 14]


def test_what_waits_is_due_until_it_is_sent(told: Told) -> None:
    assert not alerts_are_due(told.pipeline)
    record_run(told.pipeline, RunFindings("run-1", failed=(BOOKS,)))
    assert alerts_are_due(told.pipeline)
    assert [one.state for one in send_alerts(told.pipeline)] == [State.SENT]
    assert not alerts_are_due(told.pipeline)


def test_a_long_alert_is_cut_in_words_and_whole_in_data(told: Told) -> None:
    checks = tuple(
        AlertCheck(asset=f"kpi/a/{number}", check="is_zero", is_blocking=False) for number in range(30)
    )
    record_run(told.pipeline, RunFindings("run-1", failed=checks))
    (alert,) = received(told)
    assert len(alert["checks"]) == 30
    assert len(alert["words"]["en"]["lines"]) == 12 and alert["words"]["en"]["lines"][-1] == "and 19 more"


def test_without_the_ledgers_key_an_alert_waits_and_is_not_lost(told: Told) -> None:
    keyless = Pipeline(load_settings(told.pipeline.settings.file, {}), told.pipeline.clock)
    with pytest.raises(ConfigurationError, match="ECOM_PSEUDONYM_KEY"):
        record_run(keyless, RunFindings("run-1", failed=(BOOKS,)))
    with pytest.raises(ConfigurationError, match="ECOM_PSEUDONYM_KEY"):
        send_alerts(keyless)
    assert [alert["id"] for alert in received(told)] == ["alert/failures/run-1"]


def test_a_mail_server_without_its_password_holds_back_no_webhook(told: Told) -> None:
    settings = told.pipeline.settings
    mail = '[mail]\nhost = "smtp.example.com"\nusername = "me"\nsender = "shop@example.com"\n'
    people = '[alerts]\nrecipients = [{ email = "data@example.com", language = "en" }]\n'
    settings.file.write_text(CONFIGURATION + mail + people, encoding="utf-8")
    environment = {
        "ECOM_PSEUDONYM_KEY": "a pseudonym key long enough",
        "ECOM_WEBHOOK_SHEET_URL": told.hooks.url,
        "ECOM_WEBHOOK_SHEET_SIGNING_KEY": SIGNING_KEY,
    }
    pipeline = Pipeline(load_settings(settings.file, environment), told.pipeline.clock)
    record_run(pipeline, RunFindings("run-1", failed=(BOOKS,)))
    to_hook, to_person = send_alerts(pipeline)
    assert (to_hook.state, to_person.state) == (State.SENT, State.FAILED)
    assert to_person.needs_a_person and "password" in to_person.explanation
    told.now += timedelta(minutes=2)
    assert alerts_are_due(pipeline), "it is tried again once somebody has mended the settings"


def test_a_webhook_without_its_secrets_is_told_by_the_variables_name(told: Told) -> None:
    assert find_webhook_problems(told.pipeline.settings) == {"sheet": None}
    file = told.pipeline.settings.file
    file.write_text(CONFIGURATION + '[[webhooks]]\nname = "team"\nformat = "slack"\n', encoding="utf-8")
    url = {"ECOM_WEBHOOK_SHEET_URL": told.hooks.url}
    found = find_webhook_problems(load_settings(file, url))
    assert found["sheet"] is not None and "ECOM_WEBHOOK_SHEET_SIGNING_KEY" in found["sheet"][1]
    assert found["team"] is not None and "ECOM_WEBHOOK_TEAM_URL" in found["team"][1]


def test_a_sample_reaches_one_webhook_at_once_and_is_nobodys_alert(told: Told) -> None:
    publish(told.pipeline, YESTERDAY, bad_days=3)
    for _ in range(2):
        assert send_sample(told.pipeline, make_sample(told.pipeline), "sheet").verdict is Verdict.ACCEPTED
        told.now += timedelta(seconds=1)
    first, second = (json.loads(caught.body) for caught in told.hooks.caught)
    assert first["kind"] == "daily" and first["figures"] == second["figures"]
    assert Decimal(first["figures"]["net_sales"]["day_value"]) == 330
    keys = {caught.headers["idempotency-key"] for caught in told.hooks.caught}
    assert len(keys) == 2, "a second sample would be dropped as a duplicate"
    assert len(record_day(told.pipeline, YESTERDAY).made) == 2, "the sample counted as told"
    with pytest.raises(ConfigurationError, match="Did you mean sheet"):
        send_sample(told.pipeline, make_sample(told.pipeline), "sheets")


def test_the_sample_through_the_command_line(told: Told, monkeypatch: pytest.MonkeyPatch) -> None:
    file = told.pipeline.settings.file
    publish(told.pipeline, YESTERDAY, bad_days=0)
    monkeypatch.setenv("ECOM_WEBHOOK_SHEET_URL", told.hooks.url)
    monkeypatch.setenv("ECOM_WEBHOOK_SHEET_SIGNING_KEY", SIGNING_KEY)
    said = CliRunner().invoke(app, ["alert", "sheet", "--config", str(file)])
    assert said.exit_code == 0 and "The webhook sheet took the sample: 200 accepted." in said.output
    told.hooks.script.append(answer(404, f"nothing at {told.hooks.url}"))
    refused = CliRunner().invoke(app, ["alert", "sheet", "--config", str(file)])
    assert refused.exit_code == 1 and "404 nothing at" in refused.output
    assert "very-secret" not in said.output + refused.output
