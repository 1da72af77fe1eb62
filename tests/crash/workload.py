"""What the registry does while it is killed, starved and cut off: a few small scenarios with everything that changes it.

Each is deterministic but for the order of things that happen at once. Contents are few bytes: the points are in the
calls, not in the bytes.
"""
import hashlib
import json
import os
import random
import select
import threading
import time

from control import FAILING, FOREVER, mask
from ledger import Ledger
from registry import PATIENCE, RESTING, SWEEPING, Failed, Gone, dying_is_gone

OCI_MANIFEST = "application/vnd.oci.image.manifest.v1+json"
OCI_INDEX = "application/vnd.oci.image.index.v1+json"
OCI_CONFIG = "application/vnd.oci.image.config.v1+json"
OCI_LAYER = "application/vnd.oci.image.layer.v1.tar"


class Refused(Exception):
    """An answer that is neither success nor the registry's end."""

    def __init__(self, answer, what):
        super().__init__(f"{what}: {answer!r}")
        self.answer = answer


def content(name, size=1000):
    """Bytes that belong to a name."""
    return random.Random(name).randbytes(size)


def digest_of(data):
    return "sha256:" + hashlib.sha256(data).hexdigest()


def descriptor(data, media_type):
    return {"mediaType": media_type, "digest": digest_of(data), "size": len(data)}


def image_of(config, layers, subject=None):
    """A manifest over these blobs, as bytes."""
    manifest = {"schemaVersion": 2, "mediaType": OCI_MANIFEST, "config": descriptor(config, OCI_CONFIG),
                "layers": [descriptor(layer, OCI_LAYER) for layer in layers]}
    if subject is not None:
        manifest["subject"] = descriptor(subject, OCI_MANIFEST)
    return json.dumps(manifest).encode()


def index_of(manifests):
    return json.dumps({"schemaVersion": 2, "mediaType": OCI_INDEX,
                       "manifests": [descriptor(manifest, OCI_MANIFEST) for manifest in manifests]}).encode()


def path_of(answer):
    location = answer.header("location")
    return location[location.index("/v2/"):]


def with_digest(path, digest):
    return path + ("&" if "?" in path else "?") + f"digest={digest}"


