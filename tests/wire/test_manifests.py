#!/usr/bin/env python3
"""Writing and deleting manifests: what is accepted, what is refused and why (conformance.md "Writing manifests")."""
import json
import threading

import wire

ZERO = "sha256:" + "0" * 64
CONFIG = b'{"architecture":"amd64","os":"linux"}'
LAYER = b"layer"
SCHEMA1 = "application/vnd.docker.distribution.manifest.v1+prettyjws"
LIMIT = 4 << 20


def image(server, repository, **more):
    """A manifest of a config and a layer that the repository holds; `more` replaces or adds members, None removes one."""
    manifest = {"schemaVersion": 2, "mediaType": wire.OCI_MANIFEST,
                "config": wire.descriptor(server.push_blob(repository, CONFIG), len(CONFIG), wire.OCI_CONFIG),
                "layers": [wire.descriptor(server.push_blob(repository, LAYER), len(LAYER))], **more}
    return {key: value for key, value in manifest.items() if value is not None}


def index(*children, **more):
    return {"schemaVersion": 2, "mediaType": wire.OCI_INDEX, "manifests": list(children), **more}


def encoded(manifest):
    return manifest if isinstance(manifest, bytes) else json.dumps(manifest).encode()


def child_of(server, repository, tag="child"):
    """A descriptor of a pushed image."""
    body = encoded(image(server, repository))
    wire.equal(server.put_manifest(repository, tag, body).status, 201)
    return wire.descriptor(wire.sha256(body), len(body), wire.OCI_MANIFEST)


def taken(server, repository, manifest, media_type=wire.OCI_MANIFEST):
    """Put under a tag and read back; the digest."""
    body = encoded(manifest)
    answer = server.put_manifest(repository, "t", body, media_type)
    wire.equal((answer.status, answer.header("docker-content-digest")), (201, wire.sha256(body)), answer)
    got = server.ask("GET", f"/v2/{repository}/manifests/t")
    wire.equal((got.body, got.header("content-type")), (body, media_type))
    return wire.sha256(body)


@wire.case("PUT by tag answers 201 with Location and digest; both references read back")
def _(server):
    repository = wire.fresh()
    body = encoded(image(server, repository))
    answer = server.put_manifest(repository, "v1", body)
    wire.equal((answer.status, answer.body), (201, b""), answer)
    for path in (wire.path_of(answer), f"/v2/{repository}/manifests/v1", f"/v2/{repository}/manifests/{wire.sha256(body)}"):
        wire.equal(server.ask("GET", path).body, body)


@wire.cases("PUT by {0} digest answers 201 under that digest", [("sha256", wire.sha256), ("sha512", wire.sha512)])
def _(server, _name, digest_of):
    repository = wire.fresh()
    body = encoded(image(server, repository))
    answer = server.put_manifest(repository, digest_of(body), body)
    wire.equal((answer.status, answer.header("docker-content-digest")), (201, digest_of(body)), answer)
    got = server.ask("GET", f"/v2/{repository}/manifests/{digest_of(body)}")
    wire.equal((got.status, got.body, got.header("docker-content-digest")), (200, body, digest_of(body)), got)
    wire.one_of(server.ask("GET", f"/v2/{repository}/tags/list").json()["tags"], ([], None))


@wire.case("PUT by digest with ?tag= sets the tags and tells each in OCI-Tag")
def _(server):
    repository = wire.fresh()
    body = encoded(image(server, repository))
    answer = server.put_manifest(repository, f"{wire.sha256(body)}?tag=one&tag=two", body)
    wire.equal(answer.status, 201, answer)
    told = answer.header("oci-tag")
    told = told if isinstance(told, list) else [word.strip() for word in (told or "").split(",")]
    wire.equal(sorted(told), ["one", "two"], answer)
    wire.equal(server.ask("GET", f"/v2/{repository}/tags/list").json()["tags"], ["one", "two"])


