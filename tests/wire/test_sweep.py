#!/usr/bin/env python3
"""The sweeper beside clients: what was deleted gives its space back within its grace, and nothing that somebody pushes,
pushes again, mounts or attaches to meanwhile is ever missing."""
import os
import random
import subprocess
import threading
import time

import wire

GRACE = 4  # seconds; a HEAD that says yes promises half of it
INTERVAL = 1
CLIENTS = 8
# The grace and the interval, the second that the clock was in, and two walks on a machine that has much to do.
RETURN = GRACE + INTERVAL + 1 + wire.PATIENCE / 2
CYCLES = 70  # of each client
POOL = 500  # so many that each is let alone for longer than the grace now and then
wire.CONFIG = wire.CONFIG.replace("  delete: {{enabled: true}}", f"""  delete: {{{{enabled: true}}}}
  maintenance: {{{{garbagecollection: {{{{grace: {GRACE}s, interval: {INTERVAL}s, rate: 100000}}}}}}}}""")

# Contents that all clients share, so that they and the sweeper meet at the same digests.
CONTENTS = [random.Random(n).randbytes(200 + 50 * n) for n in range(POOL)]


def digest_of(manifest):
    return wire.sha256(wire.json.dumps(manifest).encode())


def stored_bytes(server):
    total = 0
    for folder, _, files in os.walk(os.path.join(server.folder, "data", "blobs")):
        for name in files:
            try:
                total += os.path.getsize(os.path.join(folder, name))
            except FileNotFoundError:
                pass  # swept just now
    return total


class Client:
    """One client on one connection, which does what Docker does: asks for a blob first and pushes it only when it must."""

    def __init__(self, server, number):
        self.connection = server.connect()
        self.random = random.Random(number)
        self.number = number
        self.pushed = self.skipped = self.mounted = self.cycles = 0
        self.error = None

    def ask(self, wanted, method, path, headers=(), body=None):
        answer = self.connection.ask(method, path, headers, body)
        wire.one_of(answer.status, wanted, (self.number, self.cycles, method, path, answer))
        return answer

    def push(self, repository, data, source):
        digest = wire.sha256(data)
        if self.ask((200, 404), "HEAD", f"/v2/{repository}/blobs/{digest}").status == 200:
            self.skipped += 1
            return
        query = f"?mount={digest}&from={source}" if source else ""
        answer = self.ask((201, 202), "POST", f"/v2/{repository}/blobs/uploads/{query}")
        if answer.status == 201:
            self.mounted += 1
            return
        self.ask((201,), "PUT", wire.add_query(wire.path_of(answer), f"digest={digest}"), body=data)
        self.pushed += 1

    def put(self, repository, reference, manifest):
        body = wire.json.dumps(manifest).encode()
        answer = self.ask((201,), "PUT", f"/v2/{repository}/manifests/{reference}", [("Content-Type", wire.OCI_MANIFEST)], body)
        return answer.header("docker-content-digest"), len(body)

    def pull(self, repository, data):
        answer = self.ask((200,), "GET", f"/v2/{repository}/blobs/{wire.sha256(data)}")
        wire.true(answer.body == data, f"other bytes than were pushed: {self.number} {self.cycles}")

    def image(self, repository, contents, **more):
        parts = [wire.descriptor(wire.sha256(data), len(data)) for data in contents]
        parts[0]["mediaType"] = wire.OCI_CONFIG
        return {"schemaVersion": 2, "mediaType": wire.OCI_MANIFEST, "config": parts[0], "layers": parts[1:], **more}

    def cycle(self):
        repository = f"sweep/c{self.number % 4}"  # two clients share one
        source = self.random.choice([None, f"sweep/c{self.random.randrange(4)}"])
        contents = self.random.sample(CONTENTS, 3)
        note = {"annotations": {"cycle": f"{self.number}.{self.cycles}"}}
        for data in contents:
            self.push(repository, data, source)
        tag = f"t{self.number}"
        digest, size = self.put(repository, tag, self.image(repository, contents, **note))
        for data in contents:
            self.pull(repository, data)
        attached = None
        if self.random.random() < 0.5:
            extra = self.random.choice(CONTENTS)
            self.push(repository, extra, source)
            subject = wire.descriptor(digest, size, wire.OCI_MANIFEST)
            attached, _ = self.put(repository, tag + "-sig", self.image(repository, [extra], subject=subject, **note))
            self.pull(repository, extra)
        for gone in filter(None, (attached, digest)):
            self.ask((202,), "DELETE", f"/v2/{repository}/manifests/{gone}")
        self.cycles += 1
        time.sleep(self.random.choice([0, 0, 0.1, 0.5]))

    def run(self):
        try:
            with self.connection:
                for _ in range(CYCLES):
                    self.cycle()
        except Exception as error:  # told by the case
            self.error = error


