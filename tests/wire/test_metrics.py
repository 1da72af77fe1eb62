#!/usr/bin/env python3
"""http.debug: health and metrics on a port of their own, in Prometheus' text format, and none of the registry there."""
import base64
import os
import socket
import time

import wire
from client import Connection
from scrape import PORT, ask, grown, metrics, parse, value

DEBUG = f"http:\n  debug: {{{{addr: '127.0.0.1:{PORT}', prometheus: {{{{enabled: true, path: /metrics}}}}}}}}\n  "
PLAIN = wire.CONFIG
wire.CONFIG = PLAIN.replace("http: {{addr: \"127.0.0.1:{port}\"}}\n", DEBUG + "addr: 127.0.0.1:{port}\n")


@wire.case("health is 200 and an empty JSON object")
def _(_server):
    answer = ask("GET", "/debug/health")
    wire.equal((answer.status, answer.body, answer.header("content-type")), (200, b"{}", "application/json"))
    answer = ask("HEAD", "/debug/health?x")
    wire.equal((answer.status, answer.header("content-length")), (200, "2"))


@wire.case("the metrics are Prometheus' text format, to the letter")
def _(_server):
    samples = metrics()
    wire.equal([dict(labels).keys() for name, labels in samples if name == "berth_build_info"], [{"version"}])
    wire.equal(ask("HEAD", "/metrics").status, 200)


@wire.case("the process' start is the time at which it started")
def _(server):
    server.restart()
    started = value(metrics(), "process_start_time_seconds")
    wire.true(abs(time.time() - started) < wire.PATIENCE * 2, f"{started} is not now")
    time.sleep(1.1)
    wire.equal(value(metrics(), "process_start_time_seconds"), started)


@wire.cases("{0} {1} is counted as route {2}, method {3}, code {4}", [
    ("GET", "/v2/", "base", "GET", "200"), ("HEAD", "/v2/a/manifests/none", "manifest", "HEAD", "404"),
    ("GET", "/v2/a/blobs/sha256:" + "0" * 64, "blob", "GET", "404"), ("GET", "/v2/_catalog?n=x", "catalog", "GET", "400"),
    ("POST", "/v2/a/blobs/uploads/", "uploads", "POST", "202"), ("PUT", "/v2/a/blobs/uploads/none?digest=x", "upload", "PUT", "400"),
    ("PATCH", "/v2/a/blobs/uploads/none", "upload", "PATCH", "404"), ("GET", "/v2/a/tags/list", "tags", "GET", "404"),
    ("GET", "/v2/A/tags/list", "tags", "GET", "400"), ("GET", "/v2/a/referrers/sha256:" + "0" * 64, "referrers", "GET", "200"),
    ("DELETE", "/v2/a/manifests/none", "manifest", "DELETE", "404"), ("OPTIONS", "/v2/", "base", "other", "405"),
    ("GET", "/elsewhere", "none", "GET", "404"), ("GET", "/v2/%zz/tags/list", "none", "GET", "400"),
])
def _(server, method, path, route, counted, code):
    def ask():
        wire.equal(str(server.ask(method, path).status), code)
    wire.equal(grown(ask, "berth_http_requests_total", route=route, method=counted, code=code), 1)
    wire.equal(grown(ask, "berth_http_request_duration_seconds_count", route=route, method=counted), 1)


@wire.case("how long a request took is counted in the buckets that hold it, and its bytes both ways")
def _(server):
    def push():
        session = server.begin("metrics/bytes")
        with server.connect() as c:
            c.send(c.compose("PUT", wire.add_query(session, "digest=" + wire.sha256(data)), [("Content-Length", str(len(data)))], data[:100]))
            time.sleep(0.3)
            c.send(data[100:])
            wire.equal(c.answer().status, 201)
    data = b"some layer" * 5000
    put, get = {"route": "upload", "method": "PUT"}, {"route": "blob", "method": "GET"}
    before = metrics()
    push()
    wire.equal(server.ask("GET", "/v2/metrics/bytes/blobs/" + wire.sha256(data)).body, data)
    after = metrics()

    def more(name, **labels):
        key = (name, tuple(sorted(labels.items())))
        return after.get(key, 0) - before.get(key, 0)
    seconds = more("berth_http_request_duration_seconds_sum", **put)
    wire.true(0.3 <= seconds < wire.PATIENCE, f"{seconds} for a body that took 0.3 s")
    wire.equal(more("berth_http_request_duration_seconds_bucket", le="0.25", **put), 0)
    wire.equal(more("berth_http_request_duration_seconds_bucket", le="600", **put), 1)
    wire.equal(more("berth_http_request_duration_seconds_bucket", le="+Inf", **put), 1)
    wire.equal(more("berth_http_request_body_bytes_total", **put), len(data))
    wire.equal(more("berth_http_response_body_bytes_total", **get), len(data))
    wire.equal(more("berth_http_request_body_bytes_total", **get), 0)


