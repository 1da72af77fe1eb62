#!/usr/bin/env python3
"""Uploads: every shape and every edge (conformance.md "Uploads"; distribution-spec "Pushing blobs")."""
import hashlib
import re

import wire
from uploads import DATA, DIGEST, ZERO, absent, patch, put, status_of, stored


@wire.case("POST answers 202 with a relative Location below the repository, Range 0-0 and an id")
def _(server):
    repository = wire.fresh()
    answer = server.ask("POST", f"/v2/{repository}/blobs/uploads/")
    wire.equal((answer.status, answer.header("range"), answer.body), (202, "0-0", b""), answer)
    place = re.fullmatch(rf"/v2/{repository}/blobs/uploads/([^/?]+)(\?.*)?", answer.header("location"))
    wire.true(place and place[1] == answer.header("docker-upload-uuid"), f"{answer!r}")
    wire.equal(status_of(server, answer.header("location")), "0-0")


@wire.case("POST with digest and body answers 201 and stores the blob")
def _(server):
    repository = wire.fresh()
    answer = server.ask("POST", f"/v2/{repository}/blobs/uploads/?digest={DIGEST}", body=DATA)
    wire.equal((answer.status, answer.header("location"), answer.header("docker-content-digest")),
               (201, f"/v2/{repository}/blobs/{DIGEST}", DIGEST), answer)
    stored(server, repository, DATA)


@wire.case("POST with digest and a chunked body answers 201")
def _(server):
    repository = wire.fresh()
    answer = server.ask("POST", f"/v2/{repository}/blobs/uploads/?digest={DIGEST}", {"Transfer-Encoding": "chunked"},
                        b"%x\r\n%b\r\n0\r\n\r\n" % (len(DATA), DATA))
    wire.equal(answer.status, 201, answer)
    stored(server, repository, DATA)


@wire.case("POST and one PUT answers 201 with the blob's Location")
def _(server):
    repository = wire.fresh()
    answer = put(server, server.begin(repository), DIGEST, DATA)
    wire.equal((answer.status, answer.header("location"), answer.header("docker-content-digest")),
               (201, f"/v2/{repository}/blobs/{DIGEST}", DIGEST), answer)
    stored(server, repository, DATA)


