"""The three servers that are compared, started and stopped, and what the kernel says of them.

Berth and docker-registry get the same configuration file but for the port and the folder; all three get the same
certificate, and each logs requests as it does by default. nginx serves plain files at the same paths.
"""
import os
import shutil
import signal
import socket
import subprocess
import time

TICKS = os.sysconf("SC_CLK_TCK")
START_SECONDS = 20
PORTS = {"berth": 5210, "berth-open": 5211, "registry": 5220, "nginx": 5230}
NAMES = {"berth": "Berth", "berth-open": "Berth, no auth", "registry": "docker-registry", "nginx": "nginx"}

CONFIG = """version: 0.1
log: {{level: info}}
storage: {{filesystem: {{rootdirectory: {root}}}, delete: {{enabled: true}}}}
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
    access_log {folder}/nginx-access.log;
    default_type application/vnd.oci.image.manifest.v1+json;
    server {{
        listen 127.0.0.1:{port}{ssl};
        root {root};
    }}
}}
"""
NGINX_TLS = " ssl;\n        ssl_certificate {tls}/server.crt;\n        ssl_certificate_key {tls}/server.key"


class Server:
    """`side` is a key of PORTS; `root` where its data is."""

    def __init__(self, work, side, root, auth=False, tls=True):
        self.side, self.work, self.root, self.auth, self.tls = side, work, root, auth, tls
        self.port = PORTS[side]
        self.url = f"http{'s' if tls else ''}://127.0.0.1:{self.port}"
        self.process = None

    def __enter__(self):
        os.makedirs(self.root, exist_ok=True)
        with open(f"{self.work}/{self.side}.log", "ab") as log:
            # Whatever happens to the benchmark, no server outlives it.
            self.process = subprocess.Popen(["setpriv", "--pdeathsig", "KILL", *self.command()], stdout=log,
                                            stderr=log, stdin=subprocess.DEVNULL)
        self.wait_until_listening()
        return self

    def __exit__(self, *_):
        self.process.send_signal(signal.SIGTERM)
        try:
            self.process.wait(START_SECONDS)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()

    def command(self):
        path = f"{self.work}/{self.side}.conf"
        values = {"root": self.root, "port": self.port, "tls": f"{self.work}/tls", "folder": self.work,
                  "users": f"{self.work}/htpasswd"}
        if self.side == "nginx":
            text = NGINX.format(ssl=NGINX_TLS.format(**values) if self.tls else "", **values)
            command = ["/usr/sbin/nginx", "-c", path]
        else:
            text = CONFIG + (TLS if self.tls else "") + (AUTH if self.auth else "")
            text = text.format(**values)
            program = "docker-registry" if self.side == "registry" else f"{os.environ['BUILD']}/berth"
            command = [program, "serve", path]
        with open(path, "w", encoding="utf-8") as file:
            file.write(text)
        return command

    def wait_until_listening(self):
        until = time.monotonic() + START_SECONDS
        while True:
            if self.process.poll() is not None:
                raise RuntimeError(f"{NAMES[self.side]} does not start; see {self.work}/{self.side}.log")
            try:
                socket.create_connection(("127.0.0.1", self.port), timeout=1).close()
                return
            except OSError:
                if time.monotonic() > until:
                    raise
            time.sleep(0.05)

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

    def forget(self):
        """Removes the data; only when it is not running."""
        shutil.rmtree(self.root)
        os.sync()
