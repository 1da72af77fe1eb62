"""A registry over a data directory that can be copied in a moment, with or without the shim; and strict requests to it."""
import contextlib
import itertools
import os
import pathlib
import shutil
import signal
import socket
import stat
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, str(pathlib.Path(__file__).parent.parent / "wire"))
from client import Connection, Failed  # noqa: E402  pylint: disable=wrong-import-position

BUILD = os.path.abspath(os.environ.get("BUILD", "build"))
PATIENCE = float(os.environ.get("SANITIZER_SLOW") or 10)
START_LIMIT = 2.0 if not os.environ.get("SANITIZER_SLOW") else PATIENCE  # "serves at once"; a loaded machine needs room
MEMORY = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None
_numbers = itertools.count(1)

CONFIG = """version: 0.1
log: {{level: info}}
storage:
  filesystem: {{rootdirectory: {data}}}
  delete: {{enabled: true}}
  maintenance:
    garbagecollection: {{{sweeping}}}
http: {{addr: "127.0.0.1:{port}"}}
"""
RESTING = "enabled: false"
SWEEPING = "grace: 1s, interval: 1s, rate: 1000000"


class Gone(Exception):
    """The server ended or hung up while it was asked something."""


@contextlib.contextmanager
def dying_is_gone():
    """A connection that is refused or ends without a whole answer is a server that is no more."""
    try:
        yield
    except OSError as error:
        raise Gone(str(error)) from error
    except Failed as error:
        if "connection ended" in str(error):
            raise Gone(str(error)) from error
        raise


def scratch():
    """A fresh folder, in memory where that is possible: a killed process leaves the page cache as it is."""
    return tempfile.mkdtemp(prefix="berth-crash.", dir=MEMORY)


def load_tree(root):
    """A data directory in memory: names of folders, and contents of files by name, relative to it."""
    folders, files = [], {}
    for folder, _, names in os.walk(root):
        folders.append(os.path.relpath(folder, root))
        for name in names:
            path = os.path.join(folder, name)
            if stat.S_ISSOCK(os.lstat(path).st_mode):
                continue  # every start makes it anew
            files[os.path.relpath(path, root)] = pathlib.Path(path).read_bytes()
    return folders, files


def write_tree(tree, root):
    folders, files = tree
    for folder in folders:
        os.makedirs(os.path.join(root, folder), mode=0o700, exist_ok=True)
    for name, content in files.items():
        with open(os.path.join(root, name), "wb", opener=lambda path, flags: os.open(path, flags, 0o600)) as file:
            file.write(content)


class Registry:
    """One server process over `folder`/data. With `control` it runs under the shim."""

    def __init__(self, folder, control=None, sweeping=RESTING, record=None, boot=None):
        self.folder, self.control = folder, control
        self.data = os.path.join(folder, "data")
        self.log = os.path.join(folder, "server.log")
        self.sweeping = sweeping
        self.environment = dict(os.environ)
        if control is not None:
            self.environment.update(shim_environment(self.data, control))
        for name, value in (("CRASH_RECORD", record), ("CRASH_BOOT", boot)):
            if value is not None:
                self.environment[name] = value
        self.process = None
        self.port = None
        self.prefix = []  # a program to run it under

    def spawn(self):
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        configuration = os.path.join(self.folder, f"config-{next(_numbers)}.yml")
        with open(configuration, "w", encoding="utf-8") as file:
            file.write(CONFIG.format(data=self.data, port=self.port, sweeping=self.sweeping))
        with open(self.log, "ab") as log:
            # pylint: disable-next=consider-using-with
            self.process = subprocess.Popen([*self.prefix, f"{BUILD}/berth", "serve", configuration], stdout=log, stderr=log,
                                            stdin=subprocess.DEVNULL, env=self.environment)

    def start(self):
        """Seconds until it listened; Gone when it ends instead."""
        began = time.monotonic()
        self.spawn()
        while time.monotonic() < began + PATIENCE:
            if self.process.poll() is not None:
                raise Gone(f"the server ended with {self.process.returncode}: {self.log_text()[-1500:]}")
            try:
                socket.create_connection(("127.0.0.1", self.port), timeout=1).close()
                return time.monotonic() - began
            except OSError:
                time.sleep(0.002)
        raise Failed("the server does not listen")

    def connect(self):
        with dying_is_gone():
            return Connection(("127.0.0.1", self.port), None)

    def ask(self, method, path, headers=(), body=None):
        """One request on a connection of its own. Gone when the server is no more."""
        with dying_is_gone(), self.connect() as connection:
            return connection.ask(method, path, headers, body)

    def stop(self, how=signal.SIGTERM):
        """Its exit status (negative: a signal)."""
        if self.process is None:
            return None
        process, self.process = self.process, None
        if process.poll() is None:
            process.send_signal(how)
        try:
            return process.wait(PATIENCE * 2)
        except subprocess.TimeoutExpired as error:
            process.kill()
            process.wait()
            raise Failed("the server does not stop") from error

    def running(self):
        return self.process is not None and self.process.poll() is None

    def log_text(self):
        return pathlib.Path(self.log).read_text(encoding="utf-8", errors="replace")


def shim_environment(root, control):
    return {"LD_PRELOAD": f"{BUILD}/crash/shim.so", "CRASH_ROOT": os.path.realpath(root), "CRASH_CONTROL": control.path}


def remove(folder):
    shutil.rmtree(folder, ignore_errors=True)
