#!/usr/bin/env python3
"""Registries that are made for the benchmarks are registries: served, listed, and found whole by the check."""
import json
import os
import subprocess

import wire

KINDS = {"repositories": 300, "tags": 2000, "layers": 250, "idle": 40, "referrers": 120, "untagged": 30}
MINE = "team-007/app-0000007"
wire.CONFIG = """version: 0.1
log: {{level: info}}
storage:
  filesystem: {{rootdirectory: {folder}/data}}
http: {{addr: "127.0.0.1:{port}"}}
access:
  rules:
    - {{repositories: [scale/*, team-007/**, "team-11*/**"], subjects: [anonymous], actions: [pull]}}
"""


def scale(server, *arguments):
    return json.loads(subprocess.check_output([f"{wire.BUILD}/bench/scale", *map(str, arguments[:-2]),
                                               f"{server.folder}/data", *map(str, arguments[-2:])]))


def filled(server):
    """In two parts, as the benchmarks let a registry grow; the files of what is read are there."""
    if "repositories" in getattr(server, "made", {}):
        return
    server.stop()
    for kind, count in KINDS.items():
        scale(server, "--batch", 37, "--files", kind, count // 2)
        scale(server, "--batch", 37, "--files", "--from", count // 2, kind, count - count // 2)
    server.made = scale(server, "tables", 0)["tables"]
    server.start()


def whole(server, path, member):
    """All entries of a list, page by page."""
    entries = []
    while path:
        answer = server.ask("GET", path, authorization=None)
        wire.equal(answer.status, 200, answer)
        entries += answer.json()[member]
        link = answer.header("link")
        path = link and link.split("<")[1].split(">")[0]
    return entries


@wire.case("made in parts, everything that was asked for is there")
def _(server):
    filled(server)
    wire.equal(whole(server, "/v2/scale/tags/tags/list?n=700", "tags"), [f"v{n:07}" for n in range(KINDS["tags"])])
    subject = server.ask("HEAD", "/v2/scale/referrers/manifests/latest", authorization=None)
    path = f"/v2/scale/referrers/referrers/{subject.header('docker-content-digest')}"
    wire.equal(len(whole(server, path + "?n=50", "manifests")), KINDS["referrers"])
    wire.equal(len(whole(server, path + "?artifactType=application/vnd.example.type-1", "manifests")),
               KINDS["referrers"] // 4)
    wire.equal(server.made["repos"][0], KINDS["repositories"] + 5)
    wire.equal(server.made["idle"][0], KINDS["idle"])


@wire.case("what is made can be pulled")
def _(server):
    filled(server)
    manifest = server.ask("GET", f"/v2/{MINE}/manifests/v0000003", authorization=None).json()
    for blob in (manifest["config"], *manifest["layers"]):
        answer = server.ask("GET", f"/v2/{MINE}/blobs/{blob['digest']}", authorization=None)
        wire.equal((wire.sha256(answer.body), len(answer.body)), (blob["digest"], blob["size"]))


@wire.case("a caller's catalog leaps from one of his folders to the next")
def _(server):
    filled(server)
    mine = ["scale/blobs", "scale/referrers", "scale/tags", MINE, *(f"team-{n}/app-0000{n}" for n in range(110, 120))]
    for n in (1, 3, 1000):
        names = whole(server, f"/v2/_catalog?n={n}", "repositories")
        wire.equal([name for name in names if name != "scale/untagged"], mine)


@wire.case("the check finds nothing to repair")
def _(server):
    filled(server)
    server.stop()
    command = [f"{wire.BUILD}/berth", "fsck", "--dry-run", "--metadata-only", "--json", "--config",
               f"{server.folder}/config.yml"]
    result = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
    server.start()
    wire.equal(result.returncode, 0, result.stdout)


@wire.case("the tables of figures are made from small registries, too")
def _(server):
    work = f"{server.folder}/scale"
    os.makedirs(f"{server.folder}/o", exist_ok=True)
    environment = {**os.environ, "BENCH_QUICK": "1", "SCALE_WORK": work, "SCALE_RESULTS": f"{server.folder}/o/scale.json"}
    result = subprocess.run([f"{os.path.dirname(__file__)}/../bench/scale.sh", "bytes_of", "check"], text=True,
                            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, env=environment, check=False)
    wire.equal(result.returncode, 0, result.stdout)
    with open(f"{server.folder}/o/scale.json", encoding="utf-8") as file:
        tables = json.load(file)["tables"]
    wire.equal(tables["Metadata, bytes"]["lines"][0][:2], ["tag", 10000 + 10000 + 1])
    wire.true(tables["Check of the metadata"]["lines"][0][0] == "10,000 tags", tables)


wire.main()
