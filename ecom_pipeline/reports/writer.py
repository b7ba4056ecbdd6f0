"""One report in one language: the small phrases that tables, sentences and mails are made of."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from decimal import Decimal
from fractions import Fraction
from typing import Literal

from ecom_pipeline.kpis.definition import Kpi, Reference
from ecom_pipeline.kpis.definition import Words as KpiWords
from ecom_pipeline.kpis.values import State, Value
from ecom_pipeline.periods import ReportPeriod
from ecom_pipeline.reports.formats import Formats
from ecom_pipeline.reports.notes import write_notes
from ecom_pipeline.reports.report import Figure, Report
from ecom_pipeline.reports.words import Words, load_words

Tone = Literal["good", "bad", "plain"]


class Writer:
    """Writes a report's parts in one language."""

    def __init__(self, report: Report, language: str) -> None:
        self.report = report
        self.words: Words = load_words(language, report.period.rhythm)
        self.formats = Formats(language, report.request.currency)

    def kpi(self, key: str) -> Kpi:
        return self.report.definitions[key]

    def name(self, key: str) -> str:
        return self.text(self.kpi(key).name)

    def text(self, words: KpiWords) -> str:
        """A definition file's text in the reader's language, with the apostrophe of print."""
        return words.in_language(self.words.language).replace("'", "’")

    def limit(self, key: str, amount: Decimal) -> str:
        return self.formats.limit(self.kpi(key), amount)

    def period(self, form: Literal["title", "inline", "since"], period: ReportPeriod | None = None) -> str:
        """A week or month as a title, within a sentence, or after the word since; the report's own by default."""
        shown = period or self.report.period
        month = self.formats.month(shown.last_day)
        week = shown.last_day.isocalendar().week
        text = self.words.say(f"period.{form}", week=week, month=month)
        return text[:1].upper() + text[1:] if form == "title" else text

    def value(self, key: str, value: Value) -> str:
        """The value, or that there is none."""
        return self.amount(key, value.value if value.state is State.OK else None)

    def amount(self, key: str, amount: Decimal | Fraction | None, *, beside: Decimal | None = None) -> str:
        if amount is None:
            return self.words.say("not_available")
        return self.formats.value(self.kpi(key), amount, beside=beside)

    def change(self, key: str, now: Decimal | None, before: Decimal | None) -> str | None:
        if now is None or before is None:
            return None
        return self.formats.change(self.kpi(key), now, before)

    def tone(self, key: str, now: Decimal, before: Decimal) -> Tone:
        """Whether a move is good or bad for this KPI, whatever its direction."""
        good = self.kpi(key).good
        if good == "zero":
            now, before, good = abs(now), abs(before), "down"
        if good == "neutral" or now == before:
            return "plain"
        return "good" if (now > before) == (good == "up") else "bad"

    def standing(self, figure: Figure) -> Tone:
        """Good or bad only when the value left its usual range."""
        value, band = figure.current.value, figure.band
        if value is None or band is None or band.low <= value <= band.high:
            return "plain"
        return self.tone(figure.kpi, value, band.middle)

    def segment(self, dimension: str, segment: str) -> str:
        return segment_name(self.words, self.formats, dimension, segment)

    def short_segment(self, dimension: str, segment: str, most: int) -> str:
        """A segment's name cut for page one, where a line is a line; the sections show it whole."""
        return shorten_name(self.segment(dimension, segment), most)

    def source(self, title: str) -> str:
        return source_name(self.words, title)

    def dimension(self, dimension: str) -> str:
        return self.words.get(f"dimension.{dimension}") or dimension

    def family(self, family: str) -> str:
        return self.words.get(f"family.{family}") or family.replace("_", " ").capitalize()

    def step(self, key: str) -> str:
        return self.words.say(f"bridge.{key}")

    def days(self, days: Sequence[date]) -> str:
        """Days as readers say them: the whole period, three or more in a row by their ends, else one by one."""
        if len(days) == self.report.period.days:
            return self.words.say("banner.all_days")
        runs: list[list[date]] = []
        for day in sorted(days):
            if runs and (day - runs[-1][-1]).days == 1:
                runs[-1].append(day)
            else:
                runs.append([day])
        parts = [
            f"{self.formats.weekday(run[0])} – {self.formats.weekday(run[-1])}"
            if len(run) > 2
            else ", ".join(self.formats.weekday(day) for day in run)
            for run in runs
        ]
        return ", ".join(parts)

    def reference(self, kpi: Kpi, reference: Reference) -> str:
        """A field's limit or usual value."""
        for kind in ("at_least", "at_most", "around"):
            limit = getattr(reference, kind)
            if limit is not None:
                return self.words.say(f"reference.{kind}", value=self.formats.limit(kpi, limit))
        if reference.between is None:
            return ""
        low, high = (self.formats.limit(kpi, edge) for edge in reference.between)
        return self.words.say("reference.between", low=low, high=high)

    def notes(self, figure: Figure) -> list[str]:
        """What a reader must know about a value before using it."""
        if figure.current.state is State.MISSING and figure.kpi in self.report.quality.not_connected:
            found = [self.words.say("state.not_connected")]
        else:
            found = write_notes(self.words, self.formats, self.kpi(figure.kpi), figure.current)
        if figure.period != self.report.period and figure.current.state is State.OK:
            found.append(self.words.say("note.older", period=self.period("inline", figure.period)))
        return [*found, *self._progress(figure)]

    def _progress(self, figure: Figure) -> list[str]:
        """Where a flow stands against the target of its month or year."""
        progress = figure.progress
        if progress is None or progress.attainment is None:
            return []
        attainment = self.formats.percent(progress.attainment)
        if progress.expected_attainment is None:
            return [self.words.say("note.progress", attainment=attainment)]
        expected = self.formats.percent(progress.expected_attainment)
        return [self.words.say("note.progress_forecast", attainment=attainment, expected=expected)]


def segment_name(words: Words, formats: Formats, dimension: str, segment: str) -> str:
    """A segment's name: countries and devices in the reader's language, others as they are."""
    if not segment:
        return words.say("segment.none")
    if segment == "unknown":
        return words.say("segment.unknown")
    if dimension == "country":
        return formats.country(segment) or segment
    return words.get(f"segment.{dimension}.{segment}") or segment


def source_name(words: Words, title: str) -> str:
    """A source's title: vendors' names as they are, what is no vendor in the reader's language."""
    return words.get(f"source.{title}") or title


def shorten_name(name: str, most: int) -> str:
    """At most so many characters, the end kept too: long names often differ only there."""
    if len(name) <= most:
        return name
    tail = most // 3
    return f"{name[: most - tail - 1].rstrip()}…{name[-tail:].lstrip()}"
