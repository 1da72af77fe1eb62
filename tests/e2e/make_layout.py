#!/usr/bin/env python3
"""Writes an OCI image layout with an index of three platforms. usage: make_layout.py FOLDER PROGRAM"""
import gzip
import hashlib
import io
import json
import os
import platform
import sys
import tarfile

ARCHITECTURES = {"x86_64": "amd64", "aarch64": "arm64", "armv7l": "arm"}
MANIFEST = "application/vnd.oci.image.manifest.v1+json"
INDEX = "application/vnd.oci.image.index.v1+json"
CONFIG = "application/vnd.oci.image.config.v1+json"
LAYER = "application/vnd.oci.image.layer.v1.tar+gzip"


def blob(folder, data, media_type):
    digest = hashlib.sha256(data).hexdigest()
    with open(os.path.join(folder, "blobs", "sha256", digest), "wb") as file:
        file.write(data)
    return {"mediaType": media_type, "digest": "sha256:" + digest, "size": len(data)}


def layer(folder, name, data):
    """A layer of one executable file, and the digest of its uncompressed form."""
    raw = io.BytesIO()
    with tarfile.open(fileobj=raw, mode="w") as tar:
        entry = tarfile.TarInfo(name)
        entry.size, entry.mode = len(data), 0o755
        tar.addfile(entry, io.BytesIO(data))
    return (blob(folder, gzip.compress(raw.getvalue(), mtime=0), LAYER),
            "sha256:" + hashlib.sha256(raw.getvalue()).hexdigest())


def image(folder, target, program):
    layers = [layer(folder, "shared", b"the same everywhere\n" * 1000),
              layer(folder, "hello", program if target["here"] else b"for another machine")]
    config = {"os": "linux", "config": {"Cmd": ["/hello"]},
              "rootfs": {"type": "layers", "diff_ids": [diff for _, diff in layers]},
              "history": [{"created_by": "make_layout.py"}] * len(layers), **target["platform"]}
    manifest = {"schemaVersion": 2, "mediaType": MANIFEST,
                "config": blob(folder, json.dumps(config).encode(), CONFIG), "layers": [entry for entry, _ in layers]}
    return {**blob(folder, json.dumps(manifest).encode(), MANIFEST), "platform": {"os": "linux", **target["platform"]}}


def main(folder, program_file):
    os.makedirs(os.path.join(folder, "blobs", "sha256"))
    with open(program_file, "rb") as file:
        program = file.read()
    here = ARCHITECTURES[platform.machine()]
    platforms = [{"architecture": "amd64"}, {"architecture": "arm64"}, {"architecture": "arm", "variant": "v7"}]
    images = [image(folder, {"platform": p, "here": p["architecture"] == here}, program) for p in platforms]
    index = json.dumps({"schemaVersion": 2, "mediaType": INDEX, "manifests": images}).encode()
    tagged = {**blob(folder, index, INDEX), "annotations": {"org.opencontainers.image.ref.name": "multi"}}
    with open(os.path.join(folder, "oci-layout"), "w", encoding="ascii") as file:
        file.write('{"imageLayoutVersion":"1.0.0"}')
    with open(os.path.join(folder, "index.json"), "w", encoding="ascii") as file:
        json.dump({"schemaVersion": 2, "manifests": [tagged]}, file)


main(*sys.argv[1:])
