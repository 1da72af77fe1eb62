#!/usr/bin/env python3
"""Some thousand repositories that a caller may not see: what he asks makes nobody else wait, and shows him what is his."""
import base64
import statistics
import threading
import time

import wire

HIDDEN, RULES, FLOODS = 3000, 300, 6
READABLE = ["hidden/n0500", "hidden/n2047", "hidden/n2048", "hidden/n2999"]
EVERY = ("pull", "push", "delete", "overwrite")
PASSWORD = "reader's password, long enough"
READER = "Basic " + base64.b64encode(f"reader:{PASSWORD}".encode()).decode()
EMPTY_INDEX = wire.json.dumps({"schemaVersion": 2, "mediaType": wire.OCI_INDEX, "manifests": []}).encode()


def rule(*repositories, who="reader", actions=("pull",)):
    return wire.json.dumps({"subjects": [who], "repositories": repositories, "actions": actions})


# All are about the reader, and slow to say no: the time that a look at one name takes grows with them.
ACCESS = [rule("**", who="alice", actions=EVERY), rule("mine/**", actions=EVERY), rule("late/**", *READABLE)]
ACCESS += [rule(f"*/**/n*{n}*x", f"**/*n*0*y{n}") for n in range(RULES)]
wire.CONFIG += "access:\n  rules:\n" + "".join(f"    - {line}\n" for line in ACCESS).replace("{", "{{").replace("}", "}}")


class Server(wire.Server):
    def __init__(self, config=None):
        super().__init__(config)
        self.add_user("reader", PASSWORD)
        self.filled = False


wire.Server = Server


def in_parallel(count, work):
    """Runs work(0) … work(count - 1) in threads of their own; the first failure is the caller's."""
    failures = []

    def one(number):
        try:
            work(number)
        except Exception as error:  # told in the caller's thread
            failures.append(error)

    threads = [threading.Thread(target=one, args=(number,)) for number in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if failures:
        raise failures[0]


def filled(server):
    """Many share a commit when they come at once."""
    def put(number):
        with server.connect() as c:
            for n in range(number, HIDDEN, 32):
                answer = c.ask("PUT", f"/v2/hidden/n{n:04}/manifests/t", {"Content-Type": wire.OCI_INDEX}, EMPTY_INDEX)
                wire.equal(answer.status, 201, answer)

    if not server.filled:
        in_parallel(32, put)
        server.filled = True


def catalog(server, query, authorization=READER):
    """One page, and the path of the next."""
    answer = server.ask("GET", f"/v2/_catalog{query}", authorization=authorization)
    wire.equal(answer.status, 200, answer)
    link = answer.header("link")
    return answer.json()["repositories"], link and link.split("<")[1].split(">")[0]


@wire.cases("pages of {0} from among thousands that are not the caller's", [(1,), (2,), (3,), (4,), (1000,)])
def _(server, n):
    filled(server)
    pages, query = [], f"?n={n}"
    while query:
        page, path = catalog(server, query)
        wire.true(path is None or len(page) == n, f"a link behind half a page: {page} {path}")
        wire.true(path is None or path == f"/v2/_catalog?n={n}&last={page[-1].replace('/', '%2F')}", path)
        pages += page
        query = path and path[len("/v2/_catalog"):]
    wire.equal([name for name in pages if name.startswith("hidden/")], READABLE)


@wire.case("a page behind the last readable name is empty, and there is no other")
def _(server):
    filled(server)
    wire.equal(catalog(server, "?n=5&last=hidden/n2999z")[0], [])
    wire.equal(catalog(server, "?n=2&last=hidden/n0500")[0], READABLE[1:3])


@wire.case("who may see all of them gets all of them")
def _(server):
    filled(server)
    names, query = [], "?n=1000"
    while query:
        page, path = catalog(server, query, wire.AUTHORIZATION)
        names += page
        query = path and path[len("/v2/_catalog"):]
    wire.equal([name for name in names if name.startswith("hidden/")], [f"hidden/n{n:04}" for n in range(HIDDEN)])


class Flood:
    """Callers who ask for the whole catalog again and again while it is entered."""

    def __init__(self, server):
        self.over, self.took, self.connections = False, [], [server.connect(READER) for _ in range(FLOODS)]
        self.threads = [threading.Thread(target=self.ask, args=(c,)) for c in self.connections]

    def ask(self, connection):
        try:
            while not self.over:
                began = time.monotonic()
                connection.ask("GET", "/v2/_catalog?n=1000")
                self.took.append(time.monotonic() - began)
        except (wire.Failed, OSError):
            pass  # the server was stopped

    def __enter__(self):
        for thread in self.threads:
            thread.start()
        return self

    def __exit__(self, *_):
        self.over = True
        for thread in self.threads:
            thread.join()
        for connection in self.connections:
            connection.socket.close()


@wire.case("others are served while pages of the catalog are gathered, and wait for a fraction of one at most")
def _(server):
    filled(server)
    waits = []
    with Flood(server) as flood, server.connect() as c:
        while len(flood.took) < 2 * FLOODS or len(waits) < 20:
            began = time.monotonic()
            wire.equal(c.ask("GET", "/v2/").status, 200)
            waits.append(time.monotonic() - began)
            time.sleep(0.01)
    page, wait = statistics.median(flood.took), statistics.median(waits)
    wire.true(wait < page / 5, f"half of the others waited longer than {wait * 1000:.1f} ms, beside pages of {page * 1000:.1f} ms")


@wire.case("clients that vanish while their page is gathered leave nothing behind")
def _(server):
    filled(server)
    for n in range(40):
        with server.connect(READER) as c:
            c.send(c.compose("GET", "/v2/_catalog?n=1000"))
            time.sleep(0.0005 * n)
    wire.equal([name for name in catalog(server, "?n=1000")[0] if name.startswith("hidden/")], READABLE)


@wire.case("a server that is told to stop while pages are gathered stops")
def _(server):
    filled(server)
    with Flood(server) as flood:
        wire.eventually(lambda: len(flood.took) > FLOODS, "pages are gathered")
        wire.equal(server.stop(), 0)
    server.start()


@wire.cases("a mount without a source finds one behind {0} holders that the caller may not read: {1}", [(63, 201), (64, 202)])
def _(server, others, status):
    digest = server.push_blob(f"hold{others}/r0", b"held by %d" % others)
    readable = f"late/r{others}"
    for name in [f"hold{others}/r{n}" for n in range(1, others)] + [readable]:
        answer = server.ask("POST", f"/v2/{name}/blobs/uploads/?mount={digest}&from=hold{others}/r0")
        wire.equal(answer.status, 201, answer)
    answer = server.ask("POST", f"/v2/mine/app{others}/blobs/uploads/?mount={digest}", authorization=READER)
    wire.equal(answer.status, status, answer)
    answer = server.ask("POST", f"/v2/mine/other{others}/blobs/uploads/?mount={digest}&from={readable}", authorization=READER)
    wire.equal(answer.status, 201, "the source is named")


wire.main()
