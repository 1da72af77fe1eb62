#!/usr/bin/env python3
"""Damage on disk while the registry serves: a blob whose file is missing, cut, replaced or unreadable is told as absent, so
that the next push repairs it; a pull that meets it half-way ends before its announced length, on every way a reply takes."""
import os
import random
import re
import shutil
import socket
import ssl
import subprocess
import tempfile
import time

import wire
from client import Connection

LARGE = 24 << 20  # more than sockets hold: the server is still reading when a test damages the file


def file_of(server, digest):
    alg, value = digest.split(":")
    return f"{server.folder}/data/blobs/{alg}/{value[:2]}/{value}"


def cut(path):
    with open(path, "r+b") as file:
        file.truncate(10)


def lengthen(path):
    with open(path, "ab") as file:
        file.write(b"more")


def replace(how):
    def change(path):
        os.remove(path)
        how(path)
    return change


def loop(path):
    os.symlink("/etc/passwd", path)


DAMAGE = [
    ("missing", os.remove, "is not on disk"),
    ("cut", cut, "has 10 bytes, not 1000"),
    ("too long", lengthen, "has 1004 bytes, not 1000"),
    ("a link to something else", replace(loop), "cannot be opened"),
    ("a pipe", replace(os.mkfifo), "is not a regular file"),
    ("a directory", replace(os.mkdir), "is not a regular file"),
]


def reports(server, digest):
    return [line for line in server.log_text().splitlines() if "damaged blob " + digest in line]


@wire.cases("a blob whose file is {0} is told as absent, logged once, not mounted, and repaired by a push", DAMAGE)
def _(server, _name, damage, reason):
    data = random.randbytes(1000)
    name, other = wire.fresh(), wire.fresh()
    digest = server.push_blob(name, data)
    damage(file_of(server, digest))
    for _ in range(5):
        answer = server.ask("GET", f"/v2/{name}/blobs/{digest}")
        wire.refused(answer, 404, "BLOB_UNKNOWN")
        wire.true("push it again to repair it" in answer.json()["errors"][0]["detail"], answer)
        answer = server.ask("HEAD", f"/v2/{name}/blobs/{digest}")
        wire.equal((answer.status, answer.body), (404, b""))
    answer = server.ask("GET", f"/v2/{name}/blobs/{digest}", [("Range", "bytes=0-3")])
    wire.refused(answer, 404, "BLOB_UNKNOWN")
    for query in (f"?mount={digest}&from={name}", f"?mount={digest}"):
        wire.equal(server.ask("POST", f"/v2/{other}/blobs/uploads/{query}").status, 202, query)
    lines = reports(server, digest)
    wire.equal(len(lines), 1, lines)
    wire.true(reason in lines[0] and file_of(server, digest) in lines[0], lines)
    if os.path.isdir(file_of(server, digest)):
        return  # a file cannot take its place; scrub moves it away (test_scrub.py)
    server.push_blob(other, data)
    wire.equal(server.ask("GET", f"/v2/{name}/blobs/{digest}").body, data)
    wire.equal(server.ask("POST", f"/v2/{wire.fresh()}/blobs/uploads/?mount={digest}&from={name}").status, 201)


# ---- in the middle of a pull ----

class Tls:
    """A server that speaks TLS, and connections to it."""

    def __init__(self):
        self.folder = tempfile.mkdtemp(prefix="berth-tls.")
        subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "1",
                        "-subj", "/CN=registry.test", "-addext", "subjectAltName=DNS:registry.test", "-keyout",
                        f"{self.folder}/key", "-out", f"{self.folder}/crt"], check=True, stderr=subprocess.DEVNULL)
        config = wire.CONFIG.replace('http: {{addr: "127.0.0.1:{port}"}}',
                                     f'http: {{{{addr: "127.0.0.1:{{port}}", tls: {{{{certificate: {self.folder}/crt, key: {self.folder}/key}}}}}}}}')
        self.server = wire.Server(config).start()
        self.context = ssl.create_default_context(cafile=f"{self.folder}/crt")
        server = self.server
        server.connect = self.connect

    def connect(self, authorization=wire.AUTHORIZATION):
        connection = Connection(("127.0.0.1", self.server.port), authorization)
        connection.socket = self.context.wrap_socket(connection.socket, server_hostname="registry.test")
        return connection

    def close(self):
        wire.equal(self.server.stop(), 0)
        self.server.remove()
        shutil.rmtree(self.folder)


def forget(path):
    """Out of the page cache: the next read comes from a worker."""
    fd = os.open(path, os.O_RDONLY)
    os.fsync(fd)
    os.posix_fadvise(fd, 0, 0, os.POSIX_FADV_DONTNEED)
    os.close(fd)


def pull_rest(connection):
    """What comes until the connection ends."""
    got = len(connection.received)
    while got < LARGE:
        try:
            data = connection.socket.recv(1 << 20)
        except (ConnectionResetError, ssl.SSLError):
            break
        if not data:
            break
        got += len(data)
    return got


