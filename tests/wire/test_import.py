#!/usr/bin/env python3
"""`berth import docker://…` from a registry that breaks off, is busy, or means harm."""
import contextlib
import json
import os
import signal
import subprocess
import time

import wire
from other_registry import Other, image

CONTENT = bytes(range(256)) * 4096  # a MiB
JSON = "application/json"


def command(server, source, *options):
    return [f"{wire.BUILD}/berth", "import", "--config", f"{server.folder}/config.yml", "--plain-http", "--json", *options,
            f"docker://{source}"]


def copy(server, source, *options):
    """The status, what it said, and the reasons for what was left out."""
    done = subprocess.run(command(server, source, *options), capture_output=True, text=True, check=False,
                          timeout=10 * wire.PATIENCE)
    report = json.loads(done.stdout) if done.stdout else {}
    return done.returncode, report, done.stderr


def is_copied(server, repository, content, tag="v1"):
    wire.equal(server.ask("GET", f"/v2/{repository}/manifests/{tag}", [("Accept", wire.OCI_MANIFEST)]).status, 200)
    answer = server.ask("GET", f"/v2/{repository}/blobs/{wire.sha256(content)}")
    wire.true(answer.status == 200 and answer.body == content, "the blob is not what it was")


# ---- what goes well in the end


@wire.case("a blob whose connection breaks off twice goes on where it was")
def _(server):
    repository = wire.fresh()
    routes, blob = image(repository, CONTENT)
    cuts = [300000, 700000]

    def answer(handler):
        start = int(handler.headers.get("Range", "bytes=0-")[6:-1])
        headers = {"Content-Range": f"bytes {start}-{len(CONTENT) - 1}/{len(CONTENT)}"} if start else {}
        end = cuts.pop(0) if cuts else len(CONTENT)
        handler.say(206 if start else 200, CONTENT[start:end], headers, len(CONTENT) - start)
        handler.close_connection = end < len(CONTENT)

    routes[blob] = answer
    with Other(routes) as other:
        status, report, said = copy(server, f"{other.host}/{repository}")
        wire.equal((status, report.get("complete")), (0, True), said)
        wire.equal([asked.get("Range") for asked in other.asked(blob)], [None, "bytes=300000-", "bytes=700000-"])
    is_copied(server, repository, CONTENT)


@wire.case("who sends all of it again, asked for the rest, makes it begin again")
def _(server):
    repository = wire.fresh()
    content = CONTENT + b"again"
    routes, blob = image(repository, content)
    cuts = [300000]

    def answer(handler):
        end = cuts.pop(0) if cuts else len(content)
        handler.say(200, content[:end], length=len(content))
        handler.close_connection = end < len(content)

    routes[blob] = answer
    with Other(routes) as other:
        status, _report, said = copy(server, f"{other.host}/{repository}")
        wire.equal(status, 0, said)
    is_copied(server, repository, content)


@wire.case("who is busy is asked again")
def _(server):
    repository = wire.fresh()
    content = b"busy"
    routes, blob = image(repository, content)
    busy = [429, 503]

    def answer(handler):
        if busy:
            handler.say(busy.pop(0), b"", {"Retry-After": "0"})
        else:
            handler.say(200, content)

    routes[blob] = answer
    with Other(routes) as other:
        status, _report, said = copy(server, f"{other.host}/{repository}")
        wire.equal(status, 0, said)
    is_copied(server, repository, content)


