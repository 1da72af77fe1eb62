#!/usr/bin/env python3
"""Uploads that are cut short, race each other, or come from many clients at once (conformance.md "Uploads")."""
import threading
import time

import wire
from uploads import DATA, DIGEST, absent, patch, put, status_of, stored


@wire.case("two PATCHes at once on one session: one wins, the other gets 416")
def _(server):
    place = server.begin(wire.fresh())
    with server.connect() as first, server.connect() as second:
        head = [("Transfer-Encoding", "chunked")]
        first.send(first.compose("PATCH", place, head, b"5\r\nfirst\r\n"))
        time.sleep(0.3)  # the first has begun
        second.send(second.compose("PATCH", place, head, b"6\r\nsecond\r\n0\r\n\r\n"))
        wire.equal(second.answer().status, 416)
        first.send(b"0\r\n\r\n")
        wire.equal(first.answer().status, 202)
    wire.equal(status_of(server, place), "0-4")


@wire.case("a connection cut in the middle of a PATCH: the session keeps what arrived and resumes")
def _(server):
    repository = wire.fresh()
    place = server.begin(repository)
    with server.connect() as c:
        c.send(c.compose("PATCH", place, [("Content-Length", str(len(DATA)))], DATA[:6000]))
    wire.eventually(lambda: status_of(server, place) == "0-5999", "the 6000 bytes are kept")
    answer = patch(server, place, DATA[6000:], f"6000-{len(DATA) - 1}")
    wire.equal(answer.status, 202, answer)
    wire.equal(put(server, wire.path_of(answer), DIGEST).status, 201)
    stored(server, repository, DATA)


@wire.case("a connection cut in the middle of a PUT leaves no blob, and the upload can still end")
def _(server):
    repository = wire.fresh()
    place = server.begin(repository)
    with server.connect() as c:
        c.send(c.compose("PUT", wire.add_query(place, f"digest={DIGEST}"), [("Content-Length", str(len(DATA)))], DATA[:6000]))
    absent(server, repository, DIGEST)

    def ended():
        """The cut may reach the server between two questions: then what it kept is asked for again."""
        answer = patch(server, place, b"")
        if answer.status != 202:
            return False
        wire.one_of(answer.header("range"), ("0-0", "0-5999"))
        begin = 0 if answer.header("range") == "0-0" else 6000
        answer = patch(server, place, DATA[begin:], f"{begin}-{len(DATA) - 1}")
        return answer.status == 202 and put(server, place, DIGEST).status == 201
    wire.eventually(ended, "the upload ends")
    stored(server, repository, DATA)


@wire.case("bytes of a client that pauses are kept without waiting for more, and the upload goes on")
def _(server):
    repository = wire.fresh()
    place = server.begin(repository)
    with server.connect() as c:
        c.send(c.compose("PATCH", place, [("Content-Length", str(len(DATA)))], DATA[:6000]))
        wire.eventually(lambda: status_of(server, place) == "0-5999", "the 6000 bytes are kept")
        c.send(DATA[6000:])
        wire.equal(c.answer().status, 202)
    wire.equal(put(server, place, DIGEST).status, 201)
    stored(server, repository, DATA)


@wire.case("a body shorter than announced leaves the upload able to go on")
def _(server):
    place = server.begin(wire.fresh())
    with server.connect() as c:
        c.send(c.compose("PATCH", place, [("Content-Length", "100")], b"x" * 40))
        c.socket.shutdown(1)
        c.ended()
    wire.eventually(lambda: status_of(server, place) == "0-39", "the 40 bytes are kept")


@wire.case("a hundred clients push one blob at once: all get 201, and there is one copy of it")
def _(server):
    repository, data, got = wire.fresh(), b"the same for all" * 5000, []
    files = lambda room: [name for _, _, found in wire.os.walk(f"{server.folder}/data/{room}") for name in found]
    unfinished = set(files("uploads"))

    def push():
        try:
            server.push_blob(repository, data)
            got.append(201)
        except Exception as error:  # told below
            got.append(error)
    threads = [threading.Thread(target=push) for _ in range(100)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    wire.equal([what for what in got if what != 201], [])
    wire.equal(len(got), 100)
    stored(server, repository, data)
    wire.equal(files("blobs").count(wire.sha256(data)[7:]), 1)
    wire.equal([name for name in files("blobs") if not wire.re.fullmatch("[0-9a-f]{64}", name)], [], "no other names")
    wire.equal(set(files("uploads")) - unfinished, set(), "what is left of the uploads")


@wire.case("memory stays bounded while twenty clients push 16 MiB each")
def _(server):
    piece = b"\xa5" * (1 << 20)
    digest = wire.sha256(piece * 16)
    before, failures = server.memory_kib(), []

    def push():
        with server.connect() as c:
            c.socket.settimeout(120)
            place = wire.path_of(c.ask("POST", "/v2/memory/blobs/uploads/"))
            c.send(c.compose("PUT", wire.add_query(place, f"digest={digest}"), [("Content-Length", str(16 << 20))]))
            for _ in range(16):
                c.send(piece)
            status = c.answer().status
            if status != 201:
                failures.append(status)
    threads = [threading.Thread(target=push) for _ in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    wire.equal(failures, [])
    grown = server.memory_kib() - before
    limit = 96 << 10 if not wire.os.environ.get("SANITIZER_SLOW") else 1 << 20
    wire.true(grown < limit, f"the server grew by {grown} KiB")


wire.main()