@wire.case("a request is in flight from its head to the end of its answer")
def _(server):
    def in_flight():
        return value(metrics(), "berth_http_requests_in_flight")
    wire.eventually(lambda: in_flight() == 0, "nobody asks for anything")
    with server.connect() as c:
        c.send(c.compose("PUT", wire.add_query(server.begin("flight"), "digest=" + wire.sha256(b"x" * 100)), [("Content-Length", "100")], b"x" * 10))
        wire.eventually(lambda: in_flight() == 1, "an upload is under way")
        c.send(b"x" * 90)
        wire.equal(c.answer().status, 201)
    wire.eventually(lambda: in_flight() == 0, "it is over")


@wire.case("what is not HTTP is counted as malformed, and as no request")
def _(server):
    def ask():
        with server.connect() as c:
            c.send(b"GET /v2/ HTTP/1.1\r\nHost: a\r\nHost : b\r\n\r\n")
            wire.equal(c.answer().status, 400)
    wire.equal(grown(ask, "berth_http_malformed_requests_total"), 1)


@wire.case("requests for metrics and health are not requests to the registry")
def _(_server):
    def requests():
        return sum(count for (name, _), count in metrics().items() if name == "berth_http_requests_total")
    before = requests()
    for _ in range(5):
        ask("GET", "/debug/health")
    wire.equal(requests(), before)


@wire.case("turns of the loops are counted by their length, and what a loop waited for a processor")
def _(server):
    def turns(samples):
        return sum(count for (name, _), count in samples.items() if name == "berth_loop_turn_seconds_count")
    before = turns(metrics())
    for _ in range(20):
        server.ask("GET", "/v2/")
    samples = metrics()
    wire.true(turns(samples) >= before + 20, f"{turns(samples)} after {before}")
    for (name, labels), count in samples.items():
        if name == "berth_loop_turn_seconds_count":
            loop = dict(labels)["loop"]
            buckets = [n for (of, of_labels), n in samples.items() if of == "berth_loop_turn_seconds_bucket" and dict(of_labels)["loop"] == loop]
            wire.equal(buckets, sorted(buckets), "buckets hold those before them")
            wire.equal(buckets[-1], count, "the last bucket holds all")
            wire.true(value(samples, "berth_loop_processor_wait_seconds_total", loop=loop) < 60, "a loop that waited for ever")


@wire.case("a client that leaves in the middle of its upload is counted as 499")
def _(server):
    def leave():
        with server.connect() as c:
            c.send(c.compose("PUT", wire.add_query(server.begin("cut"), "digest=" + wire.sha256(b"x" * 100)), [("Content-Length", "100")], b"x" * 10))
            time.sleep(0.2)
        time.sleep(0.3)
    wire.equal(grown(leave, "berth_http_requests_total", route="upload", method="PUT", code="499"), 1)


@wire.case("logins are counted by how they were decided: hashed once, then remembered; refused ones apart")
def _(server):
    server.restart()
    wrong = "Basic " + base64.b64encode(b"alice:wrong").decode()
    wire.equal(grown(lambda: server.ask("GET", "/v2/"), "berth_authentications_total", result="hashed"), 1)
    wire.equal(grown(lambda: [server.ask("GET", "/v2/") for _ in range(5)], "berth_authentications_total", result="remembered"), 5)
    wire.equal(grown(lambda: server.ask("GET", "/v2/", authorization=wrong), "berth_authentications_total", result="wrong"), 1)
    wire.equal(grown(lambda: server.ask("GET", "/v2/", authorization=wrong), "berth_authentications_total", result="hashed"), 0)


