#!/usr/bin/env python3
"""http.acme: challenges come from the webroot and nothing else does, the rest is sent to https, the registry's API is not there."""
import os
import socket
import subprocess
import threading
import time

import wire
from client import Connection

PREFIX = "/.well-known/acme-challenge/"
TOKEN = "LoqXcYV8q5ONbJQxbmR7SCTNo3tiAXDfowyjxAjEuX0"
KEY = TOKEN + ".9jg46WB3rR_AHD-EBXdN7cBkH1WOu0tA3M9fm21mqTI"


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


PORT = free_port()
ACME = f"  acme: {{{{addr: '127.0.0.1:{PORT}', webroot: {{folder}}/webroot}}}}\n"
BASE = "version: 0.1\nlog: {{level: info}}\nstorage: {{filesystem: {{rootdirectory: {folder}/data}}}}\n"
TLS = "  tls: {{certificate: {folder}/server.crt, key: {folder}/server.key}}\n"
wire.CONFIG = BASE + "http:\n  addr: 127.0.0.1:{port}\n" + ACME + TLS


class Server(wire.Server):
    """With a certificate of its own and a webroot."""

    def configure(self, config):
        super().configure(config)
        self.folder_of_challenges = f"{self.folder}/webroot{PREFIX}"
        os.makedirs(self.folder_of_challenges, exist_ok=True)
        subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-subj", "/CN=localhost",
                        "-days", "2", "-keyout", f"{self.folder}/server.key", "-out", f"{self.folder}/server.crt"],
                       check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    def put(self, token=TOKEN, content=KEY):
        with open(self.folder_of_challenges + token, "w", encoding="utf-8") as file:
            file.write(content)


wire.Server = Server


def ask(method, path, headers=(), body=None):
    with Connection(("127.0.0.1", PORT), None) as c:
        return c.ask(method, path, headers, body)


def ask_raw(text):
    with Connection(("127.0.0.1", PORT), None) as c:
        c.send(text.encode("latin-1"))
        return c.answer()


class Other:
    """A second server with another configuration, on the same port for challenges while the first is stopped."""

    def __init__(self, first, config):
        self.first, self.config = first, config

    def __enter__(self):
        self.first.stop()
        self.server = Server(self.config)
        try:
            return self.server.start()
        except BaseException:
            self.__exit__()
            raise

    def __exit__(self, *_):
        try:
            self.server.stop()
        finally:
            self.server.remove()
            self.first.start()


@wire.case("a challenge is served as it was written, as bytes, without a password")
def _(server):
    server.put()
    answer = ask("GET", PREFIX + TOKEN)
    wire.equal((answer.status, answer.body, answer.header("content-type")), (200, KEY.encode(), "application/octet-stream"))
    wire.equal(answer.header("x-content-type-options"), "nosniff")
    wire.true(f"ACME challenge {TOKEN} served to 127.0.0.1" in server.log_text(), "the log does not say it")


@wire.case("HEAD of a challenge tells its length and sends nothing")
def _(server):
    server.put()
    with Connection(("127.0.0.1", PORT), None) as c:
        answer = c.ask("HEAD", PREFIX + TOKEN)
        wire.equal((answer.status, answer.header("content-length")), (200, str(len(KEY))))
        wire.equal(c.ask("GET", PREFIX + TOKEN).body, KEY.encode())


@wire.case("a query does not hide a challenge")
def _(server):
    server.put()
    wire.equal(ask("GET", PREFIX + TOKEN + "?x=y").body, KEY.encode())


@wire.case("a new challenge, another content and a removal hold at once")
def _(server):
    for round_ in range(3):
        server.put("moving", f"content {round_}")
        wire.equal(ask("GET", PREFIX + "moving").body, f"content {round_}".encode())
    os.unlink(server.folder_of_challenges + "moving")
    wire.equal(ask("GET", PREFIX + "moving").status, 404)


