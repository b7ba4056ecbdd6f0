"""Turns a report's numbers into the rows its tables print: text, marks and tones, ready for any template."""

from __future__ import annotations

from dataclasses import dataclass, field
from decimal import Decimal
from fractions import Fraction

from markupsafe import Markup

from ecom_pipeline.insights.drivers import Driver, fold_drivers
from ecom_pipeline.kpis.definition import Kind, Kpi
from ecom_pipeline.kpis.values import State
from ecom_pipeline.reports.breakdowns import SHARED, marketing_cost
from ecom_pipeline.reports.charts import (
    BAD,
    GOOD,
    INK,
    LIGHT,
    NEUTRAL,
    Span,
    draw_bridge,
    draw_bullet,
    draw_pin,
    draw_sparkline,
    draw_tiers,
    stack_span,
)
from ecom_pipeline.reports.report import Breakdown, Channel, Explanation, Figure
from ecom_pipeline.reports.writer import Tone, Writer, shorten_name

MOST_DRIVERS = 5
LONGEST_DRIVER, LONGEST_CHANNEL = 19, 46  # characters that fit on one line of page one
_TONES = {"good": GOOD, "bad": BAD, "plain": INK}
_HOLLOW = {"▲": "△", "▼": "▽"}
_OTHERS = "\x00others"  # no segment can be named so


@dataclass(frozen=True)
class Delta:
    """A change as text with its arrow and whether it is good."""

    text: str
    arrow: str = ""
    tone: Tone = "plain"

    @property
    def sign(self) -> str:
        """The arrow as it is printed: filled for a move that matters, so that it reads in grey too."""
        return _HOLLOW.get(self.arrow, "") if self.tone == "plain" else self.arrow


@dataclass(frozen=True)
class KpiRow:
    """One KPI in a table."""

    name: str
    value: str
    is_known: bool
    tone: Tone
    sparkline: Markup
    bullet: Markup
    previous: Delta
    previous_year: Delta
    target: str
    notes: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class MarkRow:
    """A labelled mark with its numbers."""

    label: str
    mark: Markup
    cells: tuple[str, ...]
    kind: str = ""
    deltas: tuple[Delta, ...] = ()


def make_kpi_row(writer: Writer, figure: Figure) -> KpiRow:
    """Everything a KPI's row shows."""
    key, kpi = figure.kpi, writer.kpi(figure.kpi)
    name, value = writer.name(key), writer.value(key, figure.current)
    noise = figure.band.scale / 2 if figure.band else None
    if figure.target is not None:
        target = writer.limit(key, figure.target)
    else:
        target = writer.reference(kpi, kpi.reference) if kpi.reference else ""
    return KpiRow(
        name, value, figure.current.state is State.OK, writer.standing(figure),
        _sparkline(writer, figure, value), _bullet(writer, figure, value),
        make_delta(writer, key, figure.current.value, figure.previous.value, noise),
        make_delta(writer, key, figure.current.value, figure.previous_year.value, noise),
        target, writer.notes(figure),
    )  # fmt: skip


def make_delta(
    writer: Writer, key: str, now: Decimal | None, before: Decimal | None, noise: Decimal | None
) -> Delta:
    """A change against an earlier value; a dash when not known.

    It is good or bad where it is larger than the noise: a move the KPI makes in any week is told, not coloured,
    and so is every move where too little is known to say what is usual.
    """
    text = writer.change(key, now, before)
    if text is None or now is None or before is None:
        return Delta("–")
    if not any(character in "123456789" for character in text):
        return Delta(text)
    is_notable = noise is not None and abs(now - before) > noise
    tone = writer.tone(key, now, before) if is_notable else "plain"
    return Delta(text, "▲" if now > before else "▼", tone)


def make_driver_rows(writer: Writer, explanation: Explanation) -> list[MarkRow]:
    """One row a segment, its rate and mix effects stacked, and the sum they add up to."""
    drivers, kpi = explanation.drivers, writer.kpi(explanation.kpi)
    folded = fold_drivers(drivers.drivers, MOST_DRIVERS, _OTHERS)
    span = stack_span([(float(one.rate), float(one.mix)) for one in folded])
    largest = max(
        (abs(value) for one in folded for value in (one.before, one.after) if value is not None), default=None
    )
    rows = []
    for one in folded:
        label = _driver_label(writer, drivers.dimension, one, len(drivers.drivers) - MOST_DRIVERS)
        effect = writer.formats.difference(kpi, one.effect, beside=drivers.largest)
        parts = [(float(one.rate), INK), (float(one.mix), LIGHT)]
        title = writer.words.say("chart.effect", name=label, value=effect)
        label = shorten_name(label, LONGEST_DRIVER)
        rows.append(
            MarkRow(
                label,
                Markup(draw_tiers(parts, title, span, width=68)),
                (_own_values(writer, kpi, one, largest), effect),
            )
        )
    total = writer.formats.difference(kpi, drivers.change, beside=drivers.largest)
    rows.append(MarkRow(writer.words.say("total"), Markup(""), ("", total), "total"))
    return rows


