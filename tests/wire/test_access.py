#!/usr/bin/env python3
"""Without rights nothing is told, stored or waited for (hostile.md); users change while the server runs."""
import base64
import time

import wire

ZERO = "sha256:" + "0" * 64
ROUTES = [
    ("GET", "/v2/"), ("HEAD", "/v2/"), ("GET", "/v2/_catalog"), ("GET", "/v2/a/tags/list"), ("GET", "/v2/a/manifests/t"),
    ("HEAD", "/v2/a/manifests/t"), ("PUT", "/v2/a/manifests/t"), ("DELETE", "/v2/a/manifests/t"), ("GET", f"/v2/a/blobs/{ZERO}"),
    ("HEAD", f"/v2/a/blobs/{ZERO}"), ("DELETE", f"/v2/a/blobs/{ZERO}"), ("POST", "/v2/a/blobs/uploads/"),
    ("POST", f"/v2/a/blobs/uploads/?mount={ZERO}&from=b"), ("POST", f"/v2/a/blobs/uploads/?digest={ZERO}"),
    ("GET", "/v2/a/blobs/uploads/x"), ("PATCH", "/v2/a/blobs/uploads/x"), ("PUT", f"/v2/a/blobs/uploads/x?digest={ZERO}"),
    ("DELETE", "/v2/a/blobs/uploads/x"), ("GET", f"/v2/a/referrers/{ZERO}"), ("GET", "/v2/_unknown/"), ("GET", "/v2/BAD/tags/list"),
    ("POST", "/v2/"), ("OPTIONS", "/v2/a/tags/list"),
]


@wire.cases("{0} {1} without credentials is 401 with a challenge and nothing else", ROUTES)
def _(server, method, path):
    server.push_image("a", "t")
    there = server.ask(method, path, authorization=None)
    wire.equal((there.status, there.header("www-authenticate")), (401, 'Basic realm="Registry Realm"'), there)
    if method != "HEAD":
        wire.equal(there.error_code(), "UNAUTHORIZED")
    elsewhere = server.ask(method, path.replace("/v2/a/", "/v2/absent/"), authorization=None)
    wire.equal((elsewhere.status, elsewhere.body.replace(b"absent", b"a")), (there.status, there.body), "absent and present differ")


def basic(text):
    return "Basic " + base64.b64encode(text.encode()).decode()


@wire.cases("Authorization: {0:.50} is refused with 401", [
    (basic("alice:wrong"),), (basic("alice:"),), (basic(":"),), (basic("alice"),), (basic("nobody:x"),), (basic("Alice:" + wire.PASSWORD),),
    (basic("alice:" + wire.PASSWORD + " "),), (basic("alice:" + wire.PASSWORD[:-1]),), (basic("alice:" + wire.PASSWORD + "\0x"),),
    (basic("alice\0:" + wire.PASSWORD),), ("Basic",), ("Basic ",), ("Basic !!!",), ("Basic " + "A" * 6001,), ("Bearer abc",), ("",),
    ("Basic\t" + "x",), (wire.AUTHORIZATION[:-2],), (wire.AUTHORIZATION + "AAAA",), (basic("x" * 4000 + ":y"),), (basic("alice:" + "y" * 4000),),
])
def _(server, value):
    with server.connect(None) as c:
        answer = c.ask("GET", "/v2/", {"Authorization": value})
        wire.one_of(answer.status, (401,) if len(value) < 6000 else (401, 431), answer)


@wire.cases("the scheme {0} in any case is understood", [("basic",), ("BASIC",), ("bAsIc",)])
def _(server, scheme):
    with server.connect(None) as c:
        wire.equal(c.ask("GET", "/v2/", {"Authorization": scheme + wire.AUTHORIZATION[5:]}).status, 200)


@wire.case("two Authorization headers are refused")
def _(server):
    with server.connect(None) as c:
        answer = c.ask("GET", "/v2/", [("Authorization", wire.AUTHORIZATION), ("Authorization", basic("nobody:x"))])
        wire.one_of(answer.status, (400, 401), answer)


@wire.cases("a {0} of 1 GiB without credentials: 401 at once, the connection closes, nothing of it is stored", [
    ("PATCH", "/v2/a/blobs/uploads/x"), ("PUT", "/v2/a/manifests/t"), ("POST", f"/v2/a/blobs/uploads/?digest={ZERO}")], stores=False)
def _(server, method, path):
    with server.connect(None) as c:
        began = time.monotonic()
        c.send(c.compose(method, path, [("Content-Length", str(1 << 30))], b"x" * 1000))
        answer = c.answer()
        wire.equal(answer.status, 401, answer)
        wire.true(time.monotonic() - began < wire.PATIENCE / 2, "the answer waited for the body")
        # The server may read on for a moment so that the answer is not lost to a reset, but not for long.
        taken = 0
        try:
            while taken < 64 << 20:
                taken += c.socket.send(b"x" * 65536)
        except OSError:
            pass
        wire.true(taken < 64 << 20, "the server goes on taking the body: 64 MiB and more")


