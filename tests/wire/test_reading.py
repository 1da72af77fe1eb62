#!/usr/bin/env python3
"""Reading blobs and manifests: headers, ranges, conditional requests (conformance.md "Reading"; RFC 9110)."""
import hashlib

import wire

DATA = b"".join(hashlib.sha256(b"%d" % n).digest() for n in range(2000))
SIZE = len(DATA)
DIGEST = wire.sha256(DATA)
REPOSITORY = "reading/blobs"
BLOB = f"/v2/{REPOSITORY}/blobs/{DIGEST}"


def blob(server):
    if server.ask("HEAD", BLOB).status == 404:
        server.push_blob(REPOSITORY, DATA)


@wire.case("GET and HEAD of a blob have the exact length, digest, entity tag and offer ranges")
def _(server):
    blob(server)
    get, head = server.ask("GET", BLOB), server.ask("HEAD", BLOB)
    wire.equal((get.status, head.status, get.body, head.body), (200, 200, DATA, b""))
    for answer in (get, head):
        wire.equal([answer.header(name) for name in ("content-length", "docker-content-digest", "accept-ranges", "etag", "content-type")],
                   [str(SIZE), DIGEST, "bytes", f'"{DIGEST}"', "application/octet-stream"], answer)


@wire.cases("Range: {0} gives bytes {1} to {2}", [
    ("bytes=0-0", 0, 0), ("bytes=500-1499", 500, 1499), ("bytes=500-", 500, SIZE - 1), ("bytes=-500", SIZE - 500, SIZE - 1),
    (f"bytes=0-{SIZE - 1}", 0, SIZE - 1), (f"bytes=0-{SIZE}", 0, SIZE - 1), (f"bytes={SIZE - 1}-", SIZE - 1, SIZE - 1),
    ("bytes=100-99999999999", 100, SIZE - 1), ("bytes=100-99999999999999999999999", 100, SIZE - 1),
    (f"bytes=-{SIZE * 2}", 0, SIZE - 1), ("bytes=-1", SIZE - 1, SIZE - 1),
])
def _(server, header, first, last):
    blob(server)
    answer = server.ask("GET", BLOB, {"Range": header})
    wire.equal((answer.status, answer.header("content-range"), answer.header("content-length")),
               (206, f"bytes {first}-{last}/{SIZE}", str(last - first + 1)), answer)
    wire.true(answer.body == DATA[first:last + 1], "other bytes")


@wire.cases("Range: {0} cannot be satisfied: 416 with the size", [
    (f"bytes={SIZE}-",), (f"bytes={SIZE}-{SIZE + 5}",), ("bytes=99999999999999999999999-",), ("bytes=-0",),
])
def _(server, header):
    blob(server)
    answer = server.ask("GET", BLOB, {"Range": header})
    wire.equal((answer.status, answer.header("content-range")), (416, f"bytes */{SIZE}"), answer)


@wire.case("a reversed range: 416")
def _(server):
    blob(server)
    wire.equal(server.ask("GET", BLOB, {"Range": "bytes=5-4"}).status, 416)


@wire.cases("Range: {0} is not one byte range: the whole blob or 416, never other bytes", [
    ("bytes=",), ("bytes=-",), ("bytes=a-b",), ("bytes 0-5",), ("lines=0-5",), ("bytes=0-5,10-15",), ("bytes=0-5,",),
    ("bytes=0x0-0x5",), ("bytes=+0-5",), ("bytes=--5",), ("0-5",),
])
def _(server, header):
    blob(server)
    answer = server.ask("GET", BLOB, {"Range": header})
    wire.one_of(answer.status, (200, 416), answer)
    wire.true(answer.status == 416 or answer.body == DATA, "other bytes")


@wire.case("a range of a blob of no bytes: 416; without a range 200")
def _(server):
    digest = server.push_blob("reading/empty", b"")
    wire.equal(server.ask("GET", f"/v2/reading/empty/blobs/{digest}", {"Range": "bytes=0-"}).status, 416)
    wire.equal(server.ask("GET", f"/v2/reading/empty/blobs/{digest}").status, 200)


@wire.cases("If-None-Match: {0} on a blob: {1}", [
    (f'"{DIGEST}"', 304), ("*", 304), (f'W/"{DIGEST}"', 304), (f'"other", "{DIGEST}"', 304), ('"other"', 200), ("", 200),
])
def _(server, header, status):
    blob(server)
    for method in ("GET", "HEAD"):
        answer = server.ask(method, BLOB, {"If-None-Match": header})
        wire.equal((answer.status, answer.header("etag")), (status, f'"{DIGEST}"'), answer)
        if status == 304:
            wire.equal(answer.body, b"")


