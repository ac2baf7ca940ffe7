"""Charts as SVG, small enough to stand in a markdown artifact as an image."""

import base64
import math
import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from itertools import groupby, zip_longest
from xml.sax.saxutils import escape

from flows.terminal import visible

# Okabe and Ito's colours, which colour-blind people tell apart; grey for what is left over.
_COLOURS = ("#0072b2", "#e69f00", "#009e73", "#d55e00", "#56b4e9", "#cc79a7", "#8a6d00", "#7f7f7f")
# Lines differ by their dashes too: three of them may cross.
_DASHES = ("", "7 3", "2 3", "9 3 2 3", "", "7 3", "2 3", "9 3 2 3")
_MOST_BARS = 20
_WIDTH = 720
_EDGE = 20
_TOP = 52
_LINE = 26
_LABEL_WIDTH = 230
_PLOT_HEIGHT = 200
_MARKED_POINTS = 40


def bars(title: str, rows: Sequence[tuple[str, float]]) -> str:
    """Horizontal bars with their labels and values, in the order given.

    Args:
        title: What is counted.
        rows: Label and value, from 0 up; what is beyond twenty rows becomes one bar.
    """
    rows = _gather(rows, _MOST_BARS)
    values = [_number(value) for _, value in rows]
    start = _EDGE + min(_LABEL_WIDTH, max((_width(label) for label, _ in rows), default=0)) + 10
    room = _WIDTH - _EDGE - start - 8 - max(map(_width, values), default=0)
    most = max((value for _, value in rows), default=0) or 1
    parts = []
    for number, ((label, value), told) in enumerate(zip(rows, values, strict=True)):
        y = _TOP + number * _LINE
        length = _length(value, most, room)
        parts += [
            _text(_short(label, _LABEL_WIDTH), start - 10, y + 15, "end"),
            _box(start, y, length, 20, _COLOURS[0]),
            _text(told, start + length + 6, y + 15),
        ]
    return _card(title, parts, _TOP + len(rows) * _LINE) if rows else _empty(title)


def stacked(title: str, parts: Sequence[tuple[str, float]]) -> str:
    """One bar whose parts make up a whole, with a legend of their values and shares.

    Args:
        title: What the whole is.
        parts: Label and value, from 0 up; what is beyond eight parts becomes one. The place of a
            part decides its colour; one of 0 is not drawn.
    """
    parts = _gather(parts, len(_COLOURS))
    whole = sum(value for _, value in parts)
    if not whole:
        return _empty(title)
    # A part keeps its colour from chart to chart, also where another one is nothing.
    colours = [colour for (_, value), colour in zip(parts, _COLOURS, strict=False) if value]
    parts = [(label, value) for label, value in parts if value]
    drawn: list[str] = []
    # What is there at all is to be seen, however small: the largest part gives way.
    widths = [_length(value, whole, _WIDTH - 2 * _EDGE) for _, value in parts]
    widths[widths.index(max(widths))] -= sum(widths) - (_WIDTH - 2 * _EDGE)
    x = float(_EDGE)
    for width, colour in zip(widths, colours, strict=True):
        drawn.append(_box(x, _TOP, max(width - 1, 0), 34, colour))
        x += width
    told = [f"{label}: {_number(value)} ({_share(value, whole)})" for label, value in parts]
    marks = [_box(0, -11, 12, 12, colour) for colour in colours]
    legend, bottom = _legend(told, marks, _TOP + 62)
    return _card(title, [*drawn, *legend], bottom)


