#!/usr/bin/env python3
"""Draws the results file as SVG on standard output. usage: chart.py RESULTS-FILE

A line for each row: how many times better Berth is than each other side, on a logarithmic scale, in the row's first
figure. Right of 1 Berth is ahead. A bar across the line is the goal beside the side of its colour. It has its own
background, dark where the reader prefers that, and says everything in words, too.
"""
import json
import math
import sys
from xml.sax.saxutils import escape

from facts import NAMES
from table import number

WIDTH, LINE, TOP, BOTTOM, FIRST = 940, 25, 84, 46, 12  # pixels
LEFT, RIGHT = 352, 770  # where the scale begins and ends
LABEL_MAX = 56  # characters of a title
LETTER = 7.5  # pixels of a small one, and more

# side: colours on light and dark, and the mark that tells it apart without colour (for a circle of radius 5)
SIDES = {
    "registry": ("#0969da", "#58a6ff", "M-5,0a5,5 0 1,0 10,0a5,5 0 1,0 -10,0z"),
    "distribution": ("#8250df", "#bc8cff", "M-4.5,-4.5h9v9h-9z"),
    "zot": ("#bf8700", "#e3b341", "M0,-6l6,6l-6,6l-6,-6z"),
    "nginx": ("#1a7f37", "#3fb950", "M0,-6l5.5,10h-11z"),
}

STYLE = """
text { font: 13px system-ui, -apple-system, "Segoe UI", "Liberation Sans", Arial, sans-serif; fill: #1f2328 }
.head { font-size: 17px; font-weight: 600 }
.small { font-size: 11.5px; fill: #59636e }
.end { text-anchor: end }
.middle { text-anchor: middle }
.paper { fill: #ffffff; stroke: #d1d9e0 }
.grid { stroke: #d1d9e0 }
.one { stroke: #59636e; stroke-width: 1.5 }
.reach { stroke-width: 2; opacity: .45 }
.mark { opacity: .85 }
"""
DARK = """
text { fill: #f0f6fc }
.small { fill: #9198a1 }
.paper { fill: #0d1117; stroke: #3d444d }
.grid { stroke: #3d444d }
.one { stroke: #9198a1 }
"""


def times_better(metric, figure):
    """A ratio or a goal, turned round where less is better; None where there is none."""
    if not figure:
        return None
    return figure if metric["better"] == ">=" else 1 / figure


def points(result):
    """[(side, times better, goal or None)] of a row's first figure."""
    if not result["metrics"]:
        return []
    metric = result["metrics"][0]
    found = ((side, times_better(metric, ratio["ratio"]), times_better(metric, ratio["goal"]))
             for side, ratio in metric["ratios"].items() if side in SIDES)
    return [point for point in found if point[1] is not None]


def times(value):
    return f"{value:,.0f}" if value >= 10 else f"{value:.1f}" if value >= 1.95 else f"{value:.2f}"


class Scale:
    """Logarithmic, from a half or a tenth of it to more than what is shown."""

    def __init__(self, values):
        self.low = 0.5 if min(values) >= 0.5 else 10 ** math.floor(math.log10(min(values)))
        self.high = 1.5 * max(*values, 2)

    def x(self, value):
        share = math.log(value / self.low) / math.log(self.high / self.low)
        return round(LEFT + share * (RIGHT - LEFT), 1)

    def ticks(self):
        """Powers of ten, then twice and five times those where there is room for a label."""
        powers = [10 ** n for n in range(math.floor(math.log10(self.low)), math.ceil(math.log10(self.high)) + 1)]
        kept = []
        for tick in [*powers, *(power * more for power in powers for more in (2, 5))]:
            room = LETTER * (len(f"{tick:,g}×") + 1)
            if self.low <= tick <= self.high and all(abs(self.x(tick) - self.x(other)) >= room for other in kept):
                kept.append(tick)
        return sorted(kept)


def style():
    light = "".join(f".{side} {{ fill: {colour} }} .reach.{side} {{ stroke: {colour} }}\n"
                    for side, (colour, _, _) in SIDES.items())
    dark = "".join(f".{side} {{ fill: {colour} }} .reach.{side} {{ stroke: {colour} }}\n"
                   for side, (_, colour, _) in SIDES.items())
    return f"<style>{STYLE}{light}@media (prefers-color-scheme: dark) {{{DARK}{dark}}}</style>"


