#!/usr/bin/env python3
"""Access rules: who may do what, what the others are told, and that a change of the rules holds at once."""
import base64
import os
import time

import wire

PEOPLE = ("alice", "reader", "pusher", "cleaner", "stranger", "team-a", "far")
RULES = """groups:
  readers: [reader, pusher, cleaner]
rules:
  - {subjects: [alice]}
  - {effect: deny, repositories: [secret/hidden], subjects: [authenticated]}
  - {repositories: [open/**], subjects: [anonymous], actions: [pull]}
  - {repositories: ["home/${user}/**"], subjects: [authenticated]}
  - {repositories: [secret/**], subjects: ["@readers"], actions: [pull]}
  - {repositories: [secret/**], subjects: [pusher], actions: [push]}
  - {repositories: [secret/**], subjects: [cleaner], actions: [delete]}
  - {repositories: [secret/**], subjects: [far], actions: [pull], networks: [192.0.2.0/24, "2001:db8::/32"]}
"""
wire.CONFIG += "access:\n  file: {folder}/access.yml\n"


def word(name):
    return f"{name}'s password, long enough" if name != "alice" else wire.PASSWORD


def basic(name, password=None):
    return "Basic " + base64.b64encode(f"{name}:{password or word(name)}".encode()).decode()


class Server(wire.Server):
    """With all the people, and a file of rules."""

    def configure(self, config):
        super().configure(config)
        self.rules(RULES)
        for name in PEOPLE[1:]:
            self.add_user(name, word(name))

    def rules(self, text):
        with open(f"{self.folder}/new.yml", "w", encoding="utf-8") as file:
            file.write(text)
        os.replace(f"{self.folder}/new.yml", f"{self.folder}/access.yml")


wire.Server = Server
DIGESTS = {}


def prepared(server):
    """secret/app, secret/hidden, open/app and home/team-a/app, each with the tag v1; their digests by name."""
    for name in ("secret/app", "secret/hidden", "open/app", "home/team-a/app"):
        if name not in DIGESTS:
            DIGESTS[name] = server.push_image(name, "v1", name.encode())
    return DIGESTS


def blob(name):
    return wire.sha256(name.encode())


# Who, on which repository, may: pull, push, delete, overwrite.
MAY = [
    ("alice", "secret/app", "pull push delete overwrite"), ("alice", "anything/else", "pull push delete overwrite"),
    ("reader", "secret/app", "pull"), ("pusher", "secret/app", "pull push"), ("cleaner", "secret/app", "pull delete"),
    ("reader", "secret/hidden", ""), ("stranger", "secret/app", ""), ("far", "secret/app", ""), ("stranger", "open/app", "pull"),
    ("team-a", "home/team-a/app", "pull push delete overwrite"), ("team-a", "home/reader/app", ""), ("reader", "home/team-a/app", ""),
    (None, "open/app", "pull"), (None, "secret/app", ""), (None, "home/team-a/app", ""),
]
# method, path, which right it needs, the status for those who have it.
ASKED = [
    ("GET", "/v2/{r}/tags/list", "pull", (200, 404)), ("GET", "/v2/{r}/manifests/v1", "pull", (200, 404)),
    ("HEAD", "/v2/{r}/manifests/v1", "pull", (200, 404)), ("GET", "/v2/{r}/manifests/absent", "pull", (404,)),
    ("GET", "/v2/{r}/blobs/{b}", "pull", (200, 404)), ("HEAD", "/v2/{r}/blobs/{b}", "pull", (200, 404)),
    ("GET", "/v2/{r}/referrers/{b}", "pull", (200,)), ("POST", "/v2/{r}/blobs/uploads/", "push", (202,)),
    ("GET", "/v2/{r}/blobs/uploads/none", "push", (404,)), ("PATCH", "/v2/{r}/blobs/uploads/none", "push", (404,)),
    ("PUT", "/v2/{r}/blobs/uploads/none?digest={b}", "push", (404,)), ("DELETE", "/v2/{r}/blobs/uploads/none", "push", (404,)),
    ("PUT", "/v2/{r}/manifests/broken", "push", (400,)), ("DELETE", "/v2/{r}/manifests/absent", "delete", (404,)),
    ("DELETE", "/v2/{r}/blobs/{z}", "delete", (404,)),
]


