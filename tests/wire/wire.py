"""Raw-socket tests of the registry: a server of one's own, bytes in, answers out, and a runner.

A test file defines cases and ends with wire.main():

    @wire.case("HEAD of the root has no body")
    def _(server):
        with server.connect() as c:
            answer = c.ask("HEAD", "/v2/")
        wire.equal(answer.status, 200)

    @wire.cases("a name like {0!r} is refused", [("UPPER",), ("a//b",)])
    def _(server, name): ...

The server speaks plain HTTP on loopback, so that tests see and send the very bytes, and knows one user. A file that
needs other settings sets wire.CONFIG before main(). After each case the server's descriptors and memory are compared with those
before it, and what it stores where the case says stores=False (resources.py). The last line printed is "N passed, N failed".
"""
import hashlib
import itertools
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import traceback

from client import AUTHORIZATION, PASSWORD, PATIENCE, USER, Connection, Failed
from resources import Usage

BUILD = os.environ.get("BUILD", "build")
OCI_MANIFEST = "application/vnd.oci.image.manifest.v1+json"
OCI_INDEX = "application/vnd.oci.image.index.v1+json"
OCI_CONFIG = "application/vnd.oci.image.config.v1+json"
OCI_LAYER = "application/vnd.oci.image.layer.v1.tar"
DOCKER_MANIFEST = "application/vnd.docker.distribution.manifest.v2+json"
REPORT = re.compile(r"ERROR: (Address|Leak|Thread)Sanitizer|WARNING: ThreadSanitizer|runtime error:")

CONFIG = """version: 0.1
log: {{level: info}}
storage:
  filesystem: {{rootdirectory: {folder}/data}}
  delete: {{enabled: true}}
http: {{addr: "127.0.0.1:{port}"}}
auth:
  htpasswd: {{realm: Registry Realm, path: {folder}/htpasswd}}
"""


class Server:
    """A registry in a fresh folder on a free loopback port. `config` is a format string with {folder} and {port}."""

    def __init__(self, config=None):
        self.folder = tempfile.mkdtemp(prefix="berth-wire.")
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        self.log = os.path.join(self.folder, "server.log")
        self.process = None
        self.extra_environment = {}
        self.add_user(USER, PASSWORD)
        self.configure(config or CONFIG)

    def configure(self, config):
        with open(os.path.join(self.folder, "config.yml"), "w", encoding="utf-8") as file:
            file.write(config.format(folder=self.folder, port=self.port))

    def add_user(self, name, password, file="htpasswd"):
        """Adds a user to a file in the server's folder; the server reads only "htpasswd"."""
        subprocess.run([f"{BUILD}/berth-user", "add", name, "--file", f"{self.folder}/{file}", "--password-stdin"],
                       input=password + "\n", text=True, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)

    def start(self):
        with open(self.log, "ab") as log:
            # pylint: disable-next=consider-using-with
            self.process = subprocess.Popen([f"{BUILD}/berth", "serve", f"{self.folder}/config.yml"], stdout=log, stderr=log,
                                            stdin=subprocess.DEVNULL, env={**os.environ, **self.extra_environment})
        until = time.monotonic() + PATIENCE * 2
        while time.monotonic() < until:
            if self.process.poll() is not None:
                raise Failed(f"the server does not start: {self.log_text()[-2000:]}")
            try:
                socket.create_connection(("127.0.0.1", self.port), timeout=1).close()
                return self
            except OSError:
                time.sleep(0.02)
        raise Failed("the server does not listen")

    def stop(self, how=signal.SIGTERM, patience=None):
        """Its exit status (negative: a signal)."""
        if self.process is None:
            return None
        process, self.process = self.process, None
        process.send_signal(how)
        try:
            return process.wait(patience or 40)
        except subprocess.TimeoutExpired as error:
            process.kill()
            process.wait()
            raise Failed("the server does not stop") from error

    def restart(self, how=signal.SIGTERM):
        self.stop(how)
        self.start()

    def log_text(self):
        with open(self.log, encoding="utf-8", errors="replace") as file:
            return file.read()

    def remove(self):
        shutil.rmtree(self.folder, ignore_errors=True)

    def memory_kib(self):
        """Resident memory."""
        with open(f"/proc/{self.process.pid}/status", encoding="ascii") as file:
            return int(re.search(r"VmRSS:\s+(\d+)", file.read())[1])

    def connect(self, authorization=AUTHORIZATION):
        return Connection(("127.0.0.1", self.port), authorization)

    def ask(self, method, path, headers=(), body=None, authorization=AUTHORIZATION):
        """One request on a connection of its own."""
        with self.connect(authorization) as c:
            return c.ask(method, path, headers, body)

    def begin(self, repository):
        """A new upload; its address."""
        answer = self.ask("POST", f"/v2/{repository}/blobs/uploads/")
        equal(answer.status, 202, answer)
        return path_of(answer)

    def push_blob(self, repository, data, digest=None):
        """Pushes a blob; its digest."""
        digest = digest or sha256(data)
        answer = self.ask("PUT", add_query(self.begin(repository), f"digest={digest}"), body=data)
        equal(answer.status, 201, answer)
        return digest

    def put_manifest(self, repository, reference, manifest, media_type=OCI_MANIFEST, headers=()):
        """`manifest`: bytes, or what json can write. The answer."""
        body = manifest if isinstance(manifest, bytes) else json.dumps(manifest).encode()
        return self.ask("PUT", f"/v2/{repository}/manifests/{reference}", [("Content-Type", media_type), *headers], body)

    def push_image(self, repository, tag, content=b"config"):
        """A small image; the digest of its manifest."""
        answer = self.put_manifest(repository, tag, self.image(repository, content))
        equal(answer.status, 201, answer)
        return answer.header("docker-content-digest")

    def image(self, repository, content=b"config", **more):
        """A manifest whose one blob is pushed, with `more` members."""
        digest = self.push_blob(repository, content)
        return {"schemaVersion": 2, "mediaType": OCI_MANIFEST, "config": descriptor(digest, len(content), OCI_CONFIG),
                "layers": [], **more}


