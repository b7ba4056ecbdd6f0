"""A corrected report: only of one that went out, only when it reads differently, and it says how."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from html import unescape
from pathlib import Path

import pytest

from ecom_pipeline.reports import Correction, Report, render_html, render_mail
from ecom_pipeline.reports.correction import NothingToCorrect, find_changes, read_sent, told_values
from ecom_pipeline.reports.report import ChangedFigure

SENT_AT = datetime(2026, 11, 23, 7, 0, tzinfo=UTC)


@pytest.fixture
def sent_file(tmp_path: Path, usual: Report) -> Path:
    """What went out: the usual week, but net sales and orders read otherwise, and sessions were missing."""
    told = told_values(usual)
    told["computed_at"] = SENT_AT.isoformat()
    told["values"] |= {"net_sales": "50000.00", "orders": "600", "sessions": None}
    file = tmp_path / "sent.json"
    file.write_text(json.dumps(told))
    return file


def test_what_was_told_is_read_back_to_the_last_digit(tmp_path: Path, usual: Report) -> None:
    file = tmp_path / "sent.json"
    file.write_text(json.dumps(told_values(usual)))
    sent = read_sent(file)
    assert sent.computed_at == usual.request.generated_at
    assert dict(sent.values) == {key: usual.figures[key].current.value for key in usual.audience.kpis}
    with pytest.raises(NothingToCorrect, match="nothing to correct"):
        find_changes(sent, usual)


def test_every_value_that_reads_differently_is_named(sent_file: Path, usual: Report) -> None:
    changes = find_changes(read_sent(sent_file), usual)
    assert {one.kpi: one.before for one in changes} == {
        "net_sales": Decimal("50000.00"),
        "orders": Decimal(600),
        "sessions": None,
    }
    assert all(one.after == usual.figures[one.kpi].current.value for one in changes)


def test_a_report_nobody_has_cannot_be_corrected(tmp_path: Path) -> None:
    with pytest.raises(NothingToCorrect, match="nothing to correct") as caught:
        read_sent(tmp_path / "none.json")
    assert "never sent" in caught.value.why


@pytest.mark.parametrize(("language", "title"), [("fr", "Rapport corrigé"), ("en", "Corrected report")])
def test_page_and_mail_are_marked_and_say_what_changed(
    language: str, title: str, sent_file: Path, usual: Report
) -> None:
    changes = find_changes(read_sent(sent_file), usual)
    corrected = replace(usual, request=replace(usual.request, corrects=Correction(SENT_AT, changes)))
    html, mail = unescape(render_html(corrected, language)), render_mail(corrected, language)
    assert mail.subject == f"{title} – {render_mail(usual, language).subject}"
    told = ("50\u202f000" if language == "fr" else "50,000", "600")
    for text in (html, unescape(mail.html)):
        assert title in text
        assert all(value in text for value in told)
    assert title.upper() in mail.text
    assert title not in unescape(render_html(usual, language))


def test_many_changes_are_summed_up(usual: Report) -> None:
    changes = tuple(ChangedFigure(key, None, Decimal(1)) for key in usual.audience.kpis[:9])
    corrected = replace(usual, request=replace(usual.request, corrects=Correction(SENT_AT, changes)))
    assert "and 3 other KPIs" in render_mail(corrected, "en").text
