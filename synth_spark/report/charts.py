"""Charts as inline SVG, drawn here: no library, no script, colours from the page's style sheet."""

from collections.abc import Callable, Iterable
from html import escape

from synth_spark.report.blocks import Chart, Series
from synth_spark.report.scales import in_lines, shortened, ticks, width, written

#: From a value to its place.
Scale = Callable[[float], float]

_SIZE, _GAP = 12.0, 8.0
_WIDTH, _SMALL = 720.0, 340.0
#: Most of a chart's width that the names of its categories may take.
_GUTTER = 0.42
#: Most categories whose numbers stand below a chart.
MOST_NUMBERS = 40


def drawn(chart: Chart, small: bool = False) -> str:
    """A chart as SVG; a sentence where there is nothing to show."""
    values = [value for one in chart.series for value in one.values if value is not None]
    if not chart.categories or not values:
        return '<p class="empty">Nothing to show.</p>'
    whole = _SMALL if small else _WIDTH
    draw = {"bars": _bars, "intervals": _bars, "columns": _columns, "lines": _columns, "points": _points}[chart.kind]
    body, height = draw(chart, whole)
    name = f"{escape(chart.caption)}. {escape(chart.definition)}"
    return (
        f'<svg viewBox="0 0 {whole:g} {height:g}" class="chart{" small" if small else ""}" role="img">'
        f"<title>{name}</title>{body}</svg>"
    )


def left_out(chart: Chart) -> str:
    """What is said where a chart has more categories than numbers are listed of; empty where it has not."""
    number = len(chart.categories)
    return f"The first {MOST_NUMBERS} of {number}; all are in the tables." if number > MOST_NUMBERS else ""


def legend(chart: Chart) -> str:
    """Which colour is which, where there is more than one."""
    if len(chart.series) < 2 or chart.kind == "points":
        return ""
    names = (f'<li><span class="key s{index}"></span>{escape(one.name)}</li>' for index, one in enumerate(chart.series))
    return f'<ul class="legend">{"".join(names)}</ul>'


def _text(x: float, y: float, text: str, kind: str = "", anchor: str = "start") -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" class="{kind}" text-anchor="{anchor}">{escape(text)}</text>'


def _line(x1: float, y1: float, x2: float, y2: float, kind: str) -> str:
    return f'<line x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}" class="{kind}"/>'


def _rect(x: float, y: float, wide: float, high: float, index: int) -> str:
    return f'<rect x="{x:.1f}" y="{y:.1f}" width="{wide:.1f}" height="{high:.1f}" class="s{index}"/>'


def _axis(chart: Chart, series: Iterable[Series]) -> list[float]:
    """Ticks that all values, and the ends of their intervals, lie between."""
    values = [
        value for one in series for part in (one.values, one.low, one.high) for value in part if value is not None
    ]
    low, high = chart.limits
    low = min(values) if low is None else min(low, min(values))
    high = max(values) if high is None else max(high, max(values))
    return ticks(low, high)


def _tooltip(chart: Chart, category: str, one: Series, at: int) -> str:
    """What a mark says on hover."""
    value = one.values[at]
    said = "none" if value is None else written(value, chart.unit)
    if value is not None and one.low and one.low[at] is not None and one.high[at] is not None:
        low, high = one.low[at], one.high[at]
        said += f" ({written(low or 0.0, chart.unit)} to {written(high or 0.0, chart.unit)})"
    return f"<title>{escape(f'{category}, {one.name}: {said}')}</title>"


