"""What every kind of client is made of: a thread with one connection, that asks and goes on after an end of the server."""
import os
import ssl
import sys
import threading
import time

sys.path.insert(0, f"{os.environ['TESTS']}/e2e")
# pylint: disable=wrong-import-position
from tls import Failed, TlsConnection, basic, context_of  # noqa: E402

from ledger import Lost  # noqa: E402

USER, PASSWORD = os.environ["ALICE"], os.environ["ALICE_PASSWORD"]


class SoakConnection(TlsConnection):
    def send(self, data):
        """A server that refuses a long body answers and closes; the answer can be read all the same."""
        try:
            super().send(data)
        except ssl.SSLEOFError:
            pass


class Interrupted(Exception):
    """The server ended under a request: whether it was carried out is not known."""


class Actor(threading.Thread):
    """step() again and again until the world is over. Whatever it raises but Interrupted is a finding."""

    pause = (0.0, 0.05)  # seconds between two steps

    def __init__(self, world, name, user=USER, password=PASSWORD):
        super().__init__(name=name, daemon=True)
        self.world, self.random = world, world.random(name)
        self.authorization = basic(user, password)
        self.connection, self.since = None, time.monotonic()

    def step(self):
        raise NotImplementedError

    def run(self):
        while not self.world.over.is_set():
            try:
                self.step()
            except Interrupted:
                self.world.count("interrupted")
                self.world.server.up.wait(60)
            except Exception as error:  # pylint: disable=broad-exception-caught  (any failure is a finding)
                if not self.world.over.is_set():
                    self.world.find(self.name, f"{type(error).__name__}: {error}")
                self.drop()
            self.world.over.wait(self.random.uniform(*self.pause))
        self.drop()

    # ---- asking ----

    def drop(self):
        if self.connection is not None:
            self.connection.socket.close()
            self.connection = None

    def connect(self, source=None):
        return SoakConnection(context_of(), self.authorization, source)

    def ask(self, allowed, method, path, headers=(), body=None):
        """An answer whose status is allowed; Interrupted when the server ended since the connection was last seen alive."""
        began = time.monotonic()
        try:
            if self.connection is None:
                self.since = began
                self.connection = self.connect()
            answer = self.connection.ask(method, path, headers, body)
        except (OSError, ssl.SSLError, Failed) as error:
            name = self.connection and self.connection.socket.getsockname()
            self.drop()
            self.excuse(error, method, f"{path} from {name}")
        if answer.closed:
            self.drop()
        self.world.count("requests")
        if answer.status in (429, 503) and answer.status not in allowed:
            return self.ask_later(answer, allowed, method, path, headers, body)
        if answer.status not in allowed:
            raise Failed(f"{method} {path}: {answer!r}")
        self.since = began  # the answer may have waited in a buffer since the server's end
        return answer

    def ask_later(self, answer, allowed, method, path, headers, body):
        """An overload, not a failure, as long as it says when to come back; and at the end of a server."""
        if self.world.server.was_down(self.since, time.monotonic()):
            raise Interrupted
        if answer.header("retry-after") is None:
            raise Failed(f"{method} {path}: {answer!r}")
        self.world.count(f"asked to wait ({answer.status})")
        time.sleep(int(answer.header("retry-after")))
        return self.ask((*allowed, answer.status), method, path, headers, body)

    def excuse(self, error, method="", path=""):
        """Never returns: Interrupted if the server was down since the connection was last seen alive."""
        if self.world.server.was_down(self.since, time.monotonic()):
            raise Interrupted from error
        raise Failed(f"{method} {path}: the connection ended while the server ran, {time.monotonic() - self.since:.3f} s after it was last heard: {error!r}") from error
