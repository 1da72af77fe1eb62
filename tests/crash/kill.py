#!/usr/bin/env python3
"""SIGKILL before and after every call that changes a file or tells a client something. Then the server starts again, at
once, and must hold all that it acknowledged, nothing by halves, and go on."""
import functools
import os
import signal
import sys

import control
import points
import verify
from ledger import Ledger
from registry import START_LIMIT, Failed, Gone, Registry
from workload import SCENARIOS, Client


def run_until_killed(prepared, server, ledger):
    """True when the server died as it was told to; False when it came to the end of the scenario alive."""
    try:
        server.start()
        prepared.scenario.run(Client(server, ledger))
    except Gone:
        if server.stop() != -signal.SIGKILL:
            raise
        return True
    # A point after the last acknowledgement: while it stops.
    return server.stop() == -signal.SIGKILL


def count_calls(prepared):
    """Of a run that nobody disturbs."""
    folder = prepared.copy()
    words = control.Control(os.path.join(folder, "control"), control.CHANGING)
    server = Registry(folder, words, prepared.scenario.sweeping)
    try:
        if run_until_killed(prepared, server, Ledger(prepared.values)):
            raise Failed("the server was killed by somebody else")
        return words.calls, words.counts()
    finally:
        server.stop()
        points.keep_for_a_look(folder, [])


def start_again(folder, expected):
    server = Registry(folder)
    try:
        took = server.start()
        wrong = verify.check(server, expected)
        if took > START_LIMIT:
            wrong.append(f"the start took {took:.2f} s")
        if server.stop() != 0:
            wrong.append("it does not stop in order")
        return wrong + verify.check_metadata(server.data)
    finally:
        server.stop(signal.SIGKILL)


def attempt(prepared, point):
    action, number = point
    folder = prepared.copy()
    words = control.Control(os.path.join(folder, "control"), control.CHANGING)
    words.act(action, number)
    server = Registry(folder, words, prepared.scenario.sweeping)
    ledger = Ledger(prepared.values)
    wrong = []
    try:
        run_until_killed(prepared, server, ledger)
        wrong = start_again(folder, ledger.at())
        return wrong
    finally:
        server.stop(signal.SIGKILL)
        words.close()
        points.keep_for_a_look(folder, wrong)


def main():
    passed = failed = 0
    for scenario in SCENARIOS:
        prepared = points.Prepared(scenario)
        calls, counts = count_calls(prepared)
        print(f"kill, {scenario.name}: {calls} calls, " + ", ".join(f"{n} {kind}" for kind, n in counts.items() if n))
        every = [(action, number) for number in scenario.numbers(calls) for action in (control.KILL_BEFORE, control.KILL_AFTER)]
        good, bad = points.try_all(f"kill, {scenario.name}", every, functools.partial(attempt, prepared),
                                       points.jobs_for(scenario))
        passed, failed = passed + good, failed + bad
    print(f"{passed} passed, {failed} failed")
    sys.exit(1 if failed or not passed else 0)


if __name__ == "__main__":
    main()
