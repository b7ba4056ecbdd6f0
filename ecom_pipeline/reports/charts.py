"""Five small marks drawn as SVG by hand: sparkline, bullet, pin, tiers, bridge.

Written as text, not by a plotting library: a mark takes microseconds, two renderings are the same bytes, and
each carries a title that screen readers and tagged PDFs use. The notation follows IBCS: actual solid and dark,
previous year light, target outlined; good and bad have their colours whatever the direction, and are told
apart in grey print by what stands beside them. Words and numbers stand beside the marks in table cells, where they align,
wrap and can be copied.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from xml.sax.saxutils import escape

INK, LIGHT, BAND, RULE = "#1f2a37", "#b9c2cc", "#e3e8ed", "#8a95a1"
GOOD, BAD, NEUTRAL = "#4f9d78", "#b3261e", "#66717d"

_LEAST_SPAN = 0.2  # of its largest value, for a sparkline without a band

Number = Decimal | float | int


@dataclass(frozen=True)
class Span:
    """The range of values a row of marks shares, so that their lengths compare. Always holds zero."""

    low: float
    high: float

    @classmethod
    def of(cls, values: Sequence[Number | None]) -> Span:
        known = [float(value) for value in values if value is not None]
        low, high = min([0.0, *known]), max([0.0, *known])
        return cls(low, high if high > low else low + 1.0)

    def place(self, value: Number, width: float) -> float:
        return (float(value) - self.low) / (self.high - self.low) * width


def draw_sparkline(
    values: Sequence[Number | None],
    title: str,
    *,
    band: tuple[Number, Number] | None = None,
    tone: str = INK,
    width: float = 120,
    height: float = 22,
) -> str:
    """A line of weeks over its usual band, the last point marked. Gaps stay gaps."""
    known = [float(value) for value in values if value is not None]
    if not known:
        return ""
    edges = known + ([float(edge) for edge in band] if band else [])
    low, high = min(edges), max(edges)
    if band is None and high > low:
        # Where nothing says what is usual, a move of a few percent must not look like a plunge.
        spare = max(_LEAST_SPAN * max(abs(low), abs(high)) - (high - low), 0) / 2
        low, high = low - spare, high + spare
    room = (high - low) or 1.0
    pad = 3.0

    def place_x(index: int) -> float:
        return pad + index * (width - 2 * pad) / max(len(values) - 1, 1)

    def place_y(value: Number) -> float:
        return height - pad - (float(value) - low) / room * (height - 2 * pad) if high > low else height / 2

    marks = []
    if band:
        top, bottom = place_y(band[1]), place_y(band[0])
        marks.append(_rect(0, top, width, max(bottom - top, 0.5), BAND))
    for run in _runs(values):
        points = [(place_x(index), place_y(value)) for index, value in run]
        if len(points) == 1:
            marks.append(_dot(*points[0], 0.9, INK))
        else:
            path = "M" + "L".join(f"{_n(x)} {_n(y)}" for x, y in points)
            marks.append(
                f'<path d="{path}" fill="none" stroke="{INK}" stroke-width="1.1" '
                'stroke-linejoin="round" stroke-linecap="round"/>'
            )
    last = values[-1]
    if last is not None:
        marks.append(_dot(place_x(len(values) - 1), place_y(last), 2.3, tone))
    return _svg(marks, title, width, height)


def draw_bullet(
    actual: Number,
    title: str,
    span: Span,
    *,
    previous_year: Number | None = None,
    target: Number | None = None,
    width: float = 120,
    height: float = 12,
) -> str:
    """The actual as a solid bar before last year's light one; the target as an outlined mark across both."""
    zero = span.place(0, width)
    marks = []
    if previous_year is not None:
        marks.append(_bar(zero, span.place(previous_year, width), 0.5, height - 4.5, LIGHT))
    marks.append(_bar(zero, span.place(actual, width), height - 8.5, 6, INK))
    if target is not None:
        place = span.place(target, width)
        marks.append(
            f'<rect x="{_n(place - 1.2)}" y="0.6" width="2.4" height="{_n(height - 1.2)}" '
            f'fill="#fff" stroke="{INK}" stroke-width="0.9"/>'
        )
    marks.append(_axis(zero, height))
    return _svg(marks, title, width, height)