def challenged(answer, bearer=True):
    wire.refused(answer, 401)
    wire.true(answer.header("www-authenticate").startswith("Bearer " if bearer else "Basic "), f"another challenge: {answer!r}")


@wire.cases("{0} on {1} may: {2}", MAY)
def _(server, name, repository, rights):
    prepared(server)
    authorization = name and basic(name)
    for method, path, right, statuses in ASKED:
        path = path.format(r=repository, b=blob(repository), z="sha256:" + "0" * 64)
        answer = server.ask(method, path, authorization=authorization, body=b"{" if method == "PUT" else None)
        if right in rights.split():
            wire.one_of(answer.status, statuses, (method, path, answer))
        else:
            wire.equal(answer.status, 403 if name else 401, (method, path, answer))
            if method != "HEAD":
                wire.equal(answer.error_code(), "DENIED" if name else "UNAUTHORIZED")


@wire.cases("{1} {2} is denied in the same words whether {0} holds it or not", [
    ("secret/app", m, p) for m, p in (("GET", "manifests/v1"), ("GET", "tags/list"), ("DELETE", "manifests/v1"), ("POST", "blobs/uploads/"))])
def _(server, repository, method, path):
    prepared(server)
    for authorization in (basic("stranger"), None):
        there = server.ask(method, f"/v2/{repository}/{path}", authorization=authorization)
        absent = server.ask(method, f"/v2/secret/apq/{path}", authorization=authorization)
        wire.equal((absent.status, absent.body), (there.status, there.body))


@wire.cases("a tag stays where it is for who may push but not overwrite: {0}", [("the path names it",), ("a parameter names it",)])
def _(server, way):
    name = "secret/" + wire.fresh("move").replace("/", "-")
    first = server.push_image(name, "v1", b"first")
    manifest = server.image(name, b"second")
    body = wire.json.dumps(manifest).encode()
    reference = "v1" if way == "the path names it" else wire.sha256(body) + "?tag=v2&tag=v1"
    answer = server.ask("PUT", f"/v2/{name}/manifests/{reference}", {"Content-Type": wire.OCI_MANIFEST}, body, basic("pusher"))
    wire.refused(answer, 403, "DENIED")
    wire.equal(server.ask("HEAD", f"/v2/{name}/manifests/v1").header("docker-content-digest"), first)
    wire.equal(server.ask("HEAD", f"/v2/{name}/manifests/v2").status, 404, "half of it was done")
    wire.equal(server.ask("HEAD", f"/v2/{name}/manifests/{wire.sha256(body)}").status, 404, "the manifest is there all the same")
    for tag in ("v1", "v2"):
        again = server.ask("PUT", f"/v2/{name}/manifests/{tag}", {"Content-Type": wire.OCI_MANIFEST},
                           wire.json.dumps(server.image(name, b"first")).encode(), basic("pusher"))
        wire.equal(again.status, 201, "the same again, and another tag, are no move")
    wire.equal(server.put_manifest(name, "v1", manifest).status, 201, "who may overwrite does")


@wire.cases("the catalog shows {0} only what he may pull", [("alice", None), ("reader", ["open/app", "secret/app"]), ("team-a", ["home/team-a/app", "open/app"]),
                                                           (None, ["open/app"])])
