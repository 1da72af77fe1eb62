"""Those who read: with the ledger in hand, and without it beside the writers; and programs that people use."""
import json
import os
import subprocess
import time

from actor import Actor, Failed, Interrupted, Lost
from ledger import sha256
from world import WORK

REG = os.environ["REG"]


class Puller(Actor):
    """Verifies one tag of one repository, whole, while nobody writes to that repository."""

    def step(self):
        repository = self.world.some_repository(self.random)
        with repository.lock:
            if repository.tags:
                repository.verify(self.ask, self.random.choice(list(repository.tags)))
                self.world.count("tags verified")


class Reader(Actor):
    """Reads what is being written and deleted: anything may be gone, but nothing may be wrong."""

    def step(self):
        repository = self.world.some_repository(self.random)
        tags = self.ask((200, 404), "GET", f"/v2/{repository.name}/tags/list")
        if tags.status == 404 or not tags.json()["tags"]:
            return
        answer = self.ask((200, 404), "GET", f"/v2/{repository.name}/manifests/{self.random.choice(tags.json()['tags'])}")
        if answer.status == 404:
            return
        if sha256(answer.body) != answer.header("docker-content-digest"):
            raise Lost(f"{repository.name}: a manifest's bytes are not its digest's: {answer!r}")
        for layer in json.loads(answer.body).get("layers", []):
            self.part(repository, layer)
        self.lists(repository, answer.header("docker-content-digest"))
        self.world.count("images read beside writers")

    def part(self, repository, layer):
        path, size = f"/v2/{repository.name}/blobs/{layer['digest']}", layer["size"]
        if size > 10 and self.random.random() < 0.5:
            first = self.random.randrange(size)
            answer = self.ask((206, 404), "GET", path, [("Range", f"bytes={first}-")])
            wrong = answer.status == 206 and len(answer.body) != size - first
        else:
            answer = self.ask((200, 404), "GET", path)
            wrong = answer.status == 200 and sha256(answer.body) != layer["digest"]
        if wrong:
            raise Lost(f"{path}: other bytes than its digest's, {len(answer.body)} of {size}")

    def lists(self, repository, digest):
        self.ask((200,), "GET", f"/v2/{repository.name}/referrers/{digest}?artifactType=none%2Fsuch")
        path = "/v2/_catalog?n=5"
        while path:
            answer = self.ask((200,), "GET", path)
            link = answer.header("link")
            path = link[link.index("<") + 1:link.index(">")] if link else None


class SlowReader(Actor):
    """Takes a large blob at a walking pace, or stops reading it and goes."""

    pause = (0, 3)

    def __init__(self, world, number, place, size):
        super().__init__(world, f"slow reader {number}")
        self.place, self.size = place, size

    def step(self):
        self.since = time.monotonic()
        gives_up = self.random.random() < 0.5
        taken = bytearray()
        try:
            with self.connect() as c:
                c.send(c.compose("GET", self.place))
                self.begin(c)
                taken += c.received
                while len(taken) < self.size and not self.world.over.is_set():
                    piece = c.socket.recv(65536)
                    if not piece:
                        raise OSError("the end comes too early")
                    taken += piece
                    if gives_up and len(taken) > self.size // 3:
                        self.world.over.wait(self.random.uniform(0, 20))
                        return
                    time.sleep(0.02)
        except (OSError, EOFError) as error:
            self.excuse(error, "GET", self.place)
        if len(taken) == self.size and sha256(taken) != self.place.rsplit("/", 1)[1]:
            raise Lost("a slowly read blob has other bytes")
        self.world.count("slow pulls")


    def begin(self, connection):
        """Reads the head; EOFError when there is none."""
        try:
            status = connection.head()[0]
        except Failed as error:
            raise EOFError(str(error)) from error
        if status != 200:
            raise Failed(f"{self.place} is answered {status}")


class Program(Actor):
    """A program of others: its failure is excused when the server ended while it ran."""

    pause = (2, 8)

    def call(self, *arguments):
        began = time.monotonic()
        done = subprocess.run(arguments, capture_output=True, text=True, check=False, timeout=300, stdin=subprocess.DEVNULL,
                              env={**os.environ, "REGISTRY_AUTH_FILE": f"{WORK}/auth.json"})
        if done.returncode == 0:
            return
        self.since = began
        if self.world.server.was_down(began, time.monotonic()):
            raise Interrupted
        raise Failed(f"{' '.join(arguments)}: exit {done.returncode}: {done.stderr[-800:]}")


class Skopeo(Program):
    def step(self):
        here, both = f"docker://{REG}/soak/skopeo", ["--src-cert-dir", f"{WORK}/certs", "--dest-cert-dir", f"{WORK}/certs"]
        self.call("skopeo", "copy", "--all", "--dest-cert-dir", f"{WORK}/certs", f"oci:{WORK}/layout:multi", f"{here}:1")
        self.call("skopeo", "copy", "--all", *both, f"{here}:1", f"docker://{REG}/soak/skopeo/copy:1")
        self.call("rm", "-rf", f"{WORK}/back")
        self.call("skopeo", "copy", "--all", "--src-cert-dir", f"{WORK}/certs", f"docker://{REG}/soak/skopeo/copy:1", f"oci:{WORK}/back:multi")
        self.call("diff", "-r", f"{WORK}/layout/blobs", f"{WORK}/back/blobs")
        self.call("skopeo", "delete", "--cert-dir", f"{WORK}/certs", f"{here}:1")
        self.world.count("rounds of skopeo")


class Podman(Program):
    """Its first step makes an image of its own."""

    pause = (5, 20)
    made = False

    def pod(self, *arguments):
        self.call("podman", "--storage-driver", "vfs", "--cgroup-manager", "cgroupfs", "--events-backend", "none", *arguments)

    def step(self):
        if not self.made:
            self.call("tar", "-C", f"{WORK}/layout", "-cf", f"{WORK}/root.tar", ".")
            self.pod("import", f"{WORK}/root.tar", f"{REG}/soak/podman:1")
            self.made = True
        self.pod("push", f"{REG}/soak/podman:1")
        self.pod("rmi", "-f", f"{REG}/soak/podman:1")
        self.made = False
        self.pod("pull", f"{REG}/soak/podman:1")
        self.made = True
        self.world.count("rounds of podman")
