#!/usr/bin/env python3
"""Lists and their pages: tags, catalog, referrers (conformance.md "Reading")."""
import re
from urllib.parse import quote

import wire

INDEX = wire.OCI_INDEX


def next_page(answer):
    """The path in Link: <…>; rel="next", or None."""
    link = answer.header("link")
    if link is None:
        return None
    match = re.fullmatch(r'<([^>]+)>; ?rel="next"', link)
    wire.true(match, f"a malformed Link: {link}")
    return re.sub(r"^https?://[^/]*", "", match[1])


def walk(server, path, member):
    """All entries, page by page, and the sizes of the pages."""
    entries, sizes = [], []
    while path:
        answer = server.ask("GET", path)
        wire.equal(answer.status, 200, answer)
        page = answer.json()[member]
        entries += page
        sizes.append(len(page))
        path = next_page(answer)
        wire.true(len(sizes) < 1000, "pages without end")
    return entries, sizes


TAGS = sorted(["latest", "1.0", "1.0.1", "1.10", "a", "A", "_x", "Z9", "v-1", "v.1", "v_1"] + [f"t{n:03}" for n in range(30)])


def tagged(server):
    if server.ask("GET", "/v2/lists/tags/manifests/latest").status == 404:
        manifest = server.image("lists/tags")
        for tag in reversed(TAGS):
            wire.equal(server.put_manifest("lists/tags", tag, manifest).status, 201)


@wire.case("tags are listed in byte order with the repository's name")
def _(server):
    tagged(server)
    answer = server.ask("GET", "/v2/lists/tags/tags/list")
    wire.equal(answer.json(), {"name": "lists/tags", "tags": TAGS})
    wire.one_of(answer.header("content-type"), ("application/json", "application/json; charset=utf-8"))