@wire.case("who says nothing is counted, too; and whether a password was remembered")
def _(server):
    server.restart()
    wire.equal(grown(lambda: server.ask("GET", "/v2/", authorization=None), "berth_authentications_total", result="none"), 1)
    wire.equal(grown(lambda: server.ask("GET", "/v2/", authorization="Basic x"), "berth_authentications_total", result="refused"), 1)
    wire.equal(grown(lambda: server.ask("GET", "/v2/"), "berth_password_cache_requests_total", result="miss"), 1)
    wire.equal(grown(lambda: [server.ask("GET", "/v2/") for _ in range(3)], "berth_password_cache_requests_total", result="hit"), 3)


@wire.case("uploads are counted when they begin, are asked for, and end in any way")
def _(server):
    def change(what, **labels):
        name = "berth_uploads_" + labels.pop("of") + "_total"
        return grown(what, name, **labels)
    data = b"counted"
    digest = "digest=" + wire.sha256(data)
    wire.equal(change(lambda: server.push_blob("metrics/uploads", data), of="started"), 1)
    wire.equal(change(lambda: server.push_blob("metrics/uploads", data), of="ended", how="finished"), 1)
    def all_are_told():
        return value(metrics(), "berth_uploads_open") == sum(name.endswith(".state") for name in os.listdir(f"{server.folder}/data/uploads"))
    sessions = [server.begin("metrics/uploads") for _ in range(2)]
    wire.eventually(all_are_told, "open uploads are told, those of before the last start, too")
    wire.equal(change(lambda: wire.equal(server.ask("GET", sessions[0]).status, 204), of="resumed"), 1)
    wire.equal(change(lambda: wire.equal(server.ask("DELETE", sessions[0]).status, 204), of="ended", how="cancelled"), 1)
    wire.equal(change(lambda: wire.equal(server.ask("DELETE", sessions[0]).status, 404), of="ended", how="cancelled"), 0)
    wire.equal(change(lambda: wire.equal(server.ask("PUT", wire.add_query(sessions[1], digest), body=b"other").status, 400), of="ended", how="refused"), 1)
    wire.true(all_are_told(), "those that have ended are open no more")


@wire.case("commits are counted with the changes they share, and what waited for them")
def _(server):
    names = ("berth_commit_changes_count", "berth_commit_changes_sum", "berth_commit_duration_seconds_count", "berth_commit_sync_duration_seconds_count")
    before = metrics()
    for i in range(5):
        server.push_blob("metrics/commits", b"commit %d" % i)
    after = metrics()
    for name in names:
        wire.true(value(after, name) - value(before, name) >= 5, f"{name} grew by {value(after, name) - value(before, name)}")
    for queue in ("commit", "disk"):
        waited = [value(samples, "berth_queue_wait_seconds_count", queue=queue) for samples in (before, after)]
        wire.true(waited[1] - waited[0] >= 5, f"{waited} waited in the queue {queue}")
    wire.equal(value(after, "berth_commit_failures_total"), 0)


@wire.case("the process tells of itself by the names that all do, and the disk how much room there is")
def _(server):
    now = metrics()
    pid = server.process.pid
    descriptors = len(os.listdir(f"/proc/{pid}/fd"))
    wire.true(abs(value(now, "process_open_fds") - descriptors) <= 2, f"{value(now, 'process_open_fds')} are told, {descriptors} are open")
    wire.true(value(now, "process_max_fds") > descriptors, "more are open than may be")
    wire.true(1 << 20 < value(now, "process_resident_memory_bytes") <= value(now, "process_virtual_memory_bytes"), "memory")
    wire.true(0 < value(now, "process_cpu_seconds_total") < 3600, "processor time")
    wire.true(0 < value(now, "berth_storage_available_bytes") <= value(now, "berth_storage_size_bytes"), "room on the disk")
    wire.equal(value(now, "berth_storage_reserve_bytes"), 64 << 20)
    wire.true(abs(time.time() - value(now, "berth_clock_timestamp_seconds")) < wire.PATIENCE, "the clock")
    wire.equal(value(now, "berth_sweep_interval_seconds"), 3600)