@wire.case("hundreds of challenges are served over one connection and over many at once")
def _(server):
    tokens = [f"token-{i}" for i in range(400)]
    for token in tokens:
        server.put(token, token * 3)
    with Connection(("127.0.0.1", PORT), None) as c:
        for token in tokens:
            wire.equal(c.ask("GET", PREFIX + token).body, (token * 3).encode())
    wrong = []

    def fetch(mine):
        for token in mine:
            if ask("GET", PREFIX + token).body != (token * 3).encode():
                wrong.append(token)
    threads = [threading.Thread(target=fetch, args=(tokens[i::8],)) for i in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    wire.equal(wrong, [])


def not_found(answer):
    wire.equal((answer.status, answer.body, answer.header("content-type")), (404, b"no such challenge\n", "text/plain; charset=utf-8"), answer)


@wire.cases("{0!r} is no token, whatever lies there", [
    ("absent",), ("",), (".",), ("..",), ("../../secret",), ("../../../secret",), ("%2e%2e/%2e%2e/secret",), ("..%2f..%2fsecret",),
    ("%2e%2e%2f%2e%2e%2fsecret",), ("..\\..\\secret",), ("%00",), (TOKEN + "%00",), (TOKEN + "/",), (TOKEN + "%2f",), ("/" + TOKEN,),
    ("./" + TOKEN,), (TOKEN + "=",), (TOKEN + ".txt",), ("%4coqXcYV8q5ONbJQxbmR7SCTNo3tiAXDfowyjxAjEuX0",), ("a" * 129,), ("a" * 4000,),
    ("~root",), ("*",), ("/etc/passwd",), ("sub/inner",),
])
def _(server, token):
    server.put()
    os.makedirs(server.folder_of_challenges + "sub", exist_ok=True)
    for path in ("sub/inner", "../secret", "../../secret"):
        with open(server.folder_of_challenges + path, "w", encoding="utf-8") as file:
            file.write("secret")
    not_found(ask("GET", PREFIX + token))


@wire.case("a token of 128 bytes is served")
def _(server):
    server.put("b" * 128, "long")
    wire.equal(ask("GET", PREFIX + "b" * 128).body, b"long")


@wire.case("links, folders, FIFOs, sockets and large files are not served, nobody waits, and the log says why")
def _(server):
    folder = server.folder_of_challenges
    with open(f"{server.folder}/outside", "w", encoding="utf-8") as file:
        file.write("secret")
    os.symlink(f"{server.folder}/outside", folder + "link")
    os.symlink(TOKEN, folder + "inside")
    os.mkdir(folder + "folder")
    os.mkfifo(folder + "fifo")
    listening = socket.socket(socket.AF_UNIX)
    listening.bind(folder + "socket")
    server.put("large", "x" * 65537)
    server.put("largest", "x" * 65536)
    reasons = {"link": "a symbolic link, which is not followed", "inside": "a symbolic link, which is not followed",
               "folder": "not a regular file", "fifo": "not a regular file", "socket": "not a regular file",
               "large": "larger than 65536 bytes"}
    for name, reason in reasons.items():
        began = time.monotonic()
        not_found(ask("GET", PREFIX + name))
        wire.true(time.monotonic() - began < 5, f"{name} made the client wait")
        wire.true(f"ACME challenge for 127.0.0.1 not served: {folder}{name}: {reason}" in server.log_text(), f"the log says nothing of {name}")
    wire.equal(len(ask("GET", PREFIX + "largest").body), 65536)
    listening.close()


@wire.case("a folder of challenges that is moved away and comes back is found again")
def _(server):
    server.put()
    os.rename(f"{server.folder}/webroot", f"{server.folder}/away")
    not_found(ask("GET", PREFIX + TOKEN))
    os.rename(f"{server.folder}/away", f"{server.folder}/webroot")
    wire.equal(ask("GET", PREFIX + TOKEN).status, 200)


@wire.cases("{0} of a challenge is 405", [("POST",), ("PUT",), ("PATCH",), ("DELETE",), ("OPTIONS",), ("TRACE",)])
def _(server, method):
    server.put()
    answer = ask(method, PREFIX + TOKEN)
    wire.equal((answer.status, answer.header("allow")), (405, "GET, HEAD"), answer)
    wire.true(KEY.encode() not in answer.body, "the challenge is told")


@wire.cases("{0} {1} is sent to https with {2}", [
    ("GET", "/", 301), ("HEAD", "/", 301), ("POST", "/v2/a/blobs/uploads/", 308), ("PUT", "/v2/a/manifests/t", 308),
    ("PATCH", "/v2/a/blobs/uploads/x", 308), ("DELETE", "/v2/a/manifests/t", 308), ("OPTIONS", "/v2/", 308), ("GET", "/v2/", 301),
    ("GET", "/v2/_catalog?n=5&last=a%20b", 301), ("GET", "//elsewhere.example/x", 301), ("GET", "/%0d%0aX:%20y", 301),
    ("GET", "/x/../.well-known/acme-challenge/" + TOKEN, 301), ("GET", "/.well-known/acme%2dchallenge/" + TOKEN, 301),
    ("GET", "/.Well-Known/acme-challenge/" + TOKEN, 301), ("GET", "/.well-known/acme-challenge", 301), ("GET", "/debug/health", 301),
    ("GET", "/metrics", 301),
])
def _(server, method, path, status):
    server.put()
    answer = ask(method, path, [("Host", "registry.example.com")])
    wire.equal((answer.status, answer.header("location")), (status, f"https://registry.example.com:{server.port}{path}"), answer)
    wire.equal(answer.header("docker-distribution-api-version"), None)


@wire.cases("Host {0!r} leads to https://{1}", [
    ("registry.example.com", "registry.example.com"), ("registry.example.com:80", "registry.example.com"), ("REGISTRY", "REGISTRY"),
    ("192.0.2.1", "192.0.2.1"), ("192.0.2.1:8080", "192.0.2.1"), ("[2001:db8::5]", "[2001:db8::5]"), ("[2001:db8::5]:80", "[2001:db8::5]"),
    ("default", "default"), ("http.acme.addr", "http.acme.addr"), ("http.debug.addr", "http.debug.addr"),
])
def _(server, host, wanted):
    answer = ask("GET", "/v2/", [("Host", host)])
    wire.equal((answer.status, answer.header("location")), (301, f"https://{wanted}:{server.port}/v2/"), answer)


@wire.cases("Host {0!r} is refused", [
    ("",), ("evil.com/path",), ("evil.com\\@good",), ("user@evil.com",), ("evil.com#",), ("evil.com?",), ("a b",), ("a,b",), ("a:b:c",),
    ("2001:db8::5",), ("[2001:db8::5",), ("[fe80::1%25eth0]",), ("[x]",), (":80",), ("a:99999",), (".",), ("a..b",), ("-a",), ("<b>",),
    ("%65vil.com",), ("\xe9.com",), ("a" * 64 + ".com",), ("a." * 130,),
])
def _(_server, host):
    answer = ask("GET", "/", [("Host", host)])
    wire.equal((answer.status, answer.header("location")), (400, None), answer)


@wire.cases("{0!r} is refused", [
    ("GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n",), ("GET / HTTP/1.1\r\n\r\n",), ("GET / HTTP/1.0\r\n\r\n",),
    ("OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n",), ("GET / HTTP/1.1\r\nHost: a\r\n b\r\n\r\n",), ("GET / HTTP/1.1\r\nHost: a\0b\r\n\r\n",),
    ("GET /a\0b HTTP/1.1\r\nHost: a\r\n\r\n",), ("CONNECT a:443 HTTP/1.1\r\nHost: a\r\n\r\n",),
])
def _(_server, text):
    answer = ask_raw(text)
    wire.one_of(answer.status, (400, 501), answer)
    wire.equal(answer.header("location"), None)


@wire.case("a target in absolute form reaches the challenge and the redirect, never the registry")
def _(server):
    server.put()
    answer = ask_raw(f"GET http://registry.test{PREFIX}{TOKEN} HTTP/1.1\r\nHost: registry.test\r\n\r\n")
    wire.equal((answer.status, answer.body), (200, KEY.encode()))
    for authority in ("default", "registry.test", f"127.0.0.1:{server.port}", "evil.example"):
        answer = ask_raw(f"GET http://{authority}/v2/ HTTP/1.1\r\nHost: registry.test\r\n\r\n")
        wire.equal((answer.status, answer.header("location")), (301, f"https://registry.test:{server.port}/v2/"), answer)


@wire.case("the registry's own port serves no challenge")
def _(server):
    server.put()
    for host in ("registry.test", "http.acme.addr"):
        said = subprocess.run(["curl", "-sk", "-o", f"{server.folder}/said", "-w", "%{http_code}", "-H", f"Host: {host}",
                               f"https://127.0.0.1:{server.port}{PREFIX}{TOKEN}"], capture_output=True, text=True, check=True).stdout
        wire.equal(said, "404")
        with open(f"{server.folder}/said", encoding="utf-8") as file:
            wire.true(KEY not in file.read(), "the challenge is told")


@wire.case("a body that nobody wants does not disturb the next request")
def _(server):
    server.put()
    with Connection(("127.0.0.1", PORT), None) as c:
        wire.equal(c.ask("POST", "/v2/a/blobs/uploads/", body=b"x" * 1000).status, 308)
        wire.equal(c.ask("GET", PREFIX + TOKEN).body, KEY.encode())
    with Connection(("127.0.0.1", PORT), None) as c:
        c.send(c.compose("PUT", "/v2/a/blobs/uploads/x", [("Content-Length", str(1 << 40)), ("Expect", "100-continue")]))
        wire.equal(c.answer().status, 308)


@wire.case("clients that vanish while their challenge is read harm nobody")
def _(server):
    server.put("largest", "x" * 65536)
    for _ in range(200):
        with Connection(("127.0.0.1", PORT), None) as c:
            c.send(c.compose("GET", PREFIX + "largest"))
    wire.equal(len(ask("GET", PREFIX + "largest").body), 65536)


@wire.case("idle connections to this port end when the server stops")
def _(server):
    idle = [Connection(("127.0.0.1", PORT), None) for _ in range(20)]
    for c in idle[:10]:
        c.ask("GET", "/")
    began = time.monotonic()
    wire.equal(server.stop(), 0)
    wire.true(time.monotonic() - began < wire.PATIENCE, "the idle connections were waited for")
    for c in idle:
        wire.true(c.ended(), "a connection is still open")
        c.socket.close()
    server.start()


@wire.case("http.host, when it is https, is where all requests are sent, whatever their Host")
def _(server):
    with Other(server, wire.CONFIG.replace("http:\n", "http:\n  host: https://images.example.com:8443/\n")):
        for host in ("registry.test", "evil.example", "a b", "[::1]"):
            answer = ask("GET", "/v2/?n=1", [("Host", host)])
            wire.equal((answer.status, answer.header("location")), (301, "https://images.example.com:8443/v2/?n=1"), answer)
        wire.equal(ask_raw("GET / HTTP/1.0\r\n\r\n").header("location"), "https://images.example.com:8443/")
        wire.equal(ask_raw("OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n").status, 400)


@wire.case("an http.host of plain http sends nobody there")
def _(server):
    with Other(server, wire.CONFIG.replace("http:\n", "http:\n  host: http://images.example.com\n")) as other:
        wire.equal(ask("GET", "/", [("Host", "a")]).header("location"), f"https://a:{other.port}/")


@wire.case("without a certificate challenges are served and the rest is 404: there is no https to go to")
def _(server):
    with Other(server, wire.CONFIG.replace(TLS, "")) as other:
        other.put()
        wire.equal(ask("GET", PREFIX + TOKEN).body, KEY.encode())
        answer = ask("GET", "/v2/")
        wire.equal((answer.status, answer.body, answer.header("location")), (404, b"nothing but ACME challenges is served here\n", None))


def refuses_to_start(config, text, prepare=None):
    other = wire.Server(config)
    try:
        if prepare:
            prepare(other)
        other.start()
        raise wire.Failed("the server starts")
    except wire.Failed as error:
        wire.true(text.format(folder=other.folder, port=other.port) in str(error), f"{text!r} is not said: {error}")
    finally:
        other.stop()
        other.remove()


PLAIN = BASE + "http:\n  addr: 127.0.0.1:{port}\n"
REMEDY = "make the folder, or name the one that your ACME client writes to"


@wire.case("a webroot that is not there, or no folder, or an address that is taken, is said at start")
def _(_server):
    root = PLAIN + "  acme: {{addr: '127.0.0.1:0', webroot: {folder}/none}}\n"

    def remove_webroot(other):
        os.rename(f"{other.folder}/webroot", f"{other.folder}/elsewhere")

    def put_file(other):
        with open(f"{other.folder}/none", "w", encoding="utf-8") as file:
            file.write("x")
    refuses_to_start(root, "http.acme.webroot {folder}/none: No such file or directory; " + REMEDY, remove_webroot)
    refuses_to_start(root, "http.acme.webroot {folder}/none: not a folder; " + REMEDY, put_file)
    refuses_to_start(PLAIN + ACME, f"listen on 127.0.0.1:{PORT}: Address already in use; another program listens there: stop it or "
                     "choose another http.acme.addr")


wire.main()
