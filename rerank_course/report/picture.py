"""Two charts as inline SVG: intervals of differences, and a measure against the depth.

Colours come from the page's style sheet, by class, so that a chart follows the reader's theme. Each chart has
a title, and a description that says in words what it shows.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from markupsafe import Markup
from matplotlib.ticker import MaxNLocator

from rerank_course.report.wording import interval, name, number, signed

WIDTH, RIGHT = 760, 24  # pixels: a chart, and the space on its right
CHARACTER = 7.2  # pixels, of a name on the left of a chart
ROW, TOP, BOTTOM = 34, 34, 46  # pixels: a row, and what is above and below the rows
LABEL_LENGTH = 32  # characters of a name that fit beside a chart
PLOT_LEFT, PLOT_HEIGHT, LEGEND_ROW = 64, 260, 22  # of the chart of depths
STYLES = 4  # of lines: page.css has a colour and a dash for each


@dataclass(frozen=True)
class Span:
    """A mean and its interval."""

    mean: float
    low: float
    high: float


@dataclass(frozen=True)
class Scale:
    """Where numbers stand on an axis: ``low`` at pixel ``start``, ``high`` at pixel ``end``."""

    low: float
    high: float
    start: float
    end: float

    def at(self, value: float) -> float:
        """The pixel of a value, rounded to a tenth."""
        return round(self.start + (value - self.low) / (self.high - self.low) * (self.end - self.start), 1)


def draw_intervals(rows: Mapping[str, Sequence[Span | None]], legend: Sequence[str], title: str) -> Markup:
    """A row for each name, in it an interval for each entry of the legend, around a line at zero.

    Args:
        rows: ``{name: spans}``, in the order of the legend; ``None`` leaves a span out.
        legend: what each of the spans is, one or two.
        title: what the chart shows.
    """
    height = TOP + ROW * len(rows) + BOTTOM
    values = [v for spans in rows.values() for span in spans if span for v in (span.low, span.high)]
    ticks = _ticks([0.0, *values])
    left = 36 + CHARACTER * max(len(name(label, LABEL_LENGTH)) for label in rows)
    scale = Scale(ticks[0], ticks[-1], left, WIDTH - RIGHT)
    parts = [_legend(legend), _x_axis(scale, ticks, height - BOTTOM + 4)]
    zero = scale.at(0)
    parts.append(_line("zero", zero, TOP - 6, zero, height - BOTTOM + 4))
    for row, (label, spans) in enumerate(rows.items()):
        parts.append(_row(scale, TOP + ROW * (row + 0.5), label, spans))
    parts.append(_text("note", (left + WIDTH - RIGHT) / 2, height - 6, "difference in nDCG@10", "middle"))
    return _svg("intervals", height, title, _intervals_in_words(rows, legend), parts)


def _row(scale: Scale, y: float, label: str, spans: Sequence[Span | None]) -> Markup:
    drawn = [(number, span) for number, span in enumerate(spans) if span]
    parts = [_text("label", scale.start - 12, y + 5, name(label, LABEL_LENGTH), "end")]
    for place, (style, span) in enumerate(drawn):
        height = y + 12 * (place - (len(drawn) - 1) / 2)
        parts.append(_line(f"span c{style}", scale.at(span.low), height, scale.at(span.high), height))
        for end in (span.low, span.high):
            parts.append(_line(f"span c{style}", scale.at(end), height - 4, scale.at(end), height + 4))
        parts.append(_marker(style, scale.at(span.mean), height))
    return Markup("").join(parts)


def _intervals_in_words(rows: Mapping[str, Sequence[Span | None]], legend: Sequence[str]) -> str:
    sentences = []
    for label, spans in rows.items():
        told = [
            f"{what} {signed(span.mean)}, {interval(span.low, span.high)}"
            for what, span in zip(legend, spans)
            if span
        ]
        sentences.append(f"{name(label)}: {'; '.join(told)}.")
    return "Means and 95 % intervals. " + " ".join(sentences)


def draw_depths(lines: Mapping[str, Mapping[int, float]], title: str) -> Markup:
    """A line for each first stage: nDCG@10 at each depth, 0 for its own ranking.

    Depths stand at even steps, since those that people try grow by factors.

    Args:
        lines: ``{first stage: {depth: nDCG@10}}``.
        title: what the chart shows.
    """
    depths = sorted({depth for line in lines.values() for depth in line})
    top = TOP + LEGEND_ROW * (len(lines) - 1)
    bottom = top + PLOT_HEIGHT
    ticks = _ticks([value for line in lines.values() for value in line.values()])
    across = Scale(0, max(len(depths) - 1, 1), PLOT_LEFT + 40, WIDTH - RIGHT - 40)
    up = Scale(ticks[0], ticks[-1], bottom, top)
    places = {depth: across.at(step) for step, depth in enumerate(depths)}
    parts = [_legend(list(lines), stacked=True), _y_axis(up, ticks)]
    for depth, x in places.items():
        parts.append(_text("tick", x, bottom + 18, f"{depth:,}" if depth else "none", "middle"))
    for row, line in enumerate(lines.values()):
        points = [(places[depth], up.at(line[depth])) for depth in sorted(line)]
        parts.append(_path(row, points))
        parts.extend(_marker(row, *point) for point in points)
    parts.append(_text("note", (PLOT_LEFT + WIDTH - RIGHT) / 2, bottom + 40, "candidates reranked", "middle"))
    return _svg("depths", bottom + BOTTOM, title, _depths_in_words(lines), parts)


def _depths_in_words(lines: Mapping[str, Mapping[int, float]]) -> str:
    sentences = [
        f"{name(stage)}: "
        + ", ".join(f"{number(line[d])} {f'at {d}' if d else 'as it is'}" for d in sorted(line))
        for stage, line in lines.items()
    ]
    return "nDCG@10 by depth. " + "; ".join(sentences) + "."


def _ticks(values: Sequence[float]) -> list[float]:
    """Round numbers that reach over all values, also where these are all the same."""
    low, high = min(values), max(values)
    margin = max(0.01 - (high - low) / 2, 0.0)
    found = MaxNLocator(nbins=7, steps=[1, 2, 2.5, 5, 10]).tick_values(low - margin, high + margin)
    return [float(value) for value in found]


def _decimals(ticks: Sequence[float]) -> int:
    """How many decimals tell the ticks apart."""
    return next(n for n in range(1, 7) if n == 6 or all(abs(round(tick, n) - tick) < 1e-9 for tick in ticks))


def _x_axis(scale: Scale, ticks: Sequence[float], y: float) -> Markup:
    decimals = _decimals(ticks)
    parts = []
    for tick in ticks:
        x = scale.at(tick)
        parts.append(_line("grid", x, TOP - 6, x, y))
        label = f"{tick:+.{decimals}f}".replace("-", "\u2212") if abs(tick) > 1e-9 else "0"
        parts.append(_text("tick", x, y + 16, label, "middle"))
    return Markup("").join(parts)


def _y_axis(scale: Scale, ticks: Sequence[float]) -> Markup:
    decimals = max(2, _decimals(ticks))
    parts = []
    for tick in ticks:
        y = scale.at(tick)
        parts.append(_line("grid", PLOT_LEFT, y, WIDTH - RIGHT, y))
        parts.append(_text("tick", PLOT_LEFT - 8, y + 4, f"{tick:.{decimals}f}", "end"))
    return Markup("").join(parts)


def _legend(entries: Sequence[str], *, stacked: bool = False) -> Markup:
    """A marker with its meaning for each entry: below each other, or beside each other from the left."""
    parts, x, y = [], 12, 14
    for row, entry in enumerate(entries):
        parts.append(_path(row, [(x, y), (x + 26, y)]))
        parts.append(_marker(row, x + 13, y))
        parts.append(_text("label", x + 34, y + 5, name(entry, 48), "start"))
        x, y = (x, y + LEGEND_ROW) if stacked else (x + WIDTH // 2, y)
    return Markup("").join(parts)


def _marker(line: int, x: float, y: float) -> Markup:
    """A disc, a square, a triangle or a diamond: shapes tell lines apart where colours do not.

    From the fifth line on, colours come again with other shapes.
    """
    shapes = (
        '<circle class="mark c{style}" cx="{x}" cy="{y}" r="5"/>',
        '<path class="mark c{style}" d="M{x} {y}m-5 -5h10v10h-10z"/>',
        '<path class="mark c{style}" d="M{x} {y}m0 -6l6 11h-12z"/>',
        '<path class="mark c{style}" d="M{x} {y}m0 -6l6 6l-6 6l-6 -6z"/>',
    )
    shape = (line + line // STYLES) % len(shapes)
    return Markup(shapes[shape]).format(style=line % STYLES, x=f"{x:g}", y=f"{y:g}")


def _path(line: int, points: Sequence[tuple[float, float]]) -> Markup:
    route = " ".join(f"{'L' if step else 'M'}{x:g} {y:g}" for step, (x, y) in enumerate(points))
    return Markup('<path class="span c{}" d="{}"/>').format(line % STYLES, route)


def _line(style: str, x1: float, y1: float, x2: float, y2: float) -> Markup:
    return Markup('<path class="{}" d="M{} {}L{} {}"/>').format(style, *(f"{v:g}" for v in (x1, y1, x2, y2)))


def _text(style: str, x: float, y: float, text: str, anchor: str) -> Markup:
    return Markup('<text class="{}" x="{}" y="{}" text-anchor="{}">{}</text>').format(
        style, f"{x:g}", f"{y:g}", anchor, text
    )


def _svg(key: str, height: float, title: str, description: str, parts: Sequence[Markup]) -> Markup:
    frame = Markup(
        '<svg class="{key}" role="img" aria-labelledby="{key}-title {key}-words" xmlns="{namespace}" '
        'viewBox="0 0 {width} {height}" width="{width}" height="{height}">'
        '<title id="{key}-title">{title}</title><desc id="{key}-words">{words}</desc>{parts}</svg>'
    )
    return frame.format(
        key=key,
        namespace="http://www.w3.org/2000/svg",
        width=WIDTH,
        height=f"{height:g}",
        title=title,
        words=description,
        parts=Markup("\n").join(parts),
    )
