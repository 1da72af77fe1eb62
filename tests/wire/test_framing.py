#!/usr/bin/env python3
"""HTTP framing: request smuggling, limits, odd delivery, pipelining, methods (hostile.md "Input"; RFC 9112)."""
import json
import time

import wire

AUTH = f"Authorization: {wire.AUTHORIZATION}\r\n".encode()
POST = b"POST /v2/smuggle/blobs/uploads/ HTTP/1.1\r\nHost: registry.test\r\n" + AUTH
GET = b"GET /v2/ HTTP/1.1\r\nHost: registry.test\r\n" + AUTH


REFUSED = [
    ("Transfer-Encoding with Content-Length", POST + b"Transfer-Encoding: chunked\r\nContent-Length: 4\r\n\r\n0\r\n\r\n"),
    ("Content-Length with Transfer-Encoding", POST + b"Content-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"),
    ("two Content-Lengths that differ", POST + b"Content-Length: 0\r\nContent-Length: 3\r\n\r\nabc"),
    ("two Content-Lengths that agree", POST + b"Content-Length: 3\r\nContent-Length: 3\r\n\r\nabc"),
    ("a list of Content-Lengths", POST + b"Content-Length: 3, 3\r\n\r\nabc"),
    ("chunked, identity", POST + b"Transfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n"),
    ("identity alone", POST + b"Transfer-Encoding: identity\r\n\r\n"),
    ("an unknown transfer coding", POST + b"Transfer-Encoding: gzip\r\n\r\nabc"),
    ("gzip before chunked", POST + b"Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n"),
    ("chunked twice", POST + b"Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"),
    ("a misspelt chunked", POST + b"Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n"),
    ("a folded header line", GET + b"X-Folded: a\r\n b\r\n\r\n"),
    ("a bare LF after a header", GET + b"X-A: b\nX-C: d\r\n\r\n"),
    ("a bare LF after the request line", b"GET /v2/ HTTP/1.1\nHost: registry.test\r\n\r\n"),
    ("a bare CR in a header", GET + b"X-A: b\rc\r\n\r\n"),
    ("a space before the colon", GET + b"X-A : b\r\n\r\n"),
    ("a space before the colon of Content-Length", POST + b"Content-Length : 3\r\n\r\nabc"),
    ("a header without a name", GET + b": b\r\n\r\n"),
    ("a header without a colon", GET + b"X-A b\r\n\r\n"),
    ("a NUL in a header", GET + b"X-A: b\0c\r\n\r\n"),
    ("a negative Content-Length", POST + b"Content-Length: -1\r\n\r\n"),
    ("a Content-Length with a sign", POST + b"Content-Length: +3\r\n\r\nabc"),
    ("a Content-Length that is no number", POST + b"Content-Length: three\r\n\r\n"),
    ("an empty Content-Length", POST + b"Content-Length:\r\n\r\n"),
    ("a Content-Length over 2^64", POST + b"Content-Length: 18446744073709551617\r\n\r\n"),
    ("no request at all", b"hello there\r\n\r\n"),
    ("a TLS hello on a plain port", b"\x16\x03\x01\x00\xf8\x01\x00\x00\xf4\x03\x03" + b"\0" * 64),
    ("an unknown version", b"GET /v2/ HTTP/3.7\r\nHost: registry.test\r\n\r\n"),
    ("a space in the path", b"GET /v2/ x HTTP/1.1\r\nHost: registry.test\r\n\r\n"),
    ("HTTP/1.1 without Host", b"GET /v2/ HTTP/1.1\r\n" + AUTH + b"\r\n"),
    ("two Hosts", GET + b"Host: other.test\r\n\r\n"),
]
SMUGGLED = b"GET /v2/_catalog HTTP/1.1\r\nHost: smuggled.test\r\n" + AUTH + b"\r\n"


@wire.cases("{0}: 400 and the connection is closed", REFUSED, stores=False)
def _(server, _sentence, request):
    with server.connect() as c:
        c.send(request + SMUGGLED)
        answer = c.answer()
        # RFC 9112 allows 501 for a transfer coding, RFC 9110 505 for a version.
        one = (400, 501) if b"Transfer-Encoding" in request else (400, 505) if b"HTTP/3" in request else (400,)
        wire.one_of(answer.status, one, answer)
        wire.true(c.ended(), "the connection stays open: what follows could be smuggled")


def patch(server):
    """The head of a chunked PATCH to an upload of its own: a request whose body is looked at."""
    with server.connect() as c:
        return c.compose("PATCH", server.begin(wire.fresh()), [("Transfer-Encoding", "chunked")])