def text(x, y, words, kind=""):
    return f'<text x="{x}" y="{y}" class="{kind}">{escape(words)}</text>'


def mark(side, x, y, hint):
    return (f'<path class="mark {side}" transform="translate({x},{y})" d="{SIDES[side][2]}">'
            f"<title>{escape(hint)}</title></path>")


def legend(sides):
    parts, x = [], FIRST + 6
    for side in sides:
        parts += [mark(side, x, 52, NAMES[side]), text(x + 11, 56.5, NAMES[side])]
        x += 34 + 7 * len(NAMES[side])
    parts += [f'<path class="reach registry" d="M{x},44v16"/>', text(x + 8, 56.5, "its goal")]
    return parts


def grid(scale, bottom):
    parts = []
    for tick in scale.ticks():
        x = scale.x(tick)
        parts.append(f'<path class="{"one" if tick == 1 else "grid"}" d="M{x},{TOP - 8}V{bottom}"/>')
        parts.append(text(x, TOP - 13, f"{tick:,g}×", "small middle"))
    return parts


def draw_row(result, scale, y):
    parts = [text(FIRST, y + 4.5, result["title"][:LABEL_MAX])]
    found = points(result)
    for side, _, goal in found:
        if goal and goal != 1 and scale.low <= goal <= scale.high:
            parts.append(f'<path class="reach {side}" d="M{scale.x(goal)},{y - 9}v18"/>')
    for side, value, _ in found:
        parts.append(mark(side, scale.x(value), y, f"{result['title']}: {times(value)} times as good as {NAMES[side]}"))
    metric = result["metrics"][0]
    figure = f"{number(metric['medians']['berth'])} {metric['unit']}"
    return parts + [text(WIDTH - FIRST, y + 4.5, figure, "small end")]


def in_words(rows):
    """What somebody hears who cannot see it."""
    sentences = [f"{row['title']}: " + ", ".join(f"{times(value)} times {NAMES[side]}" for side, value, _ in points(row))
                 for row in rows]
    return "How many times better Berth is. " + ". ".join(sentences) + "."


def under_it(results):
    machine = results["machine"]
    versions = ", ".join(f"{NAMES[side].split()[0]} {version}" for side, version in results["versions"].items())
    return [f"{machine['processors']} × {machine['processor']}, {machine['system']}, Linux {machine['kernel'].split('-')[0]}; "
            f"{machine['when'][:10]}, {'make bench-quick' if results['quick'] else 'make bench'}", versions]


def draw(results):
    rows = [row for row in results["rows"] if points(row)]
    if not rows:
        raise ValueError("these results hold no row that compares Berth with another side")
    scale = Scale([value for row in rows for _, *values in points(row) for value in values if value])
    bottom = TOP + LINE * len(rows)
    height = bottom + BOTTOM
    sides = [side for side in SIDES if any(side == point[0] for row in rows for point in points(row))]
    parts = [f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" width="{WIDTH}" height="{height}" '
             'role="img" aria-labelledby="title words">',
             '<title id="title">Berth beside other servers: times better, higher is better</title>',
             f'<desc id="words">{escape(in_words(rows))}</desc>', style(),
             f'<rect class="paper" x="0.5" y="0.5" width="{WIDTH - 1}" height="{height - 1}" rx="6"/>',
             text(FIRST, 28, "How many times better Berth is", "head"), *legend(sides),
             text(WIDTH - FIRST, TOP - 13, "Berth", "small end"), *grid(scale, bottom)]
    for i, row in enumerate(rows):
        parts += draw_row(row, scale, TOP + LINE * i + LINE / 2)
    parts += [text(FIRST, height - 26 + 15 * i, line, "small") for i, line in enumerate(under_it(results))]
    return "\n".join([*parts, "</svg>", ""])


def main(path):
    with open(path, encoding="utf-8") as file:
        sys.stdout.write(draw(json.load(file)))


if __name__ == "__main__":
    main(*sys.argv[1:])
