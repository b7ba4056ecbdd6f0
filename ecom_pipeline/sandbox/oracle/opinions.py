"""Opinion: stars, and how likely people are to recommend the shop."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from decimal import Decimal

from ecom_pipeline.sandbox.events import Review
from ecom_pipeline.sandbox.oracle.books import Books
from ecom_pipeline.sandbox.oracle.figures import TOTAL, UNKNOWN, Fact, FactsOf, Figures, Kpi, flow, ratio

HIDDEN_EVERY = 29  # the shop hides one in so many at its widget
WINDOW = timedelta(days=89)


def _reviews(measure: Callable[[Review], int]) -> FactsOf:
    def facts(books: Books) -> list[Fact]:
        known = books.knowledge
        return [
            Fact(
                known.local_day(one.created_at),
                {"product": one.product.title if one.product else UNKNOWN},
                Decimal(measure(one)),
            )
            for one in books.shop.reviews
            if known.happened(one.created_at)
            and not known.happened(one.removed_at)
            and not (one.platform == "judgeme" and one.review_id % HIDDEN_EVERY == 0)
        ]

    return facts


def _net_promoters(books: Books) -> Figures:
    answers = [
        (books.knowledge.local_day(one.at), one.score)
        for one in books.shop.survey_answers
        if books.knowledge.happened(one.at)
    ]
    figures: Figures = {}
    for day in books.days:
        scores = [score for at, score in answers if day - WINDOW <= at <= day]
        if scores:
            points = 100 * (sum(score >= 9 for score in scores) - sum(score <= 6 for score in scores))
            figures[day, *TOTAL] = (Decimal(points), Decimal(len(scores)))
    return figures


_number = _reviews(lambda one: 1)
KPIS: dict[str, Kpi] = {
    "review_rating": ratio(("product",), _reviews(lambda one: one.stars), _number),
    "reviews": flow(("product",), _number),
    "negative_review_rate": ratio(("product",), _reviews(lambda one: int(one.stars <= 2)), _number),
    "net_promoter_score": Kpi("window", _net_promoters),
}
