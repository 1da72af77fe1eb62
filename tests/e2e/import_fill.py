#!/usr/bin/env python3
"""Fills the registry $REG with images for scenario 58, or tells what it holds.

usage: import_fill.py fill             twenty tags that share a layer, an index, an image of 24 MiB, one with a signature
       import_fill.py move             library/app:1 becomes another image
       import_fill.py digests          "repository:tag digest" of every tag, in order
"""
import hashlib
import json
import sys

from client import MIB, Client, Content

MANIFEST = "application/vnd.oci.image.manifest.v1+json"
INDEX = "application/vnd.oci.image.index.v1+json"
DOCKER = "application/vnd.docker.distribution.manifest.v2+json"
DOCKER_CONFIG = "application/vnd.docker.container.image.v1+json"
DOCKER_LAYER = "application/vnd.docker.image.rootfs.diff.tar.gzip"
CONFIG = "application/vnd.oci.image.config.v1+json"
LAYER = "application/vnd.oci.image.layer.v1.tar"
EMPTY = "application/vnd.oci.empty.v1+json"
ACCEPT = ", ".join((MANIFEST, INDEX, DOCKER, "application/vnd.docker.distribution.manifest.list.v2+json"))


class Bytes:
    """As client.Content, of given bytes."""

    def __init__(self, data):
        self.data, self.size = data, len(data)

    def digest(self):
        return "sha256:" + hashlib.sha256(self.data).hexdigest()

    def pieces(self):
        return [self.data] if self.data else []


def descriptor(content, media_type):
    return {"mediaType": media_type, "digest": content.digest(), "size": content.size}


def put(client, repository, reference, document, media_type):
    data = json.dumps(document).encode()
    client.ask("PUT", f"/v2/{repository}/manifests/{reference}", 201, headers={"Content-Type": media_type}, body=data)
    return descriptor(Bytes(data), media_type)


def image(client, repository, tag, layers, docker=False, subject=None):
    """Returns its descriptor; pushed by digest when `tag` is None."""
    config = Bytes(json.dumps({"os": "linux", "architecture": "amd64", "comment": f"{repository}:{tag}"}).encode())
    for content in (config, *layers):
        client.push(repository, content)
    document = {"schemaVersion": 2, "mediaType": DOCKER if docker else MANIFEST,
                "config": descriptor(config, DOCKER_CONFIG if docker else CONFIG),
                "layers": [descriptor(layer, DOCKER_LAYER if docker else LAYER) for layer in layers]}
    if subject:
        document |= {"subject": subject, "artifactType": "application/vnd.test.signature"}
    reference = tag or Bytes(json.dumps(document).encode()).digest()
    return put(client, repository, reference, document, document["mediaType"])


def fill(client):
    shared = Content("shared", MIB)
    for tag in range(1, 21):
        image(client, "library/app", str(tag), [shared, Content(f"app {tag}", 50000 + tag)], docker=tag % 2 == 0)
    children = [image(client, "team-a/deep/multi", None, [Content(f"child {n}", 3000)]) for n in range(3)]
    put(client, "team-a/deep/multi", "multi", {"schemaVersion": 2, "mediaType": INDEX, "manifests": children}, INDEX)
    image(client, "team-b/big", "big", [Content("big", 24 * MIB), shared, Bytes(b"")])
    signed = image(client, "team-b/signed", "v1", [Content("signed", 5000)])
    signature = image(client, "team-b/signed", None, [Bytes(b"{}")], subject=signed)
    # For registries without a referrers API; the others know already.
    put(client, "team-b/signed", signed["digest"].replace(":", "-"),
        {"schemaVersion": 2, "mediaType": INDEX, "manifests": [signature]}, INDEX)
    print(signed["digest"], signature["digest"])


def digests(client):
    for repository in sorted(json.loads(client.ask("GET", "/v2/_catalog?n=100", 200).body)["repositories"]):
        for tag in sorted(json.loads(client.ask("GET", f"/v2/{repository}/tags/list", 200).body)["tags"]):
            answer = client.ask("GET", f"/v2/{repository}/manifests/{tag}", 200, headers={"Accept": ACCEPT})
            print(f"{repository}:{tag}", "sha256:" + hashlib.sha256(answer.body).hexdigest(), answer.headers["Content-Type"])


def main():
    client = Client()
    match sys.argv[1:]:
        case ["fill"]:
            fill(client)
        case ["move"]:
            image(client, "library/app", "1", [Content("moved", 1000)])
        case ["digests"]:
            digests(client)
        case _:
            sys.exit(__doc__)


main()
