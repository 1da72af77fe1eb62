#!/usr/bin/env python3
"""Published flaws of other registries, one case each by the name it is known under: none of them is ours (hostile.md)."""
import base64
import time

import wire

MIB = 1 << 20
LIMIT = 4 * MIB  # of a manifest
PEOPLE = ("bob", "creator", "stranger")
ACCESS = """access:
  rules:
    - {{subjects: [alice]}}
    - {{repositories: [open/**], subjects: [anonymous], actions: [pull]}}
    - {{repositories: [shared/**], subjects: [bob], actions: [pull, push, overwrite, delete]}}
    - {{repositories: [bob/**], subjects: [bob], actions: [pull, push, overwrite, delete]}}
    - {{repositories: [team/**], subjects: [creator], actions: [pull, push]}}
"""
NO_DELETE = wire.CONFIG.replace("delete: {{enabled: true}}", "delete: {{enabled: false}}")
wire.CONFIG += ACCESS


class Server(wire.Server):
    def __init__(self, config=None):
        super().__init__(config)
        for name in PEOPLE:
            self.add_user(name, f"{name}'s password")


wire.Server = Server


def as_user(name):
    return "Basic " + base64.b64encode(f"{name}:{name}'s password".encode()).decode()


def padded(server, repository, size):
    """A manifest of that very size."""
    manifest = server.image(repository, annotations={"fill": ""})
    manifest["annotations"]["fill"] = "x" * (size - len(wire.json.dumps(manifest)))
    return wire.json.dumps(manifest).encode()


