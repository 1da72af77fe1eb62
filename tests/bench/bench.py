#!/usr/bin/env python3
"""Runs rows, turn by turn, side by side, and prints the table. usage: bench.py WORK-FOLDER RESULTS-FILE [NAME]...

Every figure is a median over turns; in each turn every side is measured once, so that what else the machine does hits
all of them. Figures of different runs cannot be compared; ratios of one run can.
"""
import contextlib
import json
import os
import platform
import signal
import statistics
import sys
import time

import content
from rows import HIGHER, ROWS
from servers import NAMES, Server

TURNS = 3


class Bench:
    def __init__(self, work, quick):
        self.work, self.quick = work, quick
        self.seconds = 1 if quick else 5
        self.mebibytes = 128 if quick else 1024
        self.images = 4 if quick else 20
        self.content = content.Content(f"{work}/www", self.mebibytes)
        self.filled = set()

    def pulls(self, connections):
        """How often each connection pulls the layer: CPU time is counted in hundredths of a second."""
        return 1 if connections > 1 else 4 if self.quick else 2

    def load_command(self, server, *arguments):
        options, mode = [], []
        for argument in arguments:
            (mode if mode or argument in ("requests", "handshakes", "pull", "push", "images", "idle", "uploads")
             else options).append(argument)
        return [f"{os.environ['BUILD']}/bench/load", "--ca", f"{self.work}/tls/ca.crt", *options, server.url, *mode]

    @staticmethod
    def parse(output):
        return json.loads(output.strip().splitlines()[-1])

    def server(self, row, side):
        if side == "nginx":
            return Server(self.work, side, self.content.folder, tls=row.tls)
        root = f"{self.work}/{'fresh' if row.fresh else 'data'}-{side}"
        if not row.fresh and root not in self.filled:
            with Server(self.work, side, root) as server:
                self.content.push(server)
            self.filled.add(root)
        return Server(self.work, side, root, auth=row.auth and side != "berth-open", tls=row.tls)

    def run(self, row):
        """Values of each metric by side: [{side: [value, ...]}, ...]."""
        values = [{side: [] for side in row.sides} for _ in row.metrics]
        with contextlib.ExitStack() as stack:
            servers = [self.server(row, side) for side in row.sides]
            os.sync()
            if not row.fresh:
                for server in servers:
                    stack.enter_context(server)
                    row.work(self, server, TURNS)  # the first time is for caches, on all sides
            for turn in range(TURNS):
                for server in servers:
                    self.take_turn(row, server, turn, values)
        return values

    def take_turn(self, row, server, turn, values):
        if row.fresh:
            with server:
                numbers = row.work(self, server, turn)
            server.forget()
        else:
            numbers = row.work(self, server, turn)
        for metric, number in zip(values, numbers):
            metric[server.side].append(number)


def compare(row, metric, values):
    """What the results file holds of one metric of one row."""
    medians = {side: statistics.median(numbers) for side, numbers in values.items()}
    others = []
    for side in row.sides[1:]:
        ratio = medians["berth"] / medians[side] if medians[side] else None
        goal = metric.goals.get(side)
        others.append({"side": side, "ratio": ratio, "goal": goal, "met": reached(ratio, goal, metric)})
    limit_met = reached(medians["berth"], metric.limit, metric)
    return {"row": row.name, "title": row.title, "unit": metric.unit, "better": metric.better, "values": values,
            "medians": medians, "ratios": others, "limit": metric.limit, "limit_met": limit_met}


def reached(figure, goal, metric):
    if goal is None or figure is None:
        return None
    return figure >= goal if metric.better == HIGHER else figure <= goal


def number(value):
    if value is None:
        return "-"
    return f"{value:,.0f}" if value >= 1000 else f"{value:.3g}" if value >= 100 else f"{value:.2f}"


def judged(goal, met, better):
    return "" if goal is None else f"{better} {goal:g} {'yes' if met else 'NO'}"


LINE = "{:<52} {:<22} {:>10}  {:<15} {:>10} {:>8}  {}"


def print_result(result):
    title, medians = result["title"], result["medians"]
    for other in result["ratios"]:
        goal = judged(other["goal"], other["met"], result["better"])
        if result["limit"] is not None:
            goal = judged(result["limit"], result["limit_met"], result["better"])
        print(LINE.format(title, result["unit"], number(medians["berth"]), NAMES[other["side"]],
                          number(medians[other["side"]]), number(other["ratio"]), goal), flush=True)
        title = ""


def write_results(path, bench, results):
    with open(path, "w", encoding="utf-8") as file:
        json.dump({"when": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()), "processors": os.cpu_count(),
                   "kernel": platform.release(), "quick": bench.quick, "turns": TURNS, "results": results}, file, indent=1)


def main(work, results_file, *names):
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    rows = [row for row in ROWS if not names or any(name in row.name for name in names)]
    if not rows:
        sys.exit(f"no row is named like {' '.join(names)}; there are {' '.join(row.name for row in ROWS)}")
    bench, results = Bench(work, bool(os.environ.get("BENCH_QUICK"))), []
    print(LINE.format("work", "unit", "Berth", "other", "", "ratio", "goal"))
    for row in rows:
        for metric, values in zip(row.metrics, bench.run(row)):
            results.append(compare(row, metric, values))
            print_result(results[-1])
        write_results(results_file, bench, results)


main(*sys.argv[1:])
