"""The server under the soak: started, killed and started again, sampled; and what everybody shares.

A client that loses its connection asks was_down() whether the server was ended meanwhile: if not, that is a finding.
"""
import collections
import csv
import os
import random
import re
import signal
import socket
import subprocess
import threading
import time

WORK, BUILD, OUT = os.environ["WORK"], os.environ["BUILD"], os.environ["SOAK_OUT"]
HOST, PORT = os.environ["REG"].rsplit(":", 1)
SLOW = bool(os.environ.get("SANITIZER_SLOW"))
START_LIMIT, STOP_LIMIT = (60, 90) if SLOW else (10, 45)  # seconds until it listens, and until it has ended
SAMPLE_S = 5
SHOWN = 40  # findings; the others are counted
COLUMNS = ("second", "life", "rss_kib", "anonymous_kib", "file_kib", "descriptors", "threads", "stored_kib", "requests")


class Server:
    """One process after the other. `lives` counts them; `downs` holds when there was none: [begin, end] or [begin, None]."""

    def __init__(self):
        self.process, self.lives, self.waited, self.downs, self.up = None, 0, 0, [], threading.Event()
        self.log = f"{WORK}/server.log"

    def launch(self):
        """A process that listens; or None, when it has ended because a tool holds the data directory just now."""
        with open(self.log, "ab") as log:
            begins = log.tell()
            # pylint: disable-next=consider-using-with
            self.process = subprocess.Popen([f"{BUILD}/berth", "serve", f"{WORK}/config.yml"], stdout=log, stderr=log, stdin=subprocess.DEVNULL)
        while self.process.poll() is None:
            try:
                socket.create_connection((HOST, int(PORT)), timeout=1).close()
                return self.process
            except OSError:
                time.sleep(0.02)
        with open(self.log, "rb") as log:
            log.seek(begins)
            said = log.read().decode(errors="replace")
        if "is in use by process" not in said:
            raise RuntimeError(f"the server does not start: exit {self.process.returncode}: {said[-1000:]}")
        return None

    def start(self):
        """The seconds it took. Raises RuntimeError. A `berth gc` that found no server to ask does its work itself; who then
        starts one has to wait, as systemd does."""
        began = time.monotonic()
        while self.launch() is None:
            self.waited += 1
            if time.monotonic() - began > START_LIMIT:
                raise RuntimeError(f"the data directory is in use for {START_LIMIT} s")
            time.sleep(0.2)
        self.lives += 1
        if self.downs and self.downs[-1][1] is None:
            self.downs[-1][1] = time.monotonic()
        self.up.set()
        return time.monotonic() - began

    def end(self, how):
        """Its exit status: negative for a signal."""
        self.up.clear()
        self.downs.append([time.monotonic(), None])
        self.process.send_signal(how)
        return self.process.wait(STOP_LIMIT)

    def was_down(self, since, until):
        return any(begin - 0.2 <= until and (end is None or end + 0.5 >= since) for begin, end in self.downs)


class World:
    def __init__(self, seed, minutes):
        self.seed, self.ends = seed, time.monotonic() + minutes * 60
        self.began, self.minutes = time.monotonic(), minutes
        self.server, self.over = Server(), threading.Event()
        self.counts, self.findings = collections.Counter(), []
        self.lock = threading.Lock()  # guards counts, findings, repositories
        self.repositories = []
        self.samples, self.stored_kib = [], 0

    def count(self, what, n=1):
        with self.lock:
            self.counts[what] += n

    def find(self, who, what):
        with self.lock:
            self.findings.append((round(time.monotonic() - self.began, 1), who, what))
        if len(self.findings) <= SHOWN:
            print(f"FAILED: after {time.monotonic() - self.began:.1f} s, {who}: {what}"[:1500], flush=True)

    def random(self, who):
        return random.Random(f"{self.seed}.{who}")

    def some_repository(self, rnd):
        with self.lock:
            return rnd.choice(self.repositories) if self.repositories else None

    # ---- samples ----

    def sample(self):
        """One row; None when there is no process to look at."""
        try:
            pid = self.server.process.pid
            with open(f"/proc/{pid}/status", encoding="ascii") as file:
                status = dict(re.findall(r"^(\w+):\s+(\d+)", file.read(), re.M))
            descriptors = len(os.listdir(f"/proc/{pid}/fd"))
            memory = [int(status[name]) for name in ("VmRSS", "RssAnon", "RssFile")]
        except (OSError, KeyError):
            return None
        return (round(time.monotonic() - self.began, 1), self.server.lives, *memory, descriptors, int(status["Threads"]),
                self.stored_kib, self.counts["requests"])

    def watch(self):
        """Runs in a thread of its own."""
        with open(f"{OUT}/samples.csv", "w", encoding="ascii", newline="") as file:
            out = csv.writer(file)
            out.writerow(COLUMNS)
            while not self.over.wait(SAMPLE_S):
                if len(self.samples) % 6 == 0:
                    self.stored_kib = stored_kib()
                row = self.sample() if self.server.up.is_set() else None
                if row:
                    self.samples.append(row)
                    out.writerow(row)
                    file.flush()


def stored_kib():
    total = 0
    for folder, _, files in os.walk(f"{WORK}/data"):
        for name in files:
            try:
                total += os.stat(os.path.join(folder, name)).st_blocks // 2
            except OSError:
                pass  # swept just now
    return total


def run_tool(*arguments, text=None, limit=120):
    """One of Berth's programs; its output. Raises on failure."""
    done = subprocess.run(arguments, input=text, text=True, capture_output=True, check=False, timeout=limit)
    if done.returncode != 0:
        raise RuntimeError(f"{' '.join(arguments)}: exit {done.returncode}: {(done.stdout + done.stderr)[-600:]}")
    return done.stdout + done.stderr


class Chaos(threading.Thread):
    """Ends the server now and then during the first half of the time; what follows is one long life, for the memory."""

    def __init__(self, world):
        super().__init__(name="chaos", daemon=True)
        self.world, self.random = world, world.random("chaos")
        self.slowest_start = 0.0

    def run(self):
        until = self.world.began + self.world.minutes * 60 * 0.45
        while time.monotonic() < until and not self.world.over.wait(self.random.uniform(25, 75)):
            try:
                self.strike(self.random.choice([signal.SIGKILL, signal.SIGKILL, signal.SIGTERM]))
            except (RuntimeError, subprocess.SubprocessError) as error:
                self.world.find("chaos", repr(error))
                self.world.over.set()
                return

    def strike(self, how):
        status = self.world.server.end(how)
        wanted = -how if how == signal.SIGKILL else 0
        self.world.count(f"ended by {how.name}")
        if status != wanted:
            self.world.find("chaos", f"exit status {status} on {how.name}")
        if how == signal.SIGTERM:
            run_tool(f"{BUILD}/berth", "gc", f"{WORK}/config.yml", "--delete-untagged", "--grace", "20s", "--quiet")
            self.world.count("gc without a server")
        self.slowest_start = max(self.slowest_start, self.world.server.start())
