#!/usr/bin/env python3
"""log.accesslog.formatter json: an object a line, whatever clients send, with what the request was about."""
import json
import time

import wire

COMBINED = wire.CONFIG
wire.CONFIG = COMBINED.replace("log: {{level: info}}", "log: {{level: info, accesslog: {{formatter: json}}}}")


def lines(server):
    with open(server.log, "rb") as log:
        return [json.loads(line.decode("utf-8")) for line in log.read().split(b"\n")[:-1] if line.startswith(b"{")]


def line_of(server, answer):
    """The line of the request that got this answer."""
    found = []

    def is_there():
        found[:] = [line for line in lines(server) if line["id"] == answer.header("x-request-id")]
        return found
    wire.eventually(is_there, "the request has a line")
    wire.equal(len(found), 1, "lines of one request")
    return found[0]


def tells(server, answer, **wanted):
    line = line_of(server, answer)
    wire.equal({key: line.get(key) for key in wanted}, wanted)
    return line


@wire.case("a manifest that is read by its tag is told with its digest")
def _(server):
    name = wire.fresh()
    digest = server.push_image(name, "v1")
    began = time.time()
    answer = server.ask("GET", f"/v2/{name}/manifests/v1?x=1", [("User-Agent", "reader/1.0"), ("Referer", "https://ci.example/")])
    line = tells(server, answer, address="127.0.0.1", user=wire.USER, method="GET", path=f"/v2/{name}/manifests/v1", query="x=1",
                 protocol="HTTP/1.1", route="manifest", repository=name, reference="v1", digest=digest, status=200, bytes_received=0,
                 bytes_sent=len(answer.body), agent="reader/1.0", referer="https://ci.example/", error=None, tls=None, cipher=None,
                 certificate=None)
    wire.true(0 < line["duration_seconds"] < wire.PATIENCE, line)
    told = time.mktime(time.strptime(line["time"][:19], "%Y-%m-%dT%H:%M:%S")) - time.timezone
    wire.true(line["time"].endswith("Z") and abs(told - began) < 2 + wire.PATIENCE, f"{line['time']} is not now")


@wire.case("an upload is told with its bytes and its session")
def _(server):
    name = wire.fresh()
    session = server.begin(name)
    data = b"some layer" * 1000
    answer = server.ask("PATCH", session, body=data)
    tells(server, answer, method="PATCH", route="upload", repository=name, reference=session.split("/")[-1].split("?")[0], status=202,
          bytes_received=len(data), bytes_sent=0)
    answer = server.ask("PUT", wire.add_query(session, "digest=" + wire.sha256(data)))
    tells(server, answer, status=201, digest=wire.sha256(data), bytes_received=0)


@wire.cases("{0} {1} is told with route {2} and error {3}", [
    ("GET", "/v2/a/manifests/none", "manifest", "MANIFEST_UNKNOWN"), ("GET", "/v2/A/tags/list", "tags", "NAME_INVALID"),
    ("OPTIONS", "/v2/", "base", "UNSUPPORTED"), ("GET", "/elsewhere", "none", "NAME_UNKNOWN"), ("GET", "/v2/a%zz", "none", "NAME_INVALID"),
    ("PATCH", "/v2/a/blobs/uploads/none", "upload", "BLOB_UPLOAD_UNKNOWN"),
])
def _(server, method, path, route, error):
    answer = server.ask(method, path)
    tells(server, answer, method=method, path=path, route=route, error=error, status=answer.status)


@wire.case("who is refused is nobody, and what he asked for is told")
def _(server):
    answer = server.ask("GET", "/v2/a/tags/list", authorization="Basic eDp5")
    tells(server, answer, user=None, route="tags", error="UNAUTHORIZED", status=401, reference=None)


@wire.case("bytes of a client's that are no text, or look like JSON, spoil no line")
def _(server):
    with server.connect() as c:
        c.send(c.compose("GET", "/v2/a%ff%22,%22status%22:200,%22b/tags/list", [("User-Agent", "a\x80b\"}{\\")]))
        answer = c.answer()
    line = line_of(server, answer)
    wire.equal(line["status"], answer.status)
    wire.equal(line["agent"], "a\ufffdb\"}{\\")
    wire.equal(line["repository"], 'a\ufffd","status":200,"b')


@wire.case("a client that leaves before its answer has the status 499")
def _(server):
    name = wire.fresh()
    with server.connect() as c:
        c.send(c.compose("PUT", wire.add_query(server.begin(name), "digest=" + wire.sha256(b"x" * 100)), [("Content-Length", "100")], b"x" * 10))
        time.sleep(0.2)
    wire.eventually(lambda: [line["status"] for line in lines(server) if line.get("repository") == name and line["method"] == "PUT"] == [499],
                    "the request has its line")


@wire.case("without the key lines are in the combined format")
def _(server):
    server.stop()
    server.configure(COMBINED)
    server.start()
    answer = server.ask("GET", "/v2/")
    wire.eventually(lambda: f'"GET /v2/ HTTP/1.1" 200 2 "-" "-" {answer.header("x-request-id")}\n' in server.log_text(), "a line in the combined format")
    server.stop()
    server.configure(wire.CONFIG)
    server.start()


wire.main()