@wire.cases("tags in pages of {0}: all of them, once, in order", [(1,), (2,), (7,), (40,), (41,), (42,)])
def _(server, n):
    tagged(server)
    entries, sizes = walk(server, f"/v2/lists/tags/tags/list?n={n}", "tags")
    wire.equal(entries, TAGS)
    wire.true(all(size == n for size in sizes[:-1]), f"{sizes}")
    wire.true(len(sizes) == -(-len(TAGS) // n), f"an empty last page: {sizes}")


@wire.cases("tags after {0}", [("1.0",), ("latest",), ("t010",), ("t0105",), ("",), ("zzzz",), ("A",), ("~",), ("v_1",)])
def _(server, last):
    tagged(server)
    after = [tag for tag in TAGS if tag > last]
    wire.equal(server.ask("GET", f"/v2/lists/tags/tags/list?last={last}").json()["tags"], after)
    wire.equal(server.ask("GET", f"/v2/lists/tags/tags/list?n=3&last={last}").json()["tags"], after[:3])


@wire.cases("n=0 on {0} is an empty list", [("/v2/lists/tags/tags/list", "tags"), ("/v2/_catalog", "repositories")])
def _(server, path, member):
    tagged(server)
    answer = server.ask("GET", f"{path}?n=0")
    wire.equal((answer.status, answer.json()[member]), (200, []), answer)


@wire.cases("{0}: PAGINATION_NUMBER_INVALID", [
    (f"{path}?n={n}",) for path in ("/v2/lists/tags/tags/list", "/v2/_catalog") for n in ("-1", "abc", "1x", "", "1.5", "%201", "0x10", "+1")
])
def _(server, path):
    tagged(server)
    answer = server.ask("GET", path)
    if path.endswith("n="):
        wire.one_of(answer.status, (200, 400), answer)
    else:
        wire.refused(answer, 400, "PAGINATION_NUMBER_INVALID")


@wire.cases("n={0} is clamped, not refused", [("999999999",), ("18446744073709551615",), ("99999999999999999999999999",)])
def _(server, n):
    tagged(server)
    for path, member in (("/v2/lists/tags/tags/list", "tags"), ("/v2/_catalog", "repositories")):
        answer = server.ask("GET", f"{path}?n={n}")
        wire.equal(answer.status, 200, answer)
        wire.true(answer.json()[member], f"{answer!r}")


@wire.case("tags of an unknown repository: NAME_UNKNOWN")
def _(server):
    wire.refused(server.ask("GET", "/v2/lists/none/tags/list"), 404, "NAME_UNKNOWN")


REPOSITORIES = sorted(["cat/a", "cat/a-b", "cat/a.b", "cat/a/b", "cat/a0", "cat/b", "cat_a", "cata"] + [f"cat/n{n:02}" for n in range(20)])


def filled(server):
    if server.ask("GET", "/v2/cat/a/manifests/t").status == 404:
        for name in REPOSITORIES:
            server.push_image(name, "t")


@wire.cases("the catalog in pages of {0}: all repositories, once, in byte order", [(1,), (3,), (1000,)])
def _(server, n):
    filled(server)
    entries, _ = walk(server, f"/v2/_catalog?n={n}", "repositories")
    wire.equal(entries, sorted(set(entries)))
    wire.equal([name for name in entries if name.startswith("cat")], REPOSITORIES)


@wire.case("the catalog after a name, and after one that is not there")
def _(server):
    filled(server)
    for last in ("cat/a", "cat/a.", "cat/zzz", "cata"):
        got = [name for name in server.ask("GET", f"/v2/_catalog?last={last}").json()["repositories"] if name.startswith("cat")]
        wire.equal(got, [name for name in REPOSITORIES if name > last])


@wire.case("a repository whose manifests are all deleted still answers, or is gone: never an error")
def _(server):
    digest = server.push_image("lists/emptied", "t")
    server.ask("DELETE", f"/v2/lists/emptied/manifests/{digest}")
    answer = server.ask("GET", "/v2/lists/emptied/tags/list")
    wire.one_of(answer.status, (200, 404), answer)
    if answer.status == 200:
        wire.equal(answer.json(), {"name": "lists/emptied", "tags": []})


def referrers(server, repository, subject, query=""):
    answer = server.ask("GET", f"/v2/{repository}/referrers/{subject}{query}")
    wire.equal((answer.status, answer.header("content-type")), (200, INDEX), answer)
    listed = answer.json()
    wire.equal((listed["schemaVersion"], listed["mediaType"]), (2, INDEX), answer)
    return listed["manifests"], answer


def attach(server, repository, subject, **more):
    """Pushes a manifest with that subject; its descriptor as the list must show it."""
    manifest = server.image(repository, subject=wire.descriptor(subject, 10, wire.OCI_MANIFEST), **more)
    body = wire.json.dumps(manifest).encode()
    answer = server.put_manifest(repository, wire.sha256(body), body)
    wire.equal((answer.status, answer.header("oci-subject")), (201, subject), answer)
    shown = {"mediaType": wire.OCI_MANIFEST, "digest": wire.sha256(body), "size": len(body),
             "artifactType": more.get("artifactType", wire.OCI_CONFIG)}
    if "annotations" in more:
        shown["annotations"] = more["annotations"]
    return shown


def sorted_by_digest(entries):
    return sorted(entries, key=lambda entry: entry["digest"])


@wire.cases("referrers of {0}: 200 and an empty index", [
    ("a manifest that nobody refers to", True), ("a digest that is not there", False), ("a repository that is not there", None)])
def _(server, _sentence, there):
    repository = wire.fresh()
    subject = server.push_image(repository, "t") if there else "sha256:" + "5" * 64
    if there is False:
        server.push_image(repository, "t")
    wire.equal(referrers(server, repository, subject)[0], [])


@wire.case("referrers are listed with artifactType, size and annotations; an unset artifactType is the config's type")
def _(server):
    repository = wire.fresh()
    subject = server.push_image(repository, "t")
    shown = [attach(server, repository, subject),
             attach(server, repository, subject, artifactType="application/vnd.example.sbom"),
             attach(server, repository, subject, artifactType="application/vnd.example.signature", annotations={"a": "b", "\u00e4": "\n\""})]
    got, answer = referrers(server, repository, subject)
    wire.equal(sorted_by_digest(got), sorted_by_digest(shown))
    wire.equal(answer.header("oci-filters-applied"), None)


@wire.case("an index can be a referrer")
def _(server):
    repository = wire.fresh()
    subject = server.push_image(repository, "t")
    body = wire.json.dumps({"schemaVersion": 2, "mediaType": INDEX, "artifactType": "a/b", "manifests": [],
                            "subject": wire.descriptor(subject, 10, wire.OCI_MANIFEST)}).encode()
    wire.equal(server.put_manifest(repository, wire.sha256(body), body, INDEX).status, 201)
    wire.equal(referrers(server, repository, subject)[0],
               [{"mediaType": INDEX, "digest": wire.sha256(body), "size": len(body), "artifactType": "a/b"}])


@wire.case("artifactType filters, and OCI-Filters-Applied says so")
def _(server):
    repository = wire.fresh()
    subject = server.push_image(repository, "t")
    kinds = ["application/vnd.example.a+json", "application/vnd.example.b"]
    shown = {kind: attach(server, repository, subject, artifactType=kind) for kind in kinds}
    for kind in kinds:
        got, answer = referrers(server, repository, subject, f"?artifactType={quote(kind, safe='')}")
        wire.equal((got, answer.header("oci-filters-applied")), ([shown[kind]], "artifactType"), answer)
    got, answer = referrers(server, repository, subject, "?artifactType=none/such")
    wire.equal((got, answer.header("oci-filters-applied")), ([], "artifactType"), answer)


@wire.case("referrers pushed before their subject are listed; a deleted one is gone at once; a deleted subject keeps them")
def _(server):
    repository = wire.fresh()
    body = wire.json.dumps(server.image(repository)).encode()
    subject = wire.sha256(body)
    first = attach(server, repository, subject, artifactType="a/first")
    wire.equal(server.put_manifest(repository, "t", body).status, 201)
    second = attach(server, repository, subject, artifactType="a/second")
    wire.equal(server.ask("DELETE", f"/v2/{repository}/manifests/{first['digest']}").status, 202)
    wire.equal(referrers(server, repository, subject)[0], [second])


@wire.case("five hundred referrers come in pages or at once: all of them, once")
def _(server):
    repository = wire.fresh()
    subject = server.push_image(repository, "t")
    manifest = server.image(repository, subject=wire.descriptor(subject, 10, wire.OCI_MANIFEST), artifactType="a/many")
    pushed = set()
    with server.connect() as c:
        for n in range(500):
            body = wire.json.dumps({**manifest, "annotations": {"n": str(n)}}).encode()
            pushed.add(wire.sha256(body))
            answer = c.ask("PUT", f"/v2/{repository}/manifests/{wire.sha256(body)}", {"Content-Type": wire.OCI_MANIFEST}, body)
            wire.equal(answer.status, 201, answer)
    for query in ("", "?artifactType=a%2Fmany"):
        entries, _ = walk(server, f"/v2/{repository}/referrers/{subject}{query}", "manifests")
        wire.equal(len(entries), 500)
        wire.equal({entry["digest"] for entry in entries}, pushed)


@wire.case("referrers of one repository are not seen in another")
def _(server):
    mine, other = wire.fresh(), wire.fresh()
    subject = server.push_image(mine, "t")
    server.push_image(other, "t")
    attach(server, mine, subject, artifactType="a/b")
    wire.equal(referrers(server, other, subject)[0], [])


wire.main()