@wire.case("repositories, manifests and tags are counted")
def _(server):
    before = metrics()
    for tag in ("one", "two"):
        server.push_image("metrics/counted", tag)
    after = metrics()
    wire.equal([value(after, name) - value(before, name) for name in ("berth_repositories", "berth_manifests", "berth_tags")], [1, 1, 2])


def repositories(query=""):
    answer = ask("GET", "/metrics/repositories" + query)
    wire.equal((answer.status, answer.header("content-type")), (200, "text/plain; version=0.0.4; charset=utf-8"), answer)
    return parse(answer.body.decode())


@wire.case("the largest repositories are told of one by one, as many as are asked for, the largest first")
def _(server):
    for i, size in enumerate((100, 300, 200)):
        server.push_blob(f"metrics/top/r{i}", b"%d" % i * size)
    for tag in ("one", "two"):
        server.push_image("metrics/top/r1", tag)
    server.push_blob("metrics/top/r2", b"0" * 100)
    now = repositories("?path=metrics/top/")
    names = [dict(labels)["repository"] for name, labels in now if name == "berth_repository_logical_bytes"]
    wire.equal(names, ["metrics/top/r1", "metrics/top/r2", "metrics/top/r0"])
    held = {"logical_bytes": 300, "unique_bytes": 200, "blobs": 2, "manifests": 0, "tags": 0}
    wire.equal({what: value(now, "berth_repository_" + what, repository="metrics/top/r2") for what in held}, held)
    wire.equal([value(now, "berth_repository_" + what, repository="metrics/top/r1") for what in ("manifests", "tags")], [1, 2])
    two = repositories("?path=metrics%2Ftop&top=2")
    wire.equal([dict(labels)["repository"] for name, labels in two if name == "berth_repository_tags"], names[:2])


@wire.cases("{0} is no number of repositories", [("",), ("0",), ("-1",), ("x",), ("10001",), ("99999999999999999999",), ("1%00",)])
def _(_server, top):
    answer = ask("GET", "/metrics/repositories?top=" + top)
    wire.equal((answer.status, answer.body), (400, b"top is how many repositories are shown, the largest: 1 to 10000\n"))


@wire.case("a client that leaves before its report is made harms nobody")
def _(_server):
    for _ in range(50):
        with Connection(("127.0.0.1", PORT), None) as c:
            c.send(b"GET /metrics/repositories?top=10000 HTTP/1.1\r\nHost: x\r\n\r\n")
    wire.true(metrics(), "no answer")


@wire.case("how each quota stands is told, by its path")
def _(server):
    server.stop()
    server.configure(wire.CONFIG.replace("storage:\n", "storage:\n  quotas: [{{prefix: 'metrics/q/', limit: 1000}}, {{prefix: '', limit: 1GiB}}]\n", 1))
    server.start()
    server.push_blob("metrics/q", b"12345")
    now = metrics()
    wire.equal([value(now, f"berth_quota_{what}_bytes", path="metrics/q") for what in ("limit", "used", "reserved")], [1000, 5, 0])
    wire.equal(value(now, "berth_quota_limit_bytes", path=""), 1 << 30)
    server.stop()
    server.configure(wire.CONFIG)
    server.start()


@wire.case("connections are counted while they are open, the scrape's own included and listeners not")
def _(server):
    wire.eventually(lambda: value(metrics(), "berth_connections") == 1, "only the scrape's connection is left")
    idle = [server.connect() for _ in range(7)]
    wire.eventually(lambda: value(metrics(), "berth_connections") == 8, "seven more are counted")
    loops = []

    def eight():  # the connection of the scrape before may not be gone yet
        loops[:] = [n for (name, _), n in metrics().items() if name == "berth_loop_connections"]
        return sum(loops) == 8
    wire.eventually(eight, "by loop, too")
    wire.true(max(loops) - min(loops) <= 2, f"connections spread over the loops: {loops}")
    for c in idle:
        c.socket.close()
    wire.eventually(lambda: value(metrics(), "berth_connections") == 1, "they are counted no more")