@wire.case("a blob may be elsewhere, and who has it there does not get the password")
def _(server):
    repository = wire.fresh()
    content = b"elsewhere"
    routes, blob = image(repository, content)
    with Other({"/there": (content, "application/octet-stream")}) as there:
        routes[blob] = lambda handler: handler.say(307, b"", {"Location": f"http://{there.host}/there"})
        routes["/v2/"] = lambda handler: handler.say(401, b"", {"WWW-Authenticate": "Basic realm=x"})
        with Other(routes) as other, open(f"{server.folder}/password", "w", encoding="utf-8") as file:
            file.write("secret-word")
            file.flush()
            status, _report, said = copy(server, f"{other.host}/{repository}", "--user", "me", "--password-file", file.name)
            wire.equal(status, 0, said)
            wire.true(all("Authorization" in asked for asked in other.asked(blob)), "the registry was not shown it")
        wire.equal(["Authorization" in asked for asked in there.asked("/there")], [False])
    wire.true("secret-word" not in server.log_text(), "the log has the password")
    is_copied(server, repository, content)


@wire.case("a foreign layer that the registry does not have is left out, and nothing else")
def _(server):
    repository = wire.fresh()
    foreign = "application/vnd.docker.image.rootfs.foreign.diff.tar.gzip"
    layer = wire.descriptor(wire.sha256(b"foreign"), 7, foreign, urls=["https://elsewhere.invalid/layer"])
    routes, _blob = image(repository, b"config of foreign", layers=[layer])
    with Other(routes) as other:
        status, report, said = copy(server, f"{other.host}/{repository}")
        wire.equal((status, report.get("complete")), (0, True), said)
    is_copied(server, repository, b"config of foreign")


@wire.case("names against the grammar are left out and told of, the others are copied")
def _(server):
    repository = wire.fresh()
    content = b"good names"
    routes, _blob = image(repository, content)
    routes["/v2/_catalog"] = (json.dumps({"repositories": ["../../etc", "UPPER", "a\nb", repository]}).encode(), JSON)
    routes[f"/v2/{repository}/tags/list"] = (json.dumps({"tags": ["../v1", "v 1", "-", "x" * 129, "v1"]}).encode(), JSON)
    with Other(routes) as other:
        status, report, said = copy(server, other.host)
        wire.equal((status, report["tags"]["copied"], len(report["left_out"])), (1, 1, 7), said)
        wire.true('"../../etc"' in said and "a\\x0ab" in said, said)
    is_copied(server, repository, content)


# ---- what is refused, and leaves nothing behind


def too_large(routes, repository, _blob):
    routes[f"/v2/{repository}/manifests/v1"] = (b" " * (5 << 20), wire.OCI_MANIFEST)


def endless_manifest(routes, repository, _blob):
    def answer(handler):
        handler.send_response(200)
        handler.end_headers()
        while True:
            handler.wfile.write(b" " * 65536)
    routes[f"/v2/{repository}/manifests/v1"] = answer


def other_digest(routes, repository, _blob):
    body = routes[f"/v2/{repository}/manifests/v1"][0]
    routes[f"/v2/{repository}/manifests/v1"] = lambda handler: handler.say(
        200, body, {"Content-Type": wire.OCI_MANIFEST, "Docker-Content-Digest": wire.sha256(b"another")})


def other_child(routes, repository, _blob):
    child = wire.descriptor(wire.sha256(b"child"), 5, wire.OCI_MANIFEST)
    index = json.dumps({"schemaVersion": 2, "mediaType": wire.OCI_INDEX, "manifests": [child]}).encode()
    routes[f"/v2/{repository}/manifests/{wire.sha256(b'child')}"] = routes[f"/v2/{repository}/manifests/v1"]
    routes[f"/v2/{repository}/manifests/v1"] = (index, wire.OCI_INDEX)


def too_deep(routes, repository, _blob):
    body, media_type = routes[f"/v2/{repository}/manifests/v1"]
    for _ in range(12):
        child = wire.descriptor(wire.sha256(body), len(body), media_type)
        media_type = wire.OCI_INDEX
        body = json.dumps({"schemaVersion": 2, "mediaType": media_type, "manifests": [child]}).encode()
        routes[f"/v2/{repository}/manifests/{wire.sha256(body)}"] = (body, media_type)
    routes[f"/v2/{repository}/manifests/v1"] = (body, media_type)


