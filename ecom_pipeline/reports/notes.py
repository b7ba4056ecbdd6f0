"""What a reader must know about a value before using it, in words: the same in the report and at the terminal."""

from __future__ import annotations

from ecom_pipeline.kpis.definition import Kpi
from ecom_pipeline.kpis.values import State, Value
from ecom_pipeline.reports.formats import Formats
from ecom_pipeline.reports.words import Words


def write_notes(words: Words, formats: Formats, kpi: Kpi, value: Value) -> list[str]:
    """Why there is no value; or how much of it is known, how sure it is, how many it counts, what is left out."""
    if value.state is not State.OK:
        return [write_absence(words, formats, kpi, value)]
    found = []
    if value.coverage is not None and value.coverage < 1:
        found.append(words.say("note.coverage", coverage=formats.percent(value.coverage)))
    if value.low is not None and value.high is not None:
        low, high = (formats.value(kpi, edge) for edge in (value.low, value.high))
        found.append(words.say("note.range", low=low, high=high))
    if kpi.counts is not None and value.denominator is not None:
        noun = kpi.counts.one if value.denominator == 1 else kpi.counts.many
        number = formats.number(value.denominator, 0)
        found.append(words.say("note.counts", number=number, noun=noun.in_language(words.language)))
    if value.counts_old_as_new and value.history_days is not None:
        found.append(words.count("note.old_as_new", value.history_days))
    elif value.history_days is not None:
        found.append(words.say("note.history", days=value.history_days, needed=kpi.reach))
    if value.days_provisional:
        found.append(words.count("note.provisional", value.days_provisional))
    return found


def write_absence(words: Words, formats: Formats, kpi: Kpi, value: Value) -> str:
    """Why there is no value."""
    coverage = formats.percent(value.coverage) if value.coverage is not None else ""
    state = words.say(f"state.{value.state.value}", coverage=coverage)
    if value.state is not State.UNDEFINED or kpi.undefined is None:
        return state
    return f"{state}{words.say('colon')}{kpi.undefined.in_language(words.language).replace(chr(39), '’')}"
