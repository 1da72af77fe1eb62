#!/usr/bin/env python3
"""Pulls every tag of every repository in the catalog, completely: manifests, children, configs, layers, every digest.

usage: pull_all.py. Prints the number of tags; fails at the first thing that is not there or not what it should be.
"""
import hashlib
import json

from client import MIB, Client

TYPES = ", ".join(f"application/vnd.oci.image.{kind}.v1+json" for kind in ("manifest", "index"))


def digest_of(data):
    return "sha256:" + hashlib.sha256(data).hexdigest()


class Puller:
    def __init__(self):
        self.client = Client()
        self.seen = set()

    def pages(self, path, member):
        """All names of a list."""
        while path:
            answer = self.client.ask("GET", path, 200)
            yield from json.loads(answer.body)[member] or []
            link = answer.headers.get("Link")
            path = link[link.index("<") + 1:link.index(">")] if link else None

    def manifest(self, repository, reference, digest=None):
        answer = self.client.ask("GET", f"/v2/{repository}/manifests/{reference}", 200, headers={"Accept": TYPES})
        assert digest_of(answer.body) == answer.headers["Docker-Content-Digest"], f"{repository}:{reference}"
        assert digest in (None, digest_of(answer.body)), f"{repository}:{reference} is not {digest}"
        document = json.loads(answer.body)
        for child in document.get("manifests", []):
            self.manifest(repository, child["digest"], child["digest"])
        for blob in [document["config"], *document["layers"]] if "config" in document else []:
            self.blob(repository, blob)

    def blob(self, repository, descriptor):
        if (repository, descriptor["digest"]) in self.seen:
            return
        self.seen.add((repository, descriptor["digest"]))
        path = f"/v2/{repository}/blobs/{descriptor['digest']}"
        self.client.head("GET", path)
        response, checksum, size = self.client.answer(f"GET {path}", 200), hashlib.sha256(), 0
        while piece := response.read(MIB):
            checksum.update(piece)
            size += len(piece)
        assert "sha256:" + checksum.hexdigest() == descriptor["digest"], path
        assert size == descriptor["size"], path


def main():
    puller, tags = Puller(), 0
    for repository in list(puller.pages("/v2/_catalog?n=50", "repositories")):
        for tag in list(puller.pages(f"/v2/{repository}/tags/list?n=50", "tags")):
            puller.manifest(repository, tag)
            tags += 1
    print(tags)


main()