@wire.case("the bytes of a deleted image come back within its grace, and those of another stay")
def _(server):
    kept, gone = random.randbytes(100_000), random.randbytes(300_000)
    server.push_image("space/kept", "1", kept)
    digest = server.push_image("space/gone", "1", gone)
    size = stored_bytes(server)
    wire.true(size >= 400_000, f"{size} bytes are stored")
    wire.equal(server.ask("DELETE", f"/v2/space/gone/manifests/{digest}").status, 202)
    began = time.monotonic()
    wire.eventually(lambda: stored_bytes(server) <= size - 300_000, "the space comes back", GRACE + 8)
    wire.true(time.monotonic() - began >= GRACE - 1.5, "it came back before the grace was over")
    wire.equal(server.ask("GET", f"/v2/space/gone/blobs/{wire.sha256(gone)}").status, 404)
    wire.equal(server.ask("GET", f"/v2/space/kept/blobs/{wire.sha256(kept)}").body, kept)
    wire.eventually(lambda: "swept 1 blobs" in server.log_text(), "the log says so")
    wire.true("damaged" not in server.log_text(), "a swept blob is not a damaged one")


@wire.case("a HEAD renews the lease of a blob that no manifest names yet")
def _(server):
    data = random.randbytes(1000)
    digest = server.push_blob("space/lease", data)
    until = time.monotonic() + 2 * GRACE + 1
    while time.monotonic() < until:
        wire.equal(server.ask("HEAD", f"/v2/space/lease/blobs/{digest}").status, 200)
        time.sleep(GRACE / 4)
    wire.equal(server.ask("GET", f"/v2/space/lease/blobs/{digest}").body, data)
    wire.eventually(lambda: not os.path.exists(f"{server.folder}/data/blobs/sha256/{digest[7:9]}/{digest[7:]}"), "its time comes", GRACE + 8)
    wire.equal(server.ask("HEAD", f"/v2/space/lease/blobs/{digest}").status, 404)


@wire.case("files without a record go after the next start, unless they are younger than the grace")
def _(server):
    old, new = (f"{server.folder}/data/blobs/sha256/{two}/{two * 32}" for two in ("ab", "cd"))
    wire.equal(server.stop(), 0)
    with open(old, "wb") as file:
        file.write(b"left by a crash")
    time.sleep(GRACE + 1)
    with open(new, "wb") as file:
        file.write(b"left by another")
    server.start()
    wire.eventually(lambda: not os.path.exists(old), "the old one is removed", 8)
    wire.true(os.path.exists(new), "it is younger than the grace")


class Collector(threading.Thread):
    """Runs `berth gc --delete-untagged` in the server again and again, and deletes an image now and then whose bytes must
    come back within its grace."""

    def __init__(self, server):
        super().__init__()
        self.server = server
        self.done = threading.Event()
        self.runs = self.returned = self.longest = 0
        self.error = None

    def collect(self, *options):
        result = subprocess.run([f"{wire.BUILD}/berth", "gc", "--config", f"{self.server.folder}/config.yml", "--delete-untagged", *options],
                                capture_output=True, text=True, check=False)
        wire.equal((result.returncode, result.stderr), (0, ""))
        wire.true("untagged manifests removed" in result.stdout, result.stdout)
        self.runs += 1

    def lose_an_image(self):
        data = random.randbytes(200_000)
        digest = self.server.push_image("sweep/lost", "1", data)
        name = wire.sha256(data)[7:]
        file = f"{self.server.folder}/data/blobs/sha256/{name[:2]}/{name}"
        wire.true(os.path.exists(file), "it was stored")
        wire.equal(self.server.ask("DELETE", f"/v2/sweep/lost/manifests/{digest}").status, 202)
        began = time.monotonic()
        wire.eventually(lambda: not os.path.exists(file), "its bytes come back within grace and interval", RETURN)
        self.longest = max(self.longest, time.monotonic() - began)
        self.returned += 1

    def run(self):
        try:
            while not self.done.is_set():
                for _ in range(3):
                    self.collect()
                self.lose_an_image()  # the sweeper's turn
        except Exception as error:  # told by the case
            self.error = error


