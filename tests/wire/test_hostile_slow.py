#!/usr/bin/env python3
"""Clients that take their time: the slow ones end by a timer, the steady ones never do (hostile.md "Clients that misbehave")."""
import random
import time

import wire

SLOW = bool(wire.os.environ.get("SANITIZER_SLOW"))
STALL = 4 if SLOW else 2  # seconds; a body must move 1000 bytes a second over so long
LATE = 4 * STALL + wire.PATIENCE  # a slow client is gone by then
wire.CONFIG = wire.CONFIG.replace('http: {{addr: "127.0.0.1:{port}"}}', f"""http:
  addr: "127.0.0.1:{{port}}"
  limits: {{{{minimumrate: 1000}}}}
  timeouts: {{{{handshake: {STALL}s, head: {STALL}s, idle: {2 * STALL}s, stall: {STALL}s}}}}""")


def trickle(connection, data, pause=0.2):
    """Sends bytes one by one until the server closes or LATE is over; the seconds that took, None if it stays open."""
    began = time.monotonic()
    connection.socket.settimeout(pause)
    for byte in data:
        try:
            connection.socket.sendall(bytes([byte]))
            if not connection.socket.recv(4096):
                return time.monotonic() - began
        except TimeoutError:
            pass
        except OSError:
            return time.monotonic() - began
        if time.monotonic() - began > LATE:
            return None
    return None


def ends_in_time(seconds):
    wire.true(seconds is not None, f"still open after {LATE} s")
    wire.true(seconds >= STALL - 0.5, f"closed after {seconds:.1f} s already")


@wire.case("headers that come one byte at a time end the connection by the time that a head has", stores=False)
def _(server):
    with server.connect() as c:
        ends_in_time(trickle(c, b"GET /v2/ HTTP/1.1\r\nHost: registry.test\r\nX-Slow: " + b"s" * 1000))


@wire.case("a hundred clients with slow headers keep no other waiting and are all gone in the end", stores=False)
def _(server):
    slow = [server.connect() for _ in range(100)]
    for c in slow:
        c.send(b"GET /v2/ HTTP/1.1\r\nHost: regi")
    began = time.monotonic()
    for _ in range(20):
        wire.equal(server.ask("GET", "/v2/").status, 200)
    wire.true(time.monotonic() - began < wire.PATIENCE / 2, "others waited")
    for c in slow:
        wire.true(c.ended(LATE), "a slow one is still open")
        c.socket.close()


@wire.case("a connection that says nothing is closed when it has been idle for long enough", stores=False)
def _(server):
    with server.connect() as c:
        wire.equal(c.ask("GET", "/v2/").status, 200)
        began = time.monotonic()
        wire.true(c.ended(LATE), "still open")
        wire.true(time.monotonic() - began >= 2 * STALL - 0.5, "closed too early")


@wire.case("a body below the floor rate ends its connection; the session keeps what arrived and resumes")
def _(server):
    repository, data = wire.fresh(), random.Random(1).randbytes(40_000)
    place = server.begin(repository)
    with server.connect() as c:
        c.send(c.compose("PATCH", place, [("Content-Range", f"0-{len(data) - 1}"), ("Content-Length", str(len(data)))], data[:5000]))
        ends_in_time(trickle(c, data[5000:], pause=0.1))
    answer = server.ask("GET", place)
    wire.equal(answer.status, 204, answer)
    at = int(answer.header("range").split("-")[1]) + 1
    wire.true(5000 <= at < 5000 + 2000, f"{at} bytes are kept")
    answer = server.ask("PATCH", place, [("Content-Range", f"{at}-{len(data) - 1}")], data[at:])
    wire.equal(answer.status, 202, answer)
    wire.equal(server.ask("PUT", wire.add_query(place, f"digest={wire.sha256(data)}")).status, 201)
    wire.true(server.ask("GET", f"/v2/{repository}/blobs/{wire.sha256(data)}").body == data, "other bytes")


@wire.case("a steady upload just above the floor is never cut, however many windows it takes")
def _(server):
    repository, piece = wire.fresh(), b"steady" * 100
    pieces = int(6 * STALL / 0.25)
    data = piece * pieces
    place = server.begin(repository)
    with server.connect() as c:
        c.send(c.compose("PUT", wire.add_query(place, f"digest={wire.sha256(data)}"), [("Content-Length", str(len(data)))]))
        began = time.monotonic()
        for _ in range(pieces):
            c.socket.sendall(piece)  # 2400 bytes a second
            time.sleep(0.25)
        wire.true(time.monotonic() - began >= 6 * STALL, "that was not slow")
        answer = c.answer()
        wire.equal(answer.status, 201, answer)
    wire.true(server.ask("GET", f"/v2/{repository}/blobs/{wire.sha256(data)}").body == data, "other bytes")


@wire.case("readers that never read are closed, and cost little memory while they last")
def _(server):
    repository, data = wire.fresh(), random.Random(2).randbytes(32 << 20)
    digest = server.push_blob(repository, data)
    before = server.memory_kib()
    readers = [server.connect() for _ in range(20)]
    for c in readers:
        c.send(c.compose("GET", f"/v2/{repository}/blobs/{digest}"))
    time.sleep(STALL / 2)
    grown = server.memory_kib() - before  # with the pages of the one file, which all share
    wire.true(grown < (96 << 10) or SLOW, f"{grown} KiB for readers that do not read")
    wire.equal(server.ask("HEAD", f"/v2/{repository}/blobs/{digest}").status, 200)

    def open_sockets():
        links = []
        for fd in wire.os.listdir(f"/proc/{server.process.pid}/fd"):
            try:
                links.append(wire.os.readlink(f"/proc/{server.process.pid}/fd/{fd}"))
            except OSError:
                pass  # closed just now
        return sum(link.startswith("socket:") for link in links)
    wire.eventually(lambda: open_sockets() < 10, "the server has closed them", LATE)
    for c in readers:
        c.socket.close()


wire.main()