@wire.case("after a 401 with a small body the connection can go on with credentials")
def _(server):
    with server.connect(None) as c:
        wire.equal(c.ask("POST", "/v2/a/blobs/uploads/", body=b"x" * 100).status, 401)
        c.authorization = wire.AUTHORIZATION
        if not c.ended(0.3):
            wire.equal(c.ask("GET", "/v2/").status, 200)


@wire.case("credentials are asked of every request on a connection, not remembered with it")
def _(server):
    with server.connect() as c:
        wire.equal(c.ask("GET", "/v2/").status, 200)
        c.authorization = None
        wire.equal(c.ask("GET", "/v2/").status, 401)


@wire.case("another user's upload is not there")
def _(server):
    server.add_user("mallory", "another password")
    other = basic("mallory:another password")
    wire.eventually(lambda: server.ask("GET", "/v2/", authorization=other).status == 200, "mallory is known")
    place = server.begin("access/uploads")
    wire.equal(server.ask("PATCH", place, body=b"mine").status, 202)
    for method, path in (("GET", place), ("PATCH", place), ("DELETE", place), ("PUT", wire.add_query(place, f"digest={wire.sha256(b'mine')}"))):
        wire.refused(server.ask(method, path, authorization=other), 404, "BLOB_UPLOAD_UNKNOWN")
    wire.equal(server.ask("GET", place).header("range"), "0-3")


@wire.case("an unknown user costs as much time as a wrong password")
def _(server):
    def seconds(name):
        began = time.monotonic()
        wire.one_of(server.ask("GET", "/v2/", authorization=basic(f"{name}:guess {began}")).status, (401, 429))
        return time.monotonic() - began
    # In turn, so that whatever else the machine does slows both.
    pairs = [(seconds("alice"), seconds("nobody-at-all")) for _ in range(9)]
    known, unknown = (min(times) for times in zip(*pairs))
    wire.true(0.5 < known / unknown < 2, f"wrong password {known * 1000:.1f} ms, unknown user {unknown * 1000:.1f} ms")


@wire.case("a thousand requests with a password cost one hash, not a thousand")
def _(server):
    with server.connect() as c:
        c.ask("GET", "/v2/")
        began = time.monotonic()
        for _ in range(1000):
            wire.equal(c.ask("GET", "/v2/").status, 200)
        wire.true(time.monotonic() - began < PATIENT, f"{time.monotonic() - began:.1f} s")


PATIENT = 5 if not wire.os.environ.get("SANITIZER_SLOW") else 30


@wire.case("who has guessed too often is not told of a right password either, though the server remembers it")
def _(server):
    server.add_user("victim", "a good password")
    wire.eventually(lambda: server.ask("GET", "/v2/", authorization=basic("victim:a good password")).status == 200, "victim is known")

    def guess(password):
        with wire.Connection(("127.0.0.1", server.port), basic("victim:" + password), ("127.0.0.9", 0)) as c:
            return c.ask("GET", "/v2/")
    answers = [guess(f"guess {i}") for i in range(130)]
    wire.equal({a.status for a in answers}, {401, 429}, "some guesses, then none")
    wire.true(int(answers[-1].header("retry-after")) >= 1, f"{answers[-1]!r}")
    wire.refused(guess("a good password"), 429, "TOOMANYREQUESTS")
    wire.equal(server.ask("GET", "/v2/", authorization=basic("victim:a good password")).status, 200, "where the user has logged in before")


@wire.case("three hundred first requests at once with one right password are all let in")
def _(server):
    server.add_user("farm", "password of the farm")
    server.process.send_signal(wire.signal.SIGHUP)
    time.sleep(1.5)
    connections = [server.connect(basic("farm:password of the farm")) for _ in range(300)]
    for c in connections:
        c.send(c.compose("GET", "/v2/"))
    statuses = {c.answer().status for c in connections}
    for c in connections:
        c.socket.close()
    wire.equal(statuses, {200})


@wire.case("no password and no Authorization header is ever written to the log")
def _(server):
    for secret in (wire.PASSWORD, wire.AUTHORIZATION.split()[1], "another password"):
        wire.true(secret not in server.log_text(), "a secret is in the log")


@wire.case("SIGHUP reads the users again at once")
def _(server):
    # Left to itself the server takes a file without a last newline only when it looks a second time, a second later.
    server.add_user("hup", "password of hup", "spare")
    with open(f"{server.folder}/htpasswd", encoding="ascii") as users, open(f"{server.folder}/spare", encoding="ascii") as spare:
        known, hashed = users.read(), spare.read().strip().split(":", 1)[1]

    def take_up(name):
        with open(f"{server.folder}/new", "w", encoding="ascii") as users:
            users.write(f"{known}{name}:{hashed}")
        wire.os.replace(f"{server.folder}/new", f"{server.folder}/htpasswd")
        began = time.monotonic()
        server.process.send_signal(wire.signal.SIGHUP)
        wire.eventually(lambda: server.ask("GET", "/v2/", authorization=basic(f"{name}:password of hup")).status == 200, f"{name} is known")
        return time.monotonic() - began
    took = [take_up("hup0")]
    while len(took) < 5 and min(took) > 0.7:  # a busy machine has five goes
        took.append(take_up(f"hup{len(took)}"))
    wire.true(min(took) <= 0.7, f"with SIGHUP it takes {min(took):.2f} s, no less than without")


wire.main()