def keep_images(server):
    """Images that nobody touches while others come and go: one tagged, one an index's child, one attached to that, which
    share contents with those of the clients. What must be read back, by path."""
    kept = {}
    for number in range(10):
        contents = [CONTENTS[number], CONTENTS[number + 100]]
        client = Client(server, number)
        with client.connection:
            for data in contents:
                client.push("sweep/kept", data, None)
                kept[f"blobs/{wire.sha256(data)}"] = data
            child = client.image("sweep/kept", contents, annotations={"kept": f"{number}"})
            digest, size = client.put("sweep/kept", digest_of(child), child)
            subject = wire.descriptor(digest, size, wire.OCI_MANIFEST)
            attached = client.image("sweep/kept", contents, subject=subject)
            client.put("sweep/kept", digest_of(attached), attached)
        index = {"schemaVersion": 2, "mediaType": wire.OCI_INDEX, "manifests": [subject]}
        wire.equal(server.put_manifest("sweep/kept", f"t{number}", index, wire.OCI_INDEX).status, 201)
        for manifest in (child, attached, index):
            kept[f"manifests/{digest_of(manifest)}"] = wire.json.dumps(manifest).encode()
        kept[f"manifests/t{number}"] = wire.json.dumps(index).encode()
    return kept


@wire.case("an untagged manifest that somebody asks for stays until nobody has for a grace")
def _(server):
    manifest = server.image("space/asked", b"asked for")
    digest = digest_of(manifest)
    wire.equal(server.put_manifest("space/asked", digest, manifest).status, 201)
    collector = Collector(server)
    until = time.monotonic() + 2 * GRACE + 5
    while time.monotonic() < until:
        wire.equal(server.ask("HEAD", f"/v2/space/asked/manifests/{digest}").status, 200)
        collector.collect()
        time.sleep(GRACE / 2)
    index = {"schemaVersion": 2, "mediaType": wire.OCI_INDEX, "manifests": [wire.descriptor(digest, len(wire.json.dumps(manifest)), wire.OCI_MANIFEST)]}
    wire.equal(server.put_manifest("space/asked", "1", index, wire.OCI_INDEX).status, 201)
    wire.equal(server.ask("DELETE", f"/v2/space/asked/manifests/{digest_of(index)}").status, 202)
    time.sleep(GRACE + 6)  # the memory is a few seconds longer
    collector.collect("--forget-history")
    wire.equal(server.ask("HEAD", f"/v2/space/asked/manifests/{digest}").status, 404)


@wire.case(f"{CLIENTS} clients push, push again, mount, attach and delete the same blobs while they are swept and collected, and none is missing")
def _(server):
    kept = keep_images(server)
    collector = Collector(server)
    collector.start()
    before = server.log_text().count("swept ")
    clients = [Client(server, number) for number in range(CLIENTS)]
    threads = [threading.Thread(target=client.run) for client in clients]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    collector.done.set()
    collector.join()
    for part in (collector, *clients):
        if part.error:
            raise part.error
    total = {what: sum(getattr(client, what) for client in clients) for what in ("cycles", "pushed", "skipped", "mounted")}
    print(f"# {total}, {server.log_text().count('swept ') - before} sweeps freed something")
    wire.true(total["cycles"] >= 500, total)
    wire.true(min(total.values()) > 0, total)
    wire.true(server.log_text().count("swept ") - before > 2, "hardly anything was swept meanwhile")
    wire.true("damaged" not in server.log_text(), "nothing was damaged")
    print(f"# {collector.runs} collections, {collector.returned} deleted images gave their bytes back within {collector.longest:.1f} s")
    wire.true(collector.runs >= 6 and collector.returned >= 2, "hardly anything was collected meanwhile")
    for path, content in kept.items():
        answer = server.ask("GET", f"/v2/sweep/kept/{path}")
        wire.equal(answer.status, 200, path)
        wire.true(answer.body == content, f"{path} is not what was pushed")
    held = [wire.sha256(data)[7:] for data in CONTENTS if f"blobs/{wire.sha256(data)}" not in kept]
    wire.eventually(lambda: not any(os.path.exists(f"{server.folder}/data/blobs/sha256/{d[:2]}/{d}") for d in held), "all of it is swept in the end", GRACE + 10)


@wire.case("the server stops at once in the middle of a sweep")
def _(server):
    for number in range(50):
        server.push_blob("space/stop", b"%d" % number)
    time.sleep(GRACE + 1)
    began = time.monotonic()
    wire.equal(server.stop(), 0)
    wire.true(time.monotonic() - began < 5, "it takes too long")
    server.start()


wire.main()