def make_bridge_rows(writer: Writer) -> list[MarkRow]:
    """One row a step of the profit bridge, from zero, on one scale."""
    steps, rows = writer.report.bridge or (), []
    ends: list[tuple[Decimal, Decimal]] = []
    level = Decimal(0)
    for step in steps:
        start = Decimal(0) if step.kind == "total" else level
        level = step.amount if step.kind == "total" else level + step.amount
        ends.append((start, level))
    span = Span.of([end for pair in ends for end in pair])
    for step, (start, end) in zip(steps, ends, strict=True):
        label = writer.step(step.key)
        amount = writer.formats.money(step.amount, signed=step.kind == "change")
        is_loss = step.kind == "total" and step.amount < 0
        tone = (
            INK
            if step.kind == "total" and not is_loss
            else GOOD
            if step.amount > 0
            else BAD
            if is_loss
            else NEUTRAL
        )
        title = writer.words.say("chart.step", name=label, value=amount)
        mark = Markup(draw_bridge(start, end, title, span, tone=tone, width=112))
        rows.append(MarkRow(label, mark, (amount,), step.kind))
    return rows


@dataclass(frozen=True)
class ChannelRow:
    """One channel's figures; marks show its cost on a common scale and the return on all costs."""

    label: str
    is_total: bool
    cost: str
    cost_mark: Markup
    cac: str
    ltv_to_cac: Delta
    roas: str
    roi: Delta
    roi_mark: Markup


def make_channel_rows(writer: Writer) -> list[ChannelRow]:
    """Channels by what they cost; a crossed limit in red."""
    channels = writer.report.channels or ()
    listed = [channel for channel in channels if channel.channel is not None]
    costs = Span.of([marketing_cost(channel.values) for channel in listed])
    returns = Span.of(
        [_cut(_amount(one, "marketing_roi") or Decimal(0)) for one in channels if one.channel != SHARED]
    )
    return [_channel_row(writer, channel, costs, returns) for channel in channels]


def write_channels_note(writer: Writer) -> str:
    """How to read the rows that are no paid channel, and two columns that do not divide into each other."""
    channels, keys = writer.report.channels or (), ["channels.total_note"]
    if any(channel.channel == SHARED for channel in channels):
        keys.append("channels.shared_note")
    if any(_amount(channel, "ltv_to_cac") is not None for channel in channels):
        keys.append("channels.cac_note")
    return " ".join(writer.words.say(key) for key in keys)


def _channel_row(writer: Writer, channel: Channel, costs: Span, returns: Span) -> ChannelRow:
    is_total, is_shared = channel.channel is None, channel.channel == SHARED
    label = (
        writer.words.say("channels.all" if is_total else "channels.shared")
        if is_total or is_shared
        else writer.segment("channel", channel.channel or "")
    )
    cost, none = marketing_cost(channel.values), writer.words.say("not_available")
    cost_text = writer.formats.money(cost, digits=0) if cost is not None else none
    cost_title = writer.words.say("chart.cost", name=label, value=cost_text)
    cost_mark = "" if cost is None or is_total else draw_bullet(cost, cost_title, costs, width=64)
    name = shorten_name(label, LONGEST_CHANNEL)
    if is_shared:
        # Nobody is won by a cost without a channel: a return of -100 % would be read as a failure.
        dash = Delta("–")
        return ChannelRow(name, False, cost_text, Markup(cost_mark), "–", dash, "–", dash, Markup(""))
    texts = {key: writer.amount(key, _amount(channel, key)) for key in channel.values}
    roi, roi_mark = _amount(channel, "marketing_roi"), ""
    if roi is not None:
        roi_title = writer.words.say("chart.roi", name=label, value=texts["marketing_roi"])
        tone, shown = BAD if roi < 0 else GOOD, _cut(roi)
        roi_mark = draw_pin(shown, roi_title, returns, tone=tone, is_cut=shown != roi, width=64)
    return ChannelRow(
        name, is_total, cost_text, Markup(cost_mark),
        texts.get("customer_acquisition_cost", none), _limited(writer, channel, "ltv_to_cac"),
        texts.get("roas", none), _limited(writer, channel, "marketing_roi"), Markup(roi_mark),
    )  # fmt: skip