@wire.case("a ?tag= outside the grammar is refused and nothing is stored")
def _(server):
    repository = wire.fresh()
    body = encoded(image(server, repository))
    answer = server.put_manifest(repository, f"{wire.sha256(body)}?tag=good&tag=.bad", body)
    wire.equal(answer.status, 400, answer)
    wire.equal(server.ask("HEAD", f"/v2/{repository}/manifests/good").status, 404)


@wire.case("a body that is not its reference's digest: DIGEST_INVALID")
def _(server):
    repository = wire.fresh()
    wire.refused(server.put_manifest(repository, ZERO, image(server, repository)), 400, "DIGEST_INVALID")
    wire.equal(server.ask("HEAD", f"/v2/{repository}/manifests/{ZERO}").status, 404)


@wire.cases("{0} is stored with its media type", [
    ("a Docker schema 2 manifest", wire.DOCKER_MANIFEST, {}),
    ("an OCI manifest without mediaType", wire.OCI_MANIFEST, {"mediaType": None}),
    ("an artifact with an artifactType", wire.OCI_MANIFEST, {"artifactType": "application/vnd.example+type"}),
    ("an image without layers", wire.OCI_MANIFEST, {"layers": []}),
    ("an image with annotations", wire.OCI_MANIFEST, {"annotations": {"a.b": "c \u00e4 \U0001f600"}}),
    ("an image with members of its own", wire.OCI_MANIFEST, {"com.example.extra": [1, {"deep": None}, 1e300, -0.0]}),
    ("a subject that is not there", wire.OCI_MANIFEST, {"subject": wire.descriptor(ZERO, 7, wire.OCI_MANIFEST)}),
    ("a foreign layer with urls that is not there", wire.OCI_MANIFEST, {"layers": [
        wire.descriptor(ZERO, 7, "application/vnd.docker.image.rootfs.foreign.diff.tar.gzip", urls=["https://example.com/layer"])]}),
    ("a nondistributable layer that is not there", wire.OCI_MANIFEST, {"layers": [
        wire.descriptor(ZERO, 7, "application/vnd.oci.image.layer.nondistributable.v1.tar+gzip")]}),
    ("a descriptor with inline data", wire.OCI_MANIFEST, {"annotations": {"x": "y"}, "config": None, "layers": []}),
])
def _(server, sentence, media_type, more):
    repository = wire.fresh()
    if "inline" in sentence:
        more = {**more, "config": wire.descriptor(server.push_blob(repository, b"{}"), 2, "application/vnd.oci.empty.v1+json", data="e30=")}
    if media_type == wire.DOCKER_MANIFEST:
        more = {"mediaType": media_type}
    taken(server, repository, image(server, repository, **more), media_type)


@wire.case("a manifest with a subject answers OCI-Subject")
def _(server):
    repository = wire.fresh()
    child = child_of(server, repository)
    answer = server.put_manifest(repository, "signature", image(server, repository, subject=child, artifactType="a/b"))
    wire.equal((answer.status, answer.header("oci-subject")), (201, child["digest"]), answer)


@wire.case("an index of images, of indexes, and of nothing")
def _(server):
    repository = wire.fresh()
    inner = index(child_of(server, repository))
    body = encoded(inner)
    taken(server, repository, inner, wire.OCI_INDEX)
    taken(server, repository, index(wire.descriptor(wire.sha256(body), len(body), wire.OCI_INDEX)), wire.OCI_INDEX)
    taken(server, repository, index(), wire.OCI_INDEX)


@wire.case("a Docker manifest list")
def _(server):
    repository, kind = wire.fresh(), "application/vnd.docker.distribution.manifest.list.v2+json"
    child = {**child_of(server, repository), "platform": {"os": "linux", "architecture": "amd64"}}
    taken(server, repository, {**index(child), "mediaType": kind}, kind)


def child_missing(server, repository):
    return index(wire.descriptor(ZERO, 7, wire.OCI_MANIFEST)), wire.OCI_INDEX


def layer_elsewhere(server, repository):
    digest = server.push_blob(wire.fresh(), b"only in another repository")
    return image(server, repository, layers=[wire.descriptor(digest, 26)]), wire.OCI_MANIFEST