def begin_pull(server, name, digest):
    connection = server.connect()
    connection.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 16)
    connection.send(connection.compose("GET", f"/v2/{name}/blobs/{digest}"))
    status, headers = connection.head()
    wire.equal((status, headers["content-length"]), (200, str(LARGE)))
    return connection


def shorten_half_way(server, cold):
    name = wire.fresh()
    digest = server.push_blob(name, random.randbytes(LARGE))
    path = file_of(server, digest)
    if cold:
        forget(path)
    with begin_pull(server, name, digest) as connection:
        if cold:
            forget(path)
        os.truncate(path, LARGE - 100_000)
        got = pull_rest(connection)
    wire.true(got < LARGE, f"{got} of {LARGE} bytes came: padded")
    wire.eventually(lambda: any("it ends at byte" in line for line in reports(server, digest)), "it is logged")


def read_error(server, first):
    """The disk gives EIO: to the loop from its read number `first` on, to workers always. strace stands in for the disk."""
    name = wire.fresh()
    digest = server.push_blob(name, random.randbytes(LARGE))
    path = file_of(server, digest)
    trace = subprocess.Popen(["strace", "-f", "-q", "-P", path, "-e", "trace=pread64,preadv2", "-e", "inject=pread64:error=EIO",
                              "-e", f"inject=preadv2:error=EIO:when={first}+", "-o", "/dev/null", "-p", str(server.process.pid)], stderr=subprocess.DEVNULL)
    try:
        wire.eventually(lambda: traced(server.process.pid), "strace holds the server")
        with begin_pull(server, name, digest) as connection:
            got = pull_rest(connection)
    finally:
        trace.terminate()
        trace.wait()
    wire.true(got < LARGE, f"{got} of {LARGE} bytes came")
    lines = reports(server, digest)
    wire.true(len(lines) == 1 and "Input/output error at byte" in lines[0], lines)
    answer = server.ask("GET", f"/v2/{name}/blobs/{digest}")
    wire.equal((answer.status, len(answer.body)), (200, LARGE))  # the disk has recovered


def traced(pid):
    tasks = os.listdir(f"/proc/{pid}/task")
    return all(re.search(r"TracerPid:\s+[1-9]", open(f"/proc/{pid}/task/{task}/status", encoding="ascii").read()) for task in tasks)


WAYS = [("from the page cache", False), ("from the disk", True)]


@wire.cases("a file that gets shorter while it is sent {0} ends the connection early", WAYS)
def _(server, _name, cold):
    shorten_half_way(server, cold)


@wire.cases("a read error {0} ends the connection early", [("at the first byte", 1), ("half-way", 12)])
def _(server, _name, first):
    read_error(server, first)


@wire.cases("the same over TLS: {0}", [
    ("shorter, from the page cache", lambda server: shorten_half_way(server, False)),
    ("shorter, from the disk", lambda server: shorten_half_way(server, True)),
    ("a read error at the first byte", lambda server: read_error(server, 1)),
    ("a read error half-way", lambda server: read_error(server, 12)),
])
def _(_server, _name, test):
    tls = Tls()
    try:
        test(tls.server)
    finally:
        tls.close()


@wire.case("a file that is replaced while it is sent is sent to its end as it was")
def _(server):
    name, data = wire.fresh(), random.randbytes(LARGE)
    digest = server.push_blob(name, data)
    with begin_pull(server, name, digest) as connection:
        cut_copy = file_of(server, digest) + ".new"
        with open(cut_copy, "wb") as file:
            file.write(b"other")
        os.rename(cut_copy, file_of(server, digest))
        wire.true(connection._take(LARGE) == data, "other bytes came")


@wire.case("a file of which the page cache holds only some pages is sent whole")
def _(server):
    name, data = wire.fresh(), random.randbytes(LARGE)
    digest = server.push_blob(name, data)
    path = file_of(server, digest)
    forget(path)
    fd = os.open(path, os.O_RDONLY)
    os.posix_fadvise(fd, 0, 0, os.POSIX_FADV_RANDOM)  # no reading ahead
    for n in range(0, LARGE, 100_000):
        os.pread(fd, 1, n)
    os.close(fd)
    with begin_pull(server, name, digest) as connection:
        wire.true(connection._take(LARGE) == data, "other bytes came")


@wire.case("damage is counted, and a thousand requests for it make one line")
def _(server):
    name = wire.fresh()
    digest = server.push_blob(name, random.randbytes(1000))
    os.remove(file_of(server, digest))
    began = time.monotonic()
    with server.connect() as connection:
        for _ in range(1000):
            wire.equal(connection.ask("HEAD", f"/v2/{name}/blobs/{digest}").status, 404)
    wire.equal(len(reports(server, digest)), 1)
    print(f"# 1000 in {time.monotonic() - began:.2f} s")


wire.main()
