"""The rows of the table: what is done, how often, and what ratio to reach (performance goals).

A row's work(bench, server, turn) returns one number per metric. "read" rows share servers that hold the content;
"fresh" rows get a new server on an empty folder for every turn.
"""
import dataclasses
import re
import subprocess
import time
from typing import Callable

import content

GIB = 1 << 30
ACCEPT = f"Accept: {content.MANIFEST}"
HIGHER, LOWER = ">=", "<="


@dataclasses.dataclass(frozen=True)
class Metric:
    """`goals`: the ratio to reach beside another side; `limit`: a figure that Berth has to keep by itself."""
    unit: str
    better: str
    goals: dict = dataclasses.field(default_factory=dict)
    limit: float = None


@dataclasses.dataclass(frozen=True)
class Row:
    name: str
    title: str
    sides: tuple
    metrics: tuple
    work: Callable
    fresh: bool = False
    auth: bool = False
    tls: bool = True


# --- how work is done

def measured(server, command):
    """Runs a load program; returns its output and the server's CPU-seconds meanwhile."""
    before = server.cpu_seconds()
    result = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
    if result.returncode != 0:
        raise RuntimeError(f"{server.side}: {' '.join(command)}:\n{result.stdout}")
    return result.stdout, server.cpu_seconds() - before


def get_manifest(bench, server, _):
    """With wrk, which is well known."""
    output, cpu = measured(server, ["wrk", "-t2", "-c32", f"-d{bench.seconds}s", "--timeout", "60s", "-H", ACCEPT,
                                    server.url + content.MANIFEST_PATH])
    if re.search(r"Non-2xx|Socket errors", output):
        raise RuntimeError(f"{server.side}: wrk:\n{output}")
    requests = int(re.search(r"(\d+) requests in", output)[1])
    return float(re.search(r"Requests/sec:\s*([\d.]+)", output)[1]), cpu / requests * 1e6


def load(bench, server, *arguments):
    """(what the load program says, the server's CPU-seconds)"""
    output, cpu = measured(server, bench.load_command(server, *arguments))
    return bench.parse(output), cpu


def repeat(method, path, expect, connections=32):
    """With our own program: wrk waits for ever for the body of an answer to HEAD, and does not count an answer that is
    still on its way at the end, as most are when each takes a password hash."""
    def work(bench, server, turn):
        options = ["--connections", str(connections), "--seconds", str(bench.seconds), "--expect", str(expect),
                   "--seed", str(turn + 1), "--header", ACCEPT]
        if server.auth:
            options += ["--user", f"{content.USER}:{content.PASSWORD}"]
        where = path.format(digest=bench.content.digests[1], blob=bench.content.large_path)
        result, cpu = load(bench, server, *options, "requests", method, where)
        return result["operations"] / result["seconds"], cpu / result["operations"] * 1e6
    return work


def handshakes(bench, server, _):
    result, cpu = load(bench, server, "--connections", "8", "--seconds", str(bench.seconds), "handshakes")
    return result["operations"] / result["seconds"], cpu / result["operations"] * 1e6


def pull(connections):
    def work(bench, server, _):
        result, cpu = load(bench, server, "--connections", str(connections), "--count", str(bench.pulls(connections)),
                           "pull", bench.content.large_path)
        return result["bytes"] / result["seconds"] / 1e6, cpu / (result["bytes"] / GIB)
    return work


