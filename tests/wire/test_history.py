#!/usr/bin/env python3
"""What happened to tags, and undoing it, beside clients that go on, and after the server was killed."""
import json
import signal
import subprocess
import threading

import wire

CLIENTS = 4
MOVES = 15  # of each client


def berth(server, *arguments, status=0):
    """Runs a command of `berth` against the server; its output."""
    done = subprocess.run([f"{wire.BUILD}/berth", *arguments, "--config", f"{server.folder}/config.yml"],
                          capture_output=True, text=True, check=False, timeout=60)
    wire.equal(done.returncode, status, done.stdout + done.stderr)
    return done.stdout + done.stderr


def history(server, what):
    return [json.loads(line) for line in berth(server, "tags", "history", what, "--json").splitlines()]


def tag_digest(server, repository, tag):
    return server.ask("HEAD", f"/v2/{repository}/manifests/{tag}").header("docker-content-digest")


def last_pulled(server, repository):
    return {tag["tag"]: tag["pulled"] for tag in map(json.loads, berth(server, "tags", "list", repository, "--json").splitlines())}


def check_chain(server, repository, tag):
    """Each event leads to the one after it, the last one to the tag as it is."""
    events = history(server, f"{repository}:{tag}")
    wire.equal(events[0]["to"], tag_digest(server, repository, tag))
    for newer, older in zip(events, events[1:]):
        wire.equal(newer["from"], older["to"], (newer, older))
    wire.equal(events[-1]["event"], "created")
    return events


@wire.case("what was acknowledged is in the history after SIGKILL, and is undone then")
def _(server):
    repository = wire.fresh()
    one = server.push_image(repository, "v", b"one")
    two = server.push_image(repository, "v", b"two")
    wire.equal(server.ask("DELETE", f"/v2/{repository}/manifests/v").status, 202)
    wire.equal(server.ask("DELETE", f"/v2/{repository}/manifests/{two}").status, 202)
    server.restart(signal.SIGKILL)
    wire.equal([(e["event"], e["from"], e["to"]) for e in history(server, f"{repository}:v")],
               [("deleted", two, None), ("moved", one, two), ("created", None, one)])
    berth(server, "tags", "restore", f"{repository}:v")
    wire.equal(tag_digest(server, repository, "v"), two)
    server.restart(signal.SIGKILL)
    wire.equal(tag_digest(server, repository, "v"), two)


@wire.case("clients that move a tag, somebody who restores it and the removal of untagged images do not lose an event or an image")
def _(server):
    repository = wire.fresh()
    manifests = [json.dumps(server.image(repository, b"content %d" % n)).encode() for n in range(CLIENTS)]
    errors = []
    for body in manifests[:2]:  # so that there is something to undo from the start
        wire.equal(server.put_manifest(repository, "v", body).status, 201)

    def move(body):
        try:
            for _ in range(MOVES):
                wire.equal(server.put_manifest(repository, "v", body).status, 201)
        except Exception as error:  # pylint: disable=broad-except
            errors.append(error)

    threads = [threading.Thread(target=move, args=(body,)) for body in manifests]
    for thread in threads:
        thread.start()
    restored = 0
    while any(thread.is_alive() for thread in threads):
        restored += "again" in berth(server, "tags", "restore", f"{repository}:v")
        berth(server, "gc", "--delete-untagged", "--grace", "0s")
    for thread in threads:
        thread.join()
    wire.equal(errors, [])
    wire.true(restored > 0, "something was restored")
    events = check_chain(server, repository, "v")
    wire.equal(sum(e["event"] == "moved-back" for e in events), restored)
    for digest in {e["to"] for e in events}:
        wire.equal(server.ask("GET", f"/v2/{repository}/manifests/{digest}").status, 200)


@wire.case("GET notes a pull, also one that is answered 304; HEAD does not, nor does a GET of what is not there")
def _(server):
    repository = wire.fresh()
    for tag in ("got", "cached", "looked"):
        server.push_image(repository, tag, tag.encode())
    etag = server.ask("HEAD", f"/v2/{repository}/manifests/cached").header("etag")
    wire.equal(server.ask("GET", f"/v2/{repository}/manifests/got").status, 200)
    wire.equal(server.ask("GET", f"/v2/{repository}/manifests/cached", [("If-None-Match", etag)]).status, 304)
    wire.equal(server.ask("HEAD", f"/v2/{repository}/manifests/looked").status, 200)
    wire.equal(server.ask("GET", f"/v2/{repository}/manifests/none").status, 404)
    wire.equal(set(last_pulled(server, repository).values()), {None})
    server.restart()  # a stop writes what is not yet written
    wire.equal({tag: pulled is not None for tag, pulled in last_pulled(server, repository).items()},
               {"cached": True, "got": True, "looked": False})


wire.main()
