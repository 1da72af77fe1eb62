#!/usr/bin/env python3
"""The power goes after each call: a run is recorded, and for every place in it the disks that a power cut may leave are
made (disk_model.py). On each of them the server must start, hold all that it had acknowledged by then, and go on."""
import copy
import dataclasses
import functools
import os
import random
import signal
import sys

import control
import disk_model
import points
import registry
import verify
from ledger import Ledger
from registry import START_LIMIT, Failed, Gone, Registry
from workload import SCENARIOS, Client

# How many disks of each kind are made at each place. The two that leave nothing to chance need one.
STATES = [("lost", 1), ("names only", 1), ("torn", 3), ("ordered", 2)]
OTHER_BOOT = "00000000-0000-4000-8000-00000000b007\n"


class Recording:
    """One run: the disk before it, what was done to it, what was promised when."""

    applied = 0  # records

    def __init__(self, prepared):
        folder = prepared.copy()
        boot, record = os.path.join(folder, "boot"), os.path.join(folder, "record")
        with open(boot, "w", encoding="ascii") as file:
            file.write(OTHER_BOOT)
        words = control.Control(os.path.join(folder, "control"), control.CHANGING)
        server = Registry(folder, words, prepared.scenario.sweeping, record, boot)
        self.ledger = Ledger(prepared.values)
        self.disk = disk_model.Disk(server.data)
        try:
            server.start()
            prepared.scenario.run(Client(server, self.ledger))
            server.stop()
            self.records = disk_model.read_records(record)
            if len(self.records) != words.calls:
                raise RuntimeError(f"{len(self.records)} records of {words.calls} calls")
        finally:
            server.stop(signal.SIGKILL)
            registry.remove(folder)

    def disk_at(self, cut):
        """In a process of the pool, which asks for places in rising order."""
        if self.applied > cut:
            raise RuntimeError("the disk is past that place")
        for record in self.records[self.applied:cut]:
            self.disk.apply(record)
        self.applied = cut
        return self.disk


def attempt(recording, point):
    cut, state, number = point
    tree = disk_model.STATES[state](recording.disk_at(cut), random.Random(f"{cut} {state} {number}"))
    folder = registry.scratch()
    wrong = []
    server = Registry(folder)
    try:
        registry.write_tree(tree, server.data)
        took = server.start()
        wrong = verify.check(server, recording.ledger.at(cut), torn=True)
        if took > START_LIMIT:
            wrong.append(f"the start took {took:.2f} s")
        if server.stop() != 0:
            wrong.append("it does not stop in order")
        wrong += verify.check_metadata(server.data)
        return wrong
    finally:
        server.stop(signal.SIGKILL)
        points.keep_for_a_look(folder, wrong)


def is_dull(recording):
    """Would this test see a server that does not sync? For each kind of promise, a disk that keeps all but those must be
    found wanting at the end of the run; the names of those that were not missed."""
    folder_inodes = {inode for inode, thing in recording.disk.things.items() if isinstance(thing, disk_model.Folder)}
    promises = {
        "fsync of folders": lambda record: record.kind == "sync" and record.inode in folder_inodes,
        "fsync of files": lambda record: record.kind == "sync" and record.inode not in folder_inodes,
        "O_DSYNC": lambda record: record.kind == "write" and record.flags & disk_model.DSYNC,
    }
    kept, unseen = recording.records, []
    for name, is_broken in promises.items():
        broken = copy.copy(recording)
        broken.disk = copy.deepcopy(recording.disk)
        broken.records = [dataclasses.replace(record, kind="hint") if is_broken(record) else record for record in kept]
        try:
            wrong = attempt(broken, (len(kept), "lost", 0))
        except (Failed, Gone) as error:
            wrong = [str(error)]
        if not wrong:
            unseen.append(name)
    return unseen


def main():
    passed = failed = 0
    for scenario in SCENARIOS:
        recording = Recording(points.Prepared(scenario))
        cuts = [0, *scenario.numbers(len(recording.records))]
        every = [(cut, state, number) for cut in cuts for state, count in STATES for number in range(count)]
        good, bad = points.try_all(f"power, {scenario.name}", every, functools.partial(attempt, recording))
        passed, failed = passed + good, failed + bad
        if scenario.name == "work":
            for name in is_dull(recording):
                failed += 1
                print(f"FAILED: power: a disk that forgets in spite of {name} is not found out")
    print(f"{passed} passed, {failed} failed")
    sys.exit(1 if failed or not passed else 0)


if __name__ == "__main__":
    main()
