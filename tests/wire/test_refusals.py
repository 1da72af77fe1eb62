"""What is refused lets go of what it held; what the configuration switches off says so; nobody waits for a stuck reader."""
import os
import signal
import subprocess
import time

import wire

CHUNK = b"0123456789"


def patch(c, place, first, data):
    span = f"{first}-{first + len(data) - 1}"
    return c.ask("PATCH", place, [("Content-Range", span), ("Content-Length", str(len(data)))], data)


@wire.case("after a chunk out of order the right one is taken at once, a hundred times over")
def _(server):
    place = server.begin(wire.fresh())
    with server.connect() as c:
        for n in range(100):
            wire.equal(patch(c, place, n * 10 + 5, CHUNK).status, 416)
            wire.equal(patch(c, place, n * 10, CHUNK).status, 202, f"chunk {n}")


@wire.case("after a large chunk out of order the session is free for another connection at once")
def _(server):
    place = server.begin(wire.fresh())
    with server.connect() as c, server.connect() as other:
        wire.equal(patch(c, place, 5, b"x" * 1000000).status, 416)
        wire.equal(patch(other, place, 0, CHUNK).status, 202)


@wire.case("Range on HEAD is ignored")
def _(server):
    repository = wire.fresh()
    digest = server.push_blob(repository, CHUNK)
    answer = server.ask("HEAD", f"/v2/{repository}/blobs/{digest}", [("Range", "bytes=0-1")])
    wire.equal((answer.status, answer.header("content-length")), (200, "10"))


@wire.case("Expect in an HTTP/1.0 request is ignored")
def _(server):
    place = server.begin(wire.fresh())
    with server.connect() as c:
        c.send(f"PATCH {place} HTTP/1.0\r\nAuthorization: {wire.AUTHORIZATION}\r\nExpect: 100-continue\r\n"
               "Content-Length: 10\r\n\r\n".encode() + CHUNK)
        wire.equal(c.answer().status, 202)


@wire.cases("a query with the escape {0} is refused", [("%zz",), ("%0",), ("%",), ("%00",)])
def _(server, escape):
    wire.equal(server.ask("POST", f"/v2/{wire.fresh()}/blobs/uploads/?digest={escape}").status, 400)


@wire.case("read-only mode answers 405 to what writes, and Allow names what does not")
def _(_server):
    server = wire.Server(wire.CONFIG.replace("delete: {{enabled: true}}", "maintenance: {{readonly: {{enabled: true}}}}"))
    server.start()
    try:
        answer = server.ask("PUT", "/v2/a/manifests/b", body=b"{}")
        wire.equal((answer.status, answer.header("allow")), (405, "GET, HEAD"))
    finally:
        server.stop()
        server.remove()


@wire.case("a reader that takes neither log stops nobody, and SIGTERM still ends the server with 0")
def _(_server):
    server = wire.Server()
    ends = [os.pipe(), os.pipe()]
    program = subprocess.Popen([os.path.join(wire.BUILD, "berth"), "serve", os.path.join(server.folder, "config.yml")],
                               stdin=subprocess.DEVNULL, stdout=ends[0][1], stderr=ends[1][1])
    try:
        wire.eventually(lambda: answers(server), "it serves")
        digest = server.push_blob("stuck/a", CHUNK)
        name = digest.split(":")[1]
        os.remove(os.path.join(server.folder, "data/blobs/sha256", name[:2], name))
        for _ in range(1500):  # each is a line in both logs: more than the pipes hold
            wire.equal(server.ask("GET", f"/v2/stuck/a/blobs/{digest}").status, 404)
        began = time.monotonic()
        program.send_signal(signal.SIGTERM)
        wire.equal(program.wait(timeout=wire.PATIENCE * 2), 0)
        wire.true(time.monotonic() - began < wire.PATIENCE, "it waited for the log")
    finally:
        program.kill()
        for read, write in ends:
            os.close(read)
            os.close(write)
        server.remove()


def answers(server):
    try:
        return server.ask("GET", "/v2/").status == 200
    except OSError:
        return False


wire.main()
