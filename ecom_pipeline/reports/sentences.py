"""The report's prose, computed from its numbers: what happened, what drove it, why something needs deciding."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

from ecom_pipeline.insights.actions import FollowUp
from ecom_pipeline.insights.bands import Band
from ecom_pipeline.insights.signals import Cause
from ecom_pipeline.kpis.values import State
from ecom_pipeline.reports.report import Decision, Explanation
from ecom_pipeline.reports.writer import Writer

LONGEST_NAME = 60  # of a segment in a sentence
MOST_CORRECTIONS = 6


def _sales_lead(writer: Writer) -> bool:
    """Whether the headline is the sentence on net sales, because all that is watched is whole and usual."""
    report = writer.report
    essentials = [report.figures[key] for key in report.audience.essentials]
    return (
        report.headline is None
        and "net_sales" in report.audience.kpis
        and report.figures["net_sales"].current.value is not None
        and any(figure.band for figure in essentials)
        and all(figure.current.state is not State.MISSING for figure in essentials)
    )


def write_headline(writer: Writer) -> str:
    """The period in one sentence without its full stop."""
    report = writer.report
    if report.headline is not None:
        figure = report.figures[report.headline.kpi]
        value, band = figure.current.value, figure.band
        assert value is not None and band is not None
        key, edges = _beyond(writer, figure.kpi, value, band)
        parts = {"name": writer.name(figure.kpi), "value": writer.amount(figure.kpi, value)}
        return writer.words.say(f"headline.{key}", **parts, **edges)
    if report.is_empty:
        return writer.words.say("headline.empty")
    figures = [report.figures[key] for key in report.audience.essentials]
    if report.incomplete and not any(figure.current.state is State.OK for figure in figures):
        return writer.words.say("headline.unknown")
    if not any(figure.band for figure in figures):
        return writer.words.say("headline.young")
    if any(figure.current.state is State.MISSING for figure in figures):
        known = sum(figure.current.state is State.OK for figure in figures)
        return writer.words.count("headline.usual_known", known, all=len(figures))
    if _sales_lead(writer):
        return writer.words.say("headline.calm", sales=_write_sales(writer).removesuffix("."))
    return writer.words.say("headline.usual")


def _beyond(writer: Writer, kpi: str, value: Decimal, band: Band) -> tuple[str, dict[str, str]]:
    """On which side of its band a value is, and the band's ends as they are told; a band may be one level only."""
    edges = {"low": writer.amount(kpi, band.low), "high": writer.amount(kpi, band.high)}
    side = "low" if value < band.middle else "high"
    return side if edges["low"] != edges["high"] else f"{side}_always", edges


def write_lede(writer: Writer) -> list[str]:
    """What stands below the headline: net sales, or how calm the period was, and what drove the change.

    What drove the headline's own KPI comes first, next to it.
    """
    sentences: list[str] = []
    if writer.report.is_empty:
        return sentences
    if "net_sales" in writer.report.audience.kpis:
        # The target stands next to the sales, wherever they are.
        target = _write_sales_target(writer)
        if _sales_lead(writer):
            sentences += [*target, writer.words.say("headline.calm_note")]
        else:
            sentences += [_write_sales(writer), *target]
    explanation = writer.report.explanation
    driver = write_driver(writer, explanation) if explanation is not None else ""
    if explanation is None or not driver:
        return sentences
    # After its own sentence a KPI needs no name.
    headline, subject = writer.report.headline, explanation.kpi
    if headline is not None and subject == headline.kpi:
        return [driver, *sentences]
    if subject == "net_sales" and sentences:
        return [*sentences, driver]
    return [*sentences, f"{writer.name(subject)}{writer.words.say('colon')}{driver}"]


def write_driver(writer: Writer, explanation: Explanation) -> str:
    """Which segment did most of a change, and whether by rate or by mix; empty when none did."""
    drivers, kpi = explanation.drivers, writer.kpi(explanation.kpi)
    main = drivers.main
    if main is None:
        return ""
    text = writer.words.say(
        f"driver.{explanation.basis}",
        segment=writer.short_segment(drivers.dimension, main.segment, LONGEST_NAME),
        effect=writer.formats.difference(kpi, main.effect, beside=drivers.largest),
        change=writer.formats.difference(kpi, drivers.change, beside=drivers.largest),
    )
    rate, mix = (
        writer.formats.difference(kpi, part, beside=drivers.largest) for part in (main.rate, main.mix)
    )
    # Told apart only when both matter: a tenth of the effect or more.
    if drivers.is_ratio and min(abs(main.rate), abs(main.mix)) * 10 >= abs(main.effect):
        text += " " + writer.words.say("driver.split", rate=rate, mix=mix)
    return text


