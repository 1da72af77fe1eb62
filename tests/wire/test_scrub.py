#!/usr/bin/env python3
"""Scrubbing beside clients: the server's own in the background, and `berth scrub` through it."""
import json
import os
import random
import subprocess
import threading
import time

import wire

wire.CONFIG = wire.CONFIG.replace("  delete: {{enabled: true}}", """  delete: {{enabled: true}}
  maintenance: {{scrub: {{interval: 1s, rate: 100MiB}}}}""")


def file_of(server, digest):
    return f"{server.folder}/data/blobs/sha256/{digest[7:9]}/{digest[7:]}"


def quarantine(server, digest):
    return f"{server.folder}/data/quarantine/sha256-{digest[7:]}"


def damage(server, digest):
    with open(file_of(server, digest), "r+b") as file:
        file.write(b"not these")


def scrub(server, *arguments):
    return subprocess.run([f"{wire.BUILD}/berth", "scrub", "--config", f"{server.folder}/config.yml", *arguments],
                          capture_output=True, text=True, timeout=60, check=False)


def push_image(server, name, tag, data):
    server.push_image(name, tag, data)
    return wire.sha256(data)


@wire.case("the background scrubber finds a damaged blob, names the image, and a push repairs it")
def _(server):
    data = random.randbytes(50_000)
    digest = push_image(server, "scrub/app", "v1", data)
    damage(server, digest)
    wire.eventually(lambda: f"scrub: blob {digest}" in server.log_text(), "it is found", 20)
    line = next(line for line in server.log_text().splitlines() if f"scrub: blob {digest}" in line)
    for text in ("level=error", "its bytes have another digest", f"moved to quarantine/sha256-{digest[7:]}", "needed by scrub/app:v1", "push it again"):
        wire.true(text in line, f"{text}: {line}")
    wire.true(os.path.exists(quarantine(server, digest)), "it is in quarantine")
    wire.refused(server.ask("GET", f"/v2/scrub/app/blobs/{digest}"), 404, "BLOB_UNKNOWN")
    server.push_blob("scrub/app", data)
    wire.equal(server.ask("GET", f"/v2/scrub/app/blobs/{digest}").body, data)


@wire.case("a directory in a blob's place is moved away, so that the blob can be pushed again")
def _(server):
    data = random.randbytes(1000)
    digest = push_image(server, "scrub/dir", "v1", data)
    os.remove(file_of(server, digest))
    os.mkdir(file_of(server, digest))
    wire.eventually(lambda: os.path.isdir(quarantine(server, digest)), "it is moved", 20)
    server.push_blob("scrub/dir", data)
    wire.equal(server.ask("GET", f"/v2/scrub/dir/blobs/{digest}").body, data)


@wire.case("berth scrub runs in the server, and says in text and in JSON what it found and who is hurt")
def _(server):
    server.stop()
    server.configure(wire.CONFIG.replace("interval: 1s", "enabled: false, interval: 1s"))
    server.start()
    contents = [random.randbytes(3000 + n) for n in range(3)]
    digests = [push_image(server, "scrub/one", f"t{n}", data) for n, data in enumerate(contents)]
    answer = scrub(server)
    wire.equal(answer.returncode, 0, answer)
    wire.true("0 damaged, 0 missing; metadata:" in answer.stdout and "0 findings" in answer.stdout, answer)
    damage(server, digests[0])
    os.remove(file_of(server, digests[1]))
    answer = scrub(server, "--dry-run")
    wire.equal(answer.returncode, 1, answer)
    wire.true(os.path.exists(file_of(server, digests[0])), "a dry run moves nothing")
    answer = scrub(server, "--metadata-only")
    wire.equal(answer.returncode, 0, answer)
    answer = scrub(server, "--json", "--rate", "0")
    wire.equal(answer.returncode, 1, answer)
    lines = {line.get("digest", line["what"]): line for line in map(json.loads, answer.stdout.splitlines())}
    wire.equal(lines[digests[0]]["problem"], "its bytes have another digest")
    wire.equal(lines[digests[0]]["quarantine"], f"quarantine/sha256-{digests[0][7:]}")
    wire.equal([(need["repository"], need["tag"]) for need in lines[digests[0]]["neededBy"]], [("scrub/one", "t0")])
    wire.equal(lines[digests[1]]["problem"], "its file is missing")
    wire.equal((lines["sum"]["damaged"], lines["sum"]["missing"], lines["sum"]["clean"]), (1, 1, False))
    answer = scrub(server)
    wire.true(f"blob {digests[0]}" in answer.stdout and "is missing" in answer.stdout and "push the images" in answer.stdout, answer)
    for data in contents:
        server.push_blob("scrub/one", data)
    answer = scrub(server)
    wire.equal(answer.returncode, 0, answer)


@wire.case("the rate is kept, and a scrub whose asker is gone ends")
def _(server):
    for _ in range(4):
        server.push_blob("scrub/rate", random.randbytes(4 << 20))
    began = time.monotonic()
    answer = scrub(server, "--rate", "8MiB/s")
    took = time.monotonic() - began
    wire.equal(answer.returncode, 0, answer)
    wire.true(1.0 < took < 20, f"16 MiB at 8 MiB/s took {took} s")
    for text in ("fast", "5XiB", "-1"):
        answer = scrub(server, "--rate", text)
        wire.equal(answer.returncode, 2, answer)
        wire.true("--rate" in answer.stderr, answer)
    with subprocess.Popen([f"{wire.BUILD}/berth", "scrub", "--config", f"{server.folder}/config.yml", "--rate", "100KiB"]) as slow:
        time.sleep(0.5)
        answer = scrub(server)
        wire.true(answer.returncode == 1 and "scrub is under way" in answer.stderr, answer)
        slow.kill()
    wire.eventually(lambda: scrub(server, "--metadata-only").returncode == 0, "the slow one ends")


@wire.case("clients that push, pull and delete beside it meet no damage, and none is found")
def _(server):
    stop = threading.Event()
    errors = []

    def work(number):
        try:
            with server.connect() as connection:
                chance = random.Random(number)
                while not stop.is_set():
                    data = b"%d " % chance.randrange(20) * 2000
                    digest = wire.sha256(data)
                    name = f"scrub/busy{number}"
                    server.push_image(name, f"t{chance.randrange(5)}", data)
                    wire.equal(connection.ask("GET", f"/v2/{name}/blobs/{digest}").status, 200)
                    if chance.random() < 0.3:
                        connection.ask("DELETE", f"/v2/{name}/blobs/{digest}")
        except Exception as error:
            errors.append(error)

    threads = [threading.Thread(target=work, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    try:
        for _ in range(8):
            answer = scrub(server, "--rate", "0")
            wire.equal(answer.returncode, 0, answer)
    finally:
        stop.set()
        for thread in threads:
            thread.join()
    if errors:
        raise errors[0]


wire.main()
