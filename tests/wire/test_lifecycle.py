#!/usr/bin/env python3
"""Start, stop, kill and crowds: what was acknowledged survives, stops are orderly, connections are bounded."""
import os
import resource
import signal
import socket
import subprocess
import threading
import time

import wire

DATA = os.urandom(1 << 20)


@wire.case("SIGTERM lets a running upload finish, refuses new connections and exits 0")
def _(server):
    repository = wire.fresh()
    place = server.begin(repository)
    with server.connect() as c:
        c.send(c.compose("PUT", wire.add_query(place, f"digest={wire.sha256(DATA)}"), [("Content-Length", str(len(DATA)))], DATA[:1000]))
        time.sleep(0.3)
        server.process.send_signal(signal.SIGTERM)

        def refuses():
            try:
                socket.create_connection(("127.0.0.1", server.port), timeout=1).close()
                return False
            except OSError:
                return True
        wire.eventually(refuses, "new connections are refused")
        wire.equal(server.process.poll(), None)
        c.send(DATA[1000:])
        wire.equal(c.answer().status, 201)
        wire.true(c.ended(), "the connection stays open after the last answer")
    wire.equal(server.process.wait(10), 0)
    server.process = None
    server.start()
    wire.equal(server.ask("GET", f"/v2/{repository}/blobs/{wire.sha256(DATA)}").body, DATA)


@wire.case("SIGTERM with idle connections exits 0 at once")
def _(server):
    idle = [server.connect() for _ in range(20)]
    for c in idle[:10]:
        c.ask("GET", "/v2/")
    began = time.monotonic()
    wire.equal(server.stop(), 0)
    wire.true(time.monotonic() - began < wire.PATIENCE, "the idle connections were waited for")
    for c in idle:
        c.socket.close()
    server.start()


@wire.case("a client that never finishes does not hold up a stop beyond the drain time")
def _(server):
    # http.draintimeout of this server
    server.extra_environment = {"REGISTRY_HTTP_DRAINTIMEOUT": "2s"}
    server.restart()
    place = server.begin(wire.fresh())
    with server.connect() as c:
        c.send(c.compose("PATCH", place, [("Content-Length", "1000")], b"never more than this"))
        time.sleep(0.3)
        began = time.monotonic()
        wire.equal(server.stop(), 0)
        wire.true(1 < time.monotonic() - began < 2 + wire.PATIENCE, f"{time.monotonic() - began:.1f} s")
    server.extra_environment = {}
    server.start()
    wire.equal(server.ask("GET", place).header("range"), "0-19")


@wire.cases("after {0} everything acknowledged is there, and the upload resumes", [("SIGKILL", signal.SIGKILL), ("SIGTERM", signal.SIGTERM)])
def _(server, _name, how):
    repository = wire.fresh()
    digest = server.push_image(repository, "t", DATA[:5000])
    server.push_image(repository, "deleted")
    server.ask("DELETE", f"/v2/{repository}/manifests/deleted")
    before = server.ask("GET", f"/v2/{repository}/manifests/t")
    place = server.begin(repository)
    answer = server.ask("PATCH", place, body=DATA[:70000])
    wire.equal(answer.status, 202, answer)
    server.restart(how)
    after = server.ask("GET", f"/v2/{repository}/manifests/{digest}")
    wire.equal((after.body, after.header("content-type")), (before.body, before.header("content-type")))
    wire.equal(server.ask("GET", f"/v2/{repository}/tags/list").json()["tags"], ["t"])
    wire.equal(server.ask("GET", f"/v2/{repository}/blobs/{wire.sha256(DATA[:5000])}").body, DATA[:5000])
    wire.equal(server.ask("GET", place).header("range"), "0-69999")
    answer = server.ask("PATCH", place, {"Content-Range": f"70000-{len(DATA) - 1}"}, DATA[70000:])
    wire.equal(answer.status, 202, answer)
    wire.equal(server.ask("PUT", wire.add_query(wire.path_of(answer), f"digest={wire.sha256(DATA)}")).status, 201)
    wire.equal(server.ask("GET", f"/v2/{repository}/blobs/{wire.sha256(DATA)}").body, DATA)