def _bars(chart: Chart, whole: float) -> tuple[str, float]:
    """Horizontal bars, or dots with intervals: a row a category and series."""
    steps = _axis(chart, chart.series)
    thick, rows = (14.0, len(chart.series))
    longest = max(width(name, _SIZE) for name in chart.categories) + 2 * _GAP + 1
    broken = longest > _GUTTER * whole  # names that are too long stand above their bars
    names = [in_lines(name, whole - 24, _SIZE) if broken else [name] for name in chart.categories]
    above = 14.0 * max(map(len, names)) + 2 if broken else 0.0
    row = above + rows * thick + _GAP
    gutter = width(written(steps[0], chart.unit), _SIZE) / 2 + 2 if broken else longest
    room = max(width(_label(chart, one, at), _SIZE) for one in chart.series for at in range(len(one.values))) + _GAP
    left, right = gutter, whole - room
    top, bottom = 8.0, 8.0 + row * len(chart.categories)

    def x(value: float) -> float:
        return left + (value - steps[0]) / (steps[-1] - steps[0]) * (right - left)

    parts = _grid(chart, steps, x, top, bottom, whole)
    for at, category in enumerate(chart.categories):
        if broken:
            lines = enumerate(names[at], 1 - len(names[at]))  # the last one next to its bars
            name = "".join(_text(gutter, top + row * at + above - 4 + 14 * up, line, "name") for up, line in lines)
        else:
            name = _text(gutter - _GAP, top + row * at + (row - _GAP) / 2 + 4, category, "name", "end")
        parts.append(f"<g><title>{escape(category)}</title>{name}</g>")
        for index, one in enumerate(chart.series):
            value, y = one.values[at], top + row * at + above + index * thick + 2
            if value is None:
                continue
            zero = x(min(max(0.0, steps[0]), steps[-1]))
            if chart.kind == "intervals":
                mark = _interval(one, at, value, x, y + thick / 2, index)
            else:
                start, long = min(zero, x(value)), abs(x(value) - zero)
                mark = (
                    f'<rect x="{start:.1f}" y="{y:.1f}" width="{long:.1f}" height="{thick - 3:.1f}" class="s{index}"/>'
                )
            end = x(max([value, 0.0, *(part for part in (one.high[at] if one.high else None,) if part is not None)]))
            label = _text(end + 5, y + thick - 4, _label(chart, one, at), "value")
            parts.append(f'<g class="mark">{_tooltip(chart, category, one, at)}{mark}{label}</g>')
    return "".join(parts), bottom + 44


def _interval(one: Series, at: int, value: float, x: Scale, y: float, index: int) -> str:
    dot = f'<circle cx="{x(value):.1f}" cy="{y:.1f}" r="4.5" class="s{index}"/>'
    low, high = (part[at] if part else None for part in (one.low, one.high))
    if low is None or high is None:
        return dot
    return _line(x(low), y, x(high), y, f"whisker s{index}") + dot


def _label(chart: Chart, one: Series, at: int) -> str:
    value = one.values[at]
    if value is None:
        return ""
    low, high = (part[at] if part else None for part in (one.low, one.high))
    if chart.kind != "intervals" or low is None or high is None:
        return written(value, chart.unit)
    return f"{written(value, chart.unit)} ({written(low, chart.unit)} – {written(high, chart.unit)})"


def _grid(chart: Chart, steps: list[float], x: Scale, top: float, bottom: float, whole: float) -> list[str]:
    """Vertical lines with their numbers below, as many as there is room for, and what they are."""
    parts, last = [], float("-inf")
    for step in steps:
        half = width(written(step, chart.unit), _SIZE) / 2
        parts.append(_line(x(step), top, x(step), bottom, "zero" if step == 0 else "rule"))
        if x(step) - half > last + 6 and x(step) + half <= whole:
            parts.append(_text(x(step), bottom + 16, written(step, chart.unit), "tick", "middle"))
            last = x(step) + half
    middle = (x(steps[0]) + x(steps[-1])) / 2
    half = min(middle, whole - middle)
    parts.append(_text(middle, bottom + 36, shortened(chart.axis, 2 * half, _SIZE), "axis", "middle"))
    return parts


def _columns(chart: Chart, whole: float) -> tuple[str, float]:
    """Vertical bars, or lines with dots, over ordered categories."""
    steps = _axis(chart, chart.series)
    left = max(width(written(step, chart.unit), _SIZE) for step in steps) + _GAP
    top, bottom, right = 44.0, 280.0, whole - 8
    slot = (right - left) / len(chart.categories)

    def y(value: float) -> float:
        return bottom - (value - steps[0]) / (steps[-1] - steps[0]) * (bottom - top)

    parts = [_text(2, 14, shortened(chart.axis, whole - 4, _SIZE), "axis")]
    for step in steps:
        parts.append(_line(left, y(step), right, y(step), "zero" if step == 0 else "rule"))
        parts.append(_text(left - 6, y(step) + 4, written(step, chart.unit), "tick", "end"))
    parts += _names(chart, left, slot, bottom)
    marks = _lines if chart.kind == "lines" else _uprights
    return "".join([*parts, *marks(chart, left, slot, y)]), bottom + 28


