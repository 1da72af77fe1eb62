"""What the results file holds of a row: medians, ratios, and whether the goals are met.

{"row", "title", "sides": [side, …],
 "metrics": [{"unit", "better", "values": {side: [number, …]}, "medians": {side: number},
              "ratios": {side: {"ratio", "goal", "met"}}, "limit", "limit_met"}],
 "latency_us": {side: {"p50", "p99", …}}, "peak_mib": {side: number}}
A row that failed has "error" instead of what it measured. A figure that is not there is null.
"""
import statistics

from row import HIGHER, Turn


class Values:
    """What the turns of a row gave, side by side."""

    def __init__(self, row, sides):
        self.row, self.sides = row, sides
        self.numbers = [{side: [] for side in sides} for _ in row.metrics]
        self.latencies = {side: [] for side in sides}
        self.peaks = {side: [] for side in sides}

    def add(self, side, turn, peak):
        turn = turn if isinstance(turn, Turn) else Turn(tuple(turn))
        if len(turn.numbers) != len(self.row.metrics):
            raise TypeError(f"row {self.row.name}: {len(turn.numbers)} numbers for {len(self.row.metrics)} metrics")
        for number, values in zip(turn.numbers, self.numbers):
            values[side].append(number)
        if turn.latency:
            self.latencies[side].append(turn.latency)
        self.peaks[side].append(peak)

    def result(self):
        return {"row": self.row.name, "title": self.row.title, "sides": list(self.sides),
                "metrics": [compare(metric, values) for metric, values in zip(self.row.metrics, self.numbers)],
                "latency_us": {side: median_latency(turns) for side, turns in self.latencies.items() if turns},
                "peak_mib": {side: round(statistics.median(peaks), 1) for side, peaks in self.peaks.items()}}


def compare(metric, values):
    """Berth's median beside each other side's."""
    medians = {side: statistics.median(numbers) for side, numbers in values.items()}
    ratios = {}
    for side in list(values)[1:]:
        ratio = medians["berth"] / medians[side] if medians[side] else None
        goal = metric.goals.get(side)
        ratios[side] = {"ratio": ratio, "goal": goal, "met": reached(ratio, goal, metric.better)}
    return {"unit": metric.unit, "better": metric.better, "values": values, "medians": medians, "ratios": ratios,
            "limit": metric.limit, "limit_met": reached(medians["berth"], metric.limit, metric.better)}


def reached(figure, goal, better):
    if goal is None or figure is None:
        return None
    return figure >= goal if better == HIGHER else figure <= goal


def median_latency(turns):
    """The median of each percentile; of the longest, the longest."""
    return {name: (max if name == "max" else statistics.median)(turn[name] for turn in turns) for name in turns[0]}


def failed(row, side, message):
    return {"row": row.name, "title": row.title, "sides": list(row.sides), "metrics": [], "latency_us": {}, "peak_mib": {},
            "error": {"side": side, "message": message}}


def missed(results):
    """(row, unit, side or None) of each goal that was not met."""
    return [(result["row"], metric["unit"], side)
            for result in results for metric in result["metrics"]
            for side, met in [*((side, ratio["met"]) for side, ratio in metric["ratios"].items()), (None, metric["limit_met"])]
            if met is False]
