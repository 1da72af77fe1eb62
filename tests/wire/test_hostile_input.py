#!/usr/bin/env python3
"""Hostile content: names that point elsewhere, bombs, graphs of manifests, filters that match nothing (hostile.md "Input")."""
import gzip
import os
import statistics
import threading
import time

import wire

INDEX = wire.OCI_INDEX
SLOW = bool(wire.os.environ.get("SANITIZER_SLOW"))
REFERRERS = 3000 if SLOW else 12000
DEPTH = 40  # of indexes that share their children: 2^40 ways through them


def put(connection, repository, reference, manifest, media_type=wire.OCI_MANIFEST):
    """The digest and a descriptor of it."""
    body = wire.json.dumps(manifest).encode()
    reference = reference or wire.sha256(body)
    answer = connection.ask("PUT", f"/v2/{repository}/manifests/{reference}", [("Content-Type", media_type)], body)
    wire.equal(answer.status, 201, answer)
    return wire.descriptor(wire.sha256(body), len(body), media_type)


def index(*children, **more):
    return {"schemaVersion": 2, "mediaType": INDEX, "manifests": list(children), **more}


# ---- names ----

ELSEWHERE = ["../../outside", "..%2f..%2foutside", "%2e%2e/%2e%2e/outside", "a/../../../outside", "/etc/outside", "a%00/../outside", "..", "."]


def files_outside(server):
    """All files of the server's folder that are not its data, and of the folder above."""
    found = set(os.listdir(os.path.dirname(server.folder)))
    for folder, folders, files in os.walk(server.folder):
        if folder == server.folder:
            folders.remove("data")
        found.update(os.path.join(folder, name) for name in files)
    return {name for name in found if "outside" in name}


@wire.cases("with the name {0} nothing outside the data directory is touched, whatever is asked", [(name,) for name in ELSEWHERE], stores=False)
def _(server, name):
    digest = wire.sha256(b"outside")
    for method, path, body in (("POST", f"/v2/{name}/blobs/uploads/?digest={digest}", b"outside"), ("POST", f"/v2/{name}/blobs/uploads/", None),
                               ("PUT", f"/v2/{name}/manifests/t", b"{}"), ("GET", f"/v2/{name}/blobs/{digest}", None), ("DELETE", f"/v2/{name}/manifests/t", None),
                               ("PATCH", f"/v2/a/blobs/uploads/{name}", b"outside"), ("PUT", f"/v2/a/blobs/uploads/{name}?digest={digest}", b"outside"),
                               ("DELETE", f"/v2/a/blobs/uploads/{name}", None), ("GET", f"/v2/a/manifests/{name}", None),
                               ("POST", f"/v2/a/blobs/uploads/?mount={digest}&from={name}", None)):
        answer = server.ask(method, path, body=body)
        if answer.status == 202 and method == "POST":  # a mount from nowhere begins an upload; taken back
            wire.equal(server.ask("DELETE", wire.path_of(answer)).status, 204)
        else:
            wire.one_of(answer.status, (400, 404, 405), (method, path, answer))
    wire.equal(files_outside(server), set())


# ---- bombs ----

@wire.case("a gzip bomb is a layer like any other: stored as it is, never unpacked, given back byte for byte")
def _(server):
    repository, bomb = wire.fresh(), gzip.compress(b"\0" * (256 << 20), 9)
    digest, before = wire.sha256(bomb), server.memory_kib()
    for headers in ((), [("Content-Encoding", "gzip")]):
        place = wire.add_query(server.begin(repository), f"digest={digest}")
        wire.equal(server.ask("PUT", place, headers, bomb).status, 201)
    manifest = server.image(repository, layers=[wire.descriptor(digest, len(bomb), wire.OCI_LAYER + "+gzip")])
    wire.equal(server.put_manifest(repository, "t", manifest).status, 201)
    path = f"{server.folder}/data/blobs/sha256/{digest[7:9]}/{digest[7:]}"
    wire.equal(os.path.getsize(path), len(bomb))
    wire.true(server.memory_kib() - before < 32 << 10 or SLOW, f"{before} KiB before, {server.memory_kib()} after")
    answer = server.ask("GET", f"/v2/{repository}/blobs/{digest}", {"Accept-Encoding": "gzip"})
    wire.equal((answer.status, answer.header("content-encoding"), answer.body == bomb), (200, None, True))


# ---- graphs ----