def write_reason(writer: Writer, decision: Decision) -> str:
    """Why a decision is proposed."""
    signal = decision.signal
    figure = writer.report.figures[signal.kpi]
    value, band = figure.current.value, figure.band
    assert value is not None
    parts = {"value": writer.amount(signal.kpi, value)}
    if signal.cause is Cause.UNUSUAL:
        assert band is not None
        beyond, edges = _beyond(writer, signal.kpi, value, band)
        key, parts = f"reason.{beyond}", parts | edges
    else:
        assert signal.limit is not None
        parts["limit"] = writer.limit(signal.kpi, signal.limit)
        is_low = value < signal.limit
        key = (
            "reason.target" if signal.cause is Cause.TARGET else f"reason.limit_{'low' if is_low else 'high'}"
        )
    text = writer.words.say(key, **parts)
    is_told = decision.explanation is not None and decision.explanation == writer.report.explanation
    # What drove the KPI that leads page one stands there already, in words and in a table.
    if decision.explanation is not None and signal.cause is Cause.UNUSUAL and not is_told:
        driver = write_driver(writer, decision.explanation)
        text += f" {driver}" if driver else ""
    if decision.beyond is not None:
        one = decision.beyond
        text += " " + writer.words.say(
            "reason.beyond",
            segment=writer.short_segment(one.dimension, one.segment, LONGEST_NAME),
            value=writer.amount(signal.kpi, one.value),
        )
    if decision.worth is not None:
        text += " " + writer.words.say("reason.worth", worth=writer.formats.money(decision.worth, digits=0))
    return text


def write_no_decisions(writer: Writer) -> str:
    """That nothing calls for a decision, as far as that is known."""
    report = writer.report
    is_lacking = report.incomplete.kpis or any(
        report.figures[key].current.state is State.MISSING for key in report.audience.essentials
    )
    return writer.words.say("decisions.none_known" if is_lacking else "decisions.none")


def write_follow_up(writer: Writer, one: FollowUp) -> str:
    """What became of a decision that an earlier report showed."""
    shown = one.shown
    edge = writer.amount(shown.kpi, shown.edge)
    return writer.words.say(
        f"followed.{one.state}",
        name=writer.name(shown.kpi),
        how=writer.words.say(f"followed.{shown.cause.value}", edge=edge),
        since=writer.period("since", replace(writer.report.period, last_day=one.since)) if one.since else "",
        value=writer.amount(shown.kpi, one.value),
        period=writer.period("inline", replace(writer.report.period, last_day=shown.last_day)),
        then=writer.amount(shown.kpi, shown.value),
    )


def write_attainment(writer: Writer) -> str:
    """How many of the KPIs with a target are on it, in all and by family; empty without targets."""
    if not writer.report.attainment:
        return ""
    whole, *families = writer.report.attainment
    parts = [
        writer.words.say(
            "attainment.family", family=writer.family(one.family), met=one.met, number=one.number
        )
        for one in families
    ]
    share = writer.formats.percent(whole.share, 0)
    total = writer.words.say("attainment.all", met=whole.met, number=whole.number, share=share)
    return f"{total} {', '.join(parts)}."


def _write_sales(writer: Writer) -> str:
    figure = writer.report.figures["net_sales"]
    now = figure.current.value
    name = writer.name("net_sales")
    if now is None:
        return writer.words.say("sales.missing", name=name)
    before = writer.change("net_sales", now, figure.previous.value)
    year = writer.change("net_sales", now, figure.previous_year.value)
    key = "both" if before and year else "before" if before else "year" if year else "plain"
    values = {"name": name, "value": writer.amount("net_sales", now), "before": before, "year": year}
    return writer.words.say(f"sales.{key}", **values)


def _write_sales_target(writer: Writer) -> list[str]:
    figure = writer.report.figures["net_sales"]
    if figure.target is None or figure.current.value is None:
        return []
    sentences = [writer.words.say("sales.target", target=writer.limit("net_sales", figure.target))]
    progress = figure.progress
    if progress is not None and progress.attainment is not None:
        parts = {
            "actual": writer.amount("net_sales", progress.actual),
            "attainment": writer.formats.percent(progress.attainment),
        }
        key = "sales.progress"
        if progress.forecast is not None and progress.expected_attainment is not None:
            key = "sales.progress_forecast"
            parts["forecast"] = writer.amount("net_sales", progress.forecast)
            parts["expected"] = writer.formats.percent(progress.expected_attainment)
            parts["target"] = writer.limit("net_sales", progress.target)
        sentences.append(writer.words.say(key, **parts))
    return sentences


def write_correction(writer: Writer) -> list[str]:
    """That this report replaces one that was sent, and each value it changes; empty for any other report."""
    correction = writer.report.request.corrects
    if correction is None:
        return []
    changes = [
        writer.words.say(
            "correction.change",
            name=writer.name(one.kpi),
            before=writer.amount(one.kpi, one.before),
            after=writer.amount(one.kpi, one.after),
        )
        for one in correction.changes
    ]
    shown = changes[:MOST_CORRECTIONS]
    if len(changes) > len(shown):
        shown.append(writer.words.count("correction.more", len(changes) - len(shown)))
    say = writer.words.say
    sent = say("correction.replaces", at=writer.formats.instant(correction.sent_at))
    return [sent, f"{say('correction.changed')}{say('colon')}{say('semicolon').join(shown)}."]