@wire.cases("If-Range: {0} with a range: {1}", [(f'"{DIGEST}"', 206), ('"other"', 200), (f'W/"{DIGEST}"', 200)])
def _(server, header, status):
    blob(server)
    wire.equal(server.ask("GET", BLOB, {"Range": "bytes=0-9", "If-Range": header}).status, status)


@wire.case("a blob that is not there: BLOB_UNKNOWN, in a known and in an unknown repository")
def _(server):
    blob(server)
    for repository in (REPOSITORY, "reading/none"):
        wire.refused(server.ask("GET", f"/v2/{repository}/blobs/sha256:{'1' * 64}"), 404, ("BLOB_UNKNOWN", "NAME_UNKNOWN"))


@wire.case("a large blob comes whole to a reader that dawdles, and others are served meanwhile")
def _(server):
    data = b"slow reader " * (1 << 20)
    digest = server.push_blob("reading/large", data)
    with server.connect() as c:
        c.send(c.compose("GET", f"/v2/reading/large/blobs/{digest}"))
        wire.equal(c.head()[0], 200)
        for _ in range(20):
            wire.equal(server.ask("GET", "/v2/").status, 200)
        wire.true(c._take(len(data)) == data, "other bytes")  # pylint: disable=protected-access


@wire.case("a reader that goes away in the middle does no harm")
def _(server):
    data = b"left alone  " * (1 << 20)
    digest = server.push_blob("reading/large", data)
    for _ in range(10):
        with server.connect() as c:
            c.send(c.compose("GET", f"/v2/reading/large/blobs/{digest}"))
            c.head()
    wire.equal(server.ask("GET", "/v2/").status, 200)


def manifest(server):
    """A manifest with spacing of its own: bytes, digest."""
    config = server.push_blob("reading/manifests", b"{}")
    body = (b'{ "schemaVersion" : 2,\n\t"mediaType":"%b", "config":{"mediaType":"%b","size":2,"digest":"%b"},"layers":[]}\n'
            % (wire.OCI_MANIFEST.encode(), wire.OCI_CONFIG.encode(), config.encode()))
    wire.equal(server.put_manifest("reading/manifests", "t", body).status, 201)
    return body, wire.sha256(body)


@wire.cases("a manifest by {0} comes back byte for byte, with its media type, whatever Accept says: {1}", [
    (by, accept) for by in ("tag", "digest") for accept in
    (None, wire.OCI_MANIFEST, wire.DOCKER_MANIFEST, "*/*", "text/plain", f"{wire.OCI_INDEX}, {wire.OCI_MANIFEST};q=0.5")
])
def _(server, by, accept):
    body, digest = manifest(server)
    path = f"/v2/reading/manifests/manifests/{'t' if by == 'tag' else digest}"
    get, head = (server.ask(method, path, {"Accept": accept} if accept else {}) for method in ("GET", "HEAD"))
    wire.equal((get.status, get.body, head.status, head.body), (200, body, 200, b""))
    for answer in (get, head):
        wire.equal([answer.header(name) for name in ("content-type", "content-length", "docker-content-digest", "etag")],
                   [wire.OCI_MANIFEST, str(len(body)), digest, f'"{digest}"'], answer)


@wire.case("If-None-Match on a manifest: 304 by tag and by digest, until the tag moves")
def _(server):
    _, digest = manifest(server)
    for reference in ("t", digest):
        answer = server.ask("GET", f"/v2/reading/manifests/manifests/{reference}", {"If-None-Match": f'"{digest}"'})
        wire.equal((answer.status, answer.body), (304, b""), answer)
    server.push_image("reading/manifests", "t", b"another")
    wire.equal(server.ask("GET", "/v2/reading/manifests/manifests/t", {"If-None-Match": f'"{digest}"'}).status, 200)


@wire.case("a manifest that is not there: MANIFEST_UNKNOWN by tag and digest")
def _(server):
    manifest(server)
    for reference in ("none", "sha256:" + "1" * 64):
        wire.refused(server.ask("GET", f"/v2/reading/manifests/manifests/{reference}"), 404, "MANIFEST_UNKNOWN")


@wire.case("a blob is no manifest, and a manifest is no blob of another repository")
def _(server):
    blob(server)
    wire.refused(server.ask("GET", f"/v2/{REPOSITORY}/manifests/{DIGEST}"), 404, "MANIFEST_UNKNOWN")
    _, digest = manifest(server)
    wire.equal(server.ask("GET", f"/v2/{REPOSITORY}/blobs/{digest}").status, 404)


wire.main()
