"""Registries of any size, the server over one, and how it is asked: what the parts of scale_parts.py share."""
import contextlib
import hashlib
import http.client
import json
import os
import ssl
import subprocess
import time

from servers import Server

MANIFEST = "application/vnd.oci.image.manifest.v1+json"
BUILD = os.environ.get("BUILD", "build")
CONFIG = """version: 0.1
log: {{level: info, accesslog: {{disabled: true}}}}
storage:
  filesystem: {{rootdirectory: {root}}}
  delete: {{enabled: true}}
  maintenance: {{scrub: {{enabled: false}}, retention: {{rules: [{{repositories: ["**"], keeplast: 100, olderthan: 1h}}]}}}}
http:
  addr: 127.0.0.1:{port}
  tls: {{certificate: {work}/tls/server.crt, key: {work}/tls/server.key}}
{more}"""


class Berth(Server):
    """A server over a registry that was made; `more` is more of its configuration."""

    def __init__(self, work, root, more=""):
        super().__init__(work, "berth", root)
        self.more = more
        self.config = f"{work}/scale.yml"

    def command(self):
        with open(self.config, "w", encoding="utf-8") as file:
            file.write(CONFIG.format(root=self.root, port=self.port, work=self.work, more=self.more))
        return [f"{BUILD}/berth", "serve", self.config]

    def start(self):
        """Milliseconds from exec() to the first answer with 200."""
        command = ["setpriv", "--pdeathsig", "KILL", *self.command()]
        before = time.monotonic()
        with open(f"{self.work}/{self.side}.log", "ab") as log:
            self.process = subprocess.Popen(command, stdout=log, stderr=log, stdin=subprocess.DEVNULL)
        return answer_after(self, before)

    def kill(self):
        self.process.kill()
        self.process.wait()

    def stop_quickly(self):
        """Without waiting for whoever is connected."""
        self.process.terminate()
        self.process.wait()

    def status(self, field):
        """KiB of RssAnon, VmHWM, ... of /proc/PID/status."""
        with open(f"/proc/{self.process.pid}/status", encoding="ascii") as file:
            return next(int(line.split()[1]) for line in file if line.startswith(field))

    def context(self):
        return ssl.create_default_context(cafile=f"{self.work}/tls/ca.crt")


def answer_after(server, before):
    """Milliseconds from `before` until GET /v2/ is answered 200; tries every millisecond."""
    context = server.context()
    while server.process.poll() is None:
        connection = http.client.HTTPSConnection("127.0.0.1", server.port, context=context)
        with contextlib.suppress(ConnectionRefusedError), contextlib.closing(connection):
            connection.request("GET", "/v2/")
            if connection.getresponse().status == 200:
                return (time.monotonic() - before) * 1e3
        time.sleep(0.001)
    raise RuntimeError(f"it does not start; see {server.work}/{server.side}.log")


def load(server, *arguments):
    """The load program, started: finished() tells what it measured."""
    command = [f"{BUILD}/bench/load", "--ca", f"{server.work}/tls/ca.crt", *map(str, arguments)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True)


def finished(program):
    output, _ = program.communicate()
    if program.returncode != 0:
        raise RuntimeError(f"{' '.join(program.args)}: exit status {program.returncode}")
    return json.loads(output.strip().splitlines()[-1])


def page(server, path, seconds):
    """One connection asks again and again: (p50 us, p99 us, server's CPU us) of a request."""
    before = server.cpu_seconds()
    result = finished(load(server, "--connections", 1, "--seconds", seconds, server.url, "requests", "GET", path))
    cpu = server.cpu_seconds() - before
    return result["latency_us"]["p50"], result["latency_us"]["p99"], cpu / result["operations"] * 1e6


def slow_page(server, path, seconds):
    """The same of somebody who takes milliseconds, or answers in chunks, which the load program does not read. What this
    client adds to each, some tenths of a millisecond, is little beside that, and is not in the server's CPU time."""
    connection = http.client.HTTPSConnection("127.0.0.1", server.port,
                                             context=ssl.create_default_context(cafile=f"{server.work}/tls/ca.crt"))
    times, until, before = [], time.monotonic() + seconds, server.cpu_seconds()
    while time.monotonic() < until:
        began = time.monotonic()
        connection.request("GET", path)
        answer = connection.getresponse()
        answer.read()
        if answer.status != 200:
            raise RuntimeError(f"GET {path}: {answer.status}")
        times.append((time.monotonic() - began) * 1e6)
    connection.close()
    cpu = (server.cpu_seconds() - before) / len(times) * 1e6
    return percentile(times, 0.5), percentile(times, 0.99), cpu


def percentile(times, share):
    return sorted(times)[min(len(times) - 1, int(len(times) * share))]


class Pusher:
    """PUTs one manifest under a new tag again and again, on one connection, and notes how long each takes."""

    def __init__(self, server, repository, prefix):
        self.repository, self.prefix, self.n = repository, prefix, 0
        self.connection = http.client.HTTPSConnection("127.0.0.1", server.port, context=server.context())
        descriptors = [self.push_blob(text) for text in (b"config of a pusher", b"layer of a pusher")]
        self.manifest = json.dumps({"schemaVersion": 2, "mediaType": MANIFEST, "config": descriptors[0],
                                    "layers": descriptors[1:]}).encode()

    def ask(self, method, path, body=b"", expected=201):
        self.connection.request(method, path, body, {"Content-Type": MANIFEST})
        answer = self.connection.getresponse()
        text = answer.read()
        if answer.status != expected:
            raise RuntimeError(f"{method} {path}: {answer.status} {text[:300]!r}")
        return answer

    def push_blob(self, text):
        digest = "sha256:" + hashlib.sha256(text).hexdigest()
        session = self.ask("POST", f"/v2/{self.repository}/blobs/uploads/", expected=202).headers["Location"]
        self.ask("PUT", f"{session}{'&' if '?' in session else '?'}digest={digest}", text)
        return {"mediaType": "application/octet-stream", "digest": digest, "size": len(text)}

    def put(self):
        before = time.monotonic()
        self.ask("PUT", f"/v2/{self.repository}/manifests/{self.prefix}{self.n}", self.manifest)
        self.n += 1
        return (time.monotonic() - before) * 1e3

    def for_seconds(self, seconds):
        until = time.monotonic() + seconds
        times = []
        while time.monotonic() < until:
            times.append(self.put())
        return times


class Scale:
    """Where registries are, and how large. They stay in the folder, and what is there is not made again."""

    def __init__(self, work, quick):
        self.work, self.quick = work, quick
        self.seconds = 1 if quick else 2
        self.book = f"{work}/made.json"
        self.made = {}
        if os.path.exists(self.book):
            with open(self.book, encoding="utf-8") as file:
                self.made = json.load(file)

    def sizes(self, *sizes):
        """A quick run has them a hundredth as large."""
        return [max(size // 100, 10) for size in sizes] if self.quick else list(sizes)

    def make(self, root, kind, end, *options):
        """Items up to number `end`. What the scale program says."""
        name = f"{root} {kind}"
        begin = self.made.get(name, 0)
        output = subprocess.check_output([f"{BUILD}/bench/scale", "--from", str(begin), *options, f"{self.work}/{root}",
                                          kind, str(max(end - begin, 0))], text=True)
        self.note(name, max(begin, end))
        return json.loads(output)

    def note(self, name, end):
        self.made[name] = end
        with open(self.book, "w", encoding="utf-8") as file:
            json.dump(self.made, file)

    def serve(self, root, more=""):
        os.sync()
        return Berth(self.work, f"{self.work}/{root}", more)
