#!/usr/bin/env python3
"""Runs rows, turn by turn, side by side, and prints the table. usage: bench.py RESULTS-FILE [NAME]...

Every figure is a median over turns; in each turn every side is measured once, so that what else the machine does hits
all of them, and every second turn goes the other way round, so that nobody always comes first. Figures of different
runs cannot be compared; ratios of one run can.
"""
import contextlib
import dataclasses
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time

import content
import facts
import results
import table
from rows import ROWS
from servers import Server


@dataclasses.dataclass(frozen=True)
class Amounts:
    """How much of everything a run does."""
    turns: int
    seconds: float       # of rows that go by time
    whole_seconds: int   # for programs that know no others
    mebibytes: int       # of the large layer, and of those that are pushed in a turn
    pulls: int           # of the large layer by one connection: CPU time is counted in hundredths of a second
    images: int          # that each client pushes
    layers: int          # that each client has to push beside small reads


WHOLE = Amounts(turns=3, seconds=5, whole_seconds=5, mebibytes=1024, pulls=2, images=20, layers=16)
QUICK = Amounts(turns=2, seconds=0.5, whole_seconds=1, mebibytes=128, pulls=4, images=4, layers=4)


class Bench:
    """The content and the servers of a run."""

    def __init__(self, work, quick, amounts=None):
        self.work, self.quick = work, quick
        self.amounts = amounts or (QUICK if quick else WHOLE)
        self.content = content.Content(f"{work}/www", self.amounts.mebibytes)
        self.filled = set()

    def server(self, row, side):
        if side == "nginx":
            return Server(self.work, side, self.content.folder, tls=row.tls)
        root = f"{self.work}/{'fresh' if row.fresh else 'data'}-{side}"
        if not row.fresh and root not in self.filled:
            with Server(self.work, side, root) as server:
                with blamed(server):
                    self.content.push(server)
            self.filled.add(root)
        return Server(self.work, side, root, auth=row.auth and side != "berth-open", tls=row.tls)

    def run(self, row):
        """What the results file holds of it."""
        values = results.Values(row, [side for side in row.sides if facts.present(side)])
        turns = row.turns or self.amounts.turns
        with contextlib.ExitStack() as stack:
            servers = [self.server(row, side) for side in values.sides]
            if not row.fresh:
                for server in servers:
                    with blamed(server):
                        stack.enter_context(server)
                        row.work(self, server, turns)  # for caches, on all sides
            for turn in range(turns):
                for server in servers if turn % 2 == 0 else reversed(servers):
                    with blamed(server):
                        self.take_turn(row, server, turn, values)
        return values.result()

    def take_turn(self, row, server, turn, values):
        with contextlib.ExitStack() as stack:
            if row.fresh:
                stack.callback(server.forget)
                stack.enter_context(server)
            os.sync()  # what one side has left to the kernel is not written in another's time
            server.forget_peak()
            numbers = row.work(self, server, turn)
            values.add(server.side, numbers, server.memory("VmHWM"))


class Failure(Exception):
    """A side could not do a row's work."""

    def __init__(self, side, message):
        super().__init__(message)
        self.side = side


@contextlib.contextmanager
def blamed(server):
    """What goes wrong is this side's, and the end of its log says more."""
    try:
        yield
    except (RuntimeError, OSError) as error:
        raise Failure(server.side, f"{error}\n  the end of its log:\n{server.log_end()}") from error


def run_row(bench, row):
    try:
        return bench.run(row)
    except Failure as failure:
        return results.failed(row, failure.side, str(failure))


def prepare(work):
    """A certificate and a user, the same for all sides."""
    tools = os.environ["BUILD"]
    for command in ([f"{tools}/berth-ca", "init", "--dir", f"{work}/tls"],
                    [f"{tools}/berth-ca", "server", "--dir", f"{work}/tls", "localhost", "127.0.0.1"],
                    ["htpasswd", "-Bbc", "-C", "10", f"{work}/htpasswd", content.USER, content.PASSWORD]):
        subprocess.run(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, check=True)


def choose(names, quick):
    """Rows that have one of the names, or for want of such a row have it as a part of theirs."""
    if names:
        whole = {row.name for row in ROWS}
        return [row for row in ROWS if any(name == row.name or name not in whole and name in row.name for name in names)]
    return [row for row in ROWS if not (quick and row.long)]


def say_end(done, began):
    missed = results.missed(done)
    for name, unit, side in missed:
        print(f"goal missed: {name}, {unit}{', beside ' + facts.NAMES[side] if side else ''}")
    failures = sum("error" in result for result in done)
    print(f"{len(done)} rows in {time.monotonic() - began:.0f} s: {len(missed)} goals missed, {failures} rows failed")
    return 1 if failures else 0


def main(results_file, *names):
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, lambda number, _: sys.exit(128 + number))
    quick, began, done = bool(os.environ.get("BENCH_QUICK")), time.monotonic(), []
    rows = choose(names, quick)
    if not rows:
        sys.exit(f"no row is named like {' '.join(names)}; there are {' '.join(row.name for row in ROWS)}")
    work = tempfile.mkdtemp(prefix="bench-work.", dir=os.environ["BUILD"])
    try:
        prepare(work)
        bench = Bench(work, quick)
        head = {"machine": facts.machine(work), "versions": facts.versions(), "quick": quick}
        table.print_head()
        for row in rows:
            done.append(run_row(bench, row))
            table.print_result(done[-1])
            with open(results_file, "w", encoding="utf-8") as file:
                json.dump({**head, "seconds": round(time.monotonic() - began), "rows": done}, file, indent=1)
        return say_end(done, began)
    finally:
        shutil.rmtree(work)


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
