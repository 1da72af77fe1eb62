"""The sides that are compared: how each is configured, started, stopped, and what the kernel says of it.

The registries get the same file system, certificate, users and settings, with the cache that distribution's own example
configures; each logs requests as it does by default. nginx serves plain files at the same paths, with Debian's settings
but for two that would hold it back: it gathers lines of its log for as long as Berth does, and prefers the cipher that
all others here choose.
"""
import contextlib
import json
import os
import shutil
import signal
import socket
import subprocess
import time

import facts

TICKS = os.sysconf("SC_CLK_TCK")
START_SECONDS = 20
LOG_LINES = 12
CACHED_MAX = 0.05  # of its bytes may still be in memory after drop_cache()

CONFIG = """version: 0.1
log: {{level: info}}
storage: {{cache: {{blobdescriptor: inmemory}}, filesystem: {{rootdirectory: {root}}}, delete: {{enabled: true}}}}
http:
  addr: 127.0.0.1:{port}
"""
TLS = "  tls: {{certificate: {tls}/server.crt, key: {tls}/server.key}}\n"
AUTH = "auth: {{htpasswd: {{realm: Registry Realm, path: {users}}}}}\n"

# Debian's nginx.conf without what is not about static files; connections may live as long as those of the others.
NGINX = """user root;
daemon off;
worker_processes auto;
pid {folder}/nginx.pid;
error_log {folder}/nginx.log;
events {{ worker_connections 4096; }}
http {{
    sendfile on;
    tcp_nopush on;
    keepalive_requests 1000000000;
    access_log {folder}/nginx-access.log combined buffer=64k flush=100ms;
    default_type application/vnd.oci.image.manifest.v1+json;
    server {{
        listen 127.0.0.1:{port}{ssl};
        root {root};
    }}
}}
"""
NGINX_TLS = " ssl;\n        ssl_certificate {tls}/server.crt;\n        ssl_certificate_key {tls}/server.key;\n" \
            "        ssl_protocols TLSv1.2 TLSv1.3;\n        ssl_prefer_server_ciphers on;\n" \
            "        ssl_conf_command Ciphersuites TLS_AES_128_GCM_SHA256:TLS_AES_256_GCM_SHA384"


def distribution_config(server, values):
    return (CONFIG + (TLS if server.tls else "") + (AUTH if server.auth else "")).format(**values)


def nginx_config(server, values):
    return NGINX.format(ssl=NGINX_TLS.format(**values) if server.tls else "", **values)


def zot_config(server, values):
    http = {"address": "127.0.0.1", "port": str(values["port"])}
    if server.tls:
        http["tls"] = {"cert": f"{values['tls']}/server.crt", "key": f"{values['tls']}/server.key"}
    if server.auth:
        http["auth"] = {"htpasswd": {"path": values["users"]}}
    return json.dumps({"distSpecVersion": "1.1.1", "storage": {"rootDirectory": values["root"]}, "http": http,
                       "log": {"level": "info"}})


# side: what makes its configuration file, and its command line before that file
SIDES = {
    "berth": (distribution_config, ["serve"]),
    "berth-open": (distribution_config, ["serve"]),
    "registry": (distribution_config, ["serve"]),
    "distribution": (distribution_config, ["serve"]),
    "zot": (zot_config, ["serve"]),
    "nginx": (nginx_config, ["-c"]),
}


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


ENDING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