@wire.cases("CVE-2017-11468: a manifest without bounds, {0}, is refused at its limit and takes no memory", [("announced",), ("in chunks",)], stores=False)
def _(server, way):
    before = server.memory_kib()
    for _ in range(20):
        with server.connect() as c:
            head = [("Content-Type", wire.OCI_MANIFEST)]
            if way == "announced":
                c.send(c.compose("PUT", "/v2/cve/large/manifests/t", [*head, ("Content-Length", str(1 << 40))], b"{"))
            else:
                c.send(c.compose("PUT", "/v2/cve/large/manifests/t", [*head, ("Transfer-Encoding", "chunked")]))
                for _ in range(LIMIT // 65536 + 16):
                    c.send(b"10000\r\n" + b" " * 65536 + b"\r\n")
            wire.refused(c.answer(), 413, "SIZE_INVALID" if way == "announced" else ("SIZE_INVALID", "MANIFEST_INVALID"))
            wire.true(c.ended(), "the connection stays open")
    if not wire.os.environ.get("SANITIZER_SLOW"):
        wire.true(server.memory_kib() - before < 32 << 10, f"{before} KiB before, {server.memory_kib()} after")
    wire.refused(server.ask("GET", "/v2/cve/large/manifests/t"), 404)


@wire.case("CVE-2017-11468: the largest manifest that is allowed is taken, one byte more is not")
def _(server):
    repository = wire.fresh()
    wire.equal(server.put_manifest(repository, "t", padded(server, repository, LIMIT)).status, 201)
    wire.refused(server.put_manifest(repository, "u", padded(server, repository, LIMIT + 1)), 413)
    wire.refused(server.ask("GET", f"/v2/{repository}/manifests/u"), 404, "MANIFEST_UNKNOWN")


@wire.cases("CVE-2021-41190: {0}, is refused, so that nobody can read it as something else", [
    ("a manifest that has both layers and manifests", wire.OCI_MANIFEST, lambda m: {**m, "manifests": []}),
    ("an index that has both manifests and layers", wire.OCI_INDEX, lambda m: {"schemaVersion": 2, "manifests": [], "layers": []}),
    ("an index that has a config", wire.OCI_INDEX, lambda m: {"schemaVersion": 2, "manifests": [], "config": m["config"]}),
    ("an image under the Content-Type of an index", wire.OCI_INDEX, lambda m: {k: v for k, v in m.items() if k != "mediaType"}),
    ("an index under the Content-Type of an image", wire.OCI_MANIFEST, lambda m: {"schemaVersion": 2, "manifests": []}),
    ("an image whose mediaType is an index's", wire.OCI_MANIFEST, lambda m: {**m, "mediaType": wire.OCI_INDEX}),
    ("an image in OCI's words under Docker's type", wire.DOCKER_MANIFEST, lambda m: m),
])
def _(server, _sentence, media_type, change):
    repository = wire.fresh()
    wire.refused(server.put_manifest(repository, "t", change(server.image(repository)), media_type), 400, "MANIFEST_INVALID")
    wire.refused(server.ask("GET", f"/v2/{repository}/manifests/t"), 404)


@wire.cases("CVE-2023-2253: ?n={1} on {0} costs a page, not what it says", [
    (path, n) for path in ("_catalog", "open/many/tags/list") for n in (2**31 - 1, 2**31, 2**63, 2**64 - 1, 10**30)], stores=True)
def _(server, path, n):
    if server.ask("HEAD", "/v2/open/many/manifests/t0").status == 404:
        manifest = server.image("open/many")
        for number in range(3):
            wire.equal(server.put_manifest("open/many", f"t{number}", manifest).status, 201)
    before, began = server.memory_kib(), time.monotonic()
    for _ in range(50):
        answer = server.ask("GET", f"/v2/{path}?n={n}")
        wire.equal(answer.status, 200, answer)
        wire.true("open/many" in answer.body.decode(), answer)
    wire.true(time.monotonic() - began < wire.PATIENCE, f"{time.monotonic() - began:.1f} s")
    wire.true(server.memory_kib() - before < 16 << 10, f"{before} KiB before, {server.memory_kib()} after")


@wire.case("CVE-2024-39897: a blob that only an unreadable repository holds is neither seen, fetched nor mounted, and looks like none")
def _(server):
    data, bob = b"of the board", as_user("bob")
    digest, absent = server.push_blob("board/papers", data), wire.sha256(b"never pushed")

    def outcome(method, path):
        answer = server.ask(method, path, authorization=bob)
        return answer.status, answer.body.replace(digest.encode(), b"D").replace(absent.encode(), b"D"), answer.header("range")
    for method, path in (("HEAD", "/v2/bob/app/blobs/{}"), ("GET", "/v2/bob/app/blobs/{}"), ("HEAD", "/v2/board/papers/blobs/{}"),
                         ("GET", "/v2/board/papers/blobs/{}"), ("POST", "/v2/bob/app/blobs/uploads/?mount={}&from=board/papers"),
                         ("POST", "/v2/bob/app/blobs/uploads/?mount={}"), ("GET", "/v2/bob/app/manifests/{}")):
        there, nowhere = outcome(method, path.format(digest)), outcome(method, path.format(absent))
        wire.equal(there, nowhere, (method, path))
        wire.one_of(there[0], (202, 403, 404), (method, path))
    wire.equal(server.ask("GET", f"/v2/board/papers/blobs/{digest}").body, data)


@wire.cases("CVE-2026-41888: where deleting is switched off, {0} is answered 405 and stays", [("a tag",), ("a manifest",), ("a blob",)])
def _(_server, what):
    other = Server(NO_DELETE).start()
    try:
        digest = other.push_image("keep/app", "v1", b"kept")
        blob = wire.sha256(b"kept")
        path = {"a tag": "manifests/v1", "a manifest": f"manifests/{digest}", "a blob": f"blobs/{blob}"}[what]
        answer = other.ask("DELETE", f"/v2/keep/app/{path}")
        wire.refused(answer, 405, "UNSUPPORTED")
        wire.true("DELETE" not in answer.header("allow"), answer)
        for kept in ("manifests/v1", f"manifests/{digest}", f"blobs/{blob}"):
            wire.equal(other.ask("GET", f"/v2/keep/app/{kept}").status, 200, kept)
        wire.equal(other.ask("GET", "/v2/keep/app/tags/list").json()["tags"], ["v1"])
    finally:
        other.stop()
        other.remove()


@wire.case("CVE-2026-32589: another user's upload cannot be seen, filled, ended or cancelled, even by who may push there")
def _(server):
    place = server.begin("shared/app")
    wire.equal(server.ask("PATCH", place, body=b"of alice").status, 202)
    wrong = wire.add_query(place, f"digest={wire.sha256(b'of alice')}")
    for method, path, body in (("GET", place, None), ("PATCH", place, b"!"), ("PUT", wrong, b""), ("DELETE", place, None)):
        wire.refused(server.ask(method, path, body=body, authorization=as_user("bob")), 404, "BLOB_UPLOAD_UNKNOWN")
    wire.equal(server.ask("GET", place).header("range"), "0-7")
    wire.equal(server.ask("PUT", wrong).status, 201)


@wire.case("CVE-2026-27771: nobody pulls a private image without a login, by any of its ways, while another is open to all")
def _(server):
    for repository in ("open/app", "private/app"):
        server.push_image(repository, "v1", b"content")
    digest = server.ask("HEAD", "/v2/private/app/manifests/v1").header("docker-content-digest")
    paths = ("manifests/v1", f"manifests/{digest}", f"blobs/{wire.sha256(b'content')}", "tags/list", f"referrers/{digest}")
    nobody = server.ask("GET", "/v2/_token?service=registry.test&scope=repository:private/app:pull", authorization=None)
    credentials = [None] + (["Bearer " + nobody.json()["token"]] if nobody.status == 200 else [])
    for credential in credentials:
        for path in paths:
            wire.equal(server.ask("GET", f"/v2/open/app/{path}", authorization=credential).status, 200, path)
            for method in ("GET", "HEAD"):
                answer = server.ask(method, f"/v2/private/app/{path}", authorization=credential)
                wire.one_of(answer.status, (401, 403), answer)
        wire.true("private" not in server.ask("GET", "/v2/_catalog", authorization=credential).body.decode(), "the catalog names it")
    wire.equal(len(credentials), 2, "a pass in nobody's name is given out and tried")


@wire.case("CVE-2026-31801: who may push but not overwrite leaves an existing tag where it is, whatever he tries")
def _(server):
    first = server.push_image("team/app", "v1", b"first")
    creator = as_user("creator")
    other = wire.json.dumps(server.image("team/app", b"second")).encode()
    tries = ("v1", f"{wire.sha256(other)}?tag=v1", f"{wire.sha256(other)}?tag=new&tag=v1")
    for reference in tries:
        answer = server.ask("PUT", f"/v2/team/app/manifests/{reference}", [("Content-Type", wire.OCI_MANIFEST)], other, creator)
        wire.refused(answer, 403, "DENIED")
    for path in ("manifests/v1", f"manifests/{first}"):
        wire.refused(server.ask("DELETE", f"/v2/team/app/{path}", authorization=creator), 403, "DENIED")
    wire.equal(server.ask("HEAD", "/v2/team/app/manifests/v1").header("docker-content-digest"), first)
    wire.equal(server.ask("GET", "/v2/team/app/tags/list").json()["tags"], ["v1"])
    answer = server.ask("PUT", "/v2/team/app/manifests/v2", [("Content-Type", wire.OCI_MANIFEST)], other, creator)
    wire.equal(answer.status, 201, answer)


wire.main()