class Client:
    """Asks a registry and keeps the ledger."""

    def __init__(self, registry, ledger):
        self.registry, self.ledger = registry, ledger

    def _asked(self):
        return self.registry.control.calls if self.registry.control else 0

    def _answered(self):
        return self.registry.control.sent if self.registry.control else 0

    def change(self, what, values, wanted, request):
        """`request`: arguments of Registry.ask(), or a function that answers. The answer when its status is `wanted`."""
        change = self.ledger.ask(what, values, self._asked())
        answer = request() if callable(request) else self.registry.ask(*request)
        if answer.status != wanted:
            raise Refused(answer, what)
        self.ledger.acknowledge(change, self._answered())
        return answer

    # ---- uploads ----

    def begin(self, repository):
        """A new upload; its address."""
        asked = self._asked()
        answer = self.registry.ask("POST", f"/v2/{repository}/blobs/uploads/")
        if answer.status != 202:
            raise Refused(answer, "begin an upload")
        change = self.ledger.ask("begin an upload", {("upload", path_of(answer)): b""}, asked)
        self.ledger.acknowledge(change, self._answered())
        return path_of(answer)

    def append(self, upload, data):
        held = self.ledger.now(("upload", upload))
        chunk = [("Content-Type", "application/octet-stream"), ("Content-Range", f"{len(held)}-{len(held) + len(data) - 1}")]
        self.change("append to an upload", {("upload", upload): held + data}, 202, ("PATCH", upload, chunk, data))

    def append_streamed(self, upload, data):
        """In two HTTP chunks, without a length."""
        held = self.ledger.now(("upload", upload))
        half = len(data) // 2
        body = b"".join(b"%x\r\n%b\r\n" % (len(part), part) for part in (data[:half], data[half:], b""))
        self.change("stream to an upload", {("upload", upload): held + data}, 202,
                    ("PATCH", upload, [("Transfer-Encoding", "chunked")], body))

    def append_and_hang_up(self, upload, data):
        """Announces `data`, sends half of it, is gone once that has arrived; the session keeps it."""
        held = self.ledger.now(("upload", upload))
        half = len(data) // 2
        change = self.ledger.ask("append half and hang up", {("upload", upload): held + data[:half]}, self._asked())
        with dying_is_gone(), self.registry.connect() as connection:
            request = connection.compose("PATCH", upload, [("Content-Length", str(len(data)))], data)
            connection.send(request[:len(request) - half])
            self.arrived(connection, upload, len(held) + half)
        if self.settled(upload) != len(held) + half:
            raise Failed("an upload lost bytes when its client hung up")
        self.ledger.acknowledge(change, self._answered())

    def arrived(self, connection, upload, wanted):
        until = time.monotonic() + PATIENCE
        while offset_of(self.registry.ask("GET", upload)) < wanted:
            if select.select([connection.socket], [], [], 0.005)[0]:
                raise Refused(connection.answer(), "append half")
            if time.monotonic() > until:
                raise Failed("bytes do not arrive in an upload")

    def settled(self, upload):
        """The offset of an upload whose client has just gone, once nobody holds it any more."""
        until = time.monotonic() + PATIENCE
        while time.monotonic() < until:
            answer = self.registry.ask("PATCH", upload, [("Content-Type", "application/octet-stream")], b"")
            if answer.status == 202:
                return offset_of(answer)
            if answer.status != 416:
                raise Refused(answer, "look after an upload")
            time.sleep(0.005)
        raise Failed("an upload stays held after its client has gone")

    def finish(self, repository, upload, rest=b""):
        """On the way to a blob the upload may hold all of its bytes."""
        data = self.ledger.now(("upload", upload)) + rest
        self.ledger.allow(("upload", upload), data, self._asked())
        self.change("finish an upload", {("upload", upload): None, ("blob", repository, digest_of(data)): data}, 201,
                    ("PUT", with_digest(upload, digest_of(data)), (), rest))

    def cancel(self, upload):
        self.change("cancel an upload", {("upload", upload): None}, 204, ("DELETE", upload))

    def push_blob(self, repository, data):
        self.finish(repository, self.begin(repository), data)

    def push_blob_at_once(self, repository, data):
        """POST with the digest and all bytes (end-4b)."""
        path = with_digest(f"/v2/{repository}/blobs/uploads/", digest_of(data))
        self.change("push a blob at once", {("blob", repository, digest_of(data)): data}, 201, ("POST", path, (), data))

    def mount(self, repository, data, source):
        path = f"/v2/{repository}/blobs/uploads/?mount={digest_of(data)}&from={source}"
        self.change("mount", {("blob", repository, digest_of(data)): data}, 201, ("POST", path))

    # ---- manifests ----

    def put_manifest(self, repository, tag, manifest, media_type=OCI_MANIFEST):
        """Without a tag, by its digest."""
        digest = digest_of(manifest)
        values = {("manifest", repository, digest): (media_type, manifest)}
        if tag:
            values[("tag", repository, tag)] = digest
        self.change(f"put a manifest as {tag}", values, 201,
                    ("PUT", f"/v2/{repository}/manifests/{tag or digest}", [("Content-Type", media_type)], manifest))

    def push_image(self, repository, tag, name, **more):
        """One config and one layer; the manifest."""
        config, layer = content(f"{name} config", 300), content(f"{name} layer")
        self.push_blob(repository, config)
        self.push_blob_at_once(repository, layer)
        manifest = image_of(config, [layer], **more)
        self.put_manifest(repository, tag, manifest)
        return manifest

    def delete_tag(self, repository, tag):
        self.change("delete a tag", {("tag", repository, tag): None}, 202, ("DELETE", f"/v2/{repository}/manifests/{tag}"))

    def delete_manifest(self, repository, manifest):
        digest = digest_of(manifest)
        values = {("tag", repository, tag): None for tag, named in self.ledger.holding("tag", repository).items()
                  if named == digest}
        values[("manifest", repository, digest)] = None
        self.change("delete a manifest", values, 202, ("DELETE", f"/v2/{repository}/manifests/{digest}"))

    def delete_blob(self, repository, data):
        path = f"/v2/{repository}/blobs/{digest_of(data)}"
        self.change("delete a blob", {("blob", repository, digest_of(data)): None}, 202, ("DELETE", path))


def offset_of(answer):
    """Bytes that an upload holds, by its Range; "0-0" is none or one, and nothing here has one."""
    if answer.header("range") is None:
        raise Refused(answer, "look after an upload")
    last = int(answer.header("range").split("-")[1])
    return last + 1 if last > 0 else 0


# ---- scenarios ----


def prepare_store(client):
    """A registry that has been in use."""
    client.push_image("old/app", "1", "first")
    client.push_image("old/app", "2", "second")
    child = client.push_image("old/app", None, "child")
    client.put_manifest("old/app", "all", index_of([child]), OCI_INDEX)
    client.push_image("old/app", None, "signature", subject=child)
    client.push_image("old/doomed", "only", "doomed")
    client.push_blob("old/loose", content("loose"))
    client.append(client.begin("old/app"), content("paused", 3000))


def push_first_image(client):
    client.push_image("new/app", "1", "third")


