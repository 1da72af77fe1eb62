#!/usr/bin/env python3
"""Images for a registry without TLS and users, and everything that can be pulled from one.

usage: old_registry.py fill HOST:PORT [TAGS]   pushes so many images and more to each of 12 repositories, by default some
                                               280 in all: shared and mounted layers, indexes of both kinds, nested
                                               names, moved tags, deleted manifests, untagged ones, a signature, an
                                               upload that is never finished. Prints how many tags there are
       old_registry.py pull HOST:PORT [PREFIX] every tag of every repository whose name begins so, completely: one line
                                               for each, sorted, with its digest, media type and the digest of its
                                               bytes. Two registries with the same images print the same
       old_registry.py push HOST:PORT REPOSITORY TAG   one image
"""
import hashlib
import http.client
import json
import random
import sys
import threading

OCI = "application/vnd.oci.image."
DOCKER = "application/vnd.docker."
IMAGE = {True: OCI + "manifest.v1+json", False: DOCKER + "distribution.manifest.v2+json"}
INDEX = {True: OCI + "index.v1+json", False: DOCKER + "distribution.manifest.list.v2+json"}
CONFIG = {True: OCI + "config.v1+json", False: DOCKER + "container.image.v1+json"}
LAYER = {True: OCI + "layer.v1.tar+gzip", False: DOCKER + "image.rootfs.diff.tar.gzip"}
ACCEPT = ", ".join([*IMAGE.values(), *INDEX.values()])
REPOSITORIES = ["base", "library/app", "library/app/nested/deep-er", "team-a/web", "team-a/web.api", "team-a/data__base",
                "team-b/a", "team-b/a/b", "team-b/a/b/c", "tools/x", "tools/y", "tools/z"]
TAGS = 18  # of each repository
THREADS = 4


def digest_of(data):
    return "sha256:" + hashlib.sha256(data).hexdigest()


class Registry:
    def __init__(self, address):
        self.connection = http.client.HTTPConnection(*address.rsplit(":", 1), timeout=60)

    def ask(self, method, path, expected, body=None, **headers):
        self.connection.request(method, path, body, {name.replace("_", "-"): value for name, value in headers.items()})
        response = self.connection.getresponse()
        response.body = response.read()
        if response.status != expected:
            raise RuntimeError(f"{method} {path}: {response.status} {response.body[:300]!r}")
        return response

    # --- pushing

    def blob(self, repository, data, mount_from=None):
        digest = digest_of(data)
        if mount_from == repository:
            return digest  # another mount would write its link again, and docker-registry does not do that at once
        if mount_from:
            path = f"/v2/{repository}/blobs/uploads/?mount={digest}&from={mount_from}"
            self.ask("POST", path, 201, Content_Length="0")
            return digest
        where = self.upload(repository)
        self.ask("PUT", f"{where}{'&' if '?' in where else '?'}digest={digest}", 201, data,
                 Content_Type="application/octet-stream")
        return digest

    def upload(self, repository):
        where = self.ask("POST", f"/v2/{repository}/blobs/uploads/", 202, Content_Length="0").headers["Location"]
        return where if where.startswith("/") else "/" + where.split("/", 3)[3]

    def manifest(self, repository, reference, document, media_type):
        body = json.dumps(document, indent=3).encode()
        self.ask("PUT", f"/v2/{repository}/manifests/{reference or digest_of(body)}", 201, body, Content_Type=media_type)
        return {"mediaType": media_type, "digest": digest_of(body), "size": len(body)}

    # --- pulling

    def names(self, path, member):
        while path:
            answer = self.ask("GET", path, 200)
            yield from json.loads(answer.body)[member] or []
            link = answer.headers.get("Link")
            path = link[link.index("<") + 1:link.index(">")] if link else None


