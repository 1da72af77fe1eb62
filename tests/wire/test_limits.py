#!/usr/bin/env python3
"""Limits under load: what is over one is told so, or waits; what is half done goes on; afterwards all is as before."""
import contextlib
import os
import resource
import socket
import time

import wire
from client import Connection

PUSHED = os.urandom(5000)


def config(http="", storage=""):
    """The usual configuration with more keys, in flow style, below http and storage."""
    text = wire.CONFIG.replace('http: {{addr: "127.0.0.1:{port}"', 'http: {{addr: "127.0.0.1:{port}"' + (", " + http if http else ""))
    return text.replace("  delete: {{enabled: true}}\n", "  delete: {{enabled: true}}\n" + "".join(f"  {line}\n" for line in storage.split("; ") if line))


@contextlib.contextmanager
def served(http="", storage=""):
    server = wire.Server(config(http, storage))
    server.start()
    try:
        yield server
        wire.equal(server.stop(), 0, "exit status")
        report = wire.REPORT.search(server.log_text())
        wire.true(not report, f"a sanitizer complained: {server.log_text()[-3000:]}")
    finally:
        if server.process is not None:
            server.process.kill()
        server.remove()


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def metric(port, name):
    with Connection(("127.0.0.1", port), None) as c:
        for line in c.ask("GET", "/metrics").body.decode().split("\n"):
            if line.startswith(name + " "):
                return int(line.split(" ")[-1])
    raise wire.Failed(f"no metric {name}")


def debug(port):
    return f"debug: {{{{addr: '127.0.0.1:{port}', prometheus: {{{{enabled: true}}}}}}}}"


def later(answer, status, code):
    wire.refused(answer, status, code)
    wire.true(int(answer.header("retry-after") or 0) >= 1, f"no Retry-After: {answer!r}")


def detail(answer):
    return answer.json()["errors"][0]["detail"]


def descriptors(server):
    return len(os.listdir(f"/proc/{server.process.pid}/fd"))


# ---- connections ----

@wire.case("with as many connections as may be the next one waits, is served when one has ended, and metrics are seen all the while")
def _(_server):
    port = free_port()
    with served("limits: {{connections: 6}}, " + debug(port)) as server:
        time.sleep(0.3)  # the connection that saw it start has ended
        held = [server.connect() for _ in range(6)]
        for c in held:
            wire.equal(c.ask("GET", "/v2/").status, 200)
        wire.equal(metric(port, "berth_connections_limit"), 6)
        with server.connect() as waiting:
            waiting.send(waiting.compose("GET", "/v2/"))
            waiting.socket.settimeout(1)
            try:
                wire.equal(waiting.socket.recv(1), None, "it was served beyond the limit")
            except socket.timeout:
                pass
            waiting.socket.settimeout(wire.PATIENCE)
            wire.true(metric(port, 'berth_accept_paused_total{reason="full"}') >= 1, "no pause was counted")
            wire.equal(held[1].ask("GET", "/v2/").status, 200, "who is connected goes on")
            held[0].socket.close()
            wire.equal(waiting.answer().status, 200)
        for c in held[1:]:
            c.socket.close()
        wire.equal(server.log_text().count("6 connections are open, as many as may be"), 1, "one line a minute")


@wire.case("when others wait, connections that idle end after some seconds, and all who wait are served")
def _(_server):
    with served("limits: {{connections: 4}}") as server:
        idle = [server.connect() for _ in range(4)]
        waiting = [server.connect() for _ in range(3)]
        for c in waiting:
            c.socket.settimeout(30)
            c.send(c.compose("GET", "/v2/"))
        for c in waiting:
            wire.equal(c.answer().status, 200)
        for c in idle + waiting:
            c.socket.close()


@wire.case("more connections than descriptors allow are not granted, and the log says how many are")
def _(_server):
    with served("limits: {{connections: 100000000}}") as server:
        wire.true("http.limits.connections 100000000 needs more than" in server.log_text(), server.log_text())