def _names(chart: Chart, left: float, slot: float, bottom: float) -> list[str]:
    """Names of the categories below: each, or every second, third … where they would touch."""
    widest = max(width(name, _SIZE) for name in chart.categories)
    every = max(1, -(-int(min(widest, 110.0) + 10) // max(1, int(slot))))
    right, parts = left + slot * len(chart.categories) + 8, []
    for at in range(0, len(chart.categories), every):
        middle = left + (at + 0.5) * slot
        room = min(every * slot - 8, 2 * (middle - 1), 2 * (right - 1 - middle))
        parts.append(_text(middle, bottom + 20, shortened(chart.categories[at], room, _SIZE), "name", "middle"))
    return parts


def _uprights(chart: Chart, left: float, slot: float, y: Scale) -> list[str]:
    parts = []
    thick = min(56.0, slot * 0.8 / len(chart.series))
    labelled = all(
        width(_label(chart, one, at), _SIZE) <= thick + 2 for one in chart.series for at in range(len(one.values))
    )
    for index, one in enumerate(chart.series):
        for at, (category, value) in enumerate(zip(chart.categories, one.values, strict=True)):
            if value is None:
                continue
            x = left + (at + 0.5) * slot + (index - len(chart.series) / 2) * thick
            high, low = min(y(value), y(0)), max(y(value), y(0))
            mark = _rect(x + 1, high, thick - 2, low - high, index)
            label = _text(x + thick / 2, high - 5, _label(chart, one, at), "value", "middle") if labelled else ""
            parts.append(f'<g class="mark">{_tooltip(chart, category, one, at)}{mark}{label}</g>')
    return parts


def _lines(chart: Chart, left: float, slot: float, y: Scale) -> list[str]:
    parts = []
    for index, one in enumerate(chart.series):
        places = [(left + (at + 0.5) * slot, value, at) for at, value in enumerate(one.values) if value is not None]
        path = " ".join(f"{x:.1f},{y(value):.1f}" for x, value, _ in places)
        parts.append(f'<polyline points="{path}" class="line s{index}"/>')
        for x, value, at in places:
            dot = f'<circle cx="{x:.1f}" cy="{y(value):.1f}" r="4" class="s{index}"/>'
            parts.append(f'<g class="mark">{_tooltip(chart, chart.categories[at], one, at)}{dot}</g>')
    return parts


def _points(chart: Chart, whole: float) -> tuple[str, float]:
    """A dot a category: x of the first series, y of the second; a diagonal where both mean the same."""
    across, up = chart.series[:2]
    xs, ys = _axis(chart, [across]), _axis(chart, [up])
    left = max(width(written(step, chart.unit), _SIZE) for step in ys) + _GAP
    top, bottom, right = 36.0, 350.0, whole - 20

    def x(value: float) -> float:
        return left + (value - xs[0]) / (xs[-1] - xs[0]) * (right - left)

    def y(value: float) -> float:
        return bottom - (value - ys[0]) / (ys[-1] - ys[0]) * (bottom - top)

    parts = [_text(2, 14, shortened(chart.axis, whole - 4, _SIZE), "axis")]
    for step in ys:
        parts.append(_line(left, y(step), right, y(step), "rule"))
        parts.append(_text(left - 6, y(step) + 4, written(step, chart.unit), "tick", "end"))
    for step in xs:
        parts.append(_text(x(step), bottom + 18, written(step, chart.unit), "tick", "middle"))
    middle = (left + right) / 2
    below = shortened(chart.axis_x, 2 * min(middle, whole - middle), _SIZE)
    parts.append(_text(middle, bottom + 38, below, "axis", "middle"))
    if xs == ys:
        parts.append(_line(x(xs[0]), y(ys[0]), x(xs[-1]), y(ys[-1]), "diagonal"))
    named = len(chart.categories) <= 12
    for name, one, other in zip(chart.categories, across.values, up.values, strict=True):
        if one is not None and other is not None:
            said = f"{name}: {written(one, chart.unit)}, {written(other, chart.unit)}"
            dot = f'<circle cx="{x(one):.1f}" cy="{y(other):.1f}" r="5" class="s0 point"/>'
            parts.append(f'<g class="mark"><title>{escape(said)}</title>{dot}</g>')
    if named:
        parts += _named(chart, across, up, x, y, whole)
    return "".join(parts), bottom + 46


def _named(chart: Chart, across: Series, up: Series, x: Scale, y: Scale, whole: float) -> list[str]:
    """Names beside dots, where they touch no other name."""
    parts: list[str] = []
    taken: list[tuple[float, float, float, float]] = []
    for name, one, other in zip(chart.categories, across.values, up.values, strict=True):
        if one is None or other is None:
            continue
        wide = width(name, _SIZE)
        middle = x(one) - wide / 2
        for start, drop in ((x(one) + 9, 4.0), (x(one) - 9 - wide, 4.0), (middle, -10.0), (middle, 20.0)):
            box = (start, y(other) + drop - _SIZE, start + wide, y(other) + drop + 3)
            free = not any(a < box[2] and box[0] < c and b < box[3] and box[1] < d for a, b, c, d in taken)
            if free and start >= 0 and box[2] <= whole:
                taken.append(box)
                parts.append(_text(start, y(other) + drop, name, "name"))
                break
    return parts
