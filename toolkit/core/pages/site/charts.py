"""Charts of a schedule over time, as SVG in the page: outcomes, durations, delays, cost.

The drawing stretches with the page and its words do not: they stand around it, as HTML.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import timedelta
from statistics import median

from attrs import frozen

from toolkit.core.pages.html import Html, el
from toolkit.core.pages.site.amounts import (
    day_in_words,
    dollars_in_words,
    median_in_words,
    span_in_words,
)
from toolkit.core.pages.site.record import ScheduleRecord, SiteRow, Span, Sums
from toolkit.core.pages.states import css_of, in_words

_STEP, _BAR, _HEIGHT = 10, 8, 100.0
_TONES = ("ok", "quiet", "busy", "unknown", "ng")


@frozen
class _Axis:
    """The marks of a chart: their sums, how many there are, and how each is called."""

    marks: Mapping[int, Sums]
    count: int
    first: str
    last: str
    names: Mapping[int, str]


def charts(record: ScheduleRecord) -> Html:
    """All four; one without a value is left out."""
    width, marks = record.over_time()
    axis = _axis(record.span, width, marks)
    made = [
        _outcomes(record, axis),
        _spread(record, axis, "Duration", lambda sums: sums.seconds, record.longest, "longest"),
        _spread(record, axis, "Delay", lambda sums: sums.delays, record.latest_start, "latest"),
        _cost(record, axis),
    ]
    return el("div", made, class_="charts")


def _axis(span: Span, width: timedelta, marks: Mapping[int, Sums]) -> _Axis:
    count = max((span.now - span.start) // width + 1, 1)
    names = {}
    for number in marks:
        begin = span.start + number * width
        if width < timedelta(days=1):
            names[number] = f"{day_in_words(begin.date())} {begin:%H:%M}"
        else:
            last = begin + width - timedelta(days=1)
            name = day_in_words(begin.date())
            names[number] = name if width.days == 1 else f"{name} to {day_in_words(last.date())}"
    return _Axis(marks, count, day_in_words(span.first), day_in_words(span.now.date()), names)


def _outcomes(record: ScheduleRecord, axis: _Axis) -> Html:
    top = max((sums.counts.total() for sums in axis.marks.values()), default=1)
    paths: dict[str, list[str]] = {tone: [] for tone in _TONES}
    titles = {}
    for number, sums in axis.marks.items():
        below = 0
        for tone in _TONES:
            count = sum(n for state, n in sums.counts.items() if css_of(state) == tone)
            if count:
                paths[tone].append(_bar(number, below / top, (below + count) / top))
            below += count
        titles[number] = in_words(sums.counts)
    drawn = [_path(parts, f"fill {tone}") for tone, parts in paths.items() if parts]
    words = in_words(record.total.counts) or "no firing"
    return _figure("Outcomes", words, axis, f"{top:,}", "0", drawn, titles)


def _spread(
    record: ScheduleRecord,
    axis: _Axis,
    title: str,
    values_of: Callable[[Sums], Sequence[float]],
    extreme: SiteRow | None,
    called: str,
) -> Html | None:
    """A mark for the median of each time, and a line from the least to the most."""
    values = {n: values_of(sums) for n, sums in axis.marks.items() if values_of(sums)}
    if not values:
        return None
    # A clock that is behind gives a start before its firing: it stands at 0, and its title says it.
    top = max(0.0, *(max(row) for row in values.values())) or 1.0
    ranges: list[str] = []
    middles: list[str] = []
    bad: list[str] = []
    titles = {}
    for number, row in values.items():
        low, middle, high = min(row), median(row), max(row)
        x = number * _STEP + _STEP // 2
        if low != high:
            ranges.append(f"M{x} {_y(low / top)}V{_y(high / top)}")
        dot = f"M{x} {_y(middle / top)}h0"
        (bad if axis.marks[number].bad else middles).append(dot)
        several = f", {span_in_words(low)} to {span_in_words(high)}" if low != high else ""
        titles[number] = f"{span_in_words(middle)}{several}"
    drawn = [_path(ranges, "range"), _path(middles, "dot"), _path(bad, "dot bad")]
    words = f"median {median_in_words(values_of(record.total))}"
    if extreme is not None:
        words += f", {called} {span_in_words(top)} on {day_in_words(extreme.day)}"
    return _figure(title, words, axis, span_in_words(top), "0", drawn, titles)


def _cost(record: ScheduleRecord, axis: _Axis) -> Html | None:
    rows = {number: sums.dollars for number, sums in axis.marks.items() if sums.priced}
    if not rows:
        return None
    top = max(rows.values()) or 1.0
    bars = [_bar(number, 0, dollars / top) for number, dollars in rows.items()]
    titles = {number: dollars_in_words(dollars) for number, dollars in rows.items()}
    words = f"{dollars_in_words(record.total.dollars)} for {record.total.priced:,} runs"
    label = dollars_in_words(top)
    return _figure("Cost", words, axis, label, "$0", [_path(bars, "fill cost")], titles)


def _figure(
    title: str,
    words: str,
    axis: _Axis,
    top: str,
    bottom: str,
    drawn: Iterable[Html | None],
    titles: Mapping[int, str],
) -> Html:
    width = axis.count * _STEP
    tips = [
        el(
            "path",
            el("title", f"{axis.names[number]}: {text}"),
            d=f"M{number * _STEP} 0h{_STEP}v{_HEIGHT:g}h-{_STEP}z",
            class_="tip",
        )
        for number, text in titles.items()
    ]
    drawing = el(
        "svg",
        drawn,
        tips,
        viewBox=f"0 -4 {width} {_HEIGHT + 8:g}",
        preserveAspectRatio="none",
        role="img",
        aria_label=f"{title} over time: {words}",
    )
    return el(
        "figure",
        el("figcaption", el("b", title), " ", el("span", words)),
        el("div", el("span", top), el("span", bottom), class_="scale", aria_hidden="true"),
        el("div", drawing, class_="plot"),
        el("div", el("span", axis.first), el("span", axis.last), class_="ends", aria_hidden="true"),
        class_="chart",
    )


def _bar(number: int, low: float, high: float) -> str:
    left = number * _STEP + (_STEP - _BAR) // 2
    return f"M{left} {_y(low)}V{_y(high)}h{_BAR}V{_y(low)}z"


def _path(parts: Sequence[str], css: str) -> Html | None:
    return el("path", d="".join(parts), class_=css) if parts else None


def _y(share: float) -> str:
    return f"{_HEIGHT * (1 - max(share, 0.0)):.1f}".removesuffix(".0")