@wire.case("what is stored is told as it is: a blob that two repositories hold is stored once and counted twice")
def _(server):
    data = b"stored and held" * 1000
    before = metrics()
    server.push_blob("metrics/a", data)
    server.push_blob("metrics/b", data)
    after = metrics()
    added = [value(after, name) - value(before, name) for name in ("berth_stored_blobs", "berth_stored_bytes", "berth_logical_bytes")]
    wire.equal(added, [1, len(data), 2 * len(data)])


@wire.case("without TLS there is no certificate to tell of")
def _(_server):
    wire.equal([name for name, _ in metrics() if "certificate_expiry" in name], [])


@wire.cases("{0} is not there", [("/",), ("/v2/",), ("/v2/_catalog",), ("/debug",), ("/debug/",), ("/debug/vars",), ("/debug/pprof/",), ("/metrics/",), ("/metrics/repositories/",), ("/metricsrepositories",),
                                 ("/Metrics",), ("//metrics",), ("/%6detrics",), ("/x/../metrics",), ("/debug/health/",)])
def _(_server, path):
    answer = ask("GET", path, [("Host", "default")])
    wire.equal((answer.status, answer.body, answer.header("docker-distribution-api-version")), (404, b"nothing here\n", None), answer)


@wire.cases("{0} of {1} is 405", [(method, path) for method in ("POST", "PUT", "DELETE", "OPTIONS") for path in ("/metrics", "/debug/health")])
def _(_server, method, path):
    answer = ask(method, path)
    wire.equal((answer.status, answer.header("allow")), (405, "GET, HEAD"), answer)


@wire.cases("the registry's own port does not serve {0}, whatever the Host", [("/metrics",), ("/debug/health",)])
def _(server, path):
    for host in ("registry.test", "http.debug.addr", f"127.0.0.1:{PORT}"):
        wire.equal(server.ask("GET", path, [("Host", host)]).status, 404)
    with server.connect() as c:
        c.send(f"GET http://http.debug.addr{path} HTTP/1.1\r\nHost: x\r\nAuthorization: {wire.AUTHORIZATION}\r\n\r\n".encode())
        wire.equal(c.answer().status, 404)


@wire.case("loopback draws no warning, another address draws one")
def _(server):
    wire.true("http.debug.addr" not in server.log_text(), "a warning without need")
    everywhere = wire.CONFIG.replace(f"127.0.0.1:{PORT}", ":0")
    other = wire.Server(everywhere).start()
    try:
        wire.true('level=warn msg="http.debug.addr :0 is not loopback, and whoever reaches it needs no password; write for example '
                  '127.0.0.1:5001, or keep others out with a firewall"' in other.log_text(), "no warning")
    finally:
        other.stop()
        other.remove()


@wire.case("without prometheus.enabled there is health and no metrics, and another path moves them")
def _(server):
    for settings, wanted in (("prometheus: {{enabled: false}}", [404, 404]), ("prometheus: {{enabled: true, path: /other}}", [404, 200])):
        server.stop()
        server.configure(wire.CONFIG.replace("prometheus: {{enabled: true, path: /metrics}}", settings))
        server.start()
        wire.equal([ask("GET", path).status for path in ("/metrics", "/other", "/debug/health")], wanted + [200])
    server.stop()
    server.configure(wire.CONFIG)
    server.start()


@wire.case("without http.debug nothing listens there")
def _(server):
    server.stop()
    server.configure(PLAIN)
    server.start()
    try:
        socket.create_connection(("127.0.0.1", PORT), timeout=1).close()
        raise wire.Failed("somebody listens")
    except ConnectionRefusedError:
        pass
    server.stop()
    server.configure(wire.CONFIG)
    server.start()


@wire.case("scrapes under load lose nothing and break nothing")
def _(server):
    def load():
        with server.connect() as c:
            for i in range(300):
                wire.equal(c.ask("GET", "/v2/").status, 200)
                if i % 20 == 0:
                    metrics()
    wire.equal(grown(load, "berth_http_requests_total", route="base", method="GET", code="200"), 300)


wire.main()