def push_in_every_way(client):
    client.push_image("new/app", "1", "third")
    upload = client.begin("new/app")
    client.append(upload, content("chunk 1", 700))
    client.append_streamed(upload, content("chunk 2", 600))
    client.finish("new/app", upload, content("chunk 3", 500))
    client.push_blob("new/app", content("large", 150_000))
    client.push_blob_at_once("new/app", content("third layer"))  # it is there already
    client.mount("new/app", content("first layer"), "old/app")


def resume(client):
    paused = next(key[1] for key, value in client.ledger.initial.items() if key[0] == "upload" and value)
    client.append_and_hang_up(paused, content("cut off", 4000))
    client.finish("old/app", paused, content("the rest", 100))
    upload = client.begin("old/app")
    client.append(upload, content("not wanted", 200))
    client.cancel(upload)
    client.append(client.begin("old/app"), content("still going on", 1500))


def tag_and_attach(client):
    client.push_image("old/app", "1", "newer")  # moves a tag
    child = image_of(content("child config", 300), [content("child layer")])
    client.push_image("old/app", None, "attached", subject=child)
    third = image_of(content("third config", 300), [content("third layer")])
    client.put_manifest("new/app", "all", index_of([third]), OCI_INDEX)


def delete(client):
    doomed = image_of(content("doomed config", 300), [content("doomed layer")])
    client.delete_tag("old/app", "2")
    client.delete_manifest("old/doomed", doomed)
    client.delete_blob("old/loose", content("loose"))
    client.push_blob("old/loose", content("loose"))  # again


def all_at_once(client):
    """Several clients whose changes meet in one commit."""
    failures = []
    config, layer = content("busy config", 300), content("busy layer")
    client.push_blob("busy/app", config)
    client.push_blob("busy/app", layer)
    gate = threading.Barrier(4)

    def put(number):
        manifest = image_of(config, [layer] * (number + 1))
        gate.wait()
        try:
            client.put_manifest("busy/app", f"t{number}", manifest)
        except (Gone, Refused) as error:
            failures.append(error)

    threads = [threading.Thread(target=put, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if failures:
        raise failures[0]


def prepare_sweep(client):
    """Blobs that nobody needs, and an image that somebody does."""
    client.push_image("kept/app", "1", "kept")
    client.push_image("swept/app", "1", "going")
    for number in range(4):
        client.push_blob(f"swept/loose{number % 2}", content(f"loose {number}"))
        client.ledger.allow(("blob", f"swept/loose{number % 2}", digest_of(content(f"loose {number}"))), None)


def delete_and_wait(client):
    """Until everything that nobody needs is gone. It may go from the first moment on."""
    going = {name: content(f"going {name}", size) for name, size in (("config", 300), ("layer", 1000))}
    loose = [(f"swept/loose{number % 2}", content(f"loose {number}")) for number in range(4)]
    for repository, data in loose:
        client.ledger.allow(("blob", repository, digest_of(data)), None)
    client.delete_manifest("swept/app", image_of(going["config"], [going["layer"]]))
    loose += [("swept/app", data) for data in going.values()]
    for repository, data in loose:
        client.ledger.allow(("blob", repository, digest_of(data)), None)
    until = time.monotonic() + 6 * PATIENCE  # every folder of blobs is looked at, and strace may be looking, too
    while any(os.path.exists(blob_file(client.registry, data)) for _, data in loose):  # asking would prolong the leases
        if not client.registry.running():
            raise Gone("killed while it swept")
        if time.monotonic() > until:
            raise Failed("what nobody needs is not swept")
        time.sleep(0.02)


def blob_file(registry, data):
    digest = hashlib.sha256(data).hexdigest()
    return os.path.join(registry.data, "blobs", "sha256", digest[:2], digest)


class Scenario:
    """`prepare` fills the data directory before the shim is there; `steps` follow each other, each on its own feet."""

    def __init__(self, name, prepare, steps, sweeping=RESTING, can_fail=FAILING, alike=0, bears=FOREVER):
        self.name, self.prepare, self.steps, self.sweeping = name, prepare, steps, sweeping
        self.can_fail = can_fail  # kinds of calls
        self.bears = bears  # how many failing calls one after the other, and still comes to its end
        self.alike = alike  # so many of the first calls are one and the same

    def run(self, client):
        for step in self.steps:
            step(client)

    def numbers(self, calls):
        """The calls to try: of those that are alike, some."""
        return [number for number in range(1, calls + 1) if calls <= self.alike or number > self.alike or number % 16 == 1]


# The first start makes 512 folders. A sweeper opens as many; after a failure it waits for its next turn.
SCENARIOS = [
    Scenario("first start", None, [push_first_image], alike=512),
    Scenario("work", prepare_store, [push_in_every_way, resume, tag_and_attach, delete, all_at_once]),
    Scenario("sweep", prepare_sweep, [delete_and_wait], SWEEPING, FAILING & ~mask("open"), bears=3),
]


def new_ledger(values=None):
    return Ledger(values)
