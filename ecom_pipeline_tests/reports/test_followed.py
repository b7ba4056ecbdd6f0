"""Decisions shown before, targets and the money at stake, as the report tells them."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from html import unescape
from pathlib import Path

import pytest

from ecom_pipeline.decisions import read_shown, record_shown
from ecom_pipeline.errors import EcomError
from ecom_pipeline.insights.actions import Shown
from ecom_pipeline.insights.signals import Cause
from ecom_pipeline.insights.targets import Span, Target
from ecom_pipeline.kpis.definition import Kpi
from ecom_pipeline.reports import (
    Report,
    compute_report,
    render_html,
    render_mail,
    shown_decisions,
)
from ecom_pipeline_tests.reports.shop import SUNDAY, Story, make_request, make_shop

WEEK = timedelta(weeks=1)
REPORT = "weekly/direction"


def test_a_week_is_remembered_once(tmp_path: Path, troubled: Report) -> None:
    file, shown = tmp_path / "var" / "decisions.sqlite", shown_decisions(troubled)
    assert shown and record_shown(file, REPORT, SUNDAY, shown)
    later = [replace(one, value=one.value + 1) for one in shown]
    assert not record_shown(file, REPORT, SUNDAY, later), "what was told is not told otherwise afterwards"
    assert list(read_shown(file, REPORT, SUNDAY, SUNDAY + WEEK)) == shown


def test_a_calm_week_is_remembered_as_calm(tmp_path: Path, troubled: Report) -> None:
    file = tmp_path / "decisions.sqlite"
    assert record_shown(file, REPORT, SUNDAY, [])
    assert not record_shown(file, REPORT, SUNDAY, shown_decisions(troubled))
    assert read_shown(file, REPORT, SUNDAY, SUNDAY + WEEK) == ()


def test_a_report_knows_the_periods_before_it_only_and_not_anothers(tmp_path: Path, troubled: Report) -> None:
    file = tmp_path / "decisions.sqlite"
    record_shown(file, REPORT, SUNDAY, shown_decisions(troubled))
    assert read_shown(file, REPORT, SUNDAY - WEEK, SUNDAY) == (), "its own week is not a week before"
    assert read_shown(file, REPORT, SUNDAY, SUNDAY + 4 * WEEK)
    assert not read_shown(file, REPORT, SUNDAY + WEEK, SUNDAY + 5 * WEEK)
    assert not read_shown(file, "weekly/finance", SUNDAY, SUNDAY + WEEK)
    assert read_shown(tmp_path / "none.sqlite", REPORT, SUNDAY - WEEK, SUNDAY) == ()
    assert not (tmp_path / "none.sqlite").exists()


def test_a_broken_file_says_what_to_do(tmp_path: Path) -> None:
    file = tmp_path / "decisions.sqlite"
    file.write_text("no database, but long enough to be read as one" * 50)
    with pytest.raises(EcomError, match="decisions") as caught:
        read_shown(file, REPORT, SUNDAY - WEEK, SUNDAY)
    assert "remember anew" in caught.value.mend


@pytest.fixture(scope="module")
def week_after(catalogue: dict[str, Kpi], troubled: Report) -> Report:
    """The shop when only conversion is still broken, and the report a week earlier showed both."""
    shown = [
        replace(one, last_day=SUNDAY - WEEK, kpi_last_day=SUNDAY - WEEK) for one in shown_decisions(troubled)
    ]
    shop = make_shop(catalogue, Story(mobile_breaks=True))
    return compute_report(shop, catalogue, make_request(shown=tuple(shown)))


@pytest.mark.parametrize(
    ("language", "recovered", "still"),
    [("fr", "de retour dans sa plage", "pas encore de retour"), ("en", "back in its range", "not yet back")],
)
def test_the_next_report_says_what_became_of_decisions(
    language: str, recovered: str, still: str, week_after: Report
) -> None:
    states = {one.shown.kpi: one.state for one in week_after.followed}
    assert states == {"customer_acquisition_cost": "recovered", "conversion_rate": "open"}
    html, mail = unescape(render_html(week_after, language)), render_mail(week_after, language)
    page = html[html.index('class="page-one"') : html.index('class="family')]
    for text in (page, mail.text, unescape(mail.html)):
        assert recovered in text and still in text
    assert "47" in page[page.index(recovered) :][:120], "since this very week"


def test_three_are_followed_what_recovered_this_week_first(catalogue: dict[str, Kpi]) -> None:
    def shown(kpi: str, weeks_back: int, edge: int) -> Shown:
        day = SUNDAY - weeks_back * WEEK
        return Shown(day, kpi, Cause.UNUSUAL, day, Decimal(edge), Decimal(edge))

    # Good is up for all four: an edge of zero is passed in every week, one of a million in none.
    past = (
        shown("units_per_order", 4, 0),
        shown("average_order_value", 3, 10**6),
        shown("revenue_per_session", 2, 10**6),
        shown("conversion_rate", 1, 0),
        shown("gross_margin_rate", 2, 10**6),
        shown("gross_margin_rate", 1, 10**6),
    )
    report = compute_report(make_shop(catalogue, Story(weeks=12)), catalogue, make_request(shown=past))
    assert [(one.shown.kpi, one.state) for one in report.followed] == [
        ("conversion_rate", "recovered"), ("gross_margin_rate", "open"), ("revenue_per_session", "open"),
    ]  # fmt: skip


def test_the_follow_up_is_in_the_json(week_after: Report) -> None:
    told = json.loads(week_after.to_json())["followed"]
    assert {one["shown"]["kpi"]: one["state"] for one in told}["conversion_rate"] == "open"
    assert next(one["since"] for one in told if one["state"] == "recovered") == str(SUNDAY)


def test_a_report_without_a_past_follows_nothing(troubled: Report) -> None:
    assert troubled.followed == ()
    assert "Decided before" not in render_html(troubled, "en") + render_mail(troubled, "en").text


def test_decisions_stand_in_the_order_of_the_money_at_stake(troubled: Report) -> None:
    worths = [decision.worth or Decimal(0) for decision in troubled.decisions]
    assert len(worths) >= 2 and worths == sorted(worths, reverse=True)
    first = troubled.decisions[0]
    figure = troubled.figures[first.signal.kpi]
    assert first.signal.kpi == "customer_acquisition_cost" and figure.band is not None
    assert figure.current.value is not None and figure.current.denominator is not None
    assert first.worth == (figure.current.value - figure.band.middle) * figure.current.denominator


def test_a_dear_missed_target_comes_before_a_cheap_break(catalogue: dict[str, Kpi]) -> None:
    targets = {"gross_margin_rate": (Target(Decimal("0.9")),)}
    shop = make_shop(catalogue, Story(mobile_breaks=True))
    report = compute_report(shop, catalogue, make_request(targets=targets))
    assert [one.signal.cause for one in report.decisions[:2]] == [Cause.TARGET, Cause.UNUSUAL]


def test_a_flow_shows_its_month_and_a_ratio_does_not(catalogue: dict[str, Kpi]) -> None:
    targets = {
        "net_sales": (Target(amounts={Span.MONTH: Decimal(240_000)}),),
        "conversion_rate": (Target(Decimal("0.026")),),
    }
    report = compute_report(make_shop(catalogue), catalogue, make_request(targets=targets))
    figure = report.figures["net_sales"]
    assert figure.target == 56_000 and figure.progress is not None
    assert figure.progress.due == 176_000 and figure.progress.target == 240_000
    assert report.figures["conversion_rate"].progress is None
    html = unescape(render_html(report, "en"))
    assert html.count("of target so far") == 1 and "Month to date" in html
    assert json.loads(report.to_json())["figures"]["net_sales"]["progress"]["due"] == "176000"


@pytest.mark.parametrize(("language", "words"), [("fr", "0 sur 2 (0\u202f%)"), ("en", "0 of 2 (0%)")])
def test_the_steering_section_counts_targets_met(
    language: str, words: str, catalogue: dict[str, Kpi]
) -> None:
    targets = {key: (Target(Decimal(1)),) for key in ("conversion_rate", "gross_margin_rate")}
    report = compute_report(make_shop(catalogue), catalogue, make_request(targets=targets))
    assert [(one.family, one.met, one.number) for one in report.attainment] == [
        ("", 0, 2), ("sales", 0, 1), ("profit", 0, 1),
    ]  # fmt: skip
    assert words in unescape(render_html(report, language))
    without = compute_report(make_shop(catalogue, Story(weeks=2)), catalogue, make_request(targets={}))
    assert without.attainment == ()
