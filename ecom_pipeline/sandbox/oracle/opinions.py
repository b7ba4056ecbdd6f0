"""Opinion: stars, and how likely people are to recommend the shop."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import date, timedelta
from decimal import ROUND_HALF_UP, Decimal

from ecom_pipeline.sandbox.events import Review
from ecom_pipeline.sandbox.oracle.books import Books
from ecom_pipeline.sandbox.oracle.figures import ONE, TOTAL, UNKNOWN, Fact, FactsOf, Figures, Kpi, flow, ratio

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


def _scores(books: Books) -> Iterator[tuple[date, list[int]]]:
    """Each day with the answers of its 90 days, where there are any."""
    answers = [
        (books.knowledge.local_day(one.at), one.score)
        for one in books.shop.survey_answers
        if books.knowledge.happened(one.at)
    ]
    for day in books.days:
        scores = [score for at, score in answers if day - WINDOW <= at <= day]
        if scores:
            yield day, scores


def _net_promoters(books: Books) -> Figures:
    return {
        (day, *TOTAL): (Decimal(100 * sum(map(_opinion, scores))), Decimal(len(scores)))
        for day, scores in _scores(books)
    }


def _opinion(score: int) -> int:
    return 1 if score >= 9 else -1 if score <= 6 else 0


def _likely_promoters(books: Books) -> Figures:
    """Mean and spread of the opinions and one of each kind more; 1.645 of its errors to either side."""
    figures: Figures = {}
    for day, scores in _scores(books):
        opinions = [Decimal(_opinion(score)) for score in scores] + [ONE, -ONE, Decimal(0)]
        mean = sum(opinions, Decimal(0)) / len(opinions)
        variance = sum(((one - mean) ** 2 for one in opinions), Decimal(0)) / len(opinions)
        reach = Decimal("1.645") * (variance / len(opinions)).sqrt()
        low, high = max(mean - reach, -ONE), min(mean + reach, ONE)
        figures[day, *TOTAL] = (_points(low), _points(high))
    return figures


def _points(share: Decimal) -> Decimal:
    return (100 * share).quantize(Decimal("0.0001"), ROUND_HALF_UP)


_number = _reviews(lambda one: 1)
INTERVALS = {"net_promoter_score": _likely_promoters}
KPIS: dict[str, Kpi] = {
    "review_rating": ratio(("product",), _reviews(lambda one: one.stars), _number),
    "reviews": flow(("product",), _number),
    "negative_review_rate": ratio(("product",), _reviews(lambda one: int(one.stars <= 2)), _number),
    "net_promoter_score": Kpi("window", _net_promoters),
}