def _(server, name, wanted):
    prepared(server)
    answer = server.ask("GET", "/v2/_catalog?n=1000", authorization=name and basic(name))
    wire.equal(answer.status, 200, answer)
    shown = [r for r in answer.json()["repositories"] if not r.startswith("secret/move")]
    wire.equal(sorted(set(shown) & set(DIGESTS)), sorted(wanted or DIGESTS))
    pages, path = [], "/v2/_catalog?n=1"
    while path and len(pages) < 100:
        page = server.ask("GET", path, authorization=name and basic(name))
        pages += page.json()["repositories"]
        path = page.header("link") and page.header("link").split("<")[1].split(">")[0]
    wire.equal(pages, answer.json()["repositories"], "page by page")


@wire.case("a mount needs pull on the source, and a search for one finds only what the caller may pull")
def _(server):
    prepared(server)
    for query in (f"mount={blob('secret/hidden')}&from=secret/hidden", f"mount={blob('secret/hidden')}", f"mount={blob('home/team-a/app')}&from=home/team-a/app"):
        answer = server.ask("POST", f"/v2/secret/app/blobs/uploads/?{query}", authorization=basic("pusher"))
        wire.equal(answer.status, 202, "a mount from what he may not pull")
        wire.equal(server.ask("HEAD", f"/v2/secret/app/blobs/{query[6:77]}").status, 404)
    answer = server.ask("POST", f"/v2/secret/other/blobs/uploads/?mount={blob('secret/app')}&from=secret/app", authorization=basic("pusher"))
    wire.equal(answer.status, 201, answer)


@wire.case("an upload is gone for its owner, too, once he may not push any more; and back when he may")
def _(server):
    place = server.ask("POST", "/v2/secret/app/blobs/uploads/", authorization=basic("pusher")).header("location")
    changed(server, RULES.replace("[pusher], actions: [push]", "[nobody], actions: [push]"), ("POST", "/v2/secret/app/blobs/uploads/", "pusher", 403))
    for method in ("GET", "PATCH", "DELETE"):
        wire.refused(server.ask(method, place, authorization=basic("pusher")), 403, "DENIED")
    changed(server, RULES, ("POST", "/v2/secret/app/blobs/uploads/", "pusher", 202))
    wire.equal(server.ask("GET", place, authorization=basic("pusher")).status, 204)


def changed(server, rules, probe):
    """Puts rules in force; they must hold within two seconds."""
    method, path, name, status = probe
    server.rules(rules)
    began = time.monotonic()
    wire.eventually(lambda: server.ask(method, path, authorization=name and basic(name)).status == status, f"the rules change: {probe}")
    took = time.monotonic() - began
    wire.true(took < 2 or bool(os.environ.get("SANITIZER_SLOW")), f"a change of the rules took {took:.1f} s")


@wire.case("rules that are broken, empty or gone leave those before in force and are complained of once")
def _(server):
    prepared(server)
    for text, complaint in (("rules: [{subjects: [stranger]", "access.yml"), ("", "access.yml"), ("rules: []\n", "deny everything"),
                            ("rules:\n  - {subjects: [\"@nogroup\"]}\n", "nogroup"), ("rulez: []\n", "rulez"), (None, "No such file")):
        if text is None:
            os.remove(f"{server.folder}/access.yml")
        else:
            server.rules(text)
        wire.eventually(lambda: complaint in server.log_text().split("MARK")[-1], f"{text!r} is complained of: {complaint}")
        wire.equal(server.ask("GET", "/v2/secret/app/tags/list", authorization=basic("stranger")).status, 403)
        wire.equal(server.ask("GET", "/v2/secret/app/tags/list", authorization=basic("reader")).status, 200)
    changed(server, RULES.replace("[reader,", "["), ("GET", "/v2/secret/app/tags/list", "reader", 403))
    changed(server, RULES, ("GET", "/v2/secret/app/tags/list", "reader", 200))


PULL_ONLY = """access:
  rules:
    - subjects: [reader]
      actions:
        - pull
"""


