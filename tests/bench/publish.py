#!/usr/bin/env python3
"""Puts the results of a run where readers see them. usage: publish.py RESULTS-FILE CHART README

Draws the chart, and replaces the table between two marks of the README.
"""
import json
import os
import sys

import chart
from table import number

BEGIN, END = "<!-- figures of make bench -->", "<!-- end of figures -->"
ROWS = ("manifest-get", "manifest-get-auth", "pull-1", "push-1", "small-images", "mixed-both-10", "tail", "memory-uploads-100")
COLUMNS = ("registry", "distribution", "nginx")


def cell(metric, side):
    return number(metric["medians"][side]) if side in metric["medians"] else "–"


def line(result):
    metric = result["metrics"][0]
    beside = {side: chart.times_better(metric, ratio["ratio"]) for side, ratio in metric["ratios"].items()}
    better = f"{chart.times(beside['registry'])} ×" if beside.get("registry") else "–"
    cells = [result["title"], f"{cell(metric, 'berth')} {metric['unit']}", *(cell(metric, side) for side in COLUMNS), better]
    return f"| {' | '.join(cells)} |"


def table_of(results):
    chosen = [row for name in ROWS for row in results["rows"] if row["row"] == name and row["metrics"]]
    names = [chart.NAMES[side] for side in COLUMNS]
    return "\n".join([f"| | Berth | {' | '.join(names)} | beside docker-registry |", "|---|---|---|---|---|---|",
                      *map(line, chosen)])


def replace_table(text, results):
    if BEGIN not in text or END not in text:
        raise ValueError(f"the marks {BEGIN} and {END} are not there")
    head, _, rest = text.partition(BEGIN)
    return f"{head}{BEGIN}\n{table_of(results)}\n{END}{rest.partition(END)[2]}"


def main(results_file, chart_file, readme):
    if not os.path.exists(results_file):
        sys.exit(f"{results_file} is not there; make bench writes it")
    with open(results_file, encoding="utf-8") as file:
        results = json.load(file)
    with open(readme, encoding="utf-8") as file:
        text = replace_table(file.read(), results)
    with open(chart_file, "w", encoding="utf-8") as file:
        file.write(chart.draw(results))
    with open(readme, "w", encoding="utf-8") as file:
        file.write(text)


if __name__ == "__main__":
    main(*sys.argv[1:])
