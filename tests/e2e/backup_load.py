#!/usr/bin/env python3
"""Eight clients push images, move tags, delete tags and images, all at once, until the file $WORK/enough is there.

The registry is swept without grace meanwhile: a blob that was just pushed may be gone before its manifest comes. That
refusal is the only one that is allowed; the image is then pushed again.

usage: backup_load.py. Prints the number of images pushed, and failures if any.
"""
import hashlib
import json
import os
import random
import sys
import threading

from client import Client, Content

CLIENTS = 8
MANIFEST = "application/vnd.oci.image.manifest.v1+json"
LAYER = "application/vnd.oci.image.layer.v1.tar"
SHARED = [Content(f"backup shared {n}", size) for n, size in enumerate((700_001, 90_000, 300))]


def descriptor(content, media_type):
    return {"mediaType": media_type, "digest": content.digest(), "size": content.size}


def copy_of(content):
    """Contents are made in place: every thread needs its own."""
    copy = Content.__new__(Content)
    copy.__dict__.update(content.__dict__, noise=bytearray(content.noise))
    return copy


class Image:
    def __init__(self, seed):
        self.blobs = [Content(f"backup own {seed}", 1000 + seed % 100_000), random.choice(SHARED)]
        self.manifest = json.dumps({
            "schemaVersion": 2, "mediaType": MANIFEST, "annotations": {"seed": str(seed)},
            "config": descriptor(self.blobs[0], "application/vnd.oci.image.config.v1+json"),
            "layers": [descriptor(blob, LAYER) for blob in self.blobs]}).encode()
        self.digest = "sha256:" + hashlib.sha256(self.manifest).hexdigest()


class Member(threading.Thread):
    def __init__(self, n):
        super().__init__()
        self.n, self.pushed, self.failure, self.client = n, 0, None, None
        self.random = random.Random(n)

    def run(self):
        try:
            self.client = Client()
            while not os.path.exists(os.environ["WORK"] + "/enough"):
                self.step()
        except Exception as error:  # pylint: disable=broad-except # told by main()
            self.failure = f"client {self.n}: {error!r}"

    def step(self):
        repository = f"load/{self.random.randrange(4)}"
        tag = f"t{self.random.randrange(12)}"
        self.push(Image(self.random.randrange(1 << 30)), repository, tag)
        if self.random.random() < 0.2:
            self.client.ask("DELETE", f"/v2/{repository}/manifests/t{self.random.randrange(12)}", 202, 404)
        if self.random.random() < 0.1:
            found = self.client.ask("HEAD", f"/v2/{repository}/manifests/t{self.random.randrange(12)}", 200, 404,
                                    headers={"Accept": MANIFEST})
            if found.status == 200:
                digest = found.headers["Docker-Content-Digest"]
                self.client.ask("DELETE", f"/v2/{repository}/manifests/{digest}", 202, 404)

    def push(self, image, repository, tag):
        for _ in range(50):
            for blob in image.blobs:
                self.client.push(repository, copy_of(blob))
            answer = self.client.ask("PUT", f"/v2/{repository}/manifests/{tag}", 201, 400, 404, body=image.manifest,
                                     headers={"Content-Type": MANIFEST})
            if answer.status == 201:
                self.pushed += 1
                return
            assert b"MANIFEST_BLOB_UNKNOWN" in answer.body, answer.body
        raise AssertionError("swept fifty times")


def main():
    members = [Member(n) for n in range(CLIENTS)]
    for member in members:
        member.start()
    for member in members:
        member.join()
    failures = [member.failure for member in members if member.failure]
    print(sum(member.pushed for member in members))
    print("\n".join(failures), file=sys.stderr)
    sys.exit(1 if failures else 0)


main()