@wire.cases("{0}: 400 and the connection is closed", [
    ("a chunk size over 2^64", b"10000000000000001\r\nabc"),
    ("a chunk size that is no number", b"xyz\r\n"),
    ("an empty chunk size", b"\r\nabc\r\n0\r\n\r\n"),
    ("a chunk size with a sign", b"+3\r\nabc\r\n0\r\n\r\n"),
    ("a chunk size with 0x", b"0x3\r\nabc\r\n0\r\n\r\n"),
    ("a chunk longer than announced", b"1\r\nabc\r\n0\r\n\r\n"),
    ("a chunk ending in a bare LF", b"3\nabc\n0\n\n"),
    ("a trailer folded over two lines", b"0\r\nX-T: a\r\n b\r\n\r\n"),
])
def _(server, _sentence, body):
    with server.connect() as c:
        c.send(patch(server) + body + SMUGGLED)
        answer = c.answer()
        wire.equal(answer.status, 400, answer)
        wire.true(c.ended(), "the connection stays open: what follows could be smuggled")


def endless(start, piece, total=4 << 20):
    """Sends start and then piece again and again, until answered or `total` bytes are gone; (answer, bytes sent)."""
    def run(server):
        with server.connect() as c:
            c.send(start(server) if callable(start) else start)
            sent = 0
            c.socket.setblocking(True)
            while sent < total:
                try:
                    c.socket.sendall(piece)
                except OSError:
                    break
                sent += len(piece)
                c.socket.settimeout(0.001)
                try:
                    data = c.socket.recv(1 << 16)
                    if not data:
                        break
                    c.received += data
                    break
                except TimeoutError:
                    pass
                except OSError:
                    break
                finally:
                    c.socket.settimeout(wire.PATIENCE)
            return c.answer(), sent
    return run


def patch_then(body):
    return lambda server: patch(server) + body


@wire.cases("{0}: {2}, and little of it is read", [
    ("a request line without end", endless(b"GET /v2/", b"a" * 4096), (400, 414, 431)),
    ("a header line without end", endless(GET + b"X-Long: ", b"a" * 4096), (400, 431)),
    ("a header name without end", endless(GET, b"a" * 4096), (400, 431)),
    ("headers without end", endless(GET, b"X-Many: yes\r\n" * 100), (431,)),
    ("a chunk extension without end", endless(patch_then(b"1;"), b"a" * 4096), (400, 431)),
    ("a chunk size without end", endless(patch, b"0" * 4096), (400, 431)),
    ("a trailer without end", endless(patch_then(b"0\r\n"), b"X-T: a\r\n" * 400), (400, 431)),
    ("a trailer line without end", endless(patch_then(b"0\r\nX-T: "), b"a" * 4096), (400, 431)),
    # Each is small, all together are not: a peer may not spend our time for nothing.
    ("chunk extensions on every chunk", endless(patch, b"1;" + b"e" * 4000 + b"\r\nx\r\n", 64 << 20), (400, 431)),
])
def _(server, _sentence, run, statuses):
    answer, sent = run(server)
    wire.one_of(answer.status, statuses, answer)
    wire.true(sent <= 2 << 20, f"{sent} bytes were taken before the refusal")


@wire.case("100 headers are taken")
def _(server):
    wire.equal(server.ask("GET", "/v2/", [(f"X-{n}", "v") for n in range(95)]).status, 200)


@wire.case("101 headers are refused with 431 and the connection is closed", stores=False)
def _(server):
    with server.connect() as c:
        answer = c.ask("GET", "/v2/", [(f"X-{n}", "v") for n in range(101)])
        wire.equal(answer.status, 431, answer)
        wire.true(c.ended(), "the connection stays open")


@wire.case("a head of 65 KiB in few headers is refused with 431", stores=False)
def _(server):
    answer = server.ask("GET", "/v2/", [(f"X-{n}", "v" * 8000) for n in range(9)])
    wire.equal(answer.status, 431, answer)


REQUEST = b"GET /v2/_catalog?n=2 HTTP/1.1\r\nHost: registry.test\r\n" + AUTH + b"\r\n"


def same(answer, whole):
    wire.equal((answer.status, answer.body, answer.header("content-type")),
               (whole.status, whole.body, whole.header("content-type")))


def whole_answer(server):
    with server.connect() as c:
        c.send(REQUEST)
        return c.answer()


