"""Typeform: the number people answered, and nothing they wrote."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from pydantic import SecretStr

from ecom_pipeline.sandbox.events import Shop
from ecom_pipeline.sandbox.generator import generate_shop
from ecom_pipeline.sandbox.server import run_sandbox
from ecom_pipeline.sandbox.vendors import typeform as twin
from ecom_pipeline.sandbox.world import PERSONAL_CANARY, SECRET_CANARY, World
from ecom_pipeline.sources.contract import Window
from ecom_pipeline.sources.typeform import Typeform, source
from ecom_pipeline.sources.typeform.source import ANSWERS, TypeformSettings

from ..simulation import reading
from .contract_suite import Case, SourceContract
from .vendor_sandbox import NO_SLEEP, context_of, map_rows, raw_tables, window_of

FIRST, LAST = date(2026, 1, 1), date(2026, 3, 31)
NOW = datetime(2026, 4, 1, 6, tzinfo=UTC)
WHOLE = window_of(FIRST, LAST)


class TestContract(SourceContract):
    case = Case(
        "typeform",
        "survey",
        table="answers",
        column="submitted_at",
        where="/responses",
        small_pages=("ecom_pipeline.sources.typeform.source.PAGE",),
        page_rows=1,
        paged_days=25,
    )
    business = reading("survey")


@pytest.fixture(scope="module")
def shop() -> Shop:
    return generate_shop(5, FIRST, LAST, 40.0)


@pytest.fixture(scope="module")
def served(shop: Shop) -> Iterator[tuple[World, str]]:
    world = World(shop, NOW)
    with run_sandbox(world) as url:
        yield world, url


@pytest.fixture
def world(served: tuple[World, str]) -> Iterator[World]:
    world, _ = served
    world.log.clear()
    yield world
    world.faults.clear()
    world.missing_rights.clear()
    world.throttles.clear()
    world.set_now(NOW)


def client(served: tuple[World, str], **changed: Any) -> Typeform:
    world, url = served
    (told,) = twin.instances(world, url)
    secrets = {name: SecretStr(value) for name, value in told.secrets.items()}
    return Typeform("survey", TypeformSettings(**(told.settings | secrets | changed)), context_of(world))


@pytest.fixture
def typeform(served: tuple[World, str], world: World, monkeypatch: pytest.MonkeyPatch) -> Typeform:
    monkeypatch.setattr(Typeform, "patience", NO_SLEEP)
    return client(served)


def fetched(typeform: Typeform, window: Window = WHOLE) -> list[Any]:
    return list(typeform.fetch(ANSWERS, window))


def test_every_answer_and_nothing_written(typeform: Typeform, shop: Shop) -> None:
    rows = {row["answer_id"]: row for row in fetched(typeform)}
    answers = {one.answer_id: one for one in shop.survey_answers}
    assert set(rows) == set(answers) and len(rows) > 60
    assert all(row["score"] == answers[name].score for name, row in rows.items())
    assert all(row["answered_at"] == answers[name].at for name, row in rows.items())
    assert PERSONAL_CANARY not in repr(rows)
    mapping = Typeform.declared_mappings(typeform.settings)["survey_answers"]
    mapped = map_rows(raw_tables({"answers": (ANSWERS, list(rows.values()))}), mapping)
    assert sum(row["score"] for row in mapped) == sum(one.score for one in shop.survey_answers)


def test_an_answer_of_the_last_half_hour_comes_with_the_next_reading(
    typeform: Typeform, shop: Shop, world: World
) -> None:
    one = shop.survey_answers[len(shop.survey_answers) // 2]
    world.set_now(one.at + timedelta(minutes=10))
    today = window_of(FIRST, LAST, world.now())
    assert one.answer_id not in {row["answer_id"] for row in fetched(typeform, today)}
    world.set_now(one.at + timedelta(days=1))
    assert one.answer_id in {row["answer_id"] for row in fetched(typeform, today)}
    assert ANSWERS.restate_days >= 2


def test_answers_to_other_questions_are_none(served: tuple[World, str], typeform: Typeform) -> None:
    assert fetched(client(served, question_ref="another")) == []


def test_a_token_without_the_scope_is_named(typeform: Typeform, world: World) -> None:
    world.missing_rights.add(("typeform", "responses:read"))
    (finding,) = typeform.check()
    assert (
        finding.state == "error" and "responses:read" in finding.mend and SECRET_CANARY not in repr(finding)
    )


def test_throttling_is_waited_for(typeform: Typeform, world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(source, "PAGE", 10)
    calm = fetched(typeform)
    now = [0.0]

    def sleep(seconds: float) -> None:
        now[0] += max(seconds, 1.0)

    monkeypatch.setattr(world, "ticks", lambda: now[0])
    monkeypatch.setattr(Typeform, "patience", replace(NO_SLEEP, sleep=sleep))
    world.throttles["typeform"] = 2
    assert fetched(typeform) == calm
    assert now[0] > 0