@wire.case("killed in the middle of pushes, every image that was acknowledged is whole, ten times")
def _(server):
    for turn in range(10):
        acknowledged, going = [], [True]

        def push(who, turn=turn, acknowledged=acknowledged, going=going):
            for n in range(1000):
                content = f"{turn} {who} {n}".encode()
                try:
                    repository = f"killed/{turn}/{who}"
                    digest = server.push_image(repository, f"n{n}", content)
                    acknowledged.append((repository, f"n{n}", digest, content))
                except (wire.Failed, OSError, ValueError):
                    return
                if not going[0]:
                    return
        threads = [threading.Thread(target=push, args=(who,)) for who in range(4)]
        for thread in threads:
            thread.start()
        time.sleep(0.2 + turn * 0.05)
        server.stop(signal.SIGKILL)
        going[0] = False
        for thread in threads:
            thread.join()
        server.start()
        wire.true(acknowledged, "nothing was pushed")
        with server.connect() as c:
            for repository, tag, digest, content in acknowledged:
                got = c.ask("GET", f"/v2/{repository}/manifests/{tag}")
                wire.equal((got.status, got.header("docker-content-digest"), wire.sha256(got.body)), (200, digest, digest), got)
                got = c.ask("GET", f"/v2/{repository}/blobs/{wire.sha256(content)}")
                wire.equal((got.status, got.body), (200, content), got)


@wire.case("a second server on the same data is refused and says who holds it")
def _(server):
    text = wire.CONFIG.format(folder=server.folder, port=0) # ports are bound first: one that nobody has
    path = os.path.join(server.folder, "second.yml")
    with open(path, "w", encoding="utf-8") as file:
        file.write(text)
    second = subprocess.run([f"{wire.BUILD}/berth", "serve", path], capture_output=True, text=True, timeout=wire.PATIENCE * 2, check=False)
    wire.equal(second.returncode, 1, second.stderr)
    wire.true(f"{server.folder}/data" in second.stderr, f"the folder is not named: {second.stderr}")
    wire.true(str(server.process.pid) in second.stderr, f"the holder is not named: {second.stderr}")
    wire.equal(server.ask("GET", "/v2/").status, 200)


@wire.case("a thousand idle connections are held or refused cleanly while others are served")
def _(server):
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(4096, hard), hard))
    idle = []
    try:
        for _ in range(1000):
            idle.append(server.connect())
        for _ in range(50):
            wire.equal(server.ask("GET", "/v2/").status, 200)
    finally:
        for c in idle:
            c.socket.close()
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    wire.equal(server.ask("GET", "/v2/").status, 200)


@wire.case("with few descriptors the server refuses or waits, and recovers")
def _(server):
    pid = server.process.pid
    used = len(os.listdir(f"/proc/{pid}/fd"))
    soft, hard = resource.prlimit(pid, resource.RLIMIT_NOFILE)
    resource.prlimit(pid, resource.RLIMIT_NOFILE, (used + 20, hard))
    idle = []
    try:
        for _ in range(100):
            idle.append(socket.create_connection(("127.0.0.1", server.port), timeout=wire.PATIENCE))
        time.sleep(0.5)
    finally:
        for c in idle:
            c.close()
        resource.prlimit(pid, resource.RLIMIT_NOFILE, (soft, hard))

    def serves():
        try:
            return server.ask("GET", "/v2/").status == 200
        except (wire.Failed, OSError):
            return False
    wire.eventually(serves, "it serves again", 15)


@wire.case("two thousand connections that come and go leave no descriptor behind")
def _(server):
    def descriptors():
        return len(os.listdir(f"/proc/{server.process.pid}/fd"))
    server.ask("GET", "/v2/")
    before = descriptors()
    for n in range(2000):
        c = server.connect()
        if n % 4 == 1:
            c.send(b"GET /v2/ HT")
        elif n % 4 == 2:
            c.send(c.compose("GET", "/v2/"))
        elif n % 4 == 3:
            c.send(c.compose("PATCH", "/v2/a/blobs/uploads/x", [("Content-Length", "1000")], b"x"))
        c.socket.close()
    wire.eventually(lambda: descriptors() <= before + 2, "the descriptors are closed")


@wire.case("an upload that was cut keeps no descriptor and no lock")
def _(server):
    place = server.begin(wire.fresh())
    for n in range(20):
        with server.connect() as c:
            c.send(c.compose("PATCH", place, [("Content-Length", "1000")], b"x"))

        def kept(n=n):
            # The byte is there; and an empty PATCH is refused while the server has not let go of the session.
            return server.ask("GET", place).header("range") == f"0-{n}" and server.ask("PATCH", place, body=b"").status == 202
        if n > 0: # one byte and none look the same: "0-0"
            wire.eventually(kept, f"byte {n + 1} is kept")
        else:
            time.sleep(0.5)
    wire.equal(server.ask("PUT", wire.add_query(place, f"digest={wire.sha256(b'x' * 20)}")).status, 201)


wire.main()