@wire.case("a request split in two at every offset gets the same answer")
def _(server):
    whole = whole_answer(server)
    with server.connect() as c:
        for at in range(1, len(REQUEST)):
            c.send(REQUEST[:at])
            time.sleep(0.001)
            c.send(REQUEST[at:])
            same(c.answer(), whole)


@wire.case("a request sent one byte at a time gets the same answer")
def _(server):
    whole = whole_answer(server)
    with server.connect() as c:
        for byte in REQUEST:
            c.send(bytes([byte]))
        same(c.answer(), whole)


@wire.case("a chunked upload sent one byte at a time is stored")
def _(server):
    repository, data = wire.fresh(), b"slowly does it"
    place = server.begin(repository)
    with server.connect() as c:
        chunked = b"".join(b"%x;ext=1\r\n%c\r\n" % (1, byte) for byte in data) + b"0\r\nX-Trailer: t\r\n\r\n"
        for byte in c.compose("PATCH", place, [("Transfer-Encoding", "chunked")], chunked):
            c.send(bytes([byte]))
        answer = c.answer()
        wire.equal((answer.status, answer.header("range")), (202, f"0-{len(data) - 1}"), answer)
        answer = c.ask("PUT", wire.add_query(wire.path_of(answer), f"digest={wire.sha256(data)}"))
        wire.equal(answer.status, 201, answer)
    wire.equal(server.ask("GET", f"/v2/{repository}/blobs/{wire.sha256(data)}").body, data)


@wire.case("a chunked upload split in two at every offset is stored")
def _(server):
    repository, data = wire.fresh(), b"0123456789" * 2
    with server.connect() as c:
        body = b"5\r\n" + data[:5] + b"\r\n" + b"f\r\n" + data[5:] + b"\r\n0\r\n\r\n"
        for at in range(0, len(body)):
            place = wire.path_of(c.ask("POST", f"/v2/{repository}/blobs/uploads/"))
            c.send(c.compose("PUT", wire.add_query(place, f"digest={wire.sha256(data)}"), [("Transfer-Encoding", "chunked")]))
            c.send(body[:at])
            time.sleep(0.001)
            c.send(body[at:])
            answer = c.answer()
            wire.equal(answer.status, 201, answer)


@wire.case("fifty pipelined requests are answered in order")
def _(server):
    with server.connect() as c:
        paths = ["/v2/", "/v2/_catalog", "/v2/absent/tags/list", "/v2/absent/manifests/x", "/nowhere"] * 10
        c.send(b"".join(c.compose("GET", path) for path in paths))
        single = {path: server.ask("GET", path).status for path in set(paths)}
        wire.equal([c.answer().status for _ in paths], [single[path] for path in paths])


@wire.case("a pipelined upload, its end and its reading are answered in order")
def _(server):
    repository, data = wire.fresh(), b"pipelined"
    digest = wire.sha256(data)
    place = server.begin(repository)
    with server.connect() as c:
        c.send(c.compose("PATCH", place, body=data) + c.compose("PUT", wire.add_query(place, f"digest={digest}"))
               + c.compose("HEAD", f"/v2/{repository}/blobs/{digest}") + c.compose("GET", f"/v2/{repository}/blobs/{digest}"))
        got = [c.answer(method) for method in ("PATCH", "PUT", "HEAD", "GET")]
    wire.equal([answer.status for answer in got], [202, 201, 200, 200])
    wire.equal(got[3].body, data)


@wire.case("after a refused body the next request on the connection is still understood, or the connection is closed")
def _(server):
    with server.connect() as c:
        c.send(c.compose("PUT", "/v2/ab/manifests/UP!", [("Content-Type", wire.OCI_MANIFEST)], b"GET /v2/ HTTP/1.1\r\n\r\n"))
        c.send(c.compose("GET", "/v2/"))
        wire.one_of(c.answer().status, (400, 404))
        if not c.ended(0.5):
            wire.equal(c.answer().status, 200)


@wire.case("HTTP/1.0 is served and the connection closed")
def _(server):
    with server.connect() as c:
        c.send(b"GET /v2/ HTTP/1.0\r\n" + AUTH + b"\r\n")
        wire.equal(c.answer().status, 200)
        wire.true(c.ended(), "the connection stays open")


@wire.case("Connection: close is honoured")
def _(server):
    with server.connect() as c:
        wire.equal(c.ask("GET", "/v2/", {"Connection": "close"}).status, 200)
        wire.true(c.ended(), "the connection stays open")


