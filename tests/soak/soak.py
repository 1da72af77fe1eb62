#!/usr/bin/env python3
"""Everything at once for SOAK_MINUTES: clients of all kinds, sweeps, changes, kills; then is everything there? (soak.sh)

The first half has kills; the second is one long life of the server, by which memory is judged. DESIGN.md tells who plays.
"""
import os
import re
import signal
import sys
import threading
import time

import judge
import nuisances
from actor import Actor, Lost
from administrators import Administrator, Collector, prepare
from ledger import Repository, image
from pushers import Pusher, Storm
from readers import Podman, Puller, Reader, Skopeo, SlowReader
from world import OUT, WORK, Chaos, World

PUSHERS, STORMS, PULLERS, READERS, SLOW_READERS = 4, 2, 3, 2, 3
LARGE = 16 << 20
CONFIG = f"{WORK}/config.yml"
COMMANDS = [["gc", CONFIG, "--delete-untagged", "--quiet"], ["scrub", "--config", CONFIG],
            ["backup", f"{WORK}/backup", "--config", CONFIG, "--quiet"]]  # of `berth`, beside the server that runs
CALM_S = 30  # for descriptors to come back when the last client has gone
ERROR = re.compile(r"level=error.*")
SANITIZER = re.compile(r"(ERROR: (Address|Leak|Thread)Sanitizer|WARNING: ThreadSanitizer|runtime error:)")


def large_blob(world):
    """An image that stays, for the slow ones; the path of its layer."""
    actor, repository = Pusher(world, "large", [b"config of the large image"]), Repository("soak/large")
    data = actor.random.randbytes(LARGE)
    manifest = image([b"config of the large image", data], "large")
    for content in (b"config of the large image", data):
        actor.blob(repository, content)
    actor.put(repository, "1", manifest)
    actor.drop()
    repository.surely("1", manifest)
    world.repositories = [repository]
    return f"/v2/soak/large/blobs/{list(manifest.blobs)[1]}"


def cast(world):
    """Everybody who plays."""
    place = large_blob(world)
    shared = [world.random("shared").randbytes(100 + 700 * n) for n in range(60)]
    actors = [Pusher(world, f"pusher{n}", shared) for n in range(PUSHERS)] + [Storm(world, f"storm{n}", shared) for n in range(STORMS)]
    actors += [Puller(world, f"puller {n}") for n in range(PULLERS)] + [Reader(world, f"reader {n}") for n in range(READERS)]
    actors += [SlowReader(world, n, place, LARGE) for n in range(SLOW_READERS)]
    actors += [kind(world, kind.__name__) for kind in nuisances.ALL]
    actors += [Skopeo(world, "skopeo"), Podman(world, "podman"), Administrator(world)]
    return actors + [Collector(world, COMMANDS)]


def play(world, actors):
    world.chaos.start()
    for actor in actors:
        actor.start()
    while time.monotonic() < world.ends and not world.over.wait(5):
        silent = [actor.name for actor in actors if not actor.is_alive()]
        if silent:
            world.find("soak", f"these have stopped: {silent}")
            break
    world.over.set()
    until = time.monotonic() + 120
    for actor in actors:
        actor.join(max(0.1, until - time.monotonic()))
    stuck = [actor.name for actor in actors if actor.is_alive()]
    if stuck:
        world.find("soak", f"these do not come to an end: {stuck}")


def verify_all(world):
    """Every tag of every repository, whole; how many."""
    looker, tags = Actor(world, "the last look"), 0
    for repository in world.repositories:
        for tag in list(repository.tags):
            tags += 1
            try:
                repository.verify(looker.ask, tag)
            except Lost as error:
                world.find("the last look", str(error))
    looker.drop()
    return tags


def settle(world, at_start):
    """The sample when descriptors are back, or after CALM_S."""
    until = time.monotonic() + CALM_S
    while True:
        at_end = world.sample()
        if at_end[5] <= at_start[5] or time.monotonic() > until:
            return at_end
        time.sleep(0.5)


def read_log(world):
    with open(world.server.log, encoding="utf-8", errors="replace") as file:
        text = file.read()
    report = SANITIZER.search(text)
    if report:
        world.find("log", text[report.start():][:3000])
    if re.search(r"damaged|assert|Assertion", text):
        world.find("log", re.search(r".*(damaged|[Aa]ssert).*", text)[0])
    errors = ERROR.findall(text)
    print(f"# log: {len(errors)} lines of level error, {len(re.findall('swept ', text))} sweeps freed something")
    for line in errors[:10]:
        print(f"#   {line[:300]}")


def main():
    minutes, seed = float(os.environ["SOAK_MINUTES"]), os.environ["SOAK_SEED"]
    print(f"# {minutes} minutes, seed {seed}, samples in {OUT}/samples.csv", flush=True)
    prepare()
    world = World(seed, minutes)
    world.server.start()
    time.sleep(1)  # its threads have begun
    at_start = world.sample()
    world.chaos = Chaos(world)
    actors = cast(world)
    threading.Thread(target=world.watch, daemon=True).start()
    play(world, actors)
    world.chaos.join()
    tags = verify_all(world)
    faults = judge.judge(world.samples, at_start, settle(world, at_start))
    status = world.server.end(signal.SIGTERM)
    if status != 0:
        faults.append(f"exit status {status} on SIGTERM")
    read_log(world)
    for what, n in sorted(world.counts.items()):
        print(f"# {what:40s} {n:10.0f}")
    print(f"# {'lives of the server':40s} {world.server.lives:10d}\n# {'slowest start, ms':40s} {world.chaos.slowest_start * 1000:10.0f}")
    print(f"# {'starts that waited for a tool':40s} {world.server.waited:10d}")
    print(f"# {'tags verified at the end':40s} {tags:10d}\n# {'findings':40s} {len(world.findings):10d}")
    for fault in faults:
        print(f"FAILED: {fault}")
    sys.exit(1 if faults or world.findings or not tags else 0)


main()