@wire.case(f"indexes that share their children {DEPTH} levels deep are put, read and deleted as fast as there are of them")
def _(server):
    repository, levels = wire.fresh(), []
    with server.connect() as c:
        level = [put(c, repository, None, index(annotations={"leaf": str(n)}), INDEX) for n in range(2)]
        began = time.monotonic()
        for depth in range(DEPTH):
            levels.append(level)
            level = [put(c, repository, f"top{n}" if depth == DEPTH - 1 else None, index(*level, annotations={"at": f"{depth}.{n}"}), INDEX) for n in range(2)]
        levels.append(level)
        for node in (node for level in reversed(levels) for node in level):
            wire.equal(c.ask("DELETE", f"/v2/{repository}/manifests/{node['digest']}").status, 202)
        wire.true(time.monotonic() - began < 2 * wire.PATIENCE, f"{time.monotonic() - began:.1f} s for {2 * DEPTH} manifests")
    wire.equal(server.ask("GET", f"/v2/{repository}/manifests/top0").status, 404)


@wire.case("a chain of subjects a thousand long is taken, each is its successor's only referrer, and it goes from either end")
def _(server):
    repository, chain = wire.fresh(), []
    with server.connect() as c:
        subject = None
        for n in range(1000):
            more = {"subject": subject} if subject else {}
            subject = put(c, repository, None, index(annotations={"n": str(n)}, **more), INDEX)
            chain.append(subject["digest"])
        for n in (0, 500, 998, 999):
            listed = c.ask("GET", f"/v2/{repository}/referrers/{chain[n]}").json()["manifests"]
            wire.equal([entry["digest"] for entry in listed], chain[n + 1:n + 2])
        for digest in chain[:300] + chain[:299:-1]:
            wire.equal(c.ask("DELETE", f"/v2/{repository}/manifests/{digest}").status, 202)
        wire.equal(c.ask("GET", f"/v2/{repository}/referrers/{chain[0]}").json()["manifests"], [])


# ---- referrers that a filter passes over ----

SUBJECT = {"digest": None}


def crowded(server):
    """One subject with REFERRERS referrers, of which one is rare; its path."""
    if SUBJECT["digest"] is None:
        subject = put(server.connect(), "graph/crowd", "t", index(), INDEX)
        failures = []

        def attach(number):
            try:
                with server.connect() as c:
                    for n in range(number, REFERRERS, 32):
                        put(c, "graph/crowd", None, index(subject=subject, artifactType="a/rare" if n == 77 else "a/common", annotations={"n": str(n)}), INDEX)
            except Exception as error:  # told below
                failures.append(error)
        threads = [threading.Thread(target=attach, args=(number,)) for number in range(32)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        wire.equal(failures, [])
        SUBJECT["digest"] = subject["digest"]
    return f"/v2/graph/crowd/referrers/{SUBJECT['digest']}"


@wire.case(f"{REFERRERS} referrers of one subject come in pages: all of them, once")
def _(server):
    path, seen, pages = crowded(server), set(), 0
    while path:
        answer = server.ask("GET", path)
        entries = [entry["digest"] for entry in answer.json()["manifests"]]
        wire.true(entries and not seen & set(entries), "a page is empty or says something twice")
        wire.true(len(answer.body) < 2 << 20, f"a page of {len(answer.body)} bytes")
        seen.update(entries)
        pages += 1
        link = answer.header("link")
        path = link and link.split("<")[1].split(">")[0]
    wire.equal(len(seen), REFERRERS)
    wire.true(pages >= REFERRERS / 1000, f"{pages} pages")


@wire.cases("a filter that {0} gives the right page in one answer", [("one of them matches", "a%2Frare", 1), ("none of them matches", "a%2Fnone", 0)])
def _(server, _sentence, kind, count):
    answer = server.ask("GET", f"{crowded(server)}?artifactType={kind}")
    wire.equal((answer.status, len(answer.json()["manifests"]), answer.header("oci-filters-applied"), answer.header("link")),
               (200, count, "artifactType", None), answer)


BATCH = 100  # requests for the whole of it, sent at once: the server alone sets the pace


@wire.case("others are served while filtered referrers are gathered for one who asks again and again")
def _(server):
    path, waits = crowded(server), []
    with server.connect() as flood, server.connect() as other, server.connect() as neighbour:
        request = flood.compose("GET", f"{path}?artifactType=a%2Fnone")
        began = time.monotonic()
        flood.send(request * BATCH)
        while len(waits) < BATCH // 5:  # connections are spread over the loops: one of the two shares the flood's
            asked = time.monotonic()
            wire.equal([c.ask("GET", "/v2/").status for c in (other, neighbour)], [200, 200])
            waits.append(time.monotonic() - asked)
        for _ in range(BATCH):
            wire.equal(flood.answer().json()["manifests"], [])
        took = time.monotonic() - began
    wait = statistics.median(waits)
    wire.true(wait < took / 10, f"half of the others waited longer than {wait * 1000:.2f} ms of {took * 1000:.2f} ms")


wire.main()