def descriptor(digest, size, media_type=OCI_LAYER, **more):
    return {"mediaType": media_type, "digest": digest, "size": size, **more}


def sha256(data):
    return "sha256:" + hashlib.sha256(data).hexdigest()


def sha512(data):
    return "sha512:" + hashlib.sha512(data).hexdigest()


def path_of(answer):
    """The path of a Location, absolute or relative."""
    location = answer.header("location")
    if not location:
        raise Failed(f"no Location in {answer!r}")
    return re.sub(r"^https?://[^/]*", "", location)


def add_query(path, query):
    return path + ("&" if "?" in path else "?") + query


def equal(got, wanted, context=""):
    if got != wanted:
        raise Failed(f"got {got!r}, not {wanted!r}" + (f"  {context!r}" if context != "" else ""))


def one_of(got, allowed, context=""):
    if got not in allowed:
        raise Failed(f"got {got!r}, none of {allowed!r}" + (f"  {context!r}" if context != "" else ""))


def refused(answer, status, code=None):
    """An OCI error with that status and, when given, that code; either may be a tuple of what is allowed."""
    one_of(answer.status, status if isinstance(status, tuple) else (status,), answer)
    if code:
        one_of(answer.error_code(), code if isinstance(code, tuple) else (code,), answer)


def true(condition, what):
    if not condition:
        raise Failed(what)


def eventually(condition, what, patience=None):
    until = time.monotonic() + (patience or PATIENCE)
    while not condition():
        if time.monotonic() > until:
            raise Failed(f"not within time: {what}")
        time.sleep(0.05)


_cases = []
_numbers = itertools.count(1)


def fresh(room="wire"):
    """A repository name that no other case uses."""
    return f"{room}/r{next(_numbers)}"


def case(sentence, stores=True):
    """stores=False: what the case sends is refused, and nothing may be stored or removed (resources.py)."""
    return cases(sentence.replace("{", "{{").replace("}", "}}"), [()], stores)


def cases(sentence, rows, stores=True):
    """One case for each row; `sentence` is formatted with the row."""
    def add(function):
        for row in rows:
            _cases.append((sentence.format(*row), function, row, stores))
        return function
    return add


def run(server, function, row, stores):
    usage = Usage(server, stores)
    function(server, *row)
    if server.process is None or server.process.poll() is not None:
        raise Failed(f"the server is gone: {server.log_text()[-2000:]}")
    usage.compare()


def main():
    passed = failed = 0
    only = sys.argv[1] if len(sys.argv) > 1 else ""
    server = None
    try:
        server = Server().start()
        for sentence, function, row, stores in _cases:
            if only not in sentence:
                continue
            try:
                run(server, function, row, stores)
                passed += 1
            except Exception as error:  # any failure of a case is a failed case
                failed += 1
                print(f"FAILED: {sentence}\n        {error if isinstance(error, Failed) else traceback.format_exc()}"[:3000])
                if server.process is None or server.process.poll() is not None:
                    server.start()
        try:
            equal(server.stop(), 0, "exit status on SIGTERM")
        except Failed as error:
            failed += 1
            print(f"FAILED: the server exits 0 when told to stop\n        {error}")
        report = REPORT.search(server.log_text())
        if report:
            failed += 1
            print(f"FAILED: a sanitizer complained\n{server.log_text()[report.start():][:6000]}")
    except (Failed, OSError, subprocess.CalledProcessError) as error:
        failed += 1
        print(f"FAILED: {error}")
    finally:
        if server is not None:
            if server.process is not None:
                server.process.kill()
            server.remove()
    print(f"{passed} passed, {failed} failed")
    sys.exit(1 if failed or not passed else 0)
