#!/usr/bin/env python3
"""A full or bad disk at every call that opens or changes a file: once, and for a while. The server goes on, says 500 in
the protocol's words or does it all; when the disk is well again so is the server, without a restart."""
import functools
import os
import signal
import sys
import threading

import control
import points
import verify
from ledger import Ledger
from registry import Failed, Gone, Registry
from workload import SCENARIOS, Client, Refused

# What happens to which kinds of calls, and how long: calls of those kinds, if the scenario bears it. A disk that is full
# still opens and removes.
WANTING_SPACE = control.mask("create", "write", "truncate", "rename", "link", "mkdir", "sync")
FAULTS = [
    ("ENOSPC", control.FAIL, WANTING_SPACE, 1),
    ("ENOSPC", control.FAIL, WANTING_SPACE, 12),
    ("ENOSPC", control.FAIL, WANTING_SPACE, control.FOREVER),
    ("EDQUOT", control.FAIL, control.mask("create", "write", "mkdir"), 1),
    ("EIO", control.FAIL, control.FAILING, 1),
    ("EIO", control.FAIL, control.FAILING, 12),
    ("short writes", control.SHORTEN, control.mask("write"), 1),
    ("short writes", control.SHORTEN, control.mask("write"), 12),
]
# LMDB refuses everything after it could not write its root page (storage/meta/DESIGN.md, Failure).
NEEDS_RESTART = "an earlier write failed half-way; check the disk, then restart"


class Watched(Client):
    """A client that says what is wrong with answers while calls fail."""

    def __init__(self, registry, ledger):
        super().__init__(registry, ledger)
        self.wrong = []

    def change(self, what, values, wanted, request):
        """What could not be synced must not be acknowledged. (Of several at once nobody knows whose it was.)"""
        before = self.registry.control.unsynced
        answer = super().change(what, values, wanted, request)
        if threading.current_thread() is threading.main_thread() and self.registry.control.unsynced > before:
            self.wrong.append(f"{what} is acknowledged although an fsync failed")
        return answer

    def take(self, refused, hits_before):
        """A failure is told in the protocol's words, but a blob that cannot be mounted is asked for instead (end-11). A later
        request may miss what a failed one did not make."""
        answer = refused.answer
        if answer.status == 202 and self.registry.control.hits > hits_before:
            return
        code = answer.error_code()
        words = self.registry.control
        if answer.status in (500, 503, 507):
            if words.hits == 0:
                self.wrong.append(f"an error without a fault: {refused}")
        elif words.hits > hits_before or not 400 <= answer.status < 500:
            self.wrong.append(f"a fault is answered with {answer.status} {code}: {refused}")


def run_through(prepared, client):
    """All steps of the scenario, each as far as it comes."""
    for step in prepared.scenario.steps:
        before = client.registry.control.hits
        try:
            step(client)
        except Refused as refused:
            client.take(refused, before)
        except Failed as error:
            if NEEDS_RESTART not in client.registry.log_text():
                client.wrong.append(str(error))


def lift_and_check(server, ledger):
    """On the same server, which works again; or, where its log says that it must be, on one that is started again."""
    server.control.lift()
    restarted = NEEDS_RESTART in server.log_text() or not server.running()
    if restarted:
        server.stop()
        server.start()
    wrong = verify.check(server, ledger.at(), leftovers=True)
    if NEEDS_RESTART in server.log_text() and not restarted:
        return lift_and_check(server, ledger)  # nobody had asked it to write since
    if server.stop() != 0:
        wrong.append("it does not stop in order")
    return wrong + verify.check_metadata(server.data)


def run_with_fault(prepared, server, ledger):
    """What is wrong while calls fail. A server that cannot start says so and exits with 1."""
    client = Watched(server, ledger)
    try:
        server.start()
    except Gone:
        if server.process.returncode != 1 or server.control.hits == 0:
            return [f"it ends with {server.process.returncode}: {server.log_text()[-1000:]}"]
        return []
    try:
        run_through(prepared, client)
    except Gone as gone:
        client.wrong.append(f"the server is gone or hung up: {gone}")
    if not server.running():
        client.wrong.append(f"the server ended with {server.process.poll()}: {server.log_text()[-1000:]}")
    return client.wrong


def counted_kinds(scenario, fault):
    """Only what can be hit is numbered."""
    return fault[2] & scenario.can_fail


def attempt(prepared, point):
    fault, number = point
    name, action, _, duration = fault
    folder = prepared.copy()
    words = control.Control(os.path.join(folder, "control"), counted_kinds(prepared.scenario, fault))
    last = number + min(duration, prepared.scenario.bears) - 1
    words.act(action, number, last, control.ERRORS.get(name, 0))
    server = Registry(folder, words, prepared.scenario.sweeping)
    ledger = Ledger(prepared.values)
    wrong = []
    try:
        wrong = run_with_fault(prepared, server, ledger)
        wrong += lift_and_check(server, ledger)
        return wrong
    finally:
        server.stop(signal.SIGKILL)
        words.close()
        points.keep_for_a_look(folder, wrong)


def count_calls(prepared, fault):
    """Of a run that nobody disturbs."""
    folder = prepared.copy()
    words = control.Control(os.path.join(folder, "control"), counted_kinds(prepared.scenario, fault))
    server = Registry(folder, words, prepared.scenario.sweeping)
    try:
        server.start()
        prepared.scenario.run(Client(server, Ledger(prepared.values)))
        server.stop()
        return words.calls
    finally:
        server.stop(signal.SIGKILL)
        points.keep_for_a_look(folder, [])


def title_of(scenario, fault):
    name, duration = fault[0], fault[3]
    lasts = "" if duration == 1 else " from then on" if duration == control.FOREVER else f" for {duration} calls"
    return f"fault, {scenario.name}, {name}{lasts}"


def main():
    passed = failed = 0
    for scenario in SCENARIOS:
        prepared = points.Prepared(scenario)
        for fault in FAULTS:
            if fault[3] == control.FOREVER and scenario.bears < control.FOREVER:
                continue
            every = [(fault, number) for number in scenario.numbers(count_calls(prepared, fault))]
            good, bad = points.try_all(title_of(scenario, fault), every, functools.partial(attempt, prepared),
                                       points.jobs_for(scenario))
            passed, failed = passed + good, failed + bad
    print(f"{passed} passed, {failed} failed")
    sys.exit(1 if failed or not passed else 0)


if __name__ == "__main__":
    main()