@wire.cases("{0}: MANIFEST_BLOB_UNKNOWN", [
    ("a layer that is not there", lambda s, r: (image(s, r, layers=[wire.descriptor(ZERO, 7)]), wire.OCI_MANIFEST)),
    ("a config that is not there", lambda s, r: (image(s, r, config=wire.descriptor(ZERO, 7)), wire.OCI_MANIFEST)),
    ("a layer that only another repository holds", layer_elsewhere),
    ("a child that is not there", child_missing),
])
def _(server, _sentence, make):
    repository = wire.fresh()
    manifest, kind = make(server, repository)
    wire.refused(server.put_manifest(repository, "t", manifest, kind), (400, 404), "MANIFEST_BLOB_UNKNOWN")
    wire.equal(server.ask("HEAD", f"/v2/{repository}/manifests/t").status, 404)


def size(value):
    return lambda server, repository: image(server, repository, layers=[
        {**wire.descriptor(server.push_blob(repository, LAYER), 0), "size": value}])


def raw(text):
    """The bytes of a good manifest with «X» replaced."""
    return lambda server, repository: encoded(image(server, repository, marker="X")).replace(b'"X"', text)


@wire.cases("{0}: MANIFEST_INVALID", [
    ("nothing", lambda s, r: b""),
    ("no JSON", lambda s, r: b"not json"),
    ("a list", lambda s, r: b"[]"),
    ("a number", lambda s, r: b"2"),
    ("null", lambda s, r: b"null"),
    ("an empty object", lambda s, r: b"{}"),
    ("truncated JSON", lambda s, r: encoded(image(s, r))[:-5]),
    ("JSON with something after it", lambda s, r: encoded(image(s, r)) + b"{}"),
    ("100,000 nested lists", raw(b"[" * 100000 + b"]" * 100000)),
    ("100,000 nested objects", raw(b'{"a":' * 100000 + b"1" + b"}" * 100000)),
    ("100,000 lists that do not end", raw(b"[" * 100000)),
    ("a duplicate key", lambda s, r: encoded(image(s, r)).replace(b'"layers"', b'"layers":[],"layers"')),
    ("a duplicate key, deep inside", raw(b'{"a":1,"a":2}')),
    ("a NUL in a string", raw(b'"a\\u0000b"')),
    ("a NUL byte", raw(b'"a\0b"')),
    ("bytes that are not UTF-8", raw(b'"\xff\xfe"')),
    ("an unpaired surrogate", raw(b'"\\ud800"')),
    ("overlong UTF-8", raw(b'"\xc0\xaf"')),
    ("a byte order mark", lambda s, r: b"\xef\xbb\xbf" + encoded(image(s, r))),
    ("UTF-16", lambda s, r: json.dumps(image(s, r)).encode("utf-16")),
    ("a trailing comma", raw(b"[1,]")),
    ("a comment", raw(b"1/* */")),
    ("NaN", raw(b"NaN")),
    ("a size below zero", size(-1)),
    ("a size of 2^63", size(2**63)),
    ("a size of 2^64", size(2**64)),
    ("a fractional size", size(5.5)),
    ("a size as text", size("5")),
    ("no size", size(None)),
    ("a size that is not the blob's", size(len(LAYER) + 1)),
    ("schemaVersion 1", lambda s, r: image(s, r, schemaVersion=1)),
    ("schemaVersion 3", lambda s, r: image(s, r, schemaVersion=3)),
    ("schemaVersion as text", lambda s, r: image(s, r, schemaVersion="2")),
    ("no schemaVersion", lambda s, r: image(s, r, schemaVersion=None)),
    ("no config", lambda s, r: image(s, r, config=None)),
    ("layers that are no list", lambda s, r: image(s, r, layers={})),
    ("a layer that is no descriptor", lambda s, r: image(s, r, layers=["x"])),
    ("a layer with a malformed digest", lambda s, r: image(s, r, layers=[wire.descriptor("sha256:abc", 1)])),
    ("a layer with an unknown algorithm", lambda s, r: image(s, r, layers=[wire.descriptor("md5:" + "0" * 32, 1)])),
    ("a layer without a media type", lambda s, r: image(s, r, layers=[{"digest": ZERO, "size": 1}])),
    ("a config without a digest", lambda s, r: image(s, r, config={"mediaType": "a/b", "size": 1})),
    ("a malformed subject", lambda s, r: image(s, r, subject={"digest": "x"})),
    ("both layers and manifests", lambda s, r: image(s, r, manifests=[])),
    ("another mediaType than Content-Type", lambda s, r: image(s, r, mediaType=wire.OCI_INDEX)),
    ("annotations that are no object", lambda s, r: image(s, r, annotations=["a"])),
], stores=False)
def _(server, _sentence, make):
    repository = wire.fresh()
    answer = server.put_manifest(repository, "t", make(server, repository))
    wire.refused(answer, 400, "MANIFEST_INVALID")
    wire.equal(server.ask("HEAD", f"/v2/{repository}/manifests/t").status, 404)