def push(connections):
    def work(bench, server, turn):
        result, cpu = load(bench, server, "--connections", str(connections), "--seed", str(turn + 1), "--mebibytes",
                           str(bench.mebibytes // connections), "push", "bench/push")
        return result["bytes"] / result["seconds"] / 1e6, cpu / (result["bytes"] / GIB)
    return work


def images(bench, server, turn):
    result, cpu = load(bench, server, "--connections", "10", "--seed", str(turn + 1), "--count", str(bench.images),
                       "images", "bench/small")
    return result["operations"] / result["seconds"], cpu / result["operations"] * 1e3


def held(field, *arguments):
    """Memory while a load program holds its connections."""
    def work(bench, server, _):
        where = [argument.format(manifest=content.MANIFEST_PATH) for argument in arguments]
        with subprocess.Popen(bench.load_command(server, *where), stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                              text=True) as program:
            if not program.stdout.readline():
                raise RuntimeError(f"{server.side}: the load program failed: {' '.join(where)}")
            memory = server.memory(field)
            program.stdin.close()
        return (memory,)
    return work


def idle_memory(_, server, __):
    time.sleep(1)
    return (server.memory("VmRSS"),)


# --- the table

def rate(unit, **goals):
    return Metric(unit, HIGHER, goals)


def cost(unit, **goals):
    return Metric(unit, LOWER, goals)


PER_REQUEST = cost("server CPU us/request")
BOTH = ("berth", "registry")
ALL = ("berth", "registry", "nginx")

ROWS = (
    Row("manifest-get", "GET a manifest by tag, 32 connections", ALL,
        (rate("requests/s", registry=40, nginx=0.9), PER_REQUEST), get_manifest),
    Row("manifest-get-auth", "the same with Basic auth, bcrypt 10", ("berth", "registry", "berth-open"),
        (rate("requests/s", registry=1000, **{"berth-open": 0.9}), PER_REQUEST),
        repeat("GET", content.MANIFEST_PATH, 200), auth=True),
    Row("manifest-head", "HEAD a manifest by tag, 32 connections", ALL,
        (rate("requests/s", registry=40, nginx=0.9), PER_REQUEST), repeat("HEAD", content.MANIFEST_PATH, 200)),
    Row("blob-head", "HEAD a blob, 32 connections", ALL,
        (rate("requests/s", registry=20), PER_REQUEST), repeat("HEAD", "{blob}", 200)),
    Row("blob-mount", "mount a blob into new repositories, 32 connections", BOTH,
        (rate("mounts/s", registry=20), PER_REQUEST),
        repeat("POST", f"/v2/bench/mount-{{{{}}}}/blobs/uploads/?mount={{digest}}&from={content.REPOSITORY}", 201)),
    Row("handshakes", "full TLS handshakes, 8 at once", ALL,
        (rate("handshakes/s", nginx=1.2), cost("server CPU us/handshake")), handshakes),
    Row("pull-1", "pull a large layer, TLS, 1 connection", ALL,
        (rate("MB/s", registry=1.1), cost("server CPU-s/GiB", registry=0.7)), pull(1)),
    Row("pull-8", "pull a large layer, TLS, 8 connections", ALL,
        (rate("MB/s", registry=1.1), cost("server CPU-s/GiB", registry=0.7)), pull(8)),
    Row("pull-plain", "pull a large layer without TLS, 1 connection", ALL,
        (rate("MB/s", nginx=1), cost("server CPU-s/GiB")), pull(1), tls=False),
    Row("push-1", "push a large layer, TLS, 1 connection", BOTH,
        (rate("MB/s", registry=1.5), cost("server CPU-s/GiB", registry=0.4)), push(1), fresh=True),
    Row("push-4", "push large layers, TLS, 4 connections", BOTH,
        (rate("MB/s", registry=1.5), cost("server CPU-s/GiB", registry=0.4)), push(4), fresh=True),
    Row("small-images", "push small images, 10 clients", BOTH,
        (rate("images/s", registry=5), cost("server CPU ms/image")), images, fresh=True),
    Row("memory-idle", "memory after the start", BOTH, (Metric("MiB", LOWER, limit=10),), idle_memory, fresh=True),
    Row("memory-idle-1000", "memory with 1,000 idle TLS connections", BOTH, (Metric("MiB", LOWER, limit=80),),
        held("VmRSS", "--connections", "1000", "idle", "/v2/"), fresh=True),
    Row("memory-uploads-100", "memory at its peak, 100 uploads at once", BOTH, (Metric("MiB", LOWER, limit=120),),
        held("VmHWM", "--connections", "100", "--mebibytes", "8", "uploads", "bench/held"), fresh=True),
)