@wire.case("PATCHes of all sizes, streamed and with Content-Length, come together")
def _(server):
    repository, sent = wire.fresh(), b""
    place = server.begin(repository)
    for n, size in enumerate((1, 0, 2, 70000, 1, 300000, 65536, 65535)):
        data = hashlib.sha256(b"%d" % n).digest() * (size // 32 + 1)
        data = data[:size]
        if n % 2:
            answer = patch(server, place, data)
        else:
            chunks = b"%x\r\n%b\r\n0\r\n\r\n" % (size, data) if size else b"0\r\n\r\n"
            answer = server.ask("PATCH", place, {"Transfer-Encoding": "chunked"}, chunks)
        sent += data
        wire.equal((answer.status, answer.header("range")), (202, f"0-{max(len(sent) - 1, 0)}"), answer)
        place = wire.path_of(answer)
    wire.equal(put(server, place, wire.sha256(sent)).status, 201)
    stored(server, repository, sent)


@wire.case("the last chunk may come with the PUT, with and without Content-Range")
def _(server):
    for content_range in (None, f"5000-{len(DATA) - 1}"):
        repository = wire.fresh()
        place = wire.path_of(patch(server, server.begin(repository), DATA[:5000], "0-4999"))
        wire.equal(put(server, place, DIGEST, DATA[5000:], content_range).status, 201)
        stored(server, repository, DATA)


@wire.cases("{0}: PATCH and PUT answer 416 and the session lives on", [
    ("a chunk that begins after a gap", "200-299", 100), ("a chunk sent again", "0-99", 100), ("an overlapping chunk", "50-149", 100),
    ("a chunk far beyond", f"{2**62}-{2**62 + 99}", 100),
])
def _(server, _sentence, content_range, size):
    repository = wire.fresh()
    place = wire.path_of(patch(server, server.begin(repository), DATA[:100], "0-99"))
    answer = patch(server, place, DATA[:size], content_range)
    wire.equal((answer.status, answer.header("range")), (416, "0-99"), answer)
    wire.true(answer.header("location"), f"no Location in {answer!r}")
    wire.equal(put(server, place, DIGEST, DATA[:size], content_range).status, 416)
    wire.equal(status_of(server, place), "0-99")
    wire.equal(put(server, place, DIGEST, DATA[100:], f"100-{len(DATA) - 1}").status, 201)
    stored(server, repository, DATA)


@wire.case("a first chunk that does not begin at 0 answers 416 and GET says 0-0")
def _(server):
    place = server.begin(wire.fresh())
    wire.equal(patch(server, place, DATA[:10], "1-10").status, 416)
    wire.equal(status_of(server, place), "0-0")


@wire.cases("Content-Range {0} with {1} bytes: 400 SIZE_INVALID or 416, and nothing is added", [
    ("0-98", 100), ("0-100", 100), ("0-0", 100), ("9-0", 10), ("0-", 10), ("-9", 10), ("bytes", 10), ("0--9", 10), ("a-b", 10),
    ("0-18446744073709551615", 10), ("0-18446744073709551625", 10), ("0x0-0x9", 10), ("+0-9", 10), ("0-9,10-19", 10),
])
def _(server, content_range, size):
    place = server.begin(wire.fresh())
    answer = patch(server, place, DATA[:size], content_range)
    wire.one_of(answer.status, (400, 416), answer)
    if answer.status == 400:
        wire.one_of(answer.error_code(), ("SIZE_INVALID", "RANGE_INVALID", "BLOB_UPLOAD_INVALID"), answer)
    wire.equal(status_of(server, place), "0-0")


@wire.cases("Content-Range {0} that disagrees with {1} bytes of body is SIZE_INVALID", [("0-98", 100), ("0-100", 100), ("0-0", 100)])
def _(server, content_range, size):
    wire.refused(patch(server, server.begin(wire.fresh()), DATA[:size], content_range), 400, "SIZE_INVALID")


@wire.case("the bytes form of Content-Range, as HTTP has it, is understood")
def _(server):
    place = server.begin(wire.fresh())
    wire.equal(patch(server, place, DATA[:100], "bytes 0-99/*").status, 202)
    wire.equal(status_of(server, place), "0-99")


@wire.case("a streamed chunk that is longer than its Content-Range is refused and not added")
def _(server):
    place = server.begin(wire.fresh())
    answer = server.ask("PATCH", place, {"Transfer-Encoding": "chunked", "Content-Range": "0-9"}, b"14\r\n%b\r\n0\r\n\r\n" % DATA[:20])
    wire.one_of(answer.status, (400, 416), answer)
    wire.equal(status_of(server, place), "0-0")


@wire.case("cancelling answers 204, and then nothing finds the upload: BLOB_UPLOAD_UNKNOWN")
def _(server):
    place = server.begin(wire.fresh())
    wire.equal(server.ask("DELETE", place).status, 204)
    for answer in (server.ask("GET", place), patch(server, place, b"x"), put(server, place, DIGEST, DATA), server.ask("DELETE", place)):
        wire.refused(answer, 404, "BLOB_UPLOAD_UNKNOWN")


@wire.case("finishing twice: the second time BLOB_UPLOAD_UNKNOWN")
def _(server):
    repository = wire.fresh()
    place = server.begin(repository)
    wire.equal(put(server, place, DIGEST, DATA).status, 201)
    wire.refused(put(server, place, DIGEST, DATA), 404, "BLOB_UPLOAD_UNKNOWN")
    wire.refused(server.ask("GET", place), 404, "BLOB_UPLOAD_UNKNOWN")
    stored(server, repository, DATA)


@wire.case("an upload's id used from another repository: BLOB_UPLOAD_UNKNOWN, and the upload is untouched")
def _(server):
    mine, other = wire.fresh(), wire.fresh()
    place = wire.path_of(patch(server, server.begin(mine), DATA[:10]))
    wrong = place.replace(f"/v2/{mine}/", f"/v2/{other}/")
    for answer in (server.ask("GET", wrong), patch(server, wrong, b"x"), put(server, wrong, DIGEST, DATA), server.ask("DELETE", wrong)):
        wire.refused(answer, 404, "BLOB_UPLOAD_UNKNOWN")
    wire.equal(status_of(server, place), "0-9")


@wire.case("a wrong digest: DIGEST_INVALID, and nothing is kept")
def _(server):
    repository = wire.fresh()
    wire.refused(put(server, server.begin(repository), ZERO, DATA), 400, "DIGEST_INVALID")
    wire.refused(server.ask("POST", f"/v2/{repository}/blobs/uploads/?digest={ZERO}", body=DATA), 400, "DIGEST_INVALID")
    absent(server, repository, ZERO)
    absent(server, repository, DIGEST)


@wire.case("a blob of no bytes, by every way")
def _(server):
    for way in ("POST", "PUT", "PATCH"):
        repository, empty = wire.fresh(), wire.sha256(b"")
        if way == "POST":
            answer = server.ask("POST", f"/v2/{repository}/blobs/uploads/?digest={empty}")
        elif way == "PUT":
            answer = put(server, server.begin(repository), empty)
        else:
            answer = put(server, wire.path_of(patch(server, server.begin(repository), b"")), empty)
        wire.equal(answer.status, 201, answer)
        got = server.ask("GET", f"/v2/{repository}/blobs/{empty}")
        wire.equal((got.status, got.body, got.header("content-length")), (200, b"", "0"), got)


@wire.cases("sha512 {0}: stored and answered under sha512", [
    ("in one POST", "", 0), ("announced", "?digest-algorithm=sha512", 100), ("not announced", "", 100), ("not announced, in one PUT", "", 0),
])
def _(server, sentence, query, first):
    repository, digest = wire.fresh(), wire.sha512(DATA)
    if "POST" in sentence:
        answer = server.ask("POST", f"/v2/{repository}/blobs/uploads/?digest={digest}", body=DATA)
    else:
        place = wire.path_of(server.ask("POST", f"/v2/{repository}/blobs/uploads/{query}"))
        if first:
            place = wire.path_of(patch(server, place, DATA[:first]))
        answer = put(server, place, digest, DATA[first:])
    wire.equal((answer.status, answer.header("docker-content-digest")), (201, digest), answer)
    stored(server, repository, DATA, digest)
    wire.equal(server.ask("HEAD", f"/v2/{repository}/blobs/{digest}").header("docker-content-digest"), digest)


@wire.case("announced as sha512 and finished with sha256 is stored all the same")
def _(server):
    repository = wire.fresh()
    place = wire.path_of(server.ask("POST", f"/v2/{repository}/blobs/uploads/?digest-algorithm=sha512"))
    wire.equal(put(server, wire.path_of(patch(server, place, DATA)), DIGEST).status, 201)
    stored(server, repository, DATA)


@wire.case("an unknown digest-algorithm is refused with DIGEST_INVALID")
def _(server):
    wire.refused(server.ask("POST", f"/v2/{wire.fresh()}/blobs/uploads/?digest-algorithm=md5"), 400, "DIGEST_INVALID")


@wire.case("a mount answers 201 with the blob's Location and digest; the blob is then there")
def _(server):
    source, target = wire.fresh(), wire.fresh()
    server.push_blob(source, DATA)
    answer = server.ask("POST", f"/v2/{target}/blobs/uploads/?mount={DIGEST}&from={source}")
    wire.equal((answer.status, answer.header("location"), answer.header("docker-content-digest")),
               (201, f"/v2/{target}/blobs/{DIGEST}", DIGEST), answer)
    stored(server, target, DATA)


@wire.case("a mount without from answers 201 when some repository holds the blob")
def _(server):
    source, target, data = wire.fresh(), wire.fresh(), b"mounted from anywhere"
    server.push_blob(source, data)
    answer = server.ask("POST", f"/v2/{target}/blobs/uploads/?mount={wire.sha256(data)}")
    wire.equal((answer.status, answer.header("location")), (201, f"/v2/{target}/blobs/{wire.sha256(data)}"), answer)
    stored(server, target, data)


@wire.cases("a mount of {0} begins an ordinary upload", [
    ("a blob that nobody holds", f"mount={ZERO}&from=wire/none"), ("a blob that nobody holds, without from", f"mount={ZERO}"),
    ("a blob from a repository that does not hold it", f"mount={DIGEST}&from=wire/none"),
])
def _(server, _sentence, query):
    server.push_blob("mounts/source", DATA)
    repository = wire.fresh()
    answer = server.ask("POST", f"/v2/{repository}/blobs/uploads/?{query}")
    wire.equal((answer.status, answer.header("range")), (202, "0-0"), answer)
    wire.equal(put(server, wire.path_of(answer), DIGEST, DATA).status, 201)


@wire.case("a mount of a malformed digest or from a malformed name is refused")
def _(server):
    wire.refused(server.ask("POST", f"/v2/{wire.fresh()}/blobs/uploads/?mount=sha256:abc&from=a"), 400, "DIGEST_INVALID")
    wire.one_of(server.ask("POST", f"/v2/{wire.fresh()}/blobs/uploads/?mount={DIGEST}&from=A/../B").status, (202, 400))


@wire.case("a blob is not to be seen in a repository that does not hold it")
def _(server):
    server.push_blob(wire.fresh(), DATA)
    other = wire.fresh()
    server.push_image(other, "t")
    absent(server, other, DIGEST)
    wire.refused(server.ask("GET", f"/v2/{other}/blobs/{DIGEST}"), 404, "BLOB_UNKNOWN")


@wire.case("Content-Encoding: gzip changes nothing: the digest is of the bytes sent")
def _(server):
    repository = wire.fresh()
    answer = server.ask("PUT", wire.add_query(server.begin(repository), f"digest={DIGEST}"), {"Content-Encoding": "gzip"}, DATA)
    wire.equal(answer.status, 201, answer)
    got = server.ask("GET", f"/v2/{repository}/blobs/{DIGEST}")
    wire.equal((got.body, got.header("content-encoding")), (DATA, None))


wire.main()