@wire.cases("Content-Type {0} on a manifest: 400 MANIFEST_INVALID or 415", [
    ("text/plain",), ("application/json; charset=latin1",), ("/",), (SCHEMA1,), ("application/vnd.docker.distribution.manifest.v1+json",),
])
def _(server, media_type):
    repository = wire.fresh()
    answer = server.put_manifest(repository, "t", image(server, repository, mediaType=None), media_type)
    wire.refused(answer, (400, 415), ("MANIFEST_INVALID", "UNSUPPORTED"))


@wire.case("Docker schema 1 is refused, and the answer says so")
def _(server):
    body = {"schemaVersion": 1, "name": "a", "tag": "t", "architecture": "amd64", "fsLayers": [], "history": [], "signatures": []}
    answer = server.put_manifest(wire.fresh(), "t", body, SCHEMA1)
    wire.refused(answer, 400, "MANIFEST_INVALID")
    wire.true("schema 1" in answer.body.decode().lower() or "schema1" in answer.body.decode().lower(), f"{answer!r}")


@wire.case("an index sent as a manifest, and the other way round, is refused (CVE-2021-41190)", stores=False)
def _(server):
    repository = wire.fresh()
    wire.refused(server.put_manifest(repository, "t", {"schemaVersion": 2, "manifests": []}), 400, "MANIFEST_INVALID")
    wire.refused(server.put_manifest(repository, "t", image(server, repository, mediaType=None), wire.OCI_INDEX), 400, "MANIFEST_INVALID")


@wire.case("a manifest of just under 4 MiB is taken")
def _(server):
    repository = wire.fresh()
    manifest = image(server, repository, annotations={"fill": ""})
    manifest["annotations"]["fill"] = "x" * (LIMIT - len(encoded(manifest)))
    wire.equal(len(encoded(manifest)), LIMIT)
    taken(server, repository, manifest)


@wire.case("a manifest announced as more than 4 MiB: 413 before its body, and the connection closes (CVE-2017-11468)", stores=False)
def _(server):
    with server.connect() as c:
        c.send(c.compose("PUT", "/v2/large/manifests/t", [("Content-Type", wire.OCI_MANIFEST), ("Content-Length", str(LIMIT + 1))], b"{"))
        answer = c.answer()
        wire.refused(answer, 413, ("SIZE_INVALID", "MANIFEST_INVALID"))
        wire.true(c.ended(), "the connection stays open")


@wire.case("a chunked manifest that grows over 4 MiB: 413, and the connection closes early (CVE-2017-11468)", stores=False)
def _(server):
    with server.connect() as c:
        c.send(c.compose("PUT", "/v2/large/manifests/t", [("Content-Type", wire.OCI_MANIFEST), ("Transfer-Encoding", "chunked")]))
        piece = b"10000\r\n" + b" " * 65536 + b"\r\n"
        for _ in range(80):
            c.send(piece)
        answer = c.answer()
        wire.refused(answer, 413)
        wire.true(c.ended(), "the connection stays open")


