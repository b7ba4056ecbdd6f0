"""One cockpit in one language: names, notes and periods, in the report's own words and formats."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

from babel.dates import format_date

from ecom_pipeline.cockpit.cockpit import OTHERS, Cockpit, Grain, Span
from ecom_pipeline.cockpit.periods import DAY, MONTH, WEEK
from ecom_pipeline.cockpit.words import load_cockpit_words
from ecom_pipeline.insights.signals import Cause, Signal
from ecom_pipeline.kpis.definition import Kpi
from ecom_pipeline.kpis.definition import Words as KpiWords
from ecom_pipeline.kpis.values import State, Value
from ecom_pipeline.reports.formats import Formats
from ecom_pipeline.reports.notes import write_notes
from ecom_pipeline.reports.words import Words, load_words
from ecom_pipeline.reports.writer import segment_name, source_name


class CockpitWriter:
    """Writes a cockpit's parts in one language."""

    def __init__(self, cockpit: Cockpit, language: str) -> None:
        self.cockpit = cockpit
        self.language = language
        self.report_words: Words = load_words(language)
        self.words: Words = load_cockpit_words(language)
        self.formats = Formats(language, cockpit.request.currency)
        self._titles = {source.source: self.source(source.title) for source in cockpit.sources}

    def source(self, title: str) -> str:
        return source_name(self.report_words, title)

    def text(self, words: KpiWords) -> str:
        """A definition file's text in the reader's language, with the apostrophe of print."""
        return words.in_language(self.language).replace("'", "\u2019")

    def name(self, key: str) -> str:
        return self.text(self.cockpit.kpis[key].name)

    def family(self, family: str) -> str:
        return self.report_words.get(f"family.{family}") or family.replace("_", " ").capitalize()

    def dimension(self, dimension: str) -> str:
        return self.report_words.get(f"dimension.{dimension}") or dimension.replace("_", " ")

    def segment(self, dimension: str, segment: str, others: int = 0) -> str:
        if segment == OTHERS:
            return self.report_words.say("others", number=others)
        return segment_name(self.report_words, self.formats, dimension, segment)

    def value(self, key: str, amount: Decimal | None) -> str:
        if amount is None:
            return self.report_words.say("not_available")
        return self.formats.value(self.cockpit.kpis[key], amount)

    def limit(self, key: str, amount: Decimal) -> str:
        return self.formats.limit(self.cockpit.kpis[key], amount)

    def reference(self, kpi: Kpi) -> str:
        """A field's limit or usual value; empty without one."""
        if kpi.reference is None:
            return ""
        for kind in ("at_least", "at_most", "around"):
            limit = getattr(kpi.reference, kind)
            if limit is not None:
                return self.report_words.say(f"reference.{kind}", value=self.formats.limit(kpi, limit))
        if kpi.reference.between is None:
            return ""
        low, high = (self.formats.limit(kpi, edge) for edge in kpi.reference.between)
        return self.report_words.say("reference.between", low=low, high=high)

    def note(self, kpi: Kpi, value: Value) -> str:
        """What a reader must know about a total before using it, as in the report; empty when nothing is."""
        found = write_notes(self.report_words, self.formats, kpi, value)
        if value.state is State.MISSING and value.reason:
            found.append(self.reason(value.reason))
        return " · ".join(found)

    def reason(self, reason: str) -> str:
        """The sources a value waits for, by the names their readers know: `web: web_traffic; shop: orders`."""
        sources = dict.fromkeys(part.split(": ")[0] for part in reason.replace("; ", ", ").split(", "))
        return ", ".join(self._titles.get(source, source) for source in sources)

    def signal(self, signal: Signal) -> str:
        """Why a KPI's last seven days call for attention."""
        one = self.cockpit.watched[signal.kpi]
        assert one.week_value is not None
        parts = {"value": self.value(signal.kpi, one.week_value)}
        if signal.cause is Cause.UNUSUAL:
            assert one.band is not None
            key = "reason.low" if one.week_value < one.band.middle else "reason.high"
            parts |= {
                "low": self.value(signal.kpi, one.band.low),
                "high": self.value(signal.kpi, one.band.high),
            }
        else:
            assert signal.limit is not None
            parts["limit"] = self.limit(signal.kpi, signal.limit)
            side = "low" if one.week_value < signal.limit else "high"
            key = "reason.target" if signal.cause is Cause.TARGET else f"reason.limit_{side}"
        return self.report_words.say(key, **parts)

    def span(self, grain: Grain, span: Span) -> str:
        """A period as its reader chooses it."""
        if grain.key == DAY:
            return self._date(span.first_day, "EEE d MMM y")
        if grain.key == MONTH:
            return self.formats.month(span.first_day)
        days = self.formats.span(span.first_day, span.last_day)
        if grain.key != WEEK:
            return days
        return f"{self.words.say('period.week_short', week=span.last_day.isocalendar().week)} · {days}"

    def month(self, day: date) -> str:
        """A month in short, with its year."""
        return self.formats.short_month(day)

    def long_month(self, day: date) -> str:
        """A month's name, as a sentence begins with it."""
        name = self._date(day, "MMMM")
        return name[:1].upper() + name[1:]

    def short_span(self, grain: Grain, span: Span) -> str:
        """A period where there is little room: beneath an axis, in a note."""
        if grain.key == MONTH:
            return self._date(span.first_day, "MMM yy")
        if grain.key == WEEK:
            return self.words.say("period.week_short", week=span.last_day.isocalendar().week)
        return self._date(span.last_day, "d MMM")

    def _date(self, day: date, pattern: str) -> str:
        return str(format_date(day, pattern, locale=self.formats.locale))
