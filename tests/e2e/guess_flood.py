#!/usr/bin/env python3
"""A thousand wrong passwords a second, and what others notice of it.

usage: guess_flood.py                     the whole experiment, against 127.0.0.1:5000 with metrics on 127.0.0.1:5001
       guess_flood.py attack FIRST LAST   the attackers alone: their answers as one line of JSON (a process of its own)

Attackers use one address first and then many, IPv4 and IPv6, and the names of users and of nobody. Meanwhile authorised
clients pull a manifest, a user logs in for the first time, and one of those attacked logs in again, with a new password,
from an address where he was before. Each of these logins has to succeed at the first try: Docker makes no second one.
"""
import base64
import collections
import gc
import json
import os
import random
import re
import selectors
import socket
import statistics
import subprocess
import sys
import threading
import time

sys.path.insert(0, f"{os.environ['TESTS']}/wire")
# pylint: disable-next=wrong-import-position
from client import Connection, Failed  # noqa: E402

PORT = 5000
SLOW = bool(os.environ.get("SANITIZER_SLOW"))
RATE = 1000  # guesses per second
QUIET, ATTACKED = 4, 5  # seconds of each phase, of which there are two
FACTOR, FLOOR = 2, 0.002  # how much slower a pull may become; and seconds that are noise in any case
SOURCES = [f"127.0.0.{n}" for n in range(2, 10)] + [f"2001:db8:{n}::1" for n in range(1, 5)]
TARGETS = ["alice", "bob", "carol", "nobody-1", "nobody-2", "nobody-3"]
CONNECTIONS = 300  # each waits for its answer before it tries again
LOGIN_LIMIT = 30 if SLOW else 3  # seconds that a login may take during an attack
SOON = 10 if SLOW else 2  # seconds after which attackers are told to slow down
MANIFEST = "/v2/team/app/manifests/v1"


def password_of(user):
    return f"{user}'s password"


def basic(user, password):
    return "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()


def connect(source):
    target = "::1" if ":" in source else "127.0.0.1"
    return socket.create_connection((target, PORT), timeout=30, source_address=(source, 0))


class From(Connection):
    """A connection from an address of its own."""

    def __init__(self, source, authorization):  # pylint: disable=super-init-not-called
        self.socket = connect(source)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.authorization, self.received = authorization, b""


# ---- the attackers ----

class Attackers:
    def __init__(self, sources):
        self.selector = selectors.DefaultSelector()
        self.idle = collections.deque()
        self.answers = collections.Counter()
        self.sent = self.without_retry = self.busy = 0
        self.first = {}  # status to seconds
        self.began = 0
        # By turns, so that all addresses attack from the first moment on.
        for n in range(CONNECTIONS):
            self.add(sources[n % len(sources)])

    def add(self, source):
        connection = connect(source)
        connection.setblocking(False)
        self.selector.register(connection, selectors.EVENT_READ, [source, b""])
        self.idle.append(connection)

    def guess(self):
        if not self.idle:
            self.busy += 1
            return
        connection = self.idle.popleft()
        name = TARGETS[self.sent % len(TARGETS)]
        connection.send(f"GET /v2/ HTTP/1.1\r\nHost: x\r\nAuthorization: {basic(name, f'{random.getrandbits(60):x}')}\r\n\r\n".encode())
        self.sent += 1

    def collect(self, timeout):
        for key, _ in self.selector.select(timeout):
            data = key.fileobj.recv(65536)
            if not data:
                raise Failed("the registry closed a guesser's connection")
            key.data[1] += data
            head, end, body = key.data[1].partition(b"\r\n\r\n")
            length = re.search(rb"(?i)content-length: (\d+)", head)
            if end and len(body) >= int(length[1]):
                self.note(int(head[9:12]), head)
                key.data[1] = b""
                self.idle.append(key.fileobj)

    def note(self, status, head):
        self.answers[status] += 1
        self.first.setdefault(status, time.monotonic() - self.began)
        if status in (429, 503):
            retry = re.search(rb"(?im)^retry-after: *(\d+)\r?$", head)
            self.without_retry += not (retry and int(retry[1]) >= 1)

    def run(self, seconds):
        self.began = time.monotonic()
        due = 0
        while (now := time.monotonic() - self.began) < seconds:
            while due < now * RATE:
                due += 1
                self.guess()
            self.collect(0.002)
        until = time.monotonic() + 60
        while len(self.idle) < CONNECTIONS and time.monotonic() < until:
            self.collect(0.1)
        return {"sent": self.sent, "unsent": self.busy, "answers": self.answers, "first": self.first, "without_retry": self.without_retry}


# ---- the others ----

def pull(seconds):
    """Seconds that each pull of an authorised client took, on two connections in turn."""
    connections = [From("127.0.0.1", basic("steady", password_of("steady"))) for _ in range(2)]
    times, until = [], time.monotonic() + seconds
    gc.disable()
    while time.monotonic() < until:
        connection = connections[len(times) % 2]
        request = connection.compose("GET", MANIFEST)
        began = time.perf_counter()
        connection.send(request)
        answer = connection.answer()
        times.append(time.perf_counter() - began)
        if answer.status != 200:
            raise Failed(f"a pull failed: {answer!r}")
        time.sleep(0.002)
    gc.enable()
    for connection in connections:
        connection.socket.close()
    return times


def log_in(source, user, password, patience=30):
    """Until it succeeds, waiting as long as the registry says: (seconds, the statuses on the way)."""
    began, statuses = time.monotonic(), []
    while time.monotonic() - began < patience:
        with From(source, basic(user, password)) as connection:
            answer = connection.ask("GET", "/v2/")
        statuses.append(answer.status)
        if answer.status not in (429, 503):
            break
        time.sleep(int(answer.header("retry-after")))
    return time.monotonic() - began, statuses