@wire.case("concurrent PUTs of one tag: all 201, and the tag is one of them, whole")
def _(server):
    repository, got = wire.fresh(), []
    bodies = [encoded(image(server, repository, annotations={"n": str(n)})) for n in range(32)]

    def put(body):
        got.append(server.put_manifest(repository, "t", body).status)
    threads = [threading.Thread(target=put, args=(body,)) for body in bodies]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    wire.equal(got, [201] * 32)
    wire.one_of(server.ask("GET", f"/v2/{repository}/manifests/t").body, bodies)
    for body in bodies:
        wire.equal(server.ask("HEAD", f"/v2/{repository}/manifests/{wire.sha256(body)}").status, 200)


@wire.case("a deleted tag answers 202, then 404 at once, and leaves the digest")
def _(server):
    repository = wire.fresh()
    digest = taken(server, repository, image(server, repository))
    wire.equal(server.ask("DELETE", f"/v2/{repository}/manifests/t").status, 202)
    wire.refused(server.ask("GET", f"/v2/{repository}/manifests/t"), 404, "MANIFEST_UNKNOWN")
    wire.refused(server.ask("DELETE", f"/v2/{repository}/manifests/t"), 404, "MANIFEST_UNKNOWN")
    wire.equal(server.ask("GET", f"/v2/{repository}/manifests/{digest}").status, 200)


@wire.case("a deleted digest answers 202, then 404 at once, and takes its tags along")
def _(server):
    repository = wire.fresh()
    body = encoded(image(server, repository))
    for tag in ("a", "b"):
        server.put_manifest(repository, tag, body)
    server.push_image(repository, "other", b"other")
    wire.equal(server.ask("DELETE", f"/v2/{repository}/manifests/{wire.sha256(body)}").status, 202)
    for reference in ("a", "b", wire.sha256(body)):
        wire.refused(server.ask("GET", f"/v2/{repository}/manifests/{reference}"), 404, "MANIFEST_UNKNOWN")
    wire.equal(server.ask("GET", f"/v2/{repository}/tags/list").json()["tags"], ["other"])
    wire.refused(server.ask("DELETE", f"/v2/{repository}/manifests/{wire.sha256(body)}"), 404, "MANIFEST_UNKNOWN")


@wire.case("a deleted digest takes all its tags along, however many")
def _(server):
    repository = wire.fresh()
    body = encoded(image(server, repository))
    tags = [f"t{number}" for number in range(600)]
    for tag in tags:
        wire.equal(server.put_manifest(repository, tag, body).status, 201)
    wire.equal(server.ask("DELETE", f"/v2/{repository}/manifests/{wire.sha256(body)}").status, 202)
    for tag in (tags[0], tags[-1]):
        wire.refused(server.ask("GET", f"/v2/{repository}/manifests/{tag}"), 404, "MANIFEST_UNKNOWN")
    wire.equal(json.loads(server.ask("GET", f"/v2/{repository}/tags/list").body)["tags"], [])
    wire.refused(server.ask("GET", f"/v2/{repository}/manifests/{wire.sha256(body)}"), 404, "MANIFEST_UNKNOWN")


@wire.case("a deleted manifest can be pushed again")
def _(server):
    repository = wire.fresh()
    manifest = image(server, repository)
    for _ in range(3):
        digest = taken(server, repository, manifest)
        wire.equal(server.ask("DELETE", f"/v2/{repository}/manifests/{digest}").status, 202)


@wire.case("a deleted blob answers 202, then 404 at once; other repositories keep it")
def _(server):
    mine, other = wire.fresh(), wire.fresh()
    data = b"deleted in one place"
    digest = server.push_blob(mine, data)
    server.push_blob(other, data)
    wire.equal(server.ask("DELETE", f"/v2/{mine}/blobs/{digest}").status, 202)
    wire.refused(server.ask("GET", f"/v2/{mine}/blobs/{digest}"), 404, "BLOB_UNKNOWN")
    wire.refused(server.ask("DELETE", f"/v2/{mine}/blobs/{digest}"), 404, "BLOB_UNKNOWN")
    wire.equal(server.ask("GET", f"/v2/{other}/blobs/{digest}").body, data)
    server.push_blob(mine, data)
    wire.equal(server.ask("GET", f"/v2/{mine}/blobs/{digest}").status, 200)


wire.main()
