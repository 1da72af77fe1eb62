#!/usr/bin/env python3
"""Names, tags, digests and upload ids: what is outside the grammar is refused and touches nothing (hostile.md "Input")."""
import os

import wire

ZERO = "sha256:" + "0" * 64
BAD_NAMES = [
    ("..",), ("../etc",), ("a/../b",), ("a/..",), ("%2e%2e/etc",), ("a/%2e%2e/b",), ("a%2f..%2fb",), ("a%2fb",), ("a/./b",),
    ("UPPER",), ("a/Upper",), ("a//b",), ("/a",), ("a/",), ("a%00b",), ("a%0ab",), ("a%20b",), ("_a",), ("a_",), ("-a",),
    ("a-",), (".a",), ("a.",), ("a..b",), ("a___b",), ("a._b",), ("a/b:c",), ("a@b",), ("%C3%A9",), ("a%ff",), ("a%zz",),
    ("a%",), ("a\\b",), ("a" * 256,), ("a/" * 127 + "aa",), ("a+b",), ("~a",),
]


def listing(server):
    """Every path of the server's folder but its log and user file."""
    return sorted(os.path.join(base, name) for base, _, names in os.walk(server.folder) for name in names
                  if name not in ("server.log", "htpasswd", "config.yml"))


def not_found_or_refused(answer):
    wire.one_of(answer.status, (400, 404, 405), answer)
    if answer.status == 400 and answer.header("connection") != "close":
        wire.one_of(answer.error_code(), ("NAME_INVALID", "TAG_INVALID", "MANIFEST_INVALID", "DIGEST_INVALID"), answer)


@wire.cases("the repository name {0:.60} is refused for reading and writing", BAD_NAMES)
def _(server, name):
    before = listing(server)
    for method, rest in (("GET", "tags/list"), ("GET", "manifests/x"), ("GET", f"blobs/{ZERO}"), ("POST", "blobs/uploads/"),
                         ("PUT", "manifests/x"), ("DELETE", "manifests/x"), ("GET", f"referrers/{ZERO}")):
        not_found_or_refused(server.ask(method, f"/v2/{name}/{rest}"))
    wire.equal(server.ask("GET", "/v2/_catalog?n=1000").json()["repositories"].count(name), 0)
    wire.equal(listing(server), before, "files changed")


@wire.cases("the repository name {0:.60} is taken", [
    ("a",), ("0",), ("a.b",), ("a_b",), ("a__b",), ("a-b",), ("a--b",), ("a---b",), ("a/b/c/d/e/f/g",), ("a" * 255,),
    ("tags/list",), ("manifests/blobs",), ("blobs/uploads",), ("x/tags/list/y",), ("v2",), ("referrers",),
])
def _(server, name):
    server.push_image(name, "t")
    wire.equal(server.ask("GET", f"/v2/{name}/manifests/t").status, 200)
    wire.equal(server.ask("GET", f"/v2/{name}/tags/list").json(), {"name": name, "tags": ["t"]})
    wire.equal(server.ask("DELETE", f"/v2/{name}/manifests/t").status, 202)


@wire.cases("the tag {0:.40} is refused", [
    ("t" * 129,), (".t",), ("-t",), ("t%20t",), ("t%2ft",), ("t:t",), ("t@t",), ("%00",), ("t%0a",), ("%C3%A9",), ("..",), ("%2e%2e",),
])
def _(server, tag):
    repository = wire.fresh()
    answer = server.put_manifest(repository, tag, server.image(repository))
    wire.one_of(answer.status, (400, 404, 405), answer)
    wire.one_of(server.ask("GET", f"/v2/{repository}/manifests/{tag}").status, (400, 404))
    wire.one_of(server.ask("GET", f"/v2/{repository}/tags/list").json().get("tags"), ([], None))


@wire.cases("the tag {0:.40} is taken", [("t" * 128,), ("_t",), ("T.t-t_t",), ("0",), ("latest",), ("sha256",)])
def _(server, tag):
    repository = wire.fresh()
    server.push_image(repository, tag)
    wire.equal(server.ask("GET", f"/v2/{repository}/tags/list").json()["tags"], [tag])


@wire.cases("the digest {0:.40} is refused with DIGEST_INVALID", [
    ("sha256:" + "0" * 63,), ("sha256:" + "0" * 65,), ("sha256:" + "A" * 64,), ("sha256:" + "g" * 64,), ("md5:" + "0" * 32,),
    ("sha1:" + "0" * 40,), ("sha512:" + "0" * 64,), ("sha384:" + "0" * 96,), ("sha256",), ("sha256:",), ("SHA256:" + "0" * 64,),
    ("sha256:..%2f..%2f" + "0" * 58,), ("",), (":",),
])
def _(server, digest):
    repository = wire.fresh()
    place = server.begin(repository)
    answer = server.ask("PUT", wire.add_query(place, f"digest={digest}"), body=b"x")
    wire.refused(answer, 400, "DIGEST_INVALID")
    answer = server.ask("POST", f"/v2/{repository}/blobs/uploads/?digest={digest}", body=b"x")
    if digest:
        wire.refused(answer, 400, "DIGEST_INVALID")
    if digest and "%" not in digest:
        answer = server.ask("GET", f"/v2/{repository}/blobs/{digest}")
        wire.one_of(answer.status, (400, 404), answer)
        answer = server.ask("GET", f"/v2/{repository}/referrers/{digest}")
        wire.one_of(answer.status, (400, 404), answer)


@wire.case("a PUT that ends an upload without a digest is refused with DIGEST_INVALID, and the upload lives on")
def _(server):
    repository = wire.fresh()
    place = server.begin(repository)
    wire.refused(server.ask("PUT", place, body=b"x"), 400, "DIGEST_INVALID")
    wire.equal(server.ask("PUT", wire.add_query(place, f"digest={wire.sha256(b'')}")).status, 201)


@wire.cases("the upload id {0:.60} is not ours: BLOB_UPLOAD_UNKNOWN", [
    ("0",), ("x" * 64,), ("00000000-0000-0000-0000-000000000000",), ("..",), ("%2e%2e",), ("..%2f..%2fmeta",), ("%00",), ("a" * 4000,),
    ("0" * 32,),
])
def _(server, upload):
    for method in ("GET", "PATCH", "DELETE"):
        answer = server.ask(method, f"/v2/some/repository/blobs/uploads/{upload}")
        wire.one_of(answer.status, (400, 404), answer)
        if answer.status == 404:
            wire.one_of(answer.error_code(), ("BLOB_UPLOAD_UNKNOWN", "NAME_INVALID"), answer)
    answer = server.ask("PUT", f"/v2/some/repository/blobs/uploads/{upload}?digest={ZERO}")
    wire.one_of(answer.status, (400, 404), answer)


@wire.case("a name that is not ours never makes a repository, whatever fails")
def _(server):
    for path in ("/v2/ghost/one/manifests/t", "/v2/ghost/two/blobs/" + ZERO, "/v2/ghost/three/tags/list", f"/v2/ghost/four/referrers/{ZERO}"):
        server.ask("GET", path)
        server.ask("DELETE", path)
    server.put_manifest("ghost/five", "t", b"{}")
    listed = [name for name in server.ask("GET", "/v2/_catalog?n=1000").json()["repositories"] if name.startswith("ghost/")]
    wire.equal(listed, [])


wire.main()