class Filler:
    """What one thread pushes follows from its random numbers alone."""

    def __init__(self, address, number):
        self.registry, self.random, self.number = Registry(address), random.Random(number), number

    def describe(self, repository, data, media_type, mount_from=None):
        return {"mediaType": media_type, "size": len(data), "digest": self.registry.blob(repository, data, mount_from)}

    def image(self, repository, tag, oci, bases, subject=None):
        own = self.random.randbytes(self.random.randrange(100, 4000))
        document = {"schemaVersion": 2, "mediaType": IMAGE[oci],
                    "config": self.describe(repository, json.dumps({"name": f"{repository}:{tag} {own[:8].hex()}"}).encode(),
                                            CONFIG[oci]),
                    "layers": [self.describe(repository, base, LAYER[oci], "base") for base in bases]}
        document["layers"].append(self.describe(repository, own, LAYER[oci]))
        if oci and self.random.random() < 0.3:
            del document["mediaType"]  # OCI lets it
        if subject:
            document["subject"] = subject
        return self.registry.manifest(repository, tag, document, IMAGE[oci])

    def index(self, repository, tag, oci, bases):
        children = []
        for architecture in ("amd64", "arm64"):
            child = self.image(repository, None, oci, bases)
            children.append({**child, "platform": {"os": "linux", "architecture": architecture}})
        self.registry.manifest(repository, tag, {"schemaVersion": 2, "mediaType": INDEX[oci], "manifests": children},
                               INDEX[oci])

    def repository(self, repository, bases, tags):
        for i in range(tags):
            oci, shared = i % 3 > 0, self.random.sample(bases, 2)
            (self.index if i % 5 == 4 else self.image)(repository, f"v1.{i}", oci, shared)
        self.image(repository, "v1.0", True, bases[:1])  # moved: what it pointed to has no tag now
        signed = self.image(repository, "signed", True, bases[:1])
        self.image(repository, None, True, bases[1:2], subject=signed)
        gone = self.image(repository, "gone", True, bases[:1])
        self.registry.ask("DELETE", f"/v2/{repository}/manifests/{gone['digest']}", 202)
        self.registry.ask("PATCH", self.registry.upload(repository), 202, b"half of it",
                          Content_Type="application/octet-stream")


def fill(address, tags=TAGS):
    first = Filler(address, "bases")
    bases = [first.random.randbytes(size) for size in (300, 5000, 20000, 70000, 300000, 1 << 20)]
    for base in bases:
        first.registry.blob("base", base)

    def work(number):
        filler = Filler(address, number)
        for repository in REPOSITORIES[number::THREADS]:
            filler.repository(repository, bases, int(tags))

    threads = [threading.Thread(target=work, args=(i,)) for i in range(THREADS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    registry = Registry(address)
    print(sum(1 for name in registry.names("/v2/_catalog?n=100", "repositories")
              for _ in registry.names(f"/v2/{name}/tags/list", "tags")))


class Puller:
    def __init__(self, address):
        self.registry, self.seen = Registry(address), set()

    def blob(self, repository, descriptor):
        if (repository, descriptor["digest"]) not in self.seen:
            self.seen.add((repository, descriptor["digest"]))
            data = self.registry.ask("GET", f"/v2/{repository}/blobs/{descriptor['digest']}", 200).body
            assert (digest_of(data), len(data)) == (descriptor["digest"], descriptor["size"]), descriptor

    def manifest(self, repository, reference):
        answer = self.registry.ask("GET", f"/v2/{repository}/manifests/{reference}", 200, Accept=ACCEPT)
        digest = answer.headers["Docker-Content-Digest"]
        assert digest_of(answer.body) == digest, f"{repository}:{reference}"
        document = json.loads(answer.body)
        for child in document.get("manifests", []):
            assert child["digest"] in self.manifest(repository, child["digest"])
        for blob in [document["config"], *document["layers"]] if "config" in document else []:
            self.blob(repository, blob)
        return f"{digest} {answer.headers['Content-Type']} {hashlib.sha256(answer.body).hexdigest()}"


def pull(address, prefix=""):
    puller = Puller(address)
    lines = []
    for repository in list(puller.registry.names("/v2/_catalog?n=100", "repositories")):
        if not repository.startswith(prefix):
            continue
        tags = list(puller.registry.names(f"/v2/{repository}/tags/list", "tags"))
        lines += [f"{repository}:{tag} {puller.manifest(repository, tag)}" for tag in tags]
    print("\n".join(sorted(lines)))


def push(address, repository, tag):
    filler = Filler(address, tag)
    layer = filler.random.randbytes(1000)
    filler.registry.blob("base", layer)
    filler.image(repository, tag, True, [layer])


{"fill": fill, "pull": pull, "push": push}[sys.argv[1]](*sys.argv[2:])
