"""Questions and their answers: words for everything in both languages, the same at the terminal and in the report."""

from __future__ import annotations

import json
import re
from datetime import date, timedelta
from decimal import Decimal
from string import Formatter

import duckdb
import pytest
from typer.testing import CliRunner

from ecom_pipeline.cli import app
from ecom_pipeline.editions import Edition
from ecom_pipeline.insights.questions.question import Answer, Column, Part, Question, questions
from ecom_pipeline.periods import week_ending
from ecom_pipeline.reporting import compute_edition, render_edition
from ecom_pipeline.reports.answers import write_answer
from ecom_pipeline_tests.simulation import Simulation

EACH = pytest.mark.parametrize("question", questions().values(), ids=questions())


def placeholders(text: str) -> set[str]:
    return {name for _, name, _, _ in Formatter().parse(text) if name}


@EACH
def test_both_languages_say_the_same_things(question: Question) -> None:
    fr, en = question.words("fr"), question.words("en")
    for kind in ("column", "sentence", "label", "note"):
        assert set(getattr(fr, kind)) == set(getattr(en, kind)), kind
    for key, sentence in (fr.sentence | fr.note).items():
        assert placeholders(sentence) == placeholders((en.sentence | en.note)[key]), key
    assert fr.title != en.title
    assert fr.about != en.about


def test_their_places_differ() -> None:
    places = [question.file.place for question in questions().values()]
    assert len(places) > 1 and sorted(set(places)) == places


@EACH
def test_an_answer_has_words_for_all_it_holds(
    question: Question, asked: Simulation, warehouse: duckdb.DuckDBPyConnection
) -> None:
    answer = question.answer(warehouse, asked.shop.last_day)
    assert answer is not None and answer.rows
    for language in ("fr", "en"):
        written = write_answer(answer, language, "EUR")
        assert len(written.rows) == len(answer.rows)
        assert {len(row) for row in written.rows} == {len(answer.columns)}
        assert "{" not in written.sentence + written.about + "".join(written.notes)
        if language == "fr":
            said = [
                written.title,
                written.about,
                *written.notes,
                *(heading for heading, _ in written.columns),
            ]
            assert not [one for one in said if re.search(r"[ '][:;?!%]|'", one)]
        assert bool(written.others) == bool(answer.others)


@EACH
def test_it_is_the_same_whenever_it_is_asked(
    question: Question, asked: Simulation, warehouse: duckdb.DuckDBPyConnection
) -> None:
    first, second = (question.answer(warehouse, asked.shop.last_day) for _ in range(2))
    assert first == second


@EACH
def test_nothing_is_answered_of_an_empty_warehouse(question: Question) -> None:
    with duckdb.connect() as connection:
        assert question.answer(connection, date(2026, 11, 15)) is None


def test_cells_are_written_in_the_readers_language() -> None:
    known = questions()["reconciliation"]
    answer = Answer(
        question="reconciliation",
        sentence="whole",
        parts={"on_its_way": Part("money", Decimal("12.5")), "balance": Part("money", None)},
        columns=(
            Column("stage", "label"),
            Column("provider", "text"),
            Column("reason", "text", "country"),
            Column("oldest", "day"),
            Column("items", "count"),
        ),
        rows=(("payouts to bank", "stripe", "BE", date(2026, 3, 1), Decimal(1200)),),
        others=2,
    )
    written = write_answer(answer, "fr", "EUR")
    assert written.rows == (
        (known.words("fr").label["payouts to bank"], "stripe", "Belgique", "1 mars 2026", "1\u202f200"),
    )
    assert [is_number for _, is_number in written.columns] == [False, False, False, True, True]
    assert "12,50\u00a0€" in written.sentence and "–" in written.sentence
    assert written.others == "2 autres lignes."


def test_the_report_tells_them_in_numbers_and_in_words(asked: Simulation) -> None:
    last = asked.shop.last_day
    edition = Edition(week_ending(last), "direction", "en")
    report = compute_edition(asked.pipeline, edition)
    assert [answer.question for answer in report.answers] == list(questions())
    told = {one["question"]: one for one in json.loads(report.to_json())["answers"]}
    for answer in report.answers:
        assert len(told[answer.question]["rows"]) == len(answer.rows)
    html = render_edition(asked.pipeline, edition).files.html.read_text(encoding="utf-8")
    for answer in report.answers:
        assert write_answer(answer, "en", "EUR").title in html.replace("&amp;", "&")


def test_the_terminal_lists_and_answers_them(asked: Simulation) -> None:
    config = ["--config", str(asked.pipeline.settings.folder.parent / "ecom.toml")]
    run = CliRunner()
    listed = run.invoke(app, ["ask", *config])
    assert listed.exit_code == 0
    assert all(name in listed.output for name in questions())
    day = asked.shop.last_day.isoformat()
    told = json.loads(run.invoke(app, ["ask", "reconciliation", "--json", "--day", day, *config]).output)
    assert told["question"] == "reconciliation" and told["rows"]
    shown = run.invoke(app, ["ask", "reconciliation", "--language", "fr", "--day", day, *config])
    assert questions()["reconciliation"].words("fr").title.partition(" ")[0] in shown.output
    young = (asked.shop.first_day - timedelta(days=1)).isoformat()
    assert run.invoke(app, ["ask", "reconciliation", "--day", young, *config]).exit_code == 0