@wire.case("without descriptors blobs and uploads get 503 with Retry-After, and are there again with them")
def _(_server):
    with served() as server:
        digest = server.push_blob("few/a", PUSHED)
        pid = server.process.pid
        place = server.begin("few/a")
        with server.connect() as c:
            wire.equal(c.ask("GET", "/v2/").status, 200)
            limits = resource.prlimit(pid, resource.RLIMIT_NOFILE)
            used = sorted(int(fd) for fd in os.listdir(f"/proc/{pid}/fd"))
            free = min(set(range(used[-1] + 2)) - set(used))
            resource.prlimit(pid, resource.RLIMIT_NOFILE, (free, limits[1]))
            try:
                later(c.ask("GET", f"/v2/few/a/blobs/{digest}"), 503, "UNAVAILABLE")
                later(c.ask("POST", "/v2/few/a/blobs/uploads/"), 503, "UNAVAILABLE")
                later(c.ask("PATCH", place, body=PUSHED), 503, "UNAVAILABLE")
                wire.equal(c.ask("GET", "/v2/few/a/tags/list").status, 200, "metadata needs none")
            finally:
                resource.prlimit(pid, resource.RLIMIT_NOFILE, limits)
            wire.equal(c.ask("GET", f"/v2/few/a/blobs/{digest}").body, PUSHED)
            wire.equal(c.ask("PATCH", place, body=PUSHED).status, 202)
            wire.equal(c.ask("PUT", wire.add_query(place, f"digest={digest}")).status, 201)


# ---- time ----

@wire.case("a head that comes slowly, and a connection that asks nothing, are closed in their time")
def _(_server):
    with served("timeouts: {{head: 2s, idle: 3s}}") as server:
        before = descriptors(server)
        with server.connect() as slow, server.connect() as idle:
            began = time.monotonic()
            while time.monotonic() - began < 2 * wire.PATIENCE:
                try:
                    slow.socket.sendall(b"G")
                except OSError:
                    break
                time.sleep(0.2)
            wire.true(1.5 < time.monotonic() - began < 2 + wire.PATIENCE, f"the head: {time.monotonic() - began:.1f} s")
            wire.true(idle.ended(), "the idle one is open")
        wire.eventually(lambda: descriptors(server) <= before, "the descriptors are closed")


