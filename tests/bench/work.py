"""Ways to put a server under load. What a function here returns is a row's `work`; see row.py."""
import json
import os
import re
import subprocess
import time

import content
from row import Turn

GIB = 1 << 30
ACCEPT = f"Accept: {content.MANIFEST}"


def measured(server, command):
    """Runs a program of others; returns its output and the server's CPU-seconds meanwhile."""
    before = server.cpu_seconds()
    result = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
    if result.returncode != 0:
        raise RuntimeError(f"{' '.join(command)}:\n{result.stdout}")
    return result.stdout, server.cpu_seconds() - before


def load_command(server, *arguments):
    """The load program's command line; its options may stand anywhere."""
    return [f"{os.environ['BUILD']}/bench/load", "--ca", f"{server.work}/tls/ca.crt", server.url, *map(str, arguments)]


def load(server, *arguments):
    """(what the load program says, the server's CPU-seconds from the moment when the clock starts)"""
    command = load_command(server, "--wait", *arguments)
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                          text=True) as program:
        first = program.stdout.readline()
        before = server.cpu_seconds()
        if first == "ready\n":
            print(file=program.stdin, flush=True)
        output = program.stdout.read()
        cpu = server.cpu_seconds() - before
    if program.returncode != 0:
        raise RuntimeError(f"{' '.join(command)}:\n{first}{output}")
    return json.loads(output.strip().splitlines()[-1]), cpu


# --- requests

def per_second(result, cpu, scale=1e6):
    """Operations per second, and the server's CPU time for one, in seconds divided by `scale`."""
    return Turn((result["operations"] / result["seconds"], cpu / result["operations"] * scale), result["latency_us"])


def wrk(path):
    """With wrk, which is well known."""
    units = {"us": 1, "ms": 1e3, "s": 1e6, "m": 6e7}

    def work(bench, server, _):
        output, cpu = measured(server, ["wrk", "-t2", "-c32", f"-d{bench.amounts.whole_seconds}s", "--timeout", "60s",
                                        "--latency", "-H", ACCEPT, server.url + path])
        if re.search(r"Non-2xx|Socket errors", output):
            raise RuntimeError(f"wrk:\n{output}")
        latency = {f"p{share}": float(number) * units[unit]
                   for share, number, unit in re.findall(r"^ *(\d+)% +([\d.]+)([a-z]+)$", output, re.MULTILINE)}
        requests = int(re.search(r"(\d+) requests in", output)[1])
        return Turn((float(re.search(r"Requests/sec:\s*([\d.]+)", output)[1]), cpu / requests * 1e6), latency)
    return work


def requests(method, path, expect, connections=32):
    """With our own program: wrk waits for ever for the body of an answer to HEAD, and does not count an answer that is
    still on its way at the end, as most are when each takes a password hash."""
    def work(bench, server, turn):
        options = ["--connections", connections, "--seconds", bench.amounts.seconds, "--expect", expect, "--seed", turn + 1,
                   "--header", ACCEPT]
        if server.auth:
            options += ["--user", f"{content.USER}:{content.PASSWORD}"]
        where = path.format(digest=bench.content.digests[1], blob=bench.content.large_path)
        return per_second(*load(server, *options, "requests", method, where))
    return work


def handshakes(mode, version):
    def work(bench, server, _):
        return per_second(*load(server, "--connections", 8, "--seconds", bench.amounts.seconds, mode, version))
    return work


def images(bench, server, turn):
    return per_second(*load(server, "--connections", 10, "--seed", turn + 1, "--count", bench.amounts.images, "images",
                            "bench/small"), scale=1e3)


# --- bytes

def moved(result, cpu):
    """MB/s, and the server's CPU-seconds for a GiB."""
    pushed = result.get("pushed", {"bytes": 0, "latency_us": None})
    size = result["bytes"] + pushed["bytes"]
    latency = result["latency_us"] if result["operations"] else pushed["latency_us"]
    return Turn((size / result["seconds"] / 1e6, cpu / (size / GIB)), latency)


def pull(connections):
    def work(bench, server, _):
        count = bench.amounts.pulls if connections == 1 else 1
        return moved(*load(server, "--connections", connections, "--count", count, "pull", bench.content.large_path))
    return work


def pull_cold(connections):
    """Every blob once, none of them in the page cache. One connection takes them one by one, as many as blobs take one
    each."""
    def work(bench, server, _):
        server.drop_cache()
        paths = bench.content.cold_paths
        return moved(*load(server, "--connections", connections, "--count", len(paths) // connections, "pull",
                           ",".join(paths)))
    return work


def push(connections):
    def work(bench, server, turn):
        return moved(*load(server, "--connections", connections, "--seed", turn + 1, "--mebibytes",
                           bench.amounts.mebibytes // connections, "push", "bench/push"))
    return work


def mixed(plan, count, clients=10):
    """`count`: operations of each client, in a quick run and in a whole one."""
    def work(bench, server, turn):
        return moved(*load(server, "--connections", clients, "--seed", turn + 1, "--count",
                           count[0 if bench.quick else 1], "mixed", "bench/mixed", plan))
    return work


def tail(bench, server, turn):
    """p99 of GETs in milliseconds, and what was pushed meanwhile in MB/s."""
    amounts = bench.amounts
    result, _ = load(server, "--connections", 16, "--seed", turn + 1, "--seconds", amounts.seconds, "--count",
                     amounts.layers, "--mebibytes", 16, "--header", ACCEPT, "tail", "bench/tail", content.MANIFEST_PATH)
    return Turn((result["latency_us"]["p99"] / 1e3, result["pushed"]["bytes"] / result["seconds"] / 1e6),
                result["latency_us"])


# --- memory

def held(field, *arguments):
    """Memory while a load program holds its connections."""
    def work(_, server, __):
        where = [argument.format(manifest=content.MANIFEST_PATH) for argument in arguments]
        with subprocess.Popen(load_command(server, *where), stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                              text=True) as program:
            if not program.stdout.readline():
                raise RuntimeError(f"the load program failed: {' '.join(where)}")
            memory = server.memory(field)
            program.stdin.close()
        return (memory,)
    return work


def idle_memory(_, server, __):
    time.sleep(1)
    return (server.memory("VmRSS"),)