def draw_pin(
    deviation: Number,
    title: str,
    span: Span,
    *,
    tone: str,
    is_cut: bool = False,
    width: float = 70,
    height: float = 12,
) -> str:
    """A deviation as a pin from the zero axis; one that is cut ends in an arrow, since its value lies further out."""
    zero, end = span.place(0, width - 6) + 3, span.place(deviation, width - 6) + 3
    middle, out = height / 2, 1 if deviation > 0 else -1
    head = (
        f'<path d="M{_n(end + 3 * out)} {_n(middle)}l{_n(-5.5 * out)} -3.2v6.4z" fill="{tone}"/>'
        if is_cut
        else _dot(end, middle, 2.5, tone)
    )
    marks = [
        f'<path d="M{_n(zero)} {_n(middle)}H{_n(end)}" stroke="{tone}" stroke-width="1.6"/>',
        head,
        _axis(zero, height),
    ]
    return _svg(marks, title, width, height)


def draw_tiers(
    parts: Sequence[tuple[Number, str]], title: str, span: Span, *, width: float = 120, height: float = 12
) -> str:
    """Signed parts stacked from zero, each to its own side; parts are (amount, colour)."""
    zero = span.place(0, width)
    right = left = 0.0
    marks = []
    for amount, tone in parts:
        start = right if amount >= 0 else left
        end = start + float(amount)
        marks.append(_bar(span.place(start, width), span.place(end, width), 2.5, height - 5, tone))
        right, left = (end, left) if amount >= 0 else (right, end)
    marks.append(_axis(zero, height))
    return _svg(marks, title, width, height)


def draw_bridge(
    start: Number, end: Number, title: str, span: Span, *, tone: str, width: float = 150, height: float = 14
) -> str:
    """One row of a bridge: a bar from where the step before ended to where this one ends, with the axis."""
    marks = [_bar(span.place(start, width), span.place(end, width), 2, height - 4, tone)]
    stop = span.place(end, width)
    marks.append(f'<path d="M{_n(stop)} {_n(height - 2)}V{_n(height)}" stroke="{RULE}" stroke-width="0.6"/>')
    marks.append(_axis(span.place(0, width), height))
    return _svg(marks, title, width, height)


def stack_span(rows: Sequence[Sequence[Number]]) -> Span:
    """The span that holds rows of stacked parts."""
    ends = [float(sum(part for part in row if part > 0)) for row in rows]
    starts = [float(sum(part for part in row if part < 0)) for row in rows]
    return Span.of([*ends, *starts])


def _runs(values: Sequence[Number | None]) -> list[list[tuple[int, Number]]]:
    runs: list[list[tuple[int, Number]]] = [[]]
    for index, value in enumerate(values):
        if value is None:
            runs.append([])
        else:
            runs[-1].append((index, value))
    return [run for run in runs if run]


def _svg(marks: Sequence[str], title: str, width: float, height: float) -> str:
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" role="img" width="{_n(width)}" height="{_n(height)}" '
        f'viewBox="0 0 {_n(width)} {_n(height)}"><title>{escape(title)}</title>{"".join(marks)}</svg>'
    )


def _bar(start: float, end: float, y: float, height: float, tone: str) -> str:
    return _rect(min(start, end), y, max(abs(end - start), 0.4), height, tone)


def _rect(x: float, y: float, width: float, height: float, tone: str) -> str:
    return f'<rect x="{_n(x)}" y="{_n(y)}" width="{_n(width)}" height="{_n(height)}" fill="{tone}"/>'


def _dot(x: float, y: float, radius: float, tone: str) -> str:
    return f'<circle cx="{_n(x)}" cy="{_n(y)}" r="{_n(radius)}" fill="{tone}"/>'


def _axis(x: float, height: float) -> str:
    return f'<path d="M{_n(x)} 0V{_n(height)}" stroke="{RULE}" stroke-width="0.7"/>'


def _n(number: float) -> str:
    text = f"{number:.2f}".rstrip("0").rstrip(".")
    return "0" if text in ("-0", "") else text
