"""What the registry has acknowledged, and whether it still holds.

Each repository has one writer at a time (its lock). An answer makes a fact; a connection that ended without one leaves two
possibilities, and the next look decides which of them is the fact. What no tag leads to may go at any time (garbage
collection); what a tag leads to, through indexes and referrers, may not.
"""
import hashlib
import json
import threading

OCI_MANIFEST = "application/vnd.oci.image.manifest.v1+json"
OCI_INDEX = "application/vnd.oci.image.index.v1+json"
OCI_CONFIG = "application/vnd.oci.image.config.v1+json"
OCI_LAYER = "application/vnd.oci.image.layer.v1.tar"
ABSENT = None


def sha256(data):
    return "sha256:" + hashlib.sha256(data).hexdigest()


class Lost(Exception):
    """Something acknowledged is not there, or not as it was."""


class Manifest:
    """Bytes and what they name: blobs by digest with their size, and other manifests."""

    def __init__(self, content, blobs=(), children=()):
        self.body = json.dumps(content).encode()
        self.digest, self.media_type = sha256(self.body), content["mediaType"]
        self.blobs, self.children = dict(blobs), list(children)
        self.attached = {}  # acknowledged referrers by digest

    def descriptor(self):
        return {"mediaType": self.media_type, "digest": self.digest, "size": len(self.body)}


def image(blobs, note, subject=None):
    """`blobs`: the bytes of the config and of the layers."""
    parts = [{"mediaType": OCI_LAYER, "digest": sha256(data), "size": len(data)} for data in blobs]
    parts[0]["mediaType"] = OCI_CONFIG
    content = {"schemaVersion": 2, "mediaType": OCI_MANIFEST, "config": parts[0], "layers": parts[1:], "annotations": {"note": note}}
    if subject:
        content.update(subject=subject.descriptor(), artifactType="application/vnd.berth.soak")
    return Manifest(content, {part["digest"]: part["size"] for part in parts})


def index(children, note):
    content = {"schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": [child.descriptor() for child in children], "annotations": {"note": note}}
    return Manifest(content, children=children)


class Repository:
    def __init__(self, name):
        self.name, self.lock = name, threading.Lock()
        self.tags = {}  # tag → set of what it may name: Manifests or ABSENT

    # ---- what a writer says before and after it asks, holding the lock ----

    def maybe(self, tag, manifest):
        self.tags[tag] = self.tags.get(tag, {ABSENT}) | {manifest}

    def surely(self, tag, manifest):
        self.tags[tag] = {manifest}

    def naming(self, manifest):
        """The tags that may name it."""
        return [tag for tag, possible in self.tags.items() if manifest in possible]

    def sure_tags(self):
        return [tag for tag, possible in self.tags.items() if len(possible) == 1 and ABSENT not in possible]

    def manifest_of(self, tag):
        return next(iter(self.tags[tag]))

    # ---- looking: `ask` is Actor.ask, the lock is held ----

    def verify(self, ask, tag, blobs=True):
        """Raises Lost. Makes a possibility a fact."""
        possible = self.tags[tag]
        answer = ask((200, 404), "GET", f"/v2/{self.name}/manifests/{tag}")
        found = ABSENT
        if answer.status == 200:
            found = next((one for one in possible if one and one.body == answer.body), ABSENT)
            if found is ABSENT:
                raise Lost(f"{self.name}:{tag} is {sha256(answer.body)}, which it cannot be: {names(possible)}")
        elif ABSENT not in possible:
            raise Lost(f"{self.name}:{tag} is gone: {names(possible)}")
        self.tags[tag] = {found}
        if found is not ABSENT:
            self.verify_manifest(ask, found, blobs, seen=set(), fetched=True)

    def verify_manifest(self, ask, manifest, blobs, seen, fetched=False):
        if manifest.digest in seen:
            return
        seen.add(manifest.digest)
        if not fetched:
            answer = ask((200, 404), "GET", f"/v2/{self.name}/manifests/{manifest.digest}")
            if answer.status != 200 or answer.body != manifest.body:
                raise Lost(f"{self.name}@{manifest.digest}: {answer.status}, {len(answer.body)} bytes")
        for digest, size in manifest.blobs.items():
            self.verify_blob(ask, digest, size, blobs)
        for child in manifest.children:
            self.verify_manifest(ask, child, blobs, seen)
        self.verify_attached(ask, manifest, blobs, seen)

    def verify_blob(self, ask, digest, size, whole):
        answer = ask((200, 404), "GET" if whole else "HEAD", f"/v2/{self.name}/blobs/{digest}")
        if answer.status != 200 or int(answer.header("content-length")) != size or (whole and sha256(answer.body) != digest):
            raise Lost(f"{self.name}: the blob {digest} of {size} bytes: {answer.status}, {len(answer.body)} bytes")

    def verify_attached(self, ask, manifest, blobs, seen):
        if not manifest.attached:
            return
        listed = {entry["digest"] for entry in ask((200,), "GET", f"/v2/{self.name}/referrers/{manifest.digest}").json()["manifests"]}
        missing = set(manifest.attached) - listed
        if missing:
            raise Lost(f"{self.name}@{manifest.digest}: the list of referrers lacks {missing}")
        for attached in manifest.attached.values():
            self.verify_manifest(ask, attached, blobs, seen)


def names(possible):
    return [one.digest if one else "absent" for one in possible]