def no_json(routes, repository, _blob):
    routes[f"/v2/{repository}/manifests/v1"] = (b"[" * 100000, wire.OCI_MANIFEST)


def without_end(routes, _repository, blob):
    def answer(handler):
        handler.send_response(200)
        handler.end_headers()
        while True:
            handler.wfile.write(b"x" * 65536)
    routes[blob] = answer


def blob_is(change):
    """The blob's answer is what `change` says of the handler and the true bytes."""
    def setting(routes, _repository, blob):
        body = routes[blob][0]
        routes[blob] = lambda handler: change(handler, body)
    return setting


BAD = [
    ("a manifest over the limit", too_large, "the manifest is larger than this registry takes"),
    ("a manifest without end", endless_manifest, "the manifest is larger than this registry takes"),
    ("a manifest that is not what its registry says", other_digest, "the other registry sends a manifest of digest sha256:"),
    ("a child that is another manifest", other_child, "the other registry sends a manifest of digest sha256:"),
    ("indexes that name each other twelve deep", too_deep, "manifests name each other more than 8 deep"),
    ("a manifest that is no JSON", no_json, "manifest v1: nested more than 64 deep"),
    ("a blob of other bytes", blob_is(lambda h, body: h.say(200, body[::-1])), "digest"),
    ("a blob without end", without_end, "the other registry sends more than the 1048582 bytes that its manifest says"),
    ("a blob of another length", blob_is(lambda h, body: h.say(200, body + b"x")),
     "the other registry has another number of bytes than the 1048582 bytes that its manifest says"),
    ("an empty blob", blob_is(lambda h, body: h.say(200, b"")),
     "the other registry sends fewer than the 1048582 bytes that its manifest says"),
    ("a part that nobody asked for", blob_is(lambda h, body: h.say(206, body, {"Content-Range": "bytes 5-9/10"})),
     "the other registry sends another part of it than was asked for"),
    ("a blob that is a file of this machine", blob_is(lambda h, body: h.say(302, b"", {"Location": "file:///etc/passwd"})),
     "it redirects to what is not followed"),
    ("a blob that is not there", blob_is(lambda h, body: h.say(404, b"")), "status 404: it is not there"),
]


@wire.cases("{0} is refused, and nothing is kept", BAD, stores=False)
def _(server, name, change, reason):
    repository = wire.fresh()
    routes, blob = image(repository, CONTENT + b"refuse")
    change(routes, repository, blob)
    with Other(routes) as other:
        status, report, said = copy(server, f"{other.host}/{repository}")
        wire.equal((status, report.get("complete")), (1, False), (name, said))
        wire.true(any(reason in left["reason"] for left in report["left_out"]), report)
    wire.equal(server.ask("GET", f"/v2/{repository}/tags/list").status, 404)


# ---- the end of whoever asked


@wire.cases("who ends the command ({0}) ends the download, and nothing is kept", [(signal.SIGINT,), (signal.SIGKILL,)], stores=False)
def _(server, number):
    repository = wire.fresh()
    routes, blob = image(repository, CONTENT + b"slow")
    over = []

    def answer(handler):
        handler.send_response(200)
        handler.send_header("Content-Length", str(len(CONTENT) + 4))
        handler.end_headers()
        while not over:
            handler.wfile.write(b"x")
            time.sleep(0.05)

    routes[blob] = answer
    uploads = f"{server.folder}/data/uploads"
    with Other(routes) as other:
        # pylint: disable-next=consider-using-with
        process = subprocess.Popen(command(server, f"{other.host}/{repository}"), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        wire.eventually(lambda: os.listdir(uploads), "an upload is under way")
        process.send_signal(number)
        process.wait(wire.PATIENCE * 2)
        wire.eventually(lambda: not os.listdir(uploads), "the upload is gone", wire.PATIENCE * 2)
        over.append(True)
    with contextlib.suppress(FileNotFoundError):
        wire.equal(os.listdir(uploads), [])


wire.main()