@contextlib.contextmanager
def signals_held():
    """No signal ends the benchmark between a server's start and its being known."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, ENDING)
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def let_signals_in():
    signal.pthread_sigmask(signal.SIG_UNBLOCK, ENDING)


class Server:
    """`side` is a key of SIDES; `root` where its data is."""

    def __init__(self, work, side, root, auth=False, tls=True):
        self.side, self.work, self.root, self.auth, self.tls = side, work, root, auth, tls
        self.log = f"{work}/{side}.log"
        self.port = free_port()
        self.url = f"http{'s' if tls else ''}://127.0.0.1:{self.port}"
        self.process = None

    def __enter__(self):
        os.makedirs(self.root, exist_ok=True)
        # distribution 3 would look for a collector of traces.
        environment = {**os.environ, "OTEL_TRACES_EXPORTER": "none"}
        try:
            with open(self.log, "wb") as log, signals_held():
                # Whatever happens to the benchmark, no server outlives it.
                self.process = subprocess.Popen(["setpriv", "--pdeathsig", "KILL", *self.command()], stdout=log,
                                                stderr=log, stdin=subprocess.DEVNULL, env=environment,
                                                preexec_fn=let_signals_in)
            self.wait_until_listening()
        except BaseException:
            self.stop()
            raise
        return self

    def __exit__(self, *_):
        self.stop()

    def stop(self):
        if self.process is None:
            return
        self.process.send_signal(signal.SIGTERM)
        try:
            self.process.wait(START_SECONDS)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()

    def command(self):
        configure, arguments = SIDES[self.side]
        path = f"{self.work}/{self.side}.conf"
        with open(path, "w", encoding="utf-8") as file:
            file.write(configure(self, {"root": self.root, "port": self.port, "tls": f"{self.work}/tls",
                                        "folder": self.work, "users": f"{self.work}/htpasswd"}))
        return [facts.program(self.side), *arguments, path]

    def wait_until_listening(self):
        until = time.monotonic() + START_SECONDS
        while True:
            if self.process.poll() is not None:
                raise RuntimeError(f"it does not start: exit status {self.process.returncode}")
            with contextlib.suppress(OSError):
                socket.create_connection(("127.0.0.1", self.port), timeout=1).close()
                return
            if time.monotonic() > until:
                raise RuntimeError(f"it does not listen after {START_SECONDS} s")
            time.sleep(0.02)

    def log_end(self):
        """The last lines that it wrote."""
        with open(self.log, encoding="utf-8", errors="replace") as file:
            file.seek(max(0, os.path.getsize(self.log) - 8192))
            return "".join(f"    {line.rstrip()[:300]}\n" for line in file.readlines()[-LOG_LINES:])

    # --- what the kernel knows

    def pids(self):
        """The process and its children: nginx works in those."""
        pid = self.process.pid
        with open(f"/proc/{pid}/task/{pid}/children", encoding="ascii") as file:
            return [pid, *map(int, file.read().split())]

    def cpu_seconds(self):
        """User and system time used so far."""
        ticks = 0
        for pid in self.pids():
            with open(f"/proc/{pid}/stat", encoding="utf-8") as file:
                fields = file.read().rpartition(")")[2].split()
            ticks += int(fields[11]) + int(fields[12])
        return ticks / TICKS

    def memory(self, field):
        """MiB of VmRSS (now) or VmHWM (at its peak)."""
        total = 0
        for pid in self.pids():
            with open(f"/proc/{pid}/status", encoding="ascii") as file:
                total += next(int(line.split()[1]) for line in file if line.startswith(field))
        return total / 1024

    def forget_peak(self):
        """VmHWM begins anew from what is in use now."""
        for pid in self.pids():
            with open(f"/proc/{pid}/clear_refs", "w", encoding="ascii") as file:
                file.write("5")

    def drop_cache(self):
        """Puts its large files out of the page cache, and looks whether they are."""
        os.sync()
        total = cached = 0
        for folder, _, names in os.walk(self.root):
            for path in (f"{folder}/{name}" for name in names):
                if os.path.getsize(path) < 1 << 20 or path.endswith(".mdb"):
                    continue
                with open(path, "rb") as file:
                    os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)
                total += os.path.getsize(path)
                cached += int(subprocess.check_output(["fincore", "-b", "-n", "-o", "RES", path]))
        if cached > total * CACHED_MAX:
            raise RuntimeError(f"{cached >> 20} of {total >> 20} MiB stay in memory: this file system cannot be read cold")

    def forget(self):
        """Removes the data; only when it is not running."""
        shutil.rmtree(self.root)
