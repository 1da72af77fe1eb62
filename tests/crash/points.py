"""Trying one point after the other: which, on how many processes, and what came of them."""
import concurrent.futures
import os
import random
import shutil
import time

import registry
import workload
from ledger import Ledger

JOBS = int(os.environ.get("CRASH_JOBS") or os.cpu_count())
# How many points of each list are tried; 0: all.
SOME = int(os.environ.get("CRASH_POINTS") or 0)
_current = None


def jobs_for(scenario):
    """A sweeper mostly waits."""
    return JOBS if scenario.sweeping == registry.RESTING else JOBS * 4


class Prepared:
    """What a scenario starts from: a data directory in memory, and what is in it."""

    def __init__(self, scenario):
        self.scenario = scenario
        self.tree, self.values = (["."], {}), {}
        if scenario.prepare is None:
            return
        folder = registry.scratch()
        server = registry.Registry(folder)
        try:
            server.start()
            ledger = Ledger()
            scenario.prepare(workload.Client(server, ledger))
            server.stop()
            self.tree = registry.load_tree(server.data)
            for change in ledger.changes:
                self.values.update({key: value for key, value in change.values.items() if change.acknowledged == 0})
        finally:
            server.stop()
            registry.remove(folder)

    def copy(self):
        """A fresh folder with the data in "data"."""
        folder = registry.scratch()
        registry.write_tree(self.tree, os.path.join(folder, "data"))
        return folder


def choose(points):
    """All, or every k-th from a random start: runs that follow each other come to all of them. The start is printed."""
    points = list(points)
    if SOME == 0 or len(points) <= SOME:
        return points, ""
    step = -(-len(points) // SOME)
    start = int(os.environ.get("CRASH_OFFSET") or random.randrange(step)) % step
    return points[start::step], f", every {step}th from {start} (CRASH_OFFSET={start})"


def try_all(title, points, attempt, jobs=JOBS):
    """attempt(point) for each: what is wrong, as a list. Prints and returns (passed, failed)."""
    global _current  # the pool's processes are forked: they have it without its being sent  # pylint: disable=global-statement
    _current = attempt
    points, chosen = choose(points)
    began = time.monotonic()
    failed = 0
    with concurrent.futures.ProcessPoolExecutor(jobs) as pool:
        for point, wrong in zip(points, pool.map(_attempt, points)):
            if wrong:
                failed += 1
                print(f"FAILED: {title}: {point}\n        " + "\n        ".join(wrong)[:3000], flush=True)
    print(f"{'ok' if failed == 0 else 'FAIL'}  {title}: {len(points)} points{chosen}, {failed} failed, "
          f"{time.monotonic() - began:.0f} s", flush=True)
    return len(points) - failed, failed


def _attempt(point):
    """In a process of the pool. An attempt that ends in an exception is one that failed."""
    try:
        return _current(point)
    except Exception as error:  # pylint: disable=broad-exception-caught
        return [f"{type(error).__name__}: {error}"]


def keep_for_a_look(folder, wrong):
    """The folder of a failed attempt stays when CRASH_KEEP names a place for it."""
    if wrong and os.environ.get("CRASH_KEEP"):
        shutil.copytree(folder, os.path.join(os.environ["CRASH_KEEP"], os.path.basename(folder)), dirs_exist_ok=True,
                        ignore=shutil.ignore_patterns("control"))
    registry.remove(folder)
