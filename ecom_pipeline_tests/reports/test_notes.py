"""What stands beside a value: how sure, how many, how much of it is known, in both languages."""

from __future__ import annotations

from decimal import Decimal

import pytest

from ecom_pipeline.kpis.definition import kpis
from ecom_pipeline.kpis.values import State, Value
from ecom_pipeline.reports.formats import Formats
from ecom_pipeline.reports.notes import write_notes
from ecom_pipeline.reports.words import load_words


def notes(language: str, key: str, value: Value) -> list[str]:
    return write_notes(load_words(language), Formats(language, "EUR"), kpis()[key], value)


NPS = Value(Decimal(40), State.OK, Decimal(5280), Decimal(132), low=Decimal("29.4"), high=Decimal("50.1"))


def test_a_score_bears_its_range_and_its_answers() -> None:
    assert notes("fr", "net_promoter_score", NPS) == [
        "probable\u00a0: 29\u00a0pts à 50\u00a0pts",
        "132 réponses",
    ]
    assert notes("en", "net_promoter_score", NPS) == ["likely 29\u00a0pts to 50\u00a0pts", "132 answers"]


@pytest.mark.parametrize(
    ("count", "french", "english"),
    [(1, "1 avis", "1 review"), (2, "2 avis", "2 reviews"), (1203, "1\u202f203 avis", "1,203 reviews")],
)
def test_a_rating_bears_the_number_of_its_reviews(count: int, french: str, english: str) -> None:
    value = Value(Decimal("4.5"), State.OK, Decimal("4.5") * count, Decimal(count))
    assert notes("fr", "review_rating", value) == [french]
    assert notes("en", "review_rating", value) == [english]


def test_what_cannot_be_divided_says_why() -> None:
    nothing = Value(None, State.UNDEFINED)
    assert notes("fr", "runway_months", nothing) == ["sans objet\u00a0: aucune sortie nette"]
    assert notes("en", "runway_months", nothing) == ["not applicable: no net outflow"]
    assert notes("en", "conversion_rate", nothing) == ["not applicable"]


def test_order_is_known_share_range_number_history_days() -> None:
    value = Value(
        Decimal(30), State.OK, Decimal(300), Decimal(10), Decimal("0.95"), 2, low=Decimal(25), high=Decimal(36),
        history_days=400,
    )  # fmt: skip
    assert notes("en", "lifetime_value", value) == [
        "known for 95.0%", "likely €25.00 to €36.00", "10 customers", "400 of 730 days of history",
        "2 days left out as too recent",
    ]  # fmt: skip


def test_a_range_is_never_told_of_a_value_that_is_withheld() -> None:
    withheld = Value(None, State.LOW_COVERAGE, coverage=Decimal("0.5"), low=Decimal(1), high=Decimal(2))
    assert notes("en", "net_promoter_score", withheld) == ["withheld, coverage 50.0%"]