def trend(
    title: str,
    labels: Sequence[str],
    series: Mapping[str, Sequence[float | None]],
    unit: str = "",
) -> str:
    """Lines over time, with a gap where a value is None.

    Args:
        title: What is measured.
        labels: The points in time, oldest first.
        series: Name -> one value from 0 up, or None, a point in time; the first eight are drawn.
        unit: Stands after the numbers of the axis.
    """
    if not any(value is not None for values in series.values() for value in values):
        return _empty(title)
    shown = dict(list(series.items())[: len(_COLOURS)])
    step = _step(max((v for values in shown.values() for v in values if v), default=0))
    ticks = [_number(step * n) + (f" {unit}" if unit else "") for n in range(5)]
    left = _EDGE + max(map(_width, ticks)) + 10
    right, base = _WIDTH - _EDGE - 10, _TOP + _PLOT_HEIGHT
    distance = (right - left) / max(len(labels) - 1, 1)
    parts = []
    for number, tick in enumerate(ticks):
        y = base - number * _PLOT_HEIGHT / 4
        parts.append(f'<path d="M{left:g} {y:g}H{right:g}" stroke="#d9dde3"/>')
        parts.append(_text(tick, left - 8, y + 4, "end"))
    every = math.ceil(len(labels) / max(1, int((right - left) // _longest(labels))))
    for number in range(0, len(labels), every):
        parts.append(_text(labels[number], left + number * distance, base + 20, "middle"))
    for number, values in enumerate(shown.values()):
        points = [
            None
            if value is None
            else (left + at * distance, base - value / step * _PLOT_HEIGHT / 4)
            for at, value in enumerate(values[: len(labels)])
        ]
        parts += _line(points, _COLOURS[number], _DASHES[number])
    left_out = len(series) - len(shown)
    names = [*shown, *([f"and {left_out} more, not shown"] if left_out else [])]
    marks = [_stroke("M0 -5H22", each, dash) for each, dash in zip(_COLOURS, _DASHES, strict=True)]
    legend, bottom = _legend(names, marks[: len(shown)], base + 46, 22)
    return _card(title, [*parts, *legend], bottom)


def image(svg: str, alt: str) -> str:
    """A chart as markdown: an image that carries its data with it."""
    data = base64.b64encode(svg.encode()).decode()
    told = "".join(f"\\{each}" if each in "\\[]" else each for each in visible(alt))
    return f"![{told}](data:image/svg+xml;base64,{data})"


def _gather(rows: Sequence[tuple[str, float]], most: int) -> list[tuple[str, float]]:
    """The first rows, and the sum of those for which there is no place."""
    if len(rows) <= most:
        return list(rows)
    rest = rows[most - 1 :]
    return [*rows[: most - 1], (f"{len(rest)} more", sum(value for _, value in rest))]


def _empty(title: str) -> str:
    return _card(title, [_text("There is nothing to show yet.", _EDGE, _TOP + 12)], _TOP + 16)


def _card(title: str, parts: Sequence[str], bottom: float) -> str:
    """A picture on a ground of its own: an image does not know if the page is light or dark."""
    height = round(bottom + 16)
    name = _short(title, (_WIDTH - 2 * _EDGE) * 0.85)
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{_WIDTH}" height="{height}"'
        f' viewBox="0 0 {_WIDTH} {height}" role="img" aria-label="{_safe(name)}"'
        ' font-family="system-ui,Segoe UI,Helvetica,Arial,sans-serif" font-size="13"'
        ' fill="#1f2933">'
        f'<rect x=".5" y=".5" width="{_WIDTH - 1}" height="{height - 1}" rx="8" fill="#fff"'
        ' stroke="#c8ced6"/>'
        f'<text x="{_EDGE}" y="30" font-size="15" font-weight="600">'
        f"{_safe(name)}</text>{''.join(parts)}</svg>"
    )


def _box(x: float, y: float, width: float, height: float, colour: str) -> str:
    return (
        f'<rect x="{x:.1f}" y="{y:g}" width="{width:.1f}" height="{height:g}" rx="2"'
        f' fill="{colour}"/>'
    )


def _text(text: str, x: float, y: float, anchor: str = "start") -> str:
    where = f' text-anchor="{anchor}"' if anchor != "start" else ""
    return f'<text x="{x:.1f}" y="{y:.1f}"{where}>{_safe(text)}</text>'


def _safe(text: str) -> str:
    """Text that XML can hold, and that is not read as markup."""
    return escape(visible(text).translate({0xFFFE: "?", 0xFFFF: "?"}), {'"': "&quot;"})


def _legend(
    names: Sequence[str], marks: Sequence[str], y: float, mark_width: float = 12
) -> tuple[list[str], float]:
    """Names beside their marks, in as many lines as they need, and where the last one ends."""
    parts: list[str] = []
    x = float(_EDGE)
    for name, mark in zip_longest(names, marks):
        name = _short(name, _WIDTH / 2)
        width = _width(name) + mark_width + 20
        if x > _EDGE and x + width > _WIDTH:
            x, y = float(_EDGE), y + 22
        if mark:
            parts.append(f'<g transform="translate({x:.0f} {y:.0f})">{mark}</g>')
        parts.append(_text(name, x + (mark_width + 6 if mark else 0), y))
        x += width
    return parts, y


def _line(points: Sequence[tuple[float, float] | None], colour: str, dash: str) -> Iterator[str]:
    """A line through the points, broken where there is none."""
    for is_gap, run in groupby(points, key=lambda point: point is None):
        if is_gap:
            continue
        there = [point for point in run if point]
        if len(there) > 1:
            yield _stroke("M" + " ".join(f"{x:.0f} {y:.1f}" for x, y in there), colour, dash)
        if len(there) == 1 or len(points) <= _MARKED_POINTS:
            for x, y in there:
                yield f'<circle cx="{x:.0f}" cy="{y:.1f}" r="3" fill="{colour}"/>'


def _stroke(path: str, colour: str, dash: str) -> str:
    style = f' stroke-dasharray="{dash}"' if dash else ""
    return f'<path d="{path}" fill="none" stroke="{colour}" stroke-width="2"{style}/>'


def _length(value: float, most: float, room: float) -> float:
    """The length of a bar; what is not zero can be seen."""
    return max(3.0, value / most * room) if value > 0 else 0.0


def _step(most: float) -> float:
    """The distance of four lines of the axis, a round number, so that the most fits under them."""
    if most <= 0:
        return 1.0
    power = 10.0 ** math.floor(math.log10(most / 4))
    return next(power * each for each in (1, 2, 2.5, 5, 10) if power * each * 4 >= most * 0.9999)


def _number(value: float) -> str:
    if value == int(value) or abs(value) >= 1000:
        return f"{value:,.0f}"
    return f"{value:.3g}"


def _share(value: float, whole: float) -> str:
    percent = 100 * value / whole
    if 0 < percent < 0.1:
        return "under 0.1 %"
    if 99.9 < percent < 100:
        return "over 99.9 %"
    return f"{percent:.1f} %" if percent < 10 and percent != int(percent) else f"{percent:.0f} %"


def _width(text: str) -> float:
    """About how many pixels a text takes."""
    return sum(13.0 if unicodedata.east_asian_width(c) in "WF" else 7.2 for c in text)


def _longest(labels: Sequence[str]) -> float:
    return max(map(_width, labels), default=0) + 16


def _short(text: str, width: float) -> str:
    """As much of a text as fits."""
    if _width(text) <= width:
        return text
    while text and _width(text) > width - 14:
        text = text[:-1]
    return text + "…"
