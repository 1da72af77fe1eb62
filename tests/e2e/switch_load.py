#!/usr/bin/env python3
"""Clients that push and pull, over plain HTTP without passwords, until the file $WORK/enough is there, while somebody makes
the server read-only and writable again, and moves its log files away.

A push is either acknowledged, and then everything of it can be read back at once and at the end, or refused with 405
UNSUPPORTED. A pull of what was acknowledged never fails. Each request has a name of its own (its User-Agent), by which it is
found in the access log.

usage: switch_load.py PORT. Prints figures, and failures if any; the names of all requests go to $WORK/names.
"""
import hashlib
import http.client
import json
import os
import random
import sys
import threading

PUSHERS, PULLERS = 3, 2
MANIFEST = "application/vnd.oci.image.manifest.v1+json"
CONFIG = "application/vnd.oci.image.config.v1+json"
WORK = os.environ["WORK"]


class Failed(Exception):
    pass


def sha256(data):
    return "sha256:" + hashlib.sha256(data).hexdigest()


class Load:
    def __init__(self, port):
        self.port = port
        self.lock = threading.Lock()
        self.images = {}  # acknowledged: name of the repository and tag -> manifest, blob
        self.names, self.failures = [], []
        self.refused = self.pulled = 0

    def over(self):
        return bool(self.failures) or os.path.exists(f"{WORK}/enough")

    def push(self, client, number):
        """One image; False when it was refused."""
        repository, tag = f"load/{client.name}", f"t{number}"
        blob = f"{client.name} {number} ".encode() * random.randrange(1, 60)
        manifest = json.dumps({"schemaVersion": 2, "mediaType": MANIFEST, "layers": [],
                               "config": {"mediaType": CONFIG, "digest": sha256(blob), "size": len(blob)}}).encode()
        for method, path, body, kind in (
                ("POST", f"/v2/{repository}/blobs/uploads/?digest={sha256(blob)}", blob, "application/octet-stream"),
                ("PUT", f"/v2/{repository}/manifests/{tag}", manifest, MANIFEST)):
            status, answer = client.ask(method, path, body, kind)
            if status == 405 and json.loads(answer)["errors"][0]["code"] == "UNSUPPORTED":
                return False
            if status != 201:
                raise Failed(f"{method} {path}: {status} {answer[:200]}")
        with self.lock:
            self.images[repository, tag] = manifest, blob
        return True

    def pull(self, client, image):
        with self.lock:
            manifest, blob = self.images[image]
        repository, tag = image
        for path, wanted in ((f"manifests/{tag}", manifest), (f"blobs/{sha256(blob)}", blob)):
            status, answer = client.ask("GET", f"/v2/{repository}/{path}")
            if status != 200 or answer != wanted:
                raise Failed(f"{repository}:{tag}: {path}: {status} {answer[:200]}")

    def push_all(self, client):
        number = 0
        while not self.over():
            number += 1
            if self.push(client, number):
                self.pull(client, (f"load/{client.name}", f"t{number}"))
            else:
                with self.lock:
                    self.refused += 1

    def pull_all(self, client):
        while not self.over():
            with self.lock:
                image = random.choice(list(self.images)) if self.images else None
            if image:
                self.pull(client, image)
                with self.lock:
                    self.pulled += 1

    def run(self, work, name):
        client = Client(self.port, name)
        try:
            work(client)
        except (Failed, OSError, http.client.HTTPException, ValueError) as error:
            self.failures.append(f"{name}: {type(error).__name__}: {error}")
        with self.lock:
            self.names += client.names


class Client:
    """One connection, opened again when the server has closed it after an answer."""

    def __init__(self, port, name):
        self.connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
        self.name, self.names = name, []

    def ask(self, method, path, body=None, kind=None):
        self.names.append(f"load-{self.name}-{len(self.names)}")
        headers = {"User-Agent": self.names[-1], **({"Content-Type": kind} if kind else {})}
        self.connection.request(method, path, body, headers)
        answer = self.connection.getresponse()
        return answer.status, answer.read()


def main():
    load = Load(int(sys.argv[1]))
    threads = [threading.Thread(target=load.run, args=(work, f"{word}{n}"))
               for word, work, count in (("push", load.push_all, PUSHERS), ("pull", load.pull_all, PULLERS)) for n in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    load.run(lambda client: [load.pull(client, image) for image in sorted(load.images)], "end")
    with open(f"{WORK}/names", "w", encoding="ascii") as file:
        file.writelines(name + "\n" for name in load.names)
    print(f"{len(load.images)} images pushed, {load.refused} refused, {load.pulled} pulled, {len(load.names)} requests")
    print("\n".join(load.failures[:10]))
    return 1 if load.failures or not load.refused or not load.images or not load.pulled else 0


sys.exit(main())
