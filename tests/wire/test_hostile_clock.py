#!/usr/bin/env python3
"""Somebody sets the clock while the server runs: timers do not notice, nothing is cut, nothing is swept (hostile.md "Faults")."""
import os
import struct
import subprocess
import time

import wire

YEAR = 365 * 24 * 3600
JUMPS = [("a year forward", YEAR), ("back to where it was", 0), ("ten years back", -10 * YEAR), ("by an hour", 3600)]
GRACE = 30
wire.CONFIG = wire.CONFIG.replace("  delete: {{enabled: true}}", f"""  delete: {{{{enabled: true}}}}
  maintenance: {{{{garbagecollection: {{{{grace: {GRACE}s, interval: 1s}}}},
    retention: {{{{rules: [{{{{repositories: ["clock/history"], olderthan: 720h}}}}]}}}}}}}}""")
wire.CONFIG = wire.CONFIG.replace('http: {{addr: "127.0.0.1:{port}"}}', 'http: {{addr: "127.0.0.1:{port}", timeouts: {{head: 3s}}}}')


class Server(wire.Server):
    """Runs with a wall clock that jump() sets."""

    def __init__(self, config=None):
        super().__init__(config)
        self.ahead = os.path.join(self.folder, "ahead")
        library = os.path.join(self.folder, "clock.so")
        self.jump(0)
        source = os.path.join(os.path.dirname(os.path.abspath(__file__)), "clock.c")
        subprocess.run([os.environ.get("CC", "cc").split()[-1], "-shared", "-fPIC", "-O2", "-o", library, source], check=True)
        self.extra_environment = {"LD_PRELOAD": library, "CLOCK_AHEAD": self.ahead,
                                  "ASAN_OPTIONS": os.environ.get("ASAN_OPTIONS", "") + ":verify_asan_link_order=0"}

    def jump(self, seconds):
        """In place: the server has the file mapped."""
        with open(self.ahead, "r+b" if os.path.exists(self.ahead) else "wb") as file:
            file.write(struct.pack("=q", seconds))


wire.Server = Server


def berth(server, *arguments):
    """Exit status, and what it said."""
    result = subprocess.run([f"{wire.BUILD}/berth", *arguments, "--config", f"{server.folder}/config.yml"],
                            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
    return result.returncode, result.stdout


@wire.case("the tests' clock is the server's: its Date follows a jump")
def _(server):
    server.jump(YEAR)
    year = time.gmtime(time.time() + YEAR).tm_year
    wire.eventually(lambda: f" {year} " in server.ask("GET", "/v2/").header("date"), "the date follows")
    server.jump(0)


@wire.cases("the clock is set {0}: an upload and an idle connection go on, and logins and pulls work", JUMPS)
def _(server, _sentence, seconds):
    repository, data = wire.fresh(), b"through time" * 1000
    digest = wire.sha256(data)
    server.push_image(repository, "t")
    place = server.begin(repository)
    with server.connect() as upload, server.connect() as idle:
        wire.equal(idle.ask("GET", "/v2/").status, 200)
        upload.send(upload.compose("PUT", wire.add_query(place, f"digest={digest}"), [("Content-Length", str(len(data)))], data[:5000]))
        time.sleep(0.3)
        server.jump(seconds)
        time.sleep(2.2)  # the timers have looked
        upload.send(data[5000:])
        answer = upload.answer()
        wire.equal(answer.status, 201, answer)
        wire.equal(idle.ask("GET", f"/v2/{repository}/blobs/{digest}").body, data)
    wire.equal(server.ask("GET", f"/v2/{repository}/manifests/t").status, 200)
    server.jump(0)


@wire.case("a head that comes slowly is given its time and no more, however the clock is set meanwhile")
def _(server):
    with server.connect() as c:
        began = time.monotonic()
        c.send(b"GET /v2/ HTTP/1.1\r\n")
        for number in range(4):
            time.sleep(0.4)
            server.jump((-1) ** number * YEAR)
        server.jump(0)
        wire.true(c.ended(), "still open")
        wire.true(2.5 <= time.monotonic() - began <= 3 + wire.PATIENCE / 2, f"closed after {time.monotonic() - began:.1f} s")


@wire.case("a jump over the grace sweeps no blob that was just pushed")
def _(server):
    digest = server.push_blob("clock/lease", b"leased")
    server.jump(YEAR)
    time.sleep(4)  # some sweeps later
    wire.equal(server.ask("GET", f"/v2/clock/lease/blobs/{digest}").body, b"leased")
    server.jump(0)


@wire.case("after a jump commands neither forget the history nor delete tags for their age")
def _(server):
    server.push_image("clock/history", "t")
    wire.equal(server.ask("DELETE", "/v2/clock/history/manifests/t").status, 202)
    server.push_image("clock/history", "u")
    server.jump(YEAR)
    status, text = berth(server, "gc")
    wire.true(status == 1 and "the clock was set forward" in text, text)
    status, text = berth(server, "retention", "clock/history")
    wire.true(status == 1 and "the clock was set forward lately, so that tags may look older than they are" in text, text)
    status, text = berth(server, "retention", "clock/history", "--dry-run")
    wire.true(status == 0 and "clock/history:u would go" in text, text)
    server.jump(0)
    status, text = berth(server, "tags", "restore", "clock/history:t")
    wire.equal(status, 0, text)


wire.main()