@wire.case("rules in the configuration: a key that loses its value changes nothing, and rules that go away are warned of")
def _(_server):
    base = wire.CONFIG.split("access:")[0]
    server = Server(base + PULL_ONLY)
    server.extra_environment = {"REGISTRY_ODD": "1"}
    push = ("POST", "/v2/secret/app/blobs/uploads/")

    def written(text):
        super(Server, server).configure(base + text)
        return len(server.log_text())

    def pushes(status):
        return server.ask(*push, authorization=basic("reader")).status == status

    try:
        server.start()
        wire.equal(server.log_text().count("REGISTRY_ODD: unknown variable"), 1, "a warning is given once")
        wire.true(pushes(403), "a reader may not push")
        for text, complaint in ((PULL_ONLY.replace("        - pull", "        #- pull"), "access.rules[0].actions: no value"),
                                (PULL_ONLY.replace("    - ", "    #- ").replace("      a", "      #a").replace("        - ", "        #- "),
                                 "access.rules: no value"),
                                ("access:\n", "access: no value"), ("access: {{file: {folder}/access.yml}}\n", "restart the server")):
            at = written(text)
            wire.eventually(lambda at=at, complaint=complaint: complaint in server.log_text()[at:], f"{text!r} is refused: {complaint}")
            wire.true(pushes(403), f"{text!r} opens what was closed")
        at = written("")
        wire.eventually(lambda: pushes(202), "without the section whoever is logged in may do everything")
        wire.true("there are none any more: whoever is logged in may do everything now" in server.log_text()[at:], server.log_text()[at:])
        wire.equal(server.log_text().count("REGISTRY_ODD: unknown variable"), 1, "and no second time")
    finally:
        server.stop()
        server.remove()


@wire.case("half of a file of rules, written slowly in place, never means something else")
def _(server):
    whole = "rules:\n  - subjects: [stranger]\n    repositories: [nothing/**]\n" + RULES.split("rules:\n", maxsplit=1)[1]
    groups = RULES.split("rules:", maxsplit=1)[0]
    cut = groups + "rules:\n  - subjects: [stranger]\n"  # would be: the stranger may do everything
    with open(f"{server.folder}/access.yml", "w", encoding="utf-8") as file:
        file.write(cut)
        file.flush()
        time.sleep(0.3)
        file.write((groups + whole)[len(cut):])
    until = time.monotonic() + 1.5
    while time.monotonic() < until:
        wire.equal(server.ask("GET", "/v2/secret/app/tags/list", authorization=basic("stranger")).status, 403)
        time.sleep(0.05)
    changed(server, RULES, ("GET", "/v2/secret/app/tags/list", "reader", 200))


# ---- passes: how Docker pulls without a login and pushes with one ----

def token(server, authorization=None):
    answer = server.ask("GET", "/v2/_token?service=x&scope=repository:open/app:pull&account=a", authorization=authorization)
    wire.equal(answer.status, 200, answer)
    wire.equal((answer.json()["token"], answer.header("cache-control")), (answer.json()["access_token"], "no-store"))
    return "Bearer " + answer.json()["token"]


@wire.case("where nobody may pull something, the challenge names where to get a pass")
def _(server):
    answer = server.ask("GET", "/v2/", authorization=None)
    wire.equal(answer.status, 401, answer)
    wire.equal(answer.header("www-authenticate"), 'Bearer realm="http://registry.test/v2/_token",service="registry.test"')
    answer = server.ask("POST", "/v2/open/app/blobs/uploads/", authorization=None)
    wire.equal(answer.header("www-authenticate"),
               'Bearer realm="http://registry.test/v2/_token",service="registry.test",scope="repository:open/app:pull,push"')


@wire.cases("a Host like {0!r} gets no Bearer challenge with itself in it", [('x"y',), ("a b",), ("x,realm=evil",)])
def _(server, host):
    with server.connect(None) as c:
        answer = c.ask("GET", "/v2/", [("Host", host)])
        wire.one_of(answer.status, (400, 401), answer)
        wire.true(host not in (answer.header("www-authenticate") or ""), f"{answer!r}")


