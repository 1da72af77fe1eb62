#!/usr/bin/env python3
"""64 clients at once, each on connections of its own, let go together at every step:

  1  each pushes an image to a repository of its own: three layers that all share, one of its own, a config
  2  each pushes that image to one repository for all, under a tag of its own and under one for all
  3  half of them push the very same image again, the others pull what their neighbours pushed; then the halves swap
  4  each pulls everything: every byte is compared

usage: crowd.py. Prints the number of different blobs that there must be, and failures if any.
"""
import hashlib
import json
import random
import sys
import threading

from client import MIB, Client, Content

CLIENTS = 64
SHARED = [Content(f"shared {n}", size) for n, size in enumerate((2 * MIB + 17, MIB, 300))]
MANIFEST = "application/vnd.oci.image.manifest.v1+json"
LAYER = "application/vnd.oci.image.layer.v1.tar"


def descriptor(content, media_type):
    return {"mediaType": media_type, "digest": content.digest(), "size": content.size}


class Image:
    def __init__(self, n):
        self.repository = f"crowd/own-{n:02}"
        self.config = Content(f"config {n}", 500 + n)
        self.layers = [*SHARED, Content(f"own {n}", 200_000 + 1000 * n)]
        self.blobs = [*self.layers, self.config]
        self.manifest = json.dumps({
            "schemaVersion": 2, "mediaType": MANIFEST,
            "config": descriptor(self.config, "application/vnd.oci.image.config.v1+json"),
            "layers": [descriptor(layer, LAYER) for layer in self.layers]}).encode()
        self.digest = "sha256:" + hashlib.sha256(self.manifest).hexdigest()


def copy_of(content):
    """Contents are made in place: every thread needs its own."""
    copy = Content.__new__(Content)
    copy.__dict__.update(content.__dict__, noise=bytearray(content.noise))
    return copy


class Member(threading.Thread):
    def __init__(self, n, crowd):
        super().__init__()
        self.n, self.crowd, self.client, self.failure = n, crowd, None, None

    def run(self):
        try:
            for step in (self.push_own, self.push_common, self.work_and_look(0), self.work_and_look(1), self.pull_all):
                self.crowd.barrier.wait()
                self.client = Client()
                step()
                self.client.close()
        except threading.BrokenBarrierError:
            pass
        except Exception as error:  # pylint: disable=broad-except # told by main()
            self.failure = f"client {self.n}: {error!r}"
            self.crowd.barrier.abort()

    def image(self, n):
        return self.crowd.images[n % CLIENTS]

    def push(self, image, repository, *tags, again=False):
        for blob in random.sample(image.blobs, len(image.blobs)):
            found = self.client.ask("HEAD", f"/v2/{repository}/blobs/{blob.digest()}", 200, 404).status == 200
            if again or not found:
                self.client.push(repository, copy_of(blob))
        for tag in tags:
            answer = self.client.ask("PUT", f"/v2/{repository}/manifests/{tag}", 201, body=image.manifest,
                                     headers={"Content-Type": MANIFEST})
            assert answer.headers["Docker-Content-Digest"] == image.digest, answer.headers

    def pull(self, image, repository, reference):
        answer = self.client.ask("GET", f"/v2/{repository}/manifests/{reference}", 200, headers={"Accept": MANIFEST})
        assert answer.body == image.manifest, f"{repository}:{reference} is another manifest"
        assert answer.headers["Content-Type"] == MANIFEST, answer.headers
        for blob in image.blobs:
            self.client.pull(repository, copy_of(blob))

    def push_own(self):
        image = self.image(self.n)
        self.push(image, image.repository, "v1", again=True)

    def push_common(self):
        self.push(self.image(self.n), "crowd/common", f"from-{self.n:02}", "latest")

    def work_and_look(self, half):
        def step():
            if self.n % 2 == half:
                self.push(self.image(0), "crowd/common", "same", again=True)
            else:
                neighbour = self.image(self.n + 1)
                self.pull(neighbour, neighbour.repository, "v1")
        return step

    def pull_all(self):
        image = self.image(self.n)
        self.pull(image, image.repository, image.digest)
        self.pull(image, "crowd/common", f"from-{self.n:02}")
        self.pull(self.image(0), "crowd/common", "same")


class Crowd:
    def __init__(self):
        self.images = [Image(n) for n in range(CLIENTS)]
        self.barrier = threading.Barrier(CLIENTS)


def check_latest(crowd):
    """The tag that all pushed is one of their manifests, complete."""
    answer = Client().ask("GET", "/v2/crowd/common/manifests/latest", 200, headers={"Accept": MANIFEST})
    assert answer.body in [image.manifest for image in crowd.images], "latest is nobody's manifest"


def main():
    crowd = Crowd()
    members = [Member(n, crowd) for n in range(CLIENTS)]
    for member in members:
        member.start()
    for member in members:
        member.join()
    failures = [member.failure for member in members if member.failure]
    if not failures:
        check_latest(crowd)
    print(len({blob.digest() for image in crowd.images for blob in image.blobs}))
    print("\n".join(failures), file=sys.stderr)
    sys.exit(1 if failures else 0)


main()
