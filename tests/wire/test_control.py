#!/usr/bin/env python3
"""<root>/control, where commands reach the server: who may, what is wrong with a request, how many at a time, and that
nobody who talks nonsense, says nothing or does not read keeps the server from anything."""
import contextlib
import os
import pwd
import random
import signal
import socket
import stat
import struct
import subprocess
import time

import wire

END, OUTPUT = b"e", b"o"
MAGIC = b"berth-control-2"
NO_SECRET = struct.pack(">I", 0)
STRAY = 6000  # so many that a list of them does not fit into a socket's buffer
GARBAGE = [
    ("nothing at all", struct.pack(">I", 0), "a request takes 1 to 65536 bytes"),
    ("4 GiB announced", struct.pack(">I", 2**32 - 1), "a request takes 1 to 65536 bytes"),
    ("HTTP", b"GET / HTTP/1.1\r\n\r\n", "a request takes 1 to 65536 bytes"),
    ("a last word without an end", struct.pack(">I", 3) + b"a\0b", "a malformed request"),
    ("only ends", struct.pack(">I", 65536) + b"\0" * 65536, "a malformed request"),
    ("another version", struct.pack(">I", 8) + b"a\0b\0c\0d\0", "a request of another version"),
    ("no command line", struct.pack(">I", 20) + MAGIC + b"\0\0/\0\0" + NO_SECRET, "no command given"),
    ("a secret of 4 GiB", struct.pack(">I", 21) + MAGIC + b"\0\0/\0a\0" + struct.pack(">I", 2**32 - 1), "a secret takes 65536 bytes at most"),
]
REFUSED = [
    (["gc", "--everything"], "unknown or malformed option --everything"),
    (["gc", "a", "b"], "usage: berth gc [CONFIG-FILE]"),
    (["dance"], "unknown command dance"),
    (["--help"], "no command given"),
    (["serve"], "serve is nothing that a server does"),
    (["gc", "--grace", "soon"], "--grace: not a duration"),
]


def path(server):
    return f"{server.folder}/data/control"


def connect(server):
    """The port is there a little earlier than the socket, and after a kill an old one."""
    until = time.monotonic() + wire.PATIENCE
    while True:
        connection = socket.socket(socket.AF_UNIX)
        connection.settimeout(30)
        try:
            connection.connect(path(server))
            return connection
        except (FileNotFoundError, ConnectionRefusedError):
            connection.close()
            if time.monotonic() > until:
                raise
            time.sleep(0.05)


def request(*words, terminal=b""):
    body = b"".join(word + b"\0" for word in (MAGIC, terminal, b"/", b"berth", *(word.encode() for word in words)))
    return struct.pack(">I", len(body)) + body + NO_SECRET


def exactly(connection, n):
    data = b""
    while len(data) < n:
        piece = connection.recv(n - len(data))
        wire.true(piece, f"the server hung up after {data!r}")
        data += piece
    return data


def frames(connection):
    while True:
        kind, length = struct.unpack(">cI", exactly(connection, 5))
        yield kind, exactly(connection, length)
        if kind == END:
            return


def ask(server, data):
    """Exit status, error, output."""
    with connect(server) as connection:
        with contextlib.suppress(BrokenPipeError):  # who is refused at once is told so, read or not
            connection.sendall(data)
        output = b""
        for kind, content in frames(connection):
            if kind == OUTPUT:
                output += content
        try:
            wire.equal(connection.recv(1), b"", "something after the end")
        except ConnectionResetError:
            pass  # it did not read all that was sent
        return content[0], content[1:].decode(), output.decode()


def is_serving(server):
    wire.equal(server.ask("GET", "/v2/").status, 200)
    status, error, output = ask(server, request("gc"))
    wire.equal((status, error), (0, ""))
    wire.true("blobs removed" in output, output)


def scatter(server):
    """Files that no record speaks of."""
    for number in range(STRAY):
        name = wire.sha256(b"%d" % number)[7:]
        with open(f"{server.folder}/data/blobs/sha256/{name[:2]}/{name}", "wb"):
            pass


@wire.case("the socket is for its owner only, is made anew after a kill, and goes with the server")
def _(server):
    is_serving(server)
    mode = os.stat(path(server)).st_mode
    wire.true(stat.S_ISSOCK(mode) and stat.S_IMODE(mode) == 0o600, oct(mode))
    server.restart(signal.SIGKILL)
    is_serving(server)
    wire.equal(server.stop(), 0)
    wire.true(not os.path.exists(path(server)), "it is left over")
    server.start()
    is_serving(server)


@wire.cases("{0}: is refused with a text, and nothing else happens", GARBAGE)
def _(server, _name, data, text):
    status, error, output = ask(server, data)
    wire.equal((status, output), (2, ""))
    wire.true(text in error, error)
    is_serving(server)


@wire.cases("the command line {0} is checked by the server as by the command", REFUSED)
def _(server, words, text):
    status, error, output = ask(server, request(*words))
    wire.true(status != 0 and output == "", (status, output))
    wire.true(text in error, error)


@wire.case("bytes at random are answered or hung up on, and the server goes on")
def _(server):
    chance = random.Random(7)
    for _ in range(200):
        body = chance.randbytes(chance.randrange(1, 200))
        if chance.random() < 0.5:
            body = MAGIC + b"\0\0/\0berth\0gc\0" + body + b"\0"
        status, error, _output = ask(server, struct.pack(">I", len(body)) + body + NO_SECRET)
        wire.true(status in (1, 2) and error or body.startswith(MAGIC), (body, status, error))
    is_serving(server)