@wire.cases("behind a proxy that says {0!r} the challenge leads to {1}", [("https", "https"), ("HTTPS", "https"), ("http", "http"), ("", "http")])
def _(server, said, scheme):
    answer = server.ask("GET", "/v2/", {"X-Forwarded-Proto": said}, authorization=None)
    wire.true(answer.header("www-authenticate").startswith(f'Bearer realm="{scheme}://registry.test/'), f"{answer!r}")


@wire.case("a request of HTTP/1.0 without Host gets a Basic challenge, for nobody knows where a pass could be had")
def _(server):
    with server.connect(None) as c:
        c.send(b"GET /v2/ HTTP/1.0\r\n\r\n")
        challenged(c.answer(), bearer=False)


@wire.case("a pass in nobody's name opens what is open and no more")
def _(server):
    prepared(server)
    nobody = token(server)
    wire.equal(server.ask("GET", "/v2/", authorization=nobody).status, 200)
    wire.equal(server.ask("GET", "/v2/open/app/manifests/v1", authorization=nobody).status, 200)
    for method, path in (("GET", "/v2/secret/app/manifests/v1"), ("POST", "/v2/open/app/blobs/uploads/")):
        challenged(server.ask(method, path, authorization=nobody))


@wire.case("a pass in a user's name is worth his password, until his entry changes")
def _(server):
    server.add_user("passing", "first password")
    wire.eventually(lambda: server.ask("GET", "/v2/open/app/tags/list", authorization=basic("passing", "first password")).status == 200, "known")
    one = token(server, basic("passing", "first password"))
    wire.equal(server.ask("POST", "/v2/home/passing/app/blobs/uploads/", authorization=one).status, 202)
    wire.equal(server.ask("POST", "/v2/home/reader/app/blobs/uploads/", authorization=one).status, 403)
    challenged(server.ask("GET", "/v2/_token", authorization=one), bearer=False)  # else it would live for ever
    wire.subprocess.run([f"{wire.BUILD}/berth-user", "del", "passing", "--file", f"{server.folder}/htpasswd"], check=True)
    wire.eventually(lambda: server.ask("GET", "/v2/open/app/tags/list", authorization=one).status == 401, "the pass dies with its user", 2)
    answer = server.ask("GET", "/v2/", authorization=one)
    wire.true('error="invalid_token"' in answer.header("www-authenticate"), f"{answer!r}")


@wire.cases("no pass: {0:.40}", [("Bearer ",), ("Bearer x",), ("Bearer " + "A" * 80,), ("Bearer " + "A" * 5000,), ("bearer !",)])
def _(server, value):
    answer = server.ask("GET", "/v2/open/app/tags/list", authorization=value)
    wire.equal(answer.status, 401, answer)


@wire.case("a wrong password gets no pass, and is told so by a Basic challenge")
def _(server):
    challenged(server.ask("GET", "/v2/_token", authorization=basic("reader", "wrong")), bearer=False)
    wire.refused(server.ask("POST", "/v2/_token", authorization=None), (401, 405))


@wire.case("berth access explain names the rule that decides, and says the same as the server")
def _(server):
    for name, repository, rights in MAY:
        for action in ("pull", "push", "delete", "overwrite"):
            run = wire.subprocess.run([f"{wire.BUILD}/berth", "access", "explain", name or "-", action, repository, "--config",
                                       f"{server.folder}/config.yml", "--address", "127.0.0.1", "--json"], capture_output=True, text=True, check=False)
            decision = wire.json.loads(run.stdout)
            wire.equal((decision["allowed"], run.returncode), (action in rights.split(), 0 if action in rights.split() else 1), (name, action, repository))
            wire.true("access.yml:" in decision["text"] or decision["rule"] == 0, decision["text"])


wire.main()
