"""Who may be written to: by SMS, as they decided up to the day's end, and by push.

Only on the days somebody looked; on any other nobody can say.
"""

from __future__ import annotations

from datetime import date
from decimal import Decimal

from ecom_pipeline.sandbox.events import Consent
from ecom_pipeline.sandbox.oracle.books import Books
from ecom_pipeline.sandbox.oracle.figures import ONE, TOTAL, Fact, FactsOf, Figures, Kpi, flow


def _last_words(books: Books, medium: str, day: date) -> list[Consent]:
    """What each person last said up to the end of a day."""
    known = books.knowledge
    said = [one for one in books.shop.consents if one.channel == medium and known.local_day(one.at) <= day]
    return list({one.person_id: one for one in sorted(said, key=lambda one: one.at)}.values())


def _consenting(medium: str) -> Kpi:
    def compute(books: Books) -> Figures:
        return {
            (day, *TOTAL): (
                Decimal(sum(one.given and not one.bounced for one in _last_words(books, medium, day))),
                None,
            )
            for day in books.snapshot_days
        }

    return Kpi("snapshot", compute)


def _decided(medium: str, *, given: bool) -> FactsOf:
    """One for each person whose last word fell on a day seen."""

    def facts(books: Books) -> list[Fact]:
        return [
            Fact(day, {}, ONE)
            for day in books.snapshot_days
            for one in _last_words(books, medium, day)
            if one.given is given and books.knowledge.local_day(one.at) == day
        ]

    return facts


KPIS: dict[str, Kpi] = {
    "sms_subscribers": _consenting("sms"),
    "sms_sign_ups": flow((), _decided("sms", given=True)),
    "sms_opt_outs": flow((), _decided("sms", given=False)),
    "push_opt_ins": _consenting("push"),
}