def metrics():
    with Connection(("127.0.0.1", 5001), None) as connection:
        text = connection.ask("GET", "/metrics").body.decode()
    return {word: int(re.search(rf'^berth_authentications_total\{{result="{word}"\}} (\d+)$', text, re.M)[1]) for word in ("wrong", "throttled", "hashed")}


def p99(times):
    return sorted(times)[int(len(times) * 0.99)]


class Experiment:
    def __init__(self):
        self.failures = []
        self.quiet, self.attacked = [], []

    def must(self, condition, what):
        if not condition:
            self.failures.append(what)

    def renewed(self, user, source):
        """One of the attacked gets a new password, and logs in with it from an address that he has used before."""
        subprocess.run([f"{os.environ['BUILD']}/berth-user", "passwd", user, "--file", f"{os.environ['WORK']}/htpasswd", "--password-stdin",
                        "--algorithm", "bcrypt", "--cost", "10"], input=f"{user}'s new password\n", text=True, check=True, capture_output=True)
        time.sleep(1.5)  # until the registry has seen it
        return log_in(source, user, f"{user}'s new password")

    def attack(self, first, last, newcomer, attacked, source):
        """One attack from these of the addresses, with pulls and the two logins meanwhile."""
        sources = last - first
        before, logins = metrics(), {}
        with subprocess.Popen([sys.executable, "-B", __file__, "attack", str(first), str(last)], stdout=subprocess.PIPE, text=True) as attackers:
            attackers.stdout.readline()  # they have connected
            work = [threading.Timer(0.5, lambda: logins.update({attacked: self.renewed(attacked, source)})),
                    threading.Timer(1.0, lambda: logins.update({newcomer: log_in("127.0.0.60", newcomer, password_of(newcomer))}))]
            for thread in work:
                thread.start()
            self.attacked += pull(ATTACKED)
            report = json.loads(attackers.stdout.readline())
            for thread in work:
                thread.join()
        after = metrics()
        self.judge_attack(f"{sources} address{'es' if sources > 1 else ''}", report, {word: after[word] - before[word] for word in before})
        self.must(set(logins) == {newcomer, attacked}, "a login was not made")
        for name, (took, statuses) in logins.items():
            print(f"    login of {name}: {took:.2f} s, answers {statuses}")
            self.must(statuses == [200] and took < LOGIN_LIMIT, f"{name} could not log in at once during an attack from {sources}: {statuses}, {took:.1f} s")

    def judge_attack(self, name, report, counted):
        answers = {int(status): n for status, n in report["answers"].items()}
        first = report["first"].get("429")
        print(f"attack from {name}: {report['sent']} guesses in {ATTACKED} s for {len(TARGETS)} names; answers {answers}, "
              f"first 429 after {'%.2f s' % first if first else 'never'}; metrics {counted}")
        self.must(report["sent"] >= RATE * ATTACKED * (0.3 if SLOW else 0.9), f"{name}: only {report['sent']} guesses were sent")
        self.must(report["without_retry"] == 0, f"{name}: {report['without_retry']} answers had no Retry-After of at least a second")
        self.must(set(answers) <= {401, 429, 503}, f"{name}: a guess was answered otherwise: {answers}")
        self.must(first is not None and first < SOON, f"{name}: nobody was told soon to slow down")
        self.must(counted["wrong"] == answers.get(401, 0), f"{name}: {counted['wrong']} wrong by the metrics")
        self.must(counted["throttled"] == answers.get(429, 0), f"{name}: {counted['throttled']} throttled by the metrics")

    def run(self):
        for source, user in (("127.0.0.1", "steady"), ("127.0.0.50", "alice"), ("127.0.0.51", "bob")):
            statuses = log_in(source, user, password_of(user))[1]
            self.must(statuses == [200], f"{user} could not log in before: {statuses}")
        self.quiet += pull(QUIET)
        self.attack(0, 1, "newcomer-1", "alice", "127.0.0.50")
        self.quiet += pull(QUIET)
        self.attack(1, len(SOURCES), "newcomer-2", "bob", "127.0.0.51")
        quiet, attacked = p99(self.quiet), p99(self.attacked)
        limit = max(FACTOR * quiet, quiet + FLOOR)
        print(f"pulls: {len(self.quiet)} quiet, {len(self.attacked)} attacked; medians {statistics.median(self.quiet) * 1000:.2f} and "
              f"{statistics.median(self.attacked) * 1000:.2f} ms; p99 {quiet * 1000:.2f} and {attacked * 1000:.2f} ms, limit {limit * 1000:.2f} ms")
        self.must(attacked <= limit, f"p99 of pulls under attack is {attacked * 1000:.2f} ms, more than {limit * 1000:.2f} ms")
        return self.failures


def main():
    if sys.argv[1:2] == ["attack"]:
        os.setpriority(os.PRIO_PROCESS, 0, 0)
        attackers = Attackers(SOURCES[int(sys.argv[2]):int(sys.argv[3])])
        print("connected", flush=True)
        print(json.dumps(attackers.run(ATTACKED)), flush=True)
        return
    os.setpriority(os.PRIO_PROCESS, 0, -10)  # who measures, and pulls from elsewhere, must not compete with attackers for this processor
    failures = Experiment().run()
    print("\n".join(failures))
    sys.exit(1 if failures else 0)


if __name__ == "__main__":
    main()