@wire.case("an absolute request target is understood")
def _(server):
    wire.equal(server.ask("GET", "http://registry.test/v2/").status, 200)


@wire.cases("HEAD of {0} has GET's headers and no body", [("/v2/",), ("/v2/_catalog",), ("/v2/none/manifests/x",), ("/nowhere",)])
def _(server, path):
    with server.connect() as c:
        get, head = c.ask("GET", path), c.ask("HEAD", path)
        wire.equal((head.status, head.header("content-type"), head.header("content-length")),
                   (get.status, get.header("content-type"), get.header("content-length")))
        wire.equal(c.ask("GET", "/v2/").status, 200)


ZERO = "sha256:" + "0" * 64


@wire.cases("{0} {1} is 405 and Allow says {2}", [
    ("POST", "/v2/", {"GET", "HEAD"}),
    ("DELETE", "/v2/_catalog", {"GET", "HEAD"}),
    ("PUT", "/v2/a/tags/list", {"GET", "HEAD"}),
    ("POST", "/v2/a/manifests/x", {"GET", "HEAD", "PUT", "DELETE"}),
    ("PUT", f"/v2/a/blobs/{ZERO}", {"GET", "HEAD", "DELETE"}),
    ("GET", "/v2/a/blobs/uploads/", {"POST"}),
    ("POST", f"/v2/a/referrers/{ZERO}", {"GET", "HEAD"}),
    ("PATCH", "/v2/a/manifests/x", {"GET", "HEAD", "PUT", "DELETE"}),
    ("OPTIONS", "/v2/", {"GET", "HEAD"}),
    ("TRACE", "/v2/", {"GET", "HEAD"}),
])
def _(server, method, path, allowed):
    answer = server.ask(method, path)
    wire.refused(answer, 405, "UNSUPPORTED")
    wire.equal({word.strip() for word in (answer.header("allow") or "").split(",")} - {"OPTIONS"}, allowed)


@wire.cases("{0} is no method and refused", [("FETCH",), ("get",), ("CONNECT",), ("PRI",)])
def _(server, method):
    with server.connect() as c:
        wire.one_of(c.ask(method, "/v2/").status, (400, 405, 501, 505))


@wire.case("Expect: 100-continue with credentials gets 100, then the answer")
def _(server):
    place = server.begin(wire.fresh())
    with server.connect() as c:
        c.send(c.compose("PATCH", place, [("Expect", "100-continue"), ("Content-Length", "5")]))
        wire.equal(c.head()[0], 100)
        c.send(b"hello")
        wire.equal(c.answer().status, 202)


@wire.case("Expect: 100-continue without credentials gets 401, not 100, and the body is never asked for")
def _(server):
    place = server.begin(wire.fresh())
    with server.connect(None) as c:
        c.send(c.compose("PATCH", place, [("Expect", "100-continue"), ("Content-Length", "5")]))
        wire.equal(c.head()[0], 401)


@wire.case("Expect: 100-continue of an upload that is not there gets 404, not 100")
def _(server):
    with server.connect() as c:
        c.send(c.compose("PATCH", "/v2/a/blobs/uploads/00000000000000000000000000000000",
                         [("Expect", "100-continue"), ("Content-Length", "5")]))
        wire.equal(c.head()[0], 404)


@wire.case("another expectation gets 417")
def _(server):
    wire.equal(server.ask("GET", "/v2/", {"Expect": "the-impossible"}).status, 417)


@wire.case("every answer below /v2/ names the protocol and a request id")
def _(server):
    for path in ("/v2/", "/v2/_catalog", "/v2/none/tags/list", "/v2/NONE/tags/list", "/v2/none/blobs/x"):
        answer = server.ask("GET", path)
        wire.equal(answer.header("docker-distribution-api-version"), "registry/2.0", answer)
        wire.true(answer.header("x-request-id"), f"no request id: {answer!r}")
        wire.eventually(lambda name=answer.header("x-request-id"): name in server.log_text(), "the request's id is in the log")


@wire.case("what is not below /v2/ is 404, and the root of all is harmless")
def _(server):
    wire.equal(server.ask("GET", "/v1/_ping").status, 404)
    wire.one_of(server.ask("GET", "/").status, (200, 404))


@wire.case("/v2 without its slash leads to /v2/ or is it")
def _(server):
    answer = server.ask("GET", "/v2")
    wire.one_of(answer.status, (200, 301, 308), answer)
    if answer.status == 200:
        wire.equal(json.loads(answer.body), {})


wire.main()