@wire.case("an upload that is slow and steady is not cut, over many times the time in which one that stops is")
def _(_server):
    # 256 bytes must come in every two seconds.
    with served("limits: {{minimumrate: 128}}, timeouts: {{stall: 2s}}") as server:
        data = os.urandom(6000)
        steady, stopped, crawling = (server.begin(f"slow/{n}") for n in range(3))
        with server.connect() as a, server.connect() as b, server.connect() as c:
            began = time.monotonic()
            a.send(a.compose("PUT", wire.add_query(steady, f"digest={wire.sha256(data)}"), [("Content-Length", str(len(data)))], b""))
            b.send(b.compose("PATCH", stopped, [("Content-Length", "6000")], data[:1000]))
            c.send(c.compose("PATCH", crawling, [("Content-Length", "6000")], b""))
            for at in range(0, len(data), 100):  # 400 bytes a second, for 15 seconds
                a.send(data[at:at + 100])
                c.send(data[at // 20:at // 20 + 5])  # and 20
                time.sleep(0.25)
            wire.equal(a.answer().status, 201)
            wire.true(time.monotonic() - began > 12, "too quick to show anything")
            wire.true(b.ended(), "the one that stopped is open")
            wire.true(c.ended(), "the one below the rate is open")
        wire.equal(server.ask("GET", f"/v2/slow/0/blobs/{wire.sha256(data)}").body, data)
        wire.equal(server.ask("GET", stopped).header("range"), "0-999", "what came is kept")


@wire.case("a reader that never reads is closed, and its descriptors with it")
def _(_server):
    with served("timeouts: {{stall: 2s}}") as server:
        blob = os.urandom(1 << 20) * 32
        digest = server.push_blob("never/read", blob)
        time.sleep(0.3)
        before = descriptors(server)
        readers = []
        for _ in range(10):
            c = server.connect()
            c.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            c.send(c.compose("GET", f"/v2/never/read/blobs/{digest}"))
            readers.append(c)
        wire.eventually(lambda: descriptors(server) >= before + 10, "they are connected")
        wire.eventually(lambda: descriptors(server) <= before, "they are closed", 12)
        for c in readers:
            c.socket.close()


@wire.case("a reader that is slow and steady is not closed, though the kernel takes nothing more for it for seconds")
def _(_server):
    with served("timeouts: {{stall: 2s}}") as server:
        digest = server.push_blob("slow/read", os.urandom(1 << 20) * 32)
        time.sleep(0.3)
        before = descriptors(server)
        with server.connect() as c:
            c.send(c.compose("GET", f"/v2/slow/read/blobs/{digest}"))
            for _ in range(40):
                c.socket.recv(1 << 16)
                time.sleep(0.25)
            wire.true(descriptors(server) > before, "it was closed")
        wire.eventually(lambda: descriptors(server) <= before, "it is closed when the client leaves")


# ---- uploads and disk ----

@wire.case("a repository has so many unfinished uploads: then 429, and room again when one ends, over a restart too")
def _(_server):
    port = free_port()
    with served(debug(port), "limits: {{uploads: 5, uploadsperrepository: 3}}") as server:
        places = [server.begin("crowd/a") for _ in range(3)]
        answer = server.ask("POST", "/v2/crowd/a/blobs/uploads/")
        later(answer, 429, "TOOMANYREQUESTS")
        wire.true("this repository has 3 unfinished uploads" in detail(answer), answer)
        server.begin("crowd/b")
        server.begin("crowd/c")
        answer = server.ask("POST", f"/v2/crowd/d/blobs/uploads/?digest={wire.sha256(PUSHED)}", body=PUSHED)
        later(answer, 429, "TOOMANYREQUESTS")
        wire.true("the registry has 5 unfinished uploads" in detail(answer), answer)
        wire.equal(metric(port, "berth_uploads_open"), 5)
        server.restart()
        wire.eventually(lambda: metric(port, "berth_uploads_open") == 5, "the old ones are counted")
        later(server.ask("POST", "/v2/crowd/a/blobs/uploads/"), 429, "TOOMANYREQUESTS")
        wire.equal(server.ask("PATCH", places[0], body=PUSHED).status, 202, "what has begun goes on")
        wire.equal(server.ask("PUT", wire.add_query(places[0], f"digest={wire.sha256(PUSHED)}")).status, 201)
        wire.equal(server.ask("DELETE", places[1]).status, 204)
        wire.equal(metric(port, "berth_uploads_open"), 3)
        server.begin("crowd/a")


@wire.case("with only the reserve left pushes are refused, reading and deleting go on, and pushes when there is room again")
def _(_server):
    with served() as server:
        digest = server.push_image("reserve/a", "t", PUSHED)
        manifest = server.ask("GET", "/v2/reserve/a/manifests/t").body
        place = server.begin("reserve/a")
        server.configure(config().replace("rootdirectory: {folder}/data", "rootdirectory: {folder}/data, reserve: 8000000TiB"))
        server.restart()
        for answer in (server.ask("POST", "/v2/reserve/a/blobs/uploads/"), server.ask("PATCH", place, body=PUSHED),
                       server.put_manifest("reserve/a", "u", manifest)):
            wire.refused(answer, 500, "UNKNOWN")
            wire.true("disk is full" in detail(answer), answer)
        wire.true("only" not in server.log_text() and "no more than the reserve of" in server.log_text(), "the log does not say why")
        wire.equal(server.ask("GET", f"/v2/reserve/a/blobs/{wire.sha256(PUSHED)}").body, PUSHED)
        wire.equal(server.ask("GET", "/v2/reserve/a/manifests/u").status, 404)
        wire.equal(server.ask("DELETE", place).status, 204)
        wire.equal(server.ask("DELETE", f"/v2/reserve/a/manifests/{digest}").status, 202)
        wire.equal(server.ask("DELETE", f"/v2/reserve/a/blobs/{wire.sha256(PUSHED)}").status, 202)
        server.configure(config())
        server.restart()
        server.push_image("reserve/a", "t", PUSHED)


@wire.case("the largest manifest is a setting")
def _(_server):
    with served("limits: {{manifest: 64KiB}}") as server:
        image = server.image("small/a")
        fitting = {**image, "annotations": {"a": "x" * 60000}}
        wire.equal(server.put_manifest("small/a", "fits", fitting).status, 201)
        answer = server.put_manifest("small/a", "large", {**image, "annotations": {"a": "x" * 66000}})
        wire.refused(answer, 413, "SIZE_INVALID")
        wire.true("at most 65536 bytes here" in detail(answer), answer)


wire.main()