def make_breakdown_rows(writer: Writer, breakdown: Breakdown, others: int) -> list[MarkRow]:
    """One row a segment: this period's bar before last year's, its value and its changes."""
    key = breakdown.kpi
    span = Span.of([value for line in breakdown.lines for value in (line.current, line.previous_year)])
    largest = max((abs(line.current) for line in breakdown.lines if line.current is not None), default=None)
    band = writer.report.figures[key].band
    # A segment has no band of its own. It is at least as restless as the whole, so what is noise there is here.
    noise = band.scale / 2 / abs(band.middle) if band and band.middle else None
    rows = []
    for line in breakdown.lines:
        is_rest = line.segment is None
        label = (
            writer.words.say("others", number=others)
            if is_rest
            else writer.segment(breakdown.dimension, line.segment or "")
        )
        text = writer.amount(key, line.current, beside=largest)
        mark = ""
        if line.current is not None:
            title = _title_bullet(writer, key, label, text, line.previous_year)
            mark = draw_bullet(line.current, title, span, previous_year=line.previous_year, width=150)
        deltas = tuple(
            make_delta(
                writer,
                key,
                line.current,
                before,
                None if noise is None or before is None else noise * abs(before),
            )
            for before in (line.previous, line.previous_year)
        )
        rows.append(MarkRow(label, Markup(mark), (text,), "rest" if is_rest else "", deltas))
    return rows


def _sparkline(writer: Writer, figure: Figure, value: str) -> Markup:
    band = (figure.band.low, figure.band.high) if figure.band else None
    known = [value for value in figure.history if value is not None]
    if not known:
        return Markup("")
    title = writer.words.say(
        "chart.sparkline" if figure.current.state is State.OK else "chart.sparkline_open",
        name=writer.name(figure.kpi), number=len(known), value=value,
        low=writer.amount(figure.kpi, min(known)), high=writer.amount(figure.kpi, max(known)),
    )  # fmt: skip
    tone = _TONES[writer.standing(figure)]
    return Markup(draw_sparkline(figure.history, title, band=band, tone=tone, width=104, height=20))


def _bullet(writer: Writer, figure: Figure, value: str) -> Markup:
    now, year = figure.current.value, figure.previous_year.value
    if now is None:
        return Markup("")
    title = _title_bullet(writer, figure.kpi, writer.name(figure.kpi), value, year, figure.target)
    span = Span.of([now, year, figure.target])
    roomy = Span(span.low * 1.08, span.high * 1.08)
    return Markup(draw_bullet(now, title, roomy, previous_year=year, target=figure.target, width=84))


def _title_bullet(
    writer: Writer, key: str, name: str, value: str, year: Decimal | None, target: Decimal | None = None
) -> str:
    """All that a bullet shows, for who cannot see it."""
    title = writer.words.say("chart.bullet", name=name, value=value)
    if year is not None:
        title += writer.words.say("chart.bullet_year", year=writer.amount(key, year))
    if target is not None:
        title += writer.words.say("chart.bullet_target", target=writer.limit(key, target))
    return title


def _own_values(writer: Writer, kpi: Kpi, driver: Driver, largest: Fraction | None) -> str:
    """What the segment itself did; amounts only as they are now, two of them are too wide for their column."""
    if driver.after is None:
        return ""
    after = writer.formats.value(kpi, driver.after, beside=largest)
    if driver.before is None or kpi.kind is Kind.FLOW:
        return after
    return f"{writer.formats.value(kpi, driver.before, beside=largest)} → {after}"


def _driver_label(writer: Writer, dimension: str, driver: Driver, others: int) -> str:
    if driver.segment == _OTHERS:
        return writer.words.say("others", number=others)
    return writer.segment(dimension, driver.segment)


def _amount(channel: Channel, key: str) -> Decimal | None:
    value = channel.values.get(key)
    return value.value if value is not None and value.state is State.OK else None


def _cut(roi: Decimal) -> Decimal:
    """A return as far as it is drawn: one runaway must not flatten the others."""
    return max(min(roi, Decimal(3)), Decimal(-3))


def _limited(writer: Writer, channel: Channel, key: str) -> Delta:
    amount = _amount(channel, key)
    if key not in channel.values:
        return Delta(writer.words.say("not_available"))
    reference = writer.kpi(key).reference
    least = reference.at_least if reference is not None else None
    is_low = amount is not None and least is not None and amount < least
    return Delta(writer.amount(key, amount), tone="bad" if is_low else "plain")
