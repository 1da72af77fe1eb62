#!/usr/bin/env python3
"""What a client does to a registry that tells of it: events_actions.py HOST:PORT TOLD

Everything that gives an event, and what gives none, one after the other over plain HTTP, so that the events of two
registries can be laid side by side. Prints a status for each. Pulls may be told late and after later deletions, so it
waits before those until the file TOLD (events_receiver.py) has all that came before.
"""

import hashlib
import http.client
import json
import pathlib
import sys
import time
import urllib.parse

HOST = sys.argv[1]
TOLD = pathlib.Path(sys.argv[2])
BEFORE_DELETIONS = 13
PATIENCE_S = 10
MANIFEST = "application/vnd.docker.distribution.manifest.v2+json"
INDEX = "application/vnd.docker.distribution.manifest.list.v2+json"


def digest_of(data):
    return "sha256:" + hashlib.sha256(data).hexdigest()


def ask(say, method, path, body=None, **fields):
    connection = http.client.HTTPConnection(HOST, timeout=20)
    headers = {"User-Agent": 'events/1 "quoted"'} | {k.replace("_", "-"): v for k, v in fields.items()}
    connection.request(method, path, body=body, headers=headers)
    answer = connection.getresponse()
    answer.read()
    connection.close()
    print(f"{say}: {answer.status}")
    return answer


def push_blob(say, repository, data):
    answer = ask(f"{say}, begun", "POST", f"/v2/{repository}/blobs/uploads/")
    where = urllib.parse.urlsplit(answer.headers["Location"])
    query = (where.query + "&" if where.query else "") + "digest=" + digest_of(data)
    ask(say, "PUT", f"{where.path}?{query}", data, Content_Type="application/octet-stream")


def wait_until_told(events):
    until = time.monotonic() + PATIENCE_S
    told = 0
    while told < events and time.monotonic() < until:
        time.sleep(0.05)
        if TOLD.exists():
            told = sum(len(json.loads(line)["events"]) for line in TOLD.read_text().splitlines())
    if told != events:
        sys.exit(f"{told} events were told by now, not {events}")


def descriptor(kind, data, **more):
    return {"mediaType": kind, "size": len(data), "digest": digest_of(data)} | more


def main():
    config, layer = b'{"architecture":"amd64","os":"linux"}', b"a layer" * 100
    image = json.dumps({
        "schemaVersion": 2, "mediaType": MANIFEST,
        "config": descriptor("application/vnd.docker.container.image.v1+json", config),
        "layers": [descriptor("application/vnd.docker.image.rootfs.diff.tar.gzip", layer)]}).encode()
    index = json.dumps({
        "schemaVersion": 2, "mediaType": INDEX,
        "manifests": [descriptor(MANIFEST, image, platform={"architecture": "amd64", "os": "linux"})]}).encode()
    accept = {"Accept": f"{MANIFEST}, {INDEX}"}
    base = "/v2/team/app"

    push_blob("a blob", "team/app", config)
    push_blob("another", "team/app", layer)
    ask("mount", "POST", f"/v2/other/app/blobs/uploads/?mount={digest_of(layer)}&from=team/app")
    ask("mount of what is not there", "POST", f"/v2/other/app/blobs/uploads/?mount={digest_of(b'x')}&from=team/app")
    ask("manifest by tag", "PUT", f"{base}/manifests/v1", image, Content_Type=MANIFEST)
    ask("manifest by another tag", "PUT", f"{base}/manifests/v2", image, Content_Type=MANIFEST)
    ask("manifest by digest", "PUT", f"{base}/manifests/{digest_of(image)}", image, Content_Type=MANIFEST)
    ask("index", "PUT", f"{base}/manifests/all", index, Content_Type=INDEX)
    ask("refused manifest", "PUT", f"{base}/manifests/v3", b"{}", Content_Type=MANIFEST)
    ask("pull by tag", "GET", f"{base}/manifests/v1", **accept)
    ask("look by tag", "HEAD", f"{base}/manifests/v1", **accept)
    ask("pull by digest", "GET", f"{base}/manifests/{digest_of(index)}", **accept)
    ask("pull of what is known", "GET", f"{base}/manifests/v1", If_None_Match=f'"{digest_of(image)}"', **accept)
    ask("pull of what is not there", "GET", f"{base}/manifests/v9", **accept)
    ask("pull of a blob", "GET", f"{base}/blobs/{digest_of(layer)}")
    ask("look at a blob", "HEAD", f"{base}/blobs/{digest_of(layer)}")
    ask("pull of a part", "GET", f"{base}/blobs/{digest_of(layer)}", Range="bytes=5-9")
    ask("pull of a blob that is not there", "GET", f"{base}/blobs/{digest_of(b'x')}")
    ask("list of tags", "GET", f"{base}/tags/list")
    wait_until_told(BEFORE_DELETIONS)
    ask("delete a manifest with two tags", "DELETE", f"{base}/manifests/{digest_of(image)}")
    ask("delete it again", "DELETE", f"{base}/manifests/{digest_of(image)}")
    ask("delete a tag", "DELETE", f"{base}/manifests/all")
    ask("delete a blob", "DELETE", f"{base}/blobs/{digest_of(layer)}")


main()