@wire.case("who says nothing holds one of eight places for ten seconds; one too many is told so, and pulls go on")
def _(server):
    time.sleep(0.5)  # until the last command's place is free
    silent = [connect(server) for _ in range(7)]
    silent.append(connect(server))
    silent[-1].sendall(struct.pack(">I", 100) + b"half a request")
    wire.eventually(lambda: "runs 8 commands already" in ask(server, request("gc"))[1], "the ninth is refused", 5)
    wire.equal(server.ask("GET", "/v2/").status, 200)
    for connection in silent:
        with connection:
            kind, content = next(frames(connection))
            wire.equal(kind, END)
            wire.true(b"does not take part" in content, content)
    is_serving(server)


@wire.case("another user cannot connect, and is refused when the socket lets him")
def _(server):
    program = "import socket, sys; s = socket.socket(socket.AF_UNIX); s.connect(sys.argv[1]); sys.stdout.buffer.write(s.recv(500))"
    nobody = pwd.getpwnam("nobody")

    def try_it():
        return subprocess.run(["/usr/bin/python3", "-c", program, path(server)], user=nobody.pw_uid, group=nobody.pw_gid,
                              extra_groups=[], capture_output=True, check=False)
    os.chmod(server.folder, 0o755)
    os.chmod(f"{server.folder}/data", 0o755)
    wire.true(b"PermissionError" in try_it().stderr, "he may connect")
    os.chmod(path(server), 0o666)
    wire.true(b"only root and the user that the server runs as" in try_it().stdout, "he is let in")
    is_serving(server)


@wire.case("who does not read holds up nobody but who wants the same, and is given up when he goes")
def _(server):
    scatter(server)
    stuck = connect(server)
    stuck.sendall(request("gc", "--dry-run", "--grace", "0s"))
    wire.equal(next(frames(stuck))[0], OUTPUT)
    time.sleep(1)
    status, error, _output = ask(server, request("garbage-collect", "x", "--dry-run"))
    wire.equal((status, error), (1, "gc is under way, and garbage-collect has to wait for it; try again when it is done"))
    wire.equal(server.ask("GET", "/v2/").status, 200)
    server.push_blob("control/app", b"pushed meanwhile")
    wire.true(server.memory_kib() < 200_000, "it buffers for him")
    stuck.close()
    wire.eventually(lambda: ask(server, request("gc", "--dry-run"))[0] == 0, "it is free again", 5)
    status, error, output = ask(server, request("gc", "--dry-run", "--grace", "0s"))
    wire.equal((status, error, output.count("no repository knows it")), (0, "", STRAY))


@wire.case("the server stops at once beside a client that does not read, and tells it")
def _(server):
    scatter(server)
    stuck = connect(server)
    stuck.sendall(request("gc", "--dry-run", "--grace", "0s"))
    wire.equal(next(frames(stuck))[0], OUTPUT)
    time.sleep(0.5)
    began = time.monotonic()
    wire.equal(server.stop(), 0)
    wire.true(time.monotonic() - began < 5, "it waits for him")
    stuck.close()
    server.start()
    is_serving(server)


@wire.case("progress is sent to who has a terminal only")
def _(server):
    for terminal, wanted in ((b"", False), (b"terminal", True)):
        with connect(server) as connection:
            connection.sendall(request("gc", "--delete-untagged", terminal=terminal))
            wire.equal(b"p" in [kind for kind, _content in frames(connection)], wanted)


@wire.case("a server that is read-only refuses what changes anything, and does the rest")
def _(server):
    server.stop()
    server.configure(wire.CONFIG.replace("  delete: {{enabled: true}}", "  delete: {{enabled: true}}\n  maintenance: {{readonly: {{enabled: true}}}}"))
    server.start()
    status, error, _output = ask(server, request("gc"))
    wire.equal(status, 1)
    wire.true("gc changes what is stored, and this server is read-only" in error, error)
    wire.equal(ask(server, request("gc", "--dry-run"))[:2], (0, ""))
    server.stop()
    server.configure(wire.CONFIG)
    server.start()


@wire.case("a data directory with a name that is longer than a socket's address may be")
def _(server):
    server.stop()
    server.configure(wire.CONFIG.replace("{folder}/data", "{folder}/" + "deep/" * 30 + "data"))
    server.start()
    result = subprocess.run([f"{wire.BUILD}/berth", "gc", "--config", f"{server.folder}/config.yml"], capture_output=True, text=True, check=False)
    wire.equal((result.returncode, result.stderr), (0, ""))
    wire.true("0 blobs removed" in result.stdout, result.stdout)
    server.stop()
    server.configure(wire.CONFIG)
    server.start()


@wire.case("something else of that name is left alone, and the server serves without")
def _(server):
    server.stop()
    with open(path(server), "w", encoding="ascii") as file:
        file.write("mine")
    server.start()
    wire.equal(server.ask("GET", "/v2/").status, 200)
    wire.true("something else is there" in server.log_text() and "do not reach this server" in server.log_text(), "the log does not say so")
    with open(path(server), encoding="ascii") as file:
        wire.equal(file.read(), "mine")
    server.stop()
    os.remove(path(server))
    server.start()
    is_serving(server)


wire.main()
